#include "tests/cuda_emulation/block.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>

#include "emulated/device.h"
#include "tests/cuda_emulation/internal.h"
#include "tests/cuda_emulation/worker.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace mininmt::cuda {

// Declared by kernels as `extern __shared__ unsigned char mininmt_dynamic_shared[]`.
alignas(1024) thread_local unsigned char mininmt_dynamic_shared[emulation::kSharedOptin];

// g++ calls this before each use, in case the array has a constructor, without checking that it exists.
void nothing_to_initialise() __asm__("_ZTHN7mininmt4cuda22mininmt_dynamic_sharedE");
void nothing_to_initialise() {}

}  // namespace mininmt::cuda

namespace mininmt::emulation {
namespace {

using device::Collective;
using device::Site;

constexpr int kWarp = 32;
constexpr unsigned char kPoison = 0xff;
constexpr std::size_t kCanary = 1024;  // bytes after the dynamic shared memory that must stay poisoned

struct Waiting {
  Collective on = Collective::kNone;
  Site site;
};

struct Thread {
  Worker* worker = nullptr;  // null before it starts
  Waiting waiting;
  bool finished = false;
};

// A warp's current exchange. Two sets of values: a lane may write its next value before others have read the
// last.
struct Warp {
  int arrived = 0;
  int set = 0;
  Waiting what;
  std::uint64_t values[2][kWarp];
};

std::string text(const uint3& v) {
  return "(" + std::to_string(v.x) + "," + std::to_string(v.y) + "," + std::to_string(v.z) + ")";
}

std::string text(const Site& site) {
  return std::string(site.file_name()) + ":" + std::to_string(site.line());
}

bool same(const Waiting& a, const Waiting& b) {
  return a.on == b.on && a.site.line() == b.site.line() && a.site.column() == b.site.column();
}

class Runner {
 public:
  void run(const Launch& launch);
  device::BlockVote barrier(bool predicate, const Site& site);
  const std::uint64_t* exchange(Collective kind, unsigned mask, std::uint64_t value, const Site& site);
  unsigned lane() const { return static_cast<unsigned>(current_) % kWarp; }
  const Launch* launch() const { return launch_; }
  bool inside() const { return launch_ && current_ >= 0; }

 private:
  void run_block();
  void prepare_shared();
  void check_shared() const;
  Thread& thread(std::int64_t t) { return threads_[static_cast<std::size_t>(t)]; }
  void enter(std::int64_t t);
  void work(Worker& worker);
  bool resume(std::int64_t t);
  bool resume_warp(std::int64_t warp);
  bool pass();
  void wait(Collective on, const Site& site);
  void arrange(std::vector<std::int64_t>& list);
  [[noreturn]] void stuck();
  [[noreturn]] void fail_in_block(const std::string& what) const;

