#include "apps/program/mpi.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/program/program.h"
#include "tensor/error.h"
#ifdef MININMT_MPI
#include <mpi.h>
#endif

namespace mininmt {
namespace {

#ifdef MININMT_MPI

// What any launcher tells a process; the last two also srun.
constexpr const char* kLaunched[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"};

bool is_launched() {
  for (const char* variable : kLaunched)
    if (std::getenv(variable) != nullptr) return true;
  return false;
}

constexpr auto kPatience = std::chrono::seconds(2);  // for other processes to fail, too
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

MPI_Datatype of_real() { return sizeof(real) == sizeof(float) ? MPI_FLOAT : MPI_DOUBLE; }

int as_int(std::size_t count) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error(join("[mpi] ", count, " elements are more than a message can have"));
  return static_cast<int>(count);
}

// Spans of one block, as MPI takes them.
template <class T>
struct Layout {
  T* base = nullptr;
  std::vector<int> counts, offsets;

  explicit Layout(const std::vector<std::span<T>>& spans) {
    for (const auto& span : spans)
      if (!span.empty() && (base == nullptr || span.data() < base)) base = span.data();
    for (const auto& span : spans) {
      counts.push_back(as_int(span.size()));
      offsets.push_back(span.empty() ? 0 : as_int(static_cast<std::size_t>(span.data() - base)));
    }
  }
};

class MpiProcesses final : public Processes {
 public:
  MpiProcesses() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Allreduce(MPI_IN_PLACE, &provided, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    another_thread_ = provided >= MPI_THREAD_SERIALIZED;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &count_);
    MPI_Comm_dup(MPI_COMM_WORLD, &at_failure_);
    MPI_Comm here = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &here);
    MPI_Comm_rank(here, &rank_here_);
    MPI_Comm_free(&here);
    if (const int launched = launched_processes(); launched > 1 && launched != count_)
      throw UsageError(join("started as one of ", launched, " processes, but MPI knows of ", count_,
                            ": the launcher is of another MPI than this program"));
    if (count_ > 1)
      on_failure([this](const std::string& message, int exit_code) { fail(message, exit_code); });
  }
  ~MpiProcesses() override {
    on_failure({});
    if (!failed_) MPI_Finalize();
  }
  MpiProcesses(const MpiProcesses&) = delete;
  MpiProcesses& operator=(const MpiProcesses&) = delete;

  int rank() const override { return rank_; }
  int count() const override { return count_; }
  int rank_here() const override { return rank_here_; }

  double beside_from() const override {
    constexpr double kWorthIt = 0.1;
    return another_thread_ ? kWorthIt : Processes::beside_from();
  }

  using Processes::gather;
  void gather(const void* own, std::size_t bytes, void* all) override {
    timed([&] { MPI_Allgather(own, as_int(bytes), MPI_BYTE, all, as_int(bytes), MPI_BYTE, MPI_COMM_WORLD); });
  }
  void broadcast(void* data, std::size_t bytes) override {
    timed([&] {
      for (std::size_t at = 0; at < bytes; at += kMostBytes)
        MPI_Bcast(static_cast<char*>(data) + at, as_int(std::min(bytes - at, kMostBytes)), MPI_BYTE, 0,
                  MPI_COMM_WORLD);
    });
  }
  void gather(const std::vector<std::span<real>>& slices) override {
    const Layout<real> all(slices);
    timed([&] {
      MPI_Allgatherv(MPI_IN_PLACE, 0, of_real(), all.base, all.counts.data(), all.offsets.data(), of_real(),
                     MPI_COMM_WORLD);
    });
  }
  void exchange(const std::vector<std::span<const real>>& to,
                const std::vector<std::span<real>>& from) override {
    const Layout<const real> out(to);
    const Layout<real> in(from);
    timed([&] {
      MPI_Alltoallv(out.base, out.counts.data(), out.offsets.data(), of_real(), in.base, in.counts.data(),
                    in.offsets.data(), of_real(), MPI_COMM_WORLD);
    });
  }
  void gather_beside(const std::vector<std::span<real>>& slices, const Waiting& waiting) override {
    auto all = std::make_unique<Layout<real>>(slices);
    MPI_Request sent = MPI_REQUEST_NULL;
    MPI_Iallgatherv(MPI_IN_PLACE, 0, of_real(), all->base, all->counts.data(), all->offsets.data(), of_real(),
                    MPI_COMM_WORLD, &sent);
    wait_beside(sent, waiting, all);
  }
  void exchange_beside(const std::vector<std::span<const real>>& to, const std::vector<std::span<real>>& from,
                       const Waiting& waiting) override {
    auto both = std::make_unique<std::pair<Layout<const real>, Layout<real>>>(to, from);
    auto& [out, in] = *both;
    MPI_Request sent = MPI_REQUEST_NULL;
    MPI_Ialltoallv(out.base, out.counts.data(), out.offsets.data(), of_real(), in.base, in.counts.data(),
                   in.offsets.data(), of_real(), MPI_COMM_WORLD, &sent);
    wait_beside(sent, waiting, both);
  }

