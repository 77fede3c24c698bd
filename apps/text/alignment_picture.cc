#include "apps/text/alignment_picture.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "apps/text/utf8.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// The characters of a picture.
struct Glyphs {
  std::array<std::string_view, 5> shades;  // for weights from 0, 0.1, 0.25, 0.5, 0.75
  std::string_view guide;                  // an empty cell
  std::string_view mark;                   // the maximum of its row
  std::string_view leader;                 // connects a column to its word
  std::string_view ellipsis;               // ends a word that was cut
};
constexpr Glyphs kBlocks = {{" ", "░", "▒", "▓", "█"}, "·", "◆", "│", "…"};
constexpr Glyphs kAscii = {{" ", ".", ":", "+", "#"}, " ", "@", "|", "~"};
constexpr std::array<float, 4> kThresholds = {0.1f, 0.25f, 0.5f, 0.75f};

// The source columns that one panel shows.
struct Panel {
  std::size_t begin, end;
};

void check_sizes(const AlignmentMatrix& matrix) {
  if (matrix.source_length == 0 || matrix.alpha.size() != matrix.target_length * matrix.source_length) {
    throw Error(join("alignment: ", matrix.alpha.size(), " weights are no matrix of ", matrix.target_length,
                     " target words by ", matrix.source_length, " source words"));
  }
}

std::span<const float> row_of(const AlignmentMatrix& matrix, std::size_t row) {
  return matrix.alpha.subspan(row * matrix.source_length, matrix.source_length);
}

// The column of the maximum weight, the first of equals.
std::size_t aligned_column(const AlignmentMatrix& matrix, std::size_t row) {
  const auto weights = row_of(matrix, row);
  return static_cast<std::size_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
}

// `word` in at most `width` columns, without control characters.
std::string fit_label(std::string_view word, std::size_t width, std::string_view ellipsis) {
  std::string label, cut;  // cut: the longest prefix that leaves room for the ellipsis
  std::size_t used = 0;
  for (; !word.empty(); word.remove_prefix(first_utf8_character(word).bytes)) {
    char32_t code = first_utf8_character(word).code;
    if (is_control(code)) code = kReplacementCharacter;
    used += static_cast<std::size_t>(display_width(code));
    if (used > width) return cut.append(ellipsis);
    label += encode_utf8(code);
    if (used + 1 <= width) cut = label;
  }
  return label;
}

class Picture {
 public:
  Picture(const AlignmentMatrix& matrix, std::span<const std::string> source,
          std::span<const std::string> target, PictureOptions options)
      : matrix_(matrix), options_(options), glyphs_(options.ascii ? kAscii : kBlocks) {
    for (const auto& word : source) source_.push_back(fit_label(word, options.width / 3, glyphs_.ellipsis));
    for (const auto& word : target) {
      target_.push_back(fit_label(word, options.width / 4, glyphs_.ellipsis));
      label_width_ = std::max(label_width_, display_width(target_.back()));
    }
  }

  std::string draw() {
    choose_cells();
    for (std::size_t begin = 0; begin < source_.size();) {
      const Panel panel = {begin, end_of_panel(begin)};
      if (begin > 0) text_ += '\n';
      draw_head(panel);
      for (std::size_t row = 0; row < target_.size(); ++row) draw_row(row, panel);
      begin = panel.end;
    }
    draw_legend();
    return text_;
  }

 private:
  // Cells two characters wide if the sentence fits or needs several panels anyway, else one. A single panel
  // also names each row's aligned word, if there is room.
  void choose_cells() {
    for (cell_width_ = 2; cell_width_ > 0 && end_of_panel(0) < source_.size();) --cell_width_;
    if (cell_width_ == 0) {
      cell_width_ = 2;
      return;
    }
    std::size_t widest = 0;
    for (const auto& word : source_) widest = std::max(widest, display_width(word));
    const std::size_t gap_and_percent = 7;
    name_aligned_ = position(source_.size()) + widest + gap_and_percent <= options_.width;
  }

  // The terminal column of cell i of a panel.
  std::size_t position(std::size_t i) const { return label_width_ + 1 + i * cell_width_; }

  // As many columns from `begin` as leave room for their words, at least one.
  std::size_t end_of_panel(std::size_t begin) const {
    std::size_t end = begin + 1;
    while (end < source_.size() &&
           position(end - begin) + std::max(cell_width_, display_width(source_[end])) <= options_.width) {
      ++end;
    }
    return end;
  }

