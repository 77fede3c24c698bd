// Optimisers: each a pass over the block of parameters.
#pragma once

#include <memory>
#include <string>

#include "tensor/tensor.h"

namespace mininmt {

namespace cuda {
struct Schedule;
struct Progress;
}  // namespace cuda

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update of `values` by `gradient` times `factor` (the factor is the clipping's); both (size).
  virtual void update(const Tensor& values, const Tensor& gradient, real factor) = 0;

  // The same on the GPU, by what `schedule` and `progress` say when it runs; both are in its memory.
  virtual void update_on_cuda(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
                              const cuda::Progress* progress) = 0;

  double learn_rate = 0;  // may be changed between updates
};

// "adadelta" (Zeiler 2012; rho 0.95, epsilon 1e-6; the paper's, learn_rate 1), "adam" (Kingma, Ba 2015; 0.9,
// 0.999, 1e-8, with bias correction) or "sgd", for updates of `values`. Throws UsageError at another name.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, double learn_rate, const Tensor& values);

// The L2 norm of a block, summed in double in chunks of a fixed size: the same at any number of threads. A
// NaN or an infinity in the block shows as such.
double l2_norm(const Tensor& block);

// The factor that brings a gradient of this norm down to `most`: 1 if it is under it or if `most` is 0 (no
// clipping).
double clip_factor(double norm, double most);

}  // namespace mininmt
