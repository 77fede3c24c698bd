// The cases of mininmt-bench-ops on the GPU: what runs, how much it computes and moves, and how often an
// update does it.
#pragma once

#include <string>

#include "tests/bench/harness.h"

namespace mininmt::bench {

struct Sizes {
  std::int64_t B, S, T, N;     // sentences, source and target steps, target words
  std::int64_t m, n, A, l, V;  // as in MODEL.md
  std::int64_t C() const { return 2 * n; }
  std::int64_t search_rows;  // R, with K hypotheses per sentence
  static constexpr std::int64_t K = 12;
  std::int64_t parameters() const;  // in the model
};

struct Case {
  std::string name, shape;
  double flops, bytes;    // at least
  double per_update = 0;  // count in an update of these sizes; 0: not part of one
};

class OpsBench {
 public:
  // only: run only cases with this text in their names.
  OpsBench(Memory& memory, const Sizes& sizes, std::string only, std::string precision, const Roofs& roofs);

  // Times run(set), the operation on one of several sets of operands. With one set, whatever fits stays in
  // cache; with several, used in turn, nothing does, and a second line has the time for the first set alone.
  // make() is called if the case is selected, and returns run.
  using Run = std::function<void(int set)>;
  void measure(const Case& c, int sets, const std::function<Run()>& make);

  // The number of sets that together are several times the cache size.
  int sets_of(double bytes) const;

  void print_table() const;

  Memory& memory;
  const Sizes sizes;

 private:
  void report(const Case& c, const std::string& operands, double seconds);

  struct Row {
    Case of;
    std::string operands;
    double seconds, floor;
  };
  std::string only_, precision_;
  Roofs roofs_;
  std::vector<Row> rows_;
};

void bench_attention(OpsBench& bench);  // ops_gpu_kernels.cc
void bench_gates(OpsBench& bench);
void bench_output(OpsBench& bench);
void bench_rows(OpsBench& bench);
void bench_updates(OpsBench& bench);
void bench_products(OpsBench& bench);  // ops_gpu_products.cc

}  // namespace mininmt::bench
