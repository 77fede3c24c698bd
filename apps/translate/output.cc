#include "apps/translate/output.h"

#include <cstdio>

#include "apps/text/lines.h"
#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

std::vector<std::string> words_of(const std::string& line, bool with_eos) {
  const auto views = split_words(line);
  std::vector<std::string> words(views.begin(), views.end());
  if (with_eos) words.emplace_back(kEosWord);
  return words;
}

std::string alignment_of(const Hypothesis& h, const std::string& kind, const std::string& source,
                         const std::string& translation) {
  if (h.alpha.empty()) return "";
  std::vector<float> alpha;
  for (const auto& row : h.alpha) alpha.insert(alpha.end(), row.begin(), row.end());
  return format_alignment(kind, source, translation, {alpha, h.alpha.size(), h.alpha[0].size()}, h.ended);
}

}  // namespace

std::string format_alignment(const std::string& kind, const std::string& source,
                             const std::string& translation, const AlignmentMatrix& matrix, bool ended) {
  if (kind == "hard") return format_links(hard_links(matrix, matrix.target_length - (ended ? 1 : 0)));
  if (kind == "soft") return format_soft_alignment(matrix);
  return draw_alignment(matrix, words_of(source, true), words_of(translation, ended));
}

std::string format_score(const BeamOptions& options, double log_p, const std::string& alignment) {
  char number[32];
  std::snprintf(number, sizeof number, "%.9g", log_p);
  if (options.alignment.empty()) return join(number, "\n");
  return join(number, options.alignment == "picture" ? "\n" : " ||| ", alignment, "\n");
}

std::string format_output(const BeamOptions& options, std::size_t number, const std::string& source,
                          const std::vector<Hypothesis>& hypotheses, const Vocab& target) {
  const std::vector<Hypothesis> none(1);
  std::string output;
  for (const Hypothesis& h : hypotheses.empty() ? none : hypotheses) {
    const bool is_picture = options.alignment == "picture";
    const std::string translation = target.decode(h.words),
                      shown = is_picture ? visible(translation) : translation;
    if (options.n_best)
      output +=
          join(number, " ||| ", shown, " ||| logp= ", number_text(h.log_p), " ||| ", number_text(h.score));
    else
      output += shown;
    if (is_picture)
      output += "\n" + alignment_of(h, options.alignment, source, translation);
    else if (!options.alignment.empty() && (options.n_best || !hypotheses.empty()))
      output += " ||| " + alignment_of(h, options.alignment, source, translation);
    output += "\n";
  }
  return output;
}

}  // namespace mininmt
