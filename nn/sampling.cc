#include "nn/sampling.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tensor/error.h"

namespace mininmt {
namespace {

struct Weighed {
  double weight;  // q up to a factor
  Id word;
};

double sum_of(const std::vector<Weighed>& words) {
  double sum = 0;
  for (const Weighed& w : words) sum += w.weight;
  return sum;
}

// The words that --top-k and --top-p leave, best first.
std::vector<Weighed> most_probable(const Sampling& sampling, std::vector<Weighed> words) {
  const auto worse = [](const Weighed& a, const Weighed& b) {
    return a.weight != b.weight ? a.weight < b.weight : a.word > b.word;
  };
  std::vector<Weighed> best;
  const auto take_best = [&] {
    std::pop_heap(words.begin(), words.end(), worse);
    best.push_back(words.back());
    words.pop_back();
  };
  std::make_heap(words.begin(), words.end(), worse);
  if (sampling.top_k > 0) {
    while (!words.empty() && best.size() < static_cast<std::size_t>(sampling.top_k)) take_best();
    words = std::move(best);  // sorted downwards, which is a heap
    best.clear();
  }
  const double share = sampling.top_p * sum_of(words);
  for (double sum = 0; !words.empty() && (best.empty() || sum < share); sum += best.back().weight)
    take_best();
  return best;
}

}  // namespace

Id draw(const Sampling& sampling, std::span<const real> log_p, double u) {
  const double most = *std::max_element(log_p.begin(), log_p.end());
  std::vector<Weighed> words;
  for (std::size_t w = 0; w < log_p.size(); ++w) {
    const double weight = std::exp((log_p[w] - most) / sampling.temperature);
    if (weight > 0) words.push_back({weight, static_cast<Id>(w)});
  }
  if (words.empty()) throw Error("[draw] no word has a probability");
  if (sampling.top_k > 0 || sampling.top_p < 1) words = most_probable(sampling, std::move(words));
  double left = u * sum_of(words);
  for (const Weighed& w : words)
    if ((left -= w.weight) < 0) return w.word;
  return words.back().word;  // where rounding left a rest
}

}  // namespace mininmt
