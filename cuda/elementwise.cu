// Elementwise operations (ops/elementwise.h, ops/maxout.h, ops/dropout.h). Bound by memory: each input is
// read once and each output written once, 16 bytes at a time if all pointers allow it.
#include <string>

#include "cuda/vector.cuh"
#include "tensor/elementwise.h"

namespace mininmt::cuda {
namespace {

template <int kWidth, class F, class... Packs>
__device__ Pack<kWidth> apply(const F& f, const Packs&... x) {
  Pack<kWidth> y;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) y.of[k] = f(x.of[k]...);
  return y;
}

// y_i = f(x_i...), i < n. y may be one of the x.
template <int kWidth, class F, class... Inputs>
__global__ __launch_bounds__(kBlock, 8) void map(Index n, F f, real* y, Inputs... x) {
  const Index stride = Index{gridDim.x} * kBlock * kWidth;
#pragma unroll 1
  for (Index i = (Index{blockIdx.x} * kBlock + threadIdx.x) * kWidth; i < n; i += stride) {
    if (i + kWidth <= n) {
      store(y + i, apply<kWidth>(f, load<kWidth>(x + i)...));
    } else {
#pragma unroll 1
      for (Index k = i; k < n; ++k) y[k] = f(x[k]...);
    }
  }
}

template <class F, class... Inputs>
void launch_map(const char* name, Index n, F f, real* y, Inputs... x) {
  with_width(many(n) && aligned(y, x...), [&](auto width) {
    launch(name, map<width, F, Inputs...>, striding_blocks((n + width - 1) / width), kBlock, n, f, y, x...);
  });
}

struct Constant {
  real value;
  __device__ real operator()() const { return value; }
};

struct Sum {
  __device__ real operator()(real a, real b) const { return a + b; }
};

struct Product {
  __device__ real operator()(real a, real b) const { return a * b; }
};

struct PlusProduct {
  __device__ real operator()(real y, real a, real b) const { return y + a * b; }
};

struct Scaled {
  real factor;
  __device__ real operator()(real x) const { return factor * x; }
};

struct PlusScaled {
  real factor;
  __device__ real operator()(real y, real x) const { return y + factor * x; }
};

struct PlusNumber {
  const real* number;
  __device__ real operator()(real y) const { return y + __ldg(number); }
};

template <class F>
struct Value {
  __device__ real operator()(real x) const { return F::value(x); }
};

template <class F>
struct PlusGradient {
  __device__ real operator()(real dx, real kept, real dy) const { return dx + dy * slope<F>(kept); }
};

// Calls use(F{}) for the function with this index in the list.
template <class Use>
void with_function(std::size_t number, const Use& use) {
  std::size_t i = 0;
  for_functions([&](auto f) {
    if (i++ == number) use(f);
  });
}

// Whether the first of a pair is taken: if it is larger, equal, or NaN.
__device__ bool takes_first(real a, real b) { return a >= b || a != a; }

// The 2 kWidth inputs of kWidth outputs.
template <int kWidth>
struct Pairs {
  real of[2 * kWidth];
  __device__ explicit Pairs(const real* x) {
    const Pack<kWidth> first = load<kWidth>(x), second = load<kWidth>(x + kWidth);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) of[k] = first.of[k], of[kWidth + k] = second.of[k];
  }
};

// y (n) from x (2n).
template <int kWidth>
__global__ __launch_bounds__(kBlock, 8) void larger_of_pairs(Index n, const real* x, real* y) {
  const Index stride = Index{gridDim.x} * kBlock * kWidth;
#pragma unroll 1
  for (Index i = (Index{blockIdx.x} * kBlock + threadIdx.x) * kWidth; i < n; i += stride) {
    const Pairs<kWidth> pairs(x + 2 * i);
    Pack<kWidth> y_i;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const real a = pairs.of[2 * k], b = pairs.of[2 * k + 1];
      y_i.of[k] = takes_first(a, b) ? a : b;
    }
    store(y + i, y_i);
  }
}

// dx (2n) += dy (n) at the elements of x that were taken.
template <int kWidth>
__global__ __launch_bounds__(kBlock, 8) void add_to_larger(Index n, const real* x, const real* dy, real* dx) {
  const Index stride = Index{gridDim.x} * kBlock * kWidth;
#pragma unroll 1
  for (Index i = (Index{blockIdx.x} * kBlock + threadIdx.x) * kWidth; i < n; i += stride) {
    const Pairs<kWidth> pairs(x + 2 * i);
    const Pack<kWidth> dy_i = load<kWidth>(dy + i);
    Pairs<kWidth> sum(dx + 2 * i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const bool first = takes_first(pairs.of[2 * k], pairs.of[2 * k + 1]);
      sum.of[2 * k] += first ? dy_i.of[k] : 0;
      sum.of[2 * k + 1] += first ? 0 : dy_i.of[k];
    }
    Pack<kWidth> low, high;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) low.of[k] = sum.of[k], high.of[k] = sum.of[kWidth + k];
    store(dx + 2 * i, low);
    store(dx + 2 * i + kWidth, high);
  }
}

