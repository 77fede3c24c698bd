#include "tensor/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

// Makes a rename in `folder` durable. Some network file systems can't fsync a folder (EINVAL); ignore that.
bool sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0 || errno == EINVAL;
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  return synced;
}

}  // namespace

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) { open_temporary(); }

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

// O_EXCL excludes a second writer; a temporary left behind by a killed process is skipped.
void AtomicFile::open_temporary() {
  constexpr int kAttempts = 1000;
  for (int attempt = 0; attempt < kAttempts && descriptor_ < 0; ++attempt) {
    std::string name = join(path_, ".tmp-", ::getpid(), "-", attempt);
    descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ >= 0) temporary_ = std::move(name);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) fail("can't be created");
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("can't be written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("can't be written");
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("can't be written");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("can't be put in its place");
  temporary_.clear();
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (!sync_folder(folder.empty() ? "." : folder)) fail("is written, but its folder can't be synchronised");
}

void AtomicFile::fail(const char* what) const {
  throw IoError(join(path_, " ", what, ": ", std::strerror(errno)));
}

void write_file_atomically(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

void link_file(const std::string& path, const std::string& second) {
  namespace fs = std::filesystem;
  const std::string temporary = join(second, ".tmp-", ::getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(path, temporary, error);
  if (error) fs::copy_file(path, temporary, error);
  if (!error) fs::rename(temporary, second, error);
  if (error) throw IoError(join(path, " can't be kept as ", second, ": ", error.message()));
}

}  // namespace mininmt
