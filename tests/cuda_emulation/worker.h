// Stacks for the threads of a block, reused between kernels.
#pragma once

#include <boost/context/fiber.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace mininmt::emulation {

// A fiber that calls `work` whenever it is resumed after finishing.
class Worker {
 public:
  explicit Worker(const std::function<void(Worker&)>& work);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  void resume();   // called by the scheduler: runs until suspend or the end of work
  void suspend();  // called by the fiber

 private:
  const std::function<void(Worker&)>& work_;
  void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  const void* scheduler_stack_ = nullptr;
  std::size_t scheduler_bytes_ = 0;
  void* fake_stack_ = nullptr;
  boost::context::fiber fiber_;
  boost::context::fiber scheduler_;
};

}  // namespace mininmt::emulation
