#include "nn/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>

#include "ops/output.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

constexpr int kStepsBetweenPrunings = 64;

struct Candidate {
  double log_p;
  int row;  // of the hypothesis that it continues
  Id word;
  double rank;  // log p, less what --diversity takes
};

// The order of candidates: by rank, ties by row and word, so it is total.
bool better(const Candidate& a, const Candidate& b) {
  if (a.rank != b.rank) return a.rank > b.rank;
  return a.row != b.row ? a.row < b.row : a.word < b.word;
}

class Search {
 public:
  Search(const Model& model, std::span<const std::span<const Id>> sources, const SearchOptions& options,
         const PerSentence& given, const Indices& words)
      : model_(model),
        options_(options),
        rules_(options),
        numbers_(given.numbers),
        words_(words),
        on_host_(options.sampling || rules_.bar_words() || !given.prefixes.empty()),
        sentences_(sources.size()),
        results_(sources.size()) {
    Lengths lengths;
    const IdMatrix source = pad(sources, lengths);
    for (std::size_t b = 0; b < sources.size(); ++b) {
      const std::span<const Id> prefix = given.prefixes.empty() ? std::span<const Id>() : given.prefixes[b];
      sentences_[b] = {lengths[b], options.beam_size, rules_.limits(lengths[b], prefix), {}};
      for (int sample = 0; sample < (options.sampling ? options.n_best : 1); ++sample)
        live_.push_back({static_cast<int>(b), sample, -1, 0.0});
    }
    decoding_ = model.decode(batch_tape_, source, lengths);
    if (!words_.empty()) decoding_->restrict_to(words_);
    if (options.skip_positions > 0) decoding_->skip_positions(options.skip_positions);
  }

  std::vector<std::vector<Hypothesis>> run() {
    auto tape = std::make_unique<Tape>();
    State state = decoding_->start();
    if (options_.sampling) state = select(*tape, state, sentences_of_rows());
    for (int i = 0; !live_.empty(); ++i) {
      auto next_tape = std::make_unique<Tape>();  // the states are on the previous step's tape
      const auto [after, prediction] = take_step(*tape, state);
      const bool keeps_alpha = options_.alignment || options_.coverage_penalty != 0;
      const Tensor alpha =
          keeps_alpha && prediction.alpha.defined() ? prediction.alpha.to(cpu_memory()) : Tensor();
      const Indices survivors = extend(i, best_continuing_words(prediction, i), alpha);
      if ((i + 1) % kStepsBetweenPrunings == 0) prune();
      state = select(*next_tape, after, survivors);
      tape = std::move(next_tape);
    }
    for (std::size_t b = 0; b < results_.size(); ++b) finish(static_cast<int>(b));
    return std::move(results_);
  }

 private:
  struct Live {  // an unfinished hypothesis: one row of the state
    int sentence, sample;
    int hypothesis;  // in the tree
    double log_p;
  };
  struct Ended {
    int hypothesis, sample;
    double log_p, score, coverage;
    bool ended;
  };
  struct Sentence {
    int source_words, beam;
    WordLimits limits;
    std::vector<Ended> ended;
  };

  std::vector<std::int32_t> sentences_of_rows() const {
    std::vector<std::int32_t> sentences;
    for (const Live& live : live_) sentences.push_back(live.sentence);
    return sentences;
  }

  std::pair<State, Prediction> take_step(Tape& tape, const State& state) const {
    std::vector<std::int32_t> words;
    for (const Live& live : live_) words.push_back(tree_.word(live.hypothesis));
    return decoding_->step(tape, state, words, sentences_of_rows());
  }

  // The best next words of each hypothesis.
  BestWords best_continuing_words(const Prediction& prediction, int i) const {
    if (on_host_) return continuing_words_on_host(prediction);
    std::vector<std::int32_t> bar_eos;
    for (const Live& live : live_)
      bar_eos.push_back(SearchRules::bars_eos(sentences_[live.sentence].limits, i) &&
                        model_.config().target_words > kUnk + 1);
    BestWords best =
        best_words(prediction.scores, prediction.bias, options_.beam_size, !options_.allow_unk, bar_eos);
    if (!words_.empty())
      for (Id& word : best.word)
        if (word != kNone) word = words_[static_cast<std::size_t>(word)];
    return best;
  }

