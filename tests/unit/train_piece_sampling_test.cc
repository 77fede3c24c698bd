// Pieces drawn anew for each update; skipped without the SentencePiece library.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/text/sentencepiece.h"
#include "apps/train/piece_sampling.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

Vocab learned(const std::string& type) {
  std::vector<std::string> lines;
  for (const char* stem : {"walk", "talk", "jump", "look", "play"})
    for (const char* end : {"", "s", "ed", "ing"})
      for (const char* before : {"the dog ", "a cat ", "birds "})
        lines.push_back(std::string(before) + stem + end);
  const NextLine next = [lines, i = std::size_t{0}](std::string& line) mutable {
    if (i == lines.size()) return false;
    line = lines[i++];
    return true;
  };
  return Vocab::of_all(learn_pieces(next, "text", {type, 40, lines.size(), 20}));
}

struct Sampled {
  Vocab vocab = learned("unigram");
  ParallelCorpus corpus;
  TrainOptions options;

  Sampled() {
    for (const char* line : {"the dog walking", "birds jumped"}) {
      const std::vector<Id> ids = vocab.encode(line);
      corpus.add(ids, ids);
    }
    const Id unknown[] = {vocab.encode("the")[0], kUnk, kEos};
    corpus.add(unknown, unknown);
    options.units = {kPieces, kPieces};
    options.sentencepiece_alpha = 0.5;
  }

  // The pairs in two ways: as ids of sources, and of targets.
  std::vector<std::vector<Id>> draw(std::int64_t update,
                                    const std::vector<std::uint32_t>& pairs = {0, 1, 2}) {
    PieceSampling sampling(options, vocab, vocab);
    sampling.begin_update(update);
    const Minibatch minibatch = sampling.minibatch(corpus, pairs);
    std::vector<std::vector<Id>> sentences;
    for (const auto* side : {&minibatch.sources, &minibatch.targets})
      for (const std::span<const Id>& ids : *side) sentences.emplace_back(ids.begin(), ids.end());
    return sentences;
  }
};

TEST_CASE("sampling of pieces: the same text in other pieces, by seed, update, side and place" *
          doctest::skip(!has_sentencepiece())) {
  Sampled s;
  s.options.sentencepiece_alpha = 0.05;
  const auto first = s.draw(1);
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].back() == kEos);
    const std::span<const Id> stored = s.corpus.source(i % 3);
    CHECK(s.vocab.decode(first[i]) == s.vocab.decode(stored));
  }
  CHECK(s.draw(1) == first);
  std::vector<std::vector<Id>> sources, targets, places, seeds;
  for (std::int64_t update = 0; update < 50; ++update) {
    const auto drawn = s.draw(update, {0, 0, 2});
    sources.push_back(drawn[0]), places.push_back(drawn[1]), targets.push_back(drawn[3]);
    CHECK(drawn[2] == std::vector<Id>(s.corpus.source(2).begin(), s.corpus.source(2).end()));  // has <unk>
  }
  s.options.seed = 2;
  for (std::int64_t update = 0; update < 50; ++update) seeds.push_back(s.draw(update)[0]);
  CHECK(std::set(sources.begin(), sources.end()).size() > 3);
  for (const auto* others : {&targets, &places, &seeds}) CHECK(*others != sources);
}

TEST_CASE("sampling of pieces: how often a division is drawn, and the best alone with a large alpha" *
          doctest::skip(!has_sentencepiece())) {
  Sampled s;
  const auto divisions = s.vocab.units().n_best("the dog walking", kDivisions);
  REQUIRE(divisions.size() > 2);
  std::map<std::vector<Id>, double> expected;
  double sum = 0;
  for (const Division& division : divisions) sum += std::exp(0.5 * (division.log_p - divisions[0].log_p));
  for (const Division& division : divisions) {
    std::vector<Id> ids;
    for (const std::string& piece : division.units) ids.push_back(s.vocab.id(piece));
    ids.push_back(kEos);
    expected[ids] = std::exp(0.5 * (division.log_p - divisions[0].log_p)) / sum;
  }
  constexpr int kDraws = 4000;
  std::map<std::vector<Id>, int> counts;
  for (std::int64_t update = 0; update < kDraws / 4; ++update)
    for (const auto& ids : s.draw(update, {0, 0})) ++counts[ids];
  for (const auto& [ids, p] : expected)
    CHECK(std::abs(counts[ids] - kDraws * p) < 5 * std::sqrt(kDraws * p * (1 - p)) + 1);
  s.options.sentencepiece_alpha = 10;
  const std::vector<Id> best = s.vocab.encode("the dog walking");
  int of_best = 0;
  for (std::int64_t update = 0; update < 100; ++update) of_best += s.draw(update, {0})[0] == best;
  CHECK(of_best > 90);
}

TEST_CASE("sampling of pieces: words stay, and bpe has no probabilities" *
          doctest::skip(!has_sentencepiece())) {
  Sampled s;
  Vocab words;
  words.add("a");
  ParallelCorpus corpus;
  const Id ids[] = {2, kEos};
  corpus.add(ids, ids);
  PieceSampling sampling(s.options, words, words);
  const std::uint32_t pairs[] = {0};
  CHECK(sampling.minibatch(corpus, pairs).sources[0].data() == corpus.source(0).data());
  const Vocab bpe = learned("bpe");
  CHECK_THROWS_WITH_AS(PieceSampling(s.options, words, bpe),
                       doctest::Contains("pieces of type bpe have no probabilities"), UsageError);
}

}  // namespace
}  // namespace mininmt
