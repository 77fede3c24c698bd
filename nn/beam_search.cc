#include "nn/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "ops/output.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// A word of a hypothesis, and the link before it: the hypotheses form a tree.
struct Link {
  int before;  // index into the links, -1 at the first word
  Id word;
  std::vector<float> alpha;  // its weights over the source words, if they are asked for
};

constexpr int kStepsBetweenPrunings = 64;

struct Candidate {
  double log_p;
  int row;  // of the hypothesis that it continues
  Id word;
};

// The order of candidates: by log p, ties by row and word, so it is total.
bool better(const Candidate& a, const Candidate& b) {
  if (a.log_p != b.log_p) return a.log_p > b.log_p;
  return a.row != b.row ? a.row < b.row : a.word < b.word;
}

class Search {
 public:
  Search(const Model& model, std::span<const std::span<const Id>> sources, const SearchOptions& options)
      : model_(model), options_(options), sentences_(sources.size()), results_(sources.size()) {
    Lengths lengths;
    const IdMatrix source = pad(sources, lengths);
    for (std::size_t b = 0; b < sources.size(); ++b) {
      sentences_[b].source_words = lengths[b];
      sentences_[b].longest = std::max(1, static_cast<int>(options.max_length_factor * lengths[b]));
      sentences_[b].shortest = static_cast<int>(options.min_length_factor * lengths[b]);
      sentences_[b].beam = options.beam_size;
      live_.push_back({static_cast<int>(b), -1, 0.0});
    }
    decoding_ = model.decode(batch_tape_, source, lengths);
  }

