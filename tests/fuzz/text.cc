// Text from outside: lines are UTF-8 without NUL and come back the same gzipped; what is accepted as a
// vocabulary or config file reads back the same.
#include <algorithm>
#include <string_view>
#include <variant>

#include "apps/options/train_options.h"
#include "apps/text/alignment_reference.h"
#include "apps/text/lines.h"
#include "apps/text/units.h"
#include "apps/text/utf8.h"
#include "apps/text/vocab.h"
#include "tests/fuzz/targets.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

// The files that targets write.
const TemporaryFolder& folder() {
  static const TemporaryFolder made;
  return made;
}

struct Lines {
  std::vector<std::string> lines;
  bool whole = false;  // up to the end of the file
};

Lines read_lines(const std::string& path, const LineOptions& options) {
  Lines read;
  read.whole = accepts([&] {
    LineReader reader(path, options);
    for (std::string line; reader.next(line);) {
      require(line.size() <= options.max_bytes, "a line has at most as many bytes as asked for");
      require(find_invalid_utf8(line) == std::string::npos, "a line is UTF-8");
      require(line.find('\0') == std::string::npos && line.find('\n') == std::string::npos,
              "no NUL, no line end");
      read.lines.push_back(line);
      require(reader.line_number() == read.lines.size(), "lines are counted");
    }
  });
  return read;
}

// The first byte chooses how the others are read: as they are, so that gzip's format is fuzzed too, and
// packed, so that what the format's checksum would refuse comes through.
void lines(std::string_view bytes) {
  if (bytes.empty()) return;
  const LineOptions options{.replace_invalid_utf8 = (bytes[0] & 1) != 0,
                            .max_bytes = (bytes[0] & 2) != 0 ? std::size_t{7} : std::size_t{1} << 20};
  const std::string_view text = bytes.substr(1);
  const BytesFile file(text);
  const Lines plain = read_lines(file.path(), options);
  if (text.starts_with("\x1F\x8B")) return;
  const Lines unpacked = read_lines(folder().write_gzipped("lines.gz", text), options);
  require(unpacked.lines == plain.lines && unpacked.whole == plain.whole, "gzipped lines are the same");
}

void vocab(std::string_view bytes) {
  const BytesFile file(bytes);
  Vocab read;
  if (!accepts([&] { read = Vocab::load(file.path()); })) return;
  for (Id id = 0; id < static_cast<Id>(read.size()); ++id)
    require(read.id(read.word(id)) == id, "a word has its id");
  read.save(folder().path("vocab"));
  require(Vocab::load(folder().path("vocab")).checksum() == read.checksum(), "a vocabulary reads back");
}

// As a line of text.
void units(std::string_view bytes) {
  std::string line = replace_invalid_utf8(bytes, true);
  std::replace(line.begin(), line.end(), '\n', ' ');
  const std::vector<std::string> split = characters()->split(line), of_words = words()->split(line);
  for (const std::string& unit : split) require(characters()->is_unit(unit), "a unit can be in a vocabulary");
  const std::vector<std::string_view> views(split.begin(), split.end()),
      views_of_words(of_words.begin(), of_words.end());
  require(characters()->line_of(views) == words()->line_of(views_of_words),
          "a line comes back from its characters");
}

// Links by people, of pairs of five source and six target words.
void links(std::string_view bytes) {
  const BytesFile file(bytes);
  accepts([&] {
    const AlignmentReference reference(file.path());
    for (std::size_t pair = 0; pair < 3; ++pair) {
      const ReferenceLinks links = reference.at(pair, 5, 6);
      for (const AlignmentLink& link : links.possible)
        require(link.source < 5 && link.target < 6, "links are inside of the pair");
      for (const AlignmentLink& link : links.sure)
        require(links.possible.contains(link), "sure links are possible");
    }
    reference.check_end(3);
  });
}

TrainOptions options_of(const std::vector<std::string>& arguments) {
  return std::get<TrainOptions>(parse_train_options(arguments));
}

// As the config file of a training.
void config(std::string_view bytes) {
  const BytesFile file(bytes);
  std::string text;
  if (!accepts([&] {
        text = to_config(options_of({"--train-sets", "a", "b", "--model", "m", "--config", file.path()}));
      }))
    return;
  const BytesFile again(text);
  require(to_config(options_of({"--config", again.path()})) == text, "a config reads back");
}

}  // namespace

std::vector<FuzzTarget> text_targets() {
  return {{"lines", lines}, {"links", links}, {"vocab", vocab}, {"units", units}, {"config", config}};
}

}  // namespace mininmt
