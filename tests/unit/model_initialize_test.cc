// Initial values (MODEL.md 6; P B.1).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "tests/models/random_model.h"

namespace mininmt {
namespace {

std::unique_ptr<Model> initialized(std::uint64_t seed, const std::string& alignment = "additive") {
  auto model = make_model(rnnsearch_config({40, 50, 24, 32, 28, 20}, "authors", alignment));
  model->parameters().initialize(seed);
  return model;
}

Tensor part_of(const Model& model, const std::string& name) {
  for (const Parameter* p : model.parameters().all())
    for (const Part& part : p->parts)
      if (part.name == name) return p->value.slice(part.first, part.count);
  throw std::runtime_error("no part " + name);
}

double deviation(const Tensor& x) {
  double square = 0;
  for (real v : x.values()) square += v * v;
  return std::sqrt(square / static_cast<double>(x.size()));
}

double mean(const Tensor& x) {
  double total = 0;
  for (real v : x.values()) total += v;
  return total / static_cast<double>(x.size());
}

TEST_CASE("the Transformer: matrices by Glorot, embeddings of length 1, norms that change nothing") {
  Config config = transformer_config();
  config.source_words = 200;
  config.set("dim-model", 40);
  config.set("dim-ffn", 110);
  const auto model = make_model(config);
  model->parameters().initialize(1);
  for (const auto& [name, bound] : {std::pair("encoder.layer1.self_attention.W_Q", std::sqrt(6.0 / 80)),
                                    {"decoder.layer1.source_attention.W_O", std::sqrt(6.0 / 80)},
                                    {"decoder.layer1.feed_forward.W_1", std::sqrt(6.0 / 150)},
                                    {"encoder.layer1.feed_forward.W_2", std::sqrt(6.0 / 150)}}) {
    const Tensor W = part_of(*model, name);
    double largest = 0;
    for (real x : W.values()) largest = std::max<double>(largest, std::abs(x));
    CHECK(largest <= bound);
    CHECK(largest > 0.98 * bound);
    CHECK(deviation(W) == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.05));
    CHECK(std::abs(mean(W)) < 0.05 * bound);
  }
  CHECK(deviation(part_of(*model, "source_embedding")) == doctest::Approx(1 / std::sqrt(40.0)).epsilon(0.03));
  for (real x : part_of(*model, "decoder.layer1.source_attention.norm.gain").values()) CHECK(x == 1);
  for (const char* name :
       {"encoder.layer1.self_attention.norm.bias", "encoder.layer1.feed_forward.b_1", "output.b_y"})
    for (real x : part_of(*model, name).values()) CHECK(x == 0);
}

TEST_CASE("every recurrent matrix is orthogonal, and no two are the same") {
  const auto owned = initialized(1);
  const Model& model = *owned;
  std::vector<real> first;
  for (const char* owner : {"encoder.forward.", "encoder.backward.", "decoder."})
    for (const char* gate : {"U", "U_z", "U_r"}) {
      const Tensor U = part_of(model, std::string(owner) + gate);
      for (int i = 0; i < 32; ++i)
        for (int j = 0; j < 32; ++j) {
          double rows = 0, columns = 0;
          for (int k = 0; k < 32; ++k) {
            rows += static_cast<double>(U.data()[i * 32 + k]) * U.data()[j * 32 + k];
            columns += static_cast<double>(U.data()[k * 32 + i]) * U.data()[k * 32 + j];
          }
          REQUIRE(std::abs(rows - (i == j)) < 1e-6);
          REQUIRE(std::abs(columns - (i == j)) < 1e-6);
        }
      CHECK(std::find(first.begin(), first.end(), U.data()[0]) == first.end());
      first.push_back(U.data()[0]);
    }
}

TEST_CASE("deviations and zeros are the paper's") {
  const auto owned = initialized(1);
  const Model& model = *owned;
  for (const Parameter* p : model.parameters().all())
    for (const Part& part : p->parts) {
      const Tensor x = part_of(model, part.name);
      const std::string symbol = part.name.substr(part.name.rfind('.') + 1);
      INFO(part.name);
      if (symbol[0] == 'b' || symbol == "v_a")
        CHECK(deviation(x) == 0);
      else if (symbol[0] == 'U' && symbol != "U_a" && symbol != "U_o")
        CHECK(deviation(x) == doctest::Approx(1 / std::sqrt(32.0)).epsilon(1e-6));
      else {
        // 480 to 1,792 elements: a seventh is more than four standard deviations of the estimate.
        const double expected = symbol == "W_a" || symbol == "U_a" ? 0.001 : 0.01;
        CHECK(deviation(x) == doctest::Approx(expected).epsilon(0.15).scale(0));
        CHECK(std::abs(mean(x)) < 0.2 * expected);
      }
    }
}

TEST_CASE("hops start with H the identity, and small scores") {
  for (const bool additive : {false, true}) {
    const auto model = initialized(1, additive ? "hops additive" : "hops");
    const Tensor H = part_of(*model, "attention.H");
    REQUIRE(H.shape() == Shape{28, 28});
    for (int i = 0; i < 28; ++i)
      for (int j = 0; j < 28; ++j) CHECK(H.data()[i * 28 + j] == (i == j ? 1 : 0));
    for (const char* name : {"attention.W_u", "attention.A"})
      CHECK(deviation(part_of(*model, name)) ==
            doctest::Approx(additive ? 0.001 : 0.01).epsilon(0.15).scale(0));
    CHECK(deviation(part_of(*model, "attention.C")) == doctest::Approx(0.01).epsilon(0.15).scale(0));
    if (additive) CHECK(deviation(part_of(*model, "attention.v_a")) == 0);
  }
}

TEST_CASE("content addressing starts with beta 5, and full addressing mostly with the content, in place") {
  const auto model = initialized(1, "content full");
  const auto check = [&](const std::string& symbol, const std::vector<double>& expected) {
    const Tensor x = part_of(*model, "attention." + symbol);
    REQUIRE(x.shape() == Shape{static_cast<std::int64_t>(expected.size())});
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(x.data()[i] == static_cast<real>(expected[i]));
  };
  check("b_b", {4.993});
  CHECK(std::log1p(std::exp(4.993)) == doctest::Approx(5).epsilon(1e-4));
  check("b_g", {2});
  check("b_shift", {0, 2, 0});
  check("b_gamma", {0});
  CHECK(deviation(part_of(*model, "attention.b_k")) == 0);
  CHECK(deviation(part_of(*model, "attention.W_k")) == doctest::Approx(0.01).epsilon(0.15).scale(0));
  const std::vector<std::pair<const char*, Shape>> small = {
      {"w_b", {32}}, {"w_g", {32}}, {"W_shift", {3, 32}}, {"w_gamma", {32}}};
  for (const auto& control : small) {
    const Tensor x = part_of(*model, std::string("attention.") + control.first);
    CHECK(x.shape() == control.second);
    CHECK(deviation(x) == doctest::Approx(0.01).epsilon(0.5).scale(0));  // of 32 numbers or 96
  }
}

TEST_CASE("the deep LSTM starts uniform; the biases of forget gates higher") {
  for (const double bias : {0.0, 1.0}) {
    Config config = lstm_config();
    config.set("dim-rnn", 32);
    config.set("forget-bias", bias);
    const auto model = make_model(config);
    model->parameters().initialize(1);
    for (const Parameter* p : model->parameters().all())
      for (const Part& part : p->parts) {
        INFO(part.name);
        const Tensor x = part_of(*model, part.name);
        const double centre = part.name.ends_with("b_f") ? bias : 0;
        double least = 2, most = -2;
        for (real v : x.values()) {
          least = std::min(least, v - centre);
          most = std::max(most, v - centre);
        }
        CHECK(least >= -0.08 - 1e-6);
        CHECK(most <= 0.08 + 1e-6);
        if (x.size() < 27) continue;
        CHECK(most - least > 0.12);
        CHECK(std::abs(mean(x) - centre) < 0.025);
      }
  }
}

TEST_CASE("the values are a function of the seed") {
  const auto a = initialized(1), b = initialized(1), c = initialized(2);
  const auto as = a->parameters().values().values(), bs = b->parameters().values().values();
  CHECK(std::equal(as.begin(), as.end(), bs.begin()));
  for (const char* name : {"source_embedding", "decoder.U", "readout.C_o", "attention.W_a"})
    CHECK(part_of(*a, name).data()[0] != part_of(*c, name).data()[0]);
}

}  // namespace
}  // namespace mininmt
