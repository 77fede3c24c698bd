#include "apps/program/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace mininmt {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws(100);
constexpr int kBarWidth = 24;

// Two units of a duration, the second with two digits: 1h03m.
std::string two_parts(long long first, char first_unit, long long second, char second_unit) {
  std::array<char, 48> text;
  std::snprintf(text.data(), text.size(), "%lld%c%02lld%c", first, first_unit, second, second_unit);
  return text.data();
}

}  // namespace

Progress::Progress(Log& log) : log_(log), start_(Clock::now()), next_(start_) {}

Progress::~Progress() { log_.set_status(""); }

void Progress::update(double fraction, const std::string& text) {
  const Clock::time_point now = Clock::now();
  if (!log_.shows_status() || now < next_) return;
  next_ = now + kBetweenDraws;
  const double left = seconds_left(fraction, std::chrono::duration<double>(now - start_).count());
  std::array<char, 16> percent;
  std::snprintf(percent.data(), percent.size(), " %3d%%  ",
                static_cast<int>(100 * std::clamp(fraction, 0.0, 1.0)));
  log_.set_status(progress_bar(fraction, kBarWidth) + percent.data() +
                  (left < 0 ? "" : format_duration(left) + " left  ") + text);
}

double seconds_left(double fraction, double seconds_so_far) {
  constexpr double kTooSmall = 1e-6;
  if (!(fraction >= kTooSmall)) return -1;
  return seconds_so_far * (1 - std::min(fraction, 1.0)) / fraction;
}

std::string format_duration(double seconds) {
  constexpr double kTooLong = 1e12;
  if (!(seconds >= 0 && seconds < kTooLong)) return "?";
  const long long whole = std::llround(seconds);
  const long long minutes = whole / 60;
  const long long hours = minutes / 60;
  if (minutes == 0) return std::to_string(whole) + "s";
  if (hours == 0) return two_parts(minutes, 'm', whole % 60, 's');
  if (hours < 24) return two_parts(hours, 'h', minutes % 60, 'm');
  return two_parts(hours / 24, 'd', hours % 24, 'h');
}

std::string progress_bar(double fraction, int width) {
  const int done = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width);
  std::string bar(static_cast<std::size_t>(done), '=');
  if (done < width) bar += '>';
  bar.resize(static_cast<std::size_t>(width), ' ');
  return "[" + bar + "]";
}

}  // namespace mininmt
