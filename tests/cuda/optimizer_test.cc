// The gradient norm and the optimizers against the papers' formulas.
#include <cstring>
#include <functional>
#include <string>

#include "cuda/optimizer_rules.h"
#include "nn/training/optimizer.h"
#include "tensor/error.h"
#include "tests/cuda/compare.h"

namespace mininmt {
namespace {

bool same_bits(const Reals& x, const Reals& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(real)) == 0;
}

// A T, or several, in device memory.
template <class T>
class There {
 public:
  explicit There(const T& value, std::size_t count = 1)
      : bytes_(count * sizeof(T)), block_(static_cast<T*>(cuda::memory().allocate(bytes_))) {
    set(value);
  }
  There(const There&) = delete;
  There& operator=(const There&) = delete;
  ~There() { cuda::memory().release(block_, bytes_); }
  T* data() const { return block_; }
  void set(const T& value) const { cuda::memory().from_host(block_, &value, sizeof value); }
  T get() const {
    T value;
    cuda::memory().to_host(&value, block_, sizeof value);
    return value;
  }

 private:
  std::size_t bytes_;
  T* block_;
};

cuda::Progress measure(const Reals& gradient, real cost, double clip_norm, std::int64_t applied = 0) {
  const There<cuda::Schedule> schedule({0, 1, clip_norm, 0, 1});
  const There<cuda::Progress> progress({-1, -1, -1, applied, -1});
  const There<double> partial(kNan, cuda::kNormPartials);
  const Tensor gradient_there = on_device(gradient), cost_there = on_device({cost});
  cuda::measure(count_of(gradient), gradient_there.data(), cost_there.data(), schedule.data(), partial.data(),
                progress.data());
  return progress.get();
}

double norm_of(const Reals& x) {
  Exact sum = 0;
  for (real v : x) sum += Exact{v} * v;
  return static_cast<double>(std::sqrt(sum));
}

constexpr double kRate = 0.5, kFactor = 0.25, kWeight = 0.125;

// One update number `t` of state = {gradient, optimizer state ..., parameters}, in T. The constants are
// rounded to `real`.
template <class T>
using Rule = std::function<void(int t, std::vector<std::vector<T>>& state, std::size_t i)>;

template <class T>
void sgd(int, std::vector<std::vector<T>>& s, std::size_t i) {
  s[1][i] -= T(kRate) * T(kFactor) * s[0][i];
}

template <class T>
void adam(int t, std::vector<std::vector<T>>& s, std::size_t i) {
  const T g = T(kFactor) * s[0][i], beta1 = static_cast<real>(0.9), beta2 = static_cast<real>(0.999);
  s[1][i] = beta1 * s[1][i] + (1 - beta1) * g;
  s[2][i] = beta2 * s[2][i] + (1 - beta2) * g * g;
  const T m = s[1][i] / T(1 - std::pow(0.9L, t)), v = s[2][i] / T(1 - std::pow(0.999L, t));
  s[3][i] -= T(kRate) * m / (std::sqrt(v) + T(1e-8L));
}

template <class T>
void adadelta(int, std::vector<std::vector<T>>& s, std::size_t i) {
  const T g = T(kFactor) * s[0][i], rho = static_cast<real>(0.95), epsilon = static_cast<real>(1e-6);
  s[1][i] = rho * s[1][i] + (1 - rho) * g * g;
  const T step = std::sqrt(s[2][i] + epsilon) / std::sqrt(s[1][i] + epsilon) * g;
  s[2][i] = rho * s[2][i] + (1 - rho) * step * step;
  s[3][i] -= T(kRate) * step;
}

template <class T>
void approach(int, std::vector<std::vector<T>>& s, std::size_t i) {
  s[1][i] = T(1 - kWeight) * s[1][i] + T(kWeight) * s[0][i];
}

struct Tested {
  std::string name;
  int kept;  // arrays besides the gradient, including the parameters
  std::function<void(std::int64_t n, const cuda::Schedule*, const cuda::Progress*,
                     const std::vector<Tensor>&)>
      launch;
  Rule<real> plain;
  Rule<Exact> exact;
};

const std::vector<Tested>& optimizers() {
  static const std::vector<Tested> all = {
      {"sgd", 1,
       [](auto n, auto s, auto p, const auto& x) {
         cuda::update<cuda::Sgd>(n, s, p, x[0].data(), x[1].data());
       },
       sgd<real>, sgd<Exact>},
      {"adam", 3,
       [](auto n, auto s, auto p, const auto& x) {
         cuda::update<cuda::Adam>(n, s, p, x[0].data(), x[1].data(), x[2].data(), x[3].data());
       },
       adam<real>, adam<Exact>},
      {"adadelta", 3,
       [](auto n, auto s, auto p, const auto& x) {
         cuda::update<cuda::Adadelta>(n, s, p, x[0].data(), x[1].data(), x[2].data(), x[3].data());
       },
       adadelta<real>, adadelta<Exact>},
      {"approach", 1,
       [](auto n, auto s, auto p, const auto& x) {
         cuda::update<cuda::Approach>(n, s, p, x[0].data(), x[1].data());
       },
       approach<real>, approach<Exact>},
  };
  return all;
}

// Random gradient and parameters, optimizer state 0.
std::vector<Reals> start(const Tested& optimizer, std::int64_t n) {
  std::vector<Reals> state(1 + optimizer.kept, Reals(static_cast<std::size_t>(n), 0));
  state.front() = random_reals(n, 1, 3);
  state.back() = random_reals(n, 2);
  return state;
}

void check_updates(const Tested& optimizer, std::int64_t n, int updates) {
  INFO(optimizer.name << ", n " << n);
  std::vector<Reals> plain = start(optimizer, n);
  std::vector<std::vector<Exact>> exact;
  std::vector<Tensor> there;
  for (const Reals& x : plain) {
    exact.emplace_back(x.begin(), x.end());
    there.push_back(on_device(x));
  }
  const There<cuda::Schedule> schedule({0, kRate, 1, kWeight, 1});
  const There<cuda::Progress> progress({});
  for (int t = 1; t <= updates; ++t) {
    progress.set({1, 1, kFactor, t, 1});
    optimizer.launch(n, schedule.data(), progress.data(), there);
    for (std::size_t i = 0; i < plain[0].size(); ++i) {
      optimizer.plain(t, plain, i);
      optimizer.exact(t, exact, i);
    }
  }
  for (std::size_t k = 0; k < there.size(); ++k) {
    INFO("array " << k);
    check_close(optimizer.name, on_host(there[k]), plain[k], exact[k]);
  }
}

}  // namespace

