#include "ops/packed_weights.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "ops/bf16.h"
#include "ops/bf16_products.h"
#include "ops/onednn.h"
#include "tensor/parallel.h"

namespace mininmt {

#ifdef MININMT_USES_ONEDNN
namespace {

using onednn::Type;

// Products of more rows gain little over gemm()'s own packing, which needs no memory that stays.
constexpr std::int64_t kMostRowsInFloat32 = 64;

// Kernels kept, one for each shape of a product; scoring has new numbers of rows all the time.
constexpr std::size_t kMostProducts = 1000;

// What int8 products add to a rounded x so that it has no sign, which is what the CPU multiplies.
constexpr int kZero = 128;
constexpr float kLargest = 127;

// x_i is near scale (q_i - kZero), scale = max |x| / 127. NaN if x is not finite.
MININMT_VECTORIZED float quantize(std::int64_t n, const float* x, std::uint8_t* q) {
  constexpr std::uint32_t kSign = 0x80000000, kInfinity = 0x7f800000;
  std::uint32_t largest_bits = 0;  // without their signs, floats are ordered as their bits
#pragma omp simd reduction(max : largest_bits)
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x[i]) & ~kSign;
    largest_bits = largest_bits > bits ? largest_bits : bits;
  }
  const bool finite = largest_bits < kInfinity;
  const float largest = std::bit_cast<float>(largest_bits),
              factor = finite && largest > 0 ? kLargest / largest : 0;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    q[i] = static_cast<std::uint8_t>(static_cast<int>((finite ? x[i] : 0) * factor + (kZero + 0.5F)));
  return finite ? largest / kLargest : std::numeric_limits<float>::quiet_NaN();
}

// y_j = or += scale * scales_j (sums_j - offsets_j)
MININMT_VECTORIZED void dequantize(std::int64_t n, const std::int32_t* sums, const std::int32_t* offsets,
                                   float scale, const float* scales, float* y, bool add) {
  if (add) {
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) y[j] += scale * scales[j] * static_cast<float>(sums[j] - offsets[j]);
  } else {
#pragma omp simd
    for (std::int64_t j = 0; j < n; ++j) y[j] = scale * scales[j] * static_cast<float>(sums[j] - offsets[j]);
  }
}

// Whether products of 8 bits are exact: without instructions for them, a CPU keeps 16 bits of a sum.
bool int8_is_exact() {
  constexpr std::int64_t k = 64, n = 32;
  std::vector<std::uint8_t> x(k, 2 * kZero - 1);
  std::vector<std::int8_t> W(n * k, 127);
  std::vector<std::int32_t> y(n);
  const auto product = onednn::product_of(onednn::matrix_of(1, k, Type::u8, k),
                                          {{k, n}, Type::s8, dnnl::memory::format_tag::any},
                                          onednn::matrix_of(1, n, Type::s32, n), false);
  dnnl::memory packed(product.facts.weights_desc(), onednn::engine());
  onednn::reorder(W.data(), onednn::matrix_of(k, n, Type::s8, k, true), packed);
  onednn::multiply(product, x.data(), packed.get_data_handle(), y.data());
  return std::all_of(y.begin(), y.end(), [](std::int32_t sum) { return sum == 127 * (2 * kZero - 1) * k; });
}

// Those that live.
std::vector<const PackedWeights*>& all() {
  static std::vector<const PackedWeights*> living;
  return living;
}

}  // namespace

struct PackedWeights::Packed {
  using Shape = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool>;

  // A matrix W (n, k). oneDNN may want another form for another number of rows. Other threads may multiply by
  // what is there.
  struct Weight {
    std::deque<dnnl::memory> forms;
    std::vector<float> scales;          // int8: of each row
    std::vector<std::int32_t> offsets;  // int8: kZero times the sum of each row's multiples
  };

  explicit Packed(WeightFormat format)
      : input(format == WeightFormat::kInt8   ? Type::u8
              : format == WeightFormat::kBf16 ? Type::bf16
                                              : Type::f32) {}

