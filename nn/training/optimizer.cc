#include "nn/training/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <vector>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

// Calls rule(read_i, changed_i...) for each i < n: the CPU version of the kernel in cuda/optimizer.cu.
template <class Rule, class... Blocks>
void apply_range(std::int64_t n, Rule rule, const real* read, Blocks*... changed) {
  vectorized([&] {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) rule(read[i], changed[i]...);
  });
}

template <class Rule, class... Blocks>
void apply(std::int64_t n, const Rule& rule, const real* read, Blocks*... changed) {
  parallel_for(n, 2 + static_cast<int>(sizeof...(Blocks)), [&](std::int64_t begin, std::int64_t end) {
    apply_range(end - begin, rule, read + begin, changed + begin...);
  });
}

template <class Rule>
class Ruled final : public Optimizer {
 public:
  explicit Ruled(const Tensor& values) : Optimizer(values) {
    for (Tensor& block : kept_) block = Tensor::zeros(values.shape(), values.memory());
  }

 private:
  // Calls f with the optimizer state's blocks and the parameters.
  template <class F>
  void with_blocks(const Tensor& values, const F& f) const {
    std::apply([&](const auto&... kept) { f(kept.data()..., values.data()); }, kept_);
  }

  void on_cpu(const Tensor& values, const Tensor& gradient, const cuda::Schedule& schedule,
              const cuda::Progress& progress) override {
    with_blocks(values, [&](auto*... changed) {
      apply(values.size(), Rule::of(schedule, progress), gradient.data(), changed...);
    });
  }

  void on_cuda(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
               const cuda::Progress* progress) override {
    if constexpr (kHasCuda)
      with_blocks(values, [&](auto*... changed) {
        cuda::update<Rule>(values.size(), schedule, progress, gradient.data(), changed...);
      });
  }

  void visit_blocks(StateVisitor& visitor) override {
    for (std::size_t i = 0; i < kept_.size(); ++i) visitor.visit(join(Rule::kName, ".", i + 1), kept_[i]);
  }

  std::array<Tensor, Rule::kBlocks> kept_;
};

// The first of the rules with this name.
template <class Rule, class... Rules>
std::unique_ptr<Optimizer> make_named(const std::string& name, const Tensor& values) {
  if (name == Rule::kName) return std::make_unique<Ruled<Rule>>(values);
  if constexpr (sizeof...(Rules) > 0) return make_named<Rules...>(name, values);
  return nullptr;
}

MININMT_VECTORIZED double sum_of_squares(std::int64_t n, const real* x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace

void Optimizer::check(const Tensor& values, const Tensor& gradient, bool on_host) const {
  if (values.size() != size_ || gradient.size() != size_)
    throw Error(join("[Optimizer] made for ", size_, " parameters, got ", values.size(), " and ",
                     gradient.size(), " gradients"));
  if (&values.memory() != &memory_ || &gradient.memory() != &memory_)
    throw Error("[Optimizer] parameters, gradient and optimizer must lie in the same memory");
  if (memory_.on_host() != on_host)
    throw Error(on_host ? "[Optimizer] parameters on the GPU are updated by a schedule that lies there"
                        : "[Optimizer] parameters on the CPU can't be updated by the GPU");
}

void Optimizer::update(const Tensor& values, const Tensor& gradient, double factor, double rate_factor) {
  check(values, gradient, true);
  cuda::Schedule schedule{};
  schedule.learn_rate = learn_rate * rate_factor;
  schedule.adam_beta2 = adam_beta2;
  schedule.adam_epsilon = adam_epsilon;
  cuda::Progress progress{};
  progress.factor = factor;
  progress.applied = ++applied;
  on_cpu(values, gradient, schedule, progress);
}

void Optimizer::update(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
                       const cuda::Progress* progress) {
  check(values, gradient, false);
  on_cuda(values, gradient, schedule, progress);
}

void Optimizer::visit(StateVisitor& visitor) {
  visitor.visit("learn-rate", learn_rate);
  visitor.visit("applied", applied);
  visit_blocks(visitor);
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, double learn_rate, const Tensor& values) {
  auto optimizer = make_named<cuda::Adadelta, cuda::Adam, cuda::Sgd>(name, values);
  if (!optimizer) throw UsageError("optimizer '" + name + "' is unknown: adadelta, adam or sgd");
  optimizer->learn_rate = learn_rate;
  return optimizer;
}

double l2_norm(const Tensor& block) {
  constexpr std::int64_t kChunk = 1 << 14;
  const std::span<const real> x = block.values();
  std::vector<double> partial((x.size() + kChunk - 1) / kChunk);
  parallel_for(static_cast<std::int64_t>(partial.size()), kChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c)
      partial[c] = sum_of_squares(std::min(kChunk, block.size() - c * kChunk), x.data() + c * kChunk);
  });
  double sum = 0;
  for (double p : partial) sum += p;
  return std::sqrt(sum);
}

void move_average(const Tensor& average, const Tensor& values, double weight) {
  if (average.size() != values.size()) throw Error("[move_average] the blocks differ in size");
  const std::span<real> to = average.values();  // throws on a device
  apply(values.size(), cuda::Approach{static_cast<real>(weight)}, values.values().data(), to.data());
}

}  // namespace mininmt
