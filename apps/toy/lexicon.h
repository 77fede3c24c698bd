// The words of the toy corpus: tables with a row per word, English and French side by side.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace mininmt::toy {

enum class Gender { kMasculine, kFeminine };
inline constexpr Gender kM = Gender::kMasculine;
inline constexpr Gender kF = Gender::kFeminine;

// What a noun names, as a bit set: verbs and adjectives say which kinds they combine with, so that bakers
// bake cakes, and parliaments don't.
using Kinds = unsigned;
inline constexpr Kinds kPerson = 1, kGroup = 2, kAnimal = 4, kText = 8, kPlace = 16, kThing = 32, kFood = 64,
                       kIdea = 128;
inline constexpr Kinds kShelter = 256;  // a thing an animal can sleep under
inline constexpr Kinds kLand = 512;     // a natural place
inline constexpr Kinds kLaw = 1024;     // a text that is signed or voted
inline constexpr Kinds kOffice = 2048;  // a person who holds an office of a country
inline constexpr Kinds kActor = kPerson | kGroup;

// A word or phrase with one form. A name is the same in both languages, so only its gender matters.
struct Phrase {
  const char *english, *french;
  Gender gender = kM;
};

struct Noun {
  const char *english, *english_plural, *french, *french_plural;
  Gender gender;
  Kinds kinds;
};

// The position of an adjective. English puts them in this order before the noun; French puts the first class
// before the noun, and the others after it in reverse order: "the famous red Italian car", "la voiture
// italienne rouge célèbre".
enum class Slot { kBefore, kQuality, kColour, kOrigin, kField, kMaterial };

struct Adjective {
  const char *english, *masculine, *feminine;
  Slot slot;
  Kinds kinds;
};

// The grammatical persons used. Their numbers index the forms of a verb.
enum class Person { kI, kSingular, kWe, kPlural };

struct Verb {
  std::string base, third, past, participle;  // sign, signs, signed, signed
  std::array<std::string, 4> present;         // signe, signe, signons, signent
  std::string infinitive, french_participle;  // signer, signé
  std::string future;                         // signer-, to which -ai, -a, -ons, -ont are added
  Kinds subject = 0, object = 0;              // allowed subjects and objects
};

// A determiner; an empty form does not exist. `definite` ones can appear in a negated clause.
struct Determiner {
  const char *singular, *plural, *masculine, *feminine, *french_plural;
  bool definite;
};

// A modal verb before an infinitive: "wants to", "want to", "veux", "veut", "voulons", "veulent".
struct Modal {
  const char *third, *base;
  std::array<const char*, 4> french;
  bool negative;
};

extern const std::vector<Noun> kNouns;
extern const std::vector<Noun> kBodies;  // Area, Bank, ...: the nouns of institutions with a capital
extern const std::vector<Adjective> kBodyAdjectives;  // European, Economic, ...
extern const std::vector<Adjective> kAdjectives;
extern const std::vector<Determiner> kDeterminers;
extern const std::vector<Phrase> kNames, kCities, kCountries;
extern const std::vector<Phrase> kMonths, kWeekdays;
// The verbs of kMovement form the past with "être", the others with "avoir"; they are in verbs.cc.
extern const std::vector<Verb> kTransitive, kIntransitive, kMovement, kGiving, kSaying;
extern const std::vector<Modal> kModals;
extern const std::vector<Phrase> kWeather;  // three rows each: present, past, future
extern const std::vector<Phrase> kPastTimes, kFutureTimes, kPresentTimes;
extern const std::vector<Phrase> kAdverbs;       // "often signs", "signe souvent"
extern const std::vector<Phrase> kConjunctions;  // the last two only in the present

}  // namespace mininmt::toy
