// Reads text line by line, from plain and gzipped files and stdin.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/byte_source.h"

namespace mininmt {

struct LineOptions {
  bool replace_invalid_utf8 = false;             // replace invalid UTF-8 and NUL by U+FFFD instead of failing
  std::size_t max_bytes = std::size_t{1} << 20;  // longer lines are an error
};

// Reads the lines of a file. Only '\n' ends a line (not U+2028, NEL or a lone CR); a CR right before it and a
// byte order mark at the start are dropped. A last line without '\n' is a line. Every line is valid UTF-8.
class LineReader {
 public:
  // Opens `path`, plain or gzipped; "-" is stdin, which is read as it arrives and can't be gzipped.
  // Throws IoError with the system's reason.
  explicit LineReader(const std::string& path, LineOptions options = {});

  // Reads the next line, without its end, into `line`; false at the end of the file.
  // Throws DataError if a line isn't UTF-8 without NUL or is too long, or the file is no text at all
  // (not_text.h); and as ByteSource does.
  bool next(std::string& line);

  // Whether next() would return without waiting for a pipe: the rest of the line is there, or the end. Throws
  // as next() does.
  bool ready();

  // The number of the last line returned by next(), from 1; 0 before the first.
  std::size_t line_number() const { return line_number_; }

  // The path, or "stdin".
  const std::string& name() const { return name_; }

  // The place of the last line, for messages: "train.en:17".
  std::string place() const;

 private:
  bool take_line(std::string& line);
  bool fill();
  void check_head(std::size_t bytes);
  void check_encoding(std::string& line) const;

  std::string name_;
  LineOptions options_;
  ByteSource source_;
  std::string head_;  // the first bytes
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // the unread part of buffer_
  bool at_end_ = false;              // nothing follows it
  std::size_t line_number_ = 0;
};

// Rejects a pipe or device, which can't be read twice, without opening it, since that could block. Throws
// UsageError. Missing files are left to LineReader.
void refuse_pipe(const std::string& path);

// The words of a line, separated by ASCII space, tab and CR. (A CR inside a line also ends a word, so that a
// word written at the end of a line reads back unchanged.) The views point into `line`.
std::vector<std::string_view> split_words(std::string_view line);

}  // namespace mininmt
