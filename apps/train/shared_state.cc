#include "apps/train/shared_state.h"

#include <fstream>
#include <sstream>
#include <vector>

#include "apps/options/option_values.h"
#include "apps/train/resume.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

class Sharing final : public StateVisitor {
 public:
  explicit Sharing(Processes& processes) : processes_(processes) {}

  void visit(const std::string&, std::int64_t& number) override {
    processes_.broadcast(&number, sizeof number);
  }
  void visit(const std::string&, double& number) override { processes_.broadcast(&number, sizeof number); }
  void visit(const std::string&, const Tensor& block) override {
    const Tensor here = block.to(cpu_memory());  // itself, or a copy
    processes_.broadcast(here.values().data(), here.values().size_bytes());
    if (block.on_cuda() && !processes_.is_first()) block.set(here);
  }

 private:
  Processes& processes_;
};

// As far as loops are compiled for it: others round otherwise.
const char* cpu_level() {
#ifdef __x86_64__
#ifndef __clang__  // which does not know the name
  if (__builtin_cpu_supports("amx-bf16")) return "AMX";
#endif
  if (__builtin_cpu_supports("avx512bf16")) return "AVX512_BF16";
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) return "AVX-512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "AVX2";
#endif
  return "no AVX2";
}

Facts of_first(Processes& processes, const Facts& own) {
  Facts first;
  for (const auto& [name, value] : own) first[name] = processes.of_first(value);
  return first;
}

}  // namespace

void share_choices(Processes& processes, TrainOptions& options) {
  options.device = processes.of_first(options.device);
  const std::string precision = processes.of_first(options.precision);
  if (options.precision == "auto") options.precision = precision;
  processes.broadcast(&options.parts, sizeof options.parts);
  processes.broadcast(&options.after, sizeof options.after);
  processes.broadcast(&options.early_stopping, sizeof options.early_stopping);
}

void check_devices(Processes& processes, const std::string& own_gpu) {
  const std::vector<std::string> all = processes.gather(own_gpu);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank].empty() != all[0].empty())
      throw UsageError(join(
          "process ", all[0].empty() ? rank : 0, " has a GPU and process ", all[0].empty() ? 0 : rank,
          " has none: --device cpu trains on the CPUs of all, and --device cuda says why there is none"));
    for (std::size_t other = 0; other < rank && !all[rank].empty(); ++other)
      if (all[other] == all[rank])
        throw UsageError(join("processes ", other, " and ", rank,
                              " have the same GPU: start one process for each, or add --device cpu"));
  }
}

void share_vocabs(Processes& processes, TrainOptions& reading) {
  std::istringstream files(processes.of_first(join_list(reading.vocabs, "\n")));
  std::vector<std::string> vocabs;
  for (std::string file; std::getline(files, file);)
    if (std::ifstream(file).good()) vocabs.push_back(file);
  if (vocabs.size() == 2) reading.vocabs = vocabs;
}

void check_same_in_all(Processes& processes, const Facts& facts, const TrainOptions& options) {
  std::string own = difference(of_first(processes, facts), facts, options);
  const std::string level = cpu_level(), first = processes.of_first(level);
  if (own.empty() && level != first) own = join("its CPU has ", level, ", not ", first, ",");
  const auto differences = processes.gather(own);
  for (std::size_t rank = 0; rank < differences.size(); ++rank)
    if (!differences[rank].empty())
      throw UsageError(join("process ", rank, " can't train with process 0, since ", differences[rank],
                            " there: all need the same options, text and kind of CPU"));
}

void share_state(Processes& processes, const StateOf& state) {
  if (processes.count() == 1) return;
  Sharing sharing(processes);
  state(sharing);
}

}  // namespace mininmt
