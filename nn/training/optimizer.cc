#include "nn/training/optimizer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cuda/kernels.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

MININMT_VECTORIZED void sgd_range(std::int64_t n, real rate, const real* g, real* x) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) x[i] -= rate * g[i];
}

// first and second: 1 / (1 - beta^t), the bias corrections of the two moments.
MININMT_VECTORIZED void adam_range(std::int64_t n, real rate, real factor, real first, real second,
                                   const real* gradient, real* m, real* v, real* x) {
  constexpr real beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const real g = factor * gradient[i];
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    x[i] -= rate * (first * m[i]) / (std::sqrt(second * v[i]) + epsilon);
  }
}

// squares: the running mean of g^2; steps: of the updates^2.
MININMT_VECTORIZED void adadelta_range(std::int64_t n, real rate, real factor, const real* gradient,
                                       real* squares, real* steps, real* x) {
  constexpr real rho = 0.95, epsilon = 1e-6;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const real g = factor * gradient[i];
    squares[i] = rho * squares[i] + (1 - rho) * g * g;
    const real step = std::sqrt((steps[i] + epsilon) / (squares[i] + epsilon)) * g;
    steps[i] = rho * steps[i] + (1 - rho) * step * step;
    x[i] -= rate * step;
  }
}

MININMT_VECTORIZED double sum_of_squares(std::int64_t n, const real* x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

constexpr std::int64_t kCost = 4;

class Sgd : public Optimizer {
 public:
  void update(const Tensor& values, const Tensor& gradient, real factor) override {
    const real rate = static_cast<real>(learn_rate) * factor;
    parallel_for(values.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
      sgd_range(end - begin, rate, gradient.data() + begin, values.data() + begin);
    });
  }
  void update_on_cuda(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
                      const cuda::Progress* progress) override {
    if constexpr (kHasCuda) cuda::sgd(values.size(), schedule, progress, gradient.data(), values.data());
  }
};

class Adam : public Optimizer {
 public:
  explicit Adam(const Tensor& values) : m_(Tensor::zeros(values.shape(), values.memory())), v_(m_.clone()) {}
  void update(const Tensor& values, const Tensor& gradient, real factor) override {
    ++updates_;
    const real first = static_cast<real>(1 / (1 - std::pow(0.9, updates_)));
    const real second = static_cast<real>(1 / (1 - std::pow(0.999, updates_)));
    parallel_for(values.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
      adam_range(end - begin, static_cast<real>(learn_rate), factor, first, second, gradient.data() + begin,
                 m_.data() + begin, v_.data() + begin, values.data() + begin);
    });
  }
  void update_on_cuda(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
                      const cuda::Progress* progress) override {
    if constexpr (kHasCuda)
      cuda::adam(values.size(), schedule, progress, gradient.data(), m_.data(), v_.data(), values.data());
  }

 private:
  Tensor m_, v_;
  std::int64_t updates_ = 0;
};

class Adadelta : public Optimizer {
 public:
  explicit Adadelta(const Tensor& values)
      : squares_(Tensor::zeros(values.shape(), values.memory())), steps_(squares_.clone()) {}
  void update(const Tensor& values, const Tensor& gradient, real factor) override {
    parallel_for(values.size(), kCost, [&](std::int64_t begin, std::int64_t end) {
      adadelta_range(end - begin, static_cast<real>(learn_rate), factor, gradient.data() + begin,
                     squares_.data() + begin, steps_.data() + begin, values.data() + begin);
    });
  }
  void update_on_cuda(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
                      const cuda::Progress* progress) override {
    if constexpr (kHasCuda)
      cuda::adadelta(values.size(), schedule, progress, gradient.data(), squares_.data(), steps_.data(),
                     values.data());
  }

 private:
  Tensor squares_, steps_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, double learn_rate, const Tensor& values) {
  std::unique_ptr<Optimizer> optimizer;
  if (name == "sgd") optimizer = std::make_unique<Sgd>();
  if (name == "adam") optimizer = std::make_unique<Adam>(values);
  if (name == "adadelta") optimizer = std::make_unique<Adadelta>(values);
  if (!optimizer) throw UsageError("optimizer '" + name + "' is unknown: adadelta, adam or sgd");
  optimizer->learn_rate = learn_rate;
  return optimizer;
}

double l2_norm(const Tensor& block) {
  constexpr std::int64_t kChunk = 1 << 14;
  std::vector<double> partial((block.size() + kChunk - 1) / kChunk);
  parallel_for(static_cast<std::int64_t>(partial.size()), kChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c)
      partial[c] = sum_of_squares(std::min(kChunk, block.size() - c * kChunk), block.data() + c * kChunk);
  });
  double sum = 0;
  for (double p : partial) sum += p;
  return std::sqrt(sum);
}

double clip_factor(double norm, double most) { return most > 0 && norm > most ? most / norm : 1.0; }

}  // namespace mininmt
