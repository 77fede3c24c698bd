// Updates on the GPU. The first minibatch of a shape runs operation by operation; at the second its hundreds
// of kernels are captured as a graph, and from then on such a minibatch is sent and started with one call.
// Minibatches are padded to a limited number of shapes, to limit the number of graphs. The host does not wait
// for an update: its inputs lie in GPU memory (cuda::Schedule), and its results are read when they have
// arrived.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "cuda/peers.h"
#include "nn/training/update.h"
#include "ops/reduce.h"
#include "ops/rows.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kMostUnderWay = 8;                  // updates in flight
constexpr std::size_t kMostShapes = 768;                  // shapes remembered
constexpr int kMostFailures = 3;                          // to capture; after that no update is captured
constexpr int kMostEvicted = 8;                           // graphs dropped to make room for a new one
constexpr std::size_t kLeastFree = std::size_t{1} << 30;  // bytes free on the GPU; a graph takes some 20 MB

int round_up(int x, int multiple) { return (x + multiple - 1) / multiple * multiple; }

// The shape a minibatch is padded to: an even number of steps on each side, and the words to a multiple of
// 1/32 of the T * B target positions. 382,000 pairs of up to 50 words give some 400 shapes, with 3% more
// steps and 2% more words.
BatchShape padded_shape(const Minibatch& minibatch) {
  std::size_t source = 0, target = 0;
  for (const auto& sentence : minibatch.sources) source = std::max(source, sentence.size());
  for (const auto& sentence : minibatch.targets) target = std::max(target, sentence.size());
  BatchShape shape{round_up(static_cast<int>(source), 2), round_up(static_cast<int>(target), 2), 0};
  const std::int64_t places = shape.target_steps * minibatch.sentences();
  const std::int64_t unit = (places + 31) / 32;
  shape.words = std::min((minibatch.target_words() + unit - 1) / unit * unit, places);
  return shape;
}

struct Key {
  std::int64_t sentences;
  int source_steps, target_steps;
  std::int64_t words;
  bool whole;  // an update, not one of its minibatches or parts
  auto operator<=>(const Key&) const = default;
};

// Rounded up to whole tensor elements.
template <class T>
constexpr std::int64_t size_of(std::int64_t count) {
  const std::size_t bytes = sizeof(T) * static_cast<std::size_t>(count);
  return static_cast<std::int64_t>((bytes + sizeof(real) - 1) / sizeof(real));
}

class CudaUpdater final : public Updater {
 public:
  CudaUpdater(Model& model, const Recipe& recipe, Processes& processes)
      : Updater(model, recipe),
        rank_(processes.rank()),
        count_(processes.count()),
        peers_(processes.count() > 1 ? join_peers(processes) : nullptr),
        memory_(model.parameters().values().memory()),
        gradients_(model.parameters().new_gradients()),
        cost_(Shape(), memory_),
        schedule_block_({kScheduleSize}, memory_),
        progress_block_(Tensor::zeros({kProgressSize}, memory_)),
        partial_block_({kPartialSize}, memory_),
        reclaim_([this] { return evict(); }) {}

  void begin(std::span<const Minibatch> minibatches) override {
    UpdateReport report = counts(minibatches);
    const bool whole = minibatches.size() == 1 && !peers_;
    if (!whole) {
      gradients_.fill(0);
      cost_.fill(0);
    }
    std::size_t first = 0;  // of a minibatch's parts, one for each process, as long as there are so many
    for (const Minibatch& minibatch : minibatches) {
      const std::vector<Minibatch> parts = split(minibatch, count_);
      const auto own = static_cast<std::size_t>(rank_);
      send_schedule(report, first + own);
      if (own < parts.size()) compute(parts[own], first + own, whole);
      first += parts.size();
    }
    if (peers_) {
      peers_->sum(gradients_.size(), gradients_.data());
      peers_->sum(1, cost_.data());
    }
    if (!whole) apply(cost_);
    ++updates_;
    if (under_way_.size() == kMostUnderWay) take_report();
    auto readback =
        idle_.empty() ? std::make_unique<cuda::Readback>(sizeof(cuda::Progress)) : std::move(idle_.back());
    if (!idle_.empty()) idle_.pop_back();
    readback->start(progress());
    under_way_.push_back({report, std::move(readback)});
  }

