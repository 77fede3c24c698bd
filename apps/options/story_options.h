// The options of mininmt-story.
#pragma once

#include <string>
#include <vector>

#include "apps/options/reply.h"

namespace mininmt {

struct StoryOptions {
  std::string folder;                  // what story.sh made
  std::vector<std::string> test_sets;  // source and target
  std::string title = "From one vector to attention, on one engine";
  std::string note;  // what the systems have in common
  int sentence = 1;  // the line of the test sets that all systems draw
};

// Reads a command line (argv without the program's name) and the config file it names. Throws UsageError, or
// IoError if the config file cannot be read.
Parsed<StoryOptions> parse_story_options(const std::vector<std::string>& arguments);

}  // namespace mininmt
