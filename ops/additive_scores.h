// The additive score of each cell (MODEL.md 2, 9.3): e_nj = v . tanh(query_n + keys_jb), b the sentence of
// word n. Backward computes the tanh u again:
//   dv += de_nj u        g = de_nj v (1 - u^2)        dquery_n += g        dkeys_jb += g
#pragma once

#include "autograd/tape.h"
#include "ops/cells.h"

namespace mininmt {

// query (N, A), keys (S, B, A), v (A) -> e (N, S), 0 at padding.
Var additive_scores(Var query, Var keys, Var v, const Cells& cells);

// v . tanh(query + key), and its gradients; on the host.
real additive_score(std::int64_t size, const real* query, const real* key, const real* v);
void add_additive_score_gradient(std::int64_t size, real de, const real* query, const real* key,
                                 const real* v, real* dquery, real* dkey, real* dv);

}  // namespace mininmt
