// How long the gradients of several processes take to be added up: in the order of PartSums, and by MPI_Allreduce, whose
// order depends on the number of processes.
//   mpirun -n 2 mininmt-bench-sums [MILLIONS OF PARAMETERS ...]        a JSON line for each
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "apps/program/mpi.h"
#include "autograd/parameter.h"
#include "nn/training/part_sums.h"

namespace mininmt {
namespace {

constexpr int kRepeats = 7;

// The median of some runs, of the slowest process each.
template <class Work>
double seconds_of(Processes& processes, const Work& work) {
  std::vector<double> times;
  for (int i = 0; i < kRepeats; ++i) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    work();
    const std::vector<double> all = processes.gather(MPI_Wtime() - start);
    times.push_back(*std::max_element(all.begin(), all.end()));
  }
  std::sort(times.begin(), times.end());
  return times[kRepeats / 2];
}

void measure(Processes& processes, double millions) {
  Parameters parameters;
  parameters.add("all", {static_cast<std::int64_t>(millions * 1e6)});
  parameters.allocate();
  PartSums sums(parameters, processes, 0);  // nothing early
  const double in_order = seconds_of(processes, [&] {  // with a part for each process
    const PartTree::Range own = sums.begin(processes.count());
    sums.put(own.begin, sums.start(own.begin), false);
    sums.sum();
  });
  const Tensor plain = parameters.new_gradients();
  const double all_reduce = seconds_of(processes, [&] {
    plain.fill(0);
    MPI_Allreduce(MPI_IN_PLACE, plain.data(), static_cast<int>(plain.size()), MPI_FLOAT, MPI_SUM,
                  MPI_COMM_WORLD);
  });
  if (processes.is_first())
    std::printf(
        "{\"bench\": \"sums\", \"parameters\": %lld, \"processes\": %d, \"in_order\": %.4g, \"all_reduce\": "
        "%.4g}\n",
        static_cast<long long>(parameters.count()), processes.count(), in_order, all_reduce);
}

}  // namespace
}  // namespace mininmt

int main(int argc, char** argv) {
  const auto processes = mininmt::join_processes({});
  std::vector<double> sizes = {6.5, 80.4};
  if (argc > 1) sizes.clear();
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atof(argv[i]));
  for (const double millions : sizes) mininmt::measure(*processes, millions);
}
