#include "apps/text/padding.h"

namespace mininmt {

std::vector<std::span<const std::size_t>> cut_into_batches(std::span<const std::size_t> order,
                                                           std::span<const PairLengths> lengths,
                                                           std::size_t most_sentences,
                                                           std::size_t most_cells) {
  std::vector<std::span<const std::size_t>> batches;
  while (!order.empty()) {
    PairLengths longest = lengths[order[0]];
    std::size_t size = 1;
    for (; size < std::min(order.size(), most_sentences); ++size) {
      longest = longest.longest(lengths[order[size]]);
      if ((size + 1) * longest.cells() > most_cells) break;
    }
    batches.push_back(order.first(size));
    order = order.subspan(size);
  }
  return batches;
}

}  // namespace mininmt
