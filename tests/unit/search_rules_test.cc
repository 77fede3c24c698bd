// What may be written, and what hypotheses rank by: against all targets that an independent test lets
// through.
#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "nn/forced_alignment.h"
#include "tensor/error.h"
#include "tests/unit/search_reference.h"

namespace mininmt {
namespace {

constexpr int kWords = 4;  // </s>, <unk> and two more

bool repeats(const Sentence& words, std::size_t n) {
  std::set<Sentence> seen;
  for (std::size_t i = 0; i + n <= words.size(); ++i)
    if (!seen.insert({words.begin() + static_cast<std::ptrdiff_t>(i),
                      words.begin() + static_cast<std::ptrdiff_t>(i + n)})
             .second)
      return true;
  return false;
}

// Whether the search may write `target`, which ends in </s> or is cut after `longest` words.
bool passes(const Sentence& target, const Sentence& prefix, const SearchOptions& o) {
  Sentence words = target;
  if (words.back() == kEos) words.pop_back();
  const bool ended = words.size() < target.size();
  const int n = static_cast<int>(words.size());
  if (n < static_cast<int>(prefix.size())) return false;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (i < prefix.size() ? words[i] != prefix[i] : words[i] == kUnk && !o.allow_unk) return false;
  if (o.no_repeat > 0 && repeats(words, static_cast<std::size_t>(o.no_repeat))) return false;
  if (o.max_words > 0 && n > std::max(o.max_words, static_cast<int>(prefix.size()))) return false;
  return !ended || n >= o.min_words;
}

// All targets of at most `longest` words, ranked.
std::vector<Hypothesis> exhaustive(const Model& model, const Sentence& source, const Sentence& prefix,
                                   const SearchOptions& o, int longest) {
  std::vector<Hypothesis> all;
  Sentences prefixes = {{}};
  for (int i = 0; i < longest; ++i) {
    Sentences longer;
    for (const Sentence& begun : prefixes)
      for (Id word = 0; word < kWords; ++word) {
        Sentence target = begun;
        target.push_back(word);
        if (word != kEos && i + 1 < longest) longer.push_back(target);
        if ((word != kEos && i + 1 < longest) || !passes(target, prefix, o)) continue;
        const double log_p = log_probabilities(model, batch_of({source}, {target}))[0];
        Hypothesis h = hypothesis(target, 0, o);
        h.log_p = log_p;
        std::vector<double> attended(source.size());
        for (const auto& row : force(model, source, h.words).alpha)
          for (std::size_t j = 0; j < row.size(); ++j) attended[j] += row[j];
        if (!h.ended) {  // the word that would follow was not predicted
          const auto last = force(model, source, h.words).alpha.back();
          for (std::size_t j = 0; j < last.size(); ++j) attended[j] -= last[j];
        }
        double covered = 0;
        for (const double weight : attended) covered += std::log(std::min(weight, 1.0));
        const double n = static_cast<double>(target.size());
        h.score = (log_p - o.word_penalty * n) / std::pow(n, o.normalize) + o.coverage_penalty * covered;
        all.push_back(h);
      }
    prefixes = longer;
  }
  rank(all);
  return all;
}

void check_same(const std::vector<Hypothesis>& found, const std::vector<Hypothesis>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    INFO("hypothesis ", k);
    CHECK(found[k].words == expected[k].words);
    CHECK(found[k].ended == expected[k].ended);
    CHECK(found[k].log_p == doctest::Approx(expected[k].log_p).epsilon(1e-5));
    CHECK(found[k].score == doctest::Approx(expected[k].score).epsilon(1e-4));
  }
}

std::vector<Hypothesis> search_with(const Model& model, const Sentence& source, const Sentence& prefix,
                                    const SearchOptions& options) {
  PerSentence given;
  if (!prefix.empty()) given.prefixes = {prefix};
  return beam_search(model, spans({source}), options, given)[0];
}

// A beam wider than what passes; longest: the words that the factor or the rules leave room for.
void check_exhaustive(SearchOptions options, int longest, const Sentence& prefix = {}) {
  const auto model = random_model(small_config("authors", "additive", kWords));
  const Sentence source = random_sentences({2}, 9)[0];
  options.beam_size = 400;
  const auto all = exhaustive(*model, source, prefix, options, longest);
  CHECK(all.size() > 1);
  options.n_best = static_cast<int>(all.size());
  check_same(search_with(*model, source, prefix, options), all);
  options.n_best = 1;  // here the search may end early
  check_same(search_with(*model, source, prefix, options), {all[0]});
}

TEST_CASE("no n-gram is written twice") {
  for (const int n : {1, 2, 3}) {
    SearchOptions options;
    options.max_length_factor = 2.5;
    options.no_repeat = n;
    options.allow_unk = n == 1;
    check_exhaustive(options, 5);
  }
}

TEST_CASE("least and most words") {
  SearchOptions options;
  options.max_length_factor = 2;
  options.max_words = 2;
  check_exhaustive(options, 3);
  options.min_words = 1;
  check_exhaustive(options, 3);
  options.max_words = 0;
  options.min_words = 4;  // more than the factor allows
  check_exhaustive(options, 5);
}

TEST_CASE("what hypotheses rank by") {
  for (const auto& [words, covered] : {std::pair(0.7, 0.0), {-0.9, 0.0}, {0.0, 0.4}, {0.3, 1.5}})
    for (const double normalize : {0.0, 0.6, 1.0}) {
      SearchOptions options;
      options.max_length_factor = 2;
      options.normalize = normalize;
      options.word_penalty = words;
      options.coverage_penalty = covered;
      check_exhaustive(options, 4);
    }
}

TEST_CASE("a given beginning, with any words, however long") {
  SearchOptions options;
  options.max_length_factor = 2;
  check_exhaustive(options, 4, {3});
  check_exhaustive(options, 4, {kUnk, 3});
  check_exhaustive(options, 6, {3, 3, 2, 3, 3});
  options.no_repeat = 1;
  check_exhaustive(options, 4, {3});
  options.no_repeat = 0;
  options.max_words = 1;
  const auto model = random_model(small_config("authors", "additive", kWords));
  const Sentence prefix = {3, 3};
  const auto found = search_with(*model, {4, kEos}, prefix, options);
  REQUIRE(found.size() == 1);
  CHECK(found[0].words == prefix);
  CHECK(found[0].ended);
}

TEST_CASE("each sentence of a batch has its own beginning") {
  const auto model = random_model(small_config());
  const Sentences sources = random_sentences({3, 5, 2}, 9), prefixes = {{4, 5}, {}, {6}};
  const SearchOptions options{4, 1, 3, 0, false, 2, true};
  PerSentence given;
  for (const Sentence& prefix : prefixes) given.prefixes.emplace_back(prefix);
  const auto together = beam_search(*model, spans(sources), options, given);
  for (std::size_t b = 0; b < sources.size(); ++b) {
    check_same(together[b], search_with(*model, sources[b], prefixes[b], options));
    for (const Hypothesis& h : together[b]) {
      CHECK(std::equal(prefixes[b].begin(), prefixes[b].end(), h.words.begin()));
      CHECK(h.alpha.size() == h.words.size() + (h.ended ? 1 : 0));
    }
  }
  given.prefixes.pop_back();
  CHECK_THROWS_AS(beam_search(*model, spans(sources), options, given), Error);
}

TEST_CASE("log p of each word adds up to the sentence's") {
  const auto model = random_model(small_config());
  const Sentence source = random_sentences({4}, 9)[0];
  for (const Hypothesis& h : search_one(*model, source, {5, 1, 3, 0, true, 5, false})) {
    Sentence target = h.words;
    if (h.ended) target.push_back(kEos);
    const auto expected = forced_scores(*model, spans({source}), spans({target}))[0];
    REQUIRE(h.word_log_p.size() == target.size());
    for (std::size_t i = 0; i < target.size(); ++i) {
      CHECK(h.word_log_p[i] == doctest::Approx(expected[i]).epsilon(1e-4));
      CHECK(expected[i] ==
            doctest::Approx(
                force(*model, source, {target.begin(), target.begin() + static_cast<std::ptrdiff_t>(i)})
                    .next[static_cast<std::size_t>(target[i])])
                .epsilon(1e-4));
    }
  }
}

TEST_CASE("the sibling penalty is that of the plain search") {
  int other = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto model = random_model(small_config(), seed);
    for (const Sentence& source : random_sentences({3, 5}, 9, seed))
      for (const int n_best : {1, 4}) {
        SearchOptions options{4, 1, 1.7, 0, true, n_best, false};
        const auto plain = reference_search(*model, source, options);
        options.diversity = 0.5;
        const auto expected = reference_search(*model, source, options);
        check_same(search_one(*model, source, options), expected);
        other += expected.back().words != plain.back().words;
      }
  }
  CHECK(other > 2);
}

// log 0.5 + log 1 + log 1e-6.
TEST_CASE("coverage by hand") {
  CHECK(coverage(std::vector{0.5, 2.0, 0.0}) == doctest::Approx(-0.693147 - 13.815511));
  CHECK(coverage({}) == 0);
}

TEST_CASE("coverage needs attention") {
  const auto model = random_model(lstm_config());
  SearchOptions options;
  options.coverage_penalty = 0.2;
  CHECK_THROWS_AS(beam_search(*model, spans({{kEos}}), options), UsageError);
}

}  // namespace
}  // namespace mininmt
