// The exceptions of the project. A program turns them into a message on stderr and an exit code; user input
// never aborts a program.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace mininmt {

// Any failure at run time, including wrong shapes. Exit code 1.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, int exit_code = 1)
      : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

// Not enough memory. Exit code 1.
class OutOfMemory : public Error {
 public:
  explicit OutOfMemory(const std::string& message) : Error(message) {}
};

// An invalid command line or config file. Exit code 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message, 2) {}
};

// Invalid input data; the message names file and line. Exit code 65.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(message, 65) {}
};

// Reading or writing failed; the message names the file and the system's reason. Exit code 74.
class IoError : public Error {
 public:
  explicit IoError(const std::string& message) : Error(message, 74) {}
};

// join("a ", 3, " b") is "a 3 b".
template <class... Parts>
std::string join(const Parts&... parts) {
  std::ostringstream out;
  out.exceptions(std::ios::badbit);  // else a message that finds no memory is cut off in silence
  (out << ... << parts);
  return out.str();
}

// Rounded down: "3 GiB" is "3072 MiB"; below a MiB "640 KiB".
inline std::string format_bytes(std::size_t bytes) {
  return bytes >> 20 > 0 ? join(bytes >> 20, " MiB") : join(bytes >> 10, " KiB");
}

}  // namespace mininmt