  std::vector<std::vector<Hypothesis>> run() {
    auto tape = std::make_unique<Tape>();
    State state = decoding_->start();
    for (int i = 0; !live_.empty(); ++i) {
      auto next_tape = std::make_unique<Tape>();  // the states are on the previous step's tape
      const auto [after, prediction] = take_step(*tape, state);
      const bool keeps_alpha = options_.alignment && prediction.alpha.defined();
      const Tensor alpha = keeps_alpha ? prediction.alpha.to(cpu_memory()) : Tensor();
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
    int sentence;
    int link;  // its last word, -1 at the start
    double log_p;
  };
  struct Ended {
    int link;  // its </s>, or its last word if it was cut
    double log_p, score;
    bool ended;
  };
  struct Sentence {
    int source_words, longest, shortest, beam;
    std::vector<Ended> ended;
  };

  std::pair<State, Prediction> take_step(Tape& tape, const State& state) const {
    std::vector<std::int32_t> words, sentence_of_row;
    for (const Live& live : live_) {
      words.push_back(live.link >= 0 ? links_[live.link].word : kNone);
      sentence_of_row.push_back(live.sentence);
    }
    return decoding_->step(tape, state, words, sentence_of_row);
  }

  // The best next words of each hypothesis.
  BestWords best_continuing_words(const Prediction& prediction, int i) const {
    std::vector<std::int32_t> bar_eos;
    for (const Live& live : live_) {
      const Sentence& sentence = sentences_[live.sentence];
      bar_eos.push_back(i < sentence.shortest && i + 1 < sentence.longest &&
                        model_.config().target_words > kUnk + 1);
    }
    return best_words(prediction.scores, prediction.bias, options_.beam_size, !options_.allow_unk, bar_eos);
  }

  double score(double log_p, int words) const {
    const double length = options_.length_penalty == LengthPenalty::kGnmt ? (5.0 + words) / 6 : words;
    return log_p / std::pow(length, options_.normalize);
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
        links_.push_back({live_[c.row].link, c.word, {}});
        if (alpha.defined()) {
          const real* const weights = alpha.data() + c.row * alpha.shape()[1];
          links_.back().alpha.assign(weights, weights + sentence.source_words);
        }
        const int link = static_cast<int>(links_.size()) - 1;
        if (c.word == kEos || i + 1 == sentence.longest)
          sentence.ended.push_back({link, c.log_p, score(c.log_p, i + 1), c.word == kEos});
        else
          next.push_back({live_[c.row].sentence, link, c.log_p}), rows.push_back(c.row);
      }
      shrink(sentence, next, rows, live_[first].sentence);
    }
    live_ = std::move(next);
    return rows;
  }

  // The best candidates of hypotheses [first, end) of a sentence, as many as its beam size.
  std::vector<Candidate> best_continuations(const Sentence& sentence, std::size_t first, std::size_t end,
                                            const BestWords& best) const {
    const std::size_t k = static_cast<std::size_t>(options_.beam_size);
    std::vector<Candidate> candidates;
    for (std::size_t r = first; r < end; ++r) {
      const double base = live_[r].log_p - best.log_sum[r];
      if (!std::isfinite(base))
        throw Error("beam search: the model's scores are not finite; its parameters are damaged");
      for (std::size_t c = r * k; c < (r + 1) * k && best.word[c] != kNone; ++c)
        candidates.push_back({base + best.logit[c], static_cast<int>(r), best.word[c]});
    }
    const std::size_t count = std::min(candidates.size(), static_cast<std::size_t>(sentence.beam));
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count),
                      candidates.end(), better);
    candidates.resize(count);
    return candidates;
  }

  // Removes finished hypotheses from the sentence's beam, and ends its search if no remaining one can get
  // into the n_best: log p only falls, so its score at the longest length is a bound.
  void shrink(Sentence& sentence, std::vector<Live>& next, std::vector<std::int32_t>& rows, int b) {
    auto& ended = sentence.ended;
    sentence.beam = options_.beam_size - static_cast<int>(ended.size());
    std::size_t first = next.size();
    while (first > 0 && next[first - 1].sentence == b) --first;
    if (first == next.size() || static_cast<int>(ended.size()) < options_.n_best) return;
    std::vector<double> scores;
    for (const Ended& e : ended) scores.push_back(e.score);
    std::nth_element(scores.begin(), scores.begin() + options_.n_best - 1, scores.end(), std::greater<>());
    const double bar = scores[options_.n_best - 1];
    if (score(next[first].log_p, sentence.longest) > bar) return;
    next.resize(first);
    rows.resize(first);
  }

  // Drops the links that belong to no hypothesis any more: on long lines, nearly all of them.
  void prune() {
    constexpr int kDropped = -1, kKept = 0;
    std::vector<int> places(links_.size(), kDropped);  // where each link goes
    const auto keep = [&](int link) {
      for (; link >= 0 && places[link] == kDropped; link = links_[link].before) places[link] = kKept;
    };
    for (const Live& live : live_) keep(live.link);
    for (const Sentence& sentence : sentences_)
      for (const Ended& e : sentence.ended) keep(e.link);
    std::vector<Link> kept;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      if (places[i] == kDropped) continue;
      places[i] = static_cast<int>(kept.size());
      if (links_[i].before >= 0) links_[i].before = places[links_[i].before];
      kept.push_back(std::move(links_[i]));
    }
    links_ = std::move(kept);
    for (Live& live : live_) live.link = places[live.link];
    for (Sentence& sentence : sentences_)
      for (Ended& e : sentence.ended) e.link = places[e.link];
  }

  void finish(int b) {
    auto& ended = sentences_[b].ended;
    // Hypotheses that were cut come after all finished ones.
    std::stable_sort(ended.begin(), ended.end(), [](const Ended& x, const Ended& y) {
      return x.ended != y.ended ? x.ended : x.score > y.score;
    });
    const std::size_t count = std::min<std::size_t>(ended.size(), options_.n_best);
    for (std::size_t k = 0; k < count; ++k) results_[b].push_back(unwind(ended[k], k + 1 == count));
  }

  // last: the links of this sentence are needed no more.
  Hypothesis unwind(const Ended& e, bool last) {
    Hypothesis h{{}, e.log_p, e.score, e.ended, {}};
    for (int link = e.link; link >= 0; link = links_[link].before) {
      Link& l = links_[link];
      if (l.word != kEos) h.words.push_back(l.word);
      if (!l.alpha.empty()) h.alpha.push_back(last ? std::move(l.alpha) : l.alpha);
    }
    std::reverse(h.words.begin(), h.words.end());
    std::reverse(h.alpha.begin(), h.alpha.end());
    return h;
  }

  const Model& model_;
  SearchOptions options_;
  Tape batch_tape_;
  std::unique_ptr<Decoding> decoding_;
  std::vector<Live> live_;  // grouped by sentence, best first
  std::vector<Link> links_;
  std::vector<Sentence> sentences_;
  std::vector<std::vector<Hypothesis>> results_;
};

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(const Model& model,
                                                 std::span<const std::span<const Id>> sources,
                                                 const SearchOptions& options) {
  if (options.beam_size < 1 || options.n_best < 1 || options.n_best > options.beam_size)
    throw Error(join("[beam_search] beam of ", options.beam_size, ", n-best of ", options.n_best));
  if (sources.empty()) return {};
  return Search(model, sources, options).run();
}

}  // namespace mininmt
