#include "apps/text/linked_weights.h"

#include "apps/text/vocab.h"
#include "tensor/error.h"

namespace mininmt {

LinkedWeights::LinkedWeights(const AlignmentMatrix& units, const Linked& source, const Linked& target)
    : units_(units),
      source_names_(source.names),
      target_names_(target.names),
      are_units_(source.names.size() == source.of_unit.size() &&
                 target.names.size() == target.of_unit.size()) {
  const std::size_t rows = target.of_unit.size();
  if (units.source_length != source.of_unit.size() + 1 ||
      (units.target_length != rows && units.target_length != rows + 1))
    throw Error(join("alignment: ", units.target_length, " by ", units.source_length, " weights of ", rows,
                     " target and ", source.of_unit.size(), " source units"));
  source_names_.emplace_back(kEosWord);
  if (units.target_length > rows) target_names_.emplace_back(kEosWord);
  if (are_units_) return;
  target_length_ = target.names.size() + (units.target_length - rows);
  source_length_ = source.names.size() + 1;
  alpha_.resize(target_length_ * source_length_);
  std::vector<float> pieces(target_length_);  // of each target word
  const auto target_word = [&](std::size_t i) { return i < rows ? target.of_unit[i] : target.names.size(); };
  const auto source_word = [&](std::size_t j) {
    return j < source.of_unit.size() ? source.of_unit[j] : source.names.size();
  };
  for (std::size_t i = 0; i < units.target_length; ++i) ++pieces[target_word(i)];
  for (std::size_t i = 0; i < units.target_length; ++i)
    for (std::size_t j = 0; j < units.source_length; ++j)
      alpha_[target_word(i) * source_length_ + source_word(j)] +=
          units.alpha[i * units.source_length + j] / pieces[target_word(i)];
}

AlignmentMatrix LinkedWeights::matrix() const {
  if (are_units_) return units_;
  return {alpha_, target_length_, source_length_};
}

}  // namespace mininmt
