#include "ops/softmax.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "tensor/parallel.h"
#include "tensor/scalar.h"

namespace mininmt {
namespace {

// Calls work(row, its length) for each row of x.
template <class Work>
void for_rows(const Tensor& x, const Indices& lengths, const Work& work) {
  const std::int64_t n = x.shape()[1];
  parallel_for(x.shape()[0], 8 * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) work(r, lengths.empty() ? n : lengths[r]);
  });
}

void set_softmax(const Tensor& x, const Indices& lengths, const Tensor& y) {
  const std::int64_t n = x.shape()[1];
  if constexpr (kHasCuda)
    if (x.on_cuda()) return cuda::softmax(x.shape()[0], n, lengths.in(x.memory()), x.data(), y.data());
  for_rows(x, lengths, [&](std::int64_t r, std::int64_t length) {
    softmax_row(length, x.data() + r * n, y.data() + r * n);
    std::fill(y.data() + r * n + length, y.data() + (r + 1) * n, real{0});
  });
}

void add_softmax_gradient(const Tensor& y, const Indices& lengths, const Tensor& dy, const Tensor& dx) {
  const std::int64_t n = y.shape()[1];
  if constexpr (kHasCuda)
    if (y.on_cuda())
      return cuda::add_softmax_gradient(y.shape()[0], n, lengths.in(y.memory()), y.data(), dy.data(),
                                        dx.data());
  for_rows(y, lengths, [&](std::int64_t r, std::int64_t length) {
    const real *const p = y.data() + r * n, *const d = dy.data() + r * n;
    real mean = 0;
    for (std::int64_t j = 0; j < length; ++j) mean += p[j] * d[j];
    for (std::int64_t j = 0; j < length; ++j) dx.data()[r * n + j] += p[j] * (d[j] - mean);
  });
}

}  // namespace

void softmax_row(std::int64_t size, const real* x, real* y) {
  const real largest = *std::max_element(x, x + size);
  real sum = 0;
  for (std::int64_t j = 0; j < size; ++j) sum += y[j] = mininmt::exp(x[j] - largest);
  for (std::int64_t j = 0; j < size; ++j) y[j] /= sum;
}

Var softmax(Var x, const Indices& lengths) {
  check_rank("softmax", "x", x.shape(), 2, 2);
  if (!lengths.empty()) check_lengths("softmax", lengths, x.shape()[1], x.shape()[0]);
  const Tensor y(x.shape(), x.value().memory());
  set_softmax(x.value(), lengths, y);
  return x.tape->record("softmax", y, {x}, [x, lengths](const Tensor& y, const Tensor& dy) {
    add_softmax_gradient(y, lengths, dy, x.gradient());
  });
}

}  // namespace mininmt
