// Lines of text through a model: what mininmt-beam and the validation of mininmt-train share.
#pragma once

#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/text/padding.h"
#include "apps/text/vocab.h"
#include "nn/beam_search.h"

namespace mininmt {

// The search options that the decoding options of a program stand for.
SearchOptions search_options(const DecodingOptions& decoding);

class Translator {
 public:
  // Holds references to all but the options.
  Translator(const Model& model, const Vocab& source, const Vocab& target, const SearchOptions& search,
             int mini_batch, int threads);

  // The hypotheses for each line, in the order of the lines; none for a line without words. Lines of like
  // length are searched together, `mini_batch` at a time, fewer where they are longer than kOrdinaryLength.
  std::vector<std::vector<Hypothesis>> translate(const std::vector<std::string>& lines) const;

  // The words of a hypothesis as text.
  std::string text(const Hypothesis& hypothesis) const { return target_.decode(hypothesis.words); }

 private:
  PairLengths search_lengths(std::size_t source) const;  // what bounds the memory of a search

  const Model& model_;
  const Vocab &source_, &target_;
  SearchOptions search_;
  int mini_batch_, threads_;
};

// log p (natural) of each target line as the translation of its source line, </s> included. Lines of like
// target length are scored together, those with long sources apart; batches as in Translator.
std::vector<double> score_lines(const Model& model, const Vocab& source, const Vocab& target,
                                const std::vector<std::string>& source_lines,
                                const std::vector<std::string>& target_lines, int mini_batch, int threads);

}  // namespace mininmt
