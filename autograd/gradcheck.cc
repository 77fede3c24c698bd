#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <iomanip>

#include "tensor/error.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

// L = sum_i w_i y_i with w_i uniform in +-[0.5, 1.5]: never near 0, so that every element is checked.
struct WeightedSum {
  Random random;

  real weight(std::int64_t i) const {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    return static_cast<real>(u < 0.5 ? -0.5 - 2 * u : 2 * u - 0.5);
  }
  // In long double, so that its rounding does not affect the difference of two sums.
  long double operator()(const Tensor& y) const {
    const Tensor host = y.to(cpu_memory());
    long double sum = 0;
    for (std::int64_t i = 0; i < y.size(); ++i) sum += static_cast<long double>(weight(i)) * host.data()[i];
    return sum;
  }
};

}  // namespace

GradcheckResult check_gradients(Parameters& parameters, const std::function<Var(Tape&)>& build,
                                std::uint64_t seed, std::int64_t per_parameter) {
  const WeightedSum weighted_sum{Random{seed, 0}};
  const Tensor gradients = parameters.new_gradients();
  {
    Tape tape(gradients);
    const Var y = build(tape);
    const Var loss =
        tape.record("weighted_sum", Tensor::zeros({}), {y}, [y, weighted_sum](const Tensor&, const Tensor&) {
          const Tensor dy = y.gradient().to(cpu_memory());
          for (std::int64_t i = 0; i < dy.size(); ++i) dy.data()[i] += weighted_sum.weight(i);
          y.gradient().set(dy);
        });
    tape.backward(loss);
  }
  const Tensor analytic_gradients = gradients.to(cpu_memory());

  const auto loss_at = [&](const Tensor& element, double value) {
    element.fill(static_cast<real>(value));
    Tape tape;
    return weighted_sum(build(tape).value());
  };

  GradcheckResult result;
  double worst_excess = 0;
  for (const Parameter* p : parameters.all()) {
    const std::int64_t size = p->shape.size(), checked = std::min(size, per_parameter);
    for (std::int64_t k = 0; k < checked; ++k) {
      const std::int64_t i = k * size / checked;
      const Tensor element = p->value.view(i, {});
      const real saved = element.item();
      const long double up = loss_at(element, saved + kGradcheckStep),
                        down = loss_at(element, saved - kGradcheckStep);
      element.fill(saved);
      const double numeric = static_cast<double>((up - down) / (2 * kGradcheckStep));
      const double analytic = analytic_gradients.data()[p->offset + i];
      const double error = std::abs(analytic - numeric);
      const double excess = error / (kGradcheckAbsolute + kGradcheckRelative * std::abs(numeric));
      ++result.elements;
      if (!(excess <= 1)) ++result.failures;                             // also true for NaN
      if (!(error <= result.max_absolute)) result.max_absolute = error;  // keeps NaN
      if (std::abs(numeric) > 1e-3)
        result.max_relative = std::max(result.max_relative, error / std::abs(numeric));
      if (!(excess <= worst_excess) && !std::isnan(worst_excess)) {
        worst_excess = excess;
        result.worst =
            join(p->name, "[", i, "]: ", std::setprecision(12), "analytic ", analytic, ", numeric ", numeric);
      }
    }
  }
  return result;
}

}  // namespace mininmt
