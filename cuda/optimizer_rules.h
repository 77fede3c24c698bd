// The optimizers' rules for one parameter, shared by the CPU's loop (nn/training/optimizer.cc) and the GPU's
// kernel (optimizer.cu), which are templates over them.
//
// of() makes a rule once per update; it is applied to each element: to its gradient, its kBlocks numbers of
// optimizer state, and the parameter, in this order.
#pragma once

#include <cmath>

#include "cuda/kernels.h"
#include "tensor/portable.h"

namespace mininmt::cuda {

// The factor that scales a gradient of this norm to at most `most`: 1 if the norm is smaller, or `most` is 0
// (no clipping).
MININMT_PORTABLE inline double clip_factor(double norm, double most) {
  return most > 0 && norm > most ? most / norm : 1.0;
}

// x -= rate g
struct Sgd {
  static constexpr const char* kName = "sgd";
  static constexpr int kBlocks = 0;
  real rate;

  static MININMT_PORTABLE Sgd of(const Schedule& schedule, const Progress& progress) {
    return {static_cast<real>(schedule.learn_rate) * static_cast<real>(progress.factor)};
  }
  MININMT_PORTABLE void operator()(real gradient, real& x) const { x -= rate * gradient; }
};

// Kingma, Ba 2015, algorithm 1: m and v, bias-corrected moving averages of g and g^2;
//   x -= rate m / (sqrt(v) + epsilon)
struct Adam {
  static constexpr const char* kName = "adam";
  static constexpr int kBlocks = 2;
  static constexpr double kBeta1 = 0.9;
  real rate, factor;
  real first, second;  // 1 / (1 - beta^t), the bias corrections
  real beta2, epsilon;

  static MININMT_PORTABLE Adam of(const Schedule& schedule, const Progress& progress) {
    const auto updates = static_cast<double>(progress.applied);
    return {static_cast<real>(schedule.learn_rate),
            static_cast<real>(progress.factor),
            static_cast<real>(1 / (1 - std::pow(kBeta1, updates))),
            static_cast<real>(1 / (1 - std::pow(schedule.adam_beta2, updates))),
            static_cast<real>(schedule.adam_beta2),
            static_cast<real>(schedule.adam_epsilon)};
  }
  MININMT_PORTABLE void operator()(real gradient, real& m, real& v, real& x) const {
    constexpr real beta1 = kBeta1;
    const real g = factor * gradient;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    x -= rate * (first * m) / (std::sqrt(second * v) + epsilon);
  }
};

// Zeiler 2012, algorithm 1: moving averages of g^2 and step^2;
//   step = sqrt((steps + epsilon) / (squares + epsilon)) g, x -= rate step
struct Adadelta {
  static constexpr const char* kName = "adadelta";
  static constexpr int kBlocks = 2;
  static constexpr double kRho = 0.95, kEpsilon = 1e-6;
  real rate, factor;

  static MININMT_PORTABLE Adadelta of(const Schedule& schedule, const Progress& progress) {
    return {static_cast<real>(schedule.learn_rate), static_cast<real>(progress.factor)};
  }
  MININMT_PORTABLE void operator()(real gradient, real& squares, real& steps, real& x) const {
    constexpr real rho = kRho, epsilon = kEpsilon;
    const real g = factor * gradient;
    squares = rho * squares + (1 - rho) * g * g;
    const real step = std::sqrt((steps + epsilon) / (squares + epsilon)) * g;
    steps = rho * steps + (1 - rho) * step * step;
    x -= rate * step;
  }
};

// The moving average of the parameters, as a rule: average += weight (x - average).
struct Approach {
  static constexpr const char* kName = "approach";
  static constexpr int kBlocks = 0;
  real weight;

  static MININMT_PORTABLE Approach of(const Schedule& schedule, const Progress&) {
    return {static_cast<real>(schedule.average_weight)};
  }
  MININMT_PORTABLE void operator()(real x, real& average) const { average += weight * (x - average); }
};

}  // namespace mininmt::cuda
