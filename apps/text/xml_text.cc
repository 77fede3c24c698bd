#include "apps/text/xml_text.h"

#include "apps/text/utf8.h"

namespace mininmt {

std::string xml_text(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Utf8Character character = first_utf8_character(text);
    const bool is_noncharacter = (character.code & 0xFFFE) == 0xFFFE;
    if (character.code == '&')
      result += "&amp;";
    else if (character.code == '<')
      result += "&lt;";
    else if (character.code == '>')
      result += "&gt;";
    else if (character.code == '"')
      result += "&quot;";
    else if (character.code == '\'')
      result += "&#39;";
    else if (!character.valid || is_control(character.code) || is_noncharacter)
      result += encode_utf8(kReplacementCharacter);
    else
      result += text.substr(0, character.bytes);
    text.remove_prefix(character.bytes);
  }
  return result;
}

}  // namespace mininmt
