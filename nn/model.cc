#include "nn/model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <variant>

#include "ops/rows.h"
#include "ops/softmax_xent.h"
#include "tensor/error.h"

namespace mininmt {

State select(Tape& tape, const State& state, const Indices& rows) {
  State selected{state.words, {}};
  for (const auto& numbers : state.kept) {
    auto& picked = selected.kept.emplace_back();
    for (const std::int32_t row : rows) picked.push_back(numbers[static_cast<std::size_t>(row)]);
  }
  for (const Var& part : state.parts) {
    const Tensor& from = part.value();
    const Tensor picked(from.shape().with_first(static_cast<std::int64_t>(rows.size())), from.memory());
    gather(from.reshape({from.shape()[0], from.shape().row_size()}), rows,
           picked.reshape({picked.shape()[0], picked.shape().row_size()}));
    selected.parts.push_back(tape.constant(picked));
  }
  for (const State& member : state.members) selected.members.push_back(select(tape, member, rows));
  return selected;
}

void Decoding::restrict_to(const Indices&) {
  throw UsageError(
      "a shortlist of words needs the output layer of one softmax, and this model mixes several: leave it "
      "out");
}

void Decoding::skip_positions(double) {
  throw UsageError(
      "--skip-positions is for models that compute the output layer at each source position: hard, and "
      "transducer with --joint deep");
}

Tensor log_probabilities(const Prediction& prediction) {
  const Tensor log_p = prediction.scores.to(cpu_memory());
  if (prediction.bias.defined()) add_to_rows(prediction.bias.to(cpu_memory()), log_p);
  for (std::int64_t r = 0; r < log_p.shape()[0]; ++r) {
    const std::span<real> row = log_p.slice(r, 1).values();
    const real log_sum = log_sum_exp(static_cast<std::int64_t>(row.size()), row.data());
    if (!std::isfinite(log_sum)) throw Error("the model's scores are not finite; its parameters are damaged");
    for (real& x : row) x -= log_sum;
  }
  return log_p;
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

namespace {

struct Place {
  const Parameter* parameter;
  Part part;

  Tensor rows(std::int64_t count) const { return parameter->value.slice(part.first, count); }
};

// The matrices by their names in files, however a model stacks them in memory.
std::map<std::string, Place> matrices(const Model& model) {
  std::map<std::string, Place> all;
  for (const Parameter* p : model.parameters().all())
    for (const Part& part : p->parts) all[part.name] = {p, part};
  return all;
}

[[noreturn]] void refuse_to_take(const std::string& difference) {
  throw Error("parameters can't be taken from a model of another kind: " + difference);
}

void check_same(const std::string& name, const FieldValue& theirs, const FieldValue& ours) {
  const auto text = [](const FieldValue& value) {
    return std::visit([](const auto& x) { return join(x); }, value);
  };
  if (theirs != ours) refuse_to_take(join(name, " is ", text(theirs), " there, ", text(ours), " here"));
}

void check_same_config(const Config& theirs, const Config& ours) {
  check_same("type", theirs.type, ours.type);
  for (const Field& field : ours.fields())
    if (field.saved && ours.applies(field))
      check_same(field.name, theirs.value(field.name), ours.value(field.name));
}

// The shape as in files.
std::string text(const Place& place) {
  std::string lengths;
  for (const std::int64_t length : place.parameter->shape_of(place.part))
    lengths += join(lengths.empty() ? "" : " x ", length);
  return lengths;
}

// Whether these are matrices of the same columns.
bool same_columns(const Shape& a, const Shape& b) {
  return a.rank() == b.rank() && (a.rank() < 2 || a[1] == b[1]);
}

}  // namespace

void take_parameters(const Model& from, Model& model) {
  check_same_config(from.config(), model.config());
  const auto theirs = matrices(from), ours = matrices(model);
  for (const auto& [name, place] : theirs)
    if (!ours.contains(name)) refuse_to_take(name + " is only there");
  for (const auto& [name, place] : ours) {
    const auto found = theirs.find(name);
    if (found == theirs.end()) refuse_to_take(name + " is only here");
    const Place& other = found->second;
    const std::int64_t rows = other.part.count;
    if (rows > place.part.count || !same_columns(other.parameter->shape, place.parameter->shape))
      refuse_to_take(join(name, " is ", text(other), " there, ", text(place), " here"));
    place.rows(rows).set(other.rows(rows));
  }
}

void average_parameters(const std::vector<const Model*>& others, const std::vector<double>& weights,
                        Model& model) {
  const std::span<real> mean = model.parameters().values().values();
  std::vector<double> sums(mean.size());
  for (std::size_t k = 0; k < others.size(); ++k) {
    take_parameters(*others[k], model);  // which checks that they fit
    for (std::size_t i = 0; i < mean.size(); ++i) sums[i] += weights[k] * mean[i];
  }
  std::transform(sums.begin(), sums.end(), mean.begin(), [](double sum) { return static_cast<real>(sum); });
}

}  // namespace mininmt
