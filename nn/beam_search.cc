#include "nn/beam_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "ops/arrange.h"
#include "ops/softmax_xent.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

constexpr real kBarred = -std::numeric_limits<real>::infinity();

// A word written by a hypothesis, and the one before it: all hypotheses together form a tree.
struct Link {
  int before;  // index into the links, -1 at the first word
  Id word;
  int step, row;  // where its weights alpha are kept
};

struct Candidate {
  double log_p;
  int row;  // of the hypothesis that it continues
  Id word;
};

// The order of candidates: by log p, ties by row and word, so that it is total.
bool better(const Candidate& a, const Candidate& b) {
  if (a.log_p != b.log_p) return a.log_p > b.log_p;
  return a.row != b.row ? a.row < b.row : a.word < b.word;
}

MININMT_VECTORIZED bool any_at_least(std::int64_t size, const real* x, real threshold) {
  int found = 0;
#pragma omp simd reduction(| : found)
  for (std::int64_t i = 0; i < size; ++i) found |= x[i] >= threshold;
  return found != 0;
}

// The K best candidates, in a heap whose top is the worst of them.
class TopK {
 public:
  explicit TopK(std::size_t k) : k_(k) {}

  // Offers log p = base + logits[w] for every word w. Blocks in which nothing reaches the worst so far are
  // passed over: most of the vocabulary is looked at once and never sorted.
  void offer(int row, double base, std::int64_t words, const real* logits) {
    constexpr std::int64_t kBlock = 256;
    for (std::int64_t first = 0; first < words; first += kBlock) {
      const std::int64_t count = std::min(kBlock, words - first);
      if (heap_.size() == k_) {
        // A little under the exact threshold: the sum with `base` rounds, the exact test follows.
        const double threshold = heap_.front().log_p - base;
        if (!any_at_least(count, logits + first,
                          static_cast<real>(threshold - 1e-5 * (1 + std::abs(threshold)))))
          continue;
      }
      for (std::int64_t w = first; w < first + count; ++w)
        if (logits[w] != kBarred) insert({base + logits[w], row, static_cast<Id>(w)});
    }
  }

  std::vector<Candidate> sorted() {
    std::sort(heap_.begin(), heap_.end(), better);
    return std::move(heap_);
  }

