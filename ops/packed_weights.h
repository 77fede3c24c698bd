// Weights that stay as they are, for products on the CPU in translation: each is brought into the form that
// oneDNN multiplies by fastest once, not at each product, and may be rounded.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ops/gemm.h"

namespace mininmt {

// What a product x W^T is computed from; sums are exact (kInt8) or float32.
enum class WeightFormat {
  kFloat32,  // x and W as they are
  kBf16,     // x and W rounded to 8 significant bits
  kInt8      // W_j rounded to multiples of max |W_j| / 127 for each row j, x likewise for each row of x
};

// Why there are no such weights here; empty if there are.
std::string why_no_weights(WeightFormat format);

class PackedWeights {
 public:
  // While it lives, gemm() on the host takes second operands W^T, W a matrix (n, k) within `block`, from here;
  // each is packed at its first product. The block must not change, and others must not multiply meanwhile
  // when one is made or ends.
  PackedWeights(std::span<const real> block, WeightFormat format);
  ~PackedWeights();
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  std::size_t bytes() const;  // of what is packed so far

  // C (m, n) = A (m, k) B, or += with `add`, as gemm(), if a living object has B. Returns whether it has.
  // Throws OutOfMemory.
  static bool multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const Matrix& b,
                       real* c, std::int64_t c_stride, bool add);

 private:
  struct Packed;
  std::span<const real> block_;
  std::unique_ptr<Packed> packed_;
};

}  // namespace mininmt
