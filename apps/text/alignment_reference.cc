#include "apps/text/alignment_reference.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include "tensor/error.h"

namespace mininmt {
namespace {

// Reads a number at the start of `text` and removes it.
bool take_number(std::string_view& text, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > std::numeric_limits<std::uint32_t>::max()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool read_number(std::string_view text, std::size_t& number) {
  return take_number(text, number) && text.empty();
}

// "2-3", "2p3", "2?3"
bool read_link_word(std::string_view text, AlignmentLink& link, bool& sure) {
  if (!take_number(text, link.source) || text.empty()) return false;
  sure = text[0] == '-';
  return (sure || text[0] == 'p' || text[0] == '?') && read_number(text.substr(1), link.target);
}

}  // namespace

AlignmentReference::AlignmentReference(const std::string& path, LineOptions options) {
  LineReader reader(path, options);
  name_ = reader.name();
  bool is_known = false, any_sure = false;
  for (std::string line; reader.next(line);) {
    line_ = reader.line_number();
    const auto words = split_words(line);
    if (words.empty()) continue;
    std::size_t number;
    if (!is_known) by_pair_ = !read_number(words[0], number);
    is_known = true;
    by_pair_ ? read_pair(words) : read_link(words);
  }
  for (const auto& [pair, entries] : pairs_)
    any_sure |= std::any_of(entries.begin(), entries.end(), [](const Entry& entry) { return entry.sure; });
  if (!any_sure) throw DataError(name_ + ": no link is sure, so there is no recall: is it a word alignment?");
}

// "0-0 1p2"
void AlignmentReference::read_pair(const std::vector<std::string_view>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    Entry entry{{}, true, line_};
    if (!read_link_word(words[i], entry.link, entry.sure))
      throw DataError(join(place(), ": word ", i + 1,
                           " is no link: 2-3 is a sure one, of source word 2 and target ",
                           "word 3, counted from 0, and 2p3 or 2?3 a possible one"));
    pairs_[line_ - 1].push_back(entry);
  }
}

// "1 2 3 S"
void AlignmentReference::read_link(const std::vector<std::string_view>& words) {
  std::size_t pair, source, target;
  const bool has_kind = words.size() == 4 && (words[3] == "S" || words[3] == "P");
  if ((words.size() != 3 && !has_kind) || !read_number(words[0], pair) || !read_number(words[1], source) ||
      !read_number(words[2], target))
    throw DataError(
        join(place(), ": no link: \"1 2 3 S\" is the sure one of pair 1, source word 2 and target word 3, ",
             "counted from 1, and with P it is possible"));
  if (pair == 0 || source == 0 || target == 0)
    throw DataError(
        join(place(), ": pairs and words are counted from 1: leave out links to word 0, which is none"));
  pairs_[pair - 1].push_back({{target - 1, source - 1}, !has_kind || words[3] == "S", line_});
}

ReferenceLinks AlignmentReference::at(std::size_t pair, std::size_t source_words,
                                      std::size_t target_words) const {
  if (by_pair_ && pair >= line_)
    throw DataError(
        join(name_, " ends after line ", line_, ", but there are more pairs: it needs a line for each"));
  ReferenceLinks links;
  const auto found = pairs_.find(pair);
  if (found == pairs_.end()) return links;
  for (const auto& [link, sure, line] : found->second) {
    const std::size_t first = by_pair_ ? 0 : 1;
    if (link.source >= source_words || link.target >= target_words)
      throw DataError(join(name_, ":", line, ": source word ", link.source + first, ", target word ",
                           link.target + first, " (counted from ", first, "): pair ", pair + 1, " has ",
                           source_words, " source and ", target_words,
                           " target words; are the sides exchanged?"));
    links.possible.insert(link);
    if (sure) links.sure.insert(link);
  }
  return links;
}

void AlignmentReference::check_end(std::size_t pairs) const {
  if (by_pair_ && line_ > pairs)
    throw DataError(
        join(name_, " has ", line_, " lines, but there are ", pairs, " pairs: it needs a line for each"));
  if (const auto more = pairs_.lower_bound(pairs); more != pairs_.end())
    throw DataError(
        join(name_, ":", more->second[0].line, ": pair ", more->first + 1, ", but there are ", pairs));
}

std::string AlignmentReference::place() const { return join(name_, ":", line_); }

}  // namespace mininmt
