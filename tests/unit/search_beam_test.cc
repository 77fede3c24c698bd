// Beam search against independent searches that share only the model.
#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "tensor/error.h"
#include "tests/unit/search_reference.h"

namespace mininmt {
namespace {

void check_same(const std::vector<Hypothesis>& found, const std::vector<Hypothesis>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t k = 0; k < found.size(); ++k) {
    CHECK(found[k].words == expected[k].words);
    CHECK(found[k].ended == expected[k].ended);
    CHECK(found[k].log_p == doctest::Approx(expected[k].log_p).epsilon(1e-5));
    CHECK(found[k].score == doctest::Approx(expected[k].score).epsilon(1e-5));
  }
}

TEST_CASE("a beam of one is greedy search") {
  for (const auto& [order, alignment] : kVariants) {
    const auto model = random_model(small_config(order, alignment));
    for (const Sentence& source : random_sentences({1, 2, 3, 4, 5, 6, 7, 8}, 9)) {
      SearchOptions options;
      options.beam_size = 1;
      Sentence words;
      double log_p = 0;
      while (static_cast<int>(words.size()) < longest(source, options) &&
             (words.empty() || words.back() != kEos)) {
        const auto next = force(*model, source, words).next;
        Id best = kEos;
        for (Id word = kUnk + 1; word < static_cast<Id>(next.size()); ++word)
          if (next[static_cast<std::size_t>(word)] > next[static_cast<std::size_t>(best)]) best = word;
        log_p += next[static_cast<std::size_t>(best)];
        words.push_back(best);
      }
      check_same(search_one(*model, source, options), {hypothesis(words, log_p, options)});
    }
  }
}

TEST_CASE("any beam is what the plain beam search finds") {
  int cut = 0, early = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    for (const std::string& order : kOrders) {
      const auto model = random_model(small_config(order, kAlignments[seed % 2]), seed);
      for (const Sentence& source : random_sentences({1, 3, 5}, 9, seed))
        for (int beam : {2, 3, 5})
          for (int n_best : {1, beam})
            for (double normalize : {0.0, 0.6, 1.0}) {
              SearchOptions options{beam, normalize, 1.7, 0, seed % 2 == 0, n_best, false};
              if (seed > 2) options.length_penalty = LengthPenalty::kGnmt;
              const auto expected = reference_search(*model, source, options);
              check_same(search_one(*model, source, options), expected);
              cut += !expected.back().ended;
              early += static_cast<int>(expected[0].words.size()) + 1 < longest(source, options);
            }
    }
  CHECK(cut > 10);  // the relevant cases occurred
  CHECK(early > 10);
}

// All targets of at most `longest` words, ranked: log p from the loss, over the whole sentence at once.
std::vector<Hypothesis> exhaustive(const Model& model, const Sentence& source, const SearchOptions& o,
                                   int words) {
  Sentences targets, prefixes = {{}};
  for (int i = 0; i < longest(source, o); ++i) {
    Sentences longer;
    for (const Sentence& prefix : prefixes)
      for (Id word = 0; word < words; ++word) {
        if (word == kUnk && !o.allow_unk) continue;
        Sentence next = prefix;
        next.push_back(word);
        (word == kEos || i + 1 == longest(source, o) ? targets : longer).push_back(next);
      }
    prefixes = longer;
  }
  const auto log_p = log_probabilities(model, batch_of(Sentences(targets.size(), source), targets));
  std::vector<Hypothesis> all;
  for (std::size_t i = 0; i < targets.size(); ++i) all.push_back(hypothesis(targets[i], log_p[i], o));
  rank(all);
  return all;
}

TEST_CASE("a beam wider than the search space is exhaustive search") {
  constexpr int kWords = 4;  // </s>, <unk> and two more: 121 targets of at most 4 words
  for (const auto& [order, alignment] : kVariants)
    for (double normalize : {0.0, 1.0, 2.0})
      for (bool allow_unk : {false, true}) {
        if (normalize == 2 && allow_unk) continue;
        const auto model = random_model(small_config(order, alignment, kWords));
        const Sentence source = random_sentences({2}, 9)[0];
        SearchOptions options{256, normalize, 2, 0, allow_unk, 256, false};
        if (normalize == 2) options.length_penalty = LengthPenalty::kGnmt;
        const auto all = exhaustive(*model, source, options, kWords);
        CHECK(all.size() == (allow_unk ? 121 : 31));
        check_same(search_one(*model, source, options), all);
        for (int n_best : {1, 3}) {  // here the search may end early
          options.n_best = n_best;
          check_same(search_one(*model, source, options), {all.begin(), all.begin() + n_best});
        }
      }
}

TEST_CASE("log p of a hypothesis is log p of its words") {
  for (const std::string& order : kOrders) {
    const auto model = random_model(small_config(order));
    for (const Sentence& source : random_sentences({2, 6, 11}, 9)) {
      const SearchOptions options{6, 1, 3, 0, true, 6, false};
      const auto found = search_one(*model, source, options);
      CHECK(found.size() == 6);
      for (const Hypothesis& h : found) {
        Sentence target = h.words;
        if (h.ended) target.push_back(kEos);
        CHECK(log_probabilities(*model, batch_of({source}, {target}))[0] ==
              doctest::Approx(h.log_p).epsilon(1e-5));
        CHECK(h.score == doctest::Approx(h.log_p / static_cast<double>(target.size())));
      }
    }
  }
}

// ((5 + 1) / 6)^2 = 1, ((5 + 7) / 6)^2 = 4.
TEST_CASE("the length penalty of GNMT, by hand") {
  const auto eager = random_model(small_config()), endless = random_model(small_config());
  const auto favour = [](const Model& model, Id word) {
    for (const Parameter* p : model.parameters().all())
      if (p->name == "output.b_y") p->value.data()[word] = 30;
  };
  favour(*eager, kEos);
  favour(*endless, 5);
  SearchOptions options{1, 2, 7, 0, false, 1, false};
  options.length_penalty = LengthPenalty::kGnmt;
  const Hypothesis one = search_one(*eager, {kEos}, options)[0],
                   seven = search_one(*endless, {kEos}, options)[0];
  CHECK(one.words.empty());
  CHECK(one.score == doctest::Approx(one.log_p));
  CHECK(seven.words.size() == 7);
  CHECK(seven.score == doctest::Approx(seven.log_p / 4));
}

TEST_CASE("n-best lists are sorted and without repeats") {
  const auto model = random_model(small_config());
  for (const Sentence& source : random_sentences({2, 5, 9}, 9)) {
    const auto found = search_one(*model, source, {12, 1, 3, 0, true, 12, false});
    CHECK(found.size() == 12);
    std::set<std::pair<Sentence, bool>> different;
    for (std::size_t k = 0; k < found.size(); ++k) {
      different.insert({found[k].words, found[k].ended});
      if (k == 0) continue;
      CHECK((found[k - 1].ended || !found[k].ended));
      if (found[k - 1].ended == found[k].ended) CHECK(found[k - 1].score >= found[k].score);
    }
    CHECK(different.size() == found.size());
  }
}

// Sets the bias of </s> so that translations would end never or at once.
std::unique_ptr<Model> model_with_eos_bias(real bias) {
  auto model = random_model(small_config());
  for (const Parameter* p : model->parameters().all())
    if (p->name == "output.b_y") p->value.data()[kEos] = bias;
  return model;
}

TEST_CASE("the length factors are a limit for each sentence") {
  const auto endless = model_with_eos_bias(-30), eager = model_with_eos_bias(30);
  const Sentences sources = random_sentences({1, 4, 7}, 9);
  for (const double factor : {0.5, 1.0, 2.5}) {
    SearchOptions most{3, 1, factor, 0, false, 1, false}, least{3, 1, 3, factor, false, 1, false};
    const auto cut = beam_search(*endless, spans(sources), most),
               held = beam_search(*eager, spans(sources), least);
    for (std::size_t b = 0; b < sources.size(); ++b) {
      const int limit = static_cast<int>(factor * static_cast<double>(sources[b].size()));
      CHECK(static_cast<int>(cut[b][0].words.size()) == std::max(1, limit));
      CHECK_FALSE(cut[b][0].ended);
      CHECK(static_cast<int>(held[b][0].words.size()) ==
            std::min(limit, 3 * static_cast<int>(sources[b].size()) - 1));
      CHECK(held[b][0].ended);
    }
  }
  CHECK(search_one(*eager, sources[1], {})[0].words.empty());
}

// Otherwise nothing could ever end.
TEST_CASE("</s> may be the last word though the shortest length is the longest") {
  const auto eager = model_with_eos_bias(30);
  for (const Sentence& source : random_sentences({1, 4, 7}, 9)) {
    const auto found = search_one(*eager, source, {3, 1, 2, 2, false, 1, false});
    CHECK(found[0].words.size() == 2 * source.size() - 1);
    CHECK(found[0].ended);
  }
}

TEST_CASE("of equal words the lower comes first, of equal hypotheses the one before") {
  const auto model = random_model(small_config());
  model->parameters().values().fill(0);
  const auto words = [&](int beam, bool allow_unk) {
    // With two words, </s> is barred at the first.
    Sentences found;
    for (const Hypothesis& h : search_one(*model, {kEos}, {beam, 1, 2, 1, allow_unk, beam, false})) {
      found.push_back(h.words);
      if (h.ended) found.back().push_back(kEos);
    }
    return found;
  };
  CHECK(words(1, false) == Sentences{{2, kEos}});
  CHECK(words(1, true) == Sentences{{kUnk, kEos}});
  CHECK(words(3, false) == Sentences{{2, kEos}, {2, 2}, {2, 3}});
}

TEST_CASE("<unk> is written only if allowed") {
  const auto model = random_model(small_config());
  for (const Parameter* p : model->parameters().all())
    if (p->name == "output.b_y") p->value.data()[kUnk] = 20;
  const Sentence source = random_sentences({4}, 9)[0];
  for (bool allow : {false, true}) {
    const auto found = search_one(*model, source, {5, 1, 3, 0, allow, 1, false});
    CHECK((std::count(found[0].words.begin(), found[0].words.end(), kUnk) > 0) == allow);
    // Without renormalising: the others stay as improbable as in the model.
    if (!allow) CHECK(found[0].log_p < -10 * static_cast<double>(found[0].words.size()));
  }
}

TEST_CASE("alignments are the model's weights for the words written") {
  for (const std::string& alignment : kAlignments) {
    const std::string order = alignment.starts_with("transducer") ? "authors" : "body";
    const auto model = random_model(small_config(order, alignment));
    const Sentences sources = random_sentences({8, 3, 5}, 9);
    const auto found = beam_search(*model, spans(sources), {4, 1, 1.5, 0, false, 4, true});
    for (std::size_t b = 0; b < sources.size(); ++b)
      for (const Hypothesis& h : found[b]) {
        const auto expected = force(*model, sources[b], h.words).alpha;
        REQUIRE(h.alpha.size() == h.words.size() + (h.ended ? 1 : 0));
        for (std::size_t i = 0; i < h.alpha.size(); ++i) {
          REQUIRE(h.alpha[i].size() == sources[b].size());
          float total = 0;
          for (std::size_t j = 0; j < h.alpha[i].size(); ++j) {
            CHECK(h.alpha[i][j] == doctest::Approx(expected[i][j]).epsilon(1e-4));
            total += h.alpha[i][j];
          }
          if (alignment != "window") CHECK(total == doctest::Approx(1).epsilon(1e-5));
        }
      }
  }
}

// The links of hypotheses that have left the beam are dropped on the way.
TEST_CASE("the words and weights of long lines are those of one hypothesis") {
  const auto model = random_model(small_config());
  const Sentences sources = random_sentences({8, 40, 5}, 9);
  const auto found = beam_search(*model, spans(sources), {4, 1, 5, 4, false, 4, true});
  CHECK(found[1][0].words.size() >= 159);
  for (std::size_t b = 0; b < sources.size(); ++b)
    for (const Hypothesis& h : found[b]) {
      Sentence words = h.words;
      if (h.ended) words.push_back(kEos);
      const double log_p = log_probabilities(*model, batch_of({sources[b]}, {words}))[0];
      CHECK(h.log_p == doctest::Approx(log_p).epsilon(1e-4));
      const auto expected = force(*model, sources[b], h.words).alpha;
      REQUIRE(h.alpha.size() == words.size());
      for (std::size_t i = 0; i < h.alpha.size(); ++i)
        for (std::size_t j = 0; j < h.alpha[i].size(); ++j)
          CHECK(std::abs(h.alpha[i][j] - expected[i][j]) < 1e-3);
    }
}

TEST_CASE("what cannot be searched is refused") {
  const auto model = random_model(small_config());
  const Sentences sources = random_sentences({3}, 9);
  for (const SearchOptions& bad :
       {SearchOptions{0, 1, 3, 0, false, 1, false}, SearchOptions{2, 1, 3, 0, false, 3, false},
        SearchOptions{2, 1, 3, 0, false, 0, false}})
    CHECK_THROWS_AS(beam_search(*model, spans(sources), bad), Error);
  CHECK(beam_search(*model, {}, {}).empty());
  model->parameters().values().fill(std::numeric_limits<real>::quiet_NaN());
  CHECK_THROWS_AS(beam_search(*model, spans(sources), {}), Error);
}

}  // namespace
}  // namespace mininmt
