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

// --- The deep joint (deep_joint.cu; ops/deep_joint.h) ------------------------------------------------------
// The cells of words [first, first + count), all steps of each: (count * steps, ...).
struct CellChunk {
  CellOperands cells;
  std::int64_t first, count;
};

// query (words, 2l), keys (steps, batch, 2l), mask (words, l) or null, targets (words) -> t (cells, l), and
// the target of each cell, -1 and t = 0 at padding.
void maxout_of_cells(const CellChunk& c, std::int64_t l, const real* query, const real* keys,
                     const real* mask, const std::int32_t* targets, real* t, std::int32_t* cell_targets);

// From dt (cells, l): dquery and dkeys +=; each may be null.
void add_maxout_of_cells_gradient(const CellChunk& c, std::int64_t l, const real* query, const real* keys,
                                  const real* mask, const real* dt, real* dquery, real* dkeys);

// logits (cells, vocab): -infinity at </s> where it is barred.
void bar_end(const CellChunk& c, std::int64_t vocab, real* logits);

// Rows [first, first + count) of log_z (words, steps), of the cells' logits + bias (padding stays), and of
// y (words, vocab) = log sum_j weights_nj softmax(logits_nj + bias), unless the weights are null.
void mix_logits(const CellChunk& c, std::int64_t vocab, const real* logits, const real* bias,
                const real* weights, real* log_z, real* y);

// w (words, steps) = W t + bias at the targets - log_z, for t of query (words, 2l) and keys (steps, batch,
// 2l); padding stays.
void pick_logits(const CellOperands& c, std::int64_t l, const real* query, const real* keys, const real* mask,
                 const real* W, const real* bias, const std::int32_t* targets, const real* log_z, real* w);

// --- The additive joint (additive_joint.cu; ops/additive_joint.h) ------------------------------------------
inline constexpr real kLeastProduct = static_cast<real>(1e-25);

// Sentences [sentence, sentence + count), with T = target_steps and S = steps: g (words, vocab), f (S,
// batch, vocab), exp_g (count, T, vocab), exp_f (count, S, vocab), max_g (count, T), max_f (count, S),
// products (count, T, S).
struct AdditiveOperands {
  CellOperands cells;
  const std::int32_t* word_at;
  std::int64_t sentence, count, vocab;
  const std::int32_t* targets;
  const real *g, *f;
  real* exp_g;
  const real* exp_f;
  real* max_g;
  const real *max_f, *products;
};

void set_word_exponentials(const AdditiveOperands& o);
// Of the positions of sentences [first, first + count): exp_f (count, steps, vocab), max_f (count, steps).
void set_position_exponentials(const CellOperands& c, std::int64_t first, std::int64_t count,
                               std::int64_t vocab, const real* f, real* exp_f, real* max_f);
void set_log_z(const AdditiveOperands& o, real* log_z);                   // rows of (words, S)
void set_ratios(const AdditiveOperands& o, const real* x, real* ratios);  // (count, T, S), from x (words, S)
// Of one sentence.
void add_additive_gradients(const AdditiveOperands& o, const real* dw, const real* sums_g, const real* sums_f,
                            real* dg, real* df);

// w (words, steps) = g + f at the targets - log_z, which may be w; padding stays. g (words, width): width
// vocab, or 1, of the targets alone.
void pick_sums(const CellOperands& c, std::int64_t vocab, const std::int32_t* targets, std::int64_t width,
               const real* g, const real* f, const real* log_z, real* w);

// Rows of y (words, vocab), mixtures with these weights (words, S): from sums (count, T, vocab), or from
// each cell's softmax where one of the word's products is too small.
void mix_sums(const AdditiveOperands& o, const real* weights, const real* log_z, const real* sums, real* y);

}  // namespace mininmt::cuda
