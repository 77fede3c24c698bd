// Translations do not depend on which sentences are batched together.
#include <doctest/doctest.h>

#include "apps/translate/translator.h"
#include "tests/unit/search_reference.h"

namespace mininmt {
namespace {

struct Line {
  Sentence words;
  double log_p;
};

std::vector<Line> translate(const Model& model, const Sentences& sources, std::size_t batch, int beam) {
  std::vector<Line> lines;
  for (std::size_t first = 0; first < sources.size(); first += batch) {
    const auto all = spans(sources);
    SearchOptions options;
    options.beam_size = beam;
    for (const auto& found :
         beam_search(model, std::span(all).subspan(first, std::min(batch, all.size() - first)), options))
      lines.push_back({found[0].words, found[0].log_p});
  }
  return lines;
}

Sentences many_sentences(int count, int words) {
  std::vector<int> lengths;
  for (int i = 0; i < count; ++i) lengths.push_back(1 + i * 7 % 13);
  return random_sentences(lengths, words);
}

TEST_CASE("a sentence alone and in a batch of 64 is translated alike") {
  int flips = 0, total = 0;
  for (std::uint64_t seed = 1; seed <= 2; ++seed)
    for (int beam : {1, 5}) {
      const auto model = random_model(small_config(kOrders[seed % 3], kAlignments[seed % 2], 30), seed);
      const Sentences sources = many_sentences(150, 9);
      const auto one = translate(*model, sources, 1, beam), together = translate(*model, sources, 64, beam);
      REQUIRE(one.size() == together.size());
      for (std::size_t i = 0; i < one.size(); ++i, ++total) {
        if (one[i].words != together[i].words)
          ++flips;
        else
          CHECK(one[i].log_p == doctest::Approx(together[i].log_p).epsilon(1e-5));
      }
    }
  MESSAGE(flips, " of ", total, " translations differ between batches of 1 and of 64");
  CHECK(flips == 0);
}

TEST_CASE("the same search gives the same bits again") {
  const auto model = random_model(small_config());
  const Sentences sources = many_sentences(20, 9);
  const SearchOptions options{5, 1, 3, 0, false, 5, true};
  const auto a = beam_search(*model, spans(sources), options),
             b = beam_search(*model, spans(sources), options);
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t k = 0; k < a[i].size(); ++k) {
      CHECK(a[i][k].words == b[i][k].words);
      CHECK(a[i][k].log_p == b[i][k].log_p);
      CHECK(a[i][k].alpha == b[i][k].alpha);
    }
}

TEST_CASE("lines come back in their order, whatever their lengths, batches and threads") {
  const auto model = random_model(small_config());
  Vocab source, target;
  while (source.size() < 9) source.add("s" + std::to_string(source.size()));
  while (target.size() < 11) target.add("t" + std::to_string(target.size()));
  std::vector<std::string> lines;
  for (const Sentence& sentence : many_sentences(40, 9)) lines.push_back(source.decode(sentence));
  REQUIRE(lines[0].empty());  // length 1 is only </s>

  SearchOptions options;
  std::vector<std::string> expected;
  for (const std::string& line : lines)
    expected.push_back(
        line.empty() ? "" : target.decode(search_one(*model, source.encode(line), options)[0].words));
  for (int mini_batch : {1, 7, 64})
    for (int threads : {1, 2}) {
      const Translator translator(*model, source, target, options, mini_batch, threads);
      const auto found = translator.translate(lines);
      REQUIRE(found.size() == lines.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        CHECK(found[i].empty() == lines[i].empty());
        CHECK((found[i].empty() ? "" : translator.text(found[i][0])) == expected[i]);
      }
    }
}

TEST_CASE("scores of lines are those of the sentences, in their order") {
  const auto model = random_model(small_config());
  Vocab source, target;
  while (source.size() < 9) source.add("s" + std::to_string(source.size()));
  while (target.size() < 11) target.add("t" + std::to_string(target.size()));
  const std::vector<std::string> sources = {"s2 s3", "", "s4 s5 s6 s7 nowhere", "s2"},
                                 targets = {"t9", "t2 t3 t4", "", "t5 t6"};
  for (int mini_batch : {1, 3}) {
    const auto scores = score_lines(*model, source, target, sources, targets, mini_batch, 2);
    for (std::size_t i = 0; i < sources.size(); ++i)
      CHECK(scores[i] == doctest::Approx(log_probabilities(*model, batch_of({source.encode(sources[i])},
                                                                            {target.encode(targets[i])}))[0])
                             .epsilon(1e-5));
  }
}

}  // namespace
}  // namespace mininmt
