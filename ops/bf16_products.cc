#include "ops/bf16_products.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <tuple>

#include "ops/onednn.h"
#include "tensor/error.h"

namespace mininmt {

#ifdef MININMT_USES_ONEDNN
namespace {

using onednn::Type;

// Kernels kept, one for each shape of a product; minibatches have new numbers of words all the time.
constexpr std::size_t kMostProducts = 4000;

Bf16Products* used = nullptr;
thread_local int exact = 0;  // how many Exactly live

Bf16Products& here() {
  if (!used) throw Error("[Bf16Products] a rounded operand where no use lives");
  return *used;
}

// The operand (rows, columns) as it lies, rounded, without gaps between what it has in sequence.
void round(const Matrix& x, std::int64_t rows, std::int64_t columns, Bf16* to) {
  const std::int64_t lines = x.transposed ? columns : rows, length = x.transposed ? rows : columns;
  if (x.stride == length) return round_to_bf16(lines * length, x.data, to);
  for (std::int64_t i = 0; i < lines; ++i) round_to_bf16(length, x.data + i * x.stride, to + i * length);
}

dnnl::memory::desc without_gaps(std::int64_t rows, std::int64_t columns, bool transposed) {
  return onednn::matrix_of(rows, columns, Type::bf16, transposed ? rows : columns, transposed);
}

}  // namespace

struct Bf16Products::Kernels {
  // m, n, k, whether A and B are transposed, whether B is a weight, stride of C, whether to add
  using Shape = std::tuple<std::int64_t, std::int64_t, std::int64_t, bool, bool, bool, std::int64_t, bool>;

  // A weight in the forms that products want; a form whose time has passed is made anew.
  struct Form {
    dnnl::memory packed;
    std::int64_t use;
  };

  // Both lock.
  onednn::Product product(const Shape& shape);
  const void* form(const Matrix& W, std::int64_t k, std::int64_t n, const dnnl::memory::desc& wanted);

  std::mutex mutex;
  std::map<Shape, onednn::Product> products;
  // by place, k, n, stride, whether transposed
  std::map<std::tuple<const real*, std::int64_t, std::int64_t, std::int64_t, bool>, std::deque<Form>> weights;
  std::int64_t uses = 0;
};

onednn::Product Bf16Products::Kernels::product(const Shape& shape) {
  const std::lock_guard lock(mutex);
  if (const auto found = products.find(shape); found != products.end()) return found->second;
  if (products.size() == kMostProducts) products.clear();
  const auto& [m, n, k, a_transposed, b_transposed, is_weight, c_stride, add] = shape;
  const dnnl::memory::desc any({k, n}, Type::bf16, dnnl::memory::format_tag::any);
  const auto product =
      onednn::product_of(without_gaps(m, k, a_transposed), is_weight ? any : without_gaps(k, n, b_transposed),
                         onednn::matrix_of(m, n, Type::f32, c_stride), add);
  return products.emplace(shape, product).first->second;
}

const void* Bf16Products::Kernels::form(const Matrix& W, std::int64_t k, std::int64_t n,
                                        const dnnl::memory::desc& wanted) {
  const std::lock_guard lock(mutex);
  std::deque<Form>& forms = weights[{W.data, k, n, W.stride, W.transposed}];
  auto found = std::find_if(forms.begin(), forms.end(),
                            [&](const Form& form) { return form.packed.get_desc() == wanted; });
  if (found != forms.end() && found->use == uses) return found->packed.get_data_handle();
  Bf16* const values = onednn::buffer<Bf16, 2>(k * n);
  round(W, k, n, values);
  if (found == forms.end()) found = forms.insert(forms.end(), {dnnl::memory(wanted, onednn::engine()), 0});
  onednn::reorder(values, without_gaps(k, n, W.transposed), found->packed);
  found->use = uses;
  return found->packed.get_data_handle();
}

std::string why_no_bf16() {
  constexpr auto kIsa = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  if ((static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & kIsa) == kIsa) return "";
  return "this CPU has no instructions for bf16 (AVX512_BF16 or AMX)";
}

bool can_multiply_bf16() {
  try {
    onednn::product_of(without_gaps(2, 2, false), without_gaps(2, 2, true),
                       onednn::matrix_of(2, 2, Type::f32, 2), true);
    return true;
  } catch (const dnnl::error&) {
    return false;
  }
}

Bf16Products::Bf16Products(std::span<const real> weights)
    : weights_(weights), kernels_(std::make_unique<Kernels>()) {}

Bf16Products::Use::Use(Bf16Products& products) {
  if (used) throw Error("[Bf16Products] two uses at once");
  ++products.kernels_->uses;
  used = &products;
}

Bf16Products::Use::~Use() { used = nullptr; }

Bf16Products::Exactly::Exactly() { ++exact; }
Bf16Products::Exactly::~Exactly() { --exact; }

bool Bf16Products::round_here() { return used && exact == 0; }

bool Bf16Products::multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix& a, const Matrix& b,
                            real* c, std::int64_t c_stride, bool add) {
  if (!round_here() || k == 0) return false;
  Bf16* const first = onednn::buffer<Bf16>(m * k);
  round(a, m, k, first);
  multiply(m, n, k, first, a.transposed, b, c, c_stride, add);
  return true;
}

