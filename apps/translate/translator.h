// Translating, scoring and aligning lines of text, for mininmt-beam and for validation in mininmt-train.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/text/padding.h"
#include "apps/text/vocab.h"
#include "apps/translate/shortlist.h"
#include "nn/beam_search.h"
#include "nn/forced_alignment.h"

namespace mininmt {

// The search options for a program's decoding options; for all that mininmt-beam has.
SearchOptions search_options(const DecodingOptions& decoding);
SearchOptions search_options(const BeamOptions& options);

// What is given with lines to translate.
struct GivenLines {
  std::vector<std::string> prefixes = {};  // the beginnings of their translations; empty: none
  std::uint64_t first_number = 0;          // of the first line in the input, for its samples
};

// Whether to give up, asked before each batch; empty: never. What was not computed then is empty or 0.
using Stop = std::function<bool()>;

// Of the batches of some lines: every `count`-th, from number `first`. What others compute is empty or 0.
struct Share {
  int first = 0, count = 1;
};

class Translator {
 public:
  // Holds references to all but the options. shortlist: or nullptr, for all words.
  Translator(const Model& model, const Vocab& source, const Vocab& target, const SearchOptions& search,
             int mini_batch, int threads, const Shortlist* shortlist = nullptr);

  // The hypotheses for each line, in line order; none for a line without words. Lines of similar length are
  // searched together, `mini_batch` at a time, fewer if they are longer than kOrdinaryLength.
  std::vector<std::vector<Hypothesis>> translate(const std::vector<std::string>& lines, const Stop& stop = {},
                                                 const GivenLines& given = {}, Share share = {}) const;

  // The words of a hypothesis as text.
  std::string text(const Hypothesis& hypothesis) const { return target_.decode(hypothesis.words); }

 private:
  PairLengths search_lengths(std::size_t source) const;  // a bound on the memory of a search

  const Model& model_;
  const Vocab &source_, &target_;
  SearchOptions search_;
  int mini_batch_, threads_;
  const Shortlist* shortlist_;
};

// Natural log p of each target line as the translation of its source line, </s> included. Lines of similar
// target length are scored together, those with long sources separately; batches as in Translator.
std::vector<double> score_lines(const Model& model, const Vocab& source, const Vocab& target,
                                const std::vector<std::string>& source_lines,
                                const std::vector<std::string>& target_lines, int mini_batch, int threads,
                                const Stop& stop = {}, Share share = {});

// The same of each word and the </s>, of any model.
std::vector<std::vector<double>> score_words(const Model& model, const Vocab& source, const Vocab& target,
                                             const std::vector<std::string>& source_lines,
                                             const std::vector<std::string>& target_lines, int mini_batch,
                                             int threads);

// Calls use(i, alpha) with the attention over pair i of lines, from several threads and in no order; batches
// as in score_lines. Throws as forced_alignment does.
void align_lines(const Model& model, const Vocab& source, const Vocab& target,
                 const std::vector<std::string>& source_lines, const std::vector<std::string>& target_lines,
                 int mini_batch, int threads,
                 const std::function<void(std::size_t, const ForcedAlpha&)>& use);

}  // namespace mininmt
