#include "apps/translate/output.h"

#include <cstdio>

#include "apps/text/linked_weights.h"
#include "apps/text/utf8.h"
#include "apps/translate/n_best_list.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

std::string alignment_of(const Hypothesis& h, const std::string& kind, const Linked& source,
                         const Linked& target) {
  if (h.alpha.empty()) return "";
  const std::vector<float> alpha = flat(h.alpha);
  return format_alignment(kind, source, target, {alpha, h.alpha.size(), h.alpha[0].size()});
}

std::string word_scores(const std::vector<double>& log_p) {
  std::string text = "WordScores=";
  for (const double word : log_p) text += " " + number_text(word);
  return text;
}

std::string features(const BeamOptions& options, const Hypothesis& h) {
  std::string text = "logp= " + number_text(h.log_p);
  if (options.word_penalty != 0) text += join(" words= ", h.words.size() + (h.ended ? 1 : 0));
  if (options.coverage_penalty != 0) text += " coverage= " + number_text(h.coverage);
  if (options.word_scores) text += " " + word_scores(h.word_log_p);
  return text;
}

}  // namespace

std::string format_alignment(const std::string& kind, const Linked& source, const Linked& target,
                             const AlignmentMatrix& matrix) {
  const LinkedWeights linked(matrix, source, target);
  const AlignmentMatrix weights = linked.matrix();
  if (kind == "hard") return format_links(hard_links(weights, target.names.size()));
  if (kind == "soft") return format_soft_alignment(weights);
  if (kind != "picture") return format_links(links_from(weights, target.names.size(), std::stod(kind)));
  return draw_alignment(weights, linked.source_names(), linked.target_names());
}

std::string format_score(const BeamOptions& options, double log_p, const std::string& alignment,
                         const std::vector<double>& word_log_p) {
  char number[32];
  std::snprintf(number, sizeof number, "%.9g", log_p);
  std::string text = number;
  if (!options.alignment.empty()) text += join(options.alignment == "picture" ? "\n" : " ||| ", alignment);
  if (options.word_scores) text += " ||| " + word_scores(word_log_p);
  return text + "\n";
}

std::string format_output(const BeamOptions& options, const InputLine& line,
                          const std::vector<Hypothesis>& hypotheses, const TargetText& target) {
  const std::vector<Hypothesis> none(1);
  const bool is_picture = options.alignment == "picture", is_empty = hypotheses.empty(),
             aligns = !options.alignment.empty() && !is_picture && (options.n_best || !is_empty),
             has_fields = options.n_best || aligns || options.word_scores;
  std::string output;
  for (const Hypothesis& h : is_empty ? none : hypotheses) {
    const std::vector<std::string> units = target.units_of(h, line.source, line.prefix);
    const std::string translation = target.line_of(units),
                      whole = has_fields ? without_bars(translation) : translation,
                      shown = is_picture ? visible(whole) : whole;
    if (options.n_best)
      output +=
          join(line.number, " ||| ", shown, " ||| ", features(options, h), " ||| ", number_text(h.score));
    else
      output += shown;
    if (is_picture || aligns)
      output += (is_picture ? "\n" : " ||| ") + alignment_of(h, options.alignment,
                                                             target.source_units().linked(line.source),
                                                             target.target_units().linked(units));
    if (options.word_scores && !options.n_best && !is_empty) output += " ||| " + word_scores(h.word_log_p);
    output += "\n";
  }
  return output;
}

}  // namespace mininmt
