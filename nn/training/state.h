// The state of training, as its owners show it: what a checkpoint is made of.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace mininmt {

// Is shown every number and block of the state under its name, always in the same order, and reads or changes
// them.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;

  virtual void visit(const std::string& name, std::int64_t& number) = 0;
  virtual void visit(const std::string& name, double& number) = 0;

  // A block in the layout of the model's parameters, on any device.
  virtual void visit(const std::string& name, const Tensor& block) = 0;
};

}  // namespace mininmt
