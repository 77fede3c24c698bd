#include "ops/onednn.h"

#ifdef MININMT_USES_ONEDNN

#include <unordered_map>

#include "tensor/error.h"
#include "tensor/memory.h"

namespace mininmt::onednn {
namespace {

// Above what the kernels take: 6 MiB measured with AVX2 (oneDNN 2.6); some 20 MiB with AVX-512, estimated
// from the source of 2.6 and 3.7.
constexpr std::size_t kKernelBytes = std::size_t{48} << 20;

void run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments) {
  thread_local dnnl::stream stream(engine());
  primitive.execute(stream, arguments);
  stream.wait();
}

dnnl::matmul::primitive_desc facts_of(const dnnl::memory::desc& a, const dnnl::memory::desc& b,
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

}  // namespace

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

void want_room_for_kernels() {
  if (!can_map(kKernelBytes))
    throw OutOfMemory(
        join("out of memory: oneDNN needs up to ", format_bytes(kKernelBytes), " for its kernels"));
}

dnnl::memory::desc matrix_of(std::int64_t rows, std::int64_t columns, Type type, std::int64_t stride,
                             bool transposed) {
  return {{rows, columns}, type, transposed ? dnnl::memory::dims{1, stride} : dnnl::memory::dims{stride, 1}};
}

Product product_of(const dnnl::memory::desc& a, const dnnl::memory::desc& b, const dnnl::memory::desc& c,
                   bool add) {
  want_room_for_kernels();
  const dnnl::matmul::primitive_desc facts = facts_of(a, b, c, add);
  return {facts, dnnl::matmul(facts)};
}

void multiply(const Product& product, const void* a, const void* b, void* c) {
  const auto& facts = product.facts;
  const dnnl::memory::desc scratchpad = facts.scratchpad_desc();
  const auto room = static_cast<std::int64_t>(scratchpad.get_size() / sizeof(std::max_align_t) + 1);
  run(product.primitive, {{DNNL_ARG_SRC, {facts.src_desc(), engine(), const_cast<void*>(a)}},
                          {DNNL_ARG_WEIGHTS, {facts.weights_desc(), engine(), const_cast<void*>(b)}},
                          {DNNL_ARG_DST, {facts.dst_desc(), engine(), c}},
                          {DNNL_ARG_SCRATCHPAD, {scratchpad, engine(), buffer<std::max_align_t>(room)}}});
}

void reorder(const void* values, const dnnl::memory::desc& form, dnnl::memory& to) {
  dnnl::memory from(form, engine(), const_cast<void*>(values));
  run(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

void refuse(const char* caller, std::int64_t m, std::int64_t n, std::int64_t k, dnnl_status_t status) {
  const std::string product = join("a product of ", m, " x ", k, " by ", k, " x ", n);
  if (status == dnnl_out_of_memory)
    throw OutOfMemory(join("out of memory: oneDNN has too little for ", product));
  throw Error(join("[", caller, "] oneDNN refuses ", product, ": status ", status));
}

}  // namespace mininmt::onednn

#endif
