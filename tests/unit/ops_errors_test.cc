// Every check in ops/*.cc has an invalid call here, with the exact message.
#include <doctest/doctest.h>

#include <functional>

#include "ops/addressing.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/dropout.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/gru.h"
#include "ops/lstm.h"
#include "ops/matmul.h"
#include "ops/maxout.h"
#include "ops/normalize.h"
#include "ops/reduce.h"
#include "ops/softmax.h"
#include "ops/softmax_xent.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

struct Calls {
  Tape tape;
  Var of(const Shape& shape) { return tape.constant(Tensor::zeros(shape)); }
  Var gru(const Shape& x, const Shape& U, const Lengths& lengths) {
    return gru_sequence(of(x), of(U), lengths, Direction::kForward);
  }
  Var gru_once(const Shape& x, const Shape& h, const Shape& U) {
    return gru_step(of(x), of(h), StepWeight(of(U)));
  }
  void lstm_steps(const Shape& x, const Shape& h, const Shape& c, const Shape& U, const Shape& p,
                  const Lengths& lengths) {
    lstm(of(x), {of(h), of(c)}, of(U), of(p), lengths);
  }
  Var attention(const Shape& query, const Shape& keys, const Shape& values, const Shape& v,
                const Lengths& lengths, const std::vector<int>& rows = {}) {
    return attend(of(query), of(keys), of(values), of(v), lengths, rows).context;
  }
  Var embedding(std::vector<Id> ids) {
    IdMatrix matrix(2, 2);
    matrix.ids = std::move(ids);
    return embed(of({9, 3}), matrix);
  }
};

void check_message(const std::string& expected, const std::function<void()>& call) {
  try {
    call();
    FAIL_CHECK("no error: " << expected);
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == expected);
    CHECK(error.exit_code() == 1);
  }
}

}  // namespace

TEST_CASE_FIXTURE(Calls, "products refuse shapes that don't fit") {
  check_message("[matmul] (a) must have 2 dimensions but has shape (3)", [&] {
    matmul(of({3}), of({3, 2}));
  });
  check_message("[matmul] (b) must have 2 dimensions but has shape (1, 3, 2)", [&] {
    matmul(of({2, 3}), of({1, 3, 2}));
  });
  check_message("[matmul] (b) must have shape (3, 5) but has (4, 5)", [&] {
    matmul(of({2, 3}), of({4, 5}));
  });
  check_message("[matmul] (b) must have shape (2, 5) but has (3, 5)", [&] {
    matmul(of({2, 3}), of({3, 5}), true);
  });
  check_message("[matmul] (b) must have shape (5, 3) but has (5, 2)", [&] {
    matmul(of({2, 3}), of({5, 2}), false, true);
  });
  check_message("[linear] (W) must have 2 dimensions but has shape (3)", [&] {
    linear(of({2, 3}), of({3}));
  });
  check_message("[linear] (x) must have 1 or more dimensions but has shape ()", [&] {
    linear(of({}), of({4, 3}));
  });
  check_message("[linear] (x) must have shape (7, 2, 3) but has (7, 2, 5)", [&] {
    linear(of({7, 2, 5}), of({4, 3}));
  });
  check_message("[linear] (bias) must have shape (4) but has (3)", [&] {
    linear(of({2, 3}), of({4, 3}), of({3}));
  });
  check_message("[linear] (x) must have shape (2, 3) but has (2, 4)", [&] {
    linear(of({2, 4}), StepWeight(of({4, 3})));
  });
}

TEST_CASE("a step weight takes the gradient of all its rows") {
  Parameters parameters;
  const Parameter& p = parameters.add("W", {2, 3});
  parameters.allocate();
  Tape tape(parameters.new_gradients());
  const StepWeight W(tape.leaf(p));
  check_message("[StepWeight] (dy) must have shape (5, 2) but has (5, 1)", [&] {
    W.add_step(Tensor::zeros({5, 3}), Tensor::zeros({5, 1}), 1, 1);
  });
}

