#include "apps/program/log.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sstream>

#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

std::string time_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> text;
  const std::size_t size = std::strftime(text.data(), text.size(), "[%Y-%m-%d %H:%M:%S] ", &local);
  return std::string(text.data(), size);
}

std::size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

Log::Log(bool quiet, const std::string& file)
    : quiet_(quiet), shows_status_(!quiet && isatty(STDERR_FILENO) == 1), file_name_(file) {
  if (file.empty()) return;
  file_.open(file, std::ios::app);
  if (!file_) throw IoError(join("cannot open the log ", file, ": ", std::strerror(errno)));
}

Log::~Log() { erase_status(); }

void Log::info(const std::string& text) { write(text, !quiet_); }

void Log::warning(const std::string& text) { write("warning: " + text, !mute_); }

void Log::to_file(const std::string& text) { write(text, false); }

void Log::set_status(const std::string& text) {
  if (!shows_status_) return;
  const std::lock_guard lock(mutex_);
  erase_status();
  status_ = text;
  draw_status();
}

void Log::write(const std::string& text, bool to_stderr) {
  const std::lock_guard lock(mutex_);
  const std::string stamp = time_stamp();
  std::string stamped;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) stamped += stamp + visible(line) + "\n";
  if (to_stderr) {
    erase_status();
    std::fputs(stamped.c_str(), stderr);
    draw_status();
  }
  if (file_.is_open() && !(file_ << stamped << std::flush)) {
    file_.close();
    std::fprintf(stderr, "%swarning: cannot write the log %s: going on without it\n", stamp.c_str(),
                 visible(file_name_).c_str());
  }
}

// "\r" returns to the first column, "\x1b[K" clears the rest of the line.
void Log::erase_status() {
  if (!status_.empty()) std::fputs("\r\x1b[K", stderr);
}

// A line as wide as the terminal would wrap and could not be erased, so it is cut shorter.
void Log::draw_status() {
  if (!status_.empty()) std::fputs(status_.substr(0, terminal_columns() - 1).c_str(), stderr);
}

}  // namespace mininmt
