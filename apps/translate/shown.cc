#include "apps/translate/shown.h"

#include <cmath>

#include "apps/text/linked_weights.h"

namespace mininmt {
namespace {

std::vector<std::string> with_end(std::vector<std::string> names) {
  names.emplace_back(kEosWord);
  return names;
}

Shown show(const Hypothesis& best, const Linked& source, const Vocab& target_vocab) {
  std::vector<std::string> units;
  for (const Id id : best.words) units.emplace_back(target_vocab.word(id));
  const Linked target = target_vocab.units().linked(units);
  Shown result{target_vocab.decode(best.words),
               with_end(source.names),
               best.ended ? with_end(target.names) : target.names,
               {}};
  if (best.alpha.empty()) return result;
  const std::vector<float> alpha = flat(best.alpha);
  const LinkedWeights weights({alpha, best.alpha.size(), best.alpha[0].size()}, source, target);
  const AlignmentMatrix matrix = weights.matrix();
  for (std::size_t i = 0; i < matrix.target_length; ++i) {
    const auto row = matrix.alpha.subspan(i * matrix.source_length, matrix.source_length);
    result.alpha.emplace_back(row.begin(), row.end());
  }
  return result;
}

}  // namespace

std::vector<Shown> shown(const Translator& translator, const Vocab& source, const Vocab& target,
                         const std::vector<std::string>& lines) {
  const auto translations = translator.translate(lines);
  std::vector<Shown> all;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Linked linked = source.units().linked(lines[i]);
    all.push_back(translations[i].empty() ? Shown{"", with_end(linked.names), {}, {}}
                                          : show(translations[i][0], linked, target));
  }
  return all;
}

std::vector<std::vector<int>> percents(const std::vector<std::vector<float>>& alpha) {
  std::vector<std::vector<int>> rows;
  for (const auto& row : alpha) {
    rows.emplace_back();
    for (const float weight : row) rows.back().push_back(static_cast<int>(std::lround(100 * weight)));
  }
  return rows;
}

}  // namespace mininmt
