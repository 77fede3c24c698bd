#include "tests/models/model_table.h"

namespace mininmt {

Memory& memory_under_test() { return cpu_memory(); }

}  // namespace mininmt
