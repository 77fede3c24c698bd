// What training, search, scoring and model files see of any model. A family (nn/families.h) is a Model and
// its Decoding; nothing else in the project knows which families there are.
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

// What a hypothesis carries from word to word, a row a hypothesis: s and c, the cells of an LSTM, the centres
// of windows. Search reorders it without knowing what it is.
struct State {
  int words = 0;           // written so far, the same number by every hypothesis
  std::vector<Var> parts;  // (R, ...) each
};

// The rows of a state, on another tape, where they are constants; a row may be picked several times.
State select(Tape& tape, const State& state, const Indices& rows);

// What a model says of the next word.
struct Prediction {
  Tensor scores;  // (R, V): log p up to a number for each row, without the bias. Whoever has it may write
                  // into it
  Tensor bias;    // (V) to be added to every row of scores; undefined: none
  Tensor alpha;   // (R, S) how much of each source position was attended to; undefined: the model has none
};

// The decoder over one batch of encoded sources, a target word a step.
class Decoding {
 public:
  virtual ~Decoding() = default;

  // Before the first word: a row a sentence.
  virtual State start() const = 0;

  // Row r of `before`, of sentence sentence_of_row[r], has written words[r] last (kNone: nothing yet). Gives
  // what comes next, and the state to hand to the next step.
  virtual std::pair<State, Prediction> step(Tape& tape, const State& before, const Indices& words,
                                            const Indices& sentence_of_row) const = 0;
};

// What is done to the cost for the sake of learning alone.
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

  // -log p of the batch, in nats: (N) a word each, in the order of batch.rows, or (B) a sentence each. With
  // label smoothing, the cross-entropy against the smoothed words. Sends nothing to the GPU and waits for
  // nothing.
  virtual Var costs(Tape& tape, const Batch& batch, const Training& training) const = 0;

  // Encodes sources (S, B) and starts to decode. Lives as long as the tape.
  virtual std::unique_ptr<Decoding> decode(Tape& tape, const Words& source, const Indices& lengths) const = 0;

 protected:
  explicit Model(const Config& config) : config_(config) {}

  const Config config_;
  Parameters parameters_;
};

// log p(y | x) of each sentence, </s> included.
std::vector<double> log_probabilities(const Model& model, const Batch& batch);

}  // namespace mininmt
