#include "apps/options/story_options.h"

#include "apps/options/options.h"

namespace mininmt {
namespace {

constexpr char kUsage[] =
    R"(usage: mininmt-story --folder FOLDER --test-sets SOURCE TARGET [options]
mininmt-story --help explains the options.
)";

constexpr char kHelp[] = R"(mininmt-story compares systems that apps/story.sh trained in a folder: writes
story.md, story.html and story.svg there, and the table to standard output.

  --folder FOLDER              holds the file systems and a folder for each
                               (required)
  --test-sets SOURCE TARGET    the text that they translated (required)
  --sentence N                 the line whose alignments are drawn [{sentence}]
  --title TEXT, --note TEXT    of the report; the note tells what the systems
                               have in common

--config FILE reads lines "name = value"; --help-all lists all options.
)";

}  // namespace

Parsed<StoryOptions> parse_story_options(const std::vector<std::string>& arguments) {
  StoryOptions options;
  OptionSet set("mininmt-story");
  set.group("Options");
  set.add("folder", options.folder, kind::name("FOLDER"), "what apps/story.sh made");
  set.add("test-sets", options.test_sets, kind::names_of_sides(), "the text that the systems translated");
  set.add("sentence", options.sentence, kind::integer({1, 1'000'000'000}),
          "the line of the test sets whose alignments are drawn");
  set.add("title", options.title, kind::name("TEXT"), "title of the report");
  set.add("note", options.note, kind::name("TEXT"), "what the systems have in common");
  set.add_general();
  if (const auto reply = set.read(arguments, kHelp, kUsage)) return *reply;
  set.require("folder", "what apps/story.sh made");
  set.require("test-sets", "the two sides of the test text");
  return options;
}

}  // namespace mininmt
