// Processes that are threads of the test.
#pragma once

#include <atomic>
#include <barrier>
#include <cstring>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "nn/training/processes.h"

namespace mininmt {

// Runs work(processes) in `count` threads, each as a process of its own; rethrows what one of them threw, who
// must do so alike. beside: counts the messages that each exchanged while it computed.
inline void run_team(int count, const std::function<void(Processes&)>& work,
                     std::vector<int>* beside = nullptr) {
  struct Shared {
    explicit Shared(int n) : barrier(n), own(n), slices(n), to(n) {}
    std::barrier<> barrier;
    std::atomic<int> met = 0;
    std::vector<const void*> own;
    std::vector<std::vector<std::span<real>>> slices;
    std::vector<std::vector<std::span<const real>>> to;
  } shared(count);

  struct Member final : Processes {
    Member(Shared& shared, int rank, int count) : all(shared), me(rank), n(count) {}
    int rank() const override { return me; }
    int count() const override { return n; }
    void gather(const void* own, std::size_t bytes, void* to) override {
      all.own[me] = own;
      all.barrier.arrive_and_wait();
      for (int r = 0; r < n && bytes > 0; ++r)
        std::memcpy(static_cast<char*>(to) + static_cast<std::size_t>(r) * bytes, all.own[r], bytes);
      all.barrier.arrive_and_wait();
    }
    void broadcast(void* data, std::size_t bytes) override {
      all.own[me] = data;
      all.barrier.arrive_and_wait();
      if (me > 0 && bytes > 0) std::memcpy(data, all.own[0], bytes);
      all.barrier.arrive_and_wait();
    }
    void gather(const std::vector<std::span<real>>& slices) override {
      all.slices[me] = slices;
      all.barrier.arrive_and_wait();
      for (int r = 0; r < n; ++r)
        if (r != me) std::copy(all.slices[r][r].begin(), all.slices[r][r].end(), slices[r].begin());
      all.barrier.arrive_and_wait();
    }
    void exchange(const std::vector<std::span<const real>>& to,
                  const std::vector<std::span<real>>& from) override {
      all.to[me] = to;
      all.barrier.arrive_and_wait();
      for (int r = 0; r < n; ++r) {
        if (all.to[r][me].size() != from[r].size()) std::terminate();
        std::copy(all.to[r][me].begin(), all.to[r][me].end(), from[r].begin());
      }
      all.barrier.arrive_and_wait();
    }
    double beside_from() const override { return 0; }
    void gather_beside(const std::vector<std::span<real>>& slices, const Waiting& waiting) override {
      meet(waiting);
      gather(slices);
    }
    void exchange_beside(const std::vector<std::span<const real>>& to,
                         const std::vector<std::span<real>>& from, const Waiting& waiting) override {
      meet(waiting);
      exchange(to, from);
      ++exchanged;
    }
    // Waits until all are here.
    void meet(const Waiting& waiting) {
      const int round = all.met++ / n;
      while (all.met / n == round) waiting();
    }
    Shared& all;
    int me, n, exchanged = 0;
  };

  std::exception_ptr failure;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank)
    threads.emplace_back([&, rank] {
      Member member(shared, rank, count);
      try {
        work(member);
      } catch (...) {
        if (rank == 0) failure = std::current_exception();
      }
      if (beside) (*beside)[static_cast<std::size_t>(rank)] = member.exchanged;
    });
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mininmt
