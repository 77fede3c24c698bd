// The GPU kernels: a launcher for each kernel or small group. Includes no CUDA header, so that any source can
// call them behind
//   if constexpr (kHasCuda) if (x.on_cuda()) return cuda::add(...);
// which a build without CUDA discards.
//
// All pointers are to device memory unless noted; matrices are row-major and contiguous unless a stride is
// given. A launcher returns without waiting: its work runs in call order on the stream of cuda/context.cuh.
// Results are the same to the bit from run to run: no atomics; a sum is computed by the block that owns it.
// Launch errors are thrown as Error with the kernel's name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/addressing.h"
#include "tensor/random.h"
#include "tensor/types.h"

namespace mininmt {

#ifdef MININMT_CUDA
inline constexpr bool kHasCuda = true;
#else
inline constexpr bool kHasCuda = false;
#endif

namespace cuda {

using Index = std::int64_t;

// --- Elementwise (elementwise.cu) ----------------------------------------------------------------------
void fill(Index n, real value, real* y);
void add(Index n, const real* a, const real* b, real* y);          // y = a + b
void multiply(Index n, const real* a, const real* b, real* y);     // y = a * b
void add_product(Index n, const real* a, const real* b, real* y);  // y += a * b
void add_to(Index n, const real* x, real* y);                      // y += x
void scale(Index n, real factor, const real* x, real* y);          // y = factor x
void add_scaled(Index n, real factor, const real* x, real* y);     // y += factor x
void add_number(Index n, const real* number, real* y);             // y_i += number[0]

// For function `function` of the list in tensor/elementwise.h: y = f(x); dx += dy f'(x), from the output or
// the input, depending on f.
void elementwise(std::size_t function, Index n, const real* x, real* y);
void add_elementwise_gradient(std::size_t function, Index n, const real* kept, const real* dy, real* dx);

void maxout(Index n, const real* x, real* y);  // y_i = the larger of x_2i, x_2i+1, i < n
void add_maxout_gradient(Index n, const real* x, const real* dy, real* dx);

// y_i = or += x_i / (1 - p) if number i of `draws` keeps it (ops/dropout.h), else 0.
void dropout(Index n, double p, const Draws& draws, const real* x, real* y, bool add);

// --- Rows and columns (rows.cu) ------------------------------------------------------------------------
// Each row of y (rows, n) = or += x (n).
void spread_over_rows(Index rows, Index n, const real* x, real* y, bool add);

// y (n) += sum of the rows of x (rows, n).
void add_sum_of_rows(Index rows, Index n, const real* x, real* y);

// Rows of x (steps, batch, n), those of each sentence but its last in reverse order (ops/arrange.h): y = the
// rows, or 0 past the end of a sentence; with `add`, y += them, and nothing there.
void reverse_sentences(Index steps, Index batch, Index n, const std::int32_t* lengths, const real* x, real* y,
                       bool add);

// y (1) = sum of x (n), in double.
void sum(Index n, const real* x, real* y);

// For each row: `width` elements of y (rows y_stride apart) = or += those of x (x_stride apart).
void copy_columns(Index rows, Index width, const real* x, Index x_stride, real* y, Index y_stride, bool add);

// blocks[i], on the host, is source i (rows, width) with rows x_stride apart; y (blocks, rows, width) holds
// all of them in order. A few launches for any number of blocks.
void join_blocks(const std::vector<const real*>& blocks, Index rows, Index width, Index x_stride, real* y);

// The reverse: block i, y[i] (size) = or += x (blocks, size) [i]; `y` is on the host.
void split_blocks(const std::vector<real*>& y, Index size, const real* x, bool add);

// --- Rows by index (embedding.cu) ----------------------------------------------------------------------
// Row i of y (count, n) = row index[i] of x, zeros where index[i] < 0.
void gather_rows(Index count, Index n, const std::int32_t* index, const real* x, real* y);

// Row index[i] of y += row i of x (count, n), in the order of i; rows with index[i] < 0 are skipped.
// `distinct`: no index repeats. Otherwise rows are grouped by CUB's radix sort, and each sum is computed by
// the block that owns the row of y. indices: an upper bound of the indices.
void scatter_add_rows(Index count, Index n, const std::int32_t* index, const real* x, real* y, bool distinct,
                      Index indices);

// --- GRU (gru.cu; ops/gru.h) ---------------------------------------------------------------------------
// One step of `batch` rows. lengths: row b is active if t < lengths[b]; null: all are. Rows of x and gates
// are 3n wide: z, r, candidate.
struct GruStep {
  Index batch, n;
  const std::int32_t* lengths;
  Index t;

