// The best words of each row against sorting all of them.
#include <numeric>
#include <string>

#include "cuda/kernels.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

struct Problem {
  std::int64_t rows, words, k;
  std::int32_t unk = kUnk, eos = kEos;
  Reals logits, bias;  // an empty bias: none
  std::vector<std::int32_t> bar_eos;

  Problem(std::int64_t rows, std::int64_t words, std::int64_t k)
      : rows(rows), words(words), k(k), logits(random_reals(rows * words, 1, 3)) {
    for (std::int64_t r = 0; r < rows; ++r) bar_eos.push_back(r % 2);
  }

  real logit(std::int64_t row, std::int64_t word) const {
    return logits[row * words + word] + (bias.empty() ? 0 : bias[word]);
  }
};

struct Best {
  Reals log_sum, top;
  std::vector<std::int32_t> words;
};

Best top_k_on_device(const Problem& p) {
  const Tensor logits = on_device(p.logits), bias = on_device(p.bias);
  const Tensor log_sum = poisoned(p.rows), top = poisoned(p.rows * p.k);
  const Indices bar_eos(p.bar_eos), words(std::vector<std::int32_t>(p.rows * p.k, -77));
  auto* const top_words = const_cast<std::int32_t*>(words.in(cuda::memory()));
  cuda::top_k(p.rows, p.words, p.k, logits.data(), p.bias.empty() ? nullptr : bias.data(), p.unk, p.eos,
              bar_eos.in(cuda::memory()), log_sum.data(), top.data(), top_words);
  return {on_host(log_sum), on_host(top), on_host(top_words, words.size())};
}

// The allowed words of a row, best first.
std::vector<std::int32_t> sorted(const Problem& p, std::int64_t row) {
  std::vector<std::int32_t> words;
  for (std::int32_t w = 0; w < p.words; ++w)
    if (w != p.unk && !(w == p.eos && p.bar_eos[row]) && p.logit(row, w) > -kInfinity) words.push_back(w);
  std::stable_sort(words.begin(), words.end(),
                   [&](std::int32_t a, std::int32_t b) { return p.logit(row, a) > p.logit(row, b); });
  return words;
}

void check_top(const Problem& p) {
  INFO("words " << p.words << ", k " << p.k);
  const Best best = top_k_on_device(p);
  std::vector<Exact> log_sum;
  for (std::int64_t r = 0; r < p.rows; ++r) {
    CAPTURE(r);
    const auto expected = sorted(p, r);
    for (std::int64_t i = 0; i < p.k; ++i) {
      const bool there = i < static_cast<std::int64_t>(expected.size());
      const std::int32_t word = best.words[r * p.k + i];
      REQUIRE(word == (there ? expected[i] : -1));
      REQUIRE(best.top[r * p.k + i] == (there ? p.logit(r, word) : -kInfinity));
    }
    Exact sum = 0;
    for (std::int64_t w = 0; w < p.words; ++w) sum += std::exp(Exact{p.logit(r, w)});
    log_sum.push_back(std::log(sum));
  }
  check_close("log_sum", best.log_sum, best.log_sum, log_sum);
  for (std::size_t r = 0; r < log_sum.size(); ++r) CHECK(std::abs(best.log_sum[r] - log_sum[r]) < 1e-5);
}

}  // namespace

TEST_CASE("top_k: of odd sizes, with and without bias") {
  for (const std::int64_t words : {1, 2, 31, 33, 1000, 1023, 9000})
    for (const std::int64_t k : {1, 5, 12}) {
      Problem p(3, words, k);
      check_top(p);
      p.bias = random_reals(words, 2);
      check_top(p);
    }
}

TEST_CASE("top_k: equal logits in the order of their words") {
  for (const std::int64_t words : {100, 101, 2048}) {
    Problem p(2, words, 40);
    for (real& x : p.logits) x = std::round(x / 3);
    check_top(p);
    std::fill(p.logits.begin(), p.logits.end(), real{-2});
    check_top(p);
  }
}

TEST_CASE("top_k: the best all lie with one thread, or with one warp") {
  for (const std::int64_t words : {20000, 20001})
    for (const int step : {512, 512 * 4, 512 * 2, 4, 1}) {
      Problem p(1, words, 12);
      for (std::int64_t w = 700, i = 0; w < words; w += step, ++i)
        p.logits[w] += 50 + static_cast<real>(i % 7);
      check_top(p);
    }
}

TEST_CASE("top_k: more than there are") {
  check_top({2, 5, 9});
  check_top({2, 70, 75});
  check_top({2, 600, 700});
}

TEST_CASE("top_k: barred words are the best, or all there are") {
  Problem p(2, 300, 4);
  p.logits[0] = p.logits[300] = 60, p.logits[1] = p.logits[301] = 61;
  check_top(p);
  p.unk = -1;
  check_top(p);
  Problem all(2, 2, 3);
  check_top(all);
  p.unk = 299, p.eos = 17;
  p.logits[299] = 70, p.logits[317] = 71;
  check_top(p);
}

TEST_CASE("top_k: logits of -infinity are not candidates") {
  Problem p(3, 40, 6);
  for (std::int64_t w = 0; w < 40; ++w) {
    if (w % 10 != 3) p.logits[w] = -kInfinity;
    p.logits[40 + w] = -kInfinity;
  }
  const Best best = top_k_on_device(p);
  CHECK(best.words[4] == -1);
  CHECK(std::isfinite(best.log_sum[0]));
  for (int i = 0; i < 6; ++i) CHECK(best.words[6 + i] == -1);
  CHECK_FALSE(std::isfinite(best.log_sum[1]));
  p.logits[40] = 1;  // </s>, barred in row 1, makes its sum finite
  check_top(p);
}

TEST_CASE("top_k: NaN and infinity show in log_sum") {
  for (const std::int64_t words : {40, 1023}) {
    Problem p(3, words, 5);
    p.logits[33] = kNan;
    p.logits[words + 7] = kInfinity;
    const Best best = top_k_on_device(p);
    CHECK(std::isnan(best.log_sum[0]));
    CHECK_FALSE(std::isfinite(best.log_sum[1]));
    CHECK(std::isfinite(best.log_sum[2]));
    for (int i = 0; i < 5; ++i) CHECK(best.words[i] >= 0);
    std::fill(p.logits.begin(), p.logits.end(), kNan);
    const Best none = top_k_on_device(p);
    for (const std::int32_t word : none.words) CHECK(word == -1);
    for (const real sum : none.log_sum) CHECK(std::isnan(sum));
  }
}

TEST_CASE("top_k: no rows") {
  top_k_on_device({0, 40, 3});
  cuda::synchronize();
}

}  // namespace mininmt
