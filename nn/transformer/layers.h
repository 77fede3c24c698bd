// The parts of the Transformer's layers (MODEL.md 9.9; Vaswani et al. 2017, 3.1 to 3.3). All take rows of d
// numbers, (..., d).
#pragma once

#include "nn/config.h"
#include "nn/training/noise.h"
#include "ops/elementwise.h"
#include "ops/layer_norm.h"
#include "ops/matmul.h"
#include "ops/multi_head_attention.h"

namespace mininmt {

// LN(x) = gain * (x - mean) / s + bias
class LayerNorm {
 public:
  LayerNorm(Parameters& parameters, const std::string& name, int d);
  Var operator()(Var x) const { return layer_norm(x, x.tape->leaf(gain_), x.tape->leaf(bias_)); }

 private:
  const Parameter &gain_, &bias_;
};

// Heads with their projections: W_Q, W_K, W_V, and W_O of their contexts side by side.
class MultiHead {
 public:
  MultiHead(Parameters& parameters, const std::string& name, const Config& config);

  int heads() const { return heads_; }
  Var queries(Var x) const { return times(W_Q_, x); }
  Var keys(Var x) const { return times(W_K_, x); }
  Var values(Var x) const { return times(W_V_, x); }
  Var output(Var contexts) const { return times(W_O_, contexts); }

  // x (T, B, d) attends to `read` (S, B, d).
  Var operator()(Var x, Var read, const Indices& lengths, bool causal) const {
    return output(multi_head_attention(queries(x), keys(read), values(read), heads_, lengths, causal));
  }

 private:
  static Var times(const Parameter& W, Var x) { return linear(x, x.tape->leaf(W)); }

  int heads_;
  const Parameter &W_Q_, &W_K_, &W_V_, &W_O_;
};

// W_2 max(0, W_1 x + b_1) + b_2
class FeedForward {
 public:
  FeedForward(Parameters& parameters, const std::string& name, const Config& config);
  Var operator()(Var x) const {
    const auto leaf = [&](const Parameter& p) { return x.tape->leaf(p); };
    return linear(relu(linear(x, leaf(W_1_), leaf(b_1_))), leaf(W_2_), leaf(b_2_));
  }

 private:
  const Parameter &W_1_, &b_1_, &W_2_, &b_2_;
};

// The residual connection around a function f: LN(x + dropout(f(x))), or with --norm pre
// x + dropout(f(LN(x))).
class Residual {
 public:
  // site: of the dropout.
  Residual(Parameters& parameters, const std::string& name, const Config& config, std::uint64_t site);

  template <class F>
  Var operator()(Var x, const Noise& noise, const F& f) const {
    const Var y = add(x, noise.apply(f(pre_ ? norm_(x) : x), dropout_, site_));
    return pre_ ? y : norm_(y);
  }

 private:
  bool pre_;
  double dropout_;
  std::uint64_t site_;
  LayerNorm norm_;
};

class EncoderLayer {
 public:
  // Takes two dropout sites from `site` on.
  EncoderLayer(Parameters& parameters, const std::string& name, const Config& config, std::uint64_t site);

  Var operator()(Var x, const Indices& lengths, const Noise& noise) const {
    x = around_self_(x, noise, [&](Var h) { return self_(h, h, lengths, false); });
    return around_feed_(x, noise, feed_);
  }

 private:
  MultiHead self_;
  FeedForward feed_;
  Residual around_self_, around_feed_;
};

class DecoderLayer {
 public:
  // Takes three dropout sites from `site` on.
  DecoderLayer(Parameters& parameters, const std::string& name, const Config& config, std::uint64_t site);

  const MultiHead& self() const { return self_; }
  const MultiHead& source() const { return source_; }

  // read_self(h): attention to the words so far; read_source(h): to the source.
  template <class ReadSelf, class ReadSource>
  Var operator()(Var x, const Noise& noise, const ReadSelf& read_self, const ReadSource& read_source) const {
    x = around_self_(x, noise, read_self);
    x = around_source_(x, noise, read_source);
    return around_feed_(x, noise, feed_);
  }

 private:
  MultiHead self_, source_;
  FeedForward feed_;
  Residual around_self_, around_source_, around_feed_;
};

}  // namespace mininmt
