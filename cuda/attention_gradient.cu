// The attention step backward (ops/attention.h). One kernel reads the values once for dalpha, a warp per
// position; the next reads the keys, and reads and writes dkeys, once, with threads over the alignment
// columns. No sum crosses a block.
#include "cuda/vector.cuh"
#include "tensor/scalar.h"

namespace mininmt::cuda {
namespace {

constexpr int kValuesInFlight = 8;  // packs a thread loads before it uses the first

// x . y, computed by a warp; all lanes get it.
template <int kWidth>
__device__ real dot(Index size, const real* x, const real* y) {
  constexpr int kStride = kWarp * kWidth;
  real sum = 0;
  for (Index first = threadIdx.x % kWarp * kWidth; first < size; first += kValuesInFlight * kStride) {
    Pack<kWidth> b[kValuesInFlight];
#pragma unroll
    for (int u = 0; u < kValuesInFlight; ++u)
      b[u] = first + u * kStride < size ? load<kWidth>(y + first + u * kStride) : Pack<kWidth>{};
#pragma unroll
    for (int u = 0; u < kValuesInFlight; ++u) {
      if (first + u * kStride >= size) break;
      const auto a = load<kWidth>(x + first + u * kStride);
      for (int i = 0; i < kWidth; ++i) sum += a.of[i] * b[u].of[i];
    }
  }
  return warp_reduce(sum, Plus{});
}

// Grid (batch, .): dalpha (batch, steps), dalpha_j = dc . values_j, a warp per position j of the row. Not
// written at padding.
template <int kWidth>
__global__ void __launch_bounds__(kBlock) alpha_gradient(AttentionOperands a, const real* dc, real* dalpha) {
  const Index b = blockIdx.x, j = (blockIdx.y * Index{kBlock} + threadIdx.x) / kWarp;
  if (j >= a.lengths[b]) return;  // the same for the whole warp
  const real sum = dot<kWidth>(a.context, dc + b * a.context, a.values + (j * a.batch + b) * a.context);
  if (threadIdx.x % kWarp == 0) dalpha[b * a.steps + j] = sum;
}

// sum_j alpha_j dalpha_j, computed by a warp; all lanes get it. The order is the same in every warp.
__device__ real mean(Index length, const real* alpha, const real* dalpha) {
  real sum = 0;
  for (Index j = threadIdx.x % kWarp; j < length; j += kWarp) sum += alpha[j] * dalpha[j];
  return warp_reduce(sum, Plus{});
}

constexpr int kKeyWarps = 4;      // of a block of key_gradient
constexpr int kKeysInFlight = 4;  // and as many packs of dkeys

// Grid (batch, .): a block handles one pack of columns per lane; its warps take turns over the positions, so
// that all keys of the row are in flight at once.
//   de_j = alpha_j (dalpha_j - mean)        u_j = tanh(query + key_j)        g_j = de_j v (1 - u_j^2)
//   dquery = or += sum_j g_j        dkeys_j += g_j        dv_rows += sum_j de_j u_j
// or with the dot score
//   dquery = or += sum_j de_j key_j        dkeys_j += de_j query
template <int kWidth, bool kDot>
__global__ void __launch_bounds__(kKeyWarps* kWarp)
    key_gradient(AttentionOperands a, const real* query, const real* alpha, const real* dalpha, real* dquery,
                 bool add, real* dkeys, real* dv_rows) {
  constexpr int kColumns = kWarp * kWidth;
  __shared__ __align__(16) real sum_of_h[kKeyWarps][kColumns], sum_of_u[kKeyWarps][kColumns];
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const Index b = blockIdx.x, length = a.lengths[b];
  const Index column = (blockIdx.y * Index{kWarp} + lane) * kWidth;
  const bool inside = column < a.align;
  alpha += b * a.steps;
  dalpha += b * a.steps;
  const real mean_dalpha = mean(length, alpha, dalpha);
  const auto q = inside ? load<kWidth>(query + b * a.align + column) : Pack<kWidth>{};
  const auto v = inside && !kDot ? load<kWidth>(a.v + column) : Pack<kWidth>{};

  Pack<kWidth> h_sum{}, u_sum{};  // the dot score's h is de key, and it has no u
  for (Index first = warp; first < length; first += kKeysInFlight * kKeyWarps) {
    Pack<kWidth> key[kKeysInFlight], dkey[kKeysInFlight];
#pragma unroll
    for (int i = 0; i < kKeysInFlight; ++i) {
      const Index j = first + i * kKeyWarps, at = (j * a.batch + b) * a.align + column;
      const bool wanted = inside && j < length;
      key[i] = wanted ? load<kWidth>(a.keys + at) : Pack<kWidth>{};
      dkey[i] = wanted && dkeys ? load<kWidth>(dkeys + at) : Pack<kWidth>{};
    }
#pragma unroll
    for (int i = 0; i < kKeysInFlight; ++i) {
      const Index j = first + i * kKeyWarps;
      if (!inside || j >= length) break;
      const real de = alpha[j] * (dalpha[j] - mean_dalpha);
      for (int k = 0; k < kWidth; ++k) {
        if constexpr (kDot) {
          h_sum.of[k] += de * key[i].of[k];
          dkey[i].of[k] += de * q.of[k];
        } else {
          const real u = mininmt::tanh(q.of[k] + key[i].of[k]), h = de * tanh_slope(u);
          h_sum.of[k] += h;
          u_sum.of[k] += de * u;
          dkey[i].of[k] += v.of[k] * h;
        }
      }
      if (dkeys) store<kWidth>(dkeys + (j * a.batch + b) * a.align + column, dkey[i]);
    }
  }

  store<kWidth>(&sum_of_h[warp][lane * kWidth], h_sum);
  store<kWidth>(&sum_of_u[warp][lane * kWidth], u_sum);
  __syncthreads();  // the sums of all warps are complete
  for (int k = threadIdx.x; k < kColumns; k += kKeyWarps * kWarp) {
    const Index c = blockIdx.y * Index{kColumns} + k;
    if (c >= a.align) break;
    real h = 0, u = 0;
    for (int w = 0; w < kKeyWarps; ++w) {
      h += sum_of_h[w][k];
      u += sum_of_u[w][k];
    }
    real& dq = dquery[b * a.align + c];
    dq = (add ? dq : 0) + (kDot ? h : a.v[c] * h);
    if (dv_rows) dv_rows[b * a.align + c] += u;
  }
}

}  // namespace

void attend_gradient(const AttentionOperands& a, const real* query, const real* alpha, const real* dc,
                     real* dquery, bool add, real* dkeys, real* dv_rows) {
  if (a.rows == 0) return;
  const auto rows = as_blocks(a.rows);
  const Scratch scratch(static_cast<std::size_t>(a.rows * a.steps) * sizeof(real));
  real* const dalpha = scratch.as<real>();
  with_width(a.context % kWide == 0 && aligned(a.values, dc), [&](auto width) {
    launch("alpha_gradient", alpha_gradient<width>, dim3(rows, blocks_for(a.steps, kBlock / kWarp)), kBlock,
           a, dc, dalpha);
  });
  with_width(a.align % kWide == 0 && aligned(query, a.keys, a.v, dkeys), [&](auto width) {
    launch("key_gradient", a.v ? key_gradient<width, false> : key_gradient<width, true>,
           dim3(rows, blocks_for(a.align, kWarp * width)), kKeyWarps * kWarp, a, query, alpha, dalpha, dquery,
           add, dkeys, dv_rows);
  });
}

}  // namespace mininmt::cuda
