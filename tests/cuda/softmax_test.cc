// Softmax with cross-entropy against loops over the definition.
#include <string>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "tensor/error.h"
#include "tensor/ids.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

struct Problem {
  std::int64_t rows, words;
  double smoothing;
  bool with_bias;
  Reals logits, bias, dloss;
  std::vector<std::int32_t> targets;

  Problem(std::int64_t rows, std::int64_t words, double smoothing, bool with_bias)
      : rows(rows),
        words(words),
        smoothing(smoothing),
        with_bias(with_bias),
        logits(random_reals(rows * words, 1, 3)),
        bias(random_reals(words, 2)),
        dloss(random_reals(rows, 3)) {
    for (std::int64_t r = 0; r < rows; ++r)
      targets.push_back(r % 4 == 2 ? kNone : static_cast<std::int32_t>(r * 7919 % words));
  }

  real logit(std::int64_t row, std::int64_t word) const {
    return logits[row * words + word] + (with_bias ? bias[word] : 0);
  }

  std::string name() const {
    return "rows " + std::to_string(rows) + ", words " + std::to_string(words) + ", smoothing " +
           std::to_string(smoothing) + (with_bias ? ", bias" : "");
  }
};

template <class T>
struct Result {
  std::vector<T> loss, log_sum, dlogits;
};

template <class T>
Result<T> softmax_plainly(const Problem& p) {
  Result<T> result{std::vector<T>(p.rows), std::vector<T>(p.rows), std::vector<T>(p.logits.size())};
  for (std::int64_t r = 0; r < p.rows; ++r) {
    if (p.targets[r] < 0) continue;
    T largest = -std::numeric_limits<T>::infinity(), sum = 0;
    for (std::int64_t w = 0; w < p.words; ++w) largest = std::max(largest, T{p.logit(r, w)});
    for (std::int64_t w = 0; w < p.words; ++w) sum += std::exp(T{p.logit(r, w)} - largest);
    result.log_sum[r] = largest + std::log(sum);
    const T amount = static_cast<T>(p.smoothing);
    for (std::int64_t w = 0; w < p.words; ++w) {
      const T log_p = T{p.logit(r, w)} - result.log_sum[r];
      const T q = (w == p.targets[r] ? 1 - amount : 0) + amount / static_cast<T>(p.words);
      if (q != 0) result.loss[r] -= q * log_p;
      result.dlogits[r * p.words + w] = T{p.dloss[r]} * (std::exp(log_p) - q);
    }
  }
  return result;
}

// The inputs on the device.
struct Device {
  Tensor logits, bias, dloss;
  Indices targets;

  explicit Device(const Problem& p)
      : logits(on_device(p.logits)), bias(on_device(p.bias)), dloss(on_device(p.dloss)), targets(p.targets) {}

  Result<real> forward(const Problem& p) const {
    const Tensor loss = poisoned(p.rows), log_sum = poisoned(p.rows);
    cuda::softmax_xent(p.rows, p.words, logits.data(), p.with_bias ? bias.data() : nullptr,
                       targets.in(cuda::memory()), p.smoothing, loss.data(), log_sum.data());
    return {on_host(loss), on_host(log_sum), {}};
  }

  void backward(const Problem& p, const Reals& log_sums, const Tensor& dlogits, bool add) const {
    const Tensor log_sum = on_device(log_sums);
    cuda::softmax_xent_gradient(p.rows, p.words, logits.data(), p.with_bias ? bias.data() : nullptr,
                                targets.in(cuda::memory()), p.smoothing, log_sum.data(), dloss.data(),
                                dlogits.data(), add);
  }
};

