#include "apps/toy/grammar.h"

#include <algorithm>

#include "apps/toy/numbers.h"
#include "tensor/error.h"

namespace mininmt::toy {
namespace {

constexpr std::array<const char*, 4> kHave = {"ai", "a", "avons", "ont"};
constexpr std::array<const char*, 4> kBe = {"suis", "est", "sommes", "sont"};
constexpr std::array<const char*, 4> kFutureEndings = {"ai", "a", "ons", "ont"};

std::size_t index(Person person) { return static_cast<std::size_t>(person); }

void add_words(Words& words, std::string_view phrase) {
  while (!phrase.empty()) {
    const std::size_t space = std::min(phrase.find(' '), phrase.size());
    words.emplace_back(phrase.substr(0, space));
    phrase.remove_prefix(std::min(space + 1, phrase.size()));
  }
}

}  // namespace

void Grammar::english(std::string_view phrase) { add_words(now_.english, phrase); }

void Grammar::french(std::string_view phrase) { add_words(now_.french, phrase); }

void Grammar::both(std::string_view english_phrase, std::string_view french_phrase) {
  english(english_phrase);
  french(french_phrase);
}

Sentence example_sentence() {
  Sentence example;
  add_words(example.english,
            "the agreement on the European Economic Area was signed in August nineteen ninety-two .");
  add_words(
      example.french,
      "l' accord sur la zone économique européenne a été signé en août mille neuf cent quatre-vingt-douze .");
  return example;
}

Sentence Grammar::sentence(std::size_t length) {
  if (length < kMinLength || length > kMaxLength) {
    throw Error(join("sentence of ", length, " words: the grammar makes ", kMinLength, " to ", kMaxLength));
  }
  while (true) {
    draft(length);
    const Sentence made{written_english(now_.english), written_french(now_.french)};
    const auto [shorter, longer] = std::minmax({made.english.size(), made.french.size()});
    if (longer == length && shorter >= kMinLength) return made;
  }
}

// One attempt at a sentence of about that length: clauses in one tense, joined while another may fit.
void Grammar::draft(std::size_t length) {
  now_ = {};
  const Tense tense = std::array{Tense::kPresent, Tense::kPast, Tense::kFuture}[random_.below(3)];
  if (length < 20 && random_.chance(1, 12)) return question(tense);
  if (random_.chance(1, 10)) {
    time(tense);
    both(",", ",");
  }
  clause(tense);
  const std::size_t rows = kConjunctions.size() - (tense == Tense::kPresent ? 0 : 2);
  std::size_t row = random_.below(rows);
  while (std::max(now_.english.size(), now_.french.size()) + 7 < length) {
    both(kConjunctions[row]);
    clause(tense);
    row = (row + 1 + random_.below(rows - 1)) % rows;  // never the same one twice in a row
  }
  both(".", ".");
}

void Grammar::clause(Tense tense) {
  if (tense == Tense::kPresent && random_.chance(1, 6)) return modal_clause();
  const std::size_t rule = random_.below(23);
  if (rule < 6) return transitive_clause(tense);
  if (rule < 10) return intransitive_clause(tense);
  if (rule < 12) return movement_clause(tense);
  if (rule < 14) return giving_clause(tense);
  if (rule < 17) return passive_clause(tense);
  if (rule < 20) return copula_clause(tense);
  if (rule < 21) return saying_clause(tense);
  if (rule < 22) return existence_clause(tense);
  both(kWeather[3 * random_.below(kWeather.size() / 3) + static_cast<std::size_t>(tense)]);
}

void Grammar::transitive_clause(Tense tense) {
  const Verb& verb = pick(kTransitive);
  const Agreement actor = subject(verb.subject, tense == Tense::kFuture);
  const Negation negation = verb_group(actor, verb, tense);
  noun_phrase(verb.object, Detail::kRich, negation);
  if (random_.chance(1, 4)) time(tense);
}

void Grammar::intransitive_clause(Tense tense) {
  const Verb& verb = pick(kIntransitive);
  const Agreement actor = subject(verb.subject, tense == Tense::kFuture);
  verb_group(actor, verb, tense);
  if ((actor.kinds & kAnimal) != 0 && random_.chance(1, 2)) {
    both("under", "sous");
    noun_phrase(kShelter, Detail::kPlain);
  } else if (random_.chance(1, 2)) {
    location();
  }
  if (random_.chance(1, 4)) time(tense);
}

// French forms this past with "être", and the participle agrees with the speaker's gender, which "I" and "we"
// don't show: so neither is used here.
void Grammar::movement_clause(Tense tense) {
  const Verb& verb = pick(kMovement);
  const Agreement actor = subject(verb.subject, true);
  english(english_verb(actor, verb, tense));
  if (tense == Tense::kPast) {
    french(kBe[index(actor.person)]);
    french(participle(verb, actor));
  } else {
    french(french_verb(actor, verb, tense).finite);
  }
  if (verb.base == "arrive") {
    location();
  } else {
    destination();
  }
  if (random_.chance(1, 4)) time(tense);
}

void Grammar::giving_clause(Tense tense) {
  const Verb& verb = pick(kGiving);
  const Agreement actor = subject(verb.subject, tense == Tense::kFuture);
  const Negation negation = verb_group(actor, verb, tense);
  noun_phrase(verb.object, Detail::kPlain, negation);
  both("to", "à");
  noun_phrase(kActor, Detail::kPlain);
}

// "the treaty was signed by the minister", "le traité a été signé par le ministre"
void Grammar::passive_clause(Tense tense) {
  const Verb& verb = pick(kTransitive);
  const Agreement thing = noun_phrase(verb.object, Detail::kRich);
  const bool plural = thing.plural();
  if (tense == Tense::kPresent) both(plural ? "are" : "is", plural ? "sont" : "est");
  if (tense == Tense::kPast) both(plural ? "were" : "was", plural ? "ont été" : "a été");
  if (tense == Tense::kFuture) both("will be", plural ? "seront" : "sera");
  both(verb.participle, participle(verb, thing));
  const bool by = random_.chance(1, 2);
  if (by) {
    both("by", "par");
    noun_phrase(verb.subject, Detail::kRich);
  }
  if (!by || random_.chance(1, 6)) time(tense);
}

// "the garden is beautiful", "the poets were not as famous as the actress"
void Grammar::copula_clause(Tense tense) {
  constexpr std::array<Kinds, 9> kinds = {kPerson, kPerson, kGroup, kAnimal, kPlace,
                                          kText,   kThing,  kIdea,  kLand};
  const Kinds kind = kinds[random_.below(kinds.size())];
  const Agreement thing = subject(kind, true);
  const bool plural = thing.plural();
  const bool negative = random_.chance(1, 6);
  if (negative) french("ne");
  if (tense == Tense::kPresent) both(plural ? "are" : "is", plural ? "sont" : "est");
  if (tense == Tense::kPast) both(plural ? "were" : "was", plural ? "étaient" : "était");
  if (tense == Tense::kFuture) both(negative ? "will not be" : "will be", plural ? "seront" : "sera");
  if (negative) both(tense == Tense::kFuture ? "" : "not", "pas");
  if (random_.chance(1, 5)) {
    both("as", "aussi");
    predicate_adjective(thing, true);
    both("as", "que");
    noun_phrase(kind, Detail::kPlain);
  } else {
    if (!negative && random_.chance(1, 4)) both("very", "très");
    predicate_adjective(thing, false);
  }
}

void Grammar::modal_clause() {
  const Modal& modal = pick(kModals);
  const bool transitive = random_.chance(2, 3);
  const Verb& verb = transitive ? pick(kTransitive) : pick(kIntransitive);
  const Agreement actor = subject(verb.subject);
  english(actor.person == Person::kSingular ? modal.third : modal.base);
  if (modal.negative) french("ne");
  french(modal.french[index(actor.person)]);
  if (modal.negative) french("pas");
  both(verb.base, verb.infinitive);
  if (transitive)
    noun_phrase(verb.object, Detail::kRich, modal.negative ? Negation::kNegative : Negation::kNone);
  if (random_.chance(1, 4)) time(Tense::kPresent);
}

void Grammar::saying_clause(Tense tense) {
  const Verb& verb = pick(kSaying);
  const Agreement actor = subject(verb.subject, tense == Tense::kFuture);
  both(english_verb(actor, verb, tense), french_verb(actor, verb, tense).finite);
  if (tense == Tense::kPast) french(verb.french_participle);
  both("that", "que");
  clause(tense);
}

// "there are ninety-seven owls in the forest", "il y a quatre-vingt-dix-sept hiboux dans la forêt"
void Grammar::existence_clause(Tense tense) {
  const std::array<const char*, 3> there_is = {"there are", "there were", "there will be"};
  const std::array<const char*, 3> il_y_a = {"il y a", "il y avait", "il y aura"};
  both(there_is[static_cast<std::size_t>(tense)], il_y_a[static_cast<std::size_t>(tense)]);
  const Noun& noun =
      pick(kNouns, [](const Noun& n) { return (n.kinds & (kPerson | kAnimal | kPlace | kThing)) != 0; });
  const int number = 2 + static_cast<int>(random_.chance(4, 5) ? random_.below(98) : random_.below(9998));
  both(english_number(number), french_number(number, noun.gender == kF));
  both(noun.english_plural, noun.french_plural);
  location();
}

std::string Grammar::english_verb(const Agreement& subject, const Verb& verb, Tense tense) {
  if (tense == Tense::kPast) return verb.past;
  if (tense == Tense::kFuture) return "will " + verb.base;
  return subject.person == Person::kSingular ? verb.third : verb.base;
}

Grammar::FrenchVerb Grammar::french_verb(const Agreement& subject, const Verb& verb, Tense tense) {
  const std::size_t person = index(subject.person);
  if (tense == Tense::kPast) return {kHave[person], verb.french_participle};
  if (tense == Tense::kFuture) return {verb.future + kFutureEndings[person], ""};
  return {verb.present[person], ""};
}

// A verb with its adverb or negation. English puts the adverb before the verb and "not" after "do"; French
// puts both after the finite word: "often signed", "a souvent signé"; "does not sign", "ne signe pas".
Grammar::Negation Grammar::verb_group(const Agreement& subject, const Verb& verb, Tense tense) {
  const FrenchVerb words = french_verb(subject, verb, tense);
  const std::size_t rule = random_.below(12);
  const bool negative = rule < 2;
  if (negative) french("ne");
  french(words.finite);
  if (rule == 0) {  // not
    const bool third = subject.person == Person::kSingular;
    english(tense == Tense::kPast ? "did" : tense == Tense::kFuture ? "will" : third ? "does" : "do");
    both("not", "pas");
    english(verb.base);
  } else {
    if (tense == Tense::kFuture) english("will");
    if (rule == 1) both("never", "jamais");
    if (rule == 2) both(pick(kAdverbs));
    english(tense == Tense::kFuture ? verb.base : english_verb(subject, verb, tense));
  }
  french(words.participle);
  return negative ? Negation::kNegative : Negation::kNone;
}

// "why did the queen sell the castle ?", "pourquoi est-ce que la reine a vendu le château ?"
void Grammar::question(Tense tense) {
  const std::array<Phrase, 4> words = {{{"", ""}, {"why", "pourquoi"}, {"when", "quand"}, {"where", "où"}}};
  both(words[random_.below(words.size())]);
  const std::size_t auxiliary = now_.english.size();
  french("est-ce que");
  const Verb& verb = pick(kTransitive);
  const Agreement actor = subject(verb.subject, tense == Tense::kFuture);
  const bool third = actor.person == Person::kSingular;
  const char* word = tense == Tense::kPast ? "did" : tense == Tense::kFuture ? "will" : third ? "does" : "do";
  now_.english.insert(now_.english.begin() + static_cast<std::ptrdiff_t>(auxiliary), word);
  const FrenchVerb verb_words = french_verb(actor, verb, tense);
  both(verb.base, verb_words.finite);
  french(verb_words.participle);
  noun_phrase(verb.object, Detail::kRich);
  both("?", "?");
}

void Grammar::time(Tense tense) {
  if (tense == Tense::kPast && random_.chance(3, 4)) return past_date();
  if (tense == Tense::kPresent && random_.chance(1, 2)) {
    const int hour = 2 + static_cast<int>(random_.below(10));
    const bool morning = random_.chance(1, 2);
    both("at " + english_number(hour), "à " + french_number(hour) + " heures");
    return both(morning ? "in the morning" : "in the evening", morning ? "du matin" : "du soir");
  }
  if (tense == Tense::kFuture && random_.chance(1, 2)) {
    const Phrase& weekday = pick(kWeekdays);
    const int day = 1 + static_cast<int>(random_.below(28));
    both(join("on ", weekday.english, " the ", english_day(day), " of"),
         join("le ", weekday.french, " ", french_day(day)));
    return both(pick(kMonths));
  }
  both(pick(tense == Tense::kPast ? kPastTimes : tense == Tense::kFuture ? kFutureTimes : kPresentTimes));
}

// "in August nineteen ninety-two", "on the fourteenth of July seventeen eighty-nine", "in nineteen oh five"
void Grammar::past_date() {
  const int year = 1750 + static_cast<int>(random_.below(275));
  const int day = 1 + static_cast<int>(random_.below(28));
  const Phrase& month = pick(kMonths);
  switch (random_.below(3)) {
    case 0:
      both("in", "en");
      break;
    case 1:
      both("in", "en");
      both(month);
      break;
    default:
      both("on the " + english_day(day) + " of", "le " + french_day(day));
      both(month);
  }
  both(english_year(year), french_year(year));
}

void Grammar::location() {
  switch (random_.below(6)) {
    case 0:
      both("in", "à");
      return both(pick(kCities));
    case 1: {
      const Phrase& country = pick(kCountries);
      both("in", country.gender == kF ? "en" : "au");
      return both(country);
    }
    case 2:
      both("near", "près de");
      noun_phrase(kPlace | kLand, Detail::kRich);
      return;
    case 3:
      both("behind", "derrière");
      noun_phrase(kPlace, Detail::kRich);
      return;
    default:
      both("in", "dans");
      noun_phrase(kPlace | kLand, Detail::kRich);
  }
}

// A destination: "to Paris", "to the markets", "à Paris", "aux marchés".
void Grammar::destination() {
  both("to", "à");
  if (random_.chance(1, 3)) return both(pick(kCities));
  noun_phrase(kPlace, Detail::kRich);
}

}  // namespace mininmt::toy