TEST_CASE_FIXTURE(Calls, "element by element: one shape, or a bias") {
  check_message("[add] (b) must have shape (2, 3) but has (3, 2)", [&] { add(of({2, 3}), of({3, 2})); });
  check_message("[add] (b) must have shape (3) but has (2)", [&] { add(of({2, 3}), of({2})); });
  check_message("[add] (b) must have shape (3) but has (2, 3)", [&] { add(of({3}), of({2, 3})); });
  check_message("[multiply] (b) must have shape (2, 3) but has (3)", [&] { multiply(of({2, 3}), of({3})); });
  check_message("[sum_rows] (x) must have 1 or more dimensions but has shape ()", [&] { sum_rows(of({})); });
}

TEST_CASE_FIXTURE(Calls, "arrangement: ranges inside, shapes alike") {
  check_message("[Tensor::slice] entries 2 to 4 of (3, 5)", [&] { slice(of({3, 5}), 2, 2); });
  check_message("[Tensor::slice] entries -1 to 0 of (3, 5)", [&] { slice(of({3, 5}), -1, 1); });
  check_message("[Tensor::slice] entries 3 to 4 of (3, 5)", [&] { step(of({3, 5}), 3); });
  check_message("[Tensor::slice] entries 0 to 1 of ()", [&] { step(of({}), 0); });
  check_message("[columns] (x) must have 1 or more dimensions but has shape ()",
                [&] { columns(of({}), 0, 1); });
  check_message("[columns] columns 4 to 6 of (x) (3, 5)", [&] { columns(of({3, 5}), 4, 2); });
  check_message("[columns] columns -1 to 1 of (x) (3, 5)", [&] { columns(of({3, 5}), -1, 2); });
  check_message("[columns] columns 3 to 2 of (x) (3, 5)", [&] { columns(of({3, 5}), 3, -1); });
  check_message("[concat] (a) must have 1 or more dimensions but has shape ()",
                [&] { concat(of({}), of({3})); });
  check_message("[concat] (b) must have 1 or more dimensions but has shape ()",
                [&] { concat(of({3}), of({})); });
  check_message("[concat] (b) must have shape (2, 4) but has (3, 4)", [&] {
    concat(of({2, 5}), of({3, 4}));
  });
  check_message("[concat] (b) must have shape (2, 4) but has (1, 2, 4)", [&] {
    concat(of({2, 5}), of({1, 2, 4}));
  });
  check_message("[stack] (steps) must have one entry or more", [&] { stack({}); });
  check_message("[stack] (steps) must have shape (2, 3) but has (2, 4)", [&] {
    stack({of({2, 3}), of({2, 4})});
  });
  check_message("[Shape] no room for a fifth dimension before (1, 1, 1, 1)", [&] {
    stack({of({1, 1, 1, 1})});
  });
  check_message("[concat_rows] (blocks) must have one entry or more", [&] { concat_rows({}); });
  check_message("[concat_rows] (blocks) must have 2 dimensions but has shape (3)",
                [&] { concat_rows({of({3})}); });
  check_message("[concat_rows] (blocks) must have shape (1, 3) but has (1, 4)", [&] {
    concat_rows({of({2, 3}), of({1, 4})});
  });
  check_message("[gather_rows] (x) must have 2 or more dimensions but has shape (5)",
                [&] { gather_rows(of({5}), {0}); });
  check_message("[gather_rows] row 6 of (x) (2, 3, 4)", [&] { gather_rows(of({2, 3, 4}), {0, 6}); });
  check_message("[gather_rows] row -2 of (x) (5, 2)", [&] { gather_rows(of({5, 2}), {-2}); });
}

TEST_CASE_FIXTURE(Calls, "embed: ids inside of the vocabulary, as many as the matrix says") {
  check_message("[embed] (E) must have 2 dimensions but has shape (9)",
                [&] { embed(of({9}), IdMatrix(1, 1)); });
  check_message("[embed] (ids) word 9 is outside of (E) (9, 3)", [&] { embedding({0, 1, 9, 2}); });
  check_message("[embed] (ids) word -2 is outside of (E) (9, 3)", [&] { embedding({0, 1, -2, 2}); });
  check_message("[embed] (ids) must have shape (4) but has (5)", [&] { embedding({0, 1, 2, 3, 4}); });
  check_message("[embed] (ids) must have shape (4) but has (3)", [&] { embedding({0, 1, 2}); });
}

