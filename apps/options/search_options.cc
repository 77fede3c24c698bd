#include "apps/options/search_options.h"

#include <algorithm>
#include <numeric>

#include "tensor/error.h"

namespace mininmt {
namespace {

using Names = std::vector<std::string>;

constexpr int kMostWords = 1'000'000;

// What ranks hypotheses, or chooses among them.
const Names kRanking = {"word-penalty", "coverage-penalty", "diversity"};

bool is_given(const std::vector<Settings>& sources, const std::string& name) {
  return std::any_of(sources.begin(), sources.end(),
                     [&](const Settings& settings) { return find_setting(settings, name) != nullptr; });
}

void check_ensemble(const OptionSet& set, const std::vector<Settings>& sources, const BeamOptions& options) {
  if (!options.weights.empty()) {
    const double sum = std::accumulate(options.weights.begin(), options.weights.end(), 0.0);
    if (options.weights.size() != options.models.size())
      throw UsageError(join(label(sources, "weights"), " are ", options.weights.size(), ", but there are ",
                            options.models.size(), " models: give one each"));
    if (sum <= 0) throw UsageError(label(sources, "weights") + " are all 0: one must be above");
  }
  if (options.average.empty()) return;
  const Names used = {"models", "weights", "average", "quiet", "config"};
  for (const Settings& settings : sources)
    for (const po::option& setting : settings)
      if (std::find(used.begin(), used.end(), setting.string_key) == used.end() &&
          set.is_active(setting.string_key))
        throw UsageError(join(label(setting), " does nothing with ", dashes(setting),
                              "average, which writes a model and ends: leave one out"));
}

void check_search(const std::vector<Settings>& sources, const BeamOptions& options) {
  const int beam = options.decoding.beam_size;
  for (const auto& [name, value] : {std::pair("word-penalty", options.word_penalty),
                                    {"coverage-penalty", options.coverage_penalty},
                                    {"diversity", options.diversity}})
    if (value != 0 && beam == 1)
      throw UsageError(join(label(sources, name),
                            " does nothing with a beam of 1, which has nothing to choose from: ",
                            "leave it out, or take a larger --beam-size"));
  if (options.max_words > 0 && options.min_words > options.max_words)
    throw UsageError(join(label(sources, "min-words"), " ", options.min_words, " is above --max-words ",
                          options.max_words, ": no translation is both"));
  if (options.sampling && !options.n_best && is_given(sources, "beam-size"))
    throw UsageError(label(sources, "beam-size") +
                     " does nothing with --sampling, but for the number of samples with --n-best: add it");
}

void check_output(const std::vector<Settings>& sources, const BeamOptions& options) {
  if (options.word_scores && options.alignment == "picture")
    throw UsageError(label(sources, "word-scores") +
                     " have no place in a picture: take another --alignment, or leave one out");
  if (options.score.empty() || !options.n_best) {
    if (is_given(sources, "n-best-feature"))
      throw UsageError(label(sources, "n-best-feature") +
                       " does nothing without --score and --n-best: add them, or leave it out");
    return;
  }
  for (const std::string name : {"alignment", "alignment-picture", "alignment-reference",
                                 "alignment-symmetrize", "word-scores", "write-lexicon"})
    if (is_given(sources, name))
      throw UsageError(label(sources, name) + " has no place in the scores of an n-best list: leave it out");
}

}  // namespace

void add_ensemble_options(OptionSet& set, BeamOptions& options) {
  set.add("models", options.models, kind::names({2, 64}, "FOLDER ..."),
          "several models, with the same vocabularies, instead of --model: an ensemble, which translates by "
          "the mean of their probabilities of each word. They may be of different types");
  set.add("weights", options.weights, kind::reals({0, 1e6}, 64, "X ..."),
          "what each of --models counts in the mean; made to add up to 1. Not given: all the same", "models");
  set.add(
      "average", options.average, kind::name("FOLDER"),
      "no translation: writes the model whose parameters are the mean of those of --models, such as the last "
      "saves of one training (--keep), and ends",
      "models");
}

void add_search_options(OptionSet& set, BeamOptions& options) {
  set.add("prefix", options.prefix, kind::name(),
          "the given beginning of each translation, a line for each of the input; an empty line of the input "
          "stays empty");
  set.add("no-repeat", options.no_repeat, kind::integer({0, 1000}),
          "write no N words in a row twice; 0: any");
  set.add("min-words", options.min_words, kind::integer({0, kMostWords}),
          "bar </s> before N words, whatever --max-length-factor says");
  set.add("max-words", options.max_words, kind::integer({0, kMostWords}),
          "after N words allow only </s>; 0: no such limit");
  set.add("word-penalty", options.word_penalty, kind::real({-1000, 1000}),
          "log p loses X a word, </s> counted, before --normalize divides it; below 0: a reward");
  set.add("coverage-penalty", options.coverage_penalty, kind::real({0, 1000}),
          "rank by X times the sum over source words of log min(attention, 1) in addition (Wu et al. 2016): "
          "prefers translations that left no word out");
  set.add(
      "diversity", options.diversity, kind::real({0, 1000}),
      "in the beam, the second-best word after a hypothesis loses X, the third 2 X, and so on (Li, Monroe, "
      "Jurafsky 2016): more different n-best lists");
  set.add(
      "replace-unk", options.replace_unk, kind::or_without_value(kind::name("LEXICON"), kCopyUnknown),
      "put in place of each <unk> the source word that it attended to most, or what a file has for it: lines "
      "\"SOURCE TARGET\" or \"SOURCE TARGET P\", of which the largest P counts. Without a value: copy",
      "allow-unk");
  set.add(
      "shortlist", options.shortlist, kind::integer({0, kMostWords}),
      "choose only among the N most frequent words and the N best of a lexicon for each source word of the "
      "sentences searched together, which is faster; 0: among all");
  set.add(
      "shortlist-lexicon", options.shortlist_lexicon, kind::name("FILE"),
      "lines \"SOURCE TARGET P\", as --write-lexicon makes them. Not given: the file lexicon in the model's "
      "folder",
      "shortlist");
  set.add("skip-positions", options.skip_positions, kind::real({0, 0.99}),
          "where the output layer is computed at each source position (hard, transducer with --joint deep), "
          "leave out those whose weight is below X times the largest: faster, on a CPU; 0: none");
  set.add("sampling", options.sampling, kind::flag(),
          "draw each word from the model instead of searching for the best; with --n-best, as many "
          "translations as the beam is wide. A line's depend only on --seed and its number");
  set.add("temperature", options.temperature, kind::real({0.01, 100}),
          "draw from p^(1/X), made to add up to 1", "sampling");
  set.add("top-k", options.top_k, kind::integer({0, kMostWords}), "draw from the N best words only; 0: all",
          "sampling");
  set.add("top-p", options.top_p, kind::real({0.000001, 1}),
          "draw from the best words only, as few as have a probability of X in all (nucleus)", "sampling");
  set.add("seed", options.seed, kind::integer({0, 2147483647}), "samples follow from it", "sampling");
}

void settle_search_options(OptionSet& set, const std::vector<Settings>& sources, const BeamOptions& options) {
  set.exclusive(sources, "model", "models");
  for (const std::string& name : kRanking) set.exclusive(sources, "sampling", name);
  for (const Names& search : {kRanking, Names{"prefix", "no-repeat", "min-words", "max-words", "replace-unk",
                                              "shortlist", "skip-positions", "sampling"}})
    for (const std::string& name : search) set.exclusive(sources, "score", name);
  for (const char* rule : {"prefix", "no-repeat", "max-words", "sampling"})
    set.exclusive(sources, "shortlist", rule);
  set.exclusive(sources, "skip-positions", "max-words");  // </s> may be possible where it was left out only
  check_ensemble(set, sources, options);
  check_search(sources, options);
  check_output(sources, options);
}

}  // namespace mininmt
