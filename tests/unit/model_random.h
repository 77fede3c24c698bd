// Small models whose parameters are random and large, so that every term of every equation matters, and
// random sentences for them. For the float and the double build.
#pragma once

#include <memory>
#include <vector>

#include "nn/rnnsearch/rnnsearch.h"
#include "tensor/random.h"

namespace mininmt {

using Sentence = std::vector<Id>;
using Sentences = std::vector<Sentence>;

inline constexpr DecoderOrder kOrders[] = {DecoderOrder::kAuthors, DecoderOrder::kBody,
                                           DecoderOrder::kAppendix};
inline constexpr AlignmentKind kAlignments[] = {AlignmentKind::kAdditive, AlignmentKind::kFixed};

inline ModelOptions small_options(DecoderOrder order = DecoderOrder::kAuthors,
                                  AlignmentKind alignment = AlignmentKind::kAdditive, int target_words = 11) {
  ModelOptions options{9, target_words, 3, 5, 7, 3};
  options.alignment = alignment;
  options.decoder_order = order;
  return options;
}

// All parameters from N(0, deviation^2).
inline std::unique_ptr<RnnSearch> random_model(const ModelOptions& options, std::uint64_t seed = 1,
                                               double deviation = 0.7) {
  auto model = std::make_unique<RnnSearch>(options);
  const Random random{seed, 77};
  std::uint64_t i = 0;
  for (real& x : model->parameters().values().values()) x = static_cast<real>(deviation * random.normal(i++));
  return model;
}

// One sentence of each length, </s> counted, of words from <unk> to the last.
inline Sentences random_sentences(const std::vector<int>& lengths, int words, std::uint64_t seed = 1) {
  const Random random{seed, 78};
  std::uint64_t i = 0;
  Sentences sentences;
  for (int length : lengths) {
    Sentence& sentence = sentences.emplace_back();
    while (static_cast<int>(sentence.size()) + 1 < length)
      sentence.push_back(kUnk + static_cast<Id>(random.bits(i++) % static_cast<std::uint32_t>(words - kUnk)));
    sentence.push_back(kEos);
  }
  return sentences;
}

inline std::vector<std::span<const Id>> spans(const Sentences& sentences) {
  return {sentences.begin(), sentences.end()};
}

inline Batch batch_of(const Sentences& sources, const Sentences& targets) {
  return make_batch(spans(sources), spans(targets));
}

}  // namespace mininmt
