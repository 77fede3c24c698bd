#include "apps/text/unknown_words.h"

#include <algorithm>
#include <cstdio>

#include "tensor/error.h"

namespace mininmt {

void UnknownWords::add(const Vocab& vocab, std::string_view line) {
  const std::vector<Id> ids = vocab.encode(line);
  units = vocab.units().plural();
  words += ids.size() - 1;
  unknown += static_cast<std::size_t>(std::count(ids.begin(), ids.end(), kUnk));
}

std::string UnknownWords::percent() const {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%",
                words == 0 ? 0.0 : 100.0 * static_cast<double>(unknown) / static_cast<double>(words));
  return text;
}

std::string UnknownWords::warning(const std::string& file, const std::string& side) const {
  return join(file, ": ", percent(), " of its ", units, " are not in the ", side,
              " vocabulary; are files or vocabularies swapped, or is it tokenized in another way?");
}

}  // namespace mininmt
