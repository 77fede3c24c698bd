// Gather and scatter-add of rows (ops/embedding.h). If indices may repeat, a stable radix sort groups them,
// and each sum is computed in sorted order.
#include <cub/device/device_radix_sort.cuh>

#include <bit>

#include "cuda/vector.cuh"

namespace mininmt::cuda {
namespace {

template <int kPack>
struct Gather {
  static constexpr int kWidth = kPack;
  Index n;
  const std::int32_t* index;
  const real* x;
  real* y;
  __device__ void operator()(Index, Index row, Index column) const {
    const Index from = index[row];
    store(y + row * n + column, from < 0 ? Pack<kPack>{} : load<kPack>(x + from * n + column));
  }
};

template <int kPack>
struct ScatterDistinct {
  static constexpr int kWidth = kPack;
  Index n;
  const std::int32_t* index;
  const real* x;
  real* y;
  __device__ void operator()(Index, Index row, Index column) const {
    Pack<kPack> sum = load<kPack>(x + row * n + column);
    const Index to = index[row];
    if (to < 0) return;
    real* const result = y + to * n + column;
    add(load<kPack>(result), sum);
    store(result, sum);
  }
};

// The sorted list: entry p is row position[p] of x, to be added to row key[p] of y; key `none`: to no row.
// Entries with the same key are a run. Runs are cut at multiples of kGroup: the pieces are summed in
// parallel, however frequent a word is, and then the sums of a run's pieces.
constexpr Index kGroup = 32;
struct Sorted {
  Index count, none;
  const std::uint32_t* key;
  const std::int32_t* position;

  __device__ bool continues(Index p) const { return p > 0 && p < count && key[p - 1] == key[p]; }

  // The end of p's run, or `most` if that comes first.
  __device__ Index run_end(Index p, Index most) const {
    Index low = p + 1, high = most;
    while (low < high) {
      const Index middle = (low + high) / 2;
      if (key[middle] == key[p])
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  // The row for the sum of the piece that begins at p. At most two pieces of a group are not whole runs: one
  // that begins with the group, one that doesn't.
  __device__ Index piece_row(Index p) const { return 2 * (p / kGroup) + (p % kGroup == 0 ? 0 : 1); }
};

// index (count), negative for none -> key and position, to be sorted by key.
__global__ __launch_bounds__(kBlock) void list_rows(Index count, std::uint32_t none,
                                                    const std::int32_t* index, std::uint32_t* key,
                                                    std::int32_t* position) {
  const Index i = Index{blockIdx.x} * kBlock + threadIdx.x;
  if (i >= count) return;
  key[i] = index[i] < 0 ? none : static_cast<std::uint32_t>(index[i]);
  position[i] = static_cast<std::int32_t>(i);
}

// Entry p, if a piece begins there: sums the piece, from x (., n) to y (., n) if it is a whole run, else to
// pieces (2 groups, n).
template <int kPack>
struct SumPieces {
  static constexpr int kWidth = kPack;
  Sorted sorted;
  Index n;
  const real* x;
  real *y, *pieces;
  __device__ void operator()(Index, Index p, Index column) const {
    const std::uint32_t key = sorted.key[p];
    const bool begins_run = !sorted.continues(p);
    if (key == sorted.none || (p % kGroup != 0 && !begins_run)) return;
    const Index end = sorted.run_end(p, min(sorted.count, (p / kGroup + 1) * kGroup));
    auto sum = sum_of<kPack, 8>(p, end, 1, [&](Index i) { return x + sorted.position[i] * n + column; });
    const bool whole = begins_run && !sorted.continues(end);
    real* const result = whole ? y + key * n + column : pieces + sorted.piece_row(p) * n + column;
    if (whole) add(load<kPack>(result), sum);
    store(result, sum);
  }
};

// The group's last run, if it begins here and continues in the next group: y (., n) += the sum of its pieces.
template <int kPack>
struct SumRuns {
  static constexpr int kWidth = kPack;
  Sorted sorted;
  Index n;
  const real* pieces;
  real* y;
  __device__ void operator()(Index, Index group, Index column) const {
    const Index begin = group * kGroup, next = begin + kGroup;
    if (!sorted.continues(next)) return;
    const std::uint32_t key = sorted.key[next];
    const bool whole_group = sorted.key[begin] == key;
    if (key == sorted.none || (whole_group && sorted.continues(begin))) return;
    const Index last = (sorted.run_end(next, sorted.count) - 1) / kGroup;
    auto sum = sum_of<kPack, 8>(group, last + 1, 1, [&](Index i) {
      const bool begins_within = i == group && !whole_group;
      return pieces + sorted.piece_row(begins_within ? next - 1 : i * kGroup) * n + column;
    });
    real* const result = y + key * n + column;
    add(load<kPack>(result), sum);
    store(result, sum);
  }
};

// key and position (count) in ascending order of key, stable in position.
void sort_by_key(Index count, std::uint32_t none, const std::uint32_t* key, std::uint32_t* sorted_key,
                 const std::int32_t* position, std::int32_t* sorted_position) {
  const auto sort = [&](void* room, std::size_t& bytes) {
    check(cub::DeviceRadixSort::SortPairs(room, bytes, key, sorted_key, position, sorted_position,
                                          as_int("scatter_add_rows", count), 0,
                                          static_cast<int>(std::bit_width(none)), context().stream),
          "scatter_add_rows: sort");
  };
  std::size_t bytes = 0;
  sort(nullptr, bytes);  // asks for the size of the workspace
  const Scratch room(bytes);
  sort(room.as<void>(), bytes);
}

}  // namespace

void gather_rows(Index count, Index n, const std::int32_t* index, const real* x, real* y) {
  with_width(many(count * n) && n % kWide == 0 && aligned(x, y), [&](auto pack) {
    for_rows("gather_rows", 1, count, n, Gather<pack>{n, index, x, y});
  });
}

void scatter_add_rows(Index count, Index n, const std::int32_t* index, const real* x, real* y, bool distinct,
                      Index indices) {
  if (count == 0 || n == 0) return;
  const bool wide = many(count * n) && n % kWide == 0 && aligned(x, y);
  if (distinct) {
    return with_width(wide, [&](auto pack) {
      for_rows("scatter_add_rows", 1, count, n, ScatterDistinct<pack>{n, index, x, y});
    });
  }
  const auto none = static_cast<std::uint32_t>(indices);
  const Index groups = (count + kGroup - 1) / kGroup;
  const Scratch lists(static_cast<std::size_t>(count) * 4 * sizeof(std::int32_t));
  const Scratch pieces(static_cast<std::size_t>(2 * groups * n) * sizeof(real));
  auto* const key = lists.as<std::uint32_t>();
  auto* const position = lists.as<std::int32_t>() + 2 * count;
  launch("scatter_add_rows: list", list_rows, blocks_for(count, kBlock), kBlock, count, none, index, key,
         position);
  sort_by_key(count, none, key, key + count, position, position + count);
  const Sorted sorted{count, indices, key + count, position + count};
  with_width(wide, [&](auto pack) {
    for_rows("scatter_add_rows: pieces", 1, count, n, SumPieces<pack>{sorted, n, x, y, pieces.as<real>()});
    for_rows("scatter_add_rows: runs", 1, groups, n, SumRuns<pack>{sorted, n, pieces.as<real>(), y});
  });
}

}  // namespace mininmt::cuda
