#include "apps/train/sampler.h"

#include <utility>

namespace mininmt {
namespace {

// Words of the sentences, or characters where those are linked: one of each.
constexpr std::size_t kLengths[][2] = {{4, 8}, {9, 15}, {16, 25}};

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

std::vector<Sample> Sampler::translate(const Model& model) const {
  SearchOptions search = search_options(options_.decoding);
  search.alignment = model.attends();
  const Translator translator(model, source_, target_, search, options_.valid_mini_batch, 1);
  std::vector<Shown> translations = shown(translator, source_, target_, text_.source);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < translations.size(); ++i)
    samples.push_back({text_.source[i], text_.target[i], std::move(translations[i])});
  return samples;
}

}  // namespace mininmt
