// Progress bars and durations.
#pragma once

#include <chrono>
#include <string>

#include "apps/program/log.h"

namespace mininmt {

// A bar in the log's status line: "[=====>              ]  27%  4m10s left  text". Draws nothing if the log
// has no status line. Drawn at most ten times per second, removed by the destructor.
class Progress {
 public:
  explicit Progress(Log& log);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // fraction: the part done, 0 to 1. text: shown after the bar, e.g. "epoch 3, cost 41.2".
  void update(double fraction, const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;

  Log& log_;
  Clock::time_point start_;
  Clock::time_point next_;
};

// The estimated remaining seconds at the current speed; negative while `fraction`, the part done, is too
// small to tell.
double seconds_left(double fraction, double seconds_so_far);

// "12s", "4m10s", "1h03m" or "2d04h"; "?" for a negative or non-finite time.
std::string format_duration(double seconds);

// The bar itself, `width` characters between the brackets: "[===>    ]". fraction is clamped to [0, 1].
std::string progress_bar(double fraction, int width);

}  // namespace mininmt
