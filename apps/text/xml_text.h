// Text from outside in SVG and HTML.
#pragma once

#include <string>
#include <string_view>

namespace mininmt {

// `text` for XML and HTML, in elements and attributes: &, <, > and quotes as entities; what XML cannot hold,
// or what changes the direction of the text around it, as U+FFFD.
std::string xml_text(std::string_view text);

}  // namespace mininmt
