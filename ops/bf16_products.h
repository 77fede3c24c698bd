// Products of bf16 operands with float32 sums on the CPU, for training: all else stays
// float32, but that the output layer's gradient is kept in bf16 (output_losses.cc).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ops/bf16.h"
#include "ops/gemm.h"

namespace mininmt {

// Why this CPU multiplies no faster in bf16; empty if it does.
std::string why_no_bf16();

// Whether products in bf16 can be computed here at all, at whatever speed.
bool can_multiply_bf16();

class Bf16Products {
 public:
  // weights: matrices that are second operands of many products. Each is rounded and packed at its first.
  explicit Bf16Products(std::span<const real> weights);
  ~Bf16Products();
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

  // While it lives, gemm() on the host, on all threads, rounds both operands to 8 significant bits. One at a
  // time; the weights must not change meanwhile, and may have changed since the last.
  class Use {
   public:
    explicit Use(Bf16Products& products);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  // While it lives, this thread's products are exact again.
  class Exactly {
   public:
    Exactly();
    ~Exactly();
    Exactly(const Exactly&) = delete;
    Exactly& operator=(const Exactly&) = delete;
  };

  // Whether gemm() on the host rounds here: a Use lives, and no Exactly on this thread.
  static bool round_here();

  // The next multiple of 16, or of `multiple`, where it rounds; else `rows`. oneDNN makes a kernel for each
  // shape, in some 0.4 ms, so numbers of rows that differ all the time are best padded to this.
  static std::int64_t padded(std::int64_t rows, std::int64_t multiple = 16) {
    return round_here() ? (rows + multiple - 1) / multiple * multiple : rows;
  }

  // C (m, n) = A (m, k) B (k, n), or += with `add`, as gemm(), where it rounds. Returns whether it computed it.
  // Throws OutOfMemory.
  static bool multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const Matrix& b,
                       real* c, std::int64_t c_stride, bool add);

  // The same of an A that was rounded before, without gaps: (m, k), or with `transposed` (k, m). Only where
  // round_here().
  static void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Bf16* a, bool transposed,
                       const Matrix& b, real* c, std::int64_t c_stride, bool add);

  // The same where both were rounded before.
  static void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Bf16* a, bool a_transposed,
                       const Bf16* b, bool b_transposed, real* c, std::int64_t c_stride, bool add);

 private:
  struct Kernels;
  std::span<const real> weights_;
  std::unique_ptr<Kernels> kernels_;
};

}  // namespace mininmt
