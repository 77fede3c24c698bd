#include "cuda/device.h"
#include "tests/models/model_table.h"

namespace mininmt {

Memory& memory_under_test() { return cuda::memory(); }

}  // namespace mininmt
