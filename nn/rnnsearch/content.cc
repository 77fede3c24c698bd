// Content addressing of the Neural Turing Machine (MODEL.md 9.6; Graves, Wayne, Danihelka 2014, 3.3). The
// memory is the source: read, not written.
#include "nn/rnnsearch/attention.h"
#include "ops/addressing.h"
#include "ops/arrange.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/matmul.h"
#include "ops/normalize.h"
#include "ops/softmax.h"

namespace mininmt {
namespace {

// W s + b, a number or a few, used at every step.
struct Control {
  const Parameter &W, &b;  // W: a matrix, or a vector for one number
};

class StepControl {
 public:
  StepControl(Tape& tape, const Control& control)
      : W_(control.W.shape.rank() == 1 ? stack({tape.leaf(control.W)}) : tape.leaf(control.W)),
        b_(tape.leaf(control.b)) {}
  Var operator()(Var s) const { return add(linear(s, W_), b_); }

 private:
  StepWeight W_;
  Var b_;
};

// The two controls of content addressing.
struct ContentControls {
  Control k, beta;
};

// beta k / |k|, whose product with h / |h| is beta cos(k, h)
struct Query {
  Query(Tape& tape, const ContentControls& controls) : k(tape, controls.k), beta(tape, controls.beta) {}
  Var operator()(Var s) const { return normalize(k(s), softplus(beta(s))); }

  StepControl k, beta;
};

// k_i = W_k s_{i-1} + b_k        beta_i = softplus(w_b . s_{i-1} + b_b)
// w_ij = softmax over j of beta_i cos(k_i, h_j)        c_i = sum_j w_ij h_j
struct OverContent : Attending {
  OverContent(Tape& tape, const ContentControls& controls, const Encoded& encoded)
      : query(tape, controls),
        attend(normalize(encoded.annotations), encoded.annotations, {}, encoded.lengths) {}

  AttentionStep operator()(Var s, int, std::span<const Var>, const Indices& sentence_of_row) const override {
    const Attended attended = attend(query(s), sentence_of_row);
    return {attended.context, attended.alpha, {}};
  }

  Query query;
  Attention attend;
};

// The controls of what full addressing adds.
struct LocationControls {
  Control g, shift, gamma;
};

// The same w, then g = sigmoid(.), r = softmax(.), gamma = 1 + softplus(.), each (.) = W s_{i-1} + b
// v = g w + (1 - g) w_{i-1}        u_j = sum_o r_o v_{j-o}        w_i = softmax of gamma log(u + 1e-20)
// w_0 = 1 at j = 1        c_i = sum_j w_ij h_j
struct OverFull : Attending {
  OverFull(Tape& tape, const ContentControls& content, const LocationControls& location,
           const Encoded& encoded)
      : query(tape, content),
        g(tape, location.g),
        shift(tape, location.shift),
        gamma(tape, location.gamma),
        keys(normalize(encoded.annotations)),
        one(constant(tape, {1}, 1)),
        w_0(at_first(tape)),
        encoded(encoded) {}

  std::vector<Var> start() const override { return {w_0}; }

  AttentionStep operator()(Var s, int, std::span<const Var> memory,
                           const Indices& sentence_of_row) const override {
    const Indices lengths = lengths_of(s.shape()[0], sentence_of_row);
    const Var by_content = softmax(dot_scores(query(s), keys, sentence_of_row), lengths);
    const Addressing by{sigmoid(g(s)), softmax(shift(s)), add(softplus(gamma(s)), one)};
    const Var w = address(by_content, memory[0], by, lengths);
    return {weighted_sum(w, encoded.annotations, sentence_of_row), w.value(), {w}};
  }

 private:
  Var constant(Tape& tape, const Shape& shape, real value) const {
    const Tensor x(shape, keys.value().memory());
    x.fill(value);
    return tape.constant(x);
  }
  // 1 at j = 1, else 0
  Var at_first(Tape& tape) const {
    const std::int64_t S = keys.shape()[0], B = keys.shape()[1];
    const Var ones = constant(tape, {B, 1}, 1);
    return S == 1 ? ones : concat(ones, constant(tape, {B, S - 1}, 0));
  }
  // Of each row's sentence.
  Indices lengths_of(std::int64_t rows, const Indices& sentence_of_row) const {
    if (sentence_of_row.empty() && rows == keys.shape()[1]) return encoded.lengths;
    std::vector<std::int32_t> lengths;
    for (std::int64_t r = 0; r < rows; ++r)
      lengths.push_back(encoded.lengths[sentence_of_row.empty() ? r : sentence_of_row[r]]);
    return lengths;
  }

  Query query;
  StepControl g, shift, gamma;
  Var keys, one, w_0;
  Encoded encoded;
};

class Content : public AttentionModel {
 public:
  Content(const Config& config, Parameters& parameters, int annotation_size)
      : size_(config.integer("dim-rnn")),
        content_{control(parameters, "k", annotation_size, {0}), control(parameters, "b", 1, {4.993})} {
    if (config.text("addressing") == "full")  // mostly the content, in place
      location_.reset(new LocationControls{control(parameters, "g", 1, {2}),
                                           control(parameters, "shift", 3, {0, 2, 0}),
                                           control(parameters, "gamma", 1, {0})});
  }

  std::unique_ptr<Attending> over(Tape& tape, const Encoded& encoded) const override {
    if (location_) return std::make_unique<OverFull>(tape, content_, *location_, encoded);
    return std::make_unique<OverContent>(tape, content_, encoded);
  }

 private:
  // W_name (count, n), or w_name (n) for one number, and b_name (count), which starts at `bias`.
  Control control(Parameters& parameters, const std::string& name, std::int64_t count,
                  const std::vector<double>& bias) const {
    const Shape shape = count == 1 ? Shape{size_} : Shape{count, size_};
    return {
        parameters.add((count == 1 ? "attention.w_" : "attention.W_") + name, shape, Initial::normal(0.01)),
        parameters.add("attention.b_" + name, {count}, Initial::constants_of(bias))};
  }

  std::int64_t size_;
  ContentControls content_;
  std::unique_ptr<LocationControls> location_;
};

}  // namespace

AttentionKind content_addressing() {
  return {.name = "content",
          .help = "all annotations, by cosine (Neural Turing Machine)",
          .fields = {choice_field("addressing", {"content", "full"},
                                  "by content alone, or also by place: interpolation, shift and sharpening")},
          .bidirectional = true,
          .make = [](const Config& config, Parameters& parameters, int annotation_size) {
            return std::unique_ptr<AttentionModel>(new Content(config, parameters, annotation_size));
          }};
}

}  // namespace mininmt
