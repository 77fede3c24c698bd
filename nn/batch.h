// Sentences side by side in padded matrices.
#pragma once

#include <span>

#include "tensor/ids.h"

namespace mininmt {

// Throws Error at an empty sentence.
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

// The shape that a batch is padded to: at least this many steps and predicted words. The padding changes no
// result. Zeros: no more than is needed.
struct BatchShape {
  int source_steps = 0, target_steps = 0;
  std::int64_t words = 0;

  bool operator==(const BatchShape&) const = default;
};

Batch make_batch(std::span<const std::span<const Id>> sources, std::span<const std::span<const Id>> targets,
                 const BatchShape& at_least = {});

}  // namespace mininmt
