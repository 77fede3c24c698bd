#include "tensor/checksum.h"

#include <zlib.h>

#include <cstdio>

namespace mininmt {

void Checksum::add(std::string_view bytes) {
  value_ =
      static_cast<std::uint32_t>(crc32_z(value_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string Checksum::text() const {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(value_));
  return digits;
}

}  // namespace mininmt
