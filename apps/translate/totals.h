// The sum of log p over a file.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

#include "tensor/error.h"

namespace mininmt {

class Totals {
 public:
  // words: of the target, or other units, with the </s>.
  void add(double log_p, std::size_t words) {
    ++pairs_;
    words_ += words;
    log_p_ += log_p;
  }

  // "60 pairs, 251 words and </s>: log p -123.456, perplexity 1.635"; the last is e^(-log p / words).
  std::string format(const std::string& units) const {
    char figures[96];
    std::snprintf(figures, sizeof figures, "log p %.6g, perplexity %.6g", log_p_,
                  std::exp(-log_p_ / static_cast<double>(words_)));
    return join(pairs_, pairs_ == 1 ? " pair, " : " pairs, ", words_, " ", units, " and </s>: ", figures);
  }

  bool empty() const { return pairs_ == 0; }

 private:
  std::size_t pairs_ = 0, words_ = 0;
  double log_p_ = 0;
};

}  // namespace mininmt
