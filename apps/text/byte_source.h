// The bytes of a plain or gzipped file, or of stdin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct z_stream_s;  // zlib's state

namespace mininmt {

// Reads bytes as they arrive. zlib's own gzread drops what stands behind the last gzipped member in silence.
class ByteSource {
 public:
  // Opens `path`; "-" is stdin, which is not unpacked. `name` stands in messages. Throws IoError.
  ByteSource(const std::string& path, std::string name);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Reads up to `size` bytes; 0 only at the end. Throws IoError if reading fails or a gzipped file is
  // truncated or damaged, DataError if something else than a gzipped member stands behind one.
  std::size_t read(char* to, std::size_t size);

  // Whether read() would return at once: bytes have come through the pipe, or its end. Of a gzipped file it
  // is always true: it is not written while it is read.
  bool ready() const;

  bool is_stdin() const;

 private:
  struct Close {
    void operator()(z_stream_s* stream) const;
  };

  std::size_t read_raw(char* to, std::size_t size);
  std::size_t packed_bytes(std::size_t wanted);
  void begin();
  bool begin_member();
  std::size_t unpack(char* to, std::size_t size);
  [[noreturn]] void refuse(const std::string& reason) const;

  std::string name_;
  int file_;
  bool begun_ = false, in_member_ = false;
  std::vector<char> packed_;
  std::size_t begin_ = 0, end_ = 0;            // the unread part of packed_
  std::uint64_t bytes_read_ = 0;               // of the file, up to end_
  std::unique_ptr<z_stream_s, Close> stream_;  // null for plain text
};

}  // namespace mininmt