TEST_CASE("measure: the norm, whatever the size") {
  for (std::int64_t n : {1, 3, 31, 33, 1000, 1023, 100003, 2300003}) {  // the last takes turns
    INFO("n " << n);
    const Reals gradient = random_reals(n, 1);
    const cuda::Progress p = measure(gradient, 12.5, 0, 41);
    CHECK(p.norm == doctest::Approx(norm_of(gradient)).epsilon(1e-13));
    CHECK(p.cost == 12.5);
    CHECK(p.factor == 1);
    CHECK(p.ok == 1);
    CHECK(p.applied == 42);
  }
}

TEST_CASE("measure: a gradient that does not begin at 16 bytes") {
  Reals x = random_reals(1001, 1);
  const Tensor there = on_device(x), cost = on_device({1});
  const There<cuda::Schedule> schedule({0, 1, 0, 0, 1});
  const There<cuda::Progress> progress({});
  const There<double> partial(kNan, cuda::kNormPartials);
  cuda::measure(1000, there.data() + 1, cost.data(), schedule.data(), partial.data(), progress.data());
  x.erase(x.begin());
  CHECK(progress.get().norm == doctest::Approx(norm_of(x)).epsilon(1e-13));
}

TEST_CASE("measure: clipping begins above the norm that is allowed") {
  const Reals gradient = {3, 4};
  CHECK(measure(gradient, 1, 0).factor == 1);
  CHECK(measure(gradient, 1, 5).factor == 1);
  CHECK(measure(gradient, 1, 10).factor == 1);
  CHECK(measure(gradient, 1, 2).factor == doctest::Approx(0.4));
}

TEST_CASE("measure: squares beyond the range of float are summed all the same") {
  const cuda::Progress p = measure(Reals(1000, static_cast<real>(1e30)), 1, 0);
  CHECK(p.norm == doctest::Approx(1e30 * std::sqrt(1000.0)));
  CHECK(p.ok == 1);
}

TEST_CASE("measure: what is not finite, wherever it is, makes no update") {
  struct Fault {
    real value;
    std::size_t place;
  };
  for (const Fault& fault : {Fault{kNan, 0}, {kInfinity, 500}, {-kInfinity, 1022}}) {
    INFO(fault.value << " at " << fault.place);
    Reals gradient = random_reals(1023, 1);
    gradient[fault.place] = fault.value;
    const cuda::Progress in_gradient = measure(gradient, 2, 1, 7);
    CHECK(in_gradient.ok == 0);
    CHECK(in_gradient.applied == 7);
    CHECK(in_gradient.cost == 2);
    CHECK(!std::isfinite(in_gradient.norm));
    const cuda::Progress in_cost = measure({1, 2}, fault.value, 1, 7);
    CHECK(in_cost.ok == 0);
    CHECK(in_cost.applied == 7);
    CHECK(in_cost.norm == doctest::Approx(std::sqrt(5.0)));
    CHECK(!std::isfinite(in_cost.cost));
  }
}