  // A second GRU of the same sizes that steps at the same time. Offsets of its operands from the first's, in
  // elements; dnext, dh and q: batch * n.
  struct Second {
    bool is_there = false;
    Index t = 0;
    Index x = 0;       // x
    Index now = 0;     // reset, next, dy; gates and dx: three times as many
    Index before = 0;  // h
  } second = {};
};

// gates = [U_z h, U_r h, .] becomes [z, r, .] with z = sigmoid(x_z + U_z h), r likewise; reset = r * h, 0 in
// rows that are not active.
void gru_gates(const GruStep& step, const real* x, const real* h, real* gates, real* reset);

// gates = [z, ., U (r * h)] becomes [z, ., h~]; next = (1 - z) h + z h~, or h in rows that are not active.
void gru_state(const GruStep& step, const real* x, const real* h, real* gates, real* next);

// With d = dnext + dy (dy may be null):
//   dx_z = d (h~ - h) z (1 - z)        dx_h = d z (1 - h~^2)        dh = or += d (1 - z)
// In rows that are not active all of dx = 0 (dx_r too) and dh = or += d.
void gru_state_gradient(const GruStep& step, const real* h, const real* gates, const real* dnext,
                        const real* dy, real* dx, real* dh, bool add);

// From q (batch, n) = dx_h U, the gradient of r * h: dx_r = q h r (1 - r), dh += q r; no change in rows that
// are not active.
void gru_reset_gradient(const GruStep& step, const real* h, const real* gates, const real* q, real* dx,
                        real* dh);

// --- LSTM (lstm.cu; ops/lstm.h) ------------------------------------------------------------------------
// Step t of `batch` rows, of which row b is active if t < lengths[b]; null: all are.
struct LstmStep {
  Index batch, n;
  const std::int32_t* lengths;
  Index t;
};

// gates (batch, 4n) = U h becomes [i, f, g, o] by x (batch, 4n) and the peepholes p (3n); sets h_next and
// c_next (batch, n), which are h and c in rows that are not active.
void lstm_step(const LstmStep& step, const real* x, const real* p, const real* h, const real* c, real* gates,
               real* h_next, real* c_next);

// From dh + dy and dc (batch, n), the gradients of h_next and c_next: sets dx (batch, 4n) and dp (batch, 3n),
// whose sum over rows and steps is the gradient of p; dc becomes the gradient of c, and dh becomes 0, so that
// dx U can be added. In rows that are not active dx = dp = 0, dh becomes dh + dy, and dc stays.
void lstm_step_gradient(const LstmStep& step, const real* p, const real* gates, const real* c,
                        const real* c_next, const real* dy, real* dh, real* dc, real* dx, real* dp);

// --- Attention (attention.cu; ops/attention.h) ---------------------------------------------------------
// keys (steps, batch, align), values (steps, batch, context), v (align) or null for the dot score, lengths
// (batch). Row r of `rows` belongs to sentence sentence_of_row[r]; null: r, and rows = batch.
struct AttentionOperands {
  Index rows, steps, batch, align, context;
  const real *keys, *values, *v;
  const std::int32_t *lengths, *sentence_of_row;
};

// query (rows, align) -> alpha (rows, steps) and context (rows, context):
//   e_j = v . tanh(query + key_j) or query . key_j
//   alpha = masked softmax of e, exactly 0 at padding
//   context = sum_j alpha_j values_j
// Keys and values are read once.
void attend(const AttentionOperands& a, const real* query, real* alpha, real* context);

// One step back, for rows = batch without sentence_of_row: from dc (batch, context) and alpha
//   de_j = alpha_j (dalpha_j - sum_k alpha_k dalpha_k), dalpha_j = dc . values_j
//   g_j = de_j v (1 - u_j^2), u_j = tanh(query + key_j), computed again
//   dquery (batch, align) = or += sum_j g_j, dkeys_j += g_j, dv_rows (batch, align) += sum_j de_j u_j
// and with the dot score: dquery = or += sum_j de_j key_j, dkeys_j += de_j query
// dkeys and dv_rows may be null. Gradients at padding are not touched. The rest is one product over all steps
// (ops/attention.cc): dvalues_j += the sum over steps of alpha_j dc.
void attend_gradient(const AttentionOperands& a, const real* query, const real* alpha, const real* dc,
                     real* dquery, bool add, real* dkeys, real* dv_rows);

// --- Diagonal attention (diagonal.cu; ops/diagonal.h) --------------------------------------------------
// Row r of y (rows, context) = h (steps, batch, context) at position min(i, lengths[b]), counted from 1, of
// sentence b = sentence_of_row[r]; null: b = r, and rows = batch.
void diagonal(Index rows, Index batch, Index context, Index i, const std::int32_t* lengths,
              const std::int32_t* sentence_of_row, const real* h, real* y);

// At these positions dh += row b of dy (batch, context).
void add_diagonal_gradient(Index batch, Index context, Index i, const std::int32_t* lengths, const real* dy,
                           real* dh);

// --- Graves' window (window.cu; ops/window.h) -----------------------------------------------------------
// u (rows, 3 gaussians) = [a^, b^, k^], kappa (rows, gaussians), h (steps, batch, context).
struct WindowSizes {
  Index rows, steps, batch, context, gaussians;
};
void window_centres(Index rows, Index gaussians, const real* u, const real* before, real* kappa);
void add_window_centres_gradient(Index rows, Index gaussians, const real* u, const real* dkappa, real* du);

// phi (rows, steps), exactly 0 at padding, and c (rows, context). sentence_of_row as in diagonal().
void window(const WindowSizes& w, const std::int32_t* lengths, const std::int32_t* sentence_of_row,
            const real* u, const real* kappa, const real* h, real* phi, real* c);

// For rows = batch: du, dkappa and dh +=; each may be null.
void add_window_gradient(const WindowSizes& w, const std::int32_t* lengths, const real* u, const real* kappa,
                         const real* h, const real* phi, const real* dc, real* du, real* dkappa, real* dh);

// --- Location addressing (addressing.cu; ops/addressing.h) ------------------------------------------------
// y (rows, steps), exactly 0 at padding; lengths (rows). In the gradient those in `d` +=.
void address(const AddressingOperands& o, const std::int32_t* lengths, real* y);
void add_address_gradient(const AddressingOperands& o, const std::int32_t* lengths, const real* y,
                          const real* dy, const AddressingGradients& d);

// --- Rows divided by their length (normalize.cu; ops/normalize.h) ----------------------------------------
// y = a_r x_r / |x_r| for each row of x (rows, n), where |x_r| is at least kLeastNorm; a (rows), or null for
// 1. In the gradient dx and da may be null.
inline constexpr real kLeastNorm = static_cast<real>(1e-8);
void normalize(Index rows, Index n, const real* x, const real* a, real* y);
void add_normalize_gradient(Index rows, Index n, const real* x, const real* a, const real* dy, real* dx,
                            real* da);

// --- Layer normalization (layer_norm.cu; ops/layer_norm.h) ------------------------------------------------
// y = gain * x^ + bias for each row of x (rows, n). In the gradient dx += and rows_of_gain (rows, n) =
// dy * x^, whose sum over the rows is dgain; each may be null.
inline constexpr real kLayerNormEpsilon = static_cast<real>(1e-6);
void layer_norm(Index rows, Index n, const real* x, const real* gain, const real* bias, real* y);
void add_layer_norm_gradient(Index rows, Index n, const real* x, const real* gain, const real* dy, real* dx,
                             real* rows_of_gain);

// --- Multi-head attention (multi_head_attention.cu; ops/multi_head_attention.h) ---------------------------
// Weights of `all` heads, `heads` of each sentence, (all, queries, keys). lengths (sentences) or null for all
// keys; causal: query t has only the keys up to t.
struct HeadWeights {
  Index all, heads, queries, keys;
  double scale;  // of 8 bytes in both builds: a kernel's arguments have no padding
  Index causal;  // not 0: it is
  const std::int32_t* lengths;
};

// In place: scores become weights, softmax of scale e, exactly 0 elsewhere; dp becomes the gradient of the
// scores, scale p (dp - sum_j p_j dp_j).
void head_weights(const HeadWeights& w, real* e);
void head_weights_gradient(const HeadWeights& w, const real* p, real* dp);

// query (rows, d), keys and values (*, d): row r attends to rows picked[r * count + j], those that are not
// negative. alpha (rows, count), the mean over the heads, and context (rows, d).
struct PickedRows {
  Index rows, count, heads, d;
  double scale;
  const std::int32_t* picked;
};
void attend_to_rows(const PickedRows& o, const real* query, const real* keys, const real* values, real* alpha,
                    real* context);

// --- Positions (positions.cu; ops/positions.h) ------------------------------------------------------------
// y = factor x + PE(first + t) at step t, x (steps, batch, d).
void add_positions(Index steps, Index batch, Index d, real factor, Index first, const real* x, real* y);

// --- Softmax (softmax.cu; ops/softmax.h, ops/softmax_xent.h) -------------------------------------------
// y = softmax of the first lengths[r] (null: all n) entries of each row of x (rows, n), exactly 0 elsewhere.
void softmax(Index rows, Index n, const std::int32_t* lengths, const real* x, real* y);

// dx += y (dy - sum_k y_k dy_k) at those entries.
void add_softmax_gradient(Index rows, Index n, const std::int32_t* lengths, const real* y, const real* dy,
                          real* dx);

// loss (rows) = -sum_w q_w log p_w and log_sum (rows) = log sum_w e^logit_w, in one pass over the logits
// (rows, words). q = (1 - smoothing) [target] + smoothing / words. bias (words) or null is added to the
// logits. Rows with target < 0 have loss 0.
void softmax_xent(Index rows, Index words, const real* logits, const real* bias, const std::int32_t* targets,
                  double smoothing, real* loss, real* log_sum);

// dlogits = or += dloss (p - q); in rows without target = 0 or unchanged. dlogits may be the logits
// (without add).
void softmax_xent_gradient(Index rows, Index words, const real* logits, const real* bias,
                           const std::int32_t* targets, double smoothing, const real* log_sum,
                           const real* dloss, real* dlogits, bool add);

// For each row of logits (rows, words), with bias (words) or null added: log_sum = log sum_w e^logit_w, and
// the k largest allowed logits and their words, largest first, ties by word. Word `unk` is barred in every
// row unless negative, word `eos` in rows where bar_eos is not 0. If fewer than k words are allowed, the list
// is padded with word -1.
void top_k(Index rows, Index words, Index k, const real* logits, const real* bias, std::int32_t unk,
           std::int32_t eos, const std::int32_t* bar_eos, real* log_sum, real* top, std::int32_t* top_words);

// --- Products (gemm.cu) --------------------------------------------------------------------------------
// As in ops/gemm.h, with cuBLAS.
struct Operand {
  const real* data;
  Index stride;
  bool transposed;
};
void gemm(Index m, Index n, Index k, Operand a, Operand b, real* c, Index c_stride, bool add);

// `count` products; operand i starts i times the `_step` elements after the first.
void gemm_batched(Index count, Index m, Index n, Index k, Operand a, Index a_step, Operand b, Index b_step,
                  real* c, Index c_stride, Index c_step, bool add);

// --- Updates (optimizer.cu; nn/training/optimizer.h) ----------------------------------------------------
// The inputs of an update, from the host; one lies in device memory and is sent before each update.
struct Schedule {
  std::uint64_t later;  // added to the streams of random numbers
  double learn_rate;
  double clip_norm;       // 0: no clipping
  double average_weight;  // weight of the new parameters in the moving average
  real cost_scale;        // the gradient of the cost itself
  double adam_beta2 = 0.999, adam_epsilon = 1e-8;
};

// The results of an update.
struct Progress {
  double cost;           // of the minibatch, unscaled
  double norm;           // of the gradient
  double factor;         // of clipping
  std::int64_t applied;  // updates applied so far, including this one if it was: t of the rules
  std::int32_t ok;       // 1: cost and norm are finite, and the update is applied
};

// gradient (n), cost (1), *progress of the update before -> *progress. partial: kNormPartials doubles of
// scratch memory.
inline constexpr Index kNormPartials = 1024;
void measure(Index n, const real* gradient, const real* cost, const Schedule* schedule, double* partial,
             Progress* progress);

// Applies a rule of cuda/optimizer_rules.h, made from *schedule and *progress, to each of n elements: to
// read_i, the gradient (for Approach: the parameter), and to the blocks that it changes. Does nothing if
// progress->ok is 0. For Sgd, Adam, Adadelta and Approach.
template <class Rule, class... Blocks>
void update(Index n, const Schedule* schedule, const Progress* progress, const real* read,
            Blocks*... changed);

}  // namespace cuda
}  // namespace mininmt
