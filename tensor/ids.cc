#include "tensor/ids.h"

#include "tensor/error.h"

namespace mininmt {

const std::vector<std::int32_t>& Indices::none() {
  static const std::vector<std::int32_t> empty;
  return empty;
}

const std::int32_t* Indices::in(Memory& memory) const {
  if (empty()) return nullptr;
  Shared& s = *shared_;
  if (memory.on_host()) return s.values.data();
  if (s.block && s.memory != &memory) throw Error("[Indices::in] the numbers were sent to another device");
  if (!s.block) {
    void* const block = memory.allocate(s.bytes());
    try {
      memory.from_host(block, s.values.data(), s.bytes());
    } catch (...) {
      memory.release(block, s.bytes());
      throw;
    }
    s.memory = &memory;
    s.block = block;
  }
  return static_cast<const std::int32_t*>(s.block);
}

void Indices::replace(std::vector<std::int32_t> values) const {
  if (values.size() != size())
    throw Error(join("[Indices::replace] ", values.size(), " numbers for ", size()));
  if (empty()) return;
  shared_->values = std::move(values);
  if (shared_->block) shared_->memory->from_host(shared_->block, shared_->values.data(), shared_->bytes());
}

}  // namespace mininmt
