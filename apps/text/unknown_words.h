// How much of a text a vocabulary lacks. Where that is most of it, the wrong files were probably given.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "apps/text/vocab.h"

namespace mininmt {

struct UnknownWords {
  std::size_t words = 0, unknown = 0;  // </s> not counted
  std::string units = "words";         // what they are

  // Counts the words of a line.
  void add(const Vocab& vocab, std::string_view line);

  bool are_most() const { return 2 * unknown > words; }

  std::string percent() const;  // "3.25%"; "0.00%" of no words

  // A warning that most of the words of `file` are unknown; `side` is source or target.
  std::string warning(const std::string& file, const std::string& side) const;
};

}  // namespace mininmt