 private:
  // If `waiting` gives up, MPI may go on reading what `layout` holds.
  template <class T>
  void wait_beside(MPI_Request& sent, const Waiting& waiting, std::unique_ptr<T>& layout) {
    try {
      for (int done = 0; done == 0;) {
        MPI_Test(&sent, &done, MPI_STATUS_IGNORE);
        if (done == 0) waiting();
      }
    } catch (...) {
      abandoned_ = true;
      static_cast<void>(layout.release());
      throw;
    }
  }

  template <class Call>
  void timed(const Call& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  // A mistake on the command line all processes make; but the disk of one may be full. Failures have a
  // communicator of their own, since on the usual one the others may wait for anything.
  void fail(const std::string& message, int exit_code) {
    MPI_Request all_failed;
    int done = 0;
    MPI_Ibarrier(at_failure_, &all_failed);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (done == 0 && std::chrono::steady_clock::now() < end) {
      MPI_Test(&all_failed, &done, MPI_STATUS_IGNORE);
      if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (done != 0) {
      if (is_first()) std::fputs(message.c_str(), stderr);
      if (!abandoned_) return;
      if (!is_first()) std::this_thread::sleep_for(kPatience);  // so that the first one's words come out
      MPI_Abort(MPI_COMM_WORLD, exit_code);
    }
    failed_ = true;
    char name[MPI_MAX_PROCESSOR_NAME] = "";
    int length = 0;
    MPI_Get_processor_name(name, &length);
    std::fprintf(stderr, "process %d of %d, on %s: %s", rank_, count_, name, message.c_str());
    std::fflush(stderr);
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  }

  int rank_ = 0, count_ = 1, rank_here_ = 0;
  MPI_Comm at_failure_ = MPI_COMM_NULL;
  bool another_thread_ = false, failed_ = false;
  std::atomic<bool> abandoned_ = false;  // a message is under way for which nobody waits any more
};

#else

// Becomes the program that is built with MPI; returns if there is none beside this one.
void run_program_with_mpi(const std::vector<std::string>& arguments) {
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error).string(),
                    with = self + "-mpi";
  std::vector<char*> all = {const_cast<char*>(self.c_str())};
  for (const std::string& argument : arguments) all.push_back(const_cast<char*>(argument.c_str()));
  all.push_back(nullptr);
  ::execv(with.c_str(), all.data());
}

#endif

}  // namespace

std::unique_ptr<Processes> join_processes([[maybe_unused]] const std::vector<std::string>& arguments) {
#ifdef MININMT_MPI
  if (is_launched()) return std::make_unique<MpiProcesses>();
#else
  if (const int launched = launched_processes(); launched > 1) {
    run_program_with_mpi(arguments);
    throw UsageError(join("started as one of ", launched,
                          " processes, but there is no mininmt-train-mpi beside this program: install "
                          "libopenmpi-dev or libmpich-dev, and build it with cmake -DMININMT_MPI=ON"));
  }
#endif
  return make_one_process();
}

}  // namespace mininmt
