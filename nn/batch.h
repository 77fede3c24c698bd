// Minibatches of sentences in padded matrices.
#pragma once

#include <span>

#include "tensor/ids.h"
#include "tensor/random.h"

namespace mininmt {

// Throws Error if a sentence is empty.
IdMatrix pad(std::span<const std::span<const Id>> sentences, Lengths& lengths);

// A minibatch, padded with kNone; every sentence ends in </s>.
struct Batch {
  int sentences = 0;       // B
  Words source;            // (S, B)
  Indices source_lengths;  // (B)
  Words previous;          // (T, B): y_{i-1}, the target shifted by one, starting with kNone
  Lengths target_lengths;  // (B)
  // The N words to predict: the row t * B + b of each in (T, B), and its id.
  Indices rows, targets;

  std::int64_t target_words() const;

  // Sends to that memory what its operations read.
  void send(Memory& memory) const;
  // Takes the sentences of a batch of the same shape, keeping the addresses.
  void replace(const Batch& other);
};

// The minimum shape to pad a batch to: steps, and predicted words; 0: no extra. Padding changes no result.
struct BatchShape {
  int source_steps = 0, target_steps = 0;
  std::int64_t words = 0;

  bool operator==(const BatchShape&) const = default;
};

// Word dropout: puts <unk> in place of each word that is read, of the source and of `previous`, but not </s>,
// with probability p. What is to be predicted stays.
void drop_words(Batch& batch, double p, const Random& random);

Batch make_batch(std::span<const std::span<const Id>> sources, std::span<const std::span<const Id>> targets,
                 const BatchShape& at_least = {});

}  // namespace mininmt
