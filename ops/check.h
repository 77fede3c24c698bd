// Argument checks of the operations. A message names operation, argument and both shapes:
//   [attend] (keys) must have shape (7, 80, 256) but has (7, 80, 128)
#pragma once

#include <algorithm>

#include "autograd/tape.h"
#include "tensor/error.h"
#include "tensor/ids.h"

namespace mininmt {

inline void check_shape(const char* op, const char* argument, const Shape& got, const Shape& expected) {
  if (got != expected)
    throw Error(join("[", op, "] (", argument, ") must have shape ", expected.to_string(), " but has ",
                     got.to_string()));
}

inline void check_rank(const char* op, const char* argument, const Shape& got, int least,
                       int most = Shape::kMaxRank) {
  if (got.rank() < least || got.rank() > most)
    throw Error(join("[", op, "] (", argument, ") must have ", least, least == most ? "" : " or more",
                     " dimensions but has shape ", got.to_string()));
}

// A batch of `batch` sentences of 1 to `steps` words.
inline void check_lengths(const char* op, const Indices& lengths, std::int64_t steps, std::int64_t batch) {
  if (static_cast<std::int64_t>(lengths.size()) != batch)
    throw Error(join("[", op, "] (lengths) must have ", batch, " entries but has ", lengths.size()));
  for (std::size_t b = 0; b < lengths.size(); ++b)
    if (lengths[b] < 1 || lengths[b] > steps)
      throw Error(join("[", op, "] (lengths) entry ", b, " must be in 1 to ", steps, " but is ", lengths[b]));
}

// Each row's sentence, one of `batch`.
inline void check_rows(const char* op, const Indices& sentence_of_row, std::int64_t batch) {
  for (int b : sentence_of_row)
    if (b < 0 || b >= batch)
      throw Error(join("[", op, "] (sentence_of_row) ", b, " of ", batch, " sentences"));
}

// In search, the sentence of each row, one of `batch`; empty: row b is sentence b.
inline void check_sentence_of_row(const char* op, const Indices& sentence_of_row, std::int64_t batch,
                                  bool needs_gradient) {
  if (sentence_of_row.empty()) return;
  check_rows(op, sentence_of_row, batch);
  if (needs_gradient) throw Error(join("[", op, "] (sentence_of_row) is for search: it has no gradient"));
}

// How many rows x must have, one for each of sentence_of_row. If that is empty x may also be of the first
// sentences only, but on a GPU not for gradients.
inline std::int64_t rows_of(const char* op, const Indices& sentence_of_row, const Tensor& x,
                            std::int64_t batch, bool needs_gradient) {
  check_sentence_of_row(op, sentence_of_row, batch, needs_gradient);
  if (!sentence_of_row.empty()) return static_cast<std::int64_t>(sentence_of_row.size());
  return x.on_cuda() && needs_gradient ? batch : std::min(x.shape()[0], batch);
}

}  // namespace mininmt
