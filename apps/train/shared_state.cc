#include "apps/train/shared_state.h"

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
    processes_.broadcast(block.values().data(), block.values().size_bytes());
  }

 private:
  Processes& processes_;
};

Facts of_first(Processes& processes, const Facts& own) {
  Facts first;
  for (const auto& [name, value] : own) first[name] = processes.of_first(value);
  return first;
}

}  // namespace

void share_choices(Processes& processes, TrainOptions& options) {
  options.device = processes.of_first(options.device);
  processes.broadcast(&options.parts, sizeof options.parts);
}

void check_same_in_all(Processes& processes, const Facts& facts, const TrainOptions& options) {
  const auto differences = processes.gather(difference(of_first(processes, facts), facts, options));
  for (std::size_t rank = 0; rank < differences.size(); ++rank)
    if (!differences[rank].empty())
      throw UsageError(join("process ", rank, " can't train with process 0, since ", differences[rank],
                            " there: all need the same options and text"));
}

void share_state(Processes& processes, const StateOf& state) {
  if (processes.count() == 1) return;
  Sharing sharing(processes);
  state(sharing);
}

}  // namespace mininmt
