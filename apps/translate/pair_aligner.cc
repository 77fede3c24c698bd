#include "apps/translate/pair_aligner.h"

#include <span>

#include "apps/text/linked_weights.h"
#include "apps/translate/output.h"
#include "apps/translate/translator.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// `rows` rows of the weights, from the one of this number.
AlignmentMatrix rows_of(std::span<const float> weights, std::size_t columns, std::size_t first,
                        std::size_t rows) {
  return {weights.subspan(first * columns, rows * columns), rows, columns};
}

// A model's links of each pair, and what `show` makes of the weights that predict the words and the </s>.
struct Aligned {
  std::vector<WordAlignment> links;
  std::vector<std::string> shown;
};

template <class Show>
Aligned align_all(const LoadedModel& model, const std::vector<std::string>& sources,
                  const std::vector<std::string>& targets, int mini_batch, int threads, const Show& show) {
  Aligned all{std::vector<WordAlignment>(sources.size()), std::vector<std::string>(sources.size())};
  const std::size_t delay = static_cast<std::size_t>(model.model->attention_delay());
  align_lines(*model.model, model.source, model.target, sources, targets, mini_batch, threads,
              [&](std::size_t i, const ForcedAlpha& alpha) {
                const Linked source = model.source.units().linked(sources[i]),
                             target = model.target.units().linked(targets[i]);
                const auto links = [&](const AlignmentMatrix& matrix) {
                  return hard_links(LinkedWeights(matrix, source, target).matrix(), target.names.size());
                };
                const std::size_t units = target.of_unit.size();
                const bool posteriors = !alpha.posteriors.empty();
                const AlignmentMatrix predicting =
                    rows_of(posteriors ? alpha.posteriors : alpha.weights, alpha.source_words, 0, units + 1);
                const AlignmentMatrix after = rows_of(alpha.weights, alpha.source_words, delay, units);
                all.links[i] = {links(predicting), links(after), posteriors};
                all.shown[i] = show(i, predicting);
              });
  return all;
}

std::size_t linked_size(const Vocab& vocab, const std::string& line) {
  return vocab.units().linked(line).names.size();
}

}  // namespace

PairAligner::PairAligner(const BeamOptions& options, const LoadedModel& model, const LoadedModel* opposite,
                         int threads, LineOptions line_options, AlignmentFigures* figures)
    : options_(options), model_(model), opposite_(opposite), figures_(figures), threads_(threads) {
  if (!options.alignment_reference.empty()) reference_.emplace(options.alignment_reference, line_options);
}

std::vector<std::string> PairAligner::align(const std::vector<std::string>& sources,
                                            const std::vector<std::string>& targets) {
  const bool joined = opposite_ != nullptr && options_.alignment == "hard";
  std::vector<std::vector<float>> drawn(sources.size());  // pairs come by length, figures in their order
  const auto show = [&](std::size_t i, const AlignmentMatrix& alpha) {
    if (figures_ != nullptr) drawn[i].assign(alpha.alpha.begin(), alpha.alpha.end());
    return options_.alignment.empty() || joined
               ? ""
               : format_alignment(options_.alignment, model_.source.units().linked(sources[i]),
                                  model_.target.units().linked(targets[i]), alpha);
  };
  const auto nothing = [](std::size_t, const AlignmentMatrix&) { return ""; };
  Aligned all = align_all(model_, sources, targets, options_.mini_batch, threads_, show);
  std::vector<WordAlignment> others(sources.size());
  if (opposite_ != nullptr)
    others = align_all(*opposite_, targets, sources, options_.mini_batch, threads_, nothing).links;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const WordAlignment other{reversed(others[i].before), reversed(others[i].after), others[i].posteriors};
    if (figures_ != nullptr) {
      const Linked source = model_.source.units().linked(sources[i]),
                   target = model_.target.units().linked(targets[i]);
      figures_->add(targets[i], source, target,
                    {drawn[i], target.of_unit.size() + 1, source.of_unit.size() + 1});
    }
    if (joined) all.shown[i] = format_links(grow_diagonal(all.links[i].before, other.before));
    if (reference_)
      judge(linked_size(model_.source, sources[i]), linked_size(model_.target, targets[i]),
            judged(all.links[i], other));
  }
  return all.shown;
}

PairAligner::Named PairAligner::judged(const WordAlignment& links, const WordAlignment& other) const {
  const auto name_of_first = [](const WordAlignment& of) -> std::string {
    return of.posteriors ? "posteriors of each word" : "attention before each word";
  };
  const std::string before = name_of_first(links), after = "attention after each word";
  Named all = {{before, links.before}, {after, links.after}};
  if (opposite_ == nullptr) return all;
  const std::string opposite = ", opposite model", both = ", both models (grow-diagonal)";
  all.insert(all.end(), {{name_of_first(other) + opposite, other.before},
                         {after + opposite, other.after},
                         {before + both, grow_diagonal(links.before, other.before)},
                         {after + both, grow_diagonal(links.after, other.after)}});
  return all;
}

void PairAligner::judge(std::size_t source_words, std::size_t target_words, const Named& links) {
  const ReferenceLinks right = reference_->at(pairs_++, source_words, target_words);
  errors_.resize(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    errors_[i].first = links[i].first;
    errors_[i].second.add(links[i].second, right);
  }
}

std::string PairAligner::report() const {
  if (!reference_) return "";
  reference_->check_end(pairs_);
  std::string text;
  for (const auto& [name, error] : errors_) text += join(error.format(), " ", name, "\n");
  return text;
}

}  // namespace mininmt
