// Source positions left out of a prediction that is made at each of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "nn/beam_search.h"
#include "tensor/error.h"
#include "tests/models/random_model.h"

namespace mininmt {
namespace {

TEST_CASE("what a prediction loses is the weight of the positions left out") {
  for (const char* kind : {"hard", "transducer deep"}) {
    CAPTURE(kind);
    const auto model = random_model(small_config("authors", kind));
    Lengths lengths;
    const IdMatrix source = pad(spans(random_sentences({6, 3}, 9)), lengths);
    Tape tape;
    const auto all = model->decode(tape, source, lengths), few = model->decode(tape, source, lengths);
    const double share = 0.5;
    few->skip_positions(share);
    const Indices nothing = {kNone, kNone}, sentences = {0, 1};
    const Prediction whole = all->step(tape, all->start(), nothing, sentences).second,
                     part = few->step(tape, few->start(), nothing, sentences).second;
    double least_kept = 1;
    for (int row = 0; row < 2; ++row) {
      const auto alpha = whole.alpha.slice(row, 1).values();
      const double most = *std::max_element(alpha.begin(), alpha.end());
      double kept = 0, sum = 0;
      for (const real x : alpha)
        if (x >= share * most) kept += static_cast<double>(x);
      least_kept = std::min(least_kept, kept);
      for (int word = 0; word < 11; ++word) {
        const double p = std::exp(static_cast<double>(part.scores.slice(row, 1).values()[word]));
        CHECK(p <= std::exp(static_cast<double>(whole.scores.slice(row, 1).values()[word])) + 1e-6);
        sum += p;
      }
      CHECK(sum == doctest::Approx(kept).epsilon(1e-5));
    }
    CHECK(least_kept < 0.95);
  }
}

TEST_CASE("positions of next to no weight change no translation") {
  for (const char* kind : {"hard", "transducer deep"}) {
    CAPTURE(kind);
    const auto model = random_model(small_config("authors", kind));
    const Sentences sources = random_sentences({4, 7, 2, 5}, 9);
    SearchOptions options;
    const auto all = beam_search(*model, spans(sources), options, {}, {});
    options.skip_positions = 1e-6;
    const auto few = beam_search(*model, spans(sources), options, {}, {});
    for (std::size_t b = 0; b < sources.size(); ++b) {
      CHECK(all[b][0].words == few[b][0].words);
      CHECK(all[b][0].log_p == doctest::Approx(few[b][0].log_p).epsilon(1e-4));
    }
  }
}

TEST_CASE("a model that predicts once for all positions leaves none out") {
  for (const Config& config : {small_config(), small_config("authors", "transducer"), lstm_config()}) {
    const auto model = random_model(config);
    SearchOptions options;
    options.skip_positions = 0.1;
    CHECK_THROWS_AS(beam_search(*model, spans(random_sentences({4}, 9)), options, {}, {}), UsageError);
  }
}

}  // namespace
}  // namespace mininmt
