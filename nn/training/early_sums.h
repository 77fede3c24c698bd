// Adds up gradients over processes while the rest of the backward pass is still being computed, if the first
// updates show that communication takes long enough to be worth it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "autograd/parameter.h"
#include "nn/training/processes.h"

namespace mininmt {

class EarlySums {
 public:
  // A range of the block of gradients: parameters that lie side by side.
  struct Range {
    std::int64_t begin, size;
  };

  // Adds up a range over all processes, on the thread of this object; must call `waiting` where it waits.
  using AddUp = std::function<void(const Range&, const Processes::Waiting& waiting)>;

  EarlySums(const Parameters& parameters, Processes& processes, AddUp add_up);
  ~EarlySums() { stop(); }
  EarlySums(const EarlySums&) = delete;
  EarlySums& operator=(const EarlySums&) = delete;

  // Begins an update of which this process computes so many parts. Returns whether ranges are added up early;
  // all processes must say the same of `allowed`. Not in the first three updates, which show the order in which
  // gradients become final and what communication takes; all go by the first process's. Throws Error if the last
  // update did not finish().
  bool begin(std::int64_t own_parts, bool allowed);

  // Of one part, from any thread.
  void is_final(const Parameter& parameter);

  // Waits until all ranges are added up; rethrows what AddUp threw.
  void finish();

  // Ends the thread. Returns false if that broke off an update: then what was being sent may still be read and
  // written.
  bool stop();

 private:
  void start_thread();
  void measure();
  void agree_on_ranges();
  bool is_ready(const Range& range) const;
  void work(const std::stop_token& stop);
  void work_through(const std::stop_token& stop);

  const Parameters& parameters_;
  Processes& processes_;
  const AddUp add_up_;
  std::vector<Range> ranges_;  // in the order in which they become final; empty: nothing is added up early
  int updates_ = 0;
  double begun_ = 0, communicated_ = 0;  // when the last update began: the time, and processes_.seconds()
  double least_share_ = std::numeric_limits<double>::infinity();  // of communication in an update

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::int64_t own_parts_ = 0;
  std::vector<const Parameter*> order_;              // as they become final in all own parts
  std::map<const Parameter*, std::int64_t> finals_;  // in how many own parts
  bool early_ = false, working_ = false, all_computed_ = false, broken_off_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // started by the first update that needs it
};

}  // namespace mininmt
