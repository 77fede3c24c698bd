#include "tests/cuda/peer.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tensor/error.h"

namespace mininmt {
namespace {

// Messages are files of one folder.
class FileProcesses final : public Processes {
 public:
  FileProcesses(int rank, std::string folder) : rank_(rank), folder_(std::move(folder)) {}
  int rank() const override { return rank_; }
  int count() const override { return kPeers; }

  using Processes::gather;
  void gather(const void* own, std::size_t bytes, void* all) override {
    const std::string name = join(folder_, "/message", messages_++, ".");
    std::ofstream(join(name, rank_, ".part"), std::ios::binary)
        .write(static_cast<const char*>(own), size(bytes));
    std::filesystem::rename(join(name, rank_, ".part"), join(name, rank_));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (int r = 0; r < kPeers; ++r) {
      while (!std::filesystem::exists(join(name, r))) {
        if (std::chrono::steady_clock::now() > end) throw Error(join("process ", r, " does not come"));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      std::ifstream(join(name, r), std::ios::binary)
          .read(static_cast<char*>(all) + static_cast<std::size_t>(r) * bytes, size(bytes));
    }
  }
  void broadcast(void* data, std::size_t bytes) override {
    std::vector<char> all(bytes * kPeers);
    gather(data, bytes, all.data());
    std::memcpy(data, all.data(), bytes);
  }
  void gather(const std::vector<std::span<real>>&) override { throw Error("not on a GPU"); }
  void exchange(const std::vector<std::span<const real>>&, const std::vector<std::span<real>>&) override {
    throw Error("not on a GPU");
  }

 private:
  static std::streamsize size(std::size_t bytes) { return static_cast<std::streamsize>(bytes); }

  int rank_, messages_ = 0;
  std::string folder_;
};

}  // namespace

Recipe recipe_of_peers() {
  Recipe recipe = training_options("adam");
  recipe.word_dropout = 0.1;
  recipe.parts = kPeers;
  return recipe;
}

Config config_of_peers() { return with_dropout(small_config()); }

std::vector<Pairs> minibatches_of_peers(int i) {
  Pairs pairs(i == 3 ? 5 : 9);
  for (std::size_t k = 0; k < pairs.size(); ++k)
    pairs[k] = static_cast<std::uint32_t>((static_cast<std::size_t>(i % 2) * 11 + k * 3) % kCorpus.size());
  std::vector<Pairs> minibatches = {pairs};
  if (i == 2) minibatches.push_back(minibatch(1));  // fewer sentences than two parts have
  return minibatches;
}

int run_peer(int rank, const std::string& folder) {
  FileProcesses processes(rank, folder);
  cuda::choose_device_of(rank);
  const std::vector<std::string> devices = processes.gather(cuda::device_id());
  if (devices[0] == devices[1]) return 77;
  Trainee gpu(recipe_of_peers(), cuda::memory(), kCorpus, config_of_peers(), processes);
  std::ofstream out(join(folder, "/", rank));
  out.precision(17);
  for (int i = 0; i < kUpdatesOfPeers; ++i) out << gpu.update(minibatches_of_peers(i)).cost << '\n';
  for (const real x : gpu.values()) out << x << '\n';
  return 0;
}

}  // namespace mininmt
