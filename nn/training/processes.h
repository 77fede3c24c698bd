// The processes that train one model together (data parallel): each has all parameters, and computes its
// parts of each update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/types.h"

namespace mininmt {

// All of them call the same functions in the same order; a call returns when what others send has come. A
// process that ends without them ends them all (apps/program/mpi.h).
class Processes {
 public:
  virtual ~Processes() = default;

  virtual int rank() const = 0;  // of this one, from 0
  virtual int count() const = 0;
  virtual int rank_here() const { return 0; }  // among those of this machine
  bool is_first() const { return rank() == 0; }

  // all[r * bytes, (r + 1) * bytes): what process r calls its own.
  virtual void gather(const void* own, std::size_t bytes, void* all) = 0;

  // Sets the bytes to those that the first process has there.
  virtual void broadcast(void* data, std::size_t bytes) = 0;

  // slices[r] is process r's: sets those of the others to what they have there. All lie in one block.
  virtual void gather(const std::vector<std::span<real>>& slices) = 0;

  // Sends to[r] to process r, and receives from[r] from it; some may be empty. Each lie in one block.
  virtual void exchange(const std::vector<std::span<const real>>& to,
                        const std::vector<std::span<real>>& from) = 0;

  // The share of the time that communication takes from which on the two below are worth calling: from one
  // other thread, while the first one computes and calls nothing here. Infinite where they can't be.
  virtual double beside_from() const { return std::numeric_limits<double>::infinity(); }

  // gather() and exchange() that call `waiting` again and again until they are done, and count no seconds().
  // It may throw to give up, after which nothing more is sent.
  using Waiting = std::function<void()>;
  virtual void gather_beside(const std::vector<std::span<real>>& slices, const Waiting&) { gather(slices); }
  virtual void exchange_beside(const std::vector<std::span<const real>>& to,
                               const std::vector<std::span<real>>& from, const Waiting&) {
    exchange(to, from);
  }

  // The strings and the numbers of all.
  std::vector<std::string> gather(const std::string& own);
  std::vector<double> gather(double own);

  // The first process's.
  std::string of_first(std::string own);

  // Spent here in calls of this class, waiting for the others included.
  double seconds() const { return seconds_; }
  void count_seconds(double seconds) { seconds_ += seconds; }

 protected:
  double seconds_ = 0;
};

// A process by itself.
Processes& one_process();
std::unique_ptr<Processes> make_one_process();

}  // namespace mininmt
