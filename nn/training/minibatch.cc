#include "nn/training/minibatch.h"

#include <algorithm>
#include <numeric>

namespace mininmt {

std::int64_t Minibatch::target_words() const {
  std::int64_t words = 0;
  for (const auto& sentence : targets) words += static_cast<std::int64_t>(sentence.size());
  return words;
}

Minibatch longest_first(const Minibatch& minibatch) {
  std::vector<std::size_t> order(minibatch.sources.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return minibatch.targets[a].size() > minibatch.targets[b].size();
  });
  Minibatch sorted;
  for (const std::size_t i : order) {
    sorted.sources.push_back(minibatch.sources[i]);
    sorted.targets.push_back(minibatch.targets[i]);
  }
  return sorted;
}

std::vector<Minibatch> split(const Minibatch& minibatch, int most) {
  constexpr std::size_t kLeast = kLeastOfPart;
  const std::size_t pairs = minibatch.sources.size();
  const std::size_t count = std::clamp<std::size_t>(pairs / kLeast, 1, static_cast<std::size_t>(most));
  const auto words = [&](std::size_t i) { return minibatch.sources[i].size() + minibatch.targets[i].size(); };
  std::size_t total = 0;
  for (std::size_t i = 0; i < pairs; ++i) total += words(i);

  std::vector<Minibatch> parts;
  std::size_t begin = 0, seen = 0;
  for (std::size_t part = 0; part < count; ++part) {
    const std::size_t left = count - part - 1, latest = pairs - left * kLeast;
    std::size_t end = begin;
    while (end < latest &&
           (end < begin + kLeast || left == 0 || seen + words(end) / 2 < total * (part + 1) / count))
      seen += words(end++);
    const auto run = [&](const auto& all) { return std::vector(all.begin() + begin, all.begin() + end); };
    parts.push_back({run(minibatch.sources), run(minibatch.targets)});
    begin = end;
  }
  return parts;
}

}  // namespace mininmt
