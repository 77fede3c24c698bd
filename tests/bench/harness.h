// Shared by the benchmarks: arguments, timing, the machine's roofline, and JSON lines on stdout.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace mininmt::bench {

// A command line of `--name value ...` pairs.
class Arguments {
 public:
  Arguments(std::string program, int argc, char** argv);  // throws UsageError if it isn't one

  bool has(const std::string& name);
  // The values given, or the fallback. Throws UsageError if their number differs from the fallback's.
  std::vector<std::string> list(const std::string& name, const std::vector<std::string>& fallback);
  std::string text(const std::string& name, const std::string& fallback);
  std::string choice(const std::string& name, const std::vector<std::string>& choices);  // default: the first
  int number(const std::string& name, int fallback);  // throws UsageError unless positive

  void check_all_used() const;  // throws UsageError if an option was not used

 private:
  std::string program_;
  std::map<std::string, std::vector<std::string>> given_;
  std::set<std::string> asked_;
};

using Json = nlohmann::ordered_json;

// Prints a line, with numbers to four digits.
void print(Json line);

double now();                         // seconds
void wait_for(const Memory& memory);  // until the GPU is idle; nothing on the CPU

// Seconds per call: the median of repeated calls after a warm-up. On the GPU `work` is captured and the graph
// runs repeatedly between two waits: it must send nothing and wait for nothing.
double seconds_of(Memory& memory, const std::function<void()>& work);

// What the device can do, measured first, on the same threads.
struct Roofs {
  double gflops;  // large matrix products in the chosen precision, 10^9 operations/s
  double gbytes;  // CPU: adding two large arrays into a third, GPU: a copy; 10^9 bytes/s read and written
};
// side: of the product's matrices; 0: large enough to fill the device.
Roofs measure_roofs(Memory& memory, int side = 0);

// The minimum time of the work: the larger of the times for operations and for bytes.
double floor_seconds(double flops, double bytes, const Roofs& roofs);

// Random numbers in [-scale, scale); a block of a million, repeated.
Tensor random_tensor(const Shape& shape, Memory& memory, double scale = 0.5, std::uint64_t seed = 1);

}  // namespace mininmt::bench
