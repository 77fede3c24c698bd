// A model that starts from another's parameters, with more words.
#include <doctest/doctest.h>

#include "nn/families.h"
#include "tensor/error.h"
#include "tests/models/random_model.h"
#include "tests/unit/text_temporary.h"

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

// The matrices of a model under their names in files.
std::map<std::string, std::vector<real>> matrices(const Model& model) {
  std::map<std::string, std::vector<real>> all;
  for (const Parameter* p : model.parameters().all())
    for (const Part& part : p->parts) {
      const Tensor rows = p->value.slice(part.first, part.count);
      all[part.name] = {rows.values().begin(), rows.values().end()};
    }
  return all;
}

TEST_CASE("plain and fused models take each other's parameters") {
  for (const bool plain : {false, true}) {
    CAPTURE(plain);
    Config config = small_config();
    config.source_words = 9, config.target_words = 11;
    config.set("plain", plain);
    const auto from = make_model(config);
    from->parameters().initialize(1);
    config.set("plain", !plain);
    const auto model = make_model(config);
    take_parameters(*from, *model);
    CHECK(matrices(*model) == matrices(*from));
  }
}

std::string refusal(const Model& from, Model& model) {
  return message_of<Error>([&] { take_parameters(from, model); });
}

TEST_CASE("parameters of more words, or of another kind of model, are refused by what differs") {
  const auto large = model_of(12, 11, 1), small = model_of(9, 11, 2);
  CHECK(refusal(*large, *small).find("source_embedding is ") != std::string::npos);
  const std::vector<std::pair<std::string, FieldValue>> others = {{"dim-rnn", 7},
                                                                  {"dim-align", 3},
                                                                  {"decoder-order", std::string("body")},
                                                                  {"alignment-model", std::string("window")}};
  for (const auto& [name, value] : others) {
    Config config = small_config();
    config.set(name, value);
    config.source_words = 9, config.target_words = 11;
    const auto other = make_model(config);
    const std::string expected =
        std::visit([&name = name](const auto& x) { return join(name, " is ", x, " there, "); }, value);
    CHECK(refusal(*other, *small).find(expected) != std::string::npos);
  }
}

}  // namespace
}  // namespace mininmt
