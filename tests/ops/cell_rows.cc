#include "tests/ops/cell_rows.h"

#include "ops/additive_joint.h"
#include "ops/additive_scores.h"
#include "ops/deep_joint.h"
#include "ops/elementwise.h"
#include "ops/lattice.h"
#include "ops/mixture.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;

// Words of ragged targets, and two of padding.
Cells cells_of(const CellSize& size, bool late_end) {
  const Lengths words = ragged(size.target_steps, size.batch);
  std::vector<std::int32_t> rows;
  for (int t = 0; t < size.target_steps; ++t)
    for (int b = 0; b < size.batch; ++b)
      if (t < words[static_cast<std::size_t>(b)]) rows.push_back(t * static_cast<int>(size.batch) + b);
  rows.insert(rows.end(), 2, kNone);
  return {std::move(rows), ragged(size.steps, size.batch), size.target_steps, late_end};
}

// Any words, and </s> as the last of each sentence.
Indices targets_of(const Cells& cells, std::int64_t words) {
  const auto word_at = cells.word_at();
  std::vector<Id> targets;
  for (std::int64_t n = 0; n < cells.words(); ++n) {
    const std::int32_t row = cells.rows[static_cast<std::size_t>(n)];
    const std::size_t next = static_cast<std::size_t>(row + cells.sentences());
    const bool last = row != kNone && (next >= word_at.size() || word_at[next] == kNone);
    targets.push_back(row == kNone ? kNone : last ? kEos : static_cast<Id>(1 + (3 * n) % (words - 1)));
  }
  return targets;
}

}  // namespace

void add_cells(Rows& rows, std::initializer_list<CellSize> sizes) {
  for (const CellSize& size : sizes) {
    // Made anew at each call: a table that kept them would keep memory on the device.
    const auto cells = [size] { return cells_of(size, false); };
    const auto late = [size] { return cells_of(size, true); };
    const auto targets = [size] { return targets_of(cells_of(size, false), size.words); };
    const std::int64_t N = cells().words(), S = size.steps, B = size.batch, A = size.width, V = size.words;
    const std::vector<std::int64_t> none = {N - 2, N - 1}, padded = padded_rows(S, cells().lengths.values());
    const auto add_row = [&, large = size.large](const std::string& name, std::vector<Shape> inputs,
                                                 bool library_product, std::vector<Padding> padding,
                                                 std::function<Var(Tape&, const Inputs&)> build) {
      rows.push_back({name, std::move(inputs), std::move(build), large, library_product, std::move(padding)});
    };
    add_row("additive_scores", {{N, A}, {S, B, A}, {A}}, false, {{0, none}, {1, padded}},
            [=](Tape&, const Inputs& x) { return additive_scores(x[0], x[1], x[2], cells()); });
    add_row("mixture_losses", {{N, S}, {N, S}}, false, {{0, none}, {1, none}},
            [=](Tape&, const Inputs& x) { return mixture_losses(x[0], x[1], cells()); });
    add_row("lattice_losses", {{N, S}, {N, S}, {1}}, false, {{0, none}, {1, none}},
            [=](Tape&, const Inputs& x) { return lattice_losses(x[0], x[1], x[2], cells()); });
    const std::vector<Shape> deep = {{N, 2 * A}, {S, B, 2 * A}, {V, A}, {V}};
    add_row("cell_log_p, deep joint", deep, true, {{0, none}, {1, padded}}, [=](Tape&, const Inputs& x) {
      return cell_log_p(DeepJoint{x[0], x[1], x[2], x[3]}, cells(), targets());
    });
    add_row("lattice of the deep joint, masked", {deep[0], deep[1], deep[2], deep[3], {N, S}}, true,
            {{0, none}, {1, padded}, {4, none}}, [=](Tape& tape, const Inputs& x) {
              const Tensor mask({N, A}, x[0].value().memory());
              mask.fill(static_cast<real>(1.25));
              const Tensor zero = Tensor::zeros({1}, x[0].value().memory());
              const DeepJoint joint{x[0], x[1], x[2], x[3], mask};
              return lattice_losses(cell_log_p(joint, late(), targets()), x[4], tape.constant(zero), cells());
            });
    // Scaled up, f and g are certain of different words, and the product is too small.
    for (const real factor : {real{1}, real{150}}) {
      if (factor > 1 && size.large && V < 5) continue;  // long, and too few words for both
      const std::string suffix = factor > 1 ? ", certain" : "";
      add_row("cell_log_p, additive joint" + suffix, {{N, V}, {S, B, V}}, true, {{0, none}, {1, padded}},
              [=](Tape&, const Inputs& x) {
                const AdditiveJoint joint{scale(x[0], factor), scale(x[1], factor)};
                return scale(cell_log_p(joint, cells(), targets()), 1 / factor);
              });
      add_row("mixture of the additive joint" + suffix, {{N, V}, {S, B, V}, {N, S}}, true,
              {{0, none}, {1, padded}, {2, none}}, [=](Tape&, const Inputs& x) {
                const AdditiveJoint joint{scale(x[0], factor), scale(x[1], factor)};
                return scale(mixture_losses(cell_log_p(joint, late(), targets()), x[2], cells()), 1 / factor);
              });
    }
  }
}

}  // namespace mininmt
