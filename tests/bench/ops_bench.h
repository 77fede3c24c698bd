// The two halves of mininmt-bench-ops.
#pragma once

#include "tests/bench/harness.h"

namespace mininmt::bench {

// Each operation of ops/, forward and backward, for a minibatch of 40 sentences of 14 words, with
// m = n = n' = l = 256 and 8,000 words.
void bench_ops_on_cpu(int threads);

// Each kernel and the products of an update at the paper's sizes, with the arguments listed in ops_bench.cc.
void bench_ops_on_gpu(Arguments& arguments, Memory& memory, const std::string& device,
                      const std::string& precision);

}  // namespace mininmt::bench
