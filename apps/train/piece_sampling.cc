#include "apps/train/piece_sampling.h"

#include <algorithm>
#include <cmath>

#include "apps/train/minibatches.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

// Streams of their own.
constexpr std::uint64_t kPieceSampling = std::uint64_t{1} << 63;

// The index of a division, drawn by u in (0, 1).
std::size_t drawn(const std::vector<Division>& divisions, double alpha, double u) {
  double best = divisions[0].log_p;
  for (const Division& division : divisions) best = std::max(best, division.log_p);
  std::vector<double> sums;
  for (const Division& division : divisions)
    sums.push_back((sums.empty() ? 0 : sums.back()) + std::exp(alpha * (division.log_p - best)));
  const auto found = std::upper_bound(sums.begin(), sums.end() - 1, u * sums.back());
  return static_cast<std::size_t>(found - sums.begin());
}

}  // namespace

PieceSampling::PieceSampling(const TrainOptions& options, const Vocab& source, const Vocab& target)
    : alpha_(options.sentencepiece_alpha),
      seed_(static_cast<std::uint64_t>(options.seed)),
      sides_{&source, &target} {
  for (const Vocab*& side : sides_) {
    if (side->units().name() != kPieces) {
      side = nullptr;
    } else if (side->units().n_best("a", 1).empty()) {
      throw UsageError(
          "--sentencepiece-alpha: pieces of type bpe have no probabilities to draw by: leave it out, or take "
          "pieces of type unigram");
    }
  }
}

void PieceSampling::begin_update(std::int64_t update) {
  update_ = update;
  sentences_ = 0;
}

void PieceSampling::draw(std::vector<std::span<const Id>>& sentences, std::size_t side) {
  if (sides_[side] == nullptr) return;
  const Vocab& vocab = *sides_[side];
  const Random random{seed_, kPieceSampling | static_cast<std::uint64_t>(update_) << 1 | side};
  if (ids_[side].size() < sentences_ + sentences.size()) ids_[side].resize(sentences_ + sentences.size());
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    if (std::count(sentences[i].begin(), sentences[i].end(), kUnk) > 0) continue;
    const auto divisions = vocab.units().n_best(vocab.decode(sentences[i]), kDivisions);
    if (divisions.empty()) continue;
    std::vector<Id>& ids = ids_[side][sentences_ + i];
    ids.clear();
    for (const std::string& piece : divisions[drawn(divisions, alpha_, random.uniform(sentences_ + i))].units)
      ids.push_back(vocab.id(piece));
    ids.push_back(kEos);
    sentences[i] = ids;
  }
}

Minibatch PieceSampling::minibatch(const ParallelCorpus& corpus, std::span<const std::uint32_t> pairs) {
  Minibatch minibatch = minibatch_of(corpus, pairs);
  draw(minibatch.sources, 0);
  draw(minibatch.targets, 1);
  sentences_ += pairs.size();
  return minibatch;
}

}  // namespace mininmt
