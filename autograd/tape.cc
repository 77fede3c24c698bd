#include "autograd/tape.h"

#include <algorithm>

#include "tensor/error.h"

namespace mininmt {

const Tensor& Var::value() const { return tape->nodes_[id].value; }
const Shape& Var::shape() const { return value().shape(); }
bool Var::needs_gradient() const { return tape->nodes_[id].needs_gradient; }
const Tensor& Var::gradient() const { return tape->gradient(id); }
bool Var::has_gradient() const { return tape->has_gradient(id); }

bool Var::adopt_gradient(const Tensor& g) const {
  if (has_gradient()) return false;
  tape->nodes_[id].gradient = g;
  tape->nodes_[id].adopted = true;
  return true;
}

Var Tape::push(Node node) {
  nodes_.push_back(std::move(node));
  return {this, static_cast<int>(nodes_.size()) - 1};
}

Var Tape::leaf(const Parameter& parameter) {
  const auto known = leaves_.find(&parameter);
  if (known != leaves_.end()) return {this, known->second};
  Node node;
  node.value = parameter.value;
  node.parameter = &parameter;
  if (recording()) {
    node.gradient = Parameters::view(gradients_, parameter);
    node.needs_gradient = true;
  }
  const Var leaf = push(std::move(node));
  leaves_[&parameter] = leaf.id;
  return leaf;
}

Var Tape::constant(Tensor value) {
  Node node;
  node.value = std::move(value);
  return push(std::move(node));
}

Var Tape::record(const char* op, Tensor y, std::span<const Var> inputs, Backward backward) {
  for (Var x : inputs)
    if (x.tape != this && x.tape->recording())
      throw Error(join("[", op, "] an operand is on another tape that records: its gradient would be lost"));
  Node node;
  node.value = std::move(y);
  node.needs_gradient =
      recording() && std::any_of(inputs.begin(), inputs.end(), [](Var x) { return x.needs_gradient(); });
  if (node.needs_gradient) {
    node.backward = std::move(backward);
    note_uses(inputs);
  }
  return push(std::move(node));
}

void Tape::note_uses(std::span<const Var> inputs) {
  for (Var x : inputs) {
    if (x.tape != this) continue;
    const Node& node = nodes_[x.id];
    Node& whole = node.part_of >= 0 ? nodes_[node.part_of] : nodes_[x.id];
    if (whole.parameter && whole.first_use < 0) whole.first_use = static_cast<int>(nodes_.size());
  }
}

Var Tape::slice(Var x, std::int64_t first, std::int64_t count) {
  return push_part(x, x.value().slice(first, count));
}

Var Tape::slice_entry(Var x, std::int64_t i) {
  const Tensor one = x.value().slice(i, 1);
  return push_part(x, one.reshape(one.shape().without_first()));
}

Var Tape::push_part(Var x, Tensor value) {
  if (x.tape != this) throw Error("[slice] the operand is on another tape");
  const Node& source = nodes_[x.id];  // a slice of a slice is a slice of the whole
  Node node;
  node.needs_gradient = source.needs_gradient;
  node.part_of = source.part_of >= 0 ? source.part_of : x.id;
  node.part_offset = source.part_offset + (value.data() - source.value.data());
  node.value = std::move(value);
  return push(std::move(node));
}

void Tape::on_backward(std::initializer_list<Var> inputs, std::function<void()> work) {
  if (!recording()) return;
  note_uses(inputs);
  Node node;
  node.value = Tensor::zeros({});
  node.gradient = node.value;
  node.backward = [work = std::move(work)](const Tensor&, const Tensor&) { work(); };
  push(std::move(node));
}

const Tensor& Tape::gradient(int id) {
  Node& node = nodes_[id];
  if (!node.needs_gradient) throw Error("[Tape] a value that needs no gradient was asked for one");
  if (!node.gradient.defined()) {
    if (node.part_of >= 0)
      node.gradient = gradient(node.part_of).view(node.part_offset, node.value.shape());
    else
      node.gradient = Tensor::zeros(node.value.shape(), node.value.memory());
  }
  if (node.adopted) {
    if (!node.gradient.sole_owner()) node.gradient = node.gradient.clone();
    node.adopted = false;
  }
  return node.gradient;
}

// A slice has its part of the whole's gradient, which it cannot replace.
bool Tape::has_gradient(int id) const { return nodes_[id].gradient.defined() || nodes_[id].part_of >= 0; }

void Tape::backward(Var loss, const Tensor& factor) {
  if (loss.tape != this) throw Error("[backward] the loss is on another tape");
  if (loss.value().size() != 1)
    throw Error("[backward] the loss must be one number, its shape is " + loss.shape().to_string());
  if (!loss.needs_gradient())
    throw Error("[backward] the loss depends on no parameter, or the tape does not record");
  if (ran_backward_) throw Error("[backward] a tape runs backward once");
  ran_backward_ = true;
  if (factor.defined())
    loss.gradient().set(factor);
  else
    loss.gradient().fill(1);
  std::vector<const Node*> leaves;  // the last used one first
  for (const auto& [parameter, id] : leaves_) leaves.push_back(&nodes_[id]);
  std::sort(leaves.begin(), leaves.end(), [](const Node* a, const Node* b) {
    return a->first_use != b->first_use ? a->first_use > b->first_use
                                        : a->parameter->offset < b->parameter->offset;
  });
  std::size_t told = 0;
  for (int i = loss.id; i >= 0; --i) {
    run(nodes_[i]);
    for (; tell_final_ && told < leaves.size() && leaves[told]->first_use >= i; ++told)
      tell_final_(*leaves[told]->parameter);
  }
  for (; tell_final_ && told < leaves.size(); ++told) tell_final_(*leaves[told]->parameter);
}

void Tape::run(Node& node) {
  if (node.part_of >= 0) node.gradient = {};  // a view: the whole is freed in its own turn
  if (!node.backward) return;
  if (node.gradient.defined()) node.backward(node.value, node.gradient);
  node.backward = nullptr;
  node.gradient = {};
}

}  // namespace mininmt
