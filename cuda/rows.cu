// Rows and columns: broadcasting, summing, joining and splitting (ops/rows.h, ops/reduce.h, ops/arrange.h).
// Bound by memory; a sum of many rows takes two stages, in an order fixed by the shape alone.
#include "cuda/vector.cuh"

namespace mininmt::cuda {
namespace {

// y_i = or += x_i for the columns of one pack.
template <int kWidth, bool kAdd>
__device__ void put(const real* x, real* y) {
  Pack<kWidth> pack = load<kWidth>(x);
  if (kAdd) add(load<kWidth>(y), pack);
  store(y, pack);
}

// Rows from x to y, each with its own stride; stride 0 for x: one row for all of y.
template <int kPack, bool kAdd>
struct CopyRows {
  static constexpr int kWidth = kPack;
  const real* x;
  Index x_stride;
  real* y;
  Index y_stride;
  __device__ void operator()(Index, Index row, Index column) const {
    put<kPack, kAdd>(x + row * x_stride + column, y + row * y_stride + column);
  }
};

void copy_rows(const char* name, Index rows, Index width, const real* x, Index x_stride, real* y,
               Index y_stride, bool add) {
  const bool wide =
      many(rows * width) && aligned(x, y) && (width % kWide | x_stride % kWide | y_stride % kWide) == 0;
  with_width(wide, [&](auto pack) {
    if (add)
      for_rows(name, 1, rows, width, CopyRows<pack, true>{x, x_stride, y, y_stride});
    else
      for_rows(name, 1, rows, width, CopyRows<pack, false>{x, x_stride, y, y_stride});
  });
}

// Row t, of sentence b, with length L: row L - 2 - t, but L - 1 stays.
template <int kPack, bool kAdd>
struct Reverse {
  static constexpr int kWidth = kPack;
  Index batch, columns;
  const std::int32_t* lengths;
  const real* x;
  real* y;
  __device__ void operator()(Index, Index row, Index column) const {
    const Index t = row / batch, b = row % batch, last = lengths[b] - 1;
    real* const to = y + row * columns + column;
    if (t <= last)
      put<kPack, kAdd>(x + ((t < last ? last - 1 - t : last) * batch + b) * columns + column, to);
    else if (!kAdd)
      store(to, Pack<kPack>{});
  }
};

// The number of blocks one launch takes: 1 KiB of parameters.
constexpr Index kPointers = 128;
template <class T>
struct Pointers {
  T* of[kPointers];
};

// Blocks (rows, columns) one after another in y.
template <int kPack>
struct Join {
  static constexpr int kWidth = kPack;
  Pointers<const real> blocks;
  Index rows, columns, x_stride;
  real* y;
  __device__ void operator()(Index block, Index row, Index column) const {
    put<kPack, false>(blocks.of[block] + row * x_stride + column,
                      y + (block * rows + row) * columns + column);
  }
};

template <int kPack, bool kAdd>
struct Split {
  static constexpr int kWidth = kPack;
  const real* x;
  Index size;
  Pointers<real> blocks;
  __device__ void operator()(Index block, Index, Index column) const {
    put<kPack, kAdd>(x + block * size + column, blocks.of[block] + column);
  }
};

// Calls f(pointers, first index, count) for each launch, and tells whether all are 16-byte aligned.
template <class T, class F>
void for_pointers(const std::vector<T*>& all, F f) {
  for (Index first = 0; first < static_cast<Index>(all.size()); first += kPointers) {
    const Index count = std::min(kPointers, static_cast<Index>(all.size()) - first);
    Pointers<T> some{};
    bool all_aligned = true;
    for (Index i = 0; i < count; ++i) {
      some.of[i] = all[first + i];
      all_aligned = all_aligned && aligned(some.of[i]);
    }
    f(some, first, count, all_aligned);
  }
}

// Row blockIdx.y of y (chunks, n) = or += the sum of its chunk of the rows of x (rows, n). Each thread sums
// its rows in order, then the block sums pairwise.
template <int kWidth>
__global__ __launch_bounds__(kBlock, 8) void sum_rows(Index rows, Index n, Index chunk, Lanes lanes,
                                                      const real* x, real* y, bool add_to_y) {
  __shared__ Pack<kWidth> sums[kBlock];
  const Index column = (Index{blockIdx.x} * lanes.count() + lanes.lane()) * kWidth;
  const Index begin = blockIdx.y * chunk, end = min(rows, begin + chunk);
  Pack<kWidth> sum{};
  if (column < n)
    sum = sum_of<kWidth, 4>(begin + lanes.row(), end, lanes.rows(),
                            [&](Index row) { return x + row * n + column; });
  sums[threadIdx.x] = sum;
  for (int half = lanes.rows() / 2; half > 0; half /= 2) {
    __syncthreads();  // the sums of the other half are complete
    if (lanes.row() >= half) continue;
    add(sums[threadIdx.x + half * lanes.count()], sum);
    sums[threadIdx.x] = sum;
  }
  if (lanes.row() > 0 || column >= n) return;
  real* const result = y + blockIdx.y * n + column;
  if (add_to_y) add(load<kWidth>(result), sum);
  store(result, sum);
}

template <int kWidth>
void launch_sum_rows(Index rows, Index n, Index chunks, const real* x, real* y, bool add) {
  const Lanes lanes = lanes_for(rows, n / kWidth, kWarp);
  const dim3 grid(blocks_for(n / kWidth, lanes.count()), as_blocks(chunks));
  const Index chunk = (rows + chunks - 1) / chunks;
  launch("add_sum_of_rows", sum_rows<kWidth>, grid, kBlock, rows, n, chunk, lanes, x, y, add);
}

// Enough to fill the GPU once, unless threads would have fewer than 8 rows each.
template <int kWidth>
Index chunks_for(Index rows, Index n) {
  const Lanes lanes = lanes_for(rows, n / kWidth, kWarp);
  const Index tiles = blocks_for(n / kWidth, lanes.count());
  return std::max<Index>(1, std::min(8 * context().multiprocessors / tiles, rows / (8 * lanes.rows())));
}

// y_b = the sum, in double, of the elements of x in block b of the grid.
template <class In, class Out>
__global__ __launch_bounds__(kBlock) void sum_elements(Index n, const In* x, Out* y) {
  constexpr int kAhead = 8;  // loads in flight
  const Index step = Index{gridDim.x} * kBlock;
  double sum = 0;
#pragma unroll 1
  for (Index first = Index{blockIdx.x} * kBlock + threadIdx.x; first < n; first += kAhead * step) {
    In next[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) next[k] = first + k * step < n ? x[first + k * step] : In{0};
#pragma unroll
    for (int k = 0; k < kAhead; ++k) sum += static_cast<double>(next[k]);
  }
  sum = block_reduce(sum, Plus{}, 0.0);
  if (threadIdx.x == 0) y[blockIdx.x] = static_cast<Out>(sum);
}

}  // namespace

void spread_over_rows(Index rows, Index n, const real* x, real* y, bool add) {
  copy_rows("spread_over_rows", rows, n, x, 0, y, n, add);
}

void copy_columns(Index rows, Index width, const real* x, Index x_stride, real* y, Index y_stride, bool add) {
  copy_rows("copy_columns", rows, width, x, x_stride, y, y_stride, add);
}

void reverse_sentences(Index steps, Index batch, Index n, const std::int32_t* lengths, const real* x, real* y,
                       bool add) {
  const Index rows = steps * batch;
  with_width(many(rows * n) && aligned(x, y) && n % kWide == 0, [&](auto pack) {
    if (add)
      for_rows("reverse_sentences", 1, rows, n, Reverse<pack, true>{batch, n, lengths, x, y});
    else
      for_rows("reverse_sentences", 1, rows, n, Reverse<pack, false>{batch, n, lengths, x, y});
  });
}

void join_blocks(const std::vector<const real*>& blocks, Index rows, Index width, Index x_stride, real* y) {
  for_pointers(blocks, [&](const auto& some, Index first, Index count, bool all_aligned) {
    real* const to = y + first * rows * width;
    const bool wide =
        all_aligned && aligned(to) && many(count * rows * width) && (width % kWide | x_stride % kWide) == 0;
    with_width(wide, [&](auto pack) {
      for_rows("join_blocks", count, rows, width, Join<pack>{some, rows, width, x_stride, to});
    });
  });
}

void split_blocks(const std::vector<real*>& y, Index size, const real* x, bool add) {
  for_pointers(y, [&](const auto& some, Index first, Index count, bool all_aligned) {
    const real* const from = x + first * size;
    const bool wide = all_aligned && aligned(from) && many(count * size) && size % kWide == 0;
    with_width(wide, [&](auto pack) {
      if (add)
        for_rows("split_blocks", count, 1, size, Split<pack, true>{from, size, some});
      else
        for_rows("split_blocks", count, 1, size, Split<pack, false>{from, size, some});
    });
  });
}

void add_sum_of_rows(Index rows, Index n, const real* x, real* y) {
  if (rows == 0 || n == 0) return;
  with_width(n % kWide == 0 && aligned(x, y), [&](auto pack) {
    const Index chunks = chunks_for<pack>(rows, n);
    if (chunks == 1) return launch_sum_rows<pack>(rows, n, 1, x, y, true);
    const Scratch partial(static_cast<std::size_t>(chunks * n) * sizeof(real));
    launch_sum_rows<pack>(rows, n, chunks, x, partial.as<real>(), false);
    launch_sum_rows<pack>(chunks, n, 1, partial.as<real>(), y, true);
  });
}

void sum(Index n, const real* x, real* y) {
  const Index blocks = std::min<Index>(blocks_for(n, 8 * kBlock), 1024);
  if (blocks <= 1) return launch("sum", sum_elements<real, real>, 1, kBlock, n, x, y);
  const Scratch partial(static_cast<std::size_t>(blocks) * sizeof(double));
  launch("sum", sum_elements<real, double>, as_blocks(blocks), kBlock, n, x, partial.as<double>());
  launch("sum", sum_elements<double, real>, 1, kBlock, blocks, partial.as<double>(), y);
}

}  // namespace mininmt::cuda
