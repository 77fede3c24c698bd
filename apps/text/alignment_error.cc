#include "apps/text/alignment_error.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <utility>

#include "tensor/error.h"

namespace mininmt {
namespace {

// Steps to the diagonal neighbours of a link; the others share a word with it.
constexpr std::array<std::pair<int, int>, 4> kDiagonals = {{{-1, -1}, {-1, 1}, {1, -1}, {1, 1}}};

// The place before the first wraps around to one that no link has.
AlignmentLink neighbour(const AlignmentLink& link, std::pair<int, int> step) {
  return {link.target + static_cast<std::size_t>(step.second),
          link.source + static_cast<std::size_t>(step.first)};
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t count_common(const AlignmentLinks& a, const AlignmentLinks& b) {
  return static_cast<std::uint64_t>(
      std::count_if(a.begin(), a.end(), [&](const AlignmentLink& link) { return b.contains(link); }));
}

}  // namespace

std::string format_links(const AlignmentLinks& links) {
  std::string text;
  for (const AlignmentLink& link : links)
    text += join(text.empty() ? "" : " ", link.source, "-", link.target);
  return text;
}

AlignmentLinks reversed(const AlignmentLinks& links) {
  AlignmentLinks result;
  for (const AlignmentLink& link : links) result.insert({link.source, link.target});
  return result;
}

AlignmentLinks grow_diagonal(const AlignmentLinks& links, const AlignmentLinks& other) {
  AlignmentLinks grown, candidates;
  std::set_intersection(links.begin(), links.end(), other.begin(), other.end(),
                        std::inserter(grown, grown.end()));
  std::set_symmetric_difference(links.begin(), links.end(), other.begin(), other.end(),
                                std::inserter(candidates, candidates.end()));
  std::set<std::size_t> sources, targets;  // the words that have links
  for (const AlignmentLink& link : grown) sources.insert(link.source), targets.insert(link.target);
  std::size_t before = 0;
  do {
    before = grown.size();
    for (const AlignmentLink& link : grown)  // and those added behind it
      for (const auto& step : kDiagonals) {
        const AlignmentLink next = neighbour(link, step);
        if (!candidates.contains(next) || sources.contains(next.source) || targets.contains(next.target))
          continue;
        grown.insert(next), sources.insert(next.source), targets.insert(next.target);
      }
  } while (grown.size() > before);
  return grown;
}

void AlignmentError::add(const AlignmentLinks& links, const ReferenceLinks& reference) {
  links_ += links.size();
  sure_ += reference.sure.size();
  links_in_sure_ += count_common(links, reference.sure);
  links_in_possible_ += count_common(links, reference.possible);
}

double AlignmentError::precision() const { return share(links_in_possible_, links_); }

double AlignmentError::recall() const { return share(links_in_sure_, sure_); }

double AlignmentError::rate() const {
  const std::uint64_t all = links_ + sure_;
  return share(all - links_in_sure_ - links_in_possible_, all);
}

std::string AlignmentError::format() const {
  char percent[128];
  std::snprintf(percent, sizeof percent, "AER = %.2f (precision = %.2f recall = %.2f", 100 * rate(),
                100 * precision(), 100 * recall());
  return join(percent, " links = ", links_, " sure = ", sure_, ")");
}

}  // namespace mininmt
