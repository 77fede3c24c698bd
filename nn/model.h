// The interface of any model to training, search, scoring and model files. A family (nn/families.h)
// implements Model and Decoding; nothing else in the project depends on a particular family.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "autograd/parameter.h"
#include "autograd/tape.h"
#include "nn/batch.h"
#include "nn/config.h"
#include "nn/training/noise.h"

namespace mininmt {

// What a hypothesis carries from word to word, one row per hypothesis: s and c, or the centres of windows.
// Search reorders it without knowing its contents.
struct State {
  int words = 0;           // written so far, the same for every hypothesis
  std::vector<Var> parts;  // (R, ...) each
  // For a model that reads all words so far: of each word, for every hypothesis, the number under which the
  // Decoding keeps what it computed then. Only the numbers are reordered.
  std::vector<std::vector<std::int32_t>> kept = {};
  std::vector<State> members = {};  // of an ensemble: its models' states
};

// Rows of a state, as constants on another tape; a row may be selected several times.
State select(Tape& tape, const State& state, const Indices& rows);

// A model's prediction of the next word.
struct Prediction {
  Tensor scores;  // (R, V): log p up to a constant per row, without the bias; may be overwritten
  Tensor bias;    // (V) to add to every row of scores; undefined: none
  Tensor alpha;   // (R, S) attention weights of the source positions; undefined: none
};

// The decoder over one batch of encoded sources, one target word per step.
class Decoding {
 public:
  virtual ~Decoding() = default;

  // Before the first word: one row per sentence.
  virtual State start() const = 0;

  // Row r of `before`, of sentence sentence_of_row[r], has just written words[r] (kNone: nothing yet).
  // Returns the next prediction, and the state for the next step.
  virtual std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                            const Indices& sentence_of_row) const = 0;

  // The same where the next words are known: of a prediction only alpha, if that saves work.
  virtual std::pair<State, Prediction> attend(Tape& tape, const State& before, const Indices& words,
                                              const Indices& sentence_of_row) const {
    return step(tape, before, words, sentence_of_row);
  }

  // From now on predicts only these words, in this order. Throws UsageError if the model can't.
  virtual void restrict_to(const Indices& words);

  // From now on leaves out, in each prediction, the source positions whose weight is below `share` of the
  // largest. Throws UsageError unless the model predicts from each position by itself.
  virtual void skip_positions(double share);
};

// Changes to the cost that only serve training.
struct Training {
  double label_smoothing = 0;
  Noise noise = {};
};

class Model {
 public:
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Config& config() const { return config_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }

  // -log p of the batch, in nats: (N), per word in the order of batch.rows, or (B), per sentence. With label
  // smoothing, the cross-entropy with the smoothed targets. Sends nothing to the GPU and waits for nothing.
  virtual Var costs(Tape& tape, const Batch& batch, const Training& training) const = 0;

  // Whether its predictions have weights of the source positions, alpha.
  virtual bool attends() const { return true; }

  // Encodes sources (S, B) and starts decoding. Lives as long as the tape.
  virtual std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const = 0;

  // Of a model that can tell where each word of a given target came from, knowing all of the pair: the
  // probabilities of the source positions, (N, S) in the order of batch.rows; else undefined.
  virtual Tensor posteriors(const Batch&) const { return Tensor(); }

  // d: the attention of step i + d is the first that depends on word i.
  virtual int attention_delay() const { return 1; }

 protected:
  explicit Model(const Config& config) : config_(config) {}

  const Config config_;
  Parameters parameters_;
};

// Sets the parameters to those of `from`, a model on the host of the same config but for its number of words.
// One may be plain, the other fused. Its words are the first here; what belongs to the others stays as it is.
// Otherwise throws Error, which names what differs.
void take_parameters(const Model& from, Model& model);

// Sets the parameters of `model` to the mean of those of others of the same config, on the host, with these
// weights, which add up to 1. Throws Error as take_parameters().
void average_parameters(const std::vector<const Model*>& others, const std::vector<double>& weights,
                        Model& model);

// log p of each word, (R, V) on the host; may overwrite the scores. Throws Error if they are not finite.
Tensor log_probabilities(const Prediction& prediction);

// log p(y | x) of each sentence, including </s>.
std::vector<double> log_probabilities(const Model& model, const Batch& batch);

}  // namespace mininmt
