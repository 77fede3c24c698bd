// Word alignments as links, judged by those of people (Och and Ney 2003): precision, recall, alignment error
// rate.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace mininmt {

// A source word and a target word that belong together, each by its place in the sentence, counted from 0.
struct AlignmentLink {
  std::size_t target, source;

  auto operator<=>(const AlignmentLink&) const = default;
};

// The links of a pair of sentences, by target word.
using AlignmentLinks = std::set<AlignmentLink>;

// Pharaoh's format: "0-0 2-1 1-2", source-target.
std::string format_links(const AlignmentLinks& links);

// The links with source and target exchanged.
AlignmentLinks reversed(const AlignmentLinks& links);

// Joins the links of two directions (Koehn, Och, Marcu 2003): those in both, grown by diagonal neighbours
// that are in one and whose words both have no link yet, until there is none. So the figures were computed
// that Zenkel, Wuebker, DeNero (2019) published; the program of Moses also takes neighbours with one such
// word.
AlignmentLinks grow_diagonal(const AlignmentLinks& links, const AlignmentLinks& other);

// What people say of a pair: the sure links S, and the possible ones P, with those of S.
struct ReferenceLinks {
  AlignmentLinks sure, possible;
};

// Accumulates the counts of links A over pairs; what is a share of nothing is 0.
//
//     precision = |A & P| / |A|      recall = |A & S| / |S|      AER = 1 - (|A & S| + |A & P|) / (|A| + |S|)
class AlignmentError {
 public:
  void add(const AlignmentLinks& links, const ReferenceLinks& reference);

  double precision() const;
  double recall() const;
  double rate() const;

  // "AER = 7.99 (precision = 91.42 recall = 92.89 links = 6069 sure = 4038)", the first three in percent.
  std::string format() const;

 private:
  std::uint64_t links_ = 0, sure_ = 0;                       // |A|, |S|
  std::uint64_t links_in_sure_ = 0, links_in_possible_ = 0;  // |A & S|, |A & P|
};

}  // namespace mininmt