  std::vector<UpdateReport> reports(bool wait) override {
    while (!under_way_.empty() && (wait || under_way_.front().readback->ready())) take_report();
    return std::exchange(done_, {});
  }

  void visit(StateVisitor& visitor) override {
    cuda::Progress now;
    memory_.to_host(&now, progress(), sizeof now);
    optimizer_->applied = now.applied;
    Updater::visit(visitor);
    now.applied = optimizer_->applied;
    memory_.from_host(progress(), &now, sizeof now);
  }

 private:
  static constexpr std::int64_t kScheduleSize = size_of<cuda::Schedule>(1),
                                kProgressSize = size_of<cuda::Progress>(1),
                                kPartialSize = size_of<double>(cuda::kNormPartials);

  struct UnderWay {
    UpdateReport report;
    std::unique_ptr<cuda::Readback> readback;
  };
  struct Captured {  // a minibatch shape, captured at its second minibatch
    Batch batch;     // the graph's inputs
    std::unique_ptr<cuda::Graph> graph;
    std::int64_t last_used = 0;
  };
  using Shapes = std::map<Key, Captured>;

  static std::unique_ptr<cuda::Peers> join_peers(Processes& processes) {
    cuda::Peers::Id id{};
    if (processes.is_first()) id = cuda::Peers::new_id();
    processes.broadcast(id.data(), id.size());
    return std::make_unique<cuda::Peers>(id, processes.rank(), processes.count());
  }

  cuda::Schedule* schedule() const { return reinterpret_cast<cuda::Schedule*>(schedule_block_.data()); }
  cuda::Progress* progress() const { return reinterpret_cast<cuda::Progress*>(progress_block_.data()); }

  // For minibatch i of the update. The random numbers are those of part i on the CPU.
  void send_schedule(const UpdateReport& report, std::size_t i) {
    cuda::Schedule s{};
    s.later = static_cast<std::uint64_t>(updates_) << 20 | i << 4;
    s.learn_rate = learn_rate() * rate_factor();
    s.adam_beta2 = recipe_.adam_beta2;
    s.adam_epsilon = recipe_.adam_epsilon;
    s.clip_norm = recipe_.clip_norm;
    s.average_weight = average_weight();
    s.cost_scale = static_cast<real>(cost_scale(report));
    memory_.from_host(schedule(), &s, sizeof s);
  }

  void compute(const Minibatch& minibatch, std::size_t i, bool whole) {
    const BatchShape at_least = padded_shape(minibatch);
    const Key key{minibatch.sentences(), at_least.source_steps, at_least.target_steps, at_least.words, whole};
    Noise noise = this->noise();
    noise.part = i;
    Batch batch = batch_of(minibatch, noise, at_least);
    const auto [place, is_new] = shapes_.try_emplace(key);
    Captured& captured = place->second;
    captured.last_used = updates_;
    if (captured.graph) {
      captured.batch.replace(batch);
      captured.graph->run();
    } else if (is_new || !capture(captured, batch, whole)) {
      run(batch, whole);
    }
    if (shapes_.size() > kMostShapes) shapes_.erase(oldest([](const Captured&) { return true; }));
  }

  // Captures what run() does as a graph and runs it. If that fails, warns and returns false.
  bool capture(Captured& captured, const Batch& batch, bool whole) {
    if (failures_ == kMostFailures) return false;
    const std::string why = try_to_capture(captured, batch, whole);
    if (captured.graph) {
      captured.graph->run();
      return true;
    }
    captured.batch = {};
    ++failures_;
    warn(join("update ", updates_ + 1,
              " could not be captured as a graph and is computed operation by operation: ", why,
              failures_ < kMostFailures ? "" : "; no other will be captured from now on, which is slower"));
    return false;
  }

