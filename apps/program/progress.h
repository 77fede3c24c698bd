// How far a piece of work is, as a bar on a terminal, and times as people read them.
#pragma once

#include <chrono>
#include <string>

#include "apps/program/log.h"

namespace mininmt {

// A bar in the log's status line: "[=====>              ]  27%  4m10s left  text". Shows nothing where the
// log shows no status line. Drawn at most ten times a second, removed by the destructor.
class Progress {
 public:
  explicit Progress(Log& log);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // fraction: the part of the work that is done, 0 to 1. text: stands behind the bar, as "epoch 3,
  // cost 41.2".
  void update(double fraction, const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;

  Log& log_;
  Clock::time_point start_;
  Clock::time_point next_;
};

// The seconds that the rest of a piece of work takes if it goes on as before; negative while `fraction`, the
// part that is done, is too small to tell.
double seconds_left(double fraction, double seconds_so_far);

// "12s", "4m10s", "1h03m" or "2d04h"; "?" for a negative or non-finite time.
std::string format_duration(double seconds);

// The bar by itself, `width` characters between the brackets: "[===>    ]". fraction is clamped to 0 to 1.
std::string progress_bar(double fraction, int width);

}  // namespace mininmt
