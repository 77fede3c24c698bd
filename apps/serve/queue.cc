#include "apps/serve/queue.h"

#include <utility>

#include "tensor/error.h"

namespace mininmt::serve {

Queue::Queue(TranslateLines translate, std::size_t together, std::size_t waiting)
    : translate_(std::move(translate)),
      together_(together),
      most_waiting_(waiting),
      thread_([this] { work(); }) {}

void Queue::stop() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  waiting_.clear();
}

bool Queue::add(Job job, std::function<void(Response)> done) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_lines_ + job.lines.size() > most_waiting_) return false;
    waiting_lines_ += job.lines.size();
    waiting_.push_back({std::move(job), std::move(done)});
  }
  changed_.notify_all();
  return true;
}

void Queue::work() {
  while (true) {
    std::vector<Waiting> jobs;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
      if (ends_) return;
      std::size_t lines = 0;
      while (!waiting_.empty() && (jobs.empty() || lines + waiting_.front().job.lines.size() <= together_)) {
        lines += waiting_.front().job.lines.size();
        jobs.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      waiting_lines_ -= lines;
    }
    answer(jobs);
  }
}

// A request that fails, for lack of memory say, gets an error; the others go on.
void Queue::answer(std::vector<Waiting>& jobs) const {
  std::vector<Response> answers;
  try {
    answers = responses(jobs);
  } catch (const std::exception& failed) {
    if (jobs.size() == 1) return jobs[0].done(error(500, failed.what()));
    for (Waiting& waiting : jobs) {
      std::vector<Waiting> alone;
      alone.push_back(std::move(waiting));
      answer(alone);
    }
    return;
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].done(std::move(answers[i]));
}

std::vector<Response> Queue::responses(const std::vector<Waiting>& jobs) const {
  std::vector<std::string> lines;
  for (const Waiting& waiting : jobs)
    lines.insert(lines.end(), waiting.job.lines.begin(), waiting.job.lines.end());
  const std::vector<Shown> all = translate_(lines);
  std::vector<Response> responses;
  auto first = all.begin();
  for (const Waiting& waiting : jobs) {
    const auto end = first + static_cast<std::ptrdiff_t>(waiting.job.lines.size());
    responses.push_back(waiting.job.respond({first, end}));
    first = end;
  }
  return responses;
}

}  // namespace mininmt::serve