  struct Place {
    const Weight* weight;
    const void* packed;
  };
  // The kernel and the weight in the form that it wants.
  std::pair<onednn::Product, Place> find(const Shape& shape, const float* W);
  onednn::Product product(const Shape& shape);
  const dnnl::memory& form(Weight& weight, const dnnl::memory::desc& wanted, const float* W, std::int64_t n,
                           std::int64_t k);
  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const float* W, float* c,
                std::int64_t c_stride, bool add);
  void multiply_int8(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const float* W,
                     float* c, std::int64_t c_stride, bool add);

  const Type input;
  std::mutex mutex;
  std::map<Shape, onednn::Product> products;
  std::map<std::tuple<const float*, std::int64_t, std::int64_t>, Weight> weights;  // by place, n, k
};

onednn::Product PackedWeights::Packed::product(const Shape& shape) {
  if (const auto found = products.find(shape); found != products.end()) return found->second;
  if (products.size() == kMostProducts) products.clear();
  const auto& [m, n, k, a_stride, c_stride, add] = shape;
  const bool is_int8 = input == Type::u8;
  const dnnl::memory::desc any({k, n}, is_int8 ? Type::s8 : input, dnnl::memory::format_tag::any);
  const auto product =
      onednn::product_of(onednn::matrix_of(m, k, input, a_stride), any,
                         onednn::matrix_of(m, n, is_int8 ? Type::s32 : Type::f32, c_stride), add);
  return products.emplace(shape, product).first->second;
}

const dnnl::memory& PackedWeights::Packed::form(Weight& weight, const dnnl::memory::desc& wanted,
                                                const float* W, std::int64_t n, std::int64_t k) {
  for (const dnnl::memory& form : weight.forms)
    if (form.get_desc() == wanted) return form;
  std::vector<std::int8_t> int8;
  std::vector<Bf16> bf16;
  const void* rounded = W;
  if (input == Type::u8) {
    int8.resize(static_cast<std::size_t>(n * k));
    std::vector<std::uint8_t> row(k);
    std::vector<float> scales(n);
    std::vector<std::int32_t> offsets(n, 0);
    for (std::int64_t j = 0; j < n; ++j) {
      scales[j] = quantize(k, W + j * k, row.data());
      for (std::int64_t i = 0; i < k; ++i) {
        int8[j * k + i] = static_cast<std::int8_t>(row[i] - kZero);
        offsets[j] += kZero * int8[j * k + i];
      }
    }
    if (weight.forms.empty()) weight.scales = std::move(scales), weight.offsets = std::move(offsets);
    rounded = int8.data();
  } else if (input == Type::bf16) {
    bf16.resize(static_cast<std::size_t>(n * k));
    round_to_bf16(n * k, W, bf16.data());
    rounded = bf16.data();
  }
  const Type type = input == Type::u8 ? Type::s8 : input;
  dnnl::memory& packed = weight.forms.emplace_back(wanted, onednn::engine());
  onednn::reorder(rounded, onednn::matrix_of(k, n, type, k, true), packed);
  return packed;
}

std::pair<onednn::Product, PackedWeights::Packed::Place> PackedWeights::Packed::find(const Shape& shape,
                                                                                     const float* W) {
  const std::lock_guard lock(mutex);
  const auto& [m, n, k, a_stride, c_stride, add] = shape;
  const onednn::Product product = this->product(shape);
  Weight& weight = weights[{W, n, k}];
  return {product, {&weight, form(weight, product.facts.weights_desc(), W, n, k).get_data_handle()}};
}

