// Sampling: the words that numbers select, by hand; the model's distribution; the same samples in any batch.
#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "nn/sampling.h"
#include "tensor/error.h"
#include "tests/unit/search_reference.h"

namespace mininmt {
namespace {

constexpr real kBarred = -std::numeric_limits<real>::infinity();

std::vector<real> logs(const std::vector<double>& p) {
  std::vector<real> log_p;
  for (const double x : p) log_p.push_back(x > 0 ? static_cast<real>(std::log(x)) : kBarred);
  return log_p;
}

// Each word's share of the interval (0, 1), in 1/200.
std::vector<int> shares(const Sampling& sampling, const std::vector<double>& p) {
  std::vector<int> counts(p.size());
  for (int i = 0; i < 200; ++i) ++counts[static_cast<std::size_t>(draw(sampling, logs(p), (i + 0.5) / 200))];
  return counts;
}

TEST_CASE("the share of a word is its probability, after temperature, top-k and top-p in this order") {
  const std::vector<double> p = {0.1, 0.4, 0.0, 0.2, 0.3};
  CHECK(shares({}, p) == std::vector{20, 80, 0, 40, 60});
  CHECK(shares({.top_k = 2}, {0.1, 0.3, 0.0, 0.3, 0.3}) ==
        std::vector{0, 100, 0, 100, 0});  // ties: the lower word
  CHECK(shares({.top_k = 1}, p) == std::vector{0, 200, 0, 0, 0});
  CHECK(shares({.top_k = 9}, p) == std::vector{20, 80, 0, 40, 60});
  CHECK(shares({.top_p = 0.5}, {0.1, 0.4, 0.0, 0.1, 0.4}) == std::vector{0, 100, 0, 0, 100});
  CHECK(shares({.top_p = 0.39}, p) == std::vector{0, 200, 0, 0, 0});
  CHECK(shares({.top_k = 2, .top_p = 0.6}, {0.1, 0.4, 0.0, 0.1, 0.4}) == std::vector{0, 100, 0, 0, 100});
  CHECK(shares({.top_k = 2, .top_p = 0.49}, {0.1, 0.4, 0.0, 0.1, 0.4}) == std::vector{0, 200, 0, 0, 0});
  CHECK(shares({.temperature = 0.5}, {0.2, 0.4, 0.4}) == std::vector{22, 89, 89});  // 1 : 4 : 4
  CHECK(shares({.temperature = 0.01}, p) == std::vector{0, 200, 0, 0, 0});
  CHECK_THROWS_AS(draw({}, logs({0, 0}), 0.5), Error);
}

TEST_CASE("samples follow the model, alone and in a batch, and differ by number and seed") {
  const auto model = random_model(small_config());
  const Sentence source = random_sentences({4}, 9)[0];
  SearchOptions options;
  options.allow_unk = true;
  options.sampling = Sampling{};
  options.n_best = 7;
  options.beam_size = 1;
  constexpr std::size_t kSentences = 300;
  PerSentence given;
  for (std::size_t i = 0; i < kSentences; ++i) given.numbers.push_back(i);
  const auto found = beam_search(*model, spans(Sentences(kSentences, source)), options, given);
  const auto p = force(*model, source, {}).next;
  std::vector<double> counts(p.size());
  for (const auto& samples : found) {
    REQUIRE(samples.size() == 7);
    for (const Hypothesis& h : samples)
      ++counts[static_cast<std::size_t>(h.words.empty() ? kEos : h.words[0])];
  }
  const double n = 7 * kSentences;
  for (std::size_t w = 0; w < p.size(); ++w)  // 4 standard deviations
    CHECK(std::abs(counts[w] - n * std::exp(p[w])) <= 4 * std::sqrt(n * std::exp(p[w])) + 1);
  int same = 0;
  for (const std::size_t i : {0, 5, 299}) {
    given.numbers = {i};
    const auto alone = beam_search(*model, spans({source}), options, given)[0];
    options.sampling->seed = 2;
    const auto other = beam_search(*model, spans({source}), options, given)[0];
    options.sampling->seed = 1;
    for (std::size_t k = 0; k < 7; ++k) {
      CHECK(alone[k].words == found[i][k].words);
      CHECK(alone[k].log_p == doctest::Approx(found[i][k].log_p).epsilon(1e-5));
      same += alone[k].words == other[k].words;
      Sentence target = alone[k].words;
      if (alone[k].ended) target.push_back(kEos);
      CHECK(alone[k].log_p ==
            doctest::Approx(log_probabilities(*model, batch_of({source}, {target}))[0]).epsilon(1e-4));
    }
  }
  CHECK(same < 10);
  CHECK(found[0][0].words != found[0][1].words);
}

TEST_CASE("the most probable word alone is greedy search") {
  const auto model = random_model(small_config());
  for (const Sentence& source : random_sentences({1, 3, 6}, 9)) {
    SearchOptions options;
    options.beam_size = 1;
    const auto greedy = search_one(*model, source, options)[0];
    options.sampling = Sampling{.top_k = 1};
    options.n_best = 2;
    for (const Hypothesis& h : search_one(*model, source, options)) CHECK(h.words == greedy.words);
  }
}

// Rules hold for samples too.
TEST_CASE("samples begin as given and do not repeat words") {
  const auto model = random_model(small_config());
  const Sentence source = random_sentences({4}, 9)[0], prefix = {5, 6};
  SearchOptions options;
  options.sampling = Sampling{.temperature = 2};
  options.no_repeat = 1;
  options.n_best = 20;
  PerSentence given{{prefix}, {3}};
  const auto samples = beam_search(*model, spans({source}), options, given)[0];
  CHECK(samples.size() == 20);
  for (const Hypothesis& h : samples) {
    REQUIRE(h.words.size() >= 2);
    CHECK(Sentence(h.words.begin(), h.words.begin() + 2) == prefix);
    CHECK(std::set<Id>(h.words.begin(), h.words.end()).size() == h.words.size());
    CHECK(std::count(h.words.begin(), h.words.end(), kUnk) == 0);
  }
}

}  // namespace
}  // namespace mininmt
