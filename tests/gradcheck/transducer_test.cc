// The transducer and hard attention (MODEL.md 9.3, 9.4), in double: the lattice against a sum over all paths,
// the posteriors' sums, the joints against each other's definitions, all sentences' probabilities, and 9.2 as
// a limit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/additive_joint.h"
#include "ops/arrange.h"
#include "ops/deep_joint.h"
#include "ops/lattice.h"
#include "ops/reduce.h"
#include "tensor/error.h"
#include "tests/models/twins.h"

namespace mininmt {
namespace {

constexpr double kRounding = 1e-12;

// One sentence of T words against S positions: random scores, and w where the last word is written at the end
// only.
struct Example {
  int S, T;
  Parameters parameters;
  Parameter &w, &scores, &bias;

  Example(int S, int T)
      : S(S),
        T(T),
        w(parameters.add("w", {T, S})),
        scores(parameters.add("scores", {T, S})),
        bias(parameters.add("bias", {1})) {
    parameters.allocate();
    const Random random{5, static_cast<std::uint64_t>(10 * S + T)};
    std::uint64_t i = 0;
    for (real& x : parameters.values().values()) x = random.normal(i++);
    for (int j = 0; j + 1 < S; ++j) w.value.data()[(T - 1) * S + j] = -INFINITY;
  }

  Cells cells() const {
    std::vector<std::int32_t> rows;
    for (int t = 0; t < T; ++t) rows.push_back(t);
    return {rows, {S}, T, true};
  }
  double z(int u, int j) const { return scores.value.data()[u * S + j] + bias.value.item(); }
  double write(int u, int j) const { return j + 1 == S ? 1 : 1 / (1 + std::exp(-z(u, j))); }
  double word(int u, int j) const { return std::exp(w.value.data()[u * S + j]); }

  // All paths from word u at position j on.
  double paths(int u, int j) const {
    if (u == T) return 1;
    const double here = write(u, j) * word(u, j) * paths(u + 1, j);
    return here + (j + 1 < S ? (1 - write(u, j)) * paths(u, j + 1) : 0);
  }

  // g: what the word at (u, j) has of the mass of all paths, those through (u, j) reached from (k, i).
  double through(int u, int j, int k = 0, int i = 0) const {
    if (k > u || i > j) return 0;
    if (k == u && i == j) return write(u, j) * word(u, j) * paths(u + 1, j);
    const double written = write(k, i) * word(k, i) * through(u, j, k + 1, i);
    return written + (1 - write(k, i)) * through(u, j, k, i + 1);
  }

