#include "tests/bench/harness.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "cuda/device.h"
#include "cuda/kernels.h"
#include "ops/gemm.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace mininmt::bench {
namespace {

MININMT_VECTORIZED void sum_arrays(std::int64_t n, const real* a, const real* b, real* c) {
  for (std::int64_t i = 0; i < n; ++i) c[i] = a[i] + b[i];
}

void round_numbers(Json& value) {
  if (value.is_number_float()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value.get<double>());
    value = std::strtod(text, nullptr);
  } else if (value.is_structured()) {
    for (Json& part : value) round_numbers(part);
  }
}

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double seconds_on_cpu(const std::function<void()>& work) {
  work();
  std::vector<double> times;
  for (double total = 0; total < 0.5 || times.size() < 5; total += times.back()) {
    const double start = now();
    work();
    times.push_back(now() - start);
  }
  return median(times);
}

double seconds_on_gpu(Memory& memory, const std::function<void()>& work) {
  if constexpr (kHasCuda) {
    constexpr double kMeasured = 0.02;  // seconds between two waits
    work();
    wait_for(memory);
    const cuda::Graph graph(work);
    const auto seconds = [&](int runs) {
      wait_for(memory);
      const double start = now();
      for (int i = 0; i < runs; ++i) graph.run();
      wait_for(memory);
      return (now() - start) / runs;
    };
    seconds(1);
    const int runs = static_cast<int>(std::clamp(kMeasured / seconds(1), 1.0, 1000.0));
    std::vector<double> times;
    for (int i = 0; i < 7; ++i) times.push_back(seconds(runs));
    return median(times);
  }
  throw Error("[seconds_of] memory of a GPU in a build without CUDA");
}

double bytes_a_second(Memory& memory, std::int64_t size) {
  const Tensor x = random_tensor({size}, memory), y = random_tensor({size}, memory);
  const double bytes = sizeof(real) * static_cast<double>(size);
  if (!memory.on_host())
    return 2 * bytes / seconds_of(memory, [&] { memory.copy(y.data(), x.data(), sizeof(real) * size); });
  const Tensor z = random_tensor({size}, memory);
  return 3 * bytes / seconds_of(memory, [&] {
           parallel_for(size, 1, [&](std::int64_t begin, std::int64_t end) {
             sum_arrays(end - begin, x.data() + begin, y.data() + begin, z.data() + begin);
           });
         });
}

}  // namespace

Arguments::Arguments(std::string program, int argc, char** argv) : program_(std::move(program)) {
  std::vector<std::string>* values = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--"))
      values = &given_[word.substr(2)];
    else if (values)
      values->push_back(word);
    else
      throw UsageError(join(program_, ": an option is wanted before '", word, "'"));
  }
}

bool Arguments::has(const std::string& name) {
  asked_.insert(name);
  return given_.contains(name);
}

std::vector<std::string> Arguments::list(const std::string& name, const std::vector<std::string>& fallback) {
  if (!has(name)) return fallback;
  const std::vector<std::string>& values = given_[name];
  if (values.size() != fallback.size())
    throw UsageError(join(program_, ": --", name, " wants ", fallback.size(), " values"));
  return values;
}

std::string Arguments::text(const std::string& name, const std::string& fallback) {
  return list(name, {fallback})[0];
}

std::string Arguments::choice(const std::string& name, const std::vector<std::string>& choices) {
  const std::string value = text(name, choices[0]);
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    throw UsageError(join(program_, ": --", name, " knows no '", value, "'"));
  return value;
}

int Arguments::number(const std::string& name, int fallback) {
  const std::string value = text(name, std::to_string(fallback));
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 1)
    throw UsageError(join(program_, ": --", name, " wants a number above 0, not '", value, "'"));
  return number;
}

void Arguments::check_all_used() const {
  for (const auto& [name, values] : given_)
    if (!asked_.contains(name)) throw UsageError(join(program_, ": --", name, " has no meaning here"));
}

void print(Json line) {
  round_numbers(line);
  std::puts(line.dump().c_str());
  std::fflush(stdout);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void wait_for(const Memory& memory) {
  if constexpr (kHasCuda)
    if (!memory.on_host()) cuda::synchronize();
}

double seconds_of(Memory& memory, const std::function<void()>& work) {
  return memory.on_host() ? seconds_on_cpu(work) : seconds_on_gpu(memory, work);
}

Roofs measure_roofs(Memory& memory, int side) {
  const std::int64_t n = side > 0 ? side : memory.on_host() ? 1536 : 8192;
  const std::int64_t size = side > 0 ? n * n : std::int64_t{1} << (memory.on_host() ? 25 : 27);
  const Tensor a = random_tensor({n, n}, memory), b = random_tensor({n, n}, memory, 0.5, 2),
               c({n, n}, memory);
  const double product = seconds_of(memory, [&] {
    gemm(memory, n, n, n, {a.data(), n}, {b.data(), n}, c.data(), n, false);
  });
  return {2.0 * static_cast<double>(n * n * n) / product / 1e9, bytes_a_second(memory, size) / 1e9};
}

double floor_seconds(double flops, double bytes, const Roofs& roofs) {
  return std::max(flops / roofs.gflops, bytes / roofs.gbytes) / 1e9;
}

Tensor random_tensor(const Shape& shape, Memory& memory, double scale, std::uint64_t seed) {
  const Tensor tensor(shape, memory);
  const Random random{seed, 1};
  std::vector<real> block(static_cast<std::size_t>(std::min<std::int64_t>(tensor.size(), 1 << 20)));
  for (std::size_t i = 0; i < block.size(); ++i)
    block[i] = static_cast<real>(scale * (2 * random.uniform(i) - 1));
  for (std::int64_t i = 0; i < tensor.size(); i += static_cast<std::int64_t>(block.size())) {
    const std::size_t count = std::min(block.size(), static_cast<std::size_t>(tensor.size() - i));
    memory.from_host(tensor.data() + i, block.data(), count * sizeof(real));
  }
  return tensor;
}

}  // namespace mininmt::bench
