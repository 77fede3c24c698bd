#include "apps/text/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kPackedBytes = std::size_t{1} << 18;
constexpr char kGzipMark[] = {'\x1F', '\x8B'};

}  // namespace

void ByteSource::Close::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

ByteSource::ByteSource(const std::string& path, std::string name)
    : name_(std::move(name)), file_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) throw IoError(join(name_, ": can't be opened: ", std::strerror(errno)));
}

ByteSource::~ByteSource() {
  if (!is_stdin()) close(file_);
}

bool ByteSource::is_stdin() const { return file_ == STDIN_FILENO; }

bool ByteSource::ready() const {
  if (stream_ || begin_ < end_) return true;
  pollfd waiting{file_, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

std::size_t ByteSource::read(char* to, std::size_t size) {
  if (is_stdin()) return read_raw(to, size);
  if (!begun_) begin();
  if (stream_) return unpack(to, size);
  const std::size_t bytes = std::min(size, end_ - begin_);
  if (bytes == 0) return read_raw(to, size);
  std::memcpy(to, packed_.data() + begin_, bytes);  // what begin() has read
  begin_ += bytes;
  return bytes;
}

std::size_t ByteSource::read_raw(char* to, std::size_t size) {
  ssize_t bytes;
  do {
    bytes = ::read(file_, to, size);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) throw IoError(join(name_, ": can't be read: ", std::strerror(errno)));
  return static_cast<std::size_t>(bytes);
}

// Reads until at least `wanted` bytes are unread, or the file ends; the number that are.
std::size_t ByteSource::packed_bytes(std::size_t wanted) {
  while (end_ - begin_ < wanted) {
    std::copy(packed_.data() + begin_, packed_.data() + end_, packed_.data());
    end_ -= std::exchange(begin_, 0);
    const std::size_t bytes = read_raw(packed_.data() + end_, packed_.size() - end_);
    if (bytes == 0) break;
    end_ += bytes;
    bytes_read_ += bytes;
  }
  return end_ - begin_;
}

void ByteSource::begin() {
  begun_ = true;
  packed_.resize(kPackedBytes);
  if (packed_bytes(2) < 2 || std::memcmp(packed_.data(), kGzipMark, 2) != 0) return;
  stream_.reset(new z_stream_s());
  constexpr int kGzipOnly = 16;
  if (inflateInit2(stream_.get(), MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  in_member_ = true;
}

// Whether another member follows. NULs behind the last one are padding, as gzip has it.
bool ByteSource::begin_member() {
  if (packed_bytes(2) >= 2 && std::memcmp(packed_.data() + begin_, kGzipMark, 2) == 0) {
    inflateReset(stream_.get());
    return true;
  }
  for (; packed_bytes(1) > 0; ++begin_) {
    if (packed_[begin_] == '\0') continue;
    throw DataError(
        join(name_, ": the gzipped text ends at byte ", bytes_read_ - (end_ - begin_),
             ", and something that is not gzipped follows: gzip all of it, or cut the file off there"));
  }
  return false;
}

std::size_t ByteSource::unpack(char* to, std::size_t size) {
  stream_->next_out = reinterpret_cast<Bytef*>(to);
  stream_->avail_out = static_cast<uInt>(size);
  while (stream_->avail_out == size) {
    if (!in_member_ && !(in_member_ = begin_member())) return 0;
    if (packed_bytes(1) == 0) refuse("unexpected end of file");
    stream_->next_in = reinterpret_cast<Bytef*>(packed_.data() + begin_);
    stream_->avail_in = static_cast<uInt>(end_ - begin_);
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    begin_ = end_ - stream_->avail_in;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END) refuse(stream_->msg ? stream_->msg : zError(result));
    in_member_ = result != Z_STREAM_END;
  }
  return size - stream_->avail_out;
}

void ByteSource::refuse(const std::string& reason) const {
  throw IoError(
      join(name_, ": the gzipped file is truncated or damaged (", reason, "): fetch or make it anew"));
}

}  // namespace mininmt
