// RNNsearch: encoder, alignment and decoder put together (MODEL.md 1-5).
#pragma once

#include <span>

#include "nn/rnnsearch/decoder.h"

namespace mininmt {

// Sentences side by side in one padded matrix. Throws Error at an empty sentence.
IdMatrix pad(std::span<const std::span<const Id>> sentences, Lengths& lengths);

// A minibatch, padded with kNone; every sentence ends in </s>.
struct Batch {
  int sentences = 0;       // B
  Words source;            // (S, B)
  Indices source_lengths;  // (B)
  Words previous;          // (T, B): y_{i-1}, the target one step later, after no word at all
  Lengths target_lengths;  // (B)
  // The words to be predicted, N of them: which row t * B + b of the (T, B) each is and which word of the
  // vocabulary.
  Indices rows, targets;

  std::int64_t target_words() const;

  // Sends to that memory what operations there read.
  void send(Memory& memory) const;
  // Takes over the sentences of a batch of the same shape, in place: at the same addresses.
  void replace(const Batch& other);
};

// A room for a batch: at least so many steps and predicted words. A batch is padded up to it, which changes
// nothing that is computed. Zeros: no more than is needed.
struct BatchShape {
  int source_steps = 0, target_steps = 0;
  std::int64_t words = 0;

  bool operator==(const BatchShape&) const = default;
};

Batch make_batch(std::span<const std::span<const Id>> sources, std::span<const std::span<const Id>> targets,
                 const BatchShape& at_least = {});

class RnnSearch {
 public:
  // Parameters are laid out and zero; see nn/initialize.h and nn/model_file.h.
  explicit RnnSearch(const ModelOptions& options);

  const ModelOptions& options() const { return options_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const Encoder& encoder() const { return encoder_; }
  const Alignment& alignment() const { return *alignment_; }
  const Decoder& decoder() const { return decoder_; }

  // -log p(y_i | y_<i, x) of every target word of the batch: (N), the words in the order of batch.rows.
  Var word_losses(Tape& tape, const Batch& batch, double label_smoothing = 0, const Noise& noise = {}) const;

  // log p(y | x) of each sentence, </s> included.
  std::vector<double> log_probabilities(const Batch& batch) const;

 private:
  ModelOptions options_;
  Parameters parameters_;
  Encoder encoder_;
  std::unique_ptr<Alignment> alignment_;
  Decoder decoder_;
};

}  // namespace mininmt
