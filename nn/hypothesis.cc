#include "nn/hypothesis.h"

#include <algorithm>
#include <utility>

#include "tensor/ids.h"

namespace mininmt {

int HypothesisTree::add(int before, Id word, double log_p, std::vector<float> alpha) {
  links_.push_back({before, word, log_p, std::move(alpha)});
  return static_cast<int>(links_.size()) - 1;
}

Id HypothesisTree::word(int hypothesis) const { return hypothesis >= 0 ? links_[hypothesis].word : kNone; }

std::vector<Id> HypothesisTree::words(int hypothesis) const {
  std::vector<Id> words;
  for (int link = hypothesis; link >= 0; link = links_[link].before) words.push_back(links_[link].word);
  std::reverse(words.begin(), words.end());
  return words;
}

std::vector<double> HypothesisTree::attended(int hypothesis) const {
  std::vector<double> sums;
  for (int link = hypothesis; link >= 0; link = links_[link].before) {
    const std::vector<float>& alpha = links_[link].alpha;
    sums.resize(alpha.size());
    for (std::size_t j = 0; j < alpha.size(); ++j) sums[j] += alpha[j];
  }
  return sums;
}

void HypothesisTree::unwind(int hypothesis, bool last, Hypothesis& found) {
  for (int link = hypothesis; link >= 0; link = links_[link].before) {
    Link& l = links_[link];
    if (l.word != kEos) found.words.push_back(l.word);
    found.word_log_p.push_back(l.log_p);
    if (!l.alpha.empty()) found.alpha.push_back(last ? std::move(l.alpha) : l.alpha);
  }
  std::reverse(found.words.begin(), found.words.end());
  std::reverse(found.word_log_p.begin(), found.word_log_p.end());
  std::reverse(found.alpha.begin(), found.alpha.end());
}

void HypothesisTree::prune(std::span<int* const> hypotheses) {
  constexpr int kDropped = -1, kKept = 0;
  std::vector<int> places(links_.size(), kDropped);  // where each link goes
  for (const int* const hypothesis : hypotheses)
    for (int link = *hypothesis; link >= 0 && places[link] == kDropped; link = links_[link].before)
      places[link] = kKept;
  std::vector<Link> kept;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (places[i] == kDropped) continue;
    places[i] = static_cast<int>(kept.size());
    if (links_[i].before >= 0) links_[i].before = places[links_[i].before];
    kept.push_back(std::move(links_[i]));
  }
  links_ = std::move(kept);
  for (int* const hypothesis : hypotheses)
    if (*hypothesis >= 0) *hypothesis = places[*hypothesis];
}

}  // namespace mininmt