 private:
  void insert(const Candidate& c) {
    if (heap_.size() == k_) {
      if (!better(c, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = c;
    } else {
      heap_.push_back(c);
    }
    std::push_heap(heap_.begin(), heap_.end(), better);
  }

  std::size_t k_;
  std::vector<Candidate> heap_;
};

class Search {
 public:
  Search(const RnnSearch& model, std::span<const std::span<const Id>> sources, const SearchOptions& options)
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
    const Encoded encoded = model.encoder().encode(batch_tape_, source, lengths, {});
    decoding_ = std::make_unique<Decoding>(batch_tape_, model.decoder(), model.alignment(), encoded);
  }

  std::vector<std::vector<Hypothesis>> run() {
    auto tape = std::make_unique<Tape>();
    Decoding::State state = decoding_->start();
    for (int i = 0; !live_.empty(); ++i) {
      auto next_tape = std::make_unique<Tape>();  // the states live on the tape of the step before
      const Decoding::Step step = take_step(*tape, state);
      const Var logits = model_.decoder().logits(*tape, step.s, embedded_, step.c, {});
      const std::vector<std::int64_t> survivors = extend(i, logits.value());
      if (options_.alignment) alphas_.push_back(step.alpha);
      state.s = next_tape->constant(gather_rows(step.state.s, survivors).value());
      if (step.state.c.tape) state.c = next_tape->constant(gather_rows(step.state.c, survivors).value());
      tape = std::move(next_tape);
    }
    for (std::size_t b = 0; b < results_.size(); ++b) finish(static_cast<int>(b));
    return std::move(results_);
  }

 private:
  struct Live {  // a hypothesis that has not ended: one row of the state
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

  Decoding::Step take_step(Tape& tape, const Decoding::State& state) {
    IdMatrix previous(1, static_cast<int>(live_.size()));
    std::vector<int> sentence_of_row;
    for (std::size_t r = 0; r < live_.size(); ++r) {
      if (live_[r].link >= 0) previous.ids[r] = links_[live_[r].link].word;
      sentence_of_row.push_back(live_[r].sentence);
    }
    embedded_ = step(model_.decoder().embed_words(tape, previous, {}), 0);
    return decoding_->step(state, model_.decoder().project_words(tape, embedded_), sentence_of_row);
  }

  double score(double log_p, int words) const { return log_p / std::pow(words, options_.normalize); }

  // Writes word number i + 1 of every sentence: replaces the live hypotheses by their best continuations, and
  // returns the row that each of the new ones comes from.
  std::vector<std::int64_t> extend(int i, const Tensor& logits) {
    std::vector<Live> next;
    std::vector<std::int64_t> rows;
    for (std::size_t first = 0, end = 0; first < live_.size(); first = end) {
      while (end < live_.size() && live_[end].sentence == live_[first].sentence) ++end;
      Sentence& sentence = sentences_[live_[first].sentence];
      for (const Candidate& c : best_continuations(sentence, first, end, i, logits)) {
        links_.push_back({live_[c.row].link, c.word, i, c.row});
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

  std::vector<Candidate> best_continuations(const Sentence& sentence, std::size_t first, std::size_t end,
                                            int i, const Tensor& logits) const {
    const std::int64_t words = logits.shape()[1];
    TopK top(static_cast<std::size_t>(sentence.beam));
    for (std::size_t r = first; r < end; ++r) {
      real* const row = logits.data() + static_cast<std::int64_t>(r) * words;
      const double base = live_[r].log_p - log_sum_exp(words, row);
      if (!std::isfinite(base))
        throw Error("beam search: the model's scores are not finite; its parameters are damaged");
      if (!options_.allow_unk) row[kUnk] = kBarred;
      if (i < sentence.shortest && i + 1 < sentence.longest && words > kUnk + 1) row[kEos] = kBarred;
      top.offer(static_cast<int>(r), base, words, row);
    }
    return top.sorted();
  }

  // Takes the hypotheses that have ended out of the sentence's beam; and ends its search if nothing that is
  // left can get among the n_best: log p only falls, so log p / longest^normalize bounds the score.
  void shrink(Sentence& sentence, std::vector<Live>& next, std::vector<std::int64_t>& rows, int b) {
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

  void finish(int b) {
    auto& ended = sentences_[b].ended;
    // A hypothesis that was cut comes after all that have ended by themselves.
    std::stable_sort(ended.begin(), ended.end(), [](const Ended& x, const Ended& y) {
      return x.ended != y.ended ? x.ended : x.score > y.score;
    });
    const std::size_t count = std::min<std::size_t>(ended.size(), options_.n_best);
    for (std::size_t k = 0; k < count; ++k) results_[b].push_back(unwind(sentences_[b], ended[k]));
  }

  Hypothesis unwind(const Sentence& sentence, const Ended& e) const {
    Hypothesis h{{}, e.log_p, e.score, e.ended, {}};
    for (int link = e.link; link >= 0; link = links_[link].before) {
      const Link& l = links_[link];
      if (l.word != kEos) h.words.push_back(l.word);
      if (options_.alignment) {
        const real* const alpha = alphas_[l.step].data() + l.row * alphas_[l.step].shape()[1];
        h.alpha.emplace_back(alpha, alpha + sentence.source_words);
      }
    }
    std::reverse(h.words.begin(), h.words.end());
    std::reverse(h.alpha.begin(), h.alpha.end());
    return h;
  }

  const RnnSearch& model_;
  SearchOptions options_;
  Tape batch_tape_;
  std::unique_ptr<Decoding> decoding_;
  Var embedded_;            // of the words before, (R, m)
  std::vector<Live> live_;  // grouped by sentence, best first
  std::vector<Link> links_;
  std::vector<Tensor> alphas_;  // (R, S) of every step
  std::vector<Sentence> sentences_;
  std::vector<std::vector<Hypothesis>> results_;
};

}  // namespace

std::vector<std::vector<Hypothesis>> beam_search(const RnnSearch& model,
                                                 std::span<const std::span<const Id>> sources,
                                                 const SearchOptions& options) {
  if (options.beam_size < 1 || options.n_best < 1 || options.n_best > options.beam_size)
    throw Error(join("[beam_search] beam of ", options.beam_size, ", n-best of ", options.n_best));
  if (sources.empty()) return {};
  return Search(model, sources, options).run();
}

}  // namespace mininmt
