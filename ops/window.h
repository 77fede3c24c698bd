// Graves' window (MODEL.md 9.5; Graves 2013, section 5.1): K Gaussians over the source, whose centres only
// move forward. From u = [a^, b^, k^] (R, 3K), clamped elementwise to [-8, 8], with gradient 0 outside:
//   kappa   = kappa_before + e^k^
//   phi_rj  = sum_k alpha_k e^(-beta_k (kappa_k - j)^2),  alpha = e^a^,  beta = e^b^,  j = 1 .. S_b
//   c_r     = sum_j phi_rj h_j
// phi is exactly 0 at padding.
// The gradient, from dc, with d_j = h_j . dc and p_kj the terms of phi:
//   da^_k = sum_j p_kj d_j        db^_k = sum_j -beta_k (kappa_k - j)^2 p_kj d_j        dh_j += phi_j dc
//   dkappa_k += sum_j -2 beta_k (kappa_k - j) p_kj d_j
//   dk^_k = dkappa_k e^k^        dkappa_before += dkappa
#pragma once

#include "ops/attention.h"

namespace mininmt {

// u (R, 3K), kappa_before (R, K) -> kappa (R, K).
Var window_centres(Var u, Var kappa_before);

// u (R, 3K), kappa (R, K), h (S, B, C) -> c (R, C) and phi (R, S). Row r belongs to sentence
// sentence_of_row[r] (without gradient), or r if that is empty; then R <= B, on a GPU R = B for gradients.
Attended window(Var u, Var kappa, Var h, const Indices& lengths, const Indices& sentence_of_row = {});

}  // namespace mininmt
