// Checksums that tell damaged or other data from what was written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mininmt {

// CRC-32 of everything added so far. It finds accidents, not forgeries.
class Checksum {
 public:
  void add(std::string_view bytes);
  template <class T>
  void add(std::span<const T> items) {
    add(std::string_view(reinterpret_cast<const char*>(items.data()), items.size_bytes()));
  }

  std::string text() const;  // 8 hexadecimal digits

 private:
  std::uint32_t value_ = 0;
};

}  // namespace mininmt
