#include "apps/text/number_list.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 20;

[[noreturn]] void throw_error(const std::string& folder, const char* what) {
  throw IoError(join("--corpus-on-disk ", folder, ": a file there ", what, ": ", std::strerror(errno),
                     "; name a folder that is there, with room for 4 bytes a word and 16 a pair"));
}

}  // namespace

TemporaryFile::TemporaryFile(const std::string& folder) : folder_(folder) {
  std::string name = folder + "/mininmt-XXXXXX";
  descriptor_ = ::mkstemp(name.data());
  if (descriptor_ < 0) throw_error(folder_, "can't be made");
  ::unlink(name.c_str());
}

TemporaryFile::~TemporaryFile() {
  if (mapped_ != nullptr) ::munmap(mapped_, bytes_);
  ::close(descriptor_);
}

void TemporaryFile::add(const void* data, std::size_t bytes) {
  const char* const begin = static_cast<const char*>(data);
  buffer_.insert(buffer_.end(), begin, begin + bytes);
  bytes_ += bytes;
  if (buffer_.size() >= kBuffer) write_buffer();
}

void TemporaryFile::write_buffer() {
  for (std::size_t done = 0; done < buffer_.size();) {
    const ssize_t written = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_error(folder_, "can't be written");
    done += static_cast<std::size_t>(written);
  }
  buffer_.clear();
}

const void* TemporaryFile::map() {
  write_buffer();
  buffer_.shrink_to_fit();
  if (bytes_ == 0 || mapped_ != nullptr) return mapped_;
  void* const mapped = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (mapped == MAP_FAILED) throw_error(folder_, "can't be mapped into memory");
  return mapped_ = mapped;
}

}  // namespace mininmt