TEST_CASE_FIXTURE(Calls, "lstm: 4n gates, 3n peepholes, lengths in 1 to T or none") {
  const Shape x{5, 2, 12}, state{2, 3}, U{12, 3}, p{9};
  lstm_steps(x, state, state, U, p, {});
  check_message("[lstm] (x) must have 3 dimensions but has shape (2, 12)", [&] {
    lstm_steps({2, 12}, state, state, U, p, {});
  });
  check_message("[lstm] (x) must have shape (5, 2, 12) but has (5, 2, 9)", [&] {
    lstm_steps({5, 2, 9}, state, state, U, p, {});
  });
  check_message("[lstm] (U) must have shape (12, 3) but has (9, 3)", [&] {
    lstm_steps(x, state, state, {9, 3}, p, {});
  });
  check_message("[lstm] (p) must have shape (9) but has (12)",
                [&] { lstm_steps(x, state, state, U, {12}, {}); });
  check_message("[lstm] (h) must have shape (2, 3) but has (1, 3)", [&] {
    lstm_steps(x, {1, 3}, state, U, p, {});
  });
  check_message("[lstm] (c) must have shape (2, 3) but has (2, 4)", [&] {
    lstm_steps(x, state, {2, 4}, U, p, {});
  });
  check_message("[lstm] (lengths) entry 1 must be in 1 to 5 but is 6", [&] {
    lstm_steps(x, state, state, U, p, {5, 6});
  });
  check_message("[reverse_sentences] (lengths) must have 2 entries but has 1", [&] {
    reverse_sentences(of({5, 2, 3}), {5});
  });
}

TEST_CASE_FIXTURE(Calls, "gru: 3n gates, lengths in 1 to S") {
  check_message("[gru_sequence] (x) must have 3 dimensions but has shape (2, 6)", [&] {
    gru({2, 6}, {6, 2}, {1, 1});
  });
  check_message("[gru_sequence] (U) must have 2 dimensions but has shape (6)", [&] {
    gru({5, 2, 6}, {6}, {1, 1});
  });
  check_message("[gru_sequence] (U) must have shape (9, 3) but has (6, 3)", [&] {
    gru({5, 2, 9}, {6, 3}, {1, 1});
  });
  check_message("[gru_sequence] (x) must have shape (5, 2, 6) but has (5, 2, 9)", [&] {
    gru({5, 2, 9}, {6, 2}, {1, 1});
  });
  check_message("[gru_sequence] (lengths) must have 2 entries but has 3", [&] {
    gru({5, 2, 6}, {6, 2}, {1, 1, 1});
  });
  check_message("[gru_sequence] (lengths) entry 1 must be in 1 to 5 but is 0", [&] {
    gru({5, 2, 6}, {6, 2}, {1, 0});
  });
  check_message("[gru_sequence] (lengths) entry 0 must be in 1 to 5 but is 6", [&] {
    gru({5, 2, 6}, {6, 2}, {6, 1});
  });
  check_message("[gru_step] (h) must have 2 dimensions but has shape (2)", [&] {
    gru_once({3, 6}, {2}, {6, 2});
  });
  check_message("[gru_step] (x) must have shape (3, 6) but has (4, 6)", [&] {
    gru_once({4, 6}, {3, 2}, {6, 2});
  });
  check_message("[gru_step] (U) must have shape (6, 2) but has (6, 3)", [&] {
    gru_once({3, 6}, {3, 2}, {6, 3});
  });
}

