// A model that starts from another's parameters, with more words.
#include <doctest/doctest.h>

#include "nn/families.h"
#include "tensor/error.h"
#include "tests/models/random_model.h"

namespace mininmt {
namespace {

std::unique_ptr<Model> model_of(int source_words, int target_words, std::uint64_t seed) {
  Config config = small_config();
  config.source_words = source_words, config.target_words = target_words;
  auto model = make_model(config);
  model->parameters().initialize(seed);
  return model;
}

TEST_CASE("a model takes another's parameters; new words keep their own") {
  const auto from = model_of(9, 11, 1), model = model_of(12, 15, 2), untouched = model_of(12, 15, 2);
  take_parameters(*from, *model);
  std::size_t own = 0;
  for (std::size_t i = 0; i < model->parameters().all().size(); ++i) {
    const Parameter &p = *model->parameters().all()[i], &q = *from->parameters().all()[i],
                    &u = *untouched->parameters().all()[i];
    for (std::size_t k = 0; k < p.parts.size(); ++k) {
      const std::int64_t columns = p.shape.rank() == 2 ? p.shape[1] : 1;
      for (std::int64_t e = 0; e < p.parts[k].count * columns; ++e) {
        const bool taken = e < q.parts[k].count * columns;
        const real expected = taken ? q.value.slice(q.parts[k].first, q.parts[k].count).data()[e]
                                    : u.value.slice(u.parts[k].first, u.parts[k].count).data()[e];
        own += !taken;
        CHECK(p.value.slice(p.parts[k].first, p.parts[k].count).data()[e] == expected);
      }
    }
  }
  CHECK(own > 0);
}

TEST_CASE("parameters of fewer words, or of another size, are refused") {
  const auto large = model_of(12, 11, 1), small = model_of(9, 11, 2);
  CHECK_THROWS_AS(take_parameters(*large, *small), Error);
  Config config = small_config();
  config.set("dim-rnn", config.integer("dim-rnn") + 1);
  config.source_words = 9, config.target_words = 11;
  const auto wide = make_model(config);
  CHECK_THROWS_AS(take_parameters(*wide, *small), Error);
}

}  // namespace
}  // namespace mininmt
