#include "apps/text/lines.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void LineReader::Close::operator()(gzFile_s* file) const { gzclose(file); }

LineReader::LineReader(const std::string& path, LineOptions options)
    : name_(path == "-" ? "stdin" : path), options_(options), buffer_(kBufferBytes) {
  if (path == "-") return;
  errno = 0;
  file_.reset(gzopen(path.c_str(), "rb"));
  if (!file_) throw IoError(join(name_, ": can't be opened: ", std::strerror(errno ? errno : ENOMEM)));
  gzbuffer(file_.get(), kBufferBytes);
}

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

std::string LineReader::place() const { return join(name_, ":", line_number_); }

// Appends to `line` up to the next '\n'; false if the file ends first.
bool LineReader::take_line(std::string& line) {
  while (begin_ < end_ || fill()) {
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

bool LineReader::fill() {
  begin_ = 0;
  end_ = file_ ? read_file() : read_stdin();
  return end_ > 0;
}

// gzread would wait for a full buffer; interactive input must be answered line by line.
std::size_t LineReader::read_stdin() {
  ssize_t bytes;
  do {
    bytes = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) throw IoError(join(name_, ": can't be read: ", std::strerror(errno)));
  return static_cast<std::size_t>(bytes);
}

std::size_t LineReader::read_file() {
  const int bytes = gzread(file_.get(), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  if (bytes == static_cast<int>(buffer_.size())) return buffer_.size();
  // Fewer bytes than requested: end of file or an error, which zlib distinguishes only here.
  const int system_error = errno;
  int error = Z_OK;
  const char* reason = gzerror(file_.get(), &error);
  if (error == Z_ERRNO) throw IoError(join(name_, ": can't be read: ", std::strerror(system_error)));
  if (error != Z_OK && error != Z_STREAM_END) {
    throw IoError(
        join(name_, ": the gzipped file is truncated or damaged (", reason, "): fetch or make it anew"));
  }
  return static_cast<std::size_t>(std::max(bytes, 0));
}

void LineReader::check_encoding(std::string& line) const {
  const std::size_t at = find_invalid_utf8(line);
  if (at == std::string::npos) return;
  if (!file_ && line_number_ == 1 && line.starts_with("\x1f\x8b"))
    throw DataError("stdin is gzipped: unpack it with 'zcat FILE |', or give the file by its name");
  if (!options_.replace_invalid_utf8) {
    throw DataError(join(place(), ": byte ", at + 1,
                         " of the line is not UTF-8: convert the text first, for example with ",
                         "'iconv -f latin1 -t utf-8'"));
  }
  line = replace_invalid_utf8(line);
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