TEST_CASE_FIXTURE(Calls, "attend: shapes, lengths, rows of search") {
  const Shape query{2, 3}, keys{5, 2, 3}, values{5, 2, 4}, v{3};
  check_message("[attend] (query) must have 2 dimensions but has shape (3)", [&] {
    attention({3}, keys, values, v, {1, 1});
  });
  check_message("[attend] (keys) must have 3 dimensions but has shape (5, 3)", [&] {
    attention(query, {5, 3}, values, v, {1, 1});
  });
  check_message("[attend] (values) must have 3 dimensions but has shape (5, 4)", [&] {
    attention(query, keys, {5, 4}, v, {1, 1});
  });
  check_message("[attend] (keys) must have shape (5, 2, 3) but has (5, 3, 3)", [&] {
    attention(query, {5, 3, 3}, values, v, {1, 1});
  });
  check_message("[attend] (v) must have shape (3) but has (4)", [&] {
    attention(query, keys, values, {4}, {1, 1});
  });
  check_message("[attend] (lengths) must have 2 entries but has 1",
                [&] { attention(query, keys, values, v, {1}); });
  check_message("[attend] (lengths) entry 1 must be in 1 to 5 but is 6", [&] {
    attention(query, keys, values, v, {1, 6});
  });
  check_message("[attend] (query) must have shape (2, 3) but has (3, 3)", [&] {
    attention({3, 3}, keys, values, v, {1, 1});
  });
  check_message("[attend] (query) must have shape (3, 3) but has (2, 3)", [&] {
    attention(query, keys, values, v, {1, 1}, {0, 1, 1});
  });
  check_message("[attend] (sentence_of_row) 2 of 2 sentences", [&] {
    attention(query, keys, values, v, {1, 1}, {0, 2});
  });
  check_message("[attend] (sentence_of_row) -1 of 2 sentences", [&] {
    attention(query, keys, values, v, {1, 1}, {-1, 0});
  });
}

TEST_CASE("attend: rows that share a sentence have no gradient, whichever input wants one") {
  const std::vector<Shape> shapes = {{3, 3}, {5, 2, 3}, {5, 2, 4}, {3}};
  for (std::size_t wanting = 0; wanting < shapes.size(); ++wanting) {
    Parameters parameters;
    const Parameter& p = parameters.add("p", shapes[wanting]);
    parameters.allocate();
    Tape tape(parameters.new_gradients());
    std::vector<Var> x;
    for (std::size_t i = 0; i < shapes.size(); ++i)
      x.push_back(i == wanting ? tape.leaf(p) : tape.constant(Tensor::zeros(shapes[i])));
    CAPTURE(wanting);
    check_message("[attend] (sentence_of_row) is for search: it has no gradient", [&] {
      attend(x[0], x[1], x[2], x[3], {1, 1}, {0, 1, 1});
    });
  }
}

TEST_CASE_FIXTURE(Calls, "softmax and weighted_sum: shapes and lengths") {
  check_message("[softmax] (x) must have 2 dimensions but has shape (2, 3, 4)", [&] {
    softmax(of({2, 3, 4}));
  });
  check_message("[softmax] (lengths) must have 2 entries but has 1", [&] { softmax(of({2, 3}), {3}); });
  check_message("[softmax] (lengths) entry 1 must be in 1 to 3 but is 4", [&] {
    softmax(of({2, 3}), {3, 4});
  });
  check_message("[weighted_sum] (values) must have 3 dimensions but has shape (2, 3)", [&] {
    weighted_sum(of({2, 5}), of({2, 3}));
  });
  check_message("[weighted_sum] (weights) must have shape (2, 5) but has (5, 2)", [&] {
    weighted_sum(of({5, 2}), of({5, 2, 3}));
  });
  check_message("[weighted_sum] (weights) must have shape (3, 5) but has (2, 5)", [&] {
    weighted_sum(of({2, 5}), of({5, 2, 3}), {0, 1, 1});
  });
  check_message("[weighted_sum] (sentence_of_row) 2 of 2 sentences", [&] {
    weighted_sum(of({2, 5}), of({5, 2, 3}), {0, 2});
  });
  check_message("[dot_scores] (sentence_of_row) -1 of 2 sentences", [&] {
    dot_scores(of({1, 3}), of({5, 2, 3}), {-1});
  });
}

