// Timing for the benchmarks: a JSON line a result on stdout.
#pragma once

#include <functional>
#include <string>

namespace mininmt::bench {

// What the machine can do, measured before anything else, on the threads that the run uses.
struct Roofs {
  double gflops;  // the best of large float matrix products, 10^9 floating-point operations a second
  double gbytes;  // a sum of two large arrays into a third, 10^9 bytes a second, read and written
};
Roofs measure_roofs();

// Seconds of one call: the median of repeated calls over half a second at least, after a warm-up.
double seconds_of(const std::function<void()>& work);

// Prints {"bench": name, "seconds": ..., "gflops": ..., "of_roof": ...} for work that needs so many
// floating-point operations and moves at least so many bytes; the roof is the higher of the two times that
// these take at the least.
void report(const std::string& name, double seconds, double flops, double bytes, const Roofs& roofs);

// Prints {"bench": name, "value": value, "unit": unit, more...}; `more` is empty or JSON members that begin
// with ", ".
void report_rate(const std::string& name, double value, const std::string& unit,
                 const std::string& more = "");

}  // namespace mininmt::bench
