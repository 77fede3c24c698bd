// What the benchmarks share: arguments, timing, the machine's roofs, and JSON lines on stdout.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace mininmt::bench {

// A command line of --name value ... pairs.
class Arguments {
 public:
  Arguments(std::string program, int argc, char** argv);  // throws UsageError where it is not one

  bool has(const std::string& name);
  // The values given, or the fallback. Throws UsageError where there are not as many as the fallback has.
  std::vector<std::string> list(const std::string& name, const std::vector<std::string>& fallback);
  std::string text(const std::string& name, const std::string& fallback);
  std::string choice(const std::string& name, const std::vector<std::string>& choices);  // the first if none
  int number(const std::string& name, int fallback);  // throws UsageError unless it is one and above 0

  void check_all_used() const;  // throws UsageError where an option was given that nobody asked for

 private:
  std::string program_;
  std::map<std::string, std::vector<std::string>> given_;
  std::set<std::string> asked_;
};

using Json = nlohmann::ordered_json;

// Prints a line, its numbers with four digits.
void print(Json line);

double now();                         // seconds
void wait_for(const Memory& memory);  // until the GPU has done what it was given; nothing on the CPU

// Seconds of one call: the median of repeated calls after a warm-up. On the GPU `work` is captured, and the
// graph is run again and again between two waits: it must send nothing and wait for nothing.
double seconds_of(Memory& memory, const std::function<void()>& work);

// What the device can do, measured before anything else, on the threads that the run uses.
struct Roofs {
  double gflops;  // the best of large matrix products in the precision chosen, 10^9 operations a second
  double gbytes;  // CPU: a sum of two large arrays into a third, GPU: a copy; 10^9 bytes a second, read and
                  // written
};
// side: of the product's matrices; 0: one that fills the device.
Roofs measure_roofs(Memory& memory, int side = 0);

// The time that work takes at the least: the higher of what operations and bytes take.
double floor_seconds(double flops, double bytes, const Roofs& roofs);

// Random numbers in [-scale, scale); a block of a million of them over and over.
Tensor random_tensor(const Shape& shape, Memory& memory, double scale = 0.5, std::uint64_t seed = 1);

}  // namespace mininmt::bench
