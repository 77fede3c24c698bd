#include "apps/shards.h"

#include <algorithm>
#include <exception>
#include <mutex>

namespace mininmt {

Batch make_batch(const ParallelCorpus& corpus, std::span<const std::uint32_t> pairs,
                 const BatchShape& at_least) {
  std::vector<std::span<const Id>> sources, targets;
  for (std::uint32_t pair : pairs) {
    sources.push_back(corpus.source(pair));
    targets.push_back(corpus.target(pair));
  }
  return make_batch(sources, targets, at_least);
}

std::vector<std::span<const std::uint32_t>> split(const ParallelCorpus& corpus,
                                                  std::span<const std::uint32_t> pairs, int most) {
  constexpr std::size_t kLeast = 4;
  const std::size_t shards =
      std::clamp<std::size_t>(pairs.size() / kLeast, 1, static_cast<std::size_t>(most));
  const auto words = [&](std::size_t i) {
    return corpus.source(pairs[i]).size() + corpus.target(pairs[i]).size();
  };
  std::size_t total = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) total += words(i);

  std::vector<std::span<const std::uint32_t>> parts;
  std::size_t begin = 0, seen = 0;
  for (std::size_t shard = 0; shard < shards; ++shard) {
    const std::size_t left = shards - shard - 1, latest = pairs.size() - left * kLeast;
    std::size_t end = begin;
    while (end < latest &&
           (end < begin + kLeast || left == 0 || seen + words(end) / 2 < total * (shard + 1) / shards))
      seen += words(end++);
    parts.push_back(pairs.subspan(begin, end - begin));
    begin = end;
  }
  return parts;
}

void for_each_shard(std::size_t count, int threads, const std::function<void(std::size_t)>& work) {
  if (count <= 1 || threads == 1) {
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  std::exception_ptr failure;
  std::mutex mutex;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::size_t i = 0; i < count; ++i) {
    try {
      work(i);
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mininmt
