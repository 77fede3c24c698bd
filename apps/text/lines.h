// Text a line at a time, from plain and gzipped files and from stdin.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct gzFile_s;  // zlib's handle

namespace mininmt {

struct LineOptions {
  bool replace_invalid_utf8 = false;             // replace by U+FFFD what isn't UTF-8, instead of refusing it
  std::size_t max_bytes = std::size_t{1} << 20;  // a longer line is refused
};

// Reads the lines of a file. Only '\n' ends a line (not U+2028, NEL or a lone CR); a CR right before it and a
// byte order mark at the start of the file are dropped. A last line without '\n' is a line. Every line is
// valid UTF-8.
class LineReader {
 public:
  // Opens `path`, plain or gzipped; "-" is stdin, which is read as it arrives and can't be gzipped.
  // Throws IoError with the system's reason.
  explicit LineReader(const std::string& path, LineOptions options = {});

  // Reads the next line, without its end, into `line`; false at the end of the file.
  // Throws DataError where a line isn't UTF-8 or is too long, IoError where reading failed or a gzipped file
  // is truncated or altered.
  bool next(std::string& line);

  // The number of the line that next() gave last, counted from 1; 0 before the first.
  std::size_t line_number() const { return line_number_; }

  // The path, or "stdin".
  const std::string& name() const { return name_; }

  // "train.en:17", the place that a message about the last line names.
  std::string place() const;

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };

  bool take_line(std::string& line);
  bool fill();
  std::size_t read_stdin();
  std::size_t read_file();
  void check_encoding(std::string& line) const;

  std::string name_;
  LineOptions options_;
  std::unique_ptr<gzFile_s, Close> file_;  // null for stdin
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // the unread part of buffer_
  std::size_t line_number_ = 0;
};

// Refuses a pipe or a device, which can't be read a second time; it isn't opened, since that could wait
// forever. Whether a file is there at all is left to LineReader. Throws UsageError.
void refuse_pipe(const std::string& path);

// The words of a line, which white space separates: runs of ASCII space, tab and CR. (A CR that ends no line
// still ends a word, so that a word written at the end of a line reads back as it was.) The views point into
// `line`.
std::vector<std::string_view> split_words(std::string_view line);

}  // namespace mininmt
