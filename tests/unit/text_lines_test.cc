#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/lines.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& path, LineOptions options = {}) {
  LineReader reader(path, options);
  Lines lines;
  std::string line;
  while (reader.next(line)) lines.push_back(line);
  CHECK(reader.line_number() == lines.size());
  CHECK_FALSE(reader.next(line));
  return lines;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_CASE("what ends a line") {
  const TemporaryFolder folder;
  const auto lines = [&](std::string_view contents) { return lines_of(folder.write("text", contents)); };
  CHECK(lines("") == Lines{});
  CHECK(lines("\n") == Lines{""});
  CHECK(lines("a b\nc\n") == Lines{"a b", "c"});
  CHECK(lines("a b\nc") == Lines{"a b", "c"});
  CHECK(lines("a\n\n\nb\n") == Lines{"a", "", "", "b"});
  CHECK(lines("a\r\nb\r\n") == Lines{"a", "b"});
  CHECK(lines("a\r\r\n") == Lines{"a\r"});
  CHECK(lines("a\rb\n") == Lines{"a\rb"});
  CHECK(lines("a\r") == Lines{"a\r"});
  CHECK(lines("a\u2028b\u0085c\u000Cd\u000Be\n") == Lines{"a\u2028b\u0085c\u000Cd\u000Be"});
}

