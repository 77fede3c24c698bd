// The attention kernels against loops over the definition.
#include <string>

#include "cuda/kernels.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

// Fills padding that must not be read or written.
constexpr real kPadding = 1e30f;

struct Problem {
  std::int64_t rows, steps, align, context;
  Lengths lengths;                            // of the sentences
  std::vector<std::int32_t> sentence_of_row;  // empty: row r is sentence r

  std::int64_t batch() const { return static_cast<std::int64_t>(lengths.size()); }
  std::int64_t sentence(std::int64_t row) const {
    return sentence_of_row.empty() ? row : sentence_of_row[row];
  }

  Reals query, keys, values, v, dc, alpha;  // v: empty for the dot score; alpha: the input of attend_gradient

  Problem(std::int64_t rows, std::int64_t steps, std::int64_t align, std::int64_t context, Lengths lengths,
          std::vector<std::int32_t> sentence_of_row = {})
      : rows(rows),
        steps(steps),
        align(align),
        context(context),
        lengths(std::move(lengths)),
        sentence_of_row(std::move(sentence_of_row)),
        query(random_reals(rows * align, 1)),
        keys(random_reals(steps * batch() * align, 2)),
        values(random_reals(steps * batch() * context, 3)),
        v(random_reals(align, 4, 2 / std::sqrt(static_cast<double>(align)))),
        dc(random_reals(rows * context, 5)) {
    for (std::int64_t j = 0; j < steps; ++j)
      for (std::int64_t b = 0; b < batch(); ++b)
        if (j >= this->lengths[b]) {
          std::fill_n(keys.begin() + (j * batch() + b) * align, align, kNan);
          std::fill_n(values.begin() + (j * batch() + b) * context, context, kNan);
        }
  }

  std::string name() const {
    return "rows " + std::to_string(rows) + ", steps " + std::to_string(steps) + ", align " +
           std::to_string(align) + ", context " + std::to_string(context) + (v.empty() ? ", dot score" : "");
  }

  // The same with the dot score, whose products are about as large as the additive scores.
  Problem dot() const {
    Problem p = *this;
    p.v.clear();
    for (real& x : p.query) x *= 2 / std::sqrt(static_cast<real>(align));
    return p;
  }
};

template <class T>
struct Forward {
  std::vector<T> alpha, context;
};

template <class T>
Forward<T> attend_plainly(const Problem& p) {
  Forward<T> result{std::vector<T>(p.rows * p.steps), std::vector<T>(p.rows * p.context)};
  for (std::int64_t r = 0; r < p.rows; ++r) {
    const std::int64_t b = p.sentence(r);
    T* const alpha = result.alpha.data() + r * p.steps;
    T largest = -std::numeric_limits<T>::infinity(), sum = 0;
    for (int j = 0; j < p.lengths[b]; ++j) {
      const std::int64_t at = (j * p.batch() + b) * p.align;
      for (std::int64_t i = 0; i < p.align; ++i)
        alpha[j] += p.v.empty() ? T{p.query[r * p.align + i]} * T{p.keys[at + i]}
                                : T{p.v[i]} * std::tanh(T{p.query[r * p.align + i]} + T{p.keys[at + i]});
      largest = std::max(largest, alpha[j]);
    }
    for (int j = 0; j < p.lengths[b]; ++j) sum += alpha[j] = std::exp(alpha[j] - largest);
    for (int j = 0; j < p.lengths[b]; ++j) alpha[j] /= sum;
    for (int j = 0; j < p.lengths[b]; ++j)
      for (std::int64_t c = 0; c < p.context; ++c)
        result.context[r * p.context + c] += alpha[j] * T{p.values[(j * p.batch() + b) * p.context + c]};
  }
  return result;
}

template <class T>
struct Gradient {
  std::vector<T> dquery, dkeys, dv_rows;  // the added gradients
};

template <class T>
Gradient<T> gradient_plainly(const Problem& p) {
  Gradient<T> g{std::vector<T>(p.rows * p.align), std::vector<T>(p.keys.size()),
                std::vector<T>(p.rows * p.align)};
  for (std::int64_t b = 0; b < p.rows; ++b) {
    std::vector<T> dalpha(p.steps);
    T mean = 0;
    for (int j = 0; j < p.lengths[b]; ++j) {
      for (std::int64_t c = 0; c < p.context; ++c)
        dalpha[j] += T{p.dc[b * p.context + c]} * T{p.values[(j * p.batch() + b) * p.context + c]};
      mean += T{p.alpha[b * p.steps + j]} * dalpha[j];
    }
    for (int j = 0; j < p.lengths[b]; ++j) {
      const T de = T{p.alpha[b * p.steps + j]} * (dalpha[j] - mean);
      for (std::int64_t i = 0; i < p.align; ++i) {
        const std::int64_t at = (j * p.batch() + b) * p.align + i;
        if (p.v.empty()) {
          g.dquery[b * p.align + i] += de * T{p.keys[at]};
          g.dkeys[at] += de * T{p.query[b * p.align + i]};
          continue;
        }
        const T u = std::tanh(T{p.query[b * p.align + i]} + T{p.keys[at]});
        const T h = de * T{p.v[i]} * (1 - u * u);
        g.dquery[b * p.align + i] += h;
        g.dkeys[at] += h;
        g.dv_rows[b * p.align + i] += de * u;
      }
    }
  }
  return g;
}

