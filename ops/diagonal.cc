#include "ops/diagonal.h"

#include <algorithm>

#include "cuda/kernels.h"
#include "ops/check.h"
#include "ops/rows.h"

namespace mininmt {
namespace {

// y_r = or, in backward, place_r +=. The position of row r's annotation is computed where the lengths are
// read, since a captured graph runs with different lengths each time.
void read_diagonal(const Tensor& h, std::int64_t i, const Indices& lengths, const Indices& sentence_of_row,
                   const Tensor& y) {
  const std::int64_t rows = y.shape()[0], batch = h.shape()[1], C = h.shape()[2];
  if constexpr (kHasCuda)
    if (h.on_cuda())
      return cuda::diagonal(rows, batch, C, i, lengths.in(h.memory()), sentence_of_row.in(h.memory()),
                            h.data(), y.data());
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t b = sentence_of_row.empty() ? r : sentence_of_row[r];
    const real* const place = h.data() + ((std::min<std::int64_t>(i, lengths[b]) - 1) * batch + b) * C;
    std::copy(place, place + C, y.data() + r * C);
  }
}

void add_to_diagonal(const Tensor& dy, std::int64_t i, const Indices& lengths, const Tensor& dh) {
  const std::int64_t batch = dh.shape()[1], C = dh.shape()[2];
  if constexpr (kHasCuda)
    if (dh.on_cuda())
      return cuda::add_diagonal_gradient(batch, C, i, lengths.in(dh.memory()), dy.data(), dh.data());
  for (std::int64_t b = 0; b < batch; ++b)
    add_to(C, dy.data() + b * C, dh.data() + ((std::min<std::int64_t>(i, lengths[b]) - 1) * batch + b) * C);
}

}  // namespace

Var diagonal(Var h, std::int64_t i, const Indices& lengths, const Indices& sentence_of_row) {
  check_rank("diagonal", "h", h.shape(), 3, 3);
  check_lengths("diagonal", lengths, h.shape()[0], h.shape()[1]);
  if (i < 1) throw Error(join("[diagonal] (i) counts from 1 but is ", i));
  check_sentence_of_row("diagonal", sentence_of_row, h.shape()[1], h.needs_gradient());
  const std::int64_t rows =
      sentence_of_row.empty() ? h.shape()[1] : static_cast<std::int64_t>(sentence_of_row.size());
  const Tensor y({rows, h.shape()[2]}, h.value().memory());
  read_diagonal(h.value(), i, lengths, sentence_of_row, y);
  return h.tape->record("diagonal", y, {h}, [h, i, lengths](const Tensor&, const Tensor& dy) {
    add_to_diagonal(dy, i, lengths, h.gradient());
  });
}

}  // namespace mininmt