  const Launch* launch_ = nullptr;
  int current_ = -1;
  std::vector<Thread> threads_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Worker*> free_workers_;
  std::vector<Warp> warps_;
  std::vector<std::int64_t> thread_order_;
  std::size_t place_ = 0;  // in thread_order_, of the thread that a pass resumed
  bool starting_ = false;  // whether that runs, and has not waited
  int at_barrier_ = 0;
  int barrier_true_ = 0;
  device::BlockVote last_vote_{};
  Site barrier_site_;
  std::mt19937_64 random_{1};
  std::function<void(Worker&)> work_ = [this](Worker& worker) { work(worker); };
};

Runner& runner() {
  static Runner* const instance = new Runner;
  return *instance;
}

void Runner::fail_in_block(const std::string& what) const {
  fail("kernel " + launch_->name + " block " + text(blockIdx) + ": " + what);
}

void Runner::arrange(std::vector<std::int64_t>& list) {
  std::iota(list.begin(), list.end(), 0);
  if (order() == Order::kReverse) std::reverse(list.begin(), list.end());
  if (order() == Order::kShuffle) std::shuffle(list.begin(), list.end(), random_);
}

void Runner::run(const Launch& launch) {
  launch_ = &launch;
  gridDim = launch.grid;
  blockDim = launch.block;
  const std::size_t threads = std::size_t{blockDim.x} * blockDim.y * blockDim.z;
  while (workers_.size() < threads)
    free_workers_.push_back(workers_.emplace_back(std::make_unique<Worker>(work_)).get());
  warps_.resize((threads + kWarp - 1) / kWarp);
  thread_order_.resize(threads);
  poison(all_shared_arrays());
  std::vector<std::int64_t> blocks(std::size_t{gridDim.x} * gridDim.y * gridDim.z);
  arrange(blocks);
  for (const std::int64_t b : blocks) {
    blockIdx.x = static_cast<unsigned>(b % gridDim.x);
    blockIdx.y = static_cast<unsigned>(b / gridDim.x % gridDim.y);
    blockIdx.z = static_cast<unsigned>(b / gridDim.x / gridDim.y);
    run_block();
  }
  executed().blocks += static_cast<std::int64_t>(blocks.size());
  launch_ = nullptr;
}

void Runner::prepare_shared() {
  poison(launch_->static_shared);
  const std::size_t bytes = std::min(launch_->dynamic_shared + kCanary, kSharedOptin);
  std::memset(cuda::mininmt_dynamic_shared, kPoison, bytes);
}

void Runner::check_shared() const {
  const std::size_t end = std::min(launch_->dynamic_shared + kCanary, kSharedOptin);
  for (std::size_t i = launch_->dynamic_shared; i < end; ++i)
    if (cuda::mininmt_dynamic_shared[i] != kPoison)
      fail_in_block("wrote byte " + std::to_string(i) + " of " + std::to_string(launch_->dynamic_shared) +
                    " bytes of dynamic shared memory");
}

void Runner::run_block() {
  prepare_shared();
  threads_.assign(thread_order_.size(), {});
  for (Warp& warp : warps_) warp.arrived = 0;
  at_barrier_ = barrier_true_ = 0;
  arrange(thread_order_);
  while (pass()) {
  }
  if (!std::ranges::all_of(threads_, &Thread::finished)) stuck();
  check_shared();
}

void Runner::enter(std::int64_t t) {
  current_ = static_cast<int>(t);
  const auto n = static_cast<unsigned>(t);
  threadIdx = {n % blockDim.x, n / blockDim.x % blockDim.y, n / (blockDim.x * blockDim.y)};
}

// Starts the current thread. While a pass starts threads that end without waiting, as in most kernels, the same
// worker goes on with the next.
void Runner::work(Worker& worker) {
  for (;;) {
    thread(current_).worker = &worker;
    launch_->body();
    thread(current_).finished = true;
    if (!starting_ || place_ + 1 == thread_order_.size() || thread(thread_order_[place_ + 1]).worker) break;
    enter(thread_order_[++place_]);
  }
  free_workers_.push_back(&worker);
}

// Resumes a thread; false if it is waiting or has finished.
bool Runner::resume(std::int64_t t) {
  const Thread& next = thread(t);
  if (next.finished || next.waiting.on != Collective::kNone) return false;
  Worker* worker = next.worker;
  if (!worker) {
    worker = free_workers_.back();
    free_workers_.pop_back();
  }
  enter(t);
  worker->resume();
  current_ = -1;
  return true;
}

bool Runner::resume_warp(std::int64_t warp) {
  const std::int64_t first = warp * kWarp, end = std::min(first + kWarp, std::ssize(threads_));
  bool any = false;
  for (std::int64_t i = first; i < end; ++i)
    any |= resume(order() == Order::kReverse ? first + end - 1 - i : i);
  return any;
}

// Resumes every thread that can run; false if there was none. In forward order the warps advance together; in
// the other orders each runs as far as it can, to the end or to a block barrier.
bool Runner::pass() {
  bool any = false;
  for (place_ = 0; place_ < thread_order_.size(); ++place_) {
    starting_ = !thread(thread_order_[place_]).worker;
    const bool resumed = resume(thread_order_[place_]);
    starting_ = false;
    if (!resumed) continue;
    any = true;
    if (order() == Order::kForward) continue;
    while (resume_warp(thread_order_[place_] / kWarp)) {
    }
  }
  return any;
}

void Runner::wait(Collective on, const Site& site) {
  starting_ = false;
  thread(current_).waiting = {on, site};
  thread(current_).worker->suspend();
}

device::BlockVote Runner::barrier(bool predicate, const Site& site) {
  if (at_barrier_ > 0 && !same({Collective::kBarrier, barrier_site_}, {Collective::kBarrier, site}))
    fail_in_block("threads at different barriers, " + text(barrier_site_) + " and " + text(site));
  barrier_site_ = site;
  ++at_barrier_;
  barrier_true_ += predicate;
  if (at_barrier_ < std::ssize(threads_)) {
    wait(Collective::kBarrier, site);
  } else {
    last_vote_ = {barrier_true_, static_cast<int>(threads_.size())};
    at_barrier_ = barrier_true_ = 0;
    for (Thread& t : threads_) t.waiting.on = Collective::kNone;
  }
  return last_vote_;
}

const std::uint64_t* Runner::exchange(Collective kind, unsigned mask, std::uint64_t value, const Site& site) {
  if (mask != 0xffffffffu) fail_in_block("a warp operation without all lanes in its mask, " + text(site));
  if (threads_.size() % kWarp != 0) fail_in_block("a warp operation in a block of one thread, " + text(site));
  const int first = current_ / kWarp * kWarp;
  Warp& warp = warps_[static_cast<std::size_t>(current_ / kWarp)];
  if (warp.arrived == 0) warp.what = {kind, site};
  if (!same(warp.what, {kind, site}))
    fail_in_block("lanes of one warp at different operations, " + text(warp.what.site) + " and " +
                  text(site));
  const int set = warp.set;
  warp.values[set][current_ - first] = value;
  if (++warp.arrived < kWarp) {
    wait(kind, site);
  } else {
    warp.arrived = 0;
    warp.set = 1 - set;
    for (int t = first; t < first + kWarp; ++t) thread(t).waiting.on = Collective::kNone;
  }
  return warp.values[set];
}

// No thread can run, and not all have finished.
void Runner::stuck() {
  std::string what;
  if (at_barrier_ > 0)
    what = "barrier reached by " + std::to_string(at_barrier_) + " of " + std::to_string(threads_.size()) +
           " threads, " + text(barrier_site_);
  for (const Warp& warp : warps_) {
    if (warp.arrived == 0) continue;
    what += std::string(what.empty() ? "" : "; ") + "warp operation reached by " +
            std::to_string(warp.arrived) + " of 32 lanes of warp " + std::to_string(&warp - warps_.data()) +
            ", " + text(warp.what.site);
    break;
  }
  fail_in_block(what);
}

}  // namespace

void run(const Launch& launch) { runner().run(launch); }

bool in_kernel() { return runner().inside(); }

void describe_thread() {
  if (!in_kernel()) return;
  std::fprintf(stderr, "emulated CUDA: in kernel %s block %s thread %s\n", runner().launch()->name.c_str(),
               text(blockIdx).c_str(), text(threadIdx).c_str());
}

namespace device {

BlockVote barrier(bool predicate, const Site& site) { return runner().barrier(predicate, site); }

const std::uint64_t* exchange(Collective kind, unsigned mask, std::uint64_t value, const Site& site) {
  return runner().exchange(kind, mask, value, site);
}

unsigned lane() { return runner().lane(); }

}  // namespace device
}  // namespace mininmt::emulation
