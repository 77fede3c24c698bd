// Our own kernels. Bytes: each input read once and each output written once.
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "cuda/optimizer_rules.h"
#include "tensor/error.h"
#include "tensor/ids.h"
#include "tensor/random.h"
#include "tests/bench/ops_gpu.h"

namespace mininmt::bench {
namespace {

constexpr double kFloat = sizeof(real);

using Run = OpsBench::Run;

// Numbers 0, ..., count - 1 with probability proportional to 1 / (r + 3), like words.
std::vector<std::int32_t> zipf(std::int64_t draws, std::int64_t count) {
  std::vector<double> up_to(static_cast<std::size_t>(count));
  for (std::size_t r = 0; r < up_to.size(); ++r)
    up_to[r] = (r > 0 ? up_to[r - 1] : 0) + 1 / (static_cast<double>(r) + 3);
  const Random random{7, 1};
  std::vector<std::int32_t> numbers;
  for (std::int64_t i = 0; i < draws; ++i) {
    const double at = random.uniform(static_cast<std::uint64_t>(i)) * up_to.back();
    numbers.push_back(
        static_cast<std::int32_t>(std::lower_bound(up_to.begin(), up_to.end(), at) - up_to.begin()));
  }
  return numbers;
}

// An attention over S steps: the operands of its kernels, and their sizes.
struct AttentionOperands {
  std::vector<Tensor> keys, values, dkeys;
  Tensor query, v, alpha, context, dquery, dv_rows;
  Indices lengths, sentence_of_row;

  AttentionOperands(OpsBench& b, std::int64_t S, std::int64_t B, std::int64_t rows, int sets, bool backward)
      : query(random_tensor({rows, b.sizes.A}, b.memory)),
        v(random_tensor({b.sizes.A}, b.memory)),
        alpha({rows, S}, b.memory),
        context(random_tensor({rows, b.sizes.C()}, b.memory)),
        lengths(std::vector<std::int32_t>(static_cast<std::size_t>(B), static_cast<std::int32_t>(S))) {
    for (int i = 0; i < sets; ++i) {
      const auto seed = static_cast<std::uint64_t>(i);
      keys.push_back(random_tensor({S, B, b.sizes.A}, b.memory, 0.5, seed));
      values.push_back(random_tensor({S, B, b.sizes.C()}, b.memory, 0.5, seed + 100));
      if (backward) dkeys.push_back(Tensor::zeros({S, B, b.sizes.A}, b.memory));
    }
    if (backward)
      dquery = Tensor({rows, b.sizes.A}, b.memory), dv_rows = Tensor::zeros({rows, b.sizes.A}, b.memory);
    if (rows != B) {
      std::vector<std::int32_t> sentences;
      for (std::int64_t r = 0; r < rows; ++r) sentences.push_back(static_cast<std::int32_t>(r * B / rows));
      sentence_of_row = sentences;
    }
  }

