#include "apps/text/tokenize_13a.h"

#include <utility>

namespace mininmt {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }
// Bytes of other characters than ASCII's are none of these, so bytes will do.
bool is_symbol(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// Where a pair of neighbours, left to right and without overlap, is of these kinds: `before`, the first,
// a space, the second, `after`.
template <class First, class Second>
std::string space_pairs(const std::string& text, const First& first, const Second& second,
                        std::string_view before, std::string_view after) {
  std::string spaced;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !first(text[i]) || !second(text[i + 1])) {
      spaced += text[i];
      continue;
    }
    spaced += before;
    spaced += text[i];
    spaced += ' ';
    spaced += text[++i];
    spaced += after;
  }
  return spaced;
}

}  // namespace

std::string tokenize_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  for (const auto& [entity, character] :
       {std::pair{"&quot;", "\""}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}})
    replace_all(text, entity, character);
  std::string spaced = " ";
  for (const char c : text) {
    if (is_symbol(c)) {
      spaced += {' ', c, ' '};
    } else {
      spaced += c;
    }
  }
  spaced += ' ';
  const auto is_no_digit = [](char c) { return !is_digit(c); };
  spaced = space_pairs(spaced, is_no_digit, is_stop, "", " ");
  spaced = space_pairs(spaced, is_stop, is_no_digit, " ", "");
  return space_pairs(
      spaced, is_digit, [](char c) { return c == '-'; }, "", " ");
}

}  // namespace mininmt
