// Profile of an update. Longer and longer prefixes of the update are captured and timed, and the whole; a
// part is the difference between two.
#include <algorithm>
#include <cstdio>

#include "apps/train/minibatches.h"
#include "cuda/device.h"
#include "cuda/kernels.h"
#include "nn/rnnsearch/rnnsearch.h"
#include "nn/training/optimizer.h"
#include "ops/arrange.h"
#include "ops/elementwise.h"
#include "ops/reduce.h"
#include "tensor/error.h"
#include "tests/bench/model_bench.h"

namespace mininmt::bench {
namespace {

// The median minibatch by target words and source positions.
std::vector<std::uint32_t> median_of(const ParallelCorpus& corpus, Minibatches minibatches) {
  const auto size = [&](const std::vector<std::uint32_t>& pairs) {
    std::size_t longest = 0, words = 0;
    for (std::uint32_t p : pairs) {
      longest = std::max(longest, corpus.source(p).size());
      words += corpus.target(p).size();
    }
    return longest * pairs.size() + words;
  };
  const auto middle = minibatches.begin() + static_cast<std::ptrdiff_t>(minibatches.size() / 2);
  std::nth_element(minibatches.begin(), middle, minibatches.end(),
                   [&](const auto& a, const auto& b) { return size(a) < size(b); });
  return *middle;
}

// An update as in CudaUpdater (nn/training/cuda_update.cc), without dropout and average, and its prefixes.
class Update {
 public:
  Update(const Setup& setup, Batch batch)
      : options_(setup.options),
        model_(setup.new_model()),
        batch_(std::move(batch)),
        memory_(*setup.device.memory),
        gradients_(model_->parameters().new_gradients()),
        optimizer_(make_optimizer(options_.optimizer, options_.learn_rate, model_->parameters().values())),
        schedule_(room(sizeof(cuda::Schedule))),
        progress_(room(sizeof(cuda::Progress))),
        partial_(room(sizeof(double) * cuda::kNormPartials)) {
    batch_.send(memory_);
    cuda::Schedule schedule{};
    schedule.learn_rate = options_.learn_rate;
    schedule.clip_norm = options_.clip_norm;
    schedule.average_weight = 0;
    schedule.cost_scale = 1;
    memory_.from_host(schedule_.data(), &schedule, sizeof schedule);
    progress_.fill(0);
  }

  double parameter_bytes() const { return sizeof(real) * static_cast<double>(gradients_.size()); }

  void encode(bool backward) const {
    Tape tape(gradients_);
    const Var h = encoded(tape).annotations;
    if (backward) tape.backward(sum(h));
  }

  // The encoder and the loop over target words.
  void decode(bool backward) const {
    Tape tape(gradients_);
    const Decoder& decoder = rnnsearch().decoder();
    const Encoded source = encoded(tape);
    const Var projected = decoder.project_words(tape, decoder.embed_words(tape, batch_.previous, {}));
    const DecoderPass pass(tape, decoder, rnnsearch().attention(), source);
    State state = pass.start();
    std::vector<Var> states, contexts;
    for (int i = 0; i < batch_.previous.steps; ++i) {
      const DecoderPass::Step step = pass.step(state, mininmt::step(projected, i));
      state = step.after;
      states.push_back(step.s);
      contexts.push_back(step.c);
    }
    if (backward) tape.backward(add(sum(stack(states)), sum(stack(contexts))));
  }

  void all(bool backward, bool update) const {
    if (update) gradients_.fill(0);
    Tape tape(gradients_);
    const Var cost = sum(model_->costs(tape, batch_, {}));
    if (backward) tape.backward(cost);
    if (!update) return;
    const Tensor& values = model_->parameters().values();
    auto* const schedule = reinterpret_cast<cuda::Schedule*>(schedule_.data());
    auto* const progress = reinterpret_cast<cuda::Progress*>(progress_.data());
    cuda::measure(values.size(), gradients_.data(), cost.value().data(), schedule,
                  reinterpret_cast<double*>(partial_.data()), progress);
    optimizer_->update(values, gradients_, schedule, progress);
  }

 private:
  const RnnSearch& rnnsearch() const { return dynamic_cast<const RnnSearch&>(*model_); }
  Encoded encoded(Tape& tape) const {
    return rnnsearch().encoder().encode(tape, batch_.source, batch_.source_lengths, {});
  }
  Tensor room(std::size_t bytes) const {
    return Tensor({static_cast<std::int64_t>((bytes + sizeof(real) - 1) / sizeof(real))}, memory_);
  }

