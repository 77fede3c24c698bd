// A check of XML: SVG, and HTML that closes all of its elements.
#pragma once

#include <string>
#include <vector>

namespace mininmt {

// Whether all elements close in order, attributes are in quotes, and & begins a known entity.
inline bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < xml.size();) {
    if (xml[i] == '&') {
      bool known = false;
      for (const char* entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"})
        known = known || xml.compare(i, std::string(entity).size(), entity) == 0;
      if (!known) return false;
    }
    if (xml[i++] != '<') continue;
    const std::size_t end = xml.find('>', i);
    if (end == std::string::npos) return false;
    const std::string tag = xml.substr(i, end - i), name = tag.substr(0, tag.find(' '));
    if (tag.find('<') != std::string::npos) return false;
    for (std::size_t at = tag.find('='); at != std::string::npos; at = tag.find('=', at)) {
      if (tag[at + 1] != '"') return false;
      at = tag.find('"', at + 2);
      if (at == std::string::npos) return false;
    }
    i = end + 1;
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
  }
  return open.empty();
}

}  // namespace mininmt
