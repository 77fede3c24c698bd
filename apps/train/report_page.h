// The page of a training: curves over the updates, and the same sentences' translations and attention as they
// sharpen.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mininmt {

struct ReportHeader {
  std::string title;
  std::vector<std::pair<std::string, std::string>> about;  // names and values; a value may have lines
  bool cost_is_of_sentences = true;                        // or of words
};

// HTML in one file, without links to the outside. `events`: lines of log.jsonl.
std::string report_page(const ReportHeader& header, const std::vector<std::string>& events);

}  // namespace mininmt
