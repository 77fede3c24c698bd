// NCCL, loaded when several processes train on GPUs. These are the functions that cuda/ calls, under their
// own names; each forwards to the library.
#include "cuda/library.h"
#include "cuda/nccl.h"

namespace {

const mininmt::cuda::Library& library() {
  static const mininmt::cuda::Library loaded(
      "NCCL", "where several processes train on GPUs", "libnccl.so.2",
      "NVIDIA's package libnccl2 has it, and LD_LIBRARY_PATH names the folders to look in");
  return loaded;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static void* symbol;
  return library().call<ncclResult_t>(symbol, "ncclGetUniqueId", id);
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  static void* symbol;
  return library().call<ncclResult_t>(symbol, "ncclCommInitRank", comm, ranks, id, rank);
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  static void* symbol;
  return library().call<ncclResult_t>(symbol, "ncclCommDestroy", comm);
}

ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  static void* symbol;
  return library().call<ncclResult_t>(symbol, "ncclAllReduce", from, to, count, type, op, comm, stream);
}

const char* ncclGetErrorString(ncclResult_t result) {
  static void* symbol;
  return library().call<const char*>(symbol, "ncclGetErrorString", result);
}

}  // extern "C"