  cuda::Attention of(Memory& memory, std::size_t set) const {
    const Shape& k = keys[set].shape();
    return {query.shape()[0],
            k[0],
            k[1],
            k[2],
            context.shape()[1],
            keys[set].data(),
            values[set].data(),
            v.data(),
            lengths.in(memory),
            sentence_of_row.in(memory)};
  }
};

void bench_attention_over(OpsBench& b, std::int64_t S, double per_update) {
  const Sizes& z = b.sizes;
  const auto floats = [](auto... counts) { return kFloat * (static_cast<double>(counts) + ...); };
  const double annotations = floats(S * z.B * (z.A + z.C())), rows = floats(z.B * (z.A + z.C() + S));
  const std::string shape = join("S ", S, ", B ", z.B);
  const int sets = b.sets_of(annotations);
  b.measure({"attend", shape, 0, annotations + rows, per_update}, sets, [&]() -> Run {
    auto x = std::make_shared<AttentionOperands>(b, S, z.B, z.B, sets, false);
    return [&b, x](int set) {
      cuda::attend(x->of(b.memory, set), x->query.data(), x->alpha.data(), x->context.data());
    };
  });
  const double gradients = floats(2 * S * z.B * z.A) + floats(3 * z.B * z.A);
  b.measure({"attend_gradient", shape, 0, annotations + rows + gradients, per_update}, sets, [&]() -> Run {
    auto x = std::make_shared<AttentionOperands>(b, S, z.B, z.B, sets, true);
    cuda::attend(x->of(b.memory, 0), x->query.data(), x->alpha.data(), x->context.data());
    return [&b, x](int set) {
      cuda::attend_gradient(x->of(b.memory, set), x->query.data(), x->alpha.data(), x->context.data(),
                            x->dquery.data(), false, x->dkeys[set].data(), x->dv_rows.data());
    };
  });
  const std::int64_t sentences = std::max<std::int64_t>(1, z.search_rows / Sizes::K);
  const double shared = floats(S * sentences * (z.A + z.C())),
               own = floats(z.search_rows * (z.A + z.C() + S));
  b.measure({"attend, search", join("S ", S, ", ", z.search_rows, " rows"), 0, shared + own, 0},
            b.sets_of(shared), [&]() -> Run {
              auto x = std::make_shared<AttentionOperands>(b, S, sentences, z.search_rows, b.sets_of(shared),
                                                           false);
              return [&b, x](int set) {
                cuda::attend(x->of(b.memory, set), x->query.data(), x->alpha.data(), x->context.data());
              };
            });
}

// Logits of `rows` rows over V words, with the other operands of the output layer's kernels.
struct Logits {
  Tensor logits, gradient, bias, loss, log_sum, dloss;
  Indices targets;

  Logits(OpsBench& b, std::int64_t rows, std::int64_t V, bool backward)
      : logits(random_tensor({rows, V}, b.memory, 4)),
        bias(random_tensor({V}, b.memory)),
        loss({rows}, b.memory),
        log_sum({rows}, b.memory),
        dloss(random_tensor({rows}, b.memory)),
        targets(zipf(rows, V)) {
    if (!backward) return;
    gradient = Tensor({rows, V}, b.memory);
    forward(b.memory);
  }

