#include "tensor/tensor.h"

#include <algorithm>

#include "tensor/error.h"

namespace mininmt {

Tensor::Tensor(const Shape& shape, Memory& memory) : shape_(shape), memory_(&memory) {
  const std::size_t bytes = static_cast<std::size_t>(shape.size()) * sizeof(real);
  block_ = std::shared_ptr<void>(memory.allocate(bytes),
                                 [&memory, bytes](void* block) { memory.release(block, bytes); });
  data_ = static_cast<real*>(block_.get());
}

Tensor Tensor::zeros(const Shape& shape, Memory& memory) {
  Tensor result(shape, memory);
  result.fill(0);
  return result;
}

Tensor Tensor::from(const Shape& shape, const std::vector<real>& values) {
  if (static_cast<std::int64_t>(values.size()) != shape.size())
    throw Error(join("[Tensor::from] ", values.size(), " values for shape ", shape.to_string()));
  Tensor result(shape);
  std::copy(values.begin(), values.end(), result.data_);
  return result;
}

Memory& Tensor::memory() const {
  if (!memory_) throw Error("[Tensor::memory] the tensor is undefined");
  return *memory_;
}

std::span<real> Tensor::values() const {
  if (on_cuda()) throw Error("[Tensor::values] the elements are on the GPU");
  return {data_, static_cast<std::size_t>(size())};
}

real Tensor::item() const {
  if (size() != 1)
    throw Error("[Tensor::item] one element expected, " +
                (defined() ? "shape is " + shape_.to_string() : std::string("the tensor is undefined")));
  real value;
  memory_->to_host(&value, data_, sizeof value);
  return value;
}

Tensor Tensor::slice(std::int64_t first, std::int64_t count) const {
  if (shape_.rank() == 0 || first < 0 || count < 0 || first + count > shape_[0])
    throw Error(join("[Tensor::slice] entries ", first, " to ", first + count, " of ", shape_.to_string()));
  Tensor result = *this;
  result.shape_ = shape_.with_first(count);
  result.data_ = data_ + first * shape_.row_size();
  return result;
}

Tensor Tensor::reshape(const Shape& shape) const {
  if (shape.size() != size())
    throw Error("[Tensor::reshape] " + shape_.to_string() + " into " + shape.to_string());
  Tensor result = *this;
  result.shape_ = shape;
  return result;
}

Tensor Tensor::view(std::int64_t offset, const Shape& shape) const {
  if (offset < 0 || offset + shape.size() > size())
    throw Error(
        join("[Tensor::view] ", shape.to_string(), " from element ", offset, " of ", shape_.to_string()));
  Tensor result = *this;
  result.shape_ = shape;
  result.data_ = data_ + offset;
  return result;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor result(shape_, *memory_);
  result.set(*this);
  return result;
}

Tensor Tensor::to(Memory& memory) const {
  if (!defined() || &memory == memory_) return *this;
  Tensor result(shape_, memory);
  result.set(*this);
  return result;
}

void Tensor::set(const Tensor& x) const {
  if (x.size() != size())
    throw Error(join("[Tensor::set] ", size(), " elements, shape ", shape_.to_string(), ", from ", x.size(),
                     ", shape ", x.shape_.to_string()));
  if (x.data_ == data_ || size() == 0) return;
  const std::size_t bytes = static_cast<std::size_t>(size()) * sizeof(real);
  if (x.memory_ == memory_)
    memory_->copy(data_, x.data_, bytes);
  else if (x.memory_->on_host())
    memory_->from_host(data_, x.data_, bytes);
  else if (memory_->on_host())
    x.memory_->to_host(data_, x.data_, bytes);
  else
    throw Error("[Tensor::set] from one device to another");
}

void Tensor::fill(real value) const {
  if (size() > 0) memory_->fill(data_, size(), value);
}

}  // namespace mininmt