  // Sets captured.graph, or returns why it could not. Retries, after freeing memory, only if out of memory.
  std::string try_to_capture(Captured& captured, const Batch& batch, bool whole) {
    std::string why = "less than 1 GiB of the GPU's memory is free";
    int evicted = 0;
    const auto make_room = [&] { return evicted++ < kMostEvicted && evict(); };
    try {
      while (cuda::memory().free_bytes() < kLeastFree)
        if (!make_room()) return why;
      captured.batch = batch;
      captured.batch.send(memory_);
    } catch (const OutOfMemory& e) {
      return e.what();
    }
    bool again = true, trimmed = false;
    while (again) {
      try {
        captured.graph = std::make_unique<cuda::Graph>([&] { run(captured.batch, whole); });
        return "";
      } catch (const OutOfMemory& e) {
        why = e.what();
        again = !std::exchange(trimmed, true) || make_room();
        cuda::memory().trim();
      } catch (const Error& e) {
        return e.what();
      }
    }
    return why;
  }

  // The least recently used of the `wanted` shapes, or shapes_.end().
  template <class Wanted>
  Shapes::iterator oldest(const Wanted& wanted) {
    auto found = shapes_.end();
    for (auto i = shapes_.begin(); i != shapes_.end(); ++i)
      if (wanted(i->second) && (found == shapes_.end() || i->second.last_used < found->second.last_used))
        found = i;
    return found;
  }

  // Drops the least recently used graph to free its memory. Returns false if there is none.
  bool evict() {
    const auto found = oldest([](const Captured& captured) { return captured.graph != nullptr; });
    if (found == shapes_.end()) return false;
    shapes_.erase(found);
    if (!std::exchange(has_evicted_, true))
      warn("the GPU's memory is used up: the captured graphs that were used least recently are given up");
    return true;
  }

  // A whole update, or the gradient and cost of one of its minibatches or parts, added to those of the others;
  // operation by operation.
  void run(const Batch& batch, bool whole) {
    const cuda::ShortLived short_lived;
    Noise noise = this->noise();
    noise.update = 0;
    noise.later = &schedule()->later;
    if (whole) gradients_.fill(0);
    Tape tape(gradients_);
    const Var cost = sum(model_.costs(tape, batch, {recipe_.label_smoothing, noise}));
    tape.backward(cost, schedule_block_.view(offsetof(cuda::Schedule, cost_scale) / sizeof(real), {}));
    whole ? apply(cost.value()) : add_to(cost.value(), cost_);
  }

  // The update by gradients_, whose cost this is.
  void apply(const Tensor& cost) {
    const Tensor& values = model_.parameters().values();
    cuda::measure(values.size(), gradients_.data(), cost.data(), schedule(),
                  reinterpret_cast<double*>(partial_block_.data()), progress());
    optimizer_->update(values, gradients_, schedule(), progress());
    if (average_.defined())
      cuda::update<cuda::Approach>(values.size(), schedule(), progress(), values.data(), average_.data());
  }

  void take_report() {
    UnderWay first = std::move(under_way_.front());
    under_way_.pop_front();
    cuda::Progress progress;
    std::memcpy(&progress, first.readback->wait(), sizeof progress);
    first.report.cost = progress.cost;
    first.report.gradient_norm = progress.norm;
    first.report.applied = progress.ok != 0;
    done_.push_back(first.report);
    idle_.push_back(std::move(first.readback));
  }

  int rank_, count_;  // of this process
  std::unique_ptr<cuda::Peers> peers_;
  Memory& memory_;
  Tensor gradients_, cost_;  // cost_: the sum over an update's minibatches or processes, if there are several
  Tensor schedule_block_, progress_block_, partial_block_;
  Shapes shapes_;
  int failures_ = 0;
  bool has_evicted_ = false;
  std::deque<UnderWay> under_way_;
  std::vector<std::unique_ptr<cuda::Readback>> idle_;
  std::vector<UpdateReport> done_;
  cuda::Reclaim reclaim_;
};

}  // namespace

std::unique_ptr<Updater> make_cuda_updater(Model& model, const Recipe& recipe, Processes& processes) {
  return std::make_unique<CudaUpdater>(model, recipe, processes);
}

}  // namespace mininmt
