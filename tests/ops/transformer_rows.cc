#include "tests/ops/transformer_rows.h"

#include "ops/layer_norm.h"
#include "ops/multi_head_attention.h"
#include "ops/positions.h"

namespace mininmt {
namespace {

using Inputs = std::vector<Var>;

}  // namespace

void add_transformer(Rows& rows, std::initializer_list<HeadsSize> sizes) {
  for (const auto& [T, S, batch, heads, size, large] : sizes) {
    const std::int64_t d = heads * size;
    const int h = static_cast<int>(heads);
    const Lengths lengths = ragged(S, batch);
    rows.push_back({"layer_norm",
                    {{T, batch, d}, {d}, {d}},
                    [](Tape&, const Inputs& x) { return layer_norm(x[0], x[1], x[2]); },
                    large});
    rows.push_back({"add_positions",
                    {{T, batch, d}},
                    [](Tape&, const Inputs& x) { return add_positions(x[0], 1.5, 2); },
                    large});
    rows.push_back(
        {"multi_head_attention over lengths",
         {{T, batch, d}, {S, batch, d}, {S, batch, d}},
         [=](Tape&, const Inputs& x) { return multi_head_attention(x[0], x[1], x[2], h, lengths, false); },
         large,
         true});
    rows.push_back(
        {"multi_head_attention, causal, of itself",
         {{S, batch, d}, {S, batch, d}},
         [=](Tape&, const Inputs& x) { return multi_head_attention(x[0], x[1], x[0], h, {}, true); },
         large,
         true});
  }
}

}  // namespace mininmt
