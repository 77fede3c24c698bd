// The parameters of a model: all of them in one block in the order of their names, so that clipping, an
// optimiser's update or an average is one pass. Gradients live in blocks of the same layout, one for each
// shard of a minibatch.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace mininmt {

// Rows [first, first + count) of a parameter under the paper's symbol: "encoder.forward.W_z" is a third of
// "encoder.forward.W". A model file holds the parts.
struct Part {
  std::string name;
  std::int64_t first, count;
};

struct Parameter {
  std::string name;
  Shape shape;
  std::vector<Part> parts;
  std::int64_t offset = 0;  // of its first element in the block
  Tensor value;             // a view of the block
};

class Parameters {
 public:
  // A matrix (rows, columns), or a vector if `shape` has one dimension. With part names its rows are divided
  // evenly among them; without, the parameter is stored under its own name. The reference stays valid.
  Parameter& add(const std::string& name, const Shape& shape, const std::vector<std::string>& parts = {});

  // Lays out the block; to be called once, after the last add().
  void allocate();

  // Moves the block to that memory. Tensors that were handed out before stay where they were.
  void move_to(Memory& memory);

  // Every parameter starts at a multiple of this in the block, as wide memory accesses and the libraries that
  // multiply matrices like it. What lies between is zero and stays so.
  static constexpr std::int64_t kAlignment = 64;

  const Tensor& values() const { return values_; }                 // (size)
  std::int64_t size() const { return values_.size(); }             // of the block
  std::int64_t count() const { return count_; }                    // of the parameters alone
  const std::vector<Parameter*>& all() const { return by_name_; }  // in the order of the block

  Tensor new_gradients() const;                               // (size), zeros, in the same memory
  static Tensor view(const Tensor& block, const Parameter&);  // the parameter's share of such a block

 private:
  std::deque<Parameter> parameters_;
  std::vector<Parameter*> by_name_;
  std::int64_t count_ = 0;
  Tensor values_;
};

}  // namespace mininmt