  struct Result {
    double log_p;
    Tensor dw, dz;
  };
  Result run() const {
    const Tensor gradients = parameters.new_gradients();
    Tape tape(gradients);
    const Var loss = lattice_losses(tape.leaf(w), tape.leaf(scores), tape.leaf(bias), cells());
    const double log_p = -loss.value().item();
    tape.backward(sum(loss));
    return {log_p, Parameters::view(gradients, w), Parameters::view(gradients, scores)};
  }
};

TEST_CASE("the lattice sums over all paths, and its posteriors are probabilities") {
  for (int S = 1; S <= 4; ++S)
    for (int T = 1; T <= 4; ++T) {
      CAPTURE(S);
      CAPTURE(T);
      const Example e(S, T);
      const auto [log_p, dw, dz] = e.run();
      CHECK(log_p == doctest::Approx(std::log(e.paths(0, 0))).epsilon(kRounding));
      std::vector<double> visits(static_cast<std::size_t>(S + T), 0.0);  // of the anti-diagonals
      Tape tape;
      const Tensor g = lattice_posteriors(tape.constant(e.w.value), tape.constant(e.scores.value),
                                          tape.constant(e.bias.value), e.cells());
      for (int u = 0; u < T; ++u)
        for (int j = 0; j < S; ++j)
          CHECK(g.data()[u * S + j] == doctest::Approx(e.through(u, j) / e.paths(0, 0)).epsilon(1e-10));
      for (int u = 0; u < T; ++u) {
        double written = 0;
        for (int j = 0; j < S; ++j) written -= dw.data()[u * S + j];
        CHECK(written == doctest::Approx(1).epsilon(kRounding));
      }
      for (int j = 0; j + 1 < S; ++j) {
        double moved = 0;  // from dz = m e - g (1 - e), with g = -dw
        for (int u = 0; u < T; ++u) {
          const double write = e.write(u, j), g = -dw.data()[u * S + j];
          const double m = (dz.data()[u * S + j] + g * (1 - write)) / write;
          moved += m;
          visits[static_cast<std::size_t>(u + j)] += g + m;
        }
        CHECK(moved == doctest::Approx(1).epsilon(1e-10));
      }
      for (int u = 0; u < T; ++u) visits[static_cast<std::size_t>(u + S - 1)] -= dw.data()[u * S + S - 1];
      for (int d = 0; d < S + T - 1; ++d)
        CHECK(visits[static_cast<std::size_t>(d)] == doctest::Approx(1).epsilon(1e-10));
      for (int u = 0; u < T; ++u) CHECK(dz.data()[u * S + S - 1] == 0);
    }
}

TEST_CASE("the lattice refuses words that are not there one after the other") {
  Tape tape;
  const auto losses = [&](const Cells& cells) {
    const std::int64_t N = cells.words();
    return lattice_losses(tape.constant(Tensor::zeros({N, 3})), tape.constant(Tensor::zeros({N, 3})),
                          tape.constant(Tensor::zeros({1})), cells);
  };
  CHECK(losses({{0, 1, 2}, {3, 2}, 2, true}).value().size() == 2);
  CHECK_THROWS_WITH_AS(losses({{0, 1, 7}, {3, 2}, 2, true}), "[lattice_losses] (rows) 7 of 2 x 2 words",
                       Error);
  CHECK_THROWS_WITH_AS(losses({{0, 2}, {3, 2}, 2, true}), "[lattice_losses] (rows) sentence 1 has no words",
                       Error);
  CHECK_THROWS_WITH_AS(losses({{0, 1, 5}, {3, 2}, 3, true}),
                       "[lattice_losses] (rows) word 2 of sentence 1 follows none", Error);
}

TEST_CASE("with one position the lattice is a plain sum") {
  const Example e(1, 4);
  double expected = 0;
  for (int u = 0; u < 4; ++u) expected += e.w.value.data()[u];
  CHECK(e.run().log_p == doctest::Approx(expected).epsilon(kRounding));
}

// The deep joint with readout l = V and W the identity gives any logits: here those of the additive one.
TEST_CASE("both joints are log softmax of their logits, with </s> barred before the end") {
  constexpr std::int64_t S = 3, V = 5, N = 2;
  for (const double factor : {1.0, 80.0}) {  // at 80 the product underflows
    Tape tape;
    const Random random{7, 8};
    std::uint64_t i = 0;
    const auto filled = [&](const Shape& shape) {
      const Tensor x(shape);
      for (real& v : x.values()) v = factor * random.normal(i++);
      return x;
    };
    const Tensor g = filled({N, V}), f = filled({S, 1, V}), identity = Tensor::zeros({V, V}),
                 query({N, 2 * V}), keys({S, 1, 2 * V});
    for (std::int64_t k = 0; k < V; ++k) identity.data()[k * V + k] = 1;
    for (std::int64_t k = 0; k < N * V; ++k) query.data()[2 * k] = query.data()[2 * k + 1] = g.data()[k];
    for (std::int64_t k = 0; k < S * V; ++k) keys.data()[2 * k] = keys.data()[2 * k + 1] = f.data()[k];
    const Cells cells{{0, 1}, {S}, 2, true};
    const Indices targets{3, kEos};
    const DeepJoint deep{tape.constant(query), tape.constant(keys), tape.constant(identity),
                         tape.constant(Tensor::zeros({V}))};
    const AdditiveJoint additive{tape.constant(g), tape.constant(f)};
    const Tensor a = cell_log_p(additive, cells, targets).value(),
                 d = cell_log_p(deep, cells, targets).value();
    const Tensor weights = Tensor::from({N, S}, {0.2, 0.3, 0.5, 0.6, 0.4, 0});
    const Mixed mixed_a = mixed_log_p(additive, position_exponentials(additive.f, {S}, true), cells, weights),
                mixed_d = mixed_log_p(deep, cells, weights);
    const Tensor g_of_targets = Tensor::from({N, 1}, {g.data()[targets[0]], g.data()[V + targets[1]]});
    const Tensor picked_a =
        cell_log_p(tape.constant(g_of_targets), additive.f, cells, targets, mixed_a.log_z);
    const Tensor picked_d = cell_log_p(deep, cells, targets, mixed_d.log_z);
    for (std::int64_t n = 0; n < N; ++n) {
      std::vector<double> mixture(V, 0.0);
      for (std::int64_t j = 0; j < S; ++j) {
        double sum = 0;
        const auto logit = [&](std::int64_t k) {
          return k == kEos && j + 1 < S ? -INFINITY : g.data()[n * V + k] + f.data()[j * V + k];
        };
        double most = -INFINITY;
        for (std::int64_t k = 0; k < V; ++k) most = std::max<double>(most, logit(k));
        for (std::int64_t k = 0; k < V; ++k) sum += std::exp(logit(k) - most);
        const double expected = logit(targets[static_cast<std::size_t>(n)]) - most - std::log(sum);
        const bool left_out = weights.data()[n * S + j] == 0;  // by the deep joint, in search
        for (const Tensor& w : {a, d, picked_a, picked_d}) {
          if (std::isinf(expected) || (left_out && w.data() == picked_d.data()))
            CHECK(w.data()[n * S + j] == -INFINITY);
          else
            CHECK(w.data()[n * S + j] == doctest::Approx(expected).epsilon(1e-10));
        }
        for (std::int64_t k = 0; k < V; ++k)
          mixture[static_cast<std::size_t>(k)] += weights.data()[n * S + j] * std::exp(logit(k) - most) / sum;
      }
      for (std::int64_t k = 0; k < V; ++k)
        for (const Mixed& y : {mixed_a, mixed_d})
          CHECK(std::exp(y.log_p.data()[n * V + k]) ==
                doctest::Approx(mixture[static_cast<std::size_t>(k)]).epsilon(1e-10));
    }
  }
}

// 8 words of 64 x 33,000 logits, of which a chunk holds 508 cells: the last one begins inside of a word.
TEST_CASE("the chunks of the deep joint change nothing") {
  constexpr std::int64_t S = 64, V = 33000, N = 8, l = 2;
  Parameters parameters;
  const Parameter &query = parameters.add("query", {N, 2 * l}), &keys = parameters.add("keys", {S, 1, 2 * l}),
                  &W = parameters.add("W", {V, l});
  parameters.allocate();
  const Random random{9, 9};
  std::uint64_t i = 0;
  for (real& x : parameters.values().values()) x = random.normal(i++);
  const auto run = [&](std::int64_t first, std::int64_t count) {
    const Tensor gradients = parameters.new_gradients();
    Tape tape(gradients);
    std::vector<std::int32_t> rows, words, ids;
    for (std::int64_t n = 0; n < count; ++n) {
      rows.push_back(static_cast<std::int32_t>(n));
      words.push_back(static_cast<std::int32_t>(first + n));
      ids.push_back(static_cast<std::int32_t>(1 + 7 * (first + n)));
    }
    const DeepJoint joint{gather_rows(tape.leaf(query), words), tape.leaf(keys), tape.leaf(W),
                          tape.constant(Tensor::zeros({V}))};
    const Var w = cell_log_p(joint, {rows, {S}, static_cast<int>(count), true}, ids);
    tape.backward(sum(w));
    return std::pair(w.value(), gradients);
  };
  const auto [w, gradients] = run(0, N);
  const Tensor sums = Tensor::zeros(gradients.shape());
  for (std::int64_t n = 0; n < N; ++n) {
    const auto [of_word, gradient_of_word] = run(n, 1);
    for (std::int64_t j = 0; j < S; ++j)
      CHECK(w.data()[n * S + j] == doctest::Approx(of_word.data()[j]).epsilon(kRounding));
    for (std::int64_t k = 0; k < sums.size(); ++k) sums.data()[k] += gradient_of_word.data()[k];
  }
  double difference = 0;
  for (std::int64_t k = 0; k < sums.size(); ++k)
    difference = std::max<double>(difference, std::abs(sums.data()[k] - gradients.data()[k]));
  CHECK(difference < 1e-10);
}

Config tiny_config(const std::string& alignment, int target_words = 3) {
  return rnnsearch_config(
      {.source_words = 6, .target_words = target_words, .m = 2, .n = 3, .align = 3, .l = 2}, "authors",
      alignment);
}

// The mass of all sentences of at most `left` more words, and of the prefixes still open then.
double mass(const Model& model, const Sentence& source, Sentence prefix, int left) {
  double total = 0;
  for (Id word = 0; word < model.config().target_words; ++word) {
    Sentence longer = prefix;
    longer.push_back(word);
    total += word == kEos || left == 1 ? std::exp(log_probabilities(model, batch_of({source}, {longer}))[0])
                                       : mass(model, source, longer, left - 1);
  }
  return total;
}

TEST_CASE("the probabilities of all sentences sum to 1, and a prefix has the sum of its extensions") {
  for (const std::string alignment : {"transducer", "transducer deep", "hard"}) {
    INFO(alignment);
    const auto model = random_model(tiny_config(alignment), 3);
    const Sentence source = random_sentences({3}, 6)[0];
    CHECK(mass(*model, source, {}, 6) == doctest::Approx(1).epsilon(1e-10));
    const Sentence prefix = {2, 1};
    CHECK(
        mass(*model, source, prefix, 4) ==
        doctest::Approx(std::exp(log_probabilities(*model, batch_of({source}, {prefix}))[0])).epsilon(1e-10));
  }
}

// Word i is read at position min(i, S) alone: what 9.2 computes in order `authors` without C c, with </s>
// barred before the last position. The gates are opened through the lattice itself.
TEST_CASE("gates forced open on the diagonal give the diagonal model") {
  constexpr int S = 3, T = 5;
  for (const int words : {T, S, 2}) {
    Example e(S, words);
    for (int u = 0; u < words; ++u)
      for (int j = 0; j < S; ++j) e.scores.value.data()[u * S + j] = j == std::min(u, S - 1) ? 700 : -700;
    e.bias.value.fill(0);
    double expected = 0;
    for (int u = 0; u < words; ++u) expected += e.w.value.data()[u * S + std::min(u, S - 1)];
    if (words < S)
      CHECK(e.run().log_p < -600);  // the last word would be read before the end
    else
      CHECK(e.run().log_p == doctest::Approx(expected).epsilon(1e-9));
  }
}

// With C = 0, diagonal and the deep transducer have the same state and readout.
TEST_CASE("the diagonal model without C c, word for word") {
  const Config diagonal_config = tiny_config("diagonal", 7), deep_config = tiny_config("transducer deep", 7);
  const auto diagonal = random_model(diagonal_config, 2), deep = random_model(deep_config, 2);
  const auto theirs = parts_of(*deep), ours = parts_of(*diagonal);
  for (const auto& [name, values] : ours) {
    if (theirs.contains(name))
      theirs.at(name).set(values);
    else
      values.fill(0);  // decoder.C*
  }
  const Sentence source = random_sentences({1}, 6)[0], target = random_sentences({4}, 7)[0];
  const Batch batch = batch_of({source}, {target});  // S = 1: both read h_1
  CHECK(log_probabilities(*deep, batch)[0] ==
        doctest::Approx(log_probabilities(*diagonal, batch)[0]).epsilon(kRounding));
}

// Hard attention and RNNsearch differ in nothing but what is mixed: with one position in nothing at all.
TEST_CASE("hard attention over one position is RNNsearch without C c") {
  for (const std::string& order : kOrders) {
    INFO(order);
    const auto hard = random_model(small_config(order, "hard")), soft = random_model(small_config(order));
    const auto theirs = parts_of(*hard);
    for (const auto& [name, values] : parts_of(*soft)) {
      if (theirs.contains(name))
        values.set(theirs.at(name));
      else
        values.fill(0);  // decoder.C*
    }
    const Batch batch = batch_of(random_sentences({1}, 9), random_sentences({5}, 11));
    CHECK(log_probabilities(*hard, batch)[0] ==
          doctest::Approx(log_probabilities(*soft, batch)[0]).epsilon(kRounding));
  }
}

TEST_CASE("label smoothing is refused, and the transducer's other orders") {
  const Batch batch = batch_of({{kEos}}, {{kEos}});
  for (const std::string alignment : {"transducer", "hard"}) {
    Tape tape;
    CHECK_THROWS_WITH_AS(random_model(tiny_config(alignment))->costs(tape, batch, {0.1}),
                         doctest::Contains("label smoothing needs the cost of one softmax"), Error);
  }
  CHECK_THROWS_WITH_AS(make_model(small_config("body", "transducer")),
                       doctest::Contains("only with decoder-order authors, not body"), UsageError);
}

}  // namespace
}  // namespace mininmt
