#include "nn/training/part_sums.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "ops/rows.h"

namespace mininmt {

PartTree::PartTree(std::int64_t parts)
    : parts_(parts), top_(parts > 1 ? std::bit_width(static_cast<std::uint64_t>(parts - 1)) : 0) {}

PartTree::Range PartTree::parts_of(int rank, int count) const {
  return {parts_ * rank / count, parts_ * (rank + 1) / count};
}

PartNode PartTree::highest(PartNode node) const {
  while (node.level < top_ && node.is_left() && node.sibling().index << node.level >= parts_)
    node = node.parent();
  return node;
}

std::vector<PartNode> PartTree::nodes_of(Range parts) const {
  std::vector<PartNode> nodes;
  for (std::int64_t part = parts.begin; part < parts.end; ++part) {
    PartNode node = leaf(part);
    while (!nodes.empty() && !node.is_left() && nodes.back() == node.sibling()) {
      nodes.pop_back();
      node = highest(node.parent());
    }
    nodes.push_back(node);
  }
  return nodes;
}

PartSums::PartSums(const Parameters& parameters, Processes& processes, int threads)
    : parameters_(parameters), processes_(processes) {
  if (processes.count() == 1) return;
  const std::vector<double> all = processes.gather(static_cast<double>(threads));
  least_threads_ = static_cast<std::int64_t>(*std::min_element(all.begin(), all.end()));
  early_sums_ = std::make_unique<EarlySums>(
      parameters, processes, [this](const EarlySums::Range& range, const Processes::Waiting& waiting) {
        add_up_early(range, waiting);
      });
}

PartSums::~PartSums() {
  if (!early_sums_ || early_sums_->stop()) return;
  static std::mutex kept_mutex;
  static auto* const kept = new std::vector<Tensor>;  // never freed
  const std::lock_guard lock(kept_mutex);
  kept->insert(kept->end(), {result_, received_});
  for (const auto& [node, block] : own_) kept->push_back(block);
}

PartTree::Range PartSums::begin(std::int64_t parts) {
  if (result_.defined()) blocks_.push_back(std::exchange(result_, {}));
  for (auto& [node, block] : std::exchange(own_, {})) blocks_.push_back(block);  // of an update that failed
  tree_ = PartTree(parts);
  const int n = processes_.count();
  const PartTree::Range own = tree_.parts_of(processes_.rank(), n);
  if (!early_sums_) return own;
  std::int64_t most = 0;
  for (int rank = 0; rank < n; ++rank) most = std::max(most, tree_.parts_of(rank, n).size());
  if (own.size() == 0) result_ = take_zeros();
  early_ = early_sums_->begin(own.size(), most <= least_threads_);
  return own;
}

Tensor PartSums::take_zeros() {
  {
    const std::lock_guard lock(mutex_);
    if (!blocks_.empty()) {
      const Tensor block = blocks_.back();
      blocks_.pop_back();
      block.fill(0);
      return block;
    }
  }
  return parameters_.new_gradients();
}

Tensor PartSums::start(std::int64_t part) {
  const Tensor block = take_zeros();
  if (early_) {
    const std::lock_guard lock(mutex_);
    own_.emplace(tree_.leaf(part), block);
  }
  return block;
}

void PartSums::is_final(const Parameter& parameter) {
  if (early_sums_) early_sums_->is_final(parameter);
}

void PartSums::put(std::int64_t part, const Tensor& gradient, bool add_up) {
  if (early_) return;
  PartNode node = tree_.leaf(part);
  Tensor sum = gradient;
  while (true) {
    Tensor other;
    {
      const std::lock_guard lock(mutex_);
      const auto found = add_up ? own_.find(node.sibling()) : own_.end();
      if (found == own_.end()) {
        own_.emplace(node, sum);
        return;
      }
      other = found->second;
      own_.erase(found);
    }
    add_to(other, sum);
    const std::lock_guard lock(mutex_);
    blocks_.push_back(other);
    node = tree_.highest(node.parent());
  }
}

// In the order of the tree, in parallel where put() left it.
void PartSums::add_up_own() {
  for (auto left = own_.begin(); left != own_.end();) {
    const PartNode node = left->first;
    const auto right = node.is_left() ? own_.find(node.sibling()) : own_.end();
    if (right == own_.end()) {
      ++left;
      continue;
    }
    add_to(right->second, left->second);
    blocks_.push_back(right->second);
    const Tensor sum = left->second;
    own_.erase(right);
    own_.erase(left);
    own_.emplace(tree_.highest(node.parent()), sum);
    left = own_.begin();
  }
}

// Adds the right half of each node to its left half.
const Tensor& PartSums::add_up(const Sums& sums, PartNode node) const {
  const auto found = sums.find(node);
  if (found != sums.end()) return found->second;
  const Tensor& left = add_up(sums, tree_.highest(node.left()));
  add_to(add_up(sums, tree_.highest(node.right())), left);
  return left;
}

// Slices of equal size but for the last, of whole vectors.
std::span<real> PartSums::slice_of(const Tensor& block, int rank) const {
  const std::int64_t units = block.size() / Parameters::kAlignment, n = processes_.count();
  const std::int64_t begin = units * rank / n * Parameters::kAlignment,
                     end = rank + 1 == n ? block.size() : units * (rank + 1) / n * Parameters::kAlignment;
  return block.values().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

Tensor PartSums::received(std::int64_t size) {
  if (!received_.defined() || received_.size() < size) received_ = Tensor({size});
  return received_;
}

// This process's slice of the sums of all nodes that the processes have. In round k each sends its k-th node.
PartSums::Sums PartSums::exchange(const Sums& own, const Tensor& layout, const Processes::Waiting* waiting) {
  const int n = processes_.count();
  std::vector<std::vector<PartNode>> nodes;
  std::size_t rounds = 0, all = 0;
  for (int rank = 0; rank < n; ++rank) {
    nodes.push_back(tree_.nodes_of(tree_.parts_of(rank, n)));
    rounds = std::max(rounds, nodes.back().size());
    all += nodes.back().size();
  }
  const auto size = static_cast<std::int64_t>(slice_of(layout, processes_.rank()).size());
  const Tensor into = received(static_cast<std::int64_t>(all) * size);
  Sums slices;
  for (std::size_t k = 0; k < rounds; ++k) {
    std::vector<std::span<const real>> to(static_cast<std::size_t>(n));
    std::vector<std::span<real>> from(static_cast<std::size_t>(n));
    const std::vector<PartNode>& nodes_here = nodes[static_cast<std::size_t>(processes_.rank())];
    for (int rank = 0; rank < n; ++rank) {
      if (k < nodes_here.size()) to[rank] = slice_of(own.at(nodes_here[k]), rank);
      if (k >= nodes[rank].size()) continue;
      const Tensor slice = into.view(static_cast<std::int64_t>(slices.size()) * size, {size});
      from[rank] = slice.values();
      slices.emplace(nodes[rank][k], slice);
    }
    if (waiting)
      processes_.exchange_beside(to, from, *waiting);
    else
      processes_.exchange(to, from);
  }
  return slices;
}

// Each process adds up a slice, in the tree's order; all get all slices.
void PartSums::add_up_over_processes(const Sums& own, const Tensor& result,
                                     const Processes::Waiting* waiting) {
  const Sums slices = exchange(own, result, waiting);
  const std::span<const real> mine = add_up(slices, tree_.root()).values();
  std::vector<std::span<real>> all;
  for (int rank = 0; rank < processes_.count(); ++rank) all.push_back(slice_of(result, rank));
  std::copy(mine.begin(), mine.end(), all[static_cast<std::size_t>(processes_.rank())].begin());
  if (waiting)
    processes_.gather_beside(all, *waiting);
  else
    processes_.gather(all);
}

// On the thread of early_sums_, when this range of all own parts is final.
void PartSums::add_up_early(const EarlySums::Range& range, const Processes::Waiting& waiting) {
  const auto view = [&](const Tensor& block) { return block.view(range.begin, {range.size}); };
  Sums leaves, nodes;
  for (const auto& [node, block] : own_) leaves.emplace(node, view(block));
  for (const PartNode& node : tree_.nodes_of(tree_.parts_of(processes_.rank(), processes_.count())))
    nodes.emplace(node, add_up(leaves, node));
  add_up_over_processes(nodes, view(own_.empty() ? result_ : own_.begin()->second), &waiting);
}

const Tensor& PartSums::sum() {
  if (early_) {
    early_sums_->finish();
  } else {
    add_up_own();
  }
  // What was sent is no longer needed: one of the blocks becomes the result.
  if (!result_.defined()) result_ = own_.begin()->second;
  if (processes_.count() > 1 && !early_) add_up_over_processes(own_, result_, nullptr);
  for (auto& [node, block] : std::exchange(own_, {}))
    if (block.data() != result_.data()) blocks_.push_back(block);
  return result_;
}

}  // namespace mininmt
