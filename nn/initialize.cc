#include "nn/initialize.h"

#include <cmath>

#include "tensor/parallel.h"
#include "tensor/random.h"

namespace mininmt {
namespace {

// A number of its own for each name (FNV-1a), so that a parameter's values do not depend on which others
// there are.
std::uint64_t stream_of(const std::string& name) {
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char c : name) hash = (hash ^ c) * 1099511628211u;
  return hash;
}

bool is_recurrent(const std::string& part) {
  return part.ends_with(".U") || part.ends_with(".U_z") || part.ends_with(".U_r");
}

double deviation(const std::string& part) {
  if (part == "attention.v_a") return 0;
  return part == "attention.W_a" || part == "attention.U_a" ? 0.001 : 0.01;
}

void initialize_part(const Parameter& p, const Part& part, std::uint64_t seed) {
  const std::int64_t size = part.count * p.shape.row_size();
  real* const data = p.value.data() + part.first * p.shape.row_size();
  const std::uint64_t stream = stream_of(part.name);
  if (is_recurrent(part.name)) return random_orthogonal(part.count, data, seed, stream);
  const bool is_bias = p.shape.rank() == 1;
  const double sigma = is_bias ? 0 : deviation(part.name);
  const Random random{seed, stream};
  for (std::int64_t i = 0; i < size; ++i)
    data[i] = sigma == 0 ? real{0} : static_cast<real>(sigma * random.normal(static_cast<std::uint64_t>(i)));
}

}  // namespace

// Gram-Schmidt on Gaussian rows, twice for accuracy: a direction uniform on the sphere at each row,
// orthogonal to those before. That is the distribution of the singular vectors of a Gaussian matrix (both are
// uniform on the orthogonal group).
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

void initialize(Parameters& parameters, std::uint64_t seed) {
  std::vector<std::pair<const Parameter*, const Part*>> parts;
  for (const Parameter* p : parameters.all())
    for (const Part& part : p->parts) parts.emplace_back(p, &part);
  parallel_for_each(static_cast<std::int64_t>(parts.size()), omp_get_max_threads(),
                    [&](std::int64_t i) { initialize_part(*parts[i].first, *parts[i].second, seed); });
}

}  // namespace mininmt
