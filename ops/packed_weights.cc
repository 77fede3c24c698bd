#include "ops/packed_weights.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "tensor/error.h"
#include "tensor/parallel.h"

#if defined(MININMT_ONEDNN) && !defined(MININMT_DOUBLE)
#define USE_ONEDNN
#include <deque>
#include <dnnl.hpp>
#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>
#endif

namespace mininmt {

#ifdef USE_ONEDNN
namespace {

using Type = dnnl::memory::data_type;

// Products of more rows gain little over gemm()'s own packing, which needs no memory that stays.
constexpr std::int64_t kMostRowsInFloat32 = 64;

// Kernels kept, one for each shape of a product; scoring has new numbers of rows all the time.
constexpr std::size_t kMostProducts = 1000;

// What int8 products add to a rounded x so that it has no sign, which is what the CPU multiplies.
constexpr int kZero = 128;
constexpr float kLargest = 127;

// x_i is near scale (q_i - kZero), scale = max |x| / 127. NaN if x is not finite.
MININMT_VECTORIZED float quantize(std::int64_t n, const float* x, std::uint8_t* q) {
  float largest = 0, not_finite = 0;
#pragma omp simd reduction(max : largest) reduction(+ : not_finite)
  for (std::int64_t i = 0; i < n; ++i) {
    largest = std::max(largest, std::abs(x[i]));
    not_finite += x[i] * 0;
  }
  const float factor = largest > 0 && not_finite == 0 ? kLargest / largest : 0;
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i)
    q[i] =
        static_cast<std::uint8_t>(static_cast<int>((not_finite == 0 ? x[i] : 0) * factor + (kZero + 0.5F)));
  return largest / kLargest + not_finite;
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

// To the nearest, ties to even.
MININMT_VECTORIZED void round_to_bf16(std::int64_t n, const float* x, std::uint16_t* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    std::uint32_t bits;
    __builtin_memcpy(&bits, x + i, sizeof bits);
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    y[i] = static_cast<std::uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
  }
}

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::memory::desc rows_of(std::int64_t rows, std::int64_t columns, Type type, std::int64_t stride) {
  return {{rows, columns}, type, dnnl::memory::dims{stride, 1}};
}

dnnl::matmul::primitive_desc product_of(const dnnl::memory::desc& a, const dnnl::memory::desc& b,
                                        const dnnl::memory::desc& c, bool add) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // oneDNN's own would be shared by all threads
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1);
    attributes.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, b, c, attributes};
#else
  return {dnnl::matmul::desc(a, b, c), attributes, engine()};
#endif
}

void run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments) {
  thread_local dnnl::stream stream(engine());
  primitive.execute(stream, arguments);
  stream.wait();
}

template <class T>
T* buffer(std::int64_t size) {
  thread_local std::vector<T> values;
  values.resize(std::max(values.size(), static_cast<std::size_t>(size)));
  return values.data();
}

// C = or += A B, as `facts` say, in a scratchpad of this thread.
void multiply(const dnnl::matmul::primitive_desc& facts, const dnnl::matmul& product, const void* a,
              const dnnl::memory& b, void* c) {
  const dnnl::memory::desc scratchpad = facts.scratchpad_desc();
  run(product, {{DNNL_ARG_SRC, {facts.src_desc(), engine(), const_cast<void*>(a)}},
                {DNNL_ARG_WEIGHTS, b},
                {DNNL_ARG_DST, {facts.dst_desc(), engine(), c}},
                {DNNL_ARG_SCRATCHPAD,
                 {scratchpad, engine(),
                  buffer<std::max_align_t>(scratchpad.get_size() / sizeof(std::max_align_t) + 1)}}});
}

// A matrix W (n, k) as the second operand W^T of a product, in the form that it wants.
dnnl::memory packed(const void* W, std::int64_t n, std::int64_t k, Type type,
                    const dnnl::memory::desc& wanted) {
  dnnl::memory from({{k, n}, type, dnnl::memory::dims{1, k}}, engine(), const_cast<void*>(W)),
      to(wanted, engine());
  run(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  return to;
}

// Whether products of 8 bits are exact: without instructions for them, a CPU keeps 16 bits of a sum.
bool int8_is_exact() {
  constexpr std::int64_t k = 64, n = 32;
  std::vector<std::uint8_t> x(k, 2 * kZero - 1);
  std::vector<std::int8_t> W(n * k, 127);
  std::vector<std::int32_t> y(n);
  const auto facts = product_of(rows_of(1, k, Type::u8, k), {{k, n}, Type::s8, dnnl::memory::format_tag::any},
                                rows_of(1, n, Type::s32, n), false);
  multiply(facts, dnnl::matmul(facts), x.data(), packed(W.data(), n, k, Type::s8, facts.weights_desc()),
           y.data());
  return std::all_of(y.begin(), y.end(), [](std::int32_t sum) { return sum == 127 * (2 * kZero - 1) * k; });
}

constexpr auto kBf16Isa = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);