  void forward(Memory& memory) const {
    const Shape& s = logits.shape();
    cuda::softmax_xent(s[0], s[1], logits.data(), bias.data(), targets.in(memory), 0, loss.data(),
                       log_sum.data());
  }
  void backward(Memory& memory) const {
    const Shape& s = logits.shape();
    cuda::softmax_xent_gradient(s[0], s[1], logits.data(), bias.data(), targets.in(memory), 0, log_sum.data(),
                                dloss.data(), gradient.data(), false);
  }
};

void bench_losses(OpsBench& b, std::int64_t V, double per_update) {
  const std::int64_t N = b.sizes.N;
  const std::string shape = join(N, " x ", V);
  const double once = kFloat * static_cast<double>(N) * static_cast<double>(V);
  b.measure({"softmax_xent", shape, 0, once, per_update}, 1, [&]() -> Run {
    auto x = std::make_shared<Logits>(b, N, V, false);
    return [&b, x](int) { x->forward(b.memory); };
  });
  b.measure({"softmax_xent_gradient", shape, 0, 2 * once, per_update}, 1, [&]() -> Run {
    auto x = std::make_shared<Logits>(b, N, V, true);
    return [&b, x](int) { x->backward(b.memory); };
  });
  b.measure({"add_sum_of_rows (dbias)", shape, 0, once, per_update}, 1, [&]() -> Run {
    const Tensor x = random_tensor({N, V}, b.memory), y = Tensor::zeros({V}, b.memory);
    return [x, y, N, V](int) { cuda::add_sum_of_rows(N, V, x.data(), y.data()); };
  });
}

// A block for what the host sends to an update's kernels.
Tensor on_device(Memory& memory, const void* bytes, std::size_t size) {
  const Tensor block({static_cast<std::int64_t>((size + sizeof(real) - 1) / sizeof(real))}, memory);
  memory.from_host(block.data(), bytes, size);
  return block;
}

}  // namespace

void bench_attention(OpsBench& b) {
  bench_attention_over(b, b.sizes.S, static_cast<double>(b.sizes.T));
  if (b.sizes.S == 22)  // by default also the lengths of the paper's longer sentences
    for (std::int64_t S : {25, 50}) bench_attention_over(b, S, 0);
}

// Both directions of the encoder in one launch, then the decoder.
void bench_gates(OpsBench& b) {
  const std::int64_t B = b.sizes.B, n = b.sizes.n, size = B * n;
  for (const bool encoder : {true, false}) {
    const std::int64_t count = encoder ? 2 : 1;
    cuda::GruStep step{};
    step.batch = B;
    step.n = n;
    if (encoder) step.second = {true, 0, 3 * size, size, size};
    const double one = kFloat * static_cast<double>(count * size);
    const double times = static_cast<double>(encoder ? b.sizes.S : b.sizes.T - 1);
    const std::string shape = join(count, " x ", B, " x ", n);
    const auto floats = [&](std::int64_t widths) { return random_tensor({count * widths * size}, b.memory); };
    b.measure({"gru_gates", shape, 0, 8 * one, times}, 1, [&]() -> Run {
      return [=, x = floats(3), h = floats(1), gates = floats(3), reset = floats(1)](int) {
        cuda::gru_gates(step, x.data(), h.data(), gates.data(), reset.data());
      };
    });
    b.measure({"gru_state", shape, 0, 6 * one, times}, 1, [&]() -> Run {
      return [=, x = floats(3), h = floats(1), gates = floats(3), next = floats(1)](int) {
        cuda::gru_state(step, x.data(), h.data(), gates.data(), next.data());
      };
    });
    b.measure({"gru_state_gradient", shape, 0, 8 * one, times}, 1, [&]() -> Run {
      return [=, h = floats(1), gates = floats(3), d = floats(1), dy = floats(1), dx = floats(3),
              dh = floats(1)](int) {
        cuda::gru_state_gradient(step, h.data(), gates.data(), d.data(), dy.data(), dx.data(), dh.data(),
                                 false);
      };
    });
    b.measure({"gru_reset_gradient", shape, 0, 6 * one, times}, 1, [&]() -> Run {
      return [=, h = floats(1), gates = floats(3), q = floats(1), dx = floats(3), dh = floats(1)](int) {
        cuda::gru_reset_gradient(step, h.data(), gates.data(), q.data(), dx.data(), dh.data());
      };
    });
  }
}

void bench_output(OpsBench& b) {
  bench_losses(b, b.sizes.V, 1);
  if (b.sizes.V == 30000) bench_losses(b, 100000, 0);  // by default also a larger vocabulary
  const std::int64_t R = b.sizes.search_rows, V = b.sizes.V, K = Sizes::K, N = b.sizes.N, l = b.sizes.l;
  b.measure({"top_k", join(R, " x ", V, ", k ", K), 0, kFloat * static_cast<double>(R * V), 0}, 1,
            [&]() -> Run {
              auto x = std::make_shared<Logits>(b, R, V, false);
              const Tensor log_sum({R}, b.memory), top({R, K}, b.memory), words({R, K}, b.memory);
              const Indices bar_eos(std::vector<std::int32_t>(static_cast<std::size_t>(R), 1));
              return [=, &b](int) {
                cuda::top_k(R, V, K, x->logits.data(), x->bias.data(), kUnk, kEos, bar_eos.in(b.memory),
                            log_sum.data(), top.data(), reinterpret_cast<std::int32_t*>(words.data()));
              };
            });
  const double maxout = kFloat * static_cast<double>(N * l);
  const auto floats = [&](std::int64_t width) { return random_tensor({N, width * l}, b.memory); };
  b.measure({"maxout", join(N, " x ", l), 0, 3 * maxout, 1}, 1, [&]() -> Run {
    return [=, x = floats(2), y = floats(1)](int) { cuda::maxout(N * l, x.data(), y.data()); };
  });
  b.measure({"add_maxout_gradient", join(N, " x ", l), 0, 7 * maxout, 1}, 1, [&]() -> Run {
    return [=, x = floats(2), dy = floats(1), dx = floats(2)](int) {
      cuda::add_maxout_gradient(N * l, x.data(), dy.data(), dx.data());
    };
  });
}

void bench_rows(OpsBench& b) {
  const std::int64_t m = b.sizes.m, V = b.sizes.V, n = b.sizes.n;
  for (const auto& [side, steps] : {std::pair("source", b.sizes.S), std::pair("target", b.sizes.T)}) {
    const std::int64_t places = steps * b.sizes.B;
    std::vector<std::int32_t> words = zipf(places, V), distinct = words;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    const Indices ids(words);
    const double row = kFloat * static_cast<double>(m), rows = static_cast<double>(places);
    const double used = static_cast<double>(distinct.size());
    const auto table = [&] { return random_tensor({V, m}, b.memory); };
    const auto of_places = [&] { return random_tensor({places, m}, b.memory); };
    b.measure({join("embedding, ", side), join(places, " x ", m), 0, (used + rows) * row, 1}, 1,
              [&]() -> Run {
                return [=, &b, x = table(), y = of_places()](int) {
                  cuda::gather_rows(places, m, ids.in(b.memory), x.data(), y.data());
                };
              });
    b.measure({join("embedding gradient, ", side), join(places, " x ", m, ", ", distinct.size(), " words"), 0,
               (rows + 2 * used) * row, 1},
              1, [&]() -> Run {
                return [=, &b, x = of_places(), y = table()](int) {
                  cuda::scatter_add_rows(places, m, ids.in(b.memory), x.data(), y.data(), false, V);
                };
              });
  }
  const std::int64_t T = b.sizes.T, size = b.sizes.B * n;
  const double steps = kFloat * static_cast<double>(2 * T * size);
  b.measure({"join_blocks", join(T, " x ", b.sizes.B, " x ", n), 0, steps, 13}, 1, [&]() -> Run {
    const Tensor all = random_tensor({T, size}, b.memory), y({T, size}, b.memory);
    std::vector<const real*> blocks;
    for (std::int64_t t = 0; t < T; ++t) blocks.push_back(all.data() + (T - 1 - t) * size);
    return [=](int) { (void)all, cuda::join_blocks(blocks, b.sizes.B, n, n, y.data()); };
  });
}

void bench_updates(OpsBench& b) {
  const std::int64_t P = b.sizes.parameters();
  const double once = kFloat * static_cast<double>(P);
  const std::string shape = join(P, " parameters");
  const auto block = [&] { return random_tensor({P}, b.memory, 0.01); };
  b.measure({"gradient = 0", shape, 0, once, 1}, 1,
            [&]() -> Run { return [x = block()](int) { x.fill(0); }; });
  cuda::Schedule schedule{};
  schedule.learn_rate = 1e-3;
  schedule.clip_norm = 1;
  const cuda::Progress progress{1, 1, 1, 1, 1};
  const Tensor told = on_device(b.memory, &schedule, sizeof schedule);
  const Tensor done = on_device(b.memory, &progress, sizeof progress);
  const auto* const s = reinterpret_cast<const cuda::Schedule*>(told.data());
  auto* const p = reinterpret_cast<cuda::Progress*>(done.data());
  b.measure({"measure (the norm)", shape, 0, once, 1}, 1, [&]() -> Run {
    const Tensor partial({2 * cuda::kNormPartials}, b.memory), cost = random_tensor({1}, b.memory);
    return [=, gradient = block()](int) {
      cuda::measure(P, gradient.data(), cost.data(), s, reinterpret_cast<double*>(partial.data()), p);
    };
  });
  b.measure({"adadelta", shape, 0, 7 * once, 1}, 1, [&]() -> Run {
    const Tensor squares = block(), steps = block();
    squares.fill(1e-4F);
    steps.fill(1e-4F);
    return [=, g = block(), x = block()](int) {
      cuda::update<cuda::Adadelta>(P, s, p, g.data(), squares.data(), steps.data(), x.data());
    };
  });
  b.measure({"adam", shape, 0, 7 * once, 0}, 1, [&]() -> Run {
    const Tensor v = block();
    v.fill(1e-4F);
    return [=, g = block(), m = block(), x = block()](int) {
      cuda::update<cuda::Adam>(P, s, p, g.data(), m.data(), v.data(), x.data());
    };
  });
}

}  // namespace mininmt::bench
