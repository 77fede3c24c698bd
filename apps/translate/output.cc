#include "apps/translate/output.h"

#include <cstdio>

#include "apps/text/linked_weights.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

Linked linked(const Vocab& vocab, const Hypothesis& h) {
  std::vector<std::string> units;
  for (const Id id : h.words) units.emplace_back(vocab.word(id));
  return vocab.units().linked(units);
}

std::string alignment_of(const Hypothesis& h, const std::string& kind, const Linked& source,
                         const Linked& target) {
  if (h.alpha.empty()) return "";
  std::vector<float> alpha;
  for (const auto& row : h.alpha) alpha.insert(alpha.end(), row.begin(), row.end());
  return format_alignment(kind, source, target, {alpha, h.alpha.size(), h.alpha[0].size()});
}

}  // namespace

std::string format_alignment(const std::string& kind, Linked source, Linked target,
                             const AlignmentMatrix& matrix) {
  const LinkedWeights linked(matrix, source, target);
  const AlignmentMatrix weights = linked.matrix();
  if (kind == "hard") return format_links(hard_links(weights, target.names.size()));
  if (kind == "soft") return format_soft_alignment(weights);
  source.names.emplace_back(kEosWord);
  if (target.names.size() < weights.target_length) target.names.emplace_back(kEosWord);
  return draw_alignment(weights, source.names, target.names);
}

std::string format_score(const BeamOptions& options, double log_p, const std::string& alignment) {
  char number[32];
  std::snprintf(number, sizeof number, "%.9g", log_p);
  if (options.alignment.empty()) return join(number, "\n");
  return join(number, options.alignment == "picture" ? "\n" : " ||| ", alignment, "\n");
}

std::string format_output(const BeamOptions& options, std::size_t number, const std::string& source,
                          const std::vector<Hypothesis>& hypotheses, const Vocab& source_vocab,
                          const Vocab& target_vocab) {
  const std::vector<Hypothesis> none(1);
  std::string output;
  for (const Hypothesis& h : hypotheses.empty() ? none : hypotheses) {
    const bool is_picture = options.alignment == "picture";
    const std::string translation = target_vocab.decode(h.words),
                      shown = is_picture ? visible(translation) : translation;
    if (options.n_best)
      output +=
          join(number, " ||| ", shown, " ||| logp= ", number_text(h.log_p), " ||| ", number_text(h.score));
    else
      output += shown;
    if (is_picture)
      output += "\n" + alignment_of(h, options.alignment, source_vocab.units().linked(source),
                                    linked(target_vocab, h));
    else if (!options.alignment.empty() && (options.n_best || !hypotheses.empty()))
      output += " ||| " + alignment_of(h, options.alignment, source_vocab.units().linked(source),
                                       linked(target_vocab, h));
    output += "\n";
  }
  return output;
}

}  // namespace mininmt
