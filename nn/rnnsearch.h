// RNNsearch: encoder, alignment and decoder put together (MODEL.md 1-5).
#pragma once

#include <span>

#include "nn/decoder.h"

namespace mininmt {

// A minibatch, padded with kNone; every sentence ends in </s>.
struct Batch {
  IdMatrix source;  // (S, B)
  Lengths source_lengths;
  IdMatrix target;  // (T, B)
  Lengths target_lengths;

  int sentences() const { return source.batch; }
  std::int64_t target_words() const;
};

// Sentences side by side in one padded matrix. Throws Error at an empty sentence.
IdMatrix pad(std::span<const std::span<const Id>> sentences, Lengths& lengths);
Batch make_batch(std::span<const std::span<const Id>> sources, std::span<const std::span<const Id>> targets);

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

  // -log p(y_i | y_<i, x) of every target word of the batch: (N), the words in the order of rows_of(batch).
  Var word_losses(Tape& tape, const Batch& batch, double label_smoothing = 0, const Noise& noise = {}) const;

  // Where the words are in the padded matrix (T, B): row t * B + b for each t, b with t < target_lengths[b].
  static std::vector<std::int64_t> rows_of(const Batch& batch);

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