  void draw_head(Panel panel) {
    for (std::size_t word = panel.begin; word < panel.end; ++word) {
      text_.append(label_width_ + 1, ' ');
      for (std::size_t left = panel.begin; left < word; ++left) {
        text_ += glyphs_.leader;
        text_.append(cell_width_ - 1, ' ');
      }
      text_ += source_[word];
      text_ += '\n';
    }
  }

  void draw_row(std::size_t row, Panel panel) {
    const std::size_t aligned = aligned_column(matrix_, row);
    const auto weights = row_of(matrix_, row);
    text_.append(label_width_ - display_width(target_[row]), ' ') += target_[row] + ' ';
    for (std::size_t column = panel.begin; column < panel.end; ++column) {
      text_ += column == aligned ? highlight(cell(weights[column], true)) : cell(weights[column], false);
    }
    if (name_aligned_) {
      char percent[16];
      std::snprintf(percent, sizeof percent, "%3.0f%% ", 100.0 * static_cast<double>(weights[aligned]));
      text_ += join("  ", percent, source_[aligned]);
    }
    text_.erase(text_.find_last_not_of(' ') + 1);
    text_ += '\n';
  }

  std::string cell(float weight, bool aligned) const {
    const auto level = std::upper_bound(kThresholds.begin(), kThresholds.end(), weight) - kThresholds.begin();
    const std::string_view shade = glyphs_.shades[static_cast<std::size_t>(level)];
    const std::string_view first = aligned ? glyphs_.mark : level == 0 ? glyphs_.guide : shade;
    return std::string(first).append(cell_width_ == 2 ? shade : "");
  }

  std::string highlight(const std::string& drawn) const {
    return options_.color ? "\x1b[1;33m" + drawn + "\x1b[0m" : drawn;
  }

  void draw_legend() {
    text_ += '\n' + std::string(label_width_ + 1, ' ') + highlight(std::string(glyphs_.mark)) +
             " largest of its row ";
    constexpr std::array<std::string_view, 5> kFrom = {"", "0.1", "0.25", "0.5", "0.75"};
    for (std::size_t level = 1; level < kFrom.size(); ++level) {
      text_ += join("  ", glyphs_.shades[level], " ", kFrom[level]);
    }
    text_ += " or more\n";
  }

  const AlignmentMatrix& matrix_;
  PictureOptions options_;
  Glyphs glyphs_;
  std::vector<std::string> source_, target_;  // the labels
  std::size_t label_width_ = 0;               // of the target words
  std::size_t cell_width_ = 2;
  bool name_aligned_ = false;
  std::string text_;
};

void check_target_words(const AlignmentMatrix& matrix, std::size_t target_words) {
  check_sizes(matrix);
  if (target_words > matrix.target_length)
    throw Error(join("alignment: ", target_words, " target words, and a matrix of ", matrix.target_length));
}

}  // namespace

std::vector<float> flat(const std::vector<std::vector<float>>& rows) {
  std::vector<float> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}

std::string draw_alignment(const AlignmentMatrix& matrix, std::span<const std::string> source,
                           std::span<const std::string> target, PictureOptions options) {
  check_sizes(matrix);
  if (source.size() != matrix.source_length || target.size() != matrix.target_length) {
    throw Error(join("alignment: ", source.size(), " source and ", target.size(),
                     " target words for a matrix of ", matrix.target_length, " target by ",
                     matrix.source_length, " source words"));
  }
  return Picture(matrix, source, target, options).draw();
}

AlignmentLinks hard_links(const AlignmentMatrix& matrix, std::size_t target_words) {
  check_target_words(matrix, target_words);
  AlignmentLinks links;
  for (std::size_t row = 0; row < target_words; ++row) {
    const std::size_t column = aligned_column(matrix, row);
    if (column != matrix.source_length - 1) links.insert({row, column});  // not </s>
  }
  return links;
}

AlignmentLinks links_from(const AlignmentMatrix& matrix, std::size_t target_words, double least) {
  check_target_words(matrix, target_words);
  AlignmentLinks links;
  for (std::size_t row = 0; row < target_words; ++row)
    for (std::size_t column = 0; column + 1 < matrix.source_length; ++column)
      if (matrix.alpha[row * matrix.source_length + column] >= static_cast<float>(least))
        links.insert({row, column});
  return links;
}

std::string format_soft_alignment(const AlignmentMatrix& matrix) {
  check_sizes(matrix);
  std::string text;
  for (std::size_t i = 0; i < matrix.alpha.size(); ++i) {
    char weight[32];
    std::snprintf(weight, sizeof weight, "%.6g", static_cast<double>(matrix.alpha[i]));
    text += i == 0 ? "" : i % matrix.source_length == 0 ? " " : ",";
    text += weight;
  }
  return text;
}

}  // namespace mininmt