// Those that live.
std::vector<const PackedWeights*>& all() {
  static std::vector<const PackedWeights*> living;
  return living;
}

}  // namespace

struct PackedWeights::Packed {
  using Shape = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, bool>;

  struct Product {
    dnnl::matmul::primitive_desc facts;
    dnnl::matmul primitive;
  };

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

  Product product(const Shape& shape);
  const dnnl::memory& form(Weight& weight, const dnnl::memory::desc& wanted, const float* W, std::int64_t n,
                           std::int64_t k);
  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const float* W, float* c,
                std::int64_t c_stride, bool add);

  const Type input;
  std::mutex mutex;
  std::map<Shape, Product> products;
  std::map<std::tuple<const float*, std::int64_t, std::int64_t>, Weight> weights;  // by place, n, k
};

PackedWeights::Packed::Product PackedWeights::Packed::product(const Shape& shape) {
  if (const auto found = products.find(shape); found != products.end()) return found->second;
  if (products.size() == kMostProducts) products.clear();
  const auto& [m, n, k, a_stride, c_stride, add] = shape;
  const bool is_int8 = input == Type::u8;
  const dnnl::memory::desc any({k, n}, is_int8 ? Type::s8 : input, dnnl::memory::format_tag::any);
  const auto facts = product_of(rows_of(m, k, input, a_stride), any,
                                rows_of(m, n, is_int8 ? Type::s32 : Type::f32, c_stride), add);
  return products.emplace(shape, Product{facts, dnnl::matmul(facts)}).first->second;
}

const dnnl::memory& PackedWeights::Packed::form(Weight& weight, const dnnl::memory::desc& wanted,
                                                const float* W, std::int64_t n, std::int64_t k) {
  for (const dnnl::memory& form : weight.forms)
    if (form.get_desc() == wanted) return form;
  std::vector<std::int8_t> int8;
  std::vector<std::uint16_t> bf16;
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
  return weight.forms.emplace_back(packed(rounded, n, k, input == Type::u8 ? Type::s8 : input, wanted));
}

void PackedWeights::Packed::multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a,
                                     const float* W, float* c, std::int64_t c_stride, bool add) {
  const bool is_int8 = input == Type::u8, is_float32 = input == Type::f32;
  const void* x = a.data;
  void* y = c;
  std::vector<float> scales(is_int8 ? m : 0);
  if (is_int8) {
    std::uint8_t* const rows = buffer<std::uint8_t>(m * k);
    for (std::int64_t i = 0; i < m; ++i) scales[i] = quantize(k, a.data + i * a.stride, rows + i * k);
    x = rows, y = buffer<std::int32_t>(m * n);
  } else if (!is_float32) {
    std::uint16_t* const rows = buffer<std::uint16_t>(m * k);
    for (std::int64_t i = 0; i < m; ++i) round_to_bf16(k, a.data + i * a.stride, rows + i * k);
    x = rows;
  }
  Product product;
  const Weight* weight = nullptr;
  const dnnl::memory* packed = nullptr;
  {
    const std::lock_guard lock(mutex);
    product = this->product({m, n, k, is_float32 ? a.stride : k, is_int8 ? n : c_stride, add && !is_int8});
    Weight& own = weights[{W, n, k}];
    packed = &form(own, product.facts.weights_desc(), W, n, k);
    weight = &own;
  }
  mininmt::multiply(product.facts, product.primitive, x, *packed, y);
  if (!is_int8) return;
  for (std::int64_t i = 0; i < m; ++i)
    dequantize(n, static_cast<const std::int32_t*>(y) + i * n, weight->offsets.data(), scales[i],
               weight->scales.data(), c + i * c_stride, add);
}

std::string why_no_weights(WeightFormat format) {
  if (format == WeightFormat::kBf16 &&
      (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & kBf16Isa) != kBf16Isa)
    return "this CPU has no instructions for bf16 (AVX512_BF16 or AMX)";
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
      living->packed_->multiply(m, n, k, a, b.data, c, c_stride, add);
    } catch (const dnnl::error& error) {
      const std::string product = join("a product of ", m, " x ", k, " by ", k, " x ", n);
      if (error.status == dnnl_out_of_memory)
        throw OutOfMemory(join("out of memory: oneDNN has too little for ", product));
      throw Error(join("[PackedWeights] oneDNN refuses ", product, ": ", error.what()));
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
