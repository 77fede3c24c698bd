// Ensembles: the mean of probabilities, by the models' own; one model several times is itself.
#include <doctest/doctest.h>

#include <numeric>

#include "nn/ensemble.h"
#include "nn/forced_alignment.h"
#include "tensor/error.h"
#include "tests/unit/search_reference.h"

namespace mininmt {
namespace {

using Shared = std::shared_ptr<const Model>;

TEST_CASE("an ensemble of one model with itself translates like the model") {
  const SearchOptions options{4, 1, 2, 0, true, 4, true};
  const Sentences sources = random_sentences({1, 5, 3}, 9);
  for (const Config& config : {small_config(), transformer_config(), small_config("authors", "transducer")}) {
    const Shared model = random_model(config);
    const Ensemble twice({model, model}, {1, 3});
    const auto expected = beam_search(*model, spans(sources), options),
               found = beam_search(twice, spans(sources), options);
    for (std::size_t b = 0; b < sources.size(); ++b) {
      REQUIRE(found[b].size() == expected[b].size());
      for (std::size_t k = 0; k < found[b].size(); ++k) {
        CHECK(found[b][k].words == expected[b][k].words);
        CHECK(found[b][k].log_p == doctest::Approx(expected[b][k].log_p).epsilon(1e-5));
        REQUIRE(found[b][k].alpha.size() == expected[b][k].alpha.size());
        for (std::size_t i = 0; i < found[b][k].alpha.size(); ++i)
          for (std::size_t j = 0; j < found[b][k].alpha[i].size(); ++j)
            CHECK(std::abs(found[b][k].alpha[i][j] - expected[b][k].alpha[i][j]) < 1e-5);
      }
    }
  }
}

TEST_CASE("models of different families have the mean of their probabilities, and of their attention") {
  const Shared one = random_model(small_config()), other = random_model(transformer_config(), 2),
               blind = random_model(lstm_config(), 3);
  const Ensemble three({one, other, blind}, {2, 1, 1});
  const Sentence source = random_sentences({5}, 9)[0], prefix = {3, 4, 3};
  const auto found = force(three, source, prefix), a = force(*one, source, prefix),
             b = force(*other, source, prefix);
  Tape tape;
  Lengths lengths;
  const IdMatrix matrix = pad(spans({source}), lengths);
  const auto decoding = blind->decode(tape, matrix, lengths);
  State state = decoding->start();
  Tensor c;
  for (std::size_t i = 0; i <= prefix.size(); ++i) {
    const auto [after, prediction] = decoding->step(tape, state, {i > 0 ? prefix[i - 1] : kNone}, {0});
    state = after;
    c = log_probabilities(prediction);
  }
  for (std::size_t w = 0; w < found.next.size(); ++w)
    CHECK(std::exp(found.next[w]) == doctest::Approx(0.5 * std::exp(a.next[w]) + 0.25 * std::exp(b.next[w]) +
                                                     0.25 * std::exp(c.data()[w]))
                                         .epsilon(1e-4));
  for (std::size_t i = 0; i < found.alpha.size(); ++i)
    for (std::size_t j = 0; j < source.size(); ++j)
      CHECK(found.alpha[i][j] == doctest::Approx((2 * a.alpha[i][j] + b.alpha[i][j]) / 3).epsilon(1e-4));
  CHECK(three.attends());
  CHECK_FALSE(Ensemble({blind, blind}).attends());
  CHECK_FALSE(Ensemble({blind, one}, {1, 0}).attends());
}

TEST_CASE("a weight of 0 leaves a model out, and scores of given words are those of the search") {
  const Shared one = random_model(small_config()), other = random_model(small_config("body"), 2);
  const Sentence source = random_sentences({4}, 9)[0];
  const SearchOptions options{3, 1, 2, 0, true, 3, false};
  const auto alone = search_one(*one, source, options),
             weighed = search_one(Ensemble({one, other}, {1, 0}), source, options);
  for (std::size_t k = 0; k < alone.size(); ++k) CHECK(alone[k].words == weighed[k].words);
  const Ensemble both({one, other});
  for (const Hypothesis& h : search_one(both, source, options)) {
    Sentence target = h.words;
    if (h.ended) target.push_back(kEos);
    const auto words = forced_scores(both, spans({source}), spans({target}))[0];
    CHECK(h.log_p == doctest::Approx(std::accumulate(words.begin(), words.end(), 0.0)).epsilon(1e-5));
  }
}

TEST_CASE("what is no ensemble is refused") {
  const Shared model = random_model(small_config());
  CHECK_THROWS_AS(Ensemble({}), Error);
  CHECK_THROWS_AS(Ensemble({model, random_model(small_config("authors", "additive", 12))}), Error);
  for (const std::vector<double>& bad : {std::vector<double>{1}, {0, 0}, {1, -1}, {1, 1, 1}})
    CHECK_THROWS_AS(Ensemble({model, model}, bad), Error);
  Tape tape;
  CHECK_THROWS_AS(Ensemble({model}).costs(tape, {}, {}), Error);
}

TEST_CASE("averaged parameters are their weighted mean") {
  const auto a = random_model(small_config(), 1), b = random_model(small_config(), 2),
             mean = random_model(small_config(), 3);
  average_parameters({a.get(), b.get()}, {0.25, 0.75}, *mean);
  for (std::size_t p = 0; p < mean->parameters().all().size(); ++p) {
    const auto values = [&](const std::unique_ptr<Model>& m) {
      return m->parameters().all()[p]->value.values();
    };
    for (std::size_t i = 0; i < values(mean).size(); ++i)
      CHECK(values(mean)[i] == doctest::Approx(0.25 * values(a)[i] + 0.75 * values(b)[i]));
  }
  const auto other = random_model(small_config("body"));
  CHECK_THROWS_AS(average_parameters({a.get(), other.get()}, {0.5, 0.5}, *mean), Error);
}

// Families whose costs come by sentence, too.
TEST_CASE("log p by words is log p by sentence") {
  const Sentences sources = random_sentences({3, 6}, 9), targets = random_sentences({5, 2}, 11, 2);
  for (const Config& config :
       {small_config(), small_config("authors", "transducer"), lstm_config(), transformer_config()}) {
    const auto model = random_model(config);
    const auto words = forced_scores(*model, spans(sources), spans(targets));
    const auto sentences = log_probabilities(*model, batch_of(sources, targets));
    for (std::size_t b = 0; b < sources.size(); ++b) {
      REQUIRE(words[b].size() == targets[b].size());
      CHECK(std::accumulate(words[b].begin(), words[b].end(), 0.0) ==
            doctest::Approx(sentences[b]).epsilon(1e-5));
    }
  }
}

}  // namespace
}  // namespace mininmt
