// How much of sending gradients could be hidden behind the rest of the backward pass: a second thread watches when
// each parameter's gradient changes for the last time.
#include <algorithm>
#include <bit>
#include <thread>

#include "apps/train/minibatches.h"
#include "autograd/tape.h"
#include "ops/reduce.h"
#include "tensor/error.h"
#include "tests/bench/model_bench.h"

namespace mininmt::bench {
namespace {

// A sum over what another thread is writing.
std::uint32_t sum_of_bits(const Tensor& x) {
  std::uint32_t sum = 0;
  for (const real& value : x.values()) {
    real now;
    __atomic_load(&value, &now, __ATOMIC_RELAXED);
    sum += std::bit_cast<std::uint32_t>(static_cast<float>(now));
  }
  return sum;
}

struct Final {
  std::string name;
  double numbers;  // of the gradient
  double at;       // seconds from the start of the update
};

// Gradients of one minibatch on one thread; in the order in which they are final.
std::vector<Final> watch(const Model& model, const Batch& batch, double* seconds) {
  const Tensor gradients = model.parameters().new_gradients();
  std::vector<Final> finals;
  for (const Parameter* p : model.parameters().all())
    finals.push_back({p->name, static_cast<double>(p->value.size()), 0});
  const double start = now();
  std::jthread watcher([&](const std::stop_token& done) {
    std::vector<std::uint32_t> sums(finals.size(), 0);
    for (bool last = false; !last;) {
      last = done.stop_requested();
      for (std::size_t i = 0; i < finals.size(); ++i) {
        const double before = now();
        const std::uint32_t sum = sum_of_bits(Parameters::view(gradients, *model.parameters().all()[i]));
        if (sum != sums[i]) finals[i].at = before - start;
        sums[i] = sum;
      }
    }
  });
  {
    Tape tape(gradients);
    tape.backward(sum(model.costs(tape, batch, {})));
  }
  *seconds = now() - start;
  watcher.request_stop();
  watcher.join();
  for (Final& f : finals)
    f.at = std::min(f.at, *seconds);  // what the last look finds has come before the end
  std::sort(finals.begin(), finals.end(), [](const Final& a, const Final& b) { return a.at < b.at; });
  return finals;
}

// The seconds saved if each gradient is sent as soon as it is final, all of them in `sending` seconds.
double saved(const std::vector<Final>& finals, double seconds, double sending) {
  double numbers = 0, end = 0;
  for (const Final& f : finals) numbers += f.numbers;
  for (const Final& f : finals) end = std::max(end, f.at) + sending * f.numbers / numbers;
  return seconds + sending - std::max(end, seconds);
}

}  // namespace

void bench_overlap(const Setup& setup, const ParallelCorpus& corpus, const Minibatches& minibatches) {
  if (!setup.device.memory->on_host() || setup.device.threads > 1 || setup.options.bf16)
    throw UsageError("mininmt-bench-model: --overlap is for one thread of a CPU, in float32");
  const auto model = setup.new_model();
  const Minibatch minibatch = minibatch_of(corpus, minibatches.front());
  const Batch batch = make_batch(minibatch.sources, minibatch.targets, {});
  double seconds = 0;
  watch(*model, batch, &seconds);  // to allocate memory
  const std::vector<Final> finals = watch(*model, batch, &seconds);
  Json line = {{"bench", "overlap"}, {"seconds", seconds}};
  for (const double share : {0.1, 0.5, 1.0, 2.0})
    line["saved_of_update"][std::to_string(share).substr(0, 3)] =
        saved(finals, seconds, share * seconds) / (seconds * (1 + share));
  for (const Final& f : finals) line["final_at"].push_back({f.name, f.numbers, f.at / seconds});
  line.update(setup.sizes());
  print(line);
}

}  // namespace mininmt::bench
