#include "nn/training/processes.h"

#include <algorithm>
#include <cstring>

namespace mininmt {
namespace {

class OneProcess final : public Processes {
 public:
  int rank() const override { return 0; }
  int count() const override { return 1; }
  void gather(const void* own, std::size_t bytes, void* all) override { std::memcpy(all, own, bytes); }
  void broadcast(void*, std::size_t) override {}
  void gather(const std::vector<std::span<real>>&) override {}
  void exchange(const std::vector<std::span<const real>>& to,
                const std::vector<std::span<real>>& from) override {
    std::copy(to[0].begin(), to[0].end(), from[0].begin());
  }
};

}  // namespace

std::vector<std::string> Processes::gather(const std::string& own) {
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(count()));
  const std::uint64_t size = own.size();
  gather(&size, sizeof size, sizes.data());
  const std::size_t longest = *std::max_element(sizes.begin(), sizes.end());
  std::string padded = own, all(longest * sizes.size(), '\0');
  padded.resize(longest);
  gather(padded.data(), longest, all.data());
  std::vector<std::string> strings;
  for (std::size_t r = 0; r < sizes.size(); ++r) strings.push_back(all.substr(r * longest, sizes[r]));
  return strings;
}

std::vector<double> Processes::gather(double own) {
  std::vector<double> all(static_cast<std::size_t>(count()));
  gather(&own, sizeof own, all.data());
  return all;
}

std::string Processes::of_first(std::string own) {
  std::uint64_t size = own.size();
  broadcast(&size, sizeof size);
  own.resize(size);
  broadcast(own.data(), size);
  return own;
}

Processes& one_process() {
  static OneProcess process;
  return process;
}

std::unique_ptr<Processes> make_one_process() { return std::make_unique<OneProcess>(); }

}  // namespace mininmt