void PackedWeights::Packed::multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a,
                                     const float* W, float* c, std::int64_t c_stride, bool add) {
  const void* x = a.data;
  if (input == Type::bf16) {
    Bf16* const rows = onednn::buffer<Bf16>(m * k);
    for (std::int64_t i = 0; i < m; ++i) round_to_bf16(k, a.data + i * a.stride, rows + i * k);
    x = rows;
  }
  const auto [product, place] = find({m, n, k, input == Type::f32 ? a.stride : k, c_stride, add}, W);
  onednn::multiply(product, x, place.packed, c);
}

// A few rows at a time, so that sums are still in the cache when they are read.
void PackedWeights::Packed::multiply_int8(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a,
                                          const float* W, float* c, std::int64_t c_stride, bool add) {
  constexpr std::int64_t kSums = std::int64_t{1} << 17, kLeastRows = 16;
  const std::int64_t at_once = std::min(m, std::max(kSums / n, kLeastRows));
  std::uint8_t* const x = onednn::buffer<std::uint8_t>(at_once * k);
  std::int32_t* const sums = onednn::buffer<std::int32_t>(at_once * n);
  std::vector<float> scales(static_cast<std::size_t>(at_once));
  for (std::int64_t first = 0; first < m; first += at_once) {
    const std::int64_t rows = std::min(at_once, m - first);
    for (std::int64_t i = 0; i < rows; ++i)
      scales[i] = quantize(k, a.data + (first + i) * a.stride, x + i * k);
    const auto [product, place] = find({rows, n, k, k, n, false}, W);
    onednn::multiply(product, x, place.packed, sums);
    for (std::int64_t i = 0; i < rows; ++i)
      dequantize(n, sums + i * n, place.weight->offsets.data(), scales[i], place.weight->scales.data(),
                 c + (first + i) * c_stride, add);
  }
}

std::string why_no_weights(WeightFormat format) {
  if (format == WeightFormat::kBf16) return why_no_bf16();
  if (format == WeightFormat::kInt8 && !int8_is_exact())
    return "this CPU has no instructions for products of 8 bits (VNNI)";
  return "";
}

PackedWeights::PackedWeights(std::span<const real> block, WeightFormat format)
    : block_(block), packed_(std::make_unique<Packed>(format)) {
  all().push_back(this);
}

PackedWeights::~PackedWeights() { std::erase(all(), this); }

std::size_t PackedWeights::bytes() const {
  std::size_t sum = 0;
  for (const auto& [place, weight] : packed_->weights) {
    for (const dnnl::memory& form : weight.forms) sum += form.get_desc().get_size();
    sum += (sizeof(float) + sizeof(std::int32_t)) * weight.scales.size();
  }
  return sum;
}

bool PackedWeights::multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const Matrix& b,
                             real* c, std::int64_t c_stride, bool add) {
  for (const PackedWeights* living : all()) {
    const std::span<const real> block = living->block_;
    if (b.data < block.data() || b.data >= block.data() + block.size()) continue;
    if (!b.transposed || b.stride != k || a.transposed || k == 0) return false;
    if (living->packed_->input == Type::f32 && m > kMostRowsInFloat32) return false;
    try {
      Packed& packed = *living->packed_;
      if (packed.input == Type::u8)
        packed.multiply_int8(m, n, k, a, b.data, c, c_stride, add);
      else
        packed.multiply(m, n, k, a, b.data, c, c_stride, add);
    } catch (const dnnl::error& error) {
      onednn::refuse("PackedWeights", m, n, k, error.status);
    }
    return true;
  }
  return false;
}

#else

struct PackedWeights::Packed {};

std::string why_no_weights(WeightFormat format) {
  return format == WeightFormat::kFloat32 ? "" : "this program was built without oneDNN";
}

PackedWeights::PackedWeights(std::span<const real> block, WeightFormat) : block_(block) {}
PackedWeights::~PackedWeights() = default;
std::size_t PackedWeights::bytes() const { return 0; }
bool PackedWeights::multiply(std::int64_t, std::int64_t, std::int64_t, const Matrix&, const Matrix&, real*,
                             std::int64_t, bool) {
  return false;
}

#endif

}  // namespace mininmt
