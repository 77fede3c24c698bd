// Reverse-mode differentiation. A tape is a vector of nodes in creation order; backward() runs it in reverse.
// It lives for one batch and is freed without recursion.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <unordered_map>
#include <vector>

#include "autograd/parameter.h"
#include "tensor/tensor.h"

namespace mininmt {

class Tape;

// A value on a tape; cheap to copy. Valid as long as the tape.
struct Var {
  Tape* tape = nullptr;
  int id = -1;

  const Tensor& value() const;
  const Shape& shape() const;
  bool needs_gradient() const;
  // Where backward functions add: dL/d(value), initially zero. Only for a Var that needs a gradient.
  const Tensor& gradient() const;
  // Makes g the gradient, without a copy, if nothing has been added to it yet; returns whether it did. g may
  // be shared: later additions go to a copy.
  bool adopt_gradient(const Tensor& g) const;
  // Whether adopt_gradient() would decline.
  bool has_gradient() const;
};

class Tape {
 public:
  // Called with the node's value and its gradient; adds to the gradients of the node's inputs.
  using Backward = std::function<void(const Tensor& y, const Tensor& dy)>;

  Tape() = default;  // values only: nothing is kept for backward
  explicit Tape(Tensor gradients)
      : gradients_(std::move(gradients)) {}  // block of Parameters::new_gradients()
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  bool recording() const { return gradients_.defined(); }

  Var leaf(const Parameter& parameter);  // the same Var each time; backward adds to the parameter's gradient
  Var constant(Tensor value);

  // The result y of operation `op`. The backward function is kept if the tape records and an input needs a
  // gradient. Throws Error, naming `op`, if an input is on another recording tape: gradients added there
  // would not reach the parameters. A value of a non-recording tape is a constant.
  Var record(const char* op, Tensor y, std::span<const Var> inputs, Backward backward);
  Var record(const char* op, Tensor y, std::initializer_list<Var> inputs, Backward backward) {
    return record(op, std::move(y), std::span(inputs.begin(), inputs.size()), std::move(backward));
  }

  // Both share the value and gradient of x, which is on this tape: entries [first, first + count) of the
  // first axis; entry i, without that axis.
  Var slice(Var x, std::int64_t first, std::int64_t count);
  Var slice_entry(Var x, std::int64_t i);

  // Runs `work`, which adds to the gradients of `inputs`, when backward() reaches this point, i.e. after
  // everything recorded later.
  void on_backward(std::initializer_list<Var> inputs, std::function<void()> work);

  // backward() tells of each parameter, once, when nothing adds to its gradient any more.
  void on_final(std::function<void(const Parameter&)> tell) { tell_final_ = std::move(tell); }

  // Adds dL/dp to the gradient of every parameter p; L has one element. With `factor` (one element, in the
  // memory of L), of factor * L. Frees closures and gradients on the way, so it can run only once.
  void backward(Var loss, const Tensor& factor = {});

  std::size_t size() const { return nodes_.size(); }

 private:
  friend struct Var;
  struct Node {
    Tensor value;
    Tensor gradient;       // undefined until something adds to it
    bool adopted = false;  // the gradient may be shared with another value or operation
    Backward backward;
    bool needs_gradient = false;
    int part_of = -1;  // the node whose gradient this one is a view of, from element part_offset on
    std::int64_t part_offset = 0;
    const Parameter* parameter = nullptr;  // of a leaf
    int first_use = -1;                    // of a leaf: the first node that adds to its gradient
  };

  Var push(Node node);
  void note_uses(std::span<const Var> inputs);  // by the node that is pushed next
  void run(Node& node);
  Var push_part(Var x, Tensor value);
  const Tensor& gradient(int id);
  bool has_gradient(int id) const;

  std::vector<Node> nodes_;
  std::unordered_map<const Parameter*, int> leaves_;
  Tensor gradients_;
  std::function<void(const Parameter&)> tell_final_;
  bool ran_backward_ = false;
};

}  // namespace mininmt
