// The options of mininmt-toy.
#pragma once

#include <string>
#include <vector>

#include "apps/options/reply.h"

namespace mininmt {

struct ToyOptions {
  std::string output;                          // a folder
  int train = 40000, valid = 200, test = 500;  // sentences
  std::string test_lengths = "mixed";          // or even
  int seed = 1;
};

// Throws UsageError.
Parsed<ToyOptions> parse_toy_options(const std::vector<std::string>& arguments);

}  // namespace mininmt
