// Subword regularisation (Kudo 2018): in each epoch a sentence is divided into other pieces.
#pragma once

#include <deque>
#include <vector>

#include "apps/options/train_options.h"
#include "apps/text/corpus.h"
#include "nn/training/minibatch.h"

namespace mininmt {

// Divisions among which one is drawn.
inline constexpr int kDivisions = 32;

class PieceSampling {
 public:
  // For the sides whose units are pieces of words. Holds references. Throws UsageError if those of a side
  // come in one way only, as with SentencePiece's type bpe.
  PieceSampling(const TrainOptions& options, const Vocab& source, const Vocab& target);

  // From now on minibatches are of this update.
  void begin_update(std::int64_t update);

  // The pairs as a minibatch, each sentence x in pieces drawn from its best divisions with p(pieces |
  // x)^alpha (--sentencepiece-alpha) normalised; a function of seed, update and place in the update. A
  // sentence with <unk> stays as it is: its text is not known. The spans are valid until the next update.
  Minibatch minibatch(const ParallelCorpus& corpus, std::span<const std::uint32_t> pairs);

 private:
  void draw(std::vector<std::span<const Id>>& sentences, std::size_t side);

  double alpha_;
  std::uint64_t seed_;
  const Vocab* sides_[2];  // null: not of pieces
  std::int64_t update_ = 0;
  std::size_t sentences_ = 0;           // of the update so far
  std::deque<std::vector<Id>> ids_[2];  // theirs
};

}  // namespace mininmt
