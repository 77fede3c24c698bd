#include "nn/forced_alignment.h"

#include <algorithm>
#include <memory>

#include "tensor/error.h"

namespace mininmt {
namespace {

using Spans = std::span<const std::span<const Id>>;

class Forcing {
 public:
  // extra_steps: after the </s>.
  Forcing(const Model& model, Spans sources, Spans targets, int extra_steps) : targets_(targets) {
    if (sources.size() != targets.size())
      throw Error(join("[forced decoding] ", sources.size(), " sources, ", targets.size(), " targets"));
    Lengths lengths;
    const IdMatrix source = pad(sources, lengths);
    decoding_ = model.decode(batch_tape_, source, lengths);
    for (std::size_t b = 0; b < targets.size(); ++b) {
      live_.push_back(static_cast<std::int32_t>(b));
      steps_.push_back(targets[b].size() + static_cast<std::size_t>(extra_steps));
    }
  }

  // Calls use(i, sentences, prediction) at each step i, from 0, by a step of Decoding: row r is of
  // sentences[r].
  template <class Use>
  void run(decltype(&Decoding::step) step, const Use& use) {
    auto tape = std::make_unique<Tape>();
    State state = decoding_->start();
    for (std::size_t i = 0; !live_.empty(); ++i) {
      auto next_tape = std::make_unique<Tape>();  // the states are on the previous step's tape
      const auto [after, prediction] = (*decoding_.*step)(*tape, state, words_before(i), live_);
      use(i, live_, prediction);
      state = select(*next_tape, after, continuing(i));
      tape = std::move(next_tape);
    }
  }

 private:
  // The word before step i + 1 of each live sentence; after the end its </s>.
  std::vector<std::int32_t> words_before(std::size_t i) const {
    std::vector<std::int32_t> words;
    for (const std::int32_t b : live_) {
      const std::span<const Id> target = targets_[static_cast<std::size_t>(b)];
      words.push_back(i == 0 ? kNone : target[std::min(i, target.size()) - 1]);
    }
    return words;
  }

  // The rows of the sentences that have more steps, which stay live.
  std::vector<std::int32_t> continuing(std::size_t i) {
    std::vector<std::int32_t> rows, live;
    for (std::size_t r = 0; r < live_.size(); ++r) {
      if (i + 1 == steps_[static_cast<std::size_t>(live_[r])]) continue;
      rows.push_back(static_cast<std::int32_t>(r));
      live.push_back(live_[r]);
    }
    live_ = std::move(live);
    return rows;
  }

  Spans targets_;
  Tape batch_tape_;
  std::unique_ptr<Decoding> decoding_;
  std::vector<std::int32_t> live_;  // the sentence of each row of the state
  std::vector<std::size_t> steps_;  // of each sentence
};

void add_posteriors(const Model& model, const Batch& batch, std::vector<ForcedAlpha>& all) {
  const Tensor found = model.posteriors(batch);
  if (!found.defined()) return;
  const Tensor posteriors = found.to(cpu_memory());
  for (std::size_t n = 0; n < batch.rows.size(); ++n) {  // the words of a sentence come in their order
    if (batch.rows[n] == kNone) continue;
    ForcedAlpha& alpha = all[static_cast<std::size_t>(batch.rows[n] % batch.sentences)];
    const real* const row = posteriors.data() + static_cast<std::int64_t>(n) * posteriors.shape()[1];
    alpha.posteriors.insert(alpha.posteriors.end(), row, row + alpha.source_words);
  }
}

}  // namespace

std::vector<ForcedAlpha> forced_alignment(const Model& model, Spans sources, Spans targets) {
  if (sources.empty() && targets.empty()) return {};
  std::vector<ForcedAlpha> all;
  for (const std::span<const Id> source : sources) all.push_back({source.size(), {}, {}});
  Forcing forcing(model, sources, targets, model.attention_delay() - 1);
  forcing.run(&Decoding::attend, [&](std::size_t, const std::vector<std::int32_t>& sentences,
                                     const Prediction& prediction) {
    if (!prediction.alpha.defined())
      throw UsageError("the model has no attention, so it can't tell which words belong together");
    const Tensor alpha = prediction.alpha.to(cpu_memory());
    for (std::size_t r = 0; r < sentences.size(); ++r) {
      ForcedAlpha& own = all[static_cast<std::size_t>(sentences[r])];
      const real* const weights = alpha.data() + static_cast<std::int64_t>(r) * alpha.shape()[1];
      own.weights.insert(own.weights.end(), weights, weights + own.source_words);
    }
  });
  add_posteriors(model, make_batch(sources, targets), all);
  return all;
}

std::vector<std::vector<double>> forced_scores(const Model& model, Spans sources, Spans targets) {
  if (sources.empty() && targets.empty()) return {};
  std::vector<std::vector<double>> all(targets.size());
  Forcing forcing(model, sources, targets, 0);
  forcing.run(&Decoding::step, [&](std::size_t i, const std::vector<std::int32_t>& sentences,
                                   const Prediction& prediction) {
    const Tensor log_p = log_probabilities(prediction);
    for (std::size_t r = 0; r < sentences.size(); ++r) {
      const std::size_t b = static_cast<std::size_t>(sentences[r]);
      all[b].push_back(log_p.data()[static_cast<std::int64_t>(r) * log_p.shape()[1] + targets[b][i]]);
    }
  });
  return all;
}

}  // namespace mininmt
