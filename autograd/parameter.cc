#include "autograd/parameter.h"

#include <algorithm>

#include "tensor/error.h"

namespace mininmt {

Parameter& Parameters::add(const std::string& name, const Shape& shape, const Initial& initial,
                           const std::vector<std::string>& parts) {
  if (values_.defined()) throw Error("[Parameters::add] " + name + " after allocate()");
  Parameter& p = parameters_.emplace_back(Parameter{name, shape, initial, {}, 0, {}});
  if (parts.empty()) {
    p.parts = {{name, 0, shape[0]}};
  } else {
    const std::int64_t rows = shape[0] / static_cast<std::int64_t>(parts.size());
    if (rows * static_cast<std::int64_t>(parts.size()) != shape[0])
      throw Error(join("[Parameters::add] ", name, ": ", shape[0], " rows do not divide among ", parts.size(),
                       " parts"));
    for (const std::string& part : parts)
      p.parts.push_back({part, rows * static_cast<std::int64_t>(p.parts.size()), rows});
  }
  return p;
}

void Parameters::allocate() {
  for (Parameter& p : parameters_) by_name_.push_back(&p);
  std::sort(by_name_.begin(), by_name_.end(), [](auto* a, auto* b) { return a->name < b->name; });
  std::int64_t size = 0;
  for (Parameter* p : by_name_) {
    p->offset = size;
    count_ += p->shape.size();
    size += (p->shape.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  values_ = Tensor::zeros({size});
  for (Parameter* p : by_name_) p->value = view(values_, *p);
}

void Parameters::move_to(Memory& memory) {
  values_ = values_.to(memory);
  for (Parameter* p : by_name_) p->value = view(values_, *p);
}

Tensor Parameters::new_gradients() const { return Tensor::zeros({size()}, values_.memory()); }

std::vector<std::int64_t> Parameter::shape_of(const Part& part) const {
  std::vector<std::int64_t> lengths{part.count};
  if (shape.rank() == 2) lengths.push_back(shape[1]);
  return lengths;
}

Tensor Parameters::view(const Tensor& block, const Parameter& p) { return block.view(p.offset, p.shape); }

}  // namespace mininmt
