// The parameters of a model, in one block in the order of their names, so that clipping, an optimizer's
// update or a moving average is one pass. Gradients are blocks of the same layout, one per part of a
// minibatch.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace mininmt {

// The initial value of a parameter (P B.1).
struct Initial {
  enum class Kind { kConstants, kUniform, kNormal, kOrthogonal, kIdentity };
  Kind kind = Kind::kConstants;
  double deviation = 0;                 // of a normal distribution around 0; the largest, of a uniform one
  std::vector<double> constants = {0};  // each for an equal share of the rows

  static Initial zeros() { return {}; }
  // The first rows are all c_1, the next as many c_2, etc.
  static Initial constants_of(std::vector<double> constants) {
    return {Kind::kConstants, 0, std::move(constants)};
  }
  // U(-most, most), added to such constants.
  static Initial uniform(double most, std::vector<double> constants = {0}) {
    return {Kind::kUniform, most, std::move(constants)};
  }
  static Initial normal(double deviation) { return {Kind::kNormal, deviation, {}}; }
  // Random orthogonal, each (square) part separately: the left singular vectors of a Gaussian matrix.
  static Initial orthogonal() { return {Kind::kOrthogonal, 0, {}}; }
  // Each (square) part is the identity.
  static Initial identity() { return {Kind::kIdentity, 0, {}}; }
};

// Rows [first, first + count) of a parameter, under the paper's symbol: "encoder.forward.W_z" is a third of
// "encoder.forward.W". Model files hold parts.
struct Part {
  std::string name;
  std::int64_t first, count;
};

struct Parameter {
  std::string name;
  Shape shape;
  Initial initial;
  std::vector<Part> parts;
  std::int64_t offset = 0;  // of its first element in the block
  Tensor value;             // a view of the block

  std::vector<std::int64_t> shape_of(const Part& part) const;  // as in files: (rows) or (rows, columns)
};

class Parameters {
 public:
  // A matrix (rows, columns), or a vector if `shape` has one dimension. With part names, the rows are divided
  // evenly among them; without, the parameter is stored under its own name. The reference stays valid.
  Parameter& add(const std::string& name, const Shape& shape, const Initial& initial = Initial::zeros(),
                 const std::vector<std::string>& parts = {});

  // Lays out the block, all zeros. Call it once, after the last add().
  void allocate();

  // Sets the initial values, a function of seed and part names. The block must be on the host.
  void initialize(std::uint64_t seed);

  // Moves the block to that memory. Tensors returned before stay where they were.
  void move_to(Memory& memory);

  // Every parameter starts at a multiple of this in the block, for wide memory accesses and the matrix
  // libraries. The gaps are zero and stay zero.
  static constexpr std::int64_t kAlignment = 64;

  const Tensor& values() const { return values_; }      // (size)
  std::int64_t size() const { return values_.size(); }  // of the block
  std::int64_t count() const { return count_; }         // of the parameters, without gaps
  const std::vector<Parameter*>& all() const {
    return by_name_;
  }  // in the order of the block, after allocate()
  const std::deque<Parameter>& declared() const { return parameters_; }  // in the order of add()

  Tensor new_gradients() const;                               // (size), zeros, in the same memory
  static Tensor view(const Tensor& block, const Parameter&);  // the parameter's part of such a block

 private:
  std::deque<Parameter> parameters_;
  std::vector<Parameter*> by_name_;
  std::int64_t count_ = 0;
  Tensor values_;
};

}  // namespace mininmt