void check_problem(const Problem& p) {
  INFO(p.name());
  const Result<real> plain = softmax_plainly<real>(p);
  const Result<Exact> exact = softmax_plainly<Exact>(p);
  const Device device(p);
  Result<real> result = device.forward(p);
  for (std::int64_t r = 0; r < p.rows; ++r)
    if (p.targets[r] < 0) {
      CHECK(result.loss[r] == 0);
      result.log_sum[r] = 0;
    }
  check_close("log_sum", result.log_sum, plain.log_sum, exact.log_sum);
  check_close("loss", result.loss, plain.loss, exact.loss);

  const Tensor apart = poisoned(count_of(p.logits));
  device.backward(p, result.log_sum, apart, false);
  check_close("dlogits", on_host(apart), plain.dlogits, exact.dlogits);

  const Reals start = random_reals(count_of(p.logits), 4);
  const Tensor sum = on_device(start);
  device.backward(p, result.log_sum, sum, true);
  Reals plain_sum = plain.dlogits;
  std::vector<Exact> exact_sum = exact.dlogits;
  for (std::size_t i = 0; i < start.size(); ++i) plain_sum[i] += start[i], exact_sum[i] += start[i];
  check_close("dlogits, added", on_host(sum), plain_sum, exact_sum);

  device.backward(p, result.log_sum, device.logits, false);  // in place
  CHECK(on_host(device.logits) == on_host(apart));
}

}  // namespace

TEST_CASE("softmax_xent and its gradient") {
  for (const std::int64_t words : {1, 31, 33, 1000, 1023, 8196, 20001})
    for (const bool with_bias : {false, true}) {
      check_problem({3, words, 0, with_bias});
      check_problem({3, words, 0.1, with_bias});
    }
  check_problem({70, 100, 0.1, true});
}

TEST_CASE("softmax_xent: large logits neither overflow nor underflow to nothing") {
  Problem p(4, 1000, 0, false);
  for (std::size_t i = 0; i < p.logits.size(); ++i) p.logits[i] += i < 1000 ? 1e4f : -1e4f;
  check_problem(p);
}

TEST_CASE("softmax_xent: logits of -infinity have no part in the sum, others that are not finite show") {
  Problem p(5, 40, 0, false);
  p.targets.assign(5, 5);
  for (std::int64_t w = 0; w < 40; ++w)
    if (w != 5) p.logits[w] = -kInfinity;
  p.logits[1 * 40 + 33] = kNan;
  p.logits[2 * 40 + 33] = kInfinity;
  p.logits[3 * 40 + 33] = -kInfinity;
  const Result<real> result = Device(p).forward(p);
  CHECK(result.log_sum[0] == doctest::Approx(p.logits[5]));
  CHECK(std::abs(result.loss[0]) < 1e-6);
  CHECK(std::isnan(result.log_sum[1]));
  CHECK(std::isnan(result.loss[1]));
  CHECK_FALSE(std::isfinite(result.loss[2]));
  CHECK(std::isfinite(result.loss[3]));
  CHECK(std::isfinite(result.loss[4]));
}

TEST_CASE("softmax_xent: logits that do not start at a multiple of 16 bytes") {
  Problem p(3, 64, 0.1, false);
  const Reals expected = Device(p).forward(p).loss;
  Device device(p);
  Reals shifted = p.logits;
  shifted.insert(shifted.begin(), kNan);
  device.logits = on_device(shifted).view(1, {count_of(p.logits)});
  check_close("loss", device.forward(p).loss, expected, softmax_plainly<Exact>(p).loss);
}

TEST_CASE("softmax_xent: no rows") {
  const Problem p(0, 40, 0, false);
  const Device device(p);
  device.backward(p, device.forward(p).log_sum, poisoned(0), false);
  cuda::synchronize();
}

TEST_CASE("softmax_xent: the same bits again") {
  const Problem p(3, 5003, 0.1, true);
  const Device device(p);
  const Result<real> first = device.forward(p), second = device.forward(p);
  CHECK(first.loss == second.loss);
  CHECK(first.log_sum == second.log_sum);
}

// cuBLAS, CUB and grids take 32 bits: a larger size must be an error.
TEST_CASE("sizes beyond 31 bits are refused by name") {
  const Tensor x({1}, cuda::memory());
  const cuda::Index huge = (cuda::Index{1} << 32) + 1;
  const auto message = [](const auto& work) -> std::string {
    try {
      work();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  const std::string of_gemm = message([&] {
    cuda::gemm(1, huge, 1, {x.data(), 1, false}, {x.data(), huge, false}, x.data(), huge, false);
  });
  CHECK(of_gemm.find("[gemm] a size of 4294967297") != std::string::npos);
  const std::string of_grid =
      message([&] { cuda::softmax_xent(huge, 1, x.data(), nullptr, nullptr, 0, x.data(), x.data()); });
  CHECK(of_grid.find("[grid] a size of 4294967297") != std::string::npos);
}

}  // namespace mininmt
