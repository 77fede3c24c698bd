#include "ops/embedding.h"

#include "ops/check.h"
#include "ops/rows.h"

namespace mininmt {

Var embed(Var E, const Words& words) {
  check_rank("embed", "E", E.shape(), 2, 2);
  const std::int64_t count = static_cast<std::int64_t>(words.ids.size());
  check_shape("embed", "ids", {count}, {static_cast<std::int64_t>(words.steps) * words.batch});
  for (Id id : words.ids)
    if (id != kNone && (id < 0 || id >= E.shape()[0]))
      throw Error(join("[embed] (ids) word ", id, " is outside of (E) ", E.shape().to_string()));
  const Tensor y({words.steps, words.batch, E.shape()[1]}, E.value().memory());
  gather(E.value(), words.ids, y);
  return E.tape->record("embed", y, {E}, [E, ids = words.ids](const Tensor&, const Tensor& dy) {
    scatter_add(dy, ids, E.gradient());
  });
}

}  // namespace mininmt
