// Sentences: a score is a log p, whatever the words; a picture has no control characters and fits the
// terminal.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "apps/text/alignment_picture.h"
#include "apps/text/utf8.h"
#include "apps/translate/translator.h"
#include "tests/fuzz/targets.h"
#include "tests/models/random_model.h"

namespace mininmt {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// Lines of source and target words, separated by tabs. A word is a letter from b on; others are unknown.
void score(std::string_view bytes) {
  static const auto model = random_model(small_config());
  static const auto words = [](int size) {
    Vocab vocab;
    for (int i = kUnk + 1; i < size; ++i) vocab.add(std::string(1, static_cast<char>('a' + i)));
    return vocab;
  };
  static const Vocab source = words(model->config().source_words),
                     target = words(model->config().target_words);
  std::vector<std::string> sources, targets;
  for (const std::string& line : split(replace_invalid_utf8(bytes.substr(0, 4000), true), '\n')) {
    const std::size_t tab = line.find('\t');
    sources.push_back(line.substr(0, tab));
    targets.push_back(tab == std::string::npos ? "" : line.substr(tab + 1));
  }
  const std::vector<double> together = score_lines(*model, source, target, sources, targets, 16, 1);
  require(together.size() == sources.size(), "a score a line");
  for (double log_p : together) require(std::isfinite(log_p) && log_p <= 0, "a score is a log p");
  const double alone = score_lines(*model, source, target, {sources[0]}, {targets[0]}, 1, 1)[0];
  require(std::abs(alone - together[0]) <= 1e-4 * (1 + std::abs(alone)),
          "a score is that of the sentence alone");
}

// Two bytes for the terminal, then source words and target words as lines, an empty line between them,
// another and the weights.
void picture(std::string_view bytes) {
  if (bytes.size() < 2) return;
  const PictureOptions options{.width = static_cast<unsigned char>(bytes[0]), .ascii = (bytes[1] & 1) != 0};
  const std::vector<std::string> lines = split(bytes.substr(2), '\n');
  const auto gap = std::find(lines.begin(), lines.end(), "");
  const auto second_gap = gap == lines.end() ? gap : std::find(gap + 1, lines.end(), "");
  std::vector<std::string> source(lines.begin(), gap), target;
  if (gap != lines.end()) target.assign(gap + 1, second_gap);
  if (source.empty() || source.size() > 300 || target.size() > 300) return;
  std::vector<float> alpha(source.size() * target.size());
  for (std::size_t i = 0; i < alpha.size(); ++i)
    alpha[i] = static_cast<float>(static_cast<unsigned char>(bytes[i % bytes.size()])) / 255;

  const AlignmentMatrix matrix{alpha, target.size(), source.size()};
  std::vector<std::string> drawn = split(draw_alignment(matrix, source, target, options), '\n');
  for (const std::string& line : drawn) {
    require(find_invalid_utf8(line) == std::string::npos, "a picture is UTF-8");
    require(visible(line) == line, "a picture has no control characters");
  }
  drawn.resize(drawn.size() - 2);  // the legend is as wide as it is
  for (const std::string& line : drawn)
    require(display_width(line) <= std::max<std::size_t>(options.width, 10), "a picture fits the terminal");
  const std::size_t ends = target.empty() ? 0 : target.size() - 1;
  format_links(hard_links(matrix, ends));
  format_soft_alignment(matrix);
}

}  // namespace

std::vector<FuzzTarget> search_targets() { return {{"score", score}, {"picture", picture}}; }

}  // namespace mininmt
