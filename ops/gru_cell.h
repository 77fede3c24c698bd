// One GRU step for a batch, on raw memory; the operations of gru.h are built from it.
#pragma once

#include "cuda/kernels.h"
#include "ops/gemm.h"
#include "tensor/ids.h"

namespace mininmt {

// A sentence is active if `lengths` has a word at time t. On the GPU a second GRU of the same sizes may step
// at the same time: in the same launches, with products as a batch of two. `second` and U_apart give the
// distance from the first GRU's operands to the second's, in elements.
struct GruCell {
  Memory& memory;
  std::int64_t batch, n;
  const real* U;                     // (3n, n)
  const Indices* lengths = nullptr;  // none: all are active
  std::int64_t t = 0;
  cuda::GruStep::Second second = {};
  std::int64_t U_apart = 0;

  // x (B, 3n), h (B, n) -> next (B, n); stores gates = [z, r, h~] (B, 3n) and reset = r * h (B, n). add:
  // gates initially holds C c, which is added.
  void forward(const real* x, const real* h, real* gates, real* reset, real* next, bool add) const;

  // The gradient of the new state is dnext, or dnext + dy (each (B, n)). Sets dx (B, 3n); sets dh (B, n) or
  // adds to it.
  void backward(const real* h, const real* gates, const real* dnext, const real* dy, real* dx, real* dh,
                bool add) const;

 private:
  bool active(std::int64_t b) const { return !lengths || t < (*lengths)[static_cast<std::size_t>(b)]; }
  bool on_cuda() const { return kHasCuda && !memory.on_host(); }
  cuda::GruStep cuda_step() const { return {batch, n, lengths ? lengths->in(memory) : nullptr, t, second}; }

  void multiply(std::int64_t columns, std::int64_t k, Matrix a, std::int64_t a_apart, Matrix b, real* c,
                std::int64_t c_stride, std::int64_t c_apart, bool add) const;
  void forward_on_cuda(const real* x, const real* h, real* gates, real* reset, real* next, bool add) const;
  void compute_gates(const real* x, const real* h, const real* sums, real* gates, real* reset,
                     bool add) const;
  void compute_state(const real* x, const real* h, const real* sums, real* gates, real* next, bool add) const;
  void state_gradient(const real* h, const real* gates, const real* dnext, const real* dy, real* dx, real* dh,
                      bool add) const;
  void reset_gradient(const real* h, const real* gates, const real* q, real* dx, real* dh) const;
};

}  // namespace mininmt
