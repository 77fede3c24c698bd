// The kernels of the systems that mix predictions (ops/cells.h and what uses it): launchers in the manner of
// cuda/kernels.h. Values of cells are (words, steps).
#pragma once

#include <cstdint>

#include "tensor/types.h"

namespace mininmt::cuda {

// Word n is at time rows[n] / batch of sentence rows[n] % batch; rows[n] < 0: padding. lengths (batch).
struct CellOperands {
  std::int64_t words, steps, batch, target_steps;
  const std::int32_t *rows, *lengths;
  std::int64_t late_end;  // not 0: </s> is barred before the last position
};

// word_at (target_steps * batch): the word of each row, -1: none.
void set_word_at(const CellOperands& c, std::int32_t* word_at);

// --- Additive scores (cells.cu; ops/additive_scores.h) ---------------------------------------------------
// query (words, align), keys (steps, batch, align), v (align) -> e, 0 at padding.
void additive_scores(const CellOperands& c, std::int64_t align, const real* query, const real* keys,
                     const real* v, real* e);

// dquery and dkeys +=, each may be null; dv_rows (words, align) = each word's part of dv.
void add_additive_scores_gradient(const CellOperands& c, std::int64_t align, const real* query,
                                  const real* keys, const real* v, const real* de, real* dquery, real* dkeys,
                                  real* dv_rows);

// --- Losses (lattice.cu; ops/mixture.h, ops/lattice.h) ---------------------------------------------------
// loss (words). In the gradients dw and the other are zero before.
void mixture_losses(const CellOperands& c, const real* w, const real* scores, real* loss);
void mixture_gradient(const CellOperands& c, const real* w, const real* scores, const real* dloss, real* dw,
                      real* dscores);

// loss (batch), bias (1).
void lattice_losses(const CellOperands& c, const real* w, const real* scores, const real* bias, real* loss);
void lattice_gradient(const CellOperands& c, const real* w, const real* scores, const real* bias,
                      const real* dloss, real* dw, real* dz);

// before may be null.
void lattice_step(const CellOperands& c, const real* before, const real* scores, const real* bias,
                  real* log_pi);

// --- The deep joint (deep_joint.cu; ops/deep_joint.h) -----------------------------------------------------------
// The cells of words [first, first + count), all steps of each: (count * steps, ...).
struct CellChunk {
  CellOperands cells;
  std::int64_t first, count;
};

// query (words, 2l), keys (steps, batch, 2l), mask (words, l) or null, targets (words) -> t (cells, l), and the
// target of each cell, -1 and t = 0 at padding.
void maxout_of_cells(const CellChunk& c, std::int64_t l, const real* query, const real* keys,
                     const real* mask, const std::int32_t* targets, real* t, std::int32_t* cell_targets);

// From dt (cells, l): dquery and dkeys +=; each may be null.
void add_maxout_of_cells_gradient(const CellChunk& c, std::int64_t l, const real* query, const real* keys,
                                  const real* mask, const real* dt, real* dquery, real* dkeys);

// logits (cells, vocab): -infinity at </s> where it is barred.
void bar_end(const CellChunk& c, std::int64_t vocab, real* logits);

// Rows [first, first + count) of y (words, vocab) = log sum_j weights_nj softmax(logits_nj + bias).
void mix_logits(const CellChunk& c, std::int64_t vocab, const real* logits, const real* bias,
                const real* weights, real* y);

// --- The additive joint (additive_joint.cu; ops/additive_joint.h) ------------------------------------------
inline constexpr real kLeastProduct = static_cast<real>(1e-25);

// One sentence, with T = target_steps and S = steps: g (words, vocab), f (S, batch, vocab), exp_g (T, vocab),
// exp_f (S, vocab), max_g (T), max_f (S), products (T, S).
struct AdditiveOperands {
  CellOperands cells;
  const std::int32_t* word_at;
  std::int64_t sentence, vocab;
  const std::int32_t* targets;
  const real *g, *f;
  real *exp_g, *exp_f, *max_g, *max_f;
  const real* products;
};

void set_exponentials(const AdditiveOperands& o);
void additive_log_p(const AdditiveOperands& o, real* w);  // its rows of w
void set_ratios(const AdditiveOperands& o, const real* dw, real* ratios);
void add_additive_gradients(const AdditiveOperands& o, const real* dw, const real* sums_g, const real* sums_f,
                            real* dg, real* df);

// y (words, vocab) = log sum_j weights_nj softmax(g_n + f_jb).
void mix_sums(const CellOperands& c, std::int64_t vocab, const real* g, const real* f, const real* weights,
              real* y);

}  // namespace mininmt::cuda
