// A contiguous, row-major block of real numbers with a shape. Copies share the elements, like pointers.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tensor/memory.h"
#include "tensor/shape.h"
#include "tensor/types.h"

namespace mininmt {

class Tensor {
 public:
  Tensor() = default;                                                  // undefined: no elements and no memory
  explicit Tensor(const Shape& shape, Memory& memory = cpu_memory());  // contents undefined
  static Tensor zeros(const Shape& shape, Memory& memory = cpu_memory());
  static Tensor from(const Shape& shape,
                     const std::vector<real>& values);  // throws Error if the sizes differ

  bool defined() const { return data_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return defined() ? shape_.size() : 0; }
  real* data() const { return data_; }
  Memory& memory() const;                                          // throws Error if there is none
  bool on_cuda() const { return memory_ && !memory_->on_host(); }  // then the host must not access data()
  std::span<real> values() const;                                  // throws Error if they are on a device
  real item() const;  // the only element; throws Error if there are more

  // These share the elements with this tensor.
  Tensor slice(std::int64_t first,
               std::int64_t count) const;    // entries [first, first + count) of the first axis
  Tensor reshape(const Shape& shape) const;  // the same elements, the same order
  Tensor view(std::int64_t offset,
              const Shape& shape) const;  // shape.size() elements from element `offset` on

  bool sole_owner() const { return block_.use_count() == 1; }  // whether no other tensor shares the elements

  Tensor clone() const;             // a copy with its own elements
  Tensor to(Memory& memory) const;  // a copy in that memory, or the same elements if already there
  void set(const Tensor& x) const;  // copies the elements of x, which may be in another memory
  void fill(real value) const;

 private:
  Shape shape_;
  Memory* memory_ = nullptr;
  std::shared_ptr<void> block_;
  real* data_ = nullptr;
};

}  // namespace mininmt