  // The same where rules bar other words, too; or the words drawn, one each.
  BestWords continuing_words_on_host(const Prediction& prediction) const {
    const Tensor log_p = log_probabilities(prediction);
    BestWords drawn;
    for (std::size_t r = 0; r < live_.size(); ++r) {
      const std::vector<Id> written = tree_.words(live_[r].hypothesis);
      const std::span<real> row = log_p.slice(static_cast<std::int64_t>(r), 1).values();
      rules_.bar(sentences_[live_[r].sentence].limits, written, row);
      if (!options_.sampling) continue;
      drawn.word.push_back(draw(*options_.sampling, row, random_number(live_[r], written.size())));
      drawn.logit.push_back(row[static_cast<std::size_t>(drawn.word.back())]);
    }
    BestWords best = options_.sampling ? drawn : best_words(log_p, {}, options_.beam_size, false, {});
    best.log_sum.assign(live_.size(), 0);  // they are log p already
    return best;
  }

  double random_number(const Live& live, std::size_t i) const {
    const std::size_t b = static_cast<std::size_t>(live.sentence);
    const Random random{options_.sampling->seed, numbers_.empty() ? b : numbers_[b]};
    return random.uniform((static_cast<std::uint64_t>(live.sample) << 32) + i);
  }

  // Writes word i + 1 of every sentence: replaces the live hypotheses by their best continuations, and
  // returns the previous row of each new one.
  std::vector<std::int32_t> extend(int i, const BestWords& best, const Tensor& alpha) {
    std::vector<Live> next;
    std::vector<std::int32_t> rows;
    for (std::size_t first = 0, end = 0; first < live_.size(); first = end) {
      while (end < live_.size() && live_[end].sentence == live_[first].sentence) ++end;
      Sentence& sentence = sentences_[live_[first].sentence];
      for (const Candidate& c : best_continuations(sentence, first, end, best)) {
        const Live& before = live_[c.row];
        std::vector<float> weights;
        if (alpha.defined()) {
          const real* const row = alpha.data() + c.row * alpha.shape()[1];
          weights.assign(row, row + sentence.source_words);
        }
        const int now = tree_.add(before.hypothesis, c.word, c.log_p - before.log_p, std::move(weights));
        if (c.word == kEos || i + 1 == sentence.limits.longest)
          sentence.ended.push_back(end_of(now, before.sample, c, i + 1));
        else
          next.push_back({before.sentence, before.sample, now, c.log_p}), rows.push_back(c.row);
      }
      shrink(i + 1, live_[first].sentence, next, rows);
    }
    live_ = std::move(next);
    return rows;
  }

  Ended end_of(int hypothesis, int sample, const Candidate& last, int words) const {
    const double covered = options_.coverage_penalty != 0 ? coverage(tree_.attended(hypothesis)) : 0;
    return {hypothesis, sample,           last.log_p, rules_.score(last.log_p, words, covered),
            covered,    last.word == kEos};
  }

