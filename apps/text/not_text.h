// Recognizes what is no UTF-8 text by its first bytes: other encodings, and the common compressed formats.
#pragma once

#include <string>
#include <string_view>

namespace mininmt {

// As many first bytes as a format is recognized by.
inline constexpr std::size_t kHeadBytes = 4096;

// What begins with these bytes, and the command that makes text of it, as a message after the file's name:
// " is compressed by xz: unpack it first: xz -dc FILE". Empty if it may be text. `file` stands in the
// command.
std::string not_text(std::string_view head, const std::string& file);

}  // namespace mininmt