TEST_CASE("optimizers: several updates, every size") {
  for (const Tested& optimizer : optimizers()) {
    for (std::int64_t n : {1, 31, 33, 1000, 1023}) check_updates(optimizer, n, 3);
    check_updates(optimizer, 300003, 1);  // 16-byte accesses on any GPU, with a remainder
  }
}

TEST_CASE("optimizers: adam's corrections hold for late updates too") {
  for (const Tested& optimizer : optimizers()) {
    if (optimizer.name != "adam") continue;
    const There<cuda::Schedule> schedule({0, kRate, 1, kWeight, 1});
    const There<cuda::Progress> progress({1, 1, 1, 100000, 1});
    // After very many updates with gradient 2 the moments are 2 and 4, and a step is the learning rate.
    const std::vector<Tensor> x = {on_device({2}), on_device({2}), on_device({4}), on_device({10})};
    optimizer.launch(1, schedule.data(), progress.data(), x);
    CHECK(on_host(x[3])[0] == doctest::Approx(10 - kRate));
  }
}

// From parameters 0, so that small steps count. Adam's epsilon is large relative to these gradients,
// Adadelta's to their squares: its place in the formula affects every element.
TEST_CASE("optimizers: epsilon stands where the papers have it") {
  for (const Tested& optimizer : optimizers())
    for (const double scale : {1e-9, 1e-7, 1e-3}) {
      INFO(optimizer.name << ", gradients of " << scale);
      std::vector<Reals> state(1 + optimizer.kept, Reals(33, 0));
      state.front() = random_reals(33, 1, scale);
      std::vector<std::vector<Exact>> exact;
      std::vector<Tensor> there;
      for (const Reals& x : state) {
        exact.emplace_back(x.begin(), x.end());
        there.push_back(on_device(x));
      }
      const There<cuda::Schedule> schedule({0, kRate, 1, kWeight, 1});
      const There<cuda::Progress> progress({});
      for (int t = 1; t <= 3; ++t) {
        progress.set({1, 1, kFactor, t, 1});
        optimizer.launch(33, schedule.data(), progress.data(), there);
        for (std::size_t i = 0; i < 33; ++i) optimizer.exact(t, exact, i);
      }
      const Reals found = on_host(there.back());
      for (std::size_t i = 0; i < 33; ++i)
        CHECK(double{found[i]} ==
              doctest::Approx(static_cast<double>(exact.back()[i])).epsilon(1e-4).scale(0));
    }
}

TEST_CASE("optimizers: parameters on the GPU are not updated as if they were on the CPU") {
  const Tensor x = on_device({1, 2, 3}), gradient = on_device({1, 1, 1});
  for (const char* name : {"sgd", "adam", "adadelta"}) {
    const auto optimizer = make_optimizer(name, 0.1, x);
    CHECK_THROWS_WITH_AS(optimizer->update(x, gradient, 1),
                         "[Optimizer] parameters on the GPU are updated by a schedule that lies there",
                         Error);
    CHECK_THROWS_AS(optimizer->update(x, gradient.to(cpu_memory()), nullptr, nullptr), Error);
    const auto on_cpu = make_optimizer(name, 0.1, x.to(cpu_memory()));
    CHECK_THROWS_AS(on_cpu->update(x, gradient, 1), Error);
  }
  CHECK(on_host(x) == Reals{1, 2, 3});
  CHECK_THROWS_AS(l2_norm(x), Error);
}

TEST_CASE("optimizers: nothing changes where the update is not to be") {
  for (const Tested& optimizer : optimizers()) {
    for (std::int64_t n : {33, 20000}) {
      INFO(optimizer.name << ", n " << n);
      std::vector<Reals> state = start(optimizer, n);
      std::fill(state[0].begin(), state[0].end(), kNan);
      std::vector<Tensor> there;
      for (const Reals& x : state) there.push_back(on_device(x));
      const There<cuda::Schedule> schedule({0, kRate, 1, kWeight, 1});
      const There<cuda::Progress> progress({1, 1, 1, 5, 0});
      optimizer.launch(n, schedule.data(), progress.data(), there);
      for (std::size_t k = 1; k < there.size(); ++k) CHECK(same_bits(on_host(there[k]), state[k]));
    }
  }
}

}  // namespace mininmt
