#include "nn/training/early_sums.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "tensor/error.h"
#include "tensor/threads.h"

namespace mininmt {
namespace {

// Numbers in a range, at least: what is smaller takes as long to send.
constexpr std::int64_t kLeast = 1 << 16;

// Between two looks while this thread's core is needed to compute.
constexpr auto kPause = std::chrono::microseconds(200);

// Updates before it is decided; the first one is not measured, as it allocates memory.
constexpr int kBefore = 3;

struct GivenUp {};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

EarlySums::EarlySums(const Parameters& parameters, Processes& processes, AddUp add_up)
    : parameters_(parameters), processes_(processes), add_up_(std::move(add_up)) {}

bool EarlySums::stop() {
  if (thread_.joinable()) thread_.request_stop(), thread_.join();
  return !broken_off_;
}

bool EarlySums::begin(std::int64_t own_parts, bool allowed) {
  measure();
  const std::lock_guard lock(mutex_);
  if (working_) throw Error("[EarlySums] an update after one that failed");
  own_parts_ = own_parts;
  finals_.clear();
  early_ = allowed && !ranges_.empty();
  all_computed_ = false;
  if (!early_) return false;
  working_ = true;
  if (!thread_.joinable()) start_thread();
  changed_.notify_all();
  return true;
}

void EarlySums::start_thread() {
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  } catch (const std::system_error&) {
    throw Error("no thread can be started to add up gradients of several processes: " + why_no_thread());
  }
}

void EarlySums::measure() {
  if (updates_ > kBefore) return;
  const double time = now(), communicated = processes_.seconds();
  if (updates_ > 1) least_share_ = std::min(least_share_, (communicated - communicated_) / (time - begun_));
  begun_ = time, communicated_ = communicated;
  if (updates_++ == kBefore) agree_on_ranges();
}

void EarlySums::is_final(const Parameter& parameter) {
  const std::lock_guard lock(mutex_);
  if (++finals_[&parameter] < own_parts_) return;
  if (early_)
    changed_.notify_all();
  else if (order_.size() < parameters_.all().size())
    order_.push_back(&parameter);
}

// Neighbours in the block go together until they are worth a message; a range is ready with the last of them.
void EarlySums::agree_on_ranges() {
  const std::vector<Parameter*>& all = parameters_.all();
  std::int64_t worth_it = !order_.empty() && least_share_ >= processes_.beside_from();
  processes_.broadcast(&worth_it, sizeof worth_it);
  if (worth_it == 0) return;
  std::vector<std::int64_t> place(all.size());  // of each parameter, in the order of becoming final
  for (std::size_t i = 0; i < all.size(); ++i)
    place[i] = std::find(order_.begin(), order_.end(), all[i]) - order_.begin();
  processes_.broadcast(place.data(), place.size() * sizeof place[0]);
  std::vector<std::pair<std::int64_t, Range>> ranges;  // with the last place in each
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int64_t end = i + 1 < all.size() ? all[i + 1]->offset : parameters_.size();
    if (ranges.empty() || ranges.back().second.size >= kLeast) ranges.push_back({0, {all[i]->offset, 0}});
    auto& [last, range] = ranges.back();
    last = std::max(last, place[i]);
    range.size = end - range.begin;
  }
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [last, range] : ranges) ranges_.push_back(range);
}

bool EarlySums::is_ready(const Range& range) const {
  return all_computed_ ||
         std::all_of(parameters_.all().begin(), parameters_.all().end(), [&](const Parameter* p) {
           if (p->offset < range.begin || p->offset >= range.begin + range.size) return true;
           const auto found = finals_.find(p);
           return own_parts_ == 0 || (found != finals_.end() && found->second == own_parts_);
         });
}

void EarlySums::finish() {
  const double start = now();
  std::unique_lock lock(mutex_);
  all_computed_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !working_; });
  processes_.count_seconds(now() - start);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void EarlySums::work(const std::stop_token& stop) {
  omp_set_num_threads(1);  // the others compute
  flush_denormals();
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return working_; })) return;
    }
    std::exception_ptr failure;
    try {
      work_through(stop);
    } catch (const GivenUp&) {
      return;
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    working_ = false;
    changed_.notify_all();
  }
}

void EarlySums::work_through(const std::stop_token& stop) {
  const auto wait_a_little = [&] {
    if (stop.stop_requested()) {
      broken_off_ = true;
      throw GivenUp{};
    }
    std::unique_lock lock(mutex_);
    const bool core_is_free = all_computed_;
    lock.unlock();
    if (core_is_free)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(kPause);
  };
  for (const Range& range : ranges_) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return is_ready(range); })) throw GivenUp{};
    }
    add_up_(range, wait_a_little);
  }
}

}  // namespace mininmt
