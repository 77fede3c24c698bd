// Reads word alignments made by people, in the two formats they come in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/text/alignment_error.h"
#include "apps/text/lines.h"

namespace mininmt {

// The links of the pairs of a text, all in memory. The first line with words shows the format:
//
//   Pharaoh's            a line for each pair: "0-0 1-2 2p1 3?1"; source and target word, counted from 0;
//                        "-" is a sure link, "p" or "?" a possible one
//   of the shared tasks  (NAACL 2003) a line for each link: "1 2 3 S"; pair, source and target word, counted
//                        from 1; S or nothing is a sure link, P a possible one; pairs without links: no lines
class AlignmentReference {
 public:
  // Throws what LineReader throws, and DataError with file and line if a line is in another format, or if no
  // link is sure.
  explicit AlignmentReference(const std::string& path, LineOptions options = {});

  // The links of a pair (counted from 0) of that many words. Throws DataError if there is no line for it, or
  // a link is outside of it.
  ReferenceLinks at(std::size_t pair, std::size_t source_words, std::size_t target_words) const;

  // Throws DataError if there are links or lines of more pairs.
  void check_end(std::size_t pairs) const;

 private:
  struct Entry {
    AlignmentLink link;
    bool sure;
    std::size_t line;
  };

  void read_pair(const std::vector<std::string_view>& words);
  void read_link(const std::vector<std::string_view>& words);
  std::string place() const;

  std::string name_;
  bool by_pair_ = true;   // Pharaoh's format
  std::size_t line_ = 0;  // the last line read
  std::map<std::size_t, std::vector<Entry>> pairs_;
};

}  // namespace mininmt
