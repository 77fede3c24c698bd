// The gradient checker: analytic against numeric derivatives of L = sum_i w_i y_i with random weights w, so
// that gradients are of order one. Meant for the double build.
#pragma once

#include <functional>
#include <string>

#include "autograd/tape.h"

namespace mininmt {

// Step of the central differences. Tolerance: |analytic - numeric| <= absolute + relative * |numeric|.
inline constexpr double kGradcheckStep = 1e-5;
inline constexpr double kGradcheckAbsolute = 1e-9;
inline constexpr double kGradcheckRelative = 1e-6;

struct GradcheckResult {
  std::int64_t elements = 0;  // checked
  std::int64_t failures = 0;  // elements out of tolerance
  double max_absolute = 0;    // largest |analytic - numeric|
  double max_relative = 0;    // largest |analytic - numeric| / |numeric| where |numeric| > 1e-3
  std::string worst;  // the element furthest out of tolerance, as "name[index]: analytic a, numeric b"
  bool passed() const { return elements > 0 && failures == 0; }
};

// Checks dL/dp for up to `per_parameter` evenly spread elements of each parameter. `build` computes y from
// leaves of the parameters on the given tape, and must return the same y each time.
GradcheckResult check_gradients(Parameters& parameters, const std::function<Var(Tape&)>& build,
                                std::uint64_t seed = 1, std::int64_t per_parameter = 1 << 30);

}  // namespace mininmt
