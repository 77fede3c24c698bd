#include "apps/text/not_text.h"

#include <array>

#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

using namespace std::string_view_literals;

struct Format {
  std::size_t offset;
  std::string_view bytes;
  std::string_view what, command;
};

// UTF-32's mark begins like UTF-16's, so it comes first.
constexpr std::array kFormats = {
    Format{0, "\xFF\xFE\0\0"sv, "is UTF-32", "iconv -f UTF-32 -t UTF-8"},
    Format{0, "\0\0\xFE\xFF"sv, "is UTF-32", "iconv -f UTF-32 -t UTF-8"},
    Format{0, "\xFF\xFE"sv, "is UTF-16", "iconv -f UTF-16 -t UTF-8"},
    Format{0, "\xFE\xFF"sv, "is UTF-16", "iconv -f UTF-16 -t UTF-8"},
    Format{0, "\x1F\x8B"sv, "is gzipped", "zcat"},  // on stdin, or in a gzipped file
    Format{0,
           "\xFD"
           "7zXZ\0"sv,
           "is compressed by xz", "xz -dc"},
    Format{0, "BZh"sv, "is compressed by bzip2", "bunzip2 -c"},
    Format{0, "PK\3\4"sv, "is a zip archive", "unzip -p"},
    Format{0, "PK\5\6"sv, "is a zip archive", "unzip -p"},
    Format{0, "\x28\xB5\x2F\xFD"sv, "is compressed by zstd", "zstd -dc"},
    Format{1, "\x2A\x4D\x18"sv, "is compressed by zstd", "zstd -dc"},  // after a byte from 0x50 to 0x5F
    Format{0, "\x04\x22\x4D\x18"sv, "is compressed by lz4", "lz4 -dc"},
    Format{0, "LZIP\1"sv, "is compressed by lzip", "lzip -dc"},
    Format{0, "\x1F\x9D"sv, "is compressed by compress", "uncompress -c"},
    Format{0, "7z\xBC\xAF\x27\x1C"sv, "is a 7z archive", "7z x -so"},
    Format{257, "ustar"sv, "is a tar archive", "tar -xOf"},
    Format{0, "%PDF-"sv, "is a PDF", "pdftotext"},
};

bool matches(const Format& format, std::string_view head) {
  if (!head.substr(std::min(format.offset, head.size())).starts_with(format.bytes)) return false;
  if (format.bytes ==
      "BZh")  // these three could begin a text; a digit and the block's or the end's mark don't
    return head.substr(4).starts_with("1AY&SY") || head.substr(4).starts_with("\x17rE8P\x90");
  return format.offset != 1 || (static_cast<unsigned char>(head[0]) & 0xF0) == 0x50;
}

// Whether `head` is UTF-16 without a mark, whose characters have their high byte at positions of this parity:
// mostly small numbers (in Latin, Cyrillic, Arabic), or NUL at least at a newline and some other places.
bool is_utf16(std::string_view head, std::size_t high) {
  const std::size_t pairs = head.size() / 2;
  std::size_t small = 0, ascii = 0, newlines = 0, low_nuls = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto high_byte = static_cast<unsigned char>(head[2 * i + high]);
    const auto low_byte = static_cast<unsigned char>(head[2 * i + 1 - high]);
    const auto is_blank = [](unsigned char byte) { return byte == '\t' || byte == '\n' || byte == '\r'; };
    if (high_byte == 0 && low_byte == 0) return false;
    small += high_byte <= 0x06;  // up to Arabic
    ascii += high_byte == 0 && ((low_byte >= 0x20 && low_byte < 0x7F) || is_blank(low_byte));
    newlines += high_byte == 0 && low_byte == '\n';
    low_nuls += low_byte == 0;  // some characters of Chinese have it
  }
  if (low_nuls >= ascii) return false;
  return 2 * small > pairs || (newlines > 0 && 64 * ascii > pairs && find_invalid_utf8(head) != head.npos);
}

}  // namespace

std::string not_text(std::string_view head, const std::string& file) {
  for (const Format& format : kFormats) {
    if (!matches(format, head)) continue;
    const bool encoded = format.what.starts_with("is UTF");
    return join(" ", format.what,
                encoded ? ": convert it to UTF-8 first: " : ": unpack it first: ", format.command, " ", file,
                format.command == "pdftotext" ? " -" : "");
  }
  for (const std::size_t high : {0, 1}) {
    if (!is_utf16(head, high)) continue;
    return join(" is UTF-16 without a byte order mark: convert it to UTF-8 first: iconv -f UTF-16",
                high == 0 ? "BE" : "LE", " -t UTF-8 ", file);
  }
  return "";
}

}  // namespace mininmt
