#include "nn/model.h"

#include "ops/rows.h"
#include "tensor/error.h"

namespace mininmt {

State select(Tape& tape, const State& state, const Indices& rows) {
  State selected{state.words, {}};
  for (const Var& part : state.parts) {
    const Tensor& from = part.value();
    const Tensor picked(from.shape().with_first(static_cast<std::int64_t>(rows.size())), from.memory());
    gather(from.reshape({from.shape()[0], from.shape().row_size()}), rows,
           picked.reshape({picked.shape()[0], picked.shape().row_size()}));
    selected.parts.push_back(tape.constant(picked));
  }
  return selected;
}

std::vector<double> log_probabilities(const Model& model, const Batch& batch) {
  Tape tape;
  const Tensor costs = model.costs(tape, batch, {}).value().to(cpu_memory());
  const bool are_of_words = costs.size() == static_cast<std::int64_t>(batch.rows.size());
  std::vector<double> result(static_cast<std::size_t>(batch.sentences), 0.0);
  for (std::int64_t i = 0; i < costs.size(); ++i) {
    const std::int64_t row = are_of_words ? batch.rows[static_cast<std::size_t>(i)] : i;
    if (row != kNone) result[static_cast<std::size_t>(row % batch.sentences)] -= costs.data()[i];
  }
  return result;
}

void take_parameters(const Model& from, Model& model) {
  const auto& theirs = from.parameters().all();
  const auto& ours = model.parameters().all();
  if (theirs.size() != ours.size()) throw Error("[take_parameters] models of another kind");
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const Parameter &p = *ours[i], &q = *theirs[i];
    const bool same_columns =
        p.shape.rank() == q.shape.rank() && (p.shape.rank() < 2 || p.shape[1] == q.shape[1]);
    if (p.name != q.name || p.parts.size() != q.parts.size() || !same_columns)
      throw Error("[take_parameters] " + p.name + " and " + q.name + " do not match");
    for (std::size_t k = 0; k < p.parts.size(); ++k) {
      if (q.parts[k].count > p.parts[k].count)
        throw Error("[take_parameters] " + p.name + " has too few rows");
      p.value.slice(p.parts[k].first, q.parts[k].count)
          .set(q.value.slice(q.parts[k].first, q.parts[k].count));
    }
  }
}

}  // namespace mininmt
