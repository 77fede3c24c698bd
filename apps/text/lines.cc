#include "apps/text/lines.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "apps/text/not_text.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(const std::string& path, LineOptions options)
    : name_(path == "-" ? "stdin" : path), options_(options), source_(path, name_), buffer_(kBufferBytes) {}

bool LineReader::next(std::string& line) {
  line.clear();
  const bool ended = take_line(line);
  if (line_number_ == 0 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  if (!ended && line.empty()) return false;
  ++line_number_;
  if (ended && line.ends_with('\r')) line.pop_back();
  check_encoding(line);
  return true;
}

bool LineReader::ready() {
  while (!at_end_ && std::memchr(buffer_.data() + begin_, '\n', end_ - begin_) == nullptr) {
    if (!source_.ready()) return false;
    if (end_ - begin_ == buffer_.size()) return true;  // a line of this length is not typed
    fill();
  }
  return true;
}

std::string LineReader::place() const { return join(name_, ":", line_number_); }

// Appends to `line` up to the next '\n'; false if the file ends first.
bool LineReader::take_line(std::string& line) {
  while (begin_ < end_ || (!at_end_ && fill())) {
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    const std::size_t bytes = newline ? static_cast<std::size_t>(newline - from) : end_ - begin_;
    if (line.size() + bytes > options_.max_bytes) {
      throw DataError(join(name_, ":", line_number_ + 1, ": the line is longer than ", options_.max_bytes,
                           " bytes: the text must have one sentence a line, each ended by a newline"));
    }
    line.append(from, bytes);
    begin_ += bytes + (newline ? 1 : 0);
    if (newline) return true;
  }
  return false;
}

// Reads more behind the unread part.
bool LineReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  const std::size_t bytes = source_.read(buffer_.data() + end_, buffer_.size() - end_);
  if (head_.size() < kHeadBytes) check_head(bytes);
  end_ += bytes;
  at_end_ = bytes == 0;
  return !at_end_;
}

// The first bytes may come one at a time; the last `bytes` are new.
void LineReader::check_head(std::size_t bytes) {
  head_.append(buffer_.data() + end_, std::min(bytes, kHeadBytes - head_.size()));
  const std::string what = not_text(head_, source_.is_stdin() ? "FILE |" : name_);
  if (!what.empty()) throw DataError(name_ + what);
}

void LineReader::check_encoding(std::string& line) const {
  const std::size_t invalid = find_invalid_utf8(line), nul = line.find('\0');
  if (invalid == line.npos && nul == line.npos) return;
  if (options_.replace_invalid_utf8) {
    line = replace_invalid_utf8(line, true);
  } else if (nul < invalid) {
    throw DataError(
        join(place(), ": byte ", nul + 1, " of the line is NUL: this is no text, or UTF-16, which ",
             "'iconv -f UTF-16LE -t UTF-8' converts; \"tr -d '\\000'\" leaves out NULs that are strays"));
  } else {
    throw DataError(join(place(), ": byte ", invalid + 1,
                         " of the line is not UTF-8: convert the text first, for example with ",
                         "'iconv -f latin1 -t utf-8'"));
  }
}

void refuse_pipe(const std::string& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  using enum std::filesystem::file_type;
  if (type != fifo && type != socket && type != character) return;
  throw UsageError(join(path,
                        " is a pipe or a device, and training text is read twice: write it to a file first, ",
                        "which may be gzipped"));
}

std::vector<std::string_view> split_words(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  std::vector<std::string_view> words;
  for (auto begin = line.find_first_not_of(kSpace); begin != line.npos;) {
    const auto end = std::min(line.find_first_of(kSpace, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kSpace, end);
  }
  return words;
}

}  // namespace mininmt
