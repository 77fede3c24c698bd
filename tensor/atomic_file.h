// Files that are either complete or absent: written under a temporary name, then renamed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mininmt {

// A file being written. The contents go to a temporary file in the same folder; commit() renames it, and
// until then an old file of that name stays. Without commit() the destructor removes the temporary file.
class AtomicFile {
 public:
  // Creates the temporary file. Like all members, throws IoError with the system's reason.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends bytes, text or binary. Not buffered: write in large pieces.
  void write(std::string_view bytes);

  // Puts the file in place: fsync, rename, fsync of the folder, to survive a power failure. Call it once.
  void commit();

 private:
  void open_temporary();
  [[noreturn]] void fail(const char* what) const;

  std::string path_;
  std::string temporary_;  // empty once renamed
  int descriptor_ = -1;
};

// Writes `contents` to `path` atomically.
void write_file_atomically(const std::string& path, std::string_view contents);

// Makes `second` another name of the file `path`, atomically, in place of what had that name; a copy where
// the file system knows no links. Throws IoError.
void link_file(const std::string& path, const std::string& second);

}  // namespace mininmt
