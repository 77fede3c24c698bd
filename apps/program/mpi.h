// Processes that an MPI launcher has started: mpirun -n 2 mininmt-train ...
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/training/processes.h"

namespace mininmt {

// Joins the others; a process that was started by itself stays so. Call it once, before other threads start.
// If all of them fail, the first one says why; if some fail, each of these does, with its number, and all
// end. In a program without MPI, one of several becomes the program PROGRAM-mpi with these arguments; throws
// UsageError if there is none.
std::unique_ptr<Processes> join_processes(const std::vector<std::string>& arguments);

}  // namespace mininmt
