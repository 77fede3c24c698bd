// The attention step (MODEL.md 2; P eq. 5-6, A.1.2): score, masked softmax and context in one operation.
//   e_bj     = v . tanh(query_b + keys_jb)        additive score
//   e_bj     = query_b . keys_jb                  dot score
//   alpha_bj = softmax of e_b over the positions j < length_b; exactly 0 elsewhere
//   c_b      = sum_j alpha_bj values_jb
// Backward keeps alpha and recomputes the tanh. With u = tanh(query_b + keys_jb), from dc:
//   dvalues_jb += alpha_bj dc_b        dalpha_bj = dc_b . values_jb
//   de_bj = alpha_bj (dalpha_bj - sum_k alpha_bk dalpha_bk)
//   additive: dv += de_bj u        g = de_bj v (1 - u^2)        dquery_b += g        dkeys_jb += g
//   dot: dquery_b += de_bj keys_jb        dkeys_jb += de_bj query_b
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "autograd/tape.h"
#include "tensor/ids.h"

namespace mininmt {

struct Attended {
  Var context;   // (R, C)
  Tensor alpha;  // (R, S), the weights; of attend() each row sums to 1, of window() any
};

// Attention over the annotations of a batch. Create it before the loop over target words: on the GPU, dvalues
// and dv are products and sums over all steps, computed when backward() reaches that point.
class Attention {
 public:
  // keys (S, B, A), values (S, B, C), v (A) or none for the dot score, lengths (B).
  Attention(Var keys, Var values, std::optional<Var> v, Indices lengths);

  // query (R, A). In training row b attends to sentence b, and R = B, or on the CPU less, of the first
  // sentences; in search, where hypotheses share a sentence, row r attends to sentence sentence_of_row[r]
  // (without gradient).
  Attended operator()(Var query, const Indices& sentence_of_row = {}) const;

 private:
  struct Sums {  // over the steps, on the GPU
    std::vector<Tensor> alpha, dc;
    Tensor dv_rows;  // (B, A)
  };

  void check_query(Var query, const Indices& sentence_of_row) const;
  bool needs_gradient() const;
  bool v_needs_gradient() const { return v_ && v_->needs_gradient(); }
  const real* v_data() const { return v_ ? v_->value().data() : nullptr; }
  void forward(const Tensor& query, const Indices& sentence_of_row, const Tensor& alpha,
               const Tensor& context) const;
  void backward(Var query, const Tensor& alpha, const Tensor& dc) const;
  void backward_on_cuda(Var query, const Tensor& alpha, const Tensor& dc) const;
  static void add_sums(Var values, std::optional<Var> v, const Sums& sums);

  Var keys_, values_;
  std::optional<Var> v_;
  Indices lengths_;
  std::int64_t steps_, batch_, align_, context_;
  std::shared_ptr<Sums> sums_ = std::make_shared<Sums>();
};

// A single step.
Attended attend(Var query, Var keys, Var values, std::optional<Var> v, const Indices& lengths,
                const Indices& sentence_of_row = {});

}  // namespace mininmt
