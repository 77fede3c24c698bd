// The systems of a story, read from its folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/options/story_options.h"
#include "apps/story/measures.h"

namespace mininmt::story {

struct System {
  std::string key;   // its folder
  std::string name;  // in tables and figures
  std::string what;  // what it is, in a line
  bool aligns;       // whether its weights say which source words a target word came from
  TrainingFigures training;
  double sentences_per_second;  // beam search, loading not counted
  std::vector<double>
      error_rates;  // of its alignments, in percent: by the attention before each word, after it
  Scores scores;
  Heatmap drawn;  // of the sentence that all draw
};

struct Story {
  std::string title;
  std::string note;  // what all had in common
  std::size_t sentences;
  std::vector<LengthBin> bins;
  std::size_t drawn;              // the sentence that all draw, counted from 0
  std::string source, reference;  // of it
  std::vector<System> systems;
};

// Reads the test sets, and from the folder:
//
//     systems           a line for each system: key, name, yes or no, what it is, with tabs between
//     KEY/train.log     what mininmt-train logged
//     KEY/translation   a line for each test sentence
//     KEY/scores        log p of each reference
//     KEY/alignment     the drawn sentence as mininmt-beam --alignment soft writes it, if the system aligns
//     KEY/aer           what mininmt-beam --alignment-reference wrote, if there are links
//     KEY/seconds       of loading the model, and of loading and translating
//
// A system without the last file, which is written last, is left out. Throws IoError, and DataError with file
// and line.
Story read_story(const StoryOptions& options);

}  // namespace mininmt::story
