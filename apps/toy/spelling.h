// Spelling that depends on the next word, and plurals; the rules of the grammar need not handle these.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mininmt::toy {

using Words = std::vector<std::string>;

// True if a French word begins with a vowel sound, so that the word before it elides: "arbre", "homme" (mute
// h), not "hibou" (aspirated h), not "onze".
bool begins_with_vowel_sound(std::string_view french);

// The plural of a French adjective, participle or noun that follows the rules: "beau" to "beaux", "national"
// to "nationaux", "gris" to "gris".
std::string french_plural(const std::string& singular);

// A sentence from full forms to written ones: "de le pont" to "du pont", "à les enfants" to "aux enfants",
// "le homme" to "l' homme", "ce arbre" to "cet arbre", "sa idée" to "son idée", "de des ponts" to "de ponts".
Words written_french(const Words& words);

// A sentence in its written form: "a" before a vowel sound becomes "an".
Words written_english(const Words& words);

}  // namespace mininmt::toy
