#include "apps/train/sampler.h"

#include "apps/text/linked_weights.h"
#include "apps/translate/translator.h"

namespace mininmt {
namespace {

// Words of the sentences, or characters where those are linked: one of each.
constexpr std::size_t kLengths[][2] = {{4, 8}, {9, 15}, {16, 25}};

std::vector<std::string> with_end(std::vector<std::string> units) {
  units.emplace_back(kEosWord);
  return units;
}

}  // namespace

Sampler::Sampler(const TrainOptions& options, const ValidationText& text, const Vocab& source,
                 const Vocab& target)
    : options_(options), source_(source), target_(target) {
  for (const auto& [least, most] : kLengths)
    for (std::size_t i = 0; i < text.source.size(); ++i) {
      const std::size_t words = source.units().linked(text.source[i]).names.size();
      if (words < least || words > most) continue;
      text_.source.push_back(text.source[i]);
      text_.target.push_back(text.target[i]);
      break;
    }
}

// The translation's words, or what else is linked, and the weights of each.
void Sampler::take_attention(const Hypothesis& best, const Linked& source, Sample& sample) const {
  std::vector<std::string> units;
  for (const Id id : best.words) units.emplace_back(target_.word(id));
  const Linked target = target_.units().linked(units);
  sample.target_units = best.ended ? with_end(target.names) : target.names;
  if (best.alpha.empty()) return;
  std::vector<float> alpha;
  for (const auto& row : best.alpha) alpha.insert(alpha.end(), row.begin(), row.end());
  const LinkedWeights weights({alpha, best.alpha.size(), best.alpha[0].size()}, source, target);
  const AlignmentMatrix matrix = weights.matrix();
  for (std::size_t i = 0; i < matrix.target_length; ++i) {
    const auto row = matrix.alpha.subspan(i * matrix.source_length, matrix.source_length);
    sample.alpha.emplace_back(row.begin(), row.end());
  }
}

std::vector<Sample> Sampler::translate(const Model& model) const {
  SearchOptions search = search_options(options_.decoding);
  search.alignment = model.attends();
  const Translator translator(model, source_, target_, search, options_.valid_mini_batch, 1);
  const auto translations = translator.translate(text_.source);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < text_.source.size(); ++i) {
    const Linked linked = source_.units().linked(text_.source[i]);
    Sample sample{text_.source[i], text_.target[i], "", with_end(linked.names), {}, {}};
    if (!translations[i].empty()) {
      const Hypothesis& best = translations[i][0];
      sample.translation = translator.text(best);
      take_attention(best, linked, sample);
    }
    samples.push_back(sample);
  }
  return samples;
}

}  // namespace mininmt
