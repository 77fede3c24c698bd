// How the context c_i is computed: the difference between RNNsearch and its variants (MODEL.md 2, 9). The
// fixed vector also has no backward encoder, and so another s_0.
// Each kind is a file and a row of attention_kinds(). Those that mix the predictions of positions instead of
// reading a context (MODEL.md 9.3, 9.4) make a model of their own.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "nn/config.h"
#include "nn/model.h"
#include "nn/rnnsearch/encoder.h"

namespace mininmt {

// The result of attention at step i of the decoder.
struct AttentionStep {
  Var context;              // c_i (R, C)
  Tensor alpha;             // (R, S) the weights of the annotations
  std::vector<Var> memory;  // state carried to the next step, (R, ...) each
};

// Attention over one batch of encoded sentences.
class Attending {
 public:
  virtual ~Attending() = default;

  // The initial memory, one row per sentence.
  virtual std::vector<Var> start() const { return {}; }

  // From s_{i-1} (R, n); i counts from 1. Row r belongs to sentence sentence_of_row[r], or r if that is
  // empty; there may be fewer rows than sentences then, and fewer than in the step before.
  virtual AttentionStep operator()(Var s, int i, std::span<const Var> memory,
                                   const Indices& sentence_of_row) const = 0;
};

// A kind of attention with its parameters.
class AttentionModel {
 public:
  virtual ~AttentionModel() = default;

  // Computes what depends only on the source, once per batch. Call it before the loop over target words.
  virtual std::unique_ptr<Attending> over(Tape& tape, const Encoded& encoded) const = 0;
};

struct AttentionKind {
  std::string name;  // --alignment-model, and in model files
  std::string help;  // what a decoder step reads
  std::vector<Field> fields;
  bool bidirectional;  // whether the encoder has a backward GRU, so annotations are 2n wide
  std::unique_ptr<AttentionModel> (*make)(const Config& config, Parameters& parameters, int annotation_size);
  // Of kinds that mix predictions, instead of `make`; else null.
  std::unique_ptr<Model> (*make_model)(const Config& config) = nullptr;
};

AttentionKind additive_attention();
AttentionKind fixed_vector();
AttentionKind diagonal_attention();
AttentionKind window_attention();
AttentionKind content_addressing();
AttentionKind hops_attention();
AttentionKind hard_attention();
AttentionKind transducer();

const std::vector<AttentionKind>& attention_kinds();
const AttentionKind& find_attention_kind(const std::string& name);  // throws UsageError

// n', used by several kinds.
Field dim_align_field();

// alpha (R, S) that is 1 at position(b), from 0, in rows of sentence b, and else 0. On the host.
Tensor one_hot_alpha(const Encoded& encoded, std::int64_t rows, const Indices& sentence_of_row,
                     const std::function<std::int64_t(std::int64_t)>& position);

}  // namespace mininmt
