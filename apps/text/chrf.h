// chrF2 (Popovic 2015) as in sacreBLEU with its defaults: character n-grams up to 6, beta 2, no word n-grams.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mininmt {

// Accumulates the counts of a corpus sentence by sentence.
//
//     P, R  = means over n = 1..6 of the matching n-grams / those of the hypotheses, of the references
//     chrF2 = 100 (1 + 2^2) P R / (2^2 P + R)
//
// Orders for which hypotheses or references have no n-gram don't enter the means. Without matches chrF2 is 0.
class Chrf {
 public:
  static constexpr std::size_t kOrders = 6;

  // Adds a hypothesis and its reference. White space doesn't count.
  void add(std::string_view hypothesis, std::string_view reference);

  // From 0 to 100.
  double score() const;

  // How it was computed, in sacreBLEU's notation.
  static std::string signature();

 private:
  std::array<std::uint64_t, kOrders> matches_{}, hypothesis_{}, reference_{};  // n-grams by n - 1
};

}  // namespace mininmt