TEST_CASE("a line of a pipe is ready when its end has come") {
  const TemporaryFolder folder;
  const std::string path = folder.path("fifo");
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  const int both_ends = open(path.c_str(), O_RDWR);  // so that opening waits for nobody
  REQUIRE(both_ends >= 0);
  LineReader reader(path);
  const int writing = open(path.c_str(), O_WRONLY);
  close(both_ends);
  const auto say = [&](std::string_view text) {
    REQUIRE(write(writing, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  std::string line;
  CHECK_FALSE(reader.ready());
  say("a\nb");
  CHECK(reader.ready());
  CHECK(reader.next(line));
  CHECK(line == "a");
  CHECK_FALSE(reader.ready());
  say("c");
  CHECK_FALSE(reader.ready());
  say("\n\nd");
  for (const std::string expected : {"bc", ""}) {
    CHECK(reader.ready());
    CHECK(reader.next(line));
    CHECK(line == expected);
  }
  CHECK_FALSE(reader.ready());
  close(writing);
  CHECK(reader.ready());
  CHECK(reader.next(line));
  CHECK(line == "d");
  CHECK(reader.ready());
  CHECK_FALSE(reader.next(line));
  LineReader file(folder.write("text", "a"));
  CHECK(file.ready());
  CHECK(lines_of(folder.path("text")) == Lines{"a"});
}

TEST_CASE("a byte order mark is dropped at the start of a file only") {
  const TemporaryFolder folder;
  CHECK(lines_of(folder.write("text", "\uFEFFa\n\uFEFFb\n")) == Lines{"a", "\uFEFFb"});
  CHECK(lines_of(folder.write("text", "\uFEFF\na\n")) == Lines{"", "a"});
  CHECK(lines_of(folder.write("text", "\uFEFF")) == Lines{});
}

TEST_CASE("a NUL is refused with file and line, or replaced") {
  const TemporaryFolder folder;
  using namespace std::string_view_literals;
  const std::string path = folder.write("nul", "a\nab\0b\0\n"sv);
  const std::string message = message_of<DataError>([&] { lines_of(path); });
  CHECK(contains(message, path + ":2: byte 3 of the line is NUL"));
  CHECK(contains(message, "tr -d"));
  CHECK(lines_of(path, {.replace_invalid_utf8 = true}) == Lines{"a", "ab\uFFFDb\uFFFD"});
  std::string late(10000, 'x');
  late += "\nx\0\n"sv;
  CHECK(contains(message_of<DataError>([&] { lines_of(folder.write("late", late)); }), ":2: byte 2"));
}

// `text`, code points below U+10000, as UTF-16.
std::string utf16(std::u16string_view text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char low = static_cast<char>(unit & 0xFF), high = static_cast<char>(unit >> 8);
    bytes += {big_endian ? high : low, big_endian ? low : high};
  }
  return bytes;
}

TEST_CASE("what is no text is named, with the command that makes text of it") {
  const TemporaryFolder folder;
  using namespace std::string_view_literals;
  const auto refused = [&](std::string_view bytes, std::string_view what, std::string_view command) {
    for (const bool replace : {false, true}) {
      for (const std::string& path : {folder.write("f", bytes), folder.write_gzipped("f", bytes)}) {
        const std::string message =
            message_of<DataError>([&] { lines_of(path, {.replace_invalid_utf8 = replace}); });
        CHECK_MESSAGE(contains(message, path + " is " + std::string(what)), message);
        CHECK_MESSAGE(contains(message, std::string(command) + " " + path), message);
      }
    }
  };
  refused(
      "\xFD"
      "7zXZ\0\0\4\xE6\xD6\xB4\x46"sv,
      "compressed by xz", "xz -dc");
  refused("BZh91AY&SY\xB7\x1E"sv, "compressed by bzip2", "bunzip2 -c");
  refused("BZh9\x17rE8P\x90\0\0\0\0"sv, "compressed by bzip2", "bunzip2 -c");  // of an empty file
  refused("PK\3\4\x0A\0\0\0"sv, "a zip archive", "unzip -p");
  refused("\x28\xB5\x2F\xFD\x04\x58"sv, "compressed by zstd", "zstd -dc");
  refused("\x50\x2A\x4D\x18\4\0\0\0abcd\x28\xB5\x2F\xFD"sv, "compressed by zstd", "zstd -dc");
  refused("\x04\x22\x4D\x18\x64"sv, "compressed by lz4", "lz4 -dc");
  refused("%PDF-1.4\n", "a PDF", "pdftotext");
  std::string tar(512, '\0');
  tar.replace(0, 4, "a.en").replace(257, 5, "ustar");
  refused(tar, "a tar archive", "tar -xOf");
  for (const bool big : {false, true}) {
    const std::string order = big ? "BE" : "LE";
    for (const auto text : {u"the cat\n"sv, u"a\n"sv, u"le café\nœuf\n"sv, u"кот сел на стол .\nда\n"sv,
                            u"η γάτα\nναι\n"sv, u"猫は座った。\n一上\n"sv, u"\n"sv}) {
      refused(utf16(u"\uFEFF", big) + utf16(text, big), "UTF-16", "iconv -f UTF-16 -t UTF-8");
      refused(utf16(text, big), "UTF-16 without a byte order mark", "iconv -f UTF-16" + order + " -t UTF-8");
    }
  }
  refused("\xFF\xFE\0\0a\0\0\0"sv, "UTF-32", "iconv -f UTF-32 -t UTF-8");
  refused("\0\0\xFE\xFF\0\0\0a"sv, "UTF-32", "iconv -f UTF-32 -t UTF-8");
  for (const std::string_view text :
       {"BZh is a word\n", "BZh9\n", "PK is one too\n", "LZIP\n", "*M\x18\n", "a*M\x18\n"})
    CHECK(lines_of(folder.write("f", text)).size() == 1);
}

TEST_CASE("something behind gzipped text is an error with its place, unless it is gzipped too or NULs") {
  const TemporaryFolder folder;
  const std::string one = read_whole(folder.write_gzipped("1.gz", "a\nb\n")),
                    two = read_whole(folder.write_gzipped("2.gz", "c\n"));
  CHECK(lines_of(folder.write("both.gz", one + two + one)) == Lines{"a", "b", "c", "a", "b"});
  CHECK(lines_of(folder.write("padded.gz", one + two + std::string(700000, '\0'))) == Lines{"a", "b", "c"});
  for (const std::string& tail :
       {std::string("c\n"), std::string("\x1F"), std::string("\0\0c", 3), std::string(600000, 'x')}) {
    const std::string path = folder.write("tail.gz", one + two + tail);
    const std::size_t nuls = tail.find_first_not_of('\0');
    CHECK(contains(
        message_of<DataError>([&] { lines_of(path); }),
        path + ": the gzipped text ends at byte " + std::to_string(one.size() + two.size() + nuls) + ","));
  }
}

TEST_CASE("gzipped and plain files read the same") {
  const TemporaryFolder folder;
  std::string text;
  Lines expected;
  std::mt19937 random(2);
  for (int i = 0; i < 30000; ++i) {  // many times the reader's buffer
    expected.push_back("ligne " + std::to_string(i) + std::string(random() % 40, 'x') + " été");
    text += expected.back() + "\n";
  }
  CHECK(lines_of(folder.write("plain", text)) == expected);
  CHECK(lines_of(folder.write_gzipped("zipped.gz", text)) == expected);
  CHECK(std::filesystem::file_size(folder.path("zipped.gz")) < text.size() / 2);
}

TEST_CASE("stdin is read as it arrives") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const int saved = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  LineReader reader("-");
  CHECK(reader.name() == "stdin");
  std::string line;
  const auto send = [&](std::string_view text) {
    REQUIRE(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  send("first\nsec");
  CHECK(reader.next(line));  // would hang if it waited for a full buffer
  CHECK(line == "first");
  send("ond\nthird");
  CHECK(reader.next(line));
  CHECK(line == "second");
  close(ends[1]);
  CHECK(reader.next(line));
  CHECK(line == "third");
  CHECK_FALSE(reader.next(line));
  CHECK(reader.place() == "stdin:3");
  dup2(saved, STDIN_FILENO);
  close(saved);
  close(ends[0]);
}

TEST_CASE("bytes that are not UTF-8 are refused with file and line, or replaced") {
  const TemporaryFolder folder;
  const std::string path = folder.write("train.fr", "d' accord\nun caf\xE9\n");
  const std::string message = message_of<DataError>([&] { lines_of(path); });
  CHECK(contains(message, path + ":2: byte 7"));
  CHECK(contains(message, "iconv"));
  CHECK(lines_of(path, {.replace_invalid_utf8 = true}) == Lines{"d' accord", "un caf\uFFFD"});
}

TEST_CASE("a line over the bound is refused, one at it is read") {
  const TemporaryFolder folder;
  const std::string path = folder.write("long", "ab\n" + std::string(100, 'x') + "\n");
  CHECK(lines_of(path, {.max_bytes = 100}).back().size() == 100);
  CHECK(contains(message_of<DataError>([&] { lines_of(path, {.max_bytes = 99}); }), path + ":2: "));
  std::string words;
  for (int i = 0; i < 100000; ++i) words += "word ";
  CHECK(split_words(lines_of(folder.write("words", words)).at(0)).size() == 100000);
  CHECK_THROWS_AS(lines_of(folder.write("huge", std::string(3 << 20, 'x'))), DataError);
}

TEST_CASE("what can't be read is an IoError that names the file and the reason") {
  const TemporaryFolder folder;
  const std::string missing = folder.path("missing.en");
  const std::string message = message_of<IoError>([&] { LineReader reader(missing); });
  CHECK(contains(message, missing));
  CHECK(contains(message, "No such file or directory"));
  CHECK(contains(message_of<IoError>([&] { lines_of(folder.path("")); }), "Is a directory"));
}

TEST_CASE("a truncated or altered gzipped file is an IoError") {
  const TemporaryFolder folder;
  std::string text;
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) text += std::to_string(random()) + "\n";
  const std::string whole = read_whole(folder.write_gzipped("whole.gz", text));
  for (const std::size_t bytes : {std::size_t{5}, whole.size() / 2, whole.size() - 4, whole.size() - 1}) {
    const std::string path = folder.write("cut.gz", std::string_view(whole).substr(0, bytes));
    CHECK_MESSAGE(contains(message_of<IoError>([&] { lines_of(path); }), path), bytes);
  }
  for (const std::size_t position : {whole.size() / 2, whole.size() - 6}) {  // in the data, in the check sum
    std::string altered = whole;
    altered[position] = static_cast<char>(altered[position] ^ 0x55);
    CHECK_THROWS_AS(lines_of(folder.write("altered.gz", altered)), IoError);
  }
}

TEST_CASE("random bytes give lines of UTF-8 or an Error, never anything else") {
  const TemporaryFolder folder;
  std::mt19937 random(4);
  for (int trial = 0; trial < 400; ++trial) {
    std::string bytes(random() % 3000, '\0');
    for (char& byte : bytes)
      byte = random() % 20 == 0 ? "\n\r\t "[random() % 4] : static_cast<char>(random());
    if (trial % 4 == 0) bytes.insert(0, "\x1F\x8B\x08");  // starts like a gzipped file
    const std::string path = folder.write("random", bytes);
    (void)message_of<Error>([&] { lines_of(path); });
    if (trial % 4 == 0) continue;
    const Lines lines = lines_of(path, {.replace_invalid_utf8 = true});
    for (const auto& line : lines) CHECK(find_invalid_utf8(line) == std::string::npos);
    const auto newlines = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
    CHECK(lines.size() == newlines + (!bytes.empty() && bytes.back() != '\n' ? 1 : 0));
  }
}

TEST_CASE("a pipe is refused without being opened") {
  const TemporaryFolder folder;
  const std::string pipe = folder.path("fifo");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);  // opening it would wait for a writer
  const std::string socket_name = folder.path("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket_name.size() < sizeof address.sun_path);
  socket_name.copy(address.sun_path, socket_name.size());
  const int bound = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(bound, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  close(bound);
  const std::string link = folder.path("link");
  std::filesystem::create_symlink(pipe, link);
  for (const std::string& path : {pipe, link, socket_name, std::string("/dev/null")}) {
    const std::string message = message_of<UsageError>([&] { refuse_pipe(path); });
    CHECK(contains(message, path + " is a pipe"));
    CHECK(contains(message, "write it to a file"));
  }
  for (const std::string& path :
       {folder.write("file", "a\n"), folder.write("empty", ""), folder.path("missing"), folder.path("")})
    CHECK_NOTHROW(refuse_pipe(path));
}

TEST_CASE("words are separated by runs of space and tab") {
  using Words = std::vector<std::string_view>;
  CHECK(split_words("") == Words{});
  CHECK(split_words(" \t ") == Words{});
  CHECK(split_words("a") == Words{"a"});
  CHECK(split_words("  the\t\tcat  sat ") == Words{"the", "cat", "sat"});
  CHECK(split_words("12\u00A0000 a\u3000b") == Words{"12\u00A0000", "a\u3000b"});
  CHECK(split_words("a\rb c\r") == Words{"a", "b", "c"});
}

}  // namespace
}  // namespace mininmt
