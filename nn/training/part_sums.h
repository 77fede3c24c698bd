// The sum of the gradients of an update's parts. It is added up in a fixed tree, so that its bits do not
// depend on which thread or process computes which part, and when.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "autograd/parameter.h"
#include "nn/training/early_sums.h"
#include "nn/training/processes.h"

namespace mininmt {

// A node of the tree: the parts [index * 2^level, (index + 1) * 2^level), as far as there are so many. Its
// sum is that of its left half plus that of its right half.
struct PartNode {
  int level = 0;
  std::int64_t index = 0;

  auto operator<=>(const PartNode&) const = default;
  bool is_left() const { return index % 2 == 0; }
  PartNode sibling() const { return {level, index ^ 1}; }
  PartNode parent() const { return {level + 1, index / 2}; }
  PartNode left() const { return {level - 1, 2 * index}; }
  PartNode right() const { return {level - 1, 2 * index + 1}; }
};

class PartTree {
 public:
  explicit PartTree(std::int64_t parts);

  struct Range {
    std::int64_t begin, end;
    std::int64_t size() const { return end - begin; }
  };
  // The parts of process `rank` of `count`: consecutive ones, shares as equal as can be.
  Range parts_of(int rank, int count) const;

  // Of the nodes with the same parts, the highest.
  PartNode highest(PartNode node) const;
  PartNode leaf(std::int64_t part) const { return highest({0, part}); }
  PartNode root() const { return {top_, 0}; }

  // The nodes that hold these parts and no others, as few as possible, in the order of their parts.
  std::vector<PartNode> nodes_of(Range parts) const;

 private:
  std::int64_t parts_;
  int top_;  // level of the root
};

// What the processes compute of one update after the other.
class PartSums {
 public:
  // threads: those of this process
  PartSums(const Parameters& parameters, Processes& processes, int threads);
  ~PartSums();
  PartSums(const PartSums&) = delete;
  PartSums& operator=(const PartSums&) = delete;

  // Begins an update of so many parts, and returns those of this process. If no process has more of them than
  // threads, what is final may be added up over processes while the rest is computed (early_sums.h).
  PartTree::Range begin(std::int64_t parts);

  // Zeros, for the gradient of a part. From any thread.
  Tensor start(std::int64_t part);

  // The part's gradient of this parameter is final. From any thread.
  void is_final(const Parameter& parameter);

  // The gradient of a part is, once computed; `add_up`: what can be added up now is, to need fewer blocks.
  // From any thread.
  void put(std::int64_t part, const Tensor& gradient, bool add_up);

  // The sum over the parts of all processes, the same in each. Valid until begin().
  const Tensor& sum();

 private:
  using Sums = std::map<PartNode, Tensor>;

  Tensor take_zeros();
  void add_up_own();
  const Tensor& add_up(const Sums& sums, PartNode node) const;
  void add_up_early(const EarlySums::Range& range, const Processes::Waiting& waiting);
  void add_up_over_processes(const Sums& own, const Tensor& result, const Processes::Waiting* waiting);
  Sums exchange(const Sums& own, const Tensor& layout, const Processes::Waiting* waiting);
  std::span<real> slice_of(const Tensor& block, int rank) const;
  Tensor received(std::int64_t size);

  const Parameters& parameters_;
  Processes& processes_;
  std::int64_t least_threads_ = 0;  // of all processes
  PartTree tree_{1};
  std::mutex mutex_;
  std::vector<Tensor> blocks_;  // of gradients, free
  Sums own_;
  Tensor result_, received_;
  bool early_ = false;
  std::unique_ptr<EarlySums> early_sums_;  // where there are several processes
};

}  // namespace mininmt