  const TrainOptions& options_;
  std::unique_ptr<Model> model_;
  Batch batch_;
  Memory& memory_;
  Tensor gradients_;
  std::unique_ptr<Optimizer> optimizer_;
  Tensor schedule_, progress_, partial_;
};

struct Part {
  std::string name;
  double seconds, floor;
};

// Launch by launch, like the first minibatch of a shape; the host runs ahead of the GPU if it can.
double seconds_one_by_one(const Memory& memory, const Update& update) {
  constexpr int kRuns = 10;
  update.all(true, true);
  wait_for(memory);
  const double start = now();
  for (int i = 0; i < kRuns; ++i) update.all(true, true);
  wait_for(memory);
  return (now() - start) / kRuns;
}

}  // namespace

void profile_on_gpu(const Setup& setup, const ParallelCorpus& corpus, const Minibatches& minibatches,
                    const Roofs& roofs) {
  Memory& memory = *setup.device.memory;
  const Minibatch minibatch = minibatch_of(corpus, median_of(corpus, minibatches));
  const Batch batch = make_batch(minibatch.sources, minibatch.targets);
  const double S = batch.source.steps, T = batch.previous.steps, B = batch.sentences;
  const double N = static_cast<double>(batch.rows.size());
  const TrainOptions& o = setup.options;
  const double l = o.config.integer("dim-maxout"), n = o.config.integer("dim-rnn"), V = setup.target_words();
  // A third forward, two thirds backward.
  const double encoder = flops(o, 0, S * B, 0) / 3 - 2 * S * B * 2 * n * o.config.integer("dim-align");
  const double output = 2 * N * (2 * l * (3 * n + o.config.integer("dim-emb")) + V * l);
  const double loop =
      flops(o, 0, S * B, T * B) / 3 - encoder - 2 * T * B * 2 * l * (3 * n + o.config.integer("dim-emb"));

  const Update update(setup, batch);
  const auto seconds = [&](const auto& work) { return seconds_of(memory, work); };
  const double e = seconds([&] { update.encode(false); }), e_back = seconds([&] { update.encode(true); });
  const double d = seconds([&] { update.decode(false); }), d_back = seconds([&] { update.decode(true); });
  const double a = seconds([&] { update.all(false, false); }),
               a_back = seconds([&] { update.all(true, false); });
  const double whole = seconds([&] { update.all(true, true); });
  const cuda::Graph graph([&] { update.all(true, true); });
  // The gradient is zeroed, read for the norm and by the optimizer, which reads and writes the parameters
  // and, except for plain SGD, two more numbers each.
  const double bytes = update.parameter_bytes() * (o.optimizer == "sgd" ? 5 : 9);

  const auto floor = [&](double flops) { return flops / roofs.gflops / 1e9; };  // of the products only
  const Part parts[] = {
      {"encoder", e, floor(encoder)},
      {"keys and decoder loop", d - e, floor(loop)},
      {"readout, output layer, losses", a - d, floor(output)},
      {"the same backward", (a_back - a) - (d_back - d), floor(2 * output)},
      {"keys and decoder loop backward", (d_back - d) - (e_back - e), floor(2 * loop)},
      {"encoder backward", e_back - e, floor(2 * encoder)},
      {"gradient = 0, norm, optimizer", whole - a_back, bytes / roofs.gbytes / 1e9},
  };
  const std::string shape = join("S ", S, ", T ", T, ", B ", B, ", ", N, " target words");
  print({{"bench", "profile"},
         {"shape", shape},
         {"precision", setup.precision},
         {"ms", 1e3 * whole},
         {"nodes", graph.nodes()},
         {"ms_launched_one_by_one", 1e3 * seconds_one_by_one(memory, update)}});
  for (const Part& part : parts)
    print({{"bench", "profile: " + part.name}, {"ms", 1e3 * part.seconds}, {"floor_ms", 1e3 * part.floor}});
  std::printf("%-34s %9s %9s %7s   of an update with %s\n", "part", "ms", "floor ms", "share", shape.c_str());
  for (const Part& part : parts)
    std::printf("%-34s %9.3f %9.3f %6.1f%%\n", part.name.c_str(), 1e3 * part.seconds, 1e3 * part.floor,
                100 * part.seconds / whole);
  std::printf("%-34s %9.3f\n", "all", 1e3 * whole);
  std::fflush(stdout);
}

}  // namespace mininmt::bench
