// What is fuzzed: functions that take any bytes, as a file or text from outside has them. Bytes that are
// refused with an Error are fine; anything else that is thrown, a wrong result, and what the sanitizers see,
// ends the program.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mininmt {

struct FuzzTarget {
  const char* name;
  void (*run)(std::string_view bytes);
};

std::vector<FuzzTarget> format_targets();  // safetensors, model, checkpoint
std::vector<FuzzTarget> text_targets();    // lines, links, vocab, config
std::vector<FuzzTarget> search_targets();  // score, picture

// Ends the program with a message unless `holds`.
void require(bool holds, const char* what);

// Calls `work`; whether it threw no Error.
bool accepts(const std::function<void()>& work);

// A file in memory with these bytes.
class BytesFile {
 public:
  explicit BytesFile(std::string_view bytes);
  ~BytesFile();
  BytesFile(const BytesFile&) = delete;
  BytesFile& operator=(const BytesFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

// Runs the target of that name. Throws UsageError if there is none.
void run_target(std::string_view name, std::string_view bytes);

}  // namespace mininmt