// The inputs on the device.
struct Device {
  Tensor keys, values, v, query;
  Indices lengths, sentence_of_row;
  cuda::AttentionOperands a;

  explicit Device(const Problem& p)
      : keys(on_device(p.keys)),
        values(on_device(p.values)),
        v(p.v.empty() ? Tensor() : on_device(p.v)),
        query(on_device(p.query)),
        lengths(p.lengths),
        sentence_of_row(p.sentence_of_row),
        a{p.rows,
          p.steps,
          p.batch(),
          p.align,
          p.context,
          keys.data(),
          values.data(),
          p.v.empty() ? nullptr : v.data(),
          lengths.in(cuda::memory()),
          sentence_of_row.in(cuda::memory())} {}
};

Forward<real> attend_on_device(const Problem& p) {
  const Device device(p);
  const Tensor alpha = poisoned(p.rows * p.steps), context = poisoned(p.rows * p.context);
  cuda::attend(device.a, device.query.data(), alpha.data(), context.data());
  return {on_host(alpha), on_host(context)};
}

void check_forward_of(const Problem& p) {
  INFO(p.name());
  const Forward<real> result = attend_on_device(p), plain = attend_plainly<real>(p);
  const Forward<Exact> exact = attend_plainly<Exact>(p);
  check_close("alpha", result.alpha, plain.alpha, exact.alpha);
  check_close("context", result.context, plain.context, exact.context);
  bool zero_at_padding = true;
  for (std::int64_t r = 0; r < p.rows; ++r)
    for (std::int64_t j = p.lengths[p.sentence(r)]; j < p.steps; ++j)
      zero_at_padding = zero_at_padding && result.alpha[r * p.steps + j] == 0;
  CHECK(zero_at_padding);
  const Forward<real> again = attend_on_device(p);
  CHECK(result.alpha == again.alpha);
  CHECK(result.context == again.context);
}

void check_forward(const Problem& p) {
  check_forward_of(p);
  check_forward_of(p.dot());
}

// The gradients are added to `start`, which is NaN where nothing may be written.
void check_gradient(Problem p, bool add, bool with_keys, bool with_v) {
  INFO(p.name());
  CAPTURE(add);
  for (Exact x : attend_plainly<Exact>(p).alpha) p.alpha.push_back(static_cast<real>(x));
  Reals start_keys = random_reals(count_of(p.keys), 7);
  for (std::size_t i = 0; i < start_keys.size(); ++i)
    if (std::isnan(p.keys[i])) start_keys[i] = kPadding;
  const Reals start_query = random_reals(count_of(p.query), 6), start_v = random_reals(count_of(p.query), 8);

  const Device device(p);
  const Tensor alpha = on_device(p.alpha), dc = on_device(p.dc);
  const Tensor dquery = add ? on_device(start_query) : poisoned(count_of(p.query));
  const Tensor dkeys = on_device(start_keys), dv = on_device(start_v);
  cuda::attend_gradient(device.a, device.query.data(), alpha.data(), dc.data(), dquery.data(), add,
                        with_keys ? dkeys.data() : nullptr, with_v ? dv.data() : nullptr);

  Gradient<real> plain = gradient_plainly<real>(p);
  Gradient<Exact> exact = gradient_plainly<Exact>(p);
  const auto add_start = [](const Reals& start, bool wanted, auto& gradient) {
    for (std::size_t i = 0; i < start.size(); ++i) gradient[i] = (wanted ? gradient[i] : 0) + start[i];
  };
  if (add) add_start(start_query, true, plain.dquery), add_start(start_query, true, exact.dquery);
  add_start(start_keys, with_keys, plain.dkeys), add_start(start_keys, with_keys, exact.dkeys);
  add_start(start_v, with_v, plain.dv_rows), add_start(start_v, with_v, exact.dv_rows);

  Reals keys = on_host(dkeys);
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (std::isnan(p.keys[i])) {  // and excluded from the norm
      CHECK(keys[i] == kPadding);
      keys[i] = plain.dkeys[i] = 0;
      exact.dkeys[i] = 0;
    }
  check_close("dquery", on_host(dquery), plain.dquery, exact.dquery);
  check_close("dkeys", keys, plain.dkeys, exact.dkeys);
  check_close("dv_rows", on_host(dv), plain.dv_rows, exact.dv_rows);
}