// A block of four random numbers per thread, for its four elements. kAligned: x and y are 16-byte aligned.
template <bool kAligned>
__global__ __launch_bounds__(kBlock, 8) void drop_out(Index n, std::uint32_t threshold, real factor,
                                                      Draws draws, const real* x, real* y, bool add) {
  Random random = draws.random;
  if (draws.later) random.stream += *draws.later;
  const Index stride = Index{gridDim.x} * kBlock * 4;
#pragma unroll 1
  for (Index i = (Index{blockIdx.x} * kBlock + threadIdx.x) * 4; i < n; i += stride) {
    std::uint32_t bits[4][1];
    random.blocks(static_cast<std::uint64_t>(i / 4), bits);
    if (kAligned && i + 4 <= n) {
      const Pack<4> x_i = load<4>(x + i);
      Pack<4> y_i = add ? load<4>(y + i) : Pack<4>{};
#pragma unroll
      for (int k = 0; k < 4; ++k) y_i.of[k] += bits[k][0] >= threshold ? factor * x_i.of[k] : 0;
      store(y + i, y_i);
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if (i + k >= n) continue;
        y[i + k] = (add ? y[i + k] : 0) + (bits[k][0] >= threshold ? factor * x[i + k] : 0);
      }
    }
  }
}

}  // namespace

void fill(Index n, real value, real* y) { launch_map("fill", n, Constant{value}, y); }

void add(Index n, const real* a, const real* b, real* y) { launch_map("add", n, Sum{}, y, a, b); }

void multiply(Index n, const real* a, const real* b, real* y) {
  launch_map("multiply", n, Product{}, y, a, b);
}

void add_product(Index n, const real* a, const real* b, real* y) {
  launch_map("add_product", n, PlusProduct{}, y, static_cast<const real*>(y), a, b);
}

void add_to(Index n, const real* x, real* y) {
  launch_map("add_to", n, Sum{}, y, static_cast<const real*>(y), x);
}

void scale(Index n, real factor, const real* x, real* y) { launch_map("scale", n, Scaled{factor}, y, x); }

void add_scaled(Index n, real factor, const real* x, real* y) {
  launch_map("add_scaled", n, PlusScaled{factor}, y, static_cast<const real*>(y), x);
}

void add_number(Index n, const real* number, real* y) {
  launch_map("add_number", n, PlusNumber{number}, y, static_cast<const real*>(y));
}

void elementwise(std::size_t function, Index n, const real* x, real* y) {
  with_function(function, [&](auto f) { launch_map(f.name, n, Value<decltype(f)>{}, y, x); });
}

void add_elementwise_gradient(std::size_t function, Index n, const real* kept, const real* dy, real* dx) {
  with_function(function, [&](auto f) {
    const std::string name = join("add_", f.name, "_gradient");
    launch_map(name.c_str(), n, PlusGradient<decltype(f)>{}, dx, static_cast<const real*>(dx), kept, dy);
  });
}

void maxout(Index n, const real* x, real* y) {
  with_width(many(n) && n % kWide == 0 && aligned(x, y), [&](auto width) {
    launch("maxout", larger_of_pairs<width>, striding_blocks(n / width), kBlock, n, x, y);
  });
}

void add_maxout_gradient(Index n, const real* x, const real* dy, real* dx) {
  with_width(many(n) && n % kWide == 0 && aligned(x, dy, dx), [&](auto width) {
    launch("add_maxout_gradient", add_to_larger<width>, striding_blocks(n / width), kBlock, n, x, dy, dx);
  });
}

void dropout(Index n, double p, const Draws& draws, const real* x, real* y, bool add) {
  const auto threshold = static_cast<std::uint32_t>(p * 0x1p32);
  const auto factor = static_cast<real>(1 / (1 - p));
  const auto kernel = aligned(x, y) ? drop_out<true> : drop_out<false>;
  launch("dropout", kernel, striding_blocks((n + 3) / 4), kBlock, n, threshold, factor, draws, x, y, add);
}

}  // namespace mininmt::cuda
