// A long list of numbers, in memory or in a temporary file.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mininmt {

// A file without a name, which is gone when the program ends. It is appended to, then mapped into memory,
// where the system keeps as much of it as there is room for.
class TemporaryFile {
 public:
  // Throws IoError if none can be made in the folder.
  explicit TemporaryFile(const std::string& folder);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void add(const void* data, std::size_t bytes);  // throws IoError, as on a full disk
  const void* map();                              // all of it; after that nothing is added

 private:
  void write_buffer();

  std::string folder_;
  int descriptor_ = -1;
  std::vector<char> buffer_;
  std::size_t bytes_ = 0;
  void* mapped_ = nullptr;
};

template <class T>
class NumberList {
 public:
  NumberList() = default;
  explicit NumberList(const std::string& folder) : file_(std::make_shared<TemporaryFile>(folder)) {}

  void add(std::span<const T> numbers) {
    size_ += numbers.size();
    if (file_) return file_->add(numbers.data(), numbers.size_bytes());
    for (const T number : numbers) in_memory_.push_back(number);
  }

  // Call it once all are added, if they are in a file.
  void finish() {
    if (file_) mapped_ = static_cast<const T*>(file_->map());
  }

  std::size_t size() const { return size_; }
  std::span<const T> all() const { return {file_ ? mapped_ : in_memory_.data(), size_}; }

 private:
  std::vector<T> in_memory_;
  std::shared_ptr<TemporaryFile> file_;  // of copies, too
  const T* mapped_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace mininmt
