#include "ops/arrange.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

// For each row: `width` elements of y (rows y_stride apart) = or += those of x (x_stride apart).
void copy_columns(Memory& memory, std::int64_t rows, std::int64_t width, const real* x, std::int64_t x_stride,
                  real* y, std::int64_t y_stride, bool adding) {
  if constexpr (kHasCuda)
    if (!memory.on_host()) return cuda::copy_columns(rows, width, x, x_stride, y, y_stride, adding);
  parallel_for(rows, width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (adding)
        add_to(width, x + i * x_stride, y + i * y_stride);
      else
        std::copy(x + i * x_stride, x + i * x_stride + width, y + i * y_stride);
    }
  });
}

// The slices of the first axis. On the GPU each is a separate tensor, all written by one launch: adding to a
// view would need another launch to copy it first.
std::vector<Tensor> split(const Tensor& x) {
  const Shape one = x.shape().without_first();
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < x.shape()[0]; ++i)
    parts.push_back(x.on_cuda() ? Tensor(one, x.memory()) : x.view(i * one.size(), one));
  if constexpr (kHasCuda)
    if (x.on_cuda()) {
      std::vector<real*> places;
      for (const Tensor& part : parts) places.push_back(part.data());
      cuda::split_blocks(places, one.size(), x.data(), false);
    }
  return parts;
}

// y = or += x with each sentence reversed; the same in both directions. Rows in padding: 0, or unchanged.
void reverse(const Tensor& x, const Indices& lengths, const Tensor& y, bool adding) {
  const std::int64_t steps = x.shape()[0], batch = x.shape()[1], n = x.shape()[2];
  if constexpr (kHasCuda)
    if (x.on_cuda())
      return cuda::reverse_sentences(steps, batch, n, lengths.in(x.memory()), x.data(), y.data(), adding);
  if (!adding) y.fill(0);
  parallel_for(batch, steps * n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t last = lengths[static_cast<std::size_t>(b)] - 1;
      for (std::int64_t t = 0; t <= last; ++t) {
        const std::int64_t from = t < last ? last - 1 - t : last;
        add_to(n, x.data() + (from * batch + b) * n, y.data() + (t * batch + b) * n);
      }
    }
  });
}

}  // namespace

Var slice(Var x, std::int64_t first, std::int64_t count) { return x.tape->slice(x, first, count); }

Var step(Var x, std::int64_t i) { return x.tape->slice_entry(x, i); }

Var columns(Var x, std::int64_t first, std::int64_t count) {
  check_rank("columns", "x", x.shape(), 1);
  const std::int64_t rows = x.shape().rows(), n = x.shape()[-1];
  if (first < 0 || count < 0 || first + count > n)
    throw Error(join("[columns] columns ", first, " to ", first + count, " of (x) ", x.shape().to_string()));
  const Tensor y(x.shape().with_last(count), x.value().memory());
  copy_columns(y.memory(), rows, count, x.value().data() + first, n, y.data(), count, false);
  return x.tape->record("columns", y, {x}, [=](const Tensor&, const Tensor& dy) {
    copy_columns(dy.memory(), rows, count, dy.data(), count, x.gradient().data() + first, n, true);
  });
}

Var concat(Var a, Var b) {
  check_rank("concat", "a", a.shape(), 1);
  check_rank("concat", "b", b.shape(), 1);
  const std::int64_t rows = a.shape().rows(), n1 = a.shape()[-1], n2 = b.shape()[-1], n = n1 + n2;
  check_shape("concat", "b", b.shape(), a.shape().with_last(n2));
  const Tensor y(a.shape().with_last(n), a.value().memory());
  copy_columns(y.memory(), rows, n1, a.value().data(), n1, y.data(), n, false);
  copy_columns(y.memory(), rows, n2, b.value().data(), n2, y.data() + n1, n, false);
  return a.tape->record("concat", y, {a, b}, [=](const Tensor&, const Tensor& dy) {
    if (a.needs_gradient()) copy_columns(dy.memory(), rows, n1, dy.data(), n, a.gradient().data(), n1, true);
    if (b.needs_gradient())
      copy_columns(dy.memory(), rows, n2, dy.data() + n1, n, b.gradient().data(), n2, true);
  });
}

Var stack(const std::vector<Var>& steps) {
  if (steps.empty()) throw Error("[stack] (steps) must have one entry or more");
  const Shape& one = steps[0].shape();
  const std::int64_t count = static_cast<std::int64_t>(steps.size());
  std::vector<Tensor> values;
  for (const Var& step : steps) {
    check_shape("stack", "steps", step.shape(), one);
    values.push_back(step.value().reshape({1, one.size()}));
  }
  const Tensor y = join_columns(values, 0, one.size()).reshape(one.prepend(count));
  return steps[0].tape->record("stack", y, steps, [steps](const Tensor&, const Tensor& dy) {
    const std::vector<Tensor> parts = split(dy);
    for (std::size_t t = 0; t < steps.size(); ++t)
      if (steps[t].needs_gradient()) add_gradient(steps[t], parts[t]);
  });
}

Var concat_rows(const std::vector<Var>& blocks) {
  if (blocks.empty()) throw Error("[concat_rows] (blocks) must have one entry or more");
  std::int64_t rows = 0;
  for (const Var& block : blocks) {
    check_rank("concat_rows", "blocks", block.shape(), 2, 2);
    check_shape("concat_rows", "blocks", block.shape(), blocks[0].shape().with_first(block.shape()[0]));
    rows += block.shape()[0];
  }
  Memory& memory = blocks[0].value().memory();
  const Tensor y(blocks[0].shape().with_first(rows), memory);
  std::int64_t at = 0;
  for (const Var& block : blocks) {
    const std::int64_t size = block.value().size();
    memory.copy(y.data() + at, block.value().data(), static_cast<std::size_t>(size) * sizeof(real));
    at += size;
  }
  return blocks[0].tape->record("concat_rows", y, blocks, [blocks](const Tensor&, const Tensor& dy) {
    std::int64_t at = 0;
    for (const Var& block : blocks) {
      if (block.needs_gradient()) add_gradient(block, dy.view(at, block.shape()));
      at += block.value().size();
    }
  });
}

Var gather_rows(Var x, const Indices& rows) {
  check_rank("gather_rows", "x", x.shape(), 2);
  const std::int64_t n = x.shape()[-1], count = static_cast<std::int64_t>(rows.size());
  for (std::int32_t row : rows)
    if (row < kNone || row >= x.shape().rows())
      throw Error(join("[gather_rows] row ", row, " of (x) ", x.shape().to_string()));
  const Tensor y({count, n}, x.value().memory());
  gather(x.value(), rows, y);
  return x.tape->record("gather_rows", y, {x},
                        [x, rows](const Tensor&, const Tensor& dy) { scatter_add(dy, rows, x.gradient()); });
}

Var reverse_sentences(Var x, const Indices& lengths) {
  check_rank("reverse_sentences", "x", x.shape(), 3, 3);
  check_lengths("reverse_sentences", lengths, x.shape()[0], x.shape()[1]);
  const Tensor y(x.shape(), x.value().memory());
  reverse(x.value(), lengths, y, false);
  return x.tape->record("reverse_sentences", y, {x}, [x, lengths](const Tensor&, const Tensor& dy) {
    reverse(dy, lengths, x.gradient(), true);
  });
}

}  // namespace mininmt
