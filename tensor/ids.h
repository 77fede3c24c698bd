// Integers that operations read: token ids of a minibatch, time-major like the activations; lengths; rows.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "tensor/memory.h"
#include "tensor/types.h"

namespace mininmt {

inline constexpr Id kNone = -1;  // no word: its embedding is zero (MODEL.md 4), its loss is zero (padding)

using Lengths = std::vector<int>;  // words in each sentence of a batch, with </s>

// An integer array on the host, copied to the device at the first use there. Copies share both.
class Indices {
 public:
  Indices() = default;
  Indices(std::initializer_list<std::int32_t> values) : Indices(std::vector(values)) {}
  // distinct: promises that no number except kNone occurs twice.
  Indices(std::vector<std::int32_t> values, bool distinct = false)
      : shared_(std::make_shared<Shared>(std::move(values))), distinct_(distinct) {}

  const std::vector<std::int32_t>& values() const { return shared_ ? shared_->values : none(); }
  std::size_t size() const { return values().size(); }
  bool empty() const { return values().empty(); }
  std::int32_t operator[](std::size_t i) const { return shared_->values[i]; }
  auto begin() const { return values().begin(); }
  auto end() const { return values().end(); }

  // The numbers in memory that kernels can read; nullptr if empty. They can be sent to one device only: Error
  // for another.
  const std::int32_t* in(Memory& memory) const;

  bool distinct() const { return distinct_; }

  // Replaces the numbers, at the same addresses. Throws Error if the count differs.
  void replace(std::vector<std::int32_t> values) const;

 private:
  struct Shared {
    explicit Shared(std::vector<std::int32_t> values) : values(std::move(values)) {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() {
      if (block) memory->release(block, bytes());
    }
    std::size_t bytes() const { return values.size() * sizeof(std::int32_t); }

    std::vector<std::int32_t> values;
    Memory* memory = nullptr;
    void* block = nullptr;
  };

  static const std::vector<std::int32_t>& none();

  std::shared_ptr<Shared> shared_;
  bool distinct_ = false;
};

// Words to be filled in: the word at time t of sentence b is ids[t * batch + b].
struct IdMatrix {
  int steps = 0, batch = 0;  // (T, B)
  std::vector<Id> ids;

  IdMatrix() = default;
  IdMatrix(int t, int b) : steps(t), batch(b), ids(static_cast<std::size_t>(t) * b, kNone) {}
  Id& at(int t, int b) { return ids[static_cast<std::size_t>(t) * batch + b]; }
  Id at(int t, int b) const { return ids[static_cast<std::size_t>(t) * batch + b]; }
};

// The same, as operations take it.
struct Words {
  int steps = 0, batch = 0;  // (T, B)
  Indices ids;

  Words() = default;
  Words(IdMatrix matrix) : steps(matrix.steps), batch(matrix.batch), ids(std::move(matrix.ids)) {}
  Words(int t, int b, Indices words) : steps(t), batch(b), ids(std::move(words)) {}
};

// A word of each row: (1, R).
inline Words one_step(const Indices& words) { return {1, static_cast<int>(words.size()), words}; }

}  // namespace mininmt
