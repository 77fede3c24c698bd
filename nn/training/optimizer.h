// Optimizers: each one pass over the block of parameters, by a rule shared by CPU and GPU.
#pragma once

#include <memory>
#include <string>

#include "cuda/optimizer_rules.h"
#include "nn/training/state.h"
#include "tensor/tensor.h"

namespace mininmt {

using cuda::clip_factor;

// Both forms of update change `values` by `gradient`, blocks of the same size, in the memory the optimizer
// was made for. Otherwise they throw Error and change nothing.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // On the CPU: one update by the gradient times `factor`, from clipping, at the learning rate times
  // `rate_factor`, from warming up.
  void update(const Tensor& values, const Tensor& gradient, double factor, double rate_factor = 1);

  // On the GPU: as *schedule and *progress say when it runs; both are in GPU memory. Their learning rate and
  // update count are used instead of those here.
  void update(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
              const cuda::Progress* progress);

  double learn_rate = 0;                           // may be changed between updates
  double adam_beta2 = 0.999, adam_epsilon = 1e-8;  // on the CPU; of adam alone

  void visit(StateVisitor& visitor);

  std::int64_t applied = 0;  // updates on the CPU; on the GPU cuda::Progress counts them

 protected:
  explicit Optimizer(const Tensor& values) : size_(values.size()), memory_(values.memory()) {}

 private:
  virtual void on_cpu(const Tensor& values, const Tensor& gradient, const cuda::Schedule& schedule,
                      const cuda::Progress& progress) = 0;
  virtual void on_cuda(const Tensor& values, const Tensor& gradient, const cuda::Schedule* schedule,
                       const cuda::Progress* progress) = 0;
  virtual void visit_blocks(StateVisitor& visitor) = 0;
  void check(const Tensor& values, const Tensor& gradient, bool on_host) const;

  std::int64_t size_;
  Memory& memory_;
};

// "adadelta" (Zeiler 2012; rho 0.95, epsilon 1e-6; the paper's, learn_rate 1), "adam" (Kingma, Ba 2015; 0.9,
// by default 0.999 and 1e-8, bias-corrected) or "sgd", for updates of `values`. Throws UsageError for other
// names.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, double learn_rate, const Tensor& values);

// The L2 norm of a block on the CPU, summed in double in fixed-size chunks: the same for any number of
// threads.
// Propagates NaN and infinity.
double l2_norm(const Tensor& block);

// average += weight (values - average), on the CPU.
void move_average(const Tensor& average, const Tensor& values, double weight);

}  // namespace mininmt
