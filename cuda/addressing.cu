// Location addressing (ops/addressing.h): a block per row, threads over its positions. Floor: w and before
// once; once more backward, y, dy and the gradients.
#include "cuda/addressing.h"

#include <cmath>

#include "cuda/launch.cuh"

namespace mininmt::cuda {
namespace {

__global__ void __launch_bounds__(kBlock)
    address_row(AddressingOperands o, const std::int32_t* lengths, real* y) {
  const AddressedRow row = o.row(blockIdx.x, lengths[blockIdx.x]);
  y += blockIdx.x * o.steps;
  real largest = -INFINITY, sum = 0;
  for (Index j = threadIdx.x; j < row.length; j += kBlock) largest = Larger{}(largest, y[j] = row.z(j));
  largest = block_reduce(largest, Larger{}, real{-INFINITY});
  for (Index j = threadIdx.x; j < row.length; j += kBlock) sum += y[j] = mininmt::exp(y[j] - largest);
  sum = block_reduce(sum, Plus{}, real{0});
  for (Index j = threadIdx.x; j < o.steps; j += kBlock) y[j] = j < row.length ? y[j] / sum : 0;
}

// du (rows, steps) is scratch.
__global__ void __launch_bounds__(kBlock)
    address_gradient(AddressingOperands o, const std::int32_t* lengths, const real* y, const real* dy,
                     real* du, AddressingGradients d) {
  const Index i = blockIdx.x, first = i * o.steps;
  const AddressedRow row = o.row(i, lengths[i]);
  y += first;
  dy += first;
  du += first;
  real mean = 0, dgamma = 0, dg = 0, dr[3] = {};
  for (Index j = threadIdx.x; j < row.length; j += kBlock) mean += y[j] * dy[j];
  mean = block_reduce(mean, Plus{}, real{0});
  for (Index j = threadIdx.x; j < row.length; j += kBlock)
    du[j] = row.add_gradients(j, y[j] * (dy[j] - mean), dgamma, dr);
  __syncthreads();  // the row of du is complete
  for (Index j = threadIdx.x; j < row.length; j += kBlock) {
    const real dv = row.dv(j, du);
    dg += dv * (row.w[j] - row.before[j]);
    if (d.w) d.w[first + j] += row.g * dv;
    if (d.before) d.before[first + j] += (1 - row.g) * dv;
  }
  dgamma = block_reduce(dgamma, Plus{}, real{0});
  dg = block_reduce(dg, Plus{}, real{0});
  for (real& x : dr) x = block_reduce(x, Plus{}, real{0});
  if (threadIdx.x != 0) return;
  if (d.gamma) d.gamma[i] += dgamma;
  if (d.g) d.g[i] += dg;
  for (int shift = 0; d.r && shift < 3; ++shift) d.r[3 * i + shift] += dr[shift];
}

}  // namespace

void address(const AddressingOperands& o, const std::int32_t* lengths, real* y) {
  launch("address", address_row, dim3(as_blocks(o.rows)), kBlock, o, lengths, y);
}

void add_address_gradient(const AddressingOperands& o, const std::int32_t* lengths, const real* y,
                          const real* dy, const AddressingGradients& d) {
  const Scratch du(static_cast<std::size_t>(o.rows * o.steps) * sizeof(real));
  launch("add_address_gradient", address_gradient, dim3(as_blocks(o.rows)), kBlock, o, lengths, y, dy,
         du.as<real>(), d);
}

}  // namespace mininmt::cuda
