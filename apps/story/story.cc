#include "apps/story/story.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "apps/text/lines.h"
#include "tensor/error.h"

namespace mininmt::story {
namespace {

constexpr double kShortest = 1e-3;  // seconds of a search; less is not measured

std::vector<std::string> read_lines(const std::string& path) {
  std::vector<std::string> lines;
  LineReader reader(path);
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

void check_count(const std::vector<std::string>& lines, std::size_t wanted, const std::string& path) {
  if (lines.size() != wanted) throw DataError(join(path, " has ", lines.size(), " lines, not ", wanted));
}

// The numbers of a file: as many as are wanted, separated by white space.
std::vector<double> read_numbers(const std::string& path, std::size_t wanted) {
  std::vector<double> numbers;
  LineReader reader(path);
  for (std::string line; reader.next(line);)
    for (const std::string_view word : split_words(line)) {
      double number = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
      if (error != std::errc() || end != word.data() + word.size())
        throw DataError(join(reader.place(), ": '", word, "' is not a number"));
      numbers.push_back(number);
    }
  if (numbers.size() != wanted)
    throw DataError(join(path, " has ", numbers.size(), " numbers, not ", wanted));
  return numbers;
}

std::vector<std::string> split_at_tabs(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line)
    if (c == '\t')
      fields.emplace_back();
    else
      fields.back() += c;
  return fields;
}

System read_system(const std::string& folder, const std::vector<std::string>& fields, const Story& story,
                   const std::vector<std::string>& sources, const std::vector<std::string>& references) {
  System system{fields[0], fields[1], fields[3], fields[2] == "yes", {}, 0, {}, {}, {}};
  const auto path = [&](const char* name) { return folder + "/" + name; };
  system.training = read_training_log(read_lines(path("train.log")), path("train.log"));
  const std::vector<std::string> translations = read_lines(path("translation"));
  check_count(translations, sources.size(), path("translation"));
  system.scores =
      measure(sources, references, translations, read_numbers(path("scores"), sources.size()), story.bins);
  if (system.aligns) {
    const std::vector<std::string> drawn = read_lines(path("alignment"));
    check_count(drawn, 1, path("alignment"));
    system.drawn = read_heatmap(story.source, drawn[0], path("alignment"));
  } else {
    system.drawn = read_heatmap(story.source, translations[story.drawn] + " ||| ", path("translation"));
  }
  if (std::filesystem::exists(path("aer"))) system.error_rates = read_error_rates(read_lines(path("aer")));
  const std::vector<double> seconds = read_numbers(path("seconds"), 2);
  system.sentences_per_second =
      static_cast<double>(sources.size()) / std::max(seconds[1] - seconds[0], kShortest);
  return system;
}

}  // namespace

Story read_story(const StoryOptions& options) {
  const std::vector<std::string> sources = read_lines(options.test_sets[0]),
                                 references = read_lines(options.test_sets[1]);
  check_count(references, sources.size(), options.test_sets[1]);
  const auto drawn = static_cast<std::size_t>(options.sentence) - 1;
  if (drawn >= sources.size())
    throw UsageError(
        join("--sentence ", options.sentence, ": ", options.test_sets[0], " has ", sources.size(), " lines"));
  Story story{options.title, options.note,   sources.size(),    length_bins(sources),
              drawn,         sources[drawn], references[drawn], {}};
  const std::string table = options.folder + "/systems";
  LineReader reader(table);
  for (std::string line; reader.next(line);) {
    const std::vector<std::string> fields = split_at_tabs(line);
    if (fields.size() != 4)
      throw DataError(
          join(reader.place(), ": needs key, name, yes or no, and what it is, with tabs between"));
    const std::string folder = options.folder + "/" + fields[0];
    if (std::filesystem::exists(folder + "/seconds"))
      story.systems.push_back(read_system(folder, fields, story, sources, references));
  }
  return story;
}

}  // namespace mininmt::story
