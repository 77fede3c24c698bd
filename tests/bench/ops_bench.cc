// mininmt-bench-ops: each operation against the machine's roofline.
//   --device auto|cpu|cuda   --threads N (of the CPU, 1)
// On the GPU, at the paper's sizes:
//   --precision float32|tf32|bf16 (tf32)   of the update in the table at the end
//   --only TEXT              only cases with TEXT in their names, as in "attend", "product"
//   --sentences B (80)  --source-steps S (28)  --target-steps T (30)  --words N (2000, target words)
//   --dim-emb m  --dim-rnn n  --dim-align n'  --dim-maxout l  --dim-vocab V
//   --search-rows R (768)    rows of a search step   --roof-side N   size of the roofline's product
#include "tests/bench/ops_bench.h"

#include <omp.h>

#include <cstdio>

#include "apps/program/device.h"
#include "cuda/kernels.h"
#include "tensor/error.h"

int main(int argc, char** argv) {
  using namespace mininmt;
  try {
    bench::Arguments arguments("mininmt-bench-ops", argc, argv);
    const int threads = arguments.number("threads", 1);
    const std::string name = arguments.choice("device", {"auto", "cpu", "cuda"});
    const std::string precision = arguments.choice("precision", {"tf32", "float32", "bf16"});
    omp_set_num_threads(threads);
    const Device device = choose_device(name, precision, threads);
    if (device.memory->on_host()) {
      arguments.check_all_used();
      bench::bench_ops_on_cpu(threads);
    } else if constexpr (kHasCuda) {
      bench::bench_ops_on_gpu(arguments, *device.memory, device.description, precision);
    }
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "mininmt-bench-ops: error: %s\n", error.what());
    return error.exit_code();
  }
}