  // The best candidates of hypotheses [first, end) of a sentence, as many as its beam size.
  std::vector<Candidate> best_continuations(const Sentence& sentence, std::size_t first, std::size_t end,
                                            const BestWords& best) const {
    const std::size_t k = best.word.size() / live_.size();
    std::vector<Candidate> candidates;
    for (std::size_t r = first; r < end; ++r) {
      const double base = live_[r].log_p - best.log_sum[r];
      if (!std::isfinite(base))
        throw Error("beam search: the model's scores are not finite; its parameters are damaged");
      for (std::size_t c = 0; c < k && best.word[r * k + c] != kNone; ++c) {
        const double log_p = base + best.logit[r * k + c];
        candidates.push_back({log_p, static_cast<int>(r), best.word[r * k + c],
                              log_p - options_.diversity * static_cast<double>(c)});
      }
    }
    if (options_.sampling) return candidates;
    const std::size_t count = std::min(candidates.size(), static_cast<std::size_t>(sentence.beam));
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count),
                      candidates.end(), better);
    candidates.resize(count);
    return candidates;
  }

  // Removes finished hypotheses from the sentence's beam, and ends its search if no remaining one can get
  // into the n_best: log p only falls, so there is a bound on its score. words: of the remaining ones.
  void shrink(int words, int b, std::vector<Live>& next, std::vector<std::int32_t>& rows) {
    Sentence& sentence = sentences_[b];
    const auto& ended = sentence.ended;
    sentence.beam = options_.beam_size - static_cast<int>(ended.size());
    std::size_t first = next.size();
    while (first > 0 && next[first - 1].sentence == b) --first;
    const bool is_over = first == next.size() || static_cast<int>(ended.size()) < options_.n_best;
    if (is_over || options_.sampling) return;
    std::vector<double> scores;
    for (const Ended& e : ended) scores.push_back(e.score);
    std::nth_element(scores.begin(), scores.begin() + options_.n_best - 1, scores.end(), std::greater<>());
    const double bar = scores[options_.n_best - 1];
    double log_p = next[first].log_p;  // the best; without --diversity the first
    for (std::size_t r = first; r < next.size(); ++r) log_p = std::max(log_p, next[r].log_p);
    if (rules_.best_score(log_p, words, sentence.limits.longest) > bar) return;
    next.resize(first);
    rows.resize(first);
  }

  void prune() {
    std::vector<int*> kept;
    for (Live& live : live_) kept.push_back(&live.hypothesis);
    for (Sentence& sentence : sentences_)
      for (Ended& e : sentence.ended) kept.push_back(&e.hypothesis);
    tree_.prune(kept);
  }

  void finish(int b) {
    auto& ended = sentences_[b].ended;
    // Hypotheses that were cut come after all finished ones.
    std::stable_sort(ended.begin(), ended.end(), [this](const Ended& x, const Ended& y) {
      if (options_.sampling) return x.sample < y.sample;
      return x.ended != y.ended ? x.ended : x.score > y.score;
    });
    const std::size_t count = std::min<std::size_t>(ended.size(), options_.n_best);
    for (std::size_t k = 0; k < count; ++k) {
      Hypothesis& found = results_[b].emplace_back();
      found.log_p = ended[k].log_p;
      found.score = ended[k].score;
      found.ended = ended[k].ended;
      found.coverage = ended[k].coverage;
      tree_.unwind(ended[k].hypothesis, k + 1 == count, found);
    }
  }

  const Model& model_;
  SearchOptions options_;
  SearchRules rules_;
  std::vector<std::uint64_t> numbers_;
  Indices words_;  // a shortlist; empty: all
  bool on_host_;   // words are chosen from all log p on the host
  Tape batch_tape_;
  std::unique_ptr<Decoding> decoding_;
  std::vector<Live> live_;  // grouped by sentence, best first
  HypothesisTree tree_;
  std::vector<Sentence> sentences_;
  std::vector<std::vector<Hypothesis>> results_;
};

void check(const Model& model, std::size_t sources, const SearchOptions& options, const PerSentence& given,
           const Indices& words) {
  if (!words.empty() && (words.size() < 3 || words[0] != kEos || words[1] != kUnk || options.sampling ||
                         SearchRules(options).bar_words() || !given.prefixes.empty()))
    throw Error("[beam_search] a shortlist begins with </s> and <unk>, and goes with no rules on words");
  if (options.beam_size < 1 || options.n_best < 1 ||
      (options.n_best > options.beam_size && !options.sampling))
    throw Error(join("[beam_search] beam of ", options.beam_size, ", n-best of ", options.n_best));
  for (const std::size_t of_sentences : {given.prefixes.size(), given.numbers.size()})
    if (of_sentences != 0 && of_sentences != sources)
      throw Error(join("[beam_search] ", sources, " sentences, but something is given for ", of_sentences));
  if (options.coverage_penalty != 0 && !model.attends())
    throw UsageError(join("a model of type ", model.config().type,
                          " has no attention, so there is no coverage: leave out --coverage-penalty"));
}

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(const Model& model,
                                                 std::span<const std::span<const Id>> sources,
                                                 const SearchOptions& options, const PerSentence& given,
                                                 const Indices& words) {
  check(model, sources.size(), options, given, words);
  if (sources.empty()) return {};
  return Search(model, sources, options, given, words).run();
}

}  // namespace mininmt