std::vector<Problem> problems() {
  return {{1, 1, 1, 1, {1}},
          {3, 5, 31, 33, {5, 1, 3}},
          {2, 9, 1023, 1000, {9, 8}},
          {3, 17, 1000, 1023, {1, 17, 16}},
          {4, 26, 40, 24, {26, 8, 25, 9}},
          {2, 100, 12, 8, {100, 33}},
          {1, 70, 33, 31, {70}}};
}

}  // namespace

TEST_CASE("attend: rows in several chunks") {
  for (const Problem& p : problems()) check_forward(p);
}

TEST_CASE("attend: more rows than the GPU has room for, each in one piece") {
  Lengths lengths(270, 3);
  lengths[7] = 70, lengths[269] = 33, lengths[100] = 1, lengths[101] = 32;
  check_forward({270, 70, 5, 7, lengths});
  check_forward({270, 70, 8, 4, lengths});
}

TEST_CASE("attend: a sentence of thousands of words beside one of a single word") {
  check_forward({2, 3001, 5, 4, {3001, 1}});
}

TEST_CASE("attend: several rows to a sentence, in any order") {
  check_forward({5, 12, 20, 24, {12, 1, 7}, {2, 0, 0, 1, 2}});
  std::vector<std::int32_t> sentence_of_row(300);
  for (std::size_t r = 0; r < sentence_of_row.size(); ++r) sentence_of_row[r] = static_cast<int>(r % 3);
  check_forward({300, 12, 4, 8, {5, 1, 12}, sentence_of_row});
}

TEST_CASE("attend: large scores neither overflow nor underflow to nothing") {
  Problem p(3, 40, 16, 8, {40, 33, 2});
  for (real& x : p.v) x *= 100;
  check_forward(p);
}

TEST_CASE("attend: a NaN in a key or a value shows, in its row alone") {
  for (const bool in_key : {true, false}) {
    Problem p(3, 20, 16, 8, {20, 15, 20});
    const std::int64_t position = 11, sentence = 1, at = position * p.batch() + sentence;
    (in_key ? p.keys[at * p.align + 3] : p.values[at * p.context + 3]) = kNan;
    const Forward<real> result = attend_on_device(p);
    for (std::int64_t r = 0; r < p.rows; ++r)
      CHECK(std::isnan(result.context[r * p.context + 3]) == (r == sentence));
    CHECK(std::isnan(result.alpha[sentence * p.steps]) == in_key);
  }
}

TEST_CASE("attend_gradient") {
  for (const Problem& p : problems()) {
    check_gradient(p, true, true, true);
    check_gradient(p, false, true, true);
  }
}

TEST_CASE("attend, attend_gradient: addresses that are not multiples of 16 bytes") {
  const Problem p(2, 9, 8, 12, {9, 4});
  Reals shifted = p.query;
  shifted.insert(shifted.begin(), kNan);
  const Device device(p);
  const Tensor query = on_device(shifted), alpha = poisoned(18), context = poisoned(24),
               dquery = poisoned(16);
  cuda::attend(device.a, query.data() + 1, alpha.data(), context.data());
  const Forward<real> straight = attend_on_device(p);
  check_close("context", on_host(context), straight.context, attend_plainly<Exact>(p).context);
  cuda::attend_gradient(device.a, query.data() + 1, alpha.data(), context.data(), dquery.data(), false,
                        nullptr, nullptr);
  const Tensor again = poisoned(16);
  cuda::attend_gradient(device.a, device.query.data(), alpha.data(), context.data(), again.data(), false,
                        nullptr, nullptr);
  const Reals expected = on_host(again);
  check_close("dquery", on_host(dquery), expected, {expected.begin(), expected.end()});
}

TEST_CASE("attend_gradient: the dot score, which has no v") {
  for (const Problem& p : problems()) {
    check_gradient(p.dot(), true, true, false);
    check_gradient(p.dot(), false, true, false);
    check_gradient(p.dot(), true, false, false);
  }
}

TEST_CASE("attend_gradient: without dkeys or dv_rows") {
  const Problem p(3, 13, 20, 16, {13, 4, 9});
  check_gradient(p, true, false, true);
  check_gradient(p, false, true, false);
  check_gradient(p, true, false, false);
}

TEST_CASE("attend, attend_gradient: no rows") {
  const cuda::AttentionOperands none{0, 3, 0, 4, 4, nullptr, nullptr, nullptr, nullptr, nullptr};
  cuda::attend(none, nullptr, nullptr, nullptr);
  cuda::attend_gradient(none, nullptr, nullptr, nullptr, nullptr, true, nullptr, nullptr);
  cuda::synchronize();
}

}  // namespace mininmt
