// Files that are either there in full or not there: written under a temporary name, then renamed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mininmt {

// A file being written. Its content goes to a temporary name in the same folder; commit() gives it its own
// name, and what stood under that name before remains until then. Without commit() the destructor removes the
// temporary.
class AtomicFile {
 public:
  // Creates the temporary. Throws IoError with the system's reason, as all members do.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends bytes, text or binary. They aren't buffered: write in large pieces.
  void write(std::string_view bytes);

  // Puts the file in its place: fsync, rename, fsync of the folder, after which it survives a power cut. Call
  // it once.
  void commit();

 private:
  void open_temporary();
  [[noreturn]] void fail(const char* what) const;

  std::string path_;
  std::string temporary_;  // empty once renamed
  int descriptor_ = -1;
};

// Writes `contents` to `path` in this way.
void write_file_atomically(const std::string& path, std::string_view contents);

}  // namespace mininmt