TEST_CASE_FIXTURE(Calls, "attention with the dot score has no v, and its keys are as wide as the query") {
  check_message("[attend] (query) must have shape (2, 3) but has (2, 4)", [&] {
    attend(of({2, 4}), of({5, 2, 3}), of({5, 2, 4}), {}, {1, 1});
  });
  check_message("[dot_scores] (query) must have shape (2, 3) but has (2, 4)", [&] {
    dot_scores(of({2, 4}), of({5, 2, 3}));
  });
  check_message("[dot_scores] (keys) must have 3 dimensions but has shape (2, 3)", [&] {
    dot_scores(of({2, 3}), of({2, 3}));
  });
}

TEST_CASE_FIXTURE(Calls, "normalize, address") {
  check_message("[normalize] (x) must have 1 or more dimensions but has shape ()",
                [&] { normalize(of({})); });
  check_message("[normalize] (a) must have shape (2, 1) but has (2)", [&] {
    normalize(of({2, 3}), of({2}));
  });
  const auto addressed = [&](const Shape& before, const Shape& g, const Shape& r, const Shape& gamma,
                             const Lengths& lengths) {
    address(of({2, 5}), of(before), {of(g), of(r), of(gamma)}, lengths);
  };
  check_message("[address] (before) must have shape (2, 5) but has (2, 4)", [&] {
    addressed({2, 4}, {2, 1}, {2, 3}, {2, 1}, {1, 1});
  });
  check_message("[address] (g) must have shape (2, 1) but has (2)", [&] {
    addressed({2, 5}, {2}, {2, 3}, {2, 1}, {1, 1});
  });
  check_message("[address] (r) must have shape (2, 3) but has (2, 5)", [&] {
    addressed({2, 5}, {2, 1}, {2, 5}, {2, 1}, {1, 1});
  });
  check_message("[address] (gamma) must have shape (2, 1) but has (1, 1)", [&] {
    addressed({2, 5}, {2, 1}, {2, 3}, {1, 1}, {1, 1});
  });
  check_message("[address] (lengths) entry 1 must be in 1 to 5 but is 6", [&] {
    addressed({2, 5}, {2, 1}, {2, 3}, {2, 1}, {1, 6});
  });
}

TEST_CASE_FIXTURE(Calls, "maxout, dropout, softmax_xent") {
  check_message("[maxout] (x) must have 1 or more dimensions but has shape ()", [&] { maxout(of({})); });
  check_message("[maxout] (x) must have an even last dimension but has shape (2, 3)", [&] {
    maxout(of({2, 3}));
  });
  check_message("[dropout] (p) must be in [0, 1) but is 1", [&] { dropout(of({2}), 1, {}); });
  check_message("[dropout] (p) must be in [0, 1) but is -0.5", [&] { dropout(of({2}), -0.5, {}); });
  check_message("[dropout] (p) must be in [0, 1) but is nan",
                [&] { dropout(of({2}), __builtin_nan(""), {}); });
  const std::uint64_t later = 1;
  check_message("[dropout] (later) is read by kernels on a GPU, but (x) is on the CPU", [&] {
    dropout(of({2}), 0.5, {1, 2, &later});
  });
  check_message("[softmax_xent] (logits) must have 2 dimensions but has shape (2, 3, 4)", [&] {
    softmax_xent(of({2, 3, 4}), {0, 0});
  });
  check_message("[softmax_xent] (targets) must have shape (2) but has (3)", [&] {
    softmax_xent(of({2, 5}), {0, 0, 0});
  });
  check_message("[softmax_xent] (targets) word 5 is outside of (logits) (2, 5)", [&] {
    softmax_xent(of({2, 5}), {0, 5});
  });
  check_message("[softmax_xent] (targets) word -2 is outside of (logits) (2, 5)", [&] {
    softmax_xent(of({2, 5}), {0, -2});
  });
  check_message("[softmax_xent] (label_smoothing) must be in [0, 1) but is 1", [&] {
    softmax_xent(of({2, 5}), {0, 0}, 1);
  });
  check_message("[softmax_xent] (label_smoothing) must be in [0, 1) but is -0.1", [&] {
    softmax_xent(of({2, 5}), {0, 0}, -0.1);
  });
}

}  // namespace mininmt
