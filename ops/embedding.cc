#include "ops/embedding.h"

#include <algorithm>

#include "ops/check.h"
#include "ops/rows.h"
#include "tensor/parallel.h"

namespace mininmt {

Var embed(Var E, const IdMatrix& ids) {
  check_rank("embed", "E", E.shape(), 2, 2);
  const std::int64_t words = E.shape()[0], m = E.shape()[1],
                     count = static_cast<std::int64_t>(ids.ids.size());
  check_shape("embed", "ids", {count}, {static_cast<std::int64_t>(ids.steps) * ids.batch});
  for (Id id : ids.ids)
    if (id != kNone && (id < 0 || id >= words))
      throw Error(join("[embed] (ids) word ", id, " is outside of (E) ", E.shape().to_string()));
  Tensor y({ids.steps, ids.batch, m});
  parallel_for(count, m, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      real* const row = y.data() + i * m;
      if (ids.ids[i] == kNone)
        std::fill(row, row + m, real{0});
      else
        std::copy(E.value().data() + ids.ids[i] * m, E.value().data() + (ids.ids[i] + 1) * m, row);
    }
  });
  return E.tape->record(y, {E}, [E, words = ids.ids, m](const Tensor&, const Tensor& dy) {
    real* const dE = E.gradient().data();
    for (std::size_t i = 0; i < words.size(); ++i)
      if (words[i] != kNone) add_to(m, dy.data() + static_cast<std::int64_t>(i) * m, dE + words[i] * m);
  });
}

}  // namespace mininmt
