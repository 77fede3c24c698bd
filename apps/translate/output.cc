#include "apps/translate/output.h"

#include <cstdio>

#include "apps/text/alignment_picture.h"
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

std::string format_alignment(const std::string& kind, const std::string& source,
                             const std::string& translation, const Hypothesis& h) {
  if (h.alpha.empty()) return "";
  std::vector<float> alpha;
  for (const auto& row : h.alpha) alpha.insert(alpha.end(), row.begin(), row.end());
  const AlignmentMatrix matrix{alpha, h.alpha.size(), h.alpha[0].size()};
  if (kind == "hard") return format_hard_alignment(matrix, h.words.size());
  if (kind == "soft") return format_soft_alignment(matrix);
  return draw_alignment(matrix, words_of(source, true), words_of(translation, h.ended));
}

}  // namespace

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
      output += "\n" + format_alignment(options.alignment, source, translation, h);
    else if (!options.alignment.empty() && (options.n_best || !hypotheses.empty()))
      output += " ||| " + format_alignment(options.alignment, source, translation, h);
    output += "\n";
  }
  return output;
}

}  // namespace mininmt
