#include "apps/translate/shortlist.h"

#include <algorithm>
#include <utility>

#include "apps/translate/lexicon.h"
#include "tensor/error.h"

namespace mininmt {

Shortlist::Shortlist(std::size_t size, const std::string& lexicon, LineOptions options, const Vocab& source,
                     const Vocab& target)
    : first_(std::clamp<std::size_t>(size, kUnk + 2, target.size())),
      all_(target.size()),
      of_source_(source.size()) {
  std::vector<std::vector<std::pair<double, Id>>> entries(source.size());
  bool is_known = false;
  read_lexicon(lexicon, options, [&](std::string_view s, std::string_view t, double p) {
    const Id from = source.id(s), to = target.id(t);
    if (from == kUnk || to == kUnk) return;
    is_known = true;
    entries[static_cast<std::size_t>(from)].emplace_back(-p, to);
  });
  if (!is_known)
    throw DataError(join(lexicon, ": no line has units of both of the model's vocabularies: ",
                         "mininmt-beam --score with --write-lexicon makes one for this model"));
  for (std::size_t from = 0; from < entries.size(); ++from) {
    auto& of = entries[from];
    std::sort(of.begin(), of.end());
    of.resize(std::min(of.size(), size));
    for (const auto& entry : of)
      if (static_cast<std::size_t>(entry.second) >= first_) of_source_[from].push_back(entry.second);
  }
}

Indices Shortlist::words(std::span<const std::span<const Id>> sources) const {
  std::vector<bool> chosen(all_, false);
  std::fill_n(chosen.begin(), first_, true);
  for (const std::span<const Id>& source : sources)
    for (const Id from : source)
      for (const Id to : of_source_[static_cast<std::size_t>(from)])
        chosen[static_cast<std::size_t>(to)] = true;
  std::vector<std::int32_t> words;
  for (std::size_t id = 0; id < all_; ++id)
    if (chosen[id]) words.push_back(static_cast<std::int32_t>(id));
  return Indices(std::move(words), true);
}

std::optional<Shortlist> shortlist_of(const BeamOptions& options, const LoadedModel& loaded) {
  if (options.shortlist == 0) return {};
  return Shortlist(static_cast<std::size_t>(options.shortlist), options.shortlist_lexicon,
                   {.replace_invalid_utf8 = options.invalid_utf8 == "replace"}, loaded.source, loaded.target);
}

}  // namespace mininmt
