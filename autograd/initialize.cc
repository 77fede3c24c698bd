// Initial values of parameters.
#include <cmath>
#include <utility>

#include "autograd/parameter.h"
#include "autograd/random_orthogonal.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

// A hash of the name (FNV-1a), so that a parameter's values do not depend on the other parameters.
std::uint64_t stream_of(const std::string& name) {
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : name) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

// The constant for row i of the parameter, over all its parts.
real constant_of_row(const Parameter& p, std::int64_t row) {
  const auto& constants = p.initial.constants;
  return static_cast<real>(constants[row * static_cast<std::int64_t>(constants.size()) / p.shape[0]]);
}

void initialize_part(const Parameter& p, const Part& part, std::uint64_t seed) {
  const std::int64_t columns = p.shape.row_size(), size = part.count * columns;
  real* const data = p.value.data() + part.first * columns;
  const Random random{seed, stream_of(part.name)};
  const auto check_square = [&] {
    if (columns != part.count) throw Error("[initialize] " + part.name + " is not square");
  };
  switch (p.initial.kind) {
    case Initial::Kind::kIdentity:
      check_square();
      for (std::int64_t i = 0; i < size; ++i) data[i] = i % (columns + 1) == 0 ? 1 : 0;
      return;
    case Initial::Kind::kOrthogonal:
      check_square();
      return random_orthogonal(part.count, data, seed, random.stream);
    case Initial::Kind::kNormal:
      for (std::int64_t i = 0; i < size; ++i)
        data[i] = static_cast<real>(p.initial.deviation * random.normal(static_cast<std::uint64_t>(i)));
      return;
    case Initial::Kind::kUniform:
      for (std::int64_t i = 0; i < size; ++i)
        data[i] =
            constant_of_row(p, part.first + i / columns) +
            static_cast<real>(p.initial.deviation * (2 * random.uniform(static_cast<std::uint64_t>(i)) - 1));
      return;
    case Initial::Kind::kConstants:
      for (std::int64_t i = 0; i < size; ++i) data[i] = constant_of_row(p, part.first + i / columns);
      return;
  }
}

}  // namespace

// Gram-Schmidt on Gaussian rows, twice for accuracy: each row is uniform on the sphere, orthogonal to those
// before. That is the distribution of the singular vectors of a Gaussian matrix (both are uniform on the
// orthogonal group).
void random_orthogonal(std::int64_t n, real* data, std::uint64_t seed, std::uint64_t stream) {
  const Random random{seed, stream};
  std::vector<double> q(static_cast<std::size_t>(n) * n);
  for (std::int64_t i = 0; i < n; ++i) {
    double* const row = q.data() + i * n;
    for (std::int64_t j = 0; j < n; ++j) row[j] = random.normal(static_cast<std::uint64_t>(i * n + j));
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t other = 0; other < i; ++other) {
        const double* const before = q.data() + other * n;
        double dot = 0;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t j = 0; j < n; ++j) dot += row[j] * before[j];
        for (std::int64_t j = 0; j < n; ++j) row[j] -= dot * before[j];
      }
      double square = 0;
#pragma omp simd reduction(+ : square)
      for (std::int64_t j = 0; j < n; ++j) square += row[j] * row[j];
      for (std::int64_t j = 0; j < n; ++j) row[j] /= std::sqrt(square);
    }
  }
  for (std::int64_t i = 0; i < n * n; ++i) data[i] = static_cast<real>(q[i]);
}

void Parameters::initialize(std::uint64_t seed) {
  std::vector<std::pair<const Parameter*, const Part*>> parts;
  for (const Parameter* p : all())
    for (const Part& part : p->parts) parts.emplace_back(p, &part);
  parallel_for_each(static_cast<std::int64_t>(parts.size()), omp_get_max_threads(),
                    [&](std::int64_t i) { initialize_part(*parts[i].first, *parts[i].second, seed); });
}

}  // namespace mininmt
