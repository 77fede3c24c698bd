// A program's log: timestamped lines on stderr and in an optional file; on a terminal also a status line.
#pragma once

#include <fstream>
#include <mutex>
#include <string>

namespace mininmt {

// Writes "[2014-09-01 14:02:11] text", control characters as escapes. Thread-safe. Losing stderr or the log
// file never ends a training run: a failed write to the file is reported once on stderr, one to stderr is
// ignored.
class Log {
 public:
  // quiet: only warnings on stderr; the file still gets everything. file: appended to; empty for none. Throws
  // IoError if the file cannot be opened.
  explicit Log(bool quiet, const std::string& file = "");
  // Writes nothing.
  struct Mute {};
  explicit Log(Mute) : Log(true) { mute_ = true; }
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Logs a line to stderr (unless quiet) and the file. Each line of a longer text gets the time.
  void info(const std::string& text);
  // Like info, with "warning: " in front, even when quiet.
  void warning(const std::string& text);
  // Logs to the file only, e.g. a fatal error that main prints itself.
  void to_file(const std::string& text);

  // Replaces the status line by `text`; empty for none. Log lines stay above it.
  void set_status(const std::string& text);
  // Whether a status line is visible: stderr is a terminal, and the log is not quiet.
  bool shows_status() const { return shows_status_; }

 private:
  void write(const std::string& text, bool to_stderr);
  void erase_status();
  void draw_status();

  std::mutex mutex_;
  bool quiet_;
  bool shows_status_;
  bool mute_ = false;
  std::string status_;
  std::string file_name_;
  std::ofstream file_;
};

}  // namespace mininmt
