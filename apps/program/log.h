// What a program says while it works: lines with the time on stderr, and in a file if one is wanted; below
// them, on a terminal, one line that shows how far it is.
#pragma once

#include <fstream>
#include <mutex>
#include <string>

namespace mininmt {

// Writes "[2014-09-01 14:02:11] text". Every function may be called from any thread. Losing stderr or the log
// file never ends a training run: a failed write to the file is reported once on stderr, one to stderr is
// ignored.
class Log {
 public:
  // quiet: nothing but warnings on stderr, the file still gets all. file: where to append; empty for none.
  // Throws IoError when the file cannot be opened.
  explicit Log(bool quiet, const std::string& file = "");
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // A line for stderr (unless quiet) and for the file. A text of several lines gets the time on each.
  void info(const std::string& text);
  // The same with "warning: " before it, also when quiet.
  void warning(const std::string& text);
  // A line for the file alone, as for an error that ends the program and is printed by its main function.
  void to_file(const std::string& text);

  // Shows `text` as the status line, in place of the one before; empty for none. Lines of the log stay above
  // it.
  void set_status(const std::string& text);
  // Whether a status line would be seen: stderr is a terminal, and the log is not quiet.
  bool shows_status() const { return shows_status_; }

 private:
  void write(const std::string& text, bool to_stderr);
  void erase_status();
  void draw_status();

  std::mutex mutex_;
  bool quiet_;
  bool shows_status_;
  std::string status_;
  std::string file_name_;
  std::ofstream file_;
};

}  // namespace mininmt
