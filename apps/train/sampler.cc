#include "apps/train/sampler.h"

#include "apps/translate/translator.h"

namespace mininmt {
namespace {

// Words of the sentences: one of each.
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
      const std::size_t words = split_words(text.source[i]).size();
      if (words < least || words > most) continue;
      text_.source.push_back(text.source[i]);
      text_.target.push_back(text.target[i]);
      break;
    }
}

std::vector<Sample> Sampler::translate(const Model& model) const {
  SearchOptions search = search_options(options_.decoding);
  search.alignment = model.attends();
  const Translator translator(model, source_, target_, search, options_.valid_mini_batch, 1);
  const auto translations = translator.translate(text_.source);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < text_.source.size(); ++i) {
    Sample sample{
        text_.source[i], text_.target[i], "", with_end(source_.units().split(text_.source[i])), {}, {}};
    if (!translations[i].empty()) {
      const Hypothesis& best = translations[i][0];
      sample.translation = translator.text(best);
      for (const Id id : best.words) sample.target_units.emplace_back(target_.word(id));
      if (best.ended) sample.target_units = with_end(sample.target_units);
      sample.alpha = best.alpha;
    }
    samples.push_back(sample);
  }
  return samples;
}

}  // namespace mininmt
