// The GPUs of processes that train one model together, one each: NCCL. Includes no CUDA header.
#pragma once

#include <array>
#include <cstdint>

#include "tensor/types.h"

struct ncclComm;  // NCCL's

namespace mininmt::cuda {

class Peers {
 public:
  // By which the processes find each other: the first makes one, and all are given it.
  using Id = std::array<char, 128>;
  static Id new_id();

  // This process is `rank` of `count`. Returns once all have come so far. Throws Error without NCCL.
  Peers(const Id& id, int rank, int count);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Starts: x (count) on the GPU becomes the sum of what all processes have there. All must start the same
  // sums in the same order. The bits are the same in all, and again in another run of as many processes.
  void sum(std::int64_t count, real* x) const;

 private:
  ncclComm* comm_ = nullptr;
};

}  // namespace mininmt::cuda
