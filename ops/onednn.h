// What the products of oneDNN share: descriptions of operands, kernels, memory to work in. Only in builds with
// oneDNN; double has none.
#pragma once

#if defined(MININMT_ONEDNN) && !defined(MININMT_DOUBLE)
#define MININMT_USES_ONEDNN

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <dnnl.hpp>
#include <vector>

namespace mininmt::onednn {

using Type = dnnl::memory::data_type;

const dnnl::engine& engine();

// Call it before kernels are made, some of them at their first product: where oneDNN 2.6 gets no memory for one,
// the program crashes. Throws OutOfMemory.
void want_room_for_kernels();

// A matrix (rows, columns) whose rows begin `stride` elements apart, or with `transposed` its columns.
dnnl::memory::desc matrix_of(std::int64_t rows, std::int64_t columns, Type type, std::int64_t stride,
                             bool transposed = false);

struct Product {
  dnnl::matmul::primitive_desc facts;
  dnnl::matmul primitive;
};

// The kernel of C = A B, or += with `add`. Throws dnnl::error and OutOfMemory.
Product product_of(const dnnl::memory::desc& a, const dnnl::memory::desc& b, const dnnl::memory::desc& c,
                   bool add);

// Computes it, in a scratchpad of this thread.
void multiply(const Product& product, const void* a, const void* b, void* c);

// The matrix at `values`, in the form of `to`.
void reorder(const void* values, const dnnl::memory::desc& form, dnnl::memory& to);

// Room of this thread for `size` elements, one for each type and number.
template <class T, int kNumber = 0>
T* buffer(std::int64_t size) {
  thread_local std::vector<T> values;
  values.resize(std::max(values.size(), static_cast<std::size_t>(size)));
  return values.data();
}

// OutOfMemory, or another Error that names the product and the caller.
[[noreturn]] void refuse(const char* caller, std::int64_t m, std::int64_t n, std::int64_t k,
                         dnnl_status_t status);

}  // namespace mininmt::onednn

#endif
