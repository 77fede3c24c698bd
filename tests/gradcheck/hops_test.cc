// Several hops (MODEL.md 9.7), in double: against the same equations in small operations, and against
// RNNsearch.
#include <doctest/doctest.h>

#include "ops/arrange.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "tensor/error.h"
#include "tests/models/twins.h"
#include "tests/ops/op_table.h"

namespace mininmt {
namespace {

constexpr double kRounding = 1e-12;
constexpr std::int64_t S = 6, B = 3, n = 4, C = 5, d = 7;
const Lengths kLengths = {4, 1, 6};

// A kind of attention with random parameters, and the states and annotations that it reads as parameters.
struct Attention {
  Parameters parameters;
  const Parameter &s, &h;
  std::unique_ptr<AttentionModel> model;

  explicit Attention(const Config& config)
      : s(parameters.add("s", {2, B, n})), h(parameters.add("h", {S, B, C})) {
    model = find_attention_kind(config.text("alignment-model")).make(config, parameters, C);
    parameters.allocate();
    const Random random{3, 4};
    std::uint64_t i = 0;
    for (real& x : parameters.values().values()) x = static_cast<real>(0.7 * random.normal(i++));
  }

  Var leaf(Tape& tape, const std::string& symbol) const {
    for (const Parameter* p : parameters.all())
      if (p->name == "attention." + symbol) return tape.leaf(*p);
    throw Error("no " + symbol);
  }
};

Config config_of(int hops, const std::string& score) {
  Config config = rnnsearch_config({.n = n, .align = d}, "authors", "hops");
  config.set("hops", hops);
  config.set("hop-score", score);
  return config;
}

struct Result {
  Tensor values, gradients;
};

// The contexts of two steps, and the gradients of their weighted sum.
Result run(const Attention& attention, const std::function<Var(Tape&, Var s, Var h)>& contexts) {
  const Tensor gradients = attention.parameters.new_gradients();
  Tape tape(gradients);
  const Var c = contexts(tape, tape.leaf(attention.s), tape.leaf(attention.h));
  const Tensor weights(c.shape());
  for (std::int64_t i = 0; i < weights.size(); ++i) weights.data()[i] = 1 + 0.3 * static_cast<real>(i % 5);
  const Tensor value = c.value().clone();
  tape.backward(sum(multiply(c, tape.constant(weights))));
  return {value, gradients};
}

Result run_model(const Attention& attention) {
  return run(attention, [&](Tape& tape, Var s, Var h) {
    const auto over = attention.model->over(tape, {h, step(s, 0), kLengths});
    return stack({(*over)(step(s, 0), 1, {}, {}).context, (*over)(step(s, 1), 2, {}, {}).context});
  });
}

void check_agree(const Result& a, const Result& b) {
  CHECK(largest_difference(a.values, b.values) <= kRounding * (1 + largest(b.values)));
  CHECK(largest_difference(a.gradients, b.gradients) <= kRounding * (1 + largest(b.gradients)));
}

TEST_CASE("two hops, written out") {
  for (const std::string score : {"dot", "scaled-dot", "additive"}) {
    CAPTURE(score);
    const Attention attention(config_of(2, score));
    const Tensor ones({1, d});
    ones.fill(score == "scaled-dot" ? 1.0 / d : 1);
    const Result written = run(attention, [&](Tape& tape, Var s, Var h) {
      const auto w = [&](const char* symbol) { return attention.leaf(tape, symbol); };
      const Var m = linear(h, w("A")), o = linear(h, w("C"));
      const auto softmax_of_scores = [&](Var u) {
        Var e;
        for (std::int64_t j = 0; j < S; ++j) {
          const Var m_j = step(m, j);
          const Var e_j = score == "additive" ? linear(tanh(add(u, m_j)), stack({w("v_a")}))
                                              : linear(multiply(u, m_j), tape.constant(ones));
          e = j == 0 ? e_j : concat(e, e_j);
        }
        return softmax(e, kLengths);
      };
      std::vector<Var> c;
      for (int i = 0; i < 2; ++i) {
        const Var u_1 = linear(step(s, i), w("W_u")), p_1 = softmax_of_scores(u_1);
        const Var u_2 = add(linear(u_1, w("H")), weighted_sum(p_1, o)), p_2 = softmax_of_scores(u_2);
        c.push_back(weighted_sum(p_2, h));
      }
      return stack(c);
    });
    check_agree(run_model(attention), written);
    for (const Parameter* p : attention.parameters.all())
      CHECK_MESSAGE(largest(Parameters::view(written.gradients, *p)) > 0.01, p->name);
  }
}

TEST_CASE("one additive hop is RNNsearch") {
  for (const std::string& order : kOrders) {
    Config config = small_config(order, "hops additive");
    config.set("hops", 1);
    const auto hops = random_model(config), additive = random_model(small_config(order));
    const std::map<std::string, std::string> symbols = {{"attention.W_u", "attention.W_a"},
                                                        {"attention.A", "attention.U_a"}};
    const auto renamed = [&](const std::string& name) {
      const auto found = symbols.find(name);
      return found == symbols.end() ? name : found->second;
    };
    const auto from = parts_of(*hops);
    const auto to = parts_of(*additive);
    for (const auto& [name, values] : from)
      if (to.contains(renamed(name))) to.at(renamed(name)).set(values);
    CHECK(from.size() == to.size() + 2);  // H and C

    const Batch batch = batch_of(random_sentences({3, 5, 1, 4}, 9), random_sentences({4, 2, 3, 1}, 11, 2));
    const auto compute = [&](const Model& model) {
      const Tensor gradients = model.parameters().new_gradients();
      Tape tape(gradients);
      const Var costs = model.costs(tape, batch, {});
      const Tensor values = costs.value().clone();
      tape.backward(sum(costs));
      return Result{values, gradients};
    };
    const Result of_hops = compute(*hops), of_additive = compute(*additive);
    const auto hops_gradients = parts_of(*hops, of_hops.gradients),
               gradients = parts_of(*additive, of_additive.gradients);
    CHECK(same_bits(of_hops.values, of_additive.values));
    for (const auto& named : hops_gradients) {
      INFO(named.first);
      if (named.first == "attention.H" || named.first == "attention.C")
        CHECK(largest(named.second) == 0);
      else
        CHECK(same_bits(named.second, gradients.at(renamed(named.first))));
    }
  }
}

TEST_CASE("each hop more changes what is read") {
  double before = 0;
  for (int hops : {1, 2, 3, 4}) {
    const double c = run_model(Attention(config_of(hops, "dot"))).values.data()[0];
    CHECK(c != before);
    before = c;
  }
}

}  // namespace
}  // namespace mininmt
