// Content addressing (MODEL.md 9.6), in double.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/models/twins.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

constexpr double kRounding = 1e-12;
const Sentences kSources = random_sentences({5, 1, 4}, 9);
constexpr std::int64_t S = 5, B = 3;

std::int64_t length(std::int64_t b) {
  return static_cast<std::int64_t>(kSources[static_cast<std::size_t>(b)].size());
}

std::unique_ptr<Model> model_of(const std::string& alignment) {
  return random_model(small_config("authors", alignment));
}

Tensor parameter(const Model& model, const std::string& symbol) {
  return parts_of(model).at("attention." + symbol);
}

// The control is `values` at every step: for a gate beyond +-1000 it is exactly closed or open.
void fix(const Model& model, const std::string& W, const std::string& b, const std::vector<real>& values) {
  parameter(model, W).fill(0);
  parameter(model, b).set(Tensor::from({static_cast<std::int64_t>(values.size())}, values));
}

// The weights (B, S) at each step, while every sentence is translated as word 3 again and again.
std::vector<Tensor> weights(const Model& model, int steps) {
  Tape tape;
  Lengths lengths;
  const IdMatrix source = pad(spans(kSources), lengths);
  const auto decoding = model.decode(tape, source, lengths);
  State state = decoding->start();
  std::vector<Tensor> result;
  for (int i = 0; i < steps; ++i) {
    const Id before = i == 0 ? kNone : 3;
    const auto [after, prediction] = decoding->step(tape, state, {before, before, before}, {0, 1, 2});
    result.push_back(prediction.alpha);
    state = after;
  }
  return result;
}

void check_equal(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(largest_difference(found[i], expected[i]) <= kRounding);
}

// The weights (B, S) of a content model's attention over other states and annotations.
Tensor weights_of(const Model& model, const Tensor& s, const Tensor& h) {
  Parameters parameters;
  const auto content = find_attention_kind("content").make(model.config(), parameters, 10);
  parameters.allocate();
  for (const Parameter* p : parameters.all()) p->value.set(parts_of(model).at(p->name));
  Tape tape;
  const Lengths lengths = {5, 1, 4};
  const auto over = content->over(tape, {tape.constant(h), tape.constant(s), lengths});
  return (*over)(tape.constant(s), 1, {}, {}).alpha.clone();
}

Tensor random_tensor(const Shape& shape, std::uint64_t stream) {
  const Random random{11, stream};
  const Tensor x(shape);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = random.normal(static_cast<std::uint64_t>(i));
  return x;
}

TEST_CASE("the weights are the softmax of beta times the cosine") {
  const auto model = model_of("content");
  const std::int64_t n = 5, C = 10;
  const Tensor s = random_tensor({B, n}, 1), h = random_tensor({S, B, C}, 2);
  const Tensor found = weights_of(*model, s, h);
  const Tensor W_k = parameter(*model, "W_k"), b_k = parameter(*model, "b_k"), w_b = parameter(*model, "w_b");
  for (std::int64_t b = 0; b < B; ++b) {
    double beta = parameter(*model, "b_b").item();
    for (std::int64_t i = 0; i < n; ++i) beta += w_b.data()[i] * s.data()[b * n + i];
    beta = std::log1p(std::exp(beta));
    std::vector<double> e;
    double sum = 0;
    for (std::int64_t j = 0; j < length(b); ++j) {
      double product = 0, k_square = 0, h_square = 0;
      for (std::int64_t c = 0; c < C; ++c) {
        double k = b_k.data()[c];
        for (std::int64_t i = 0; i < n; ++i) k += W_k.data()[c * n + i] * s.data()[b * n + i];
        const double h_c = h.data()[(j * B + b) * C + c];
        product += k * h_c, k_square += k * k, h_square += h_c * h_c;
      }
      e.push_back(std::exp(beta * product / std::sqrt(k_square * h_square)));
      sum += e.back();
    }
    for (std::int64_t j = 0; j < S; ++j) {
      const double expected = j < length(b) ? e[static_cast<std::size_t>(j)] / sum : 0;
      CHECK(std::abs(found.data()[b * S + j] - expected) <= kRounding);
    }
  }
}

TEST_CASE("a longer key or annotation has the same weights") {
  const auto model = model_of("content");
  const Tensor s = random_tensor({B, 5}, 1), h = random_tensor({S, B, 10}, 2), longer = h.clone();
  const Tensor before = weights_of(*model, s, h);
  for (std::int64_t i = 0; i < longer.size(); ++i)
    longer.data()[i] *= 0.5 + static_cast<real>(i / 10);  // each annotation by another factor
  CHECK(largest_difference(weights_of(*model, s, longer), before) <= kRounding);
  for (const char* symbol : {"W_k", "b_k"})
    for (real& x : parameter(*model, symbol).values()) x *= 7;
  CHECK(largest_difference(weights_of(*model, s, h), before) <= kRounding);
  for (real& x : parameter(*model, "b_b").values()) x += 1;
  CHECK(largest_difference(weights_of(*model, s, h), before) > 1e-3);
}

TEST_CASE("with beta 0 all words weigh the same") {
  const auto model = model_of("content");
  fix(*model, "w_b", "b_b", {-1000});
  for (const Tensor& w : weights(*model, 3))
    for (std::int64_t b = 0; b < B; ++b)
      for (std::int64_t j = 0; j < S; ++j)
        CHECK(w.data()[b * S + j] ==
              doctest::Approx(j < length(b) ? 1 / static_cast<double>(length(b)) : 0).epsilon(kRounding));
}

TEST_CASE("an open gate, no shift and no sharpening are content alone") {
  const auto content = model_of("content"), full = model_of("content full");
  const auto to = parts_of(*full);
  for (const auto& [name, values] : parts_of(*content)) to.at(name).set(values);
  fix(*full, "w_g", "b_g", {1000});
  fix(*full, "W_shift", "b_shift", {-1000, 1000, -1000});
  fix(*full, "w_gamma", "b_gamma", {-1000});
  check_equal(weights(*full, 4), weights(*content, 4));
  fix(*full, "w_gamma", "b_gamma", {1});
  CHECK(largest_difference(weights(*full, 1)[0], weights(*content, 1)[0]) > 1e-3);
}

TEST_CASE("a closed gate and a shift by +1 walk over the sentence and around") {
  const auto model = model_of("content full");
  fix(*model, "w_g", "b_g", {-1000});
  fix(*model, "W_shift", "b_shift", {-1000, -1000, 1000});
  const auto walk = weights(*model, 11);
  for (std::int64_t i = 0; i < 11; ++i)
    for (std::int64_t b = 0; b < B; ++b)
      for (std::int64_t j = 0; j < S; ++j)
        CHECK(walk[static_cast<std::size_t>(i)].data()[b * S + j] ==
              doctest::Approx(j == (i + 1) % length(b) ? 1 : 0).epsilon(kRounding));
}

TEST_CASE("a closed gate and no shift stay at the first word") {
  const auto model = model_of("content full");
  fix(*model, "w_g", "b_g", {-1000});
  fix(*model, "W_shift", "b_shift", {-1000, 1000, -1000});
  for (const Tensor& w : weights(*model, 3))
    for (std::int64_t b = 0; b < B; ++b) CHECK(w.data()[b * S] == doctest::Approx(1).epsilon(kRounding));
}

}  // namespace
}  // namespace mininmt
