#include "cuda/peers.h"

#include <cstring>

#include "cuda/context.cuh"
#include "cuda/nccl.h"

namespace mininmt::cuda {
namespace {

static_assert(sizeof(Peers::Id) == sizeof(ncclUniqueId));

void check(ncclResult_t result, const char* what) {
  if (result != ncclSuccess)
    throw Error(
        join("[", what, "] NCCL: ", ncclGetErrorString(result), "; with NCCL_DEBUG=WARN it says more"));
}

}  // namespace

Peers::Id Peers::new_id() {
  ncclUniqueId id;
  check(ncclGetUniqueId(&id), "ncclGetUniqueId");
  Id bytes;
  std::memcpy(bytes.data(), &id, sizeof id);
  return bytes;
}

Peers::Peers(const Id& id, int rank, int count) {
  context();  // the GPU of this process is the current one from here on
  ncclUniqueId own;
  std::memcpy(&own, id.data(), sizeof own);
  check(ncclCommInitRank(&comm_, count, own, rank), "ncclCommInitRank");
}

Peers::~Peers() {
  cudaStreamSynchronize(context().stream);
  ncclCommDestroy(comm_);
}

void Peers::sum(std::int64_t count, real* x) const {
  constexpr ncclDataType_t kType = sizeof(real) == sizeof(float) ? ncclFloat32 : ncclFloat64;
  check(ncclAllReduce(x, x, static_cast<std::size_t>(count), kType, ncclSum, comm_, context().stream),
        "ncclAllReduce");
}

}  // namespace mininmt::cuda
