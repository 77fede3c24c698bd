// Translates the lines of waiting requests together, in one thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "apps/serve/requests.h"

namespace mininmt::serve {

using TranslateLines = std::function<std::vector<Shown>(const std::vector<std::string>&)>;

class Queue {
 public:
  // Lines of several requests are translated together, up to `together`; at most `waiting` lines wait.
  Queue(TranslateLines translate, std::size_t together, std::size_t waiting);
  ~Queue() { stop(); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  // Calls done(response), in the queue's thread, when the job's lines are translated. Returns false, and
  // takes nothing, if too many lines wait.
  bool add(Job job, std::function<void(Response)> done);

  // Finishes what is being translated, and drops what waits, with the functions that wait for it.
  void stop();

 private:
  struct Waiting {
    Job job;
    std::function<void(Response)> done;
  };

  void work();
  void answer(std::vector<Waiting>& jobs) const;
  std::vector<Response> responses(const std::vector<Waiting>& jobs) const;

  TranslateLines translate_;
  std::size_t together_, most_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_lines_ = 0;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace mininmt::serve