void Bf16Products::multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Bf16* a, bool transposed,
                            const Matrix& b, real* c, std::int64_t c_stride, bool add) {
  const std::span<const real> block = here().weights_;
  if (b.data < block.data() || b.data >= block.data() + block.size()) {
    Bf16* const rounded = onednn::buffer<Bf16, 1>(k * n);
    round(b, k, n, rounded);
    return multiply(m, n, k, a, transposed, rounded, b.transposed, c, c_stride, add);
  }
  try {
    Kernels& kernels = *here().kernels_;
    const onednn::Product product = kernels.product({m, n, k, transposed, b.transposed, true, c_stride, add});
    onednn::multiply(product, a, kernels.form(b, k, n, product.facts.weights_desc()), c);
  } catch (const dnnl::error& error) {
    onednn::refuse("Bf16Products", m, n, k, error.status);
  }
}

void Bf16Products::multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Bf16* a, bool a_transposed,
                            const Bf16* b, bool b_transposed, real* c, std::int64_t c_stride, bool add) {
  try {
    onednn::multiply(here().kernels_->product({m, n, k, a_transposed, b_transposed, false, c_stride, add}), a,
                     b, c);
  } catch (const dnnl::error& error) {
    onednn::refuse("Bf16Products", m, n, k, error.status);
  }
}

#else

struct Bf16Products::Kernels {};

std::string why_no_bf16() { return "this program was built without oneDNN"; }
bool can_multiply_bf16() { return false; }

Bf16Products::Bf16Products(std::span<const real> weights) : weights_(weights) {}
Bf16Products::Use::Use(Bf16Products&) { throw Error("[Bf16Products] " + why_no_bf16()); }
Bf16Products::Use::~Use() = default;
Bf16Products::Exactly::Exactly() = default;
Bf16Products::Exactly::~Exactly() = default;
bool Bf16Products::round_here() { return false; }
bool Bf16Products::multiply(std::int64_t, std::int64_t, std::int64_t, const Matrix&, const Matrix&, real*,
                            std::int64_t, bool) {
  return false;
}
void Bf16Products::multiply(std::int64_t, std::int64_t, std::int64_t, const Bf16*, bool, const Matrix&, real*,
                            std::int64_t, bool) {
  throw Error("[Bf16Products] " + why_no_bf16());
}
void Bf16Products::multiply(std::int64_t, std::int64_t, std::int64_t, const Bf16*, bool, const Bf16*, bool,
                            real*, std::int64_t, bool) {
  throw Error("[Bf16Products] " + why_no_bf16());
}

#endif

Bf16Products::~Bf16Products() = default;

}  // namespace mininmt
