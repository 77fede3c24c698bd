#include <algorithm>

#include "apps/toy/grammar.h"
#include "apps/toy/numbers.h"

namespace mininmt::toy {
namespace {

// "did not sign any treaties", "n'a pas signé de traités"
const Determiner kAny = {"", "any", "", "", "de", true};

}  // namespace

std::string Grammar::agree(const std::string& masculine, const std::string& feminine, const Agreement& with) {
  const std::string& form = with.gender == kF ? feminine : masculine;
  return with.plural() ? french_plural(form) : form;
}

std::string Grammar::participle(const Verb& verb, const Agreement& with) {
  return agree(verb.french_participle, verb.french_participle + "e", with);
}

Grammar::Agreement Grammar::name() {
  const Phrase& name = pick(kNames);
  both(name);
  return {Person::kSingular, name.gender, kPerson};
}

// "the European Economic Area", "la zone économique européenne"
Grammar::Agreement Grammar::institution() {
  const Noun& noun = pick(kBodies);
  const Agreement head{Person::kSingular, noun.gender, noun.kinds};
  const auto in_slot = [](Slot slot) { return [slot](const Adjective& a) { return a.slot == slot; }; };
  const Adjective& origin = pick(kBodyAdjectives, in_slot(Slot::kOrigin));
  const Adjective& field = pick(kBodyAdjectives, in_slot(Slot::kField));
  const bool with_origin = random_.chance(4, 5);
  const bool with_field = !with_origin || random_.chance(3, 4);
  english("the");
  french(noun.gender == kF ? "la" : "le");
  if (with_origin) english(origin.english);
  if (with_field) english(field.english);
  both(noun.english, noun.french);
  if (with_field) french(agree(field.masculine, field.feminine, head));
  if (with_origin) french(agree(origin.masculine, origin.feminine, head));
  return head;
}

// The adjectives of a noun, in English order.
std::vector<const Adjective*> Grammar::adjectives(Kinds kinds) {
  const auto draw = [&](bool before) {
    return &pick(kAdjectives, [&](const Adjective& a) {
      return (a.kinds & kinds) != 0 && (a.slot == Slot::kBefore) == before;
    });
  };
  std::vector<const Adjective*> list;
  if (random_.chance(1, 4)) list.push_back(draw(true));
  if (random_.chance(2, 5)) {
    const Adjective* first = draw(false);
    const Adjective* second = draw(false);
    list.push_back(first);
    // A second one if the order of slots allows it; "wooden" and "stone" stay alone.
    if (first->slot < second->slot && second->slot != Slot::kMaterial) list.push_back(second);
  }
  return list;
}

const Determiner& Grammar::determiner(bool plural, Negation negation) {
  const bool negative = negation != Negation::kNone;
  if (negative && plural && random_.chance(1, 2)) return kAny;
  if (random_.chance(1, 2)) return kDeterminers[0];               // the
  if (!negative && random_.chance(1, 3)) return kDeterminers[1];  // a, some
  return pick(kDeterminers, [&](const Determiner& d) {
    return *(plural ? d.plural : d.singular) != '\0' && (d.definite || !negative);
  });
}

Grammar::Agreement Grammar::noun_phrase(Kinds kinds, Detail detail, Negation negation) {
  if ((kinds & kPerson) != 0 && random_.chance(1, 6)) return name();
  if ((kinds & kGroup) != 0 && random_.chance(1, 5)) return institution();
  const Noun& noun = pick(kNouns, [&](const Noun& n) { return (n.kinds & kinds) != 0; });
  const bool plural = random_.chance(1, 3);
  const Agreement head{plural ? Person::kPlural : Person::kSingular, noun.gender, noun.kinds};
  const std::vector<const Adjective*> modifiers = adjectives(noun.kinds);
  const bool preposed = !modifiers.empty() && modifiers.front()->slot == Slot::kBefore;

  const Determiner& chosen = determiner(plural, negation);
  if (plural && negation == Negation::kNone && random_.chance(1, 4)) {
    const int number = 2 + static_cast<int>(random_.chance(4, 5) ? random_.below(98) : random_.below(998));
    both(english_number(number), french_number(number, noun.gender == kF));
  } else {
    english(plural ? chosen.plural : chosen.singular);
    const char* article = plural              ? chosen.french_plural
                          : noun.gender == kF ? chosen.feminine
                                              : chosen.masculine;
    // "some gardens", "des jardins"; "some old gardens", "de vieux jardins"
    const bool some = std::string_view(article) == "des";
    french(some && preposed ? "de" : article);
  }
  for (const Adjective* a : modifiers) english(a->english);
  const std::string french_noun = plural ? noun.french_plural : noun.french;
  if (preposed) {
    const std::string masculine = modifiers.front()->masculine;
    const bool liaison = !plural && noun.gender == kM && begins_with_vowel_sound(french_noun);
    french(liaison && masculine == "beau"      ? "bel"
           : liaison && masculine == "vieux"   ? "vieil"
           : liaison && masculine == "nouveau" ? "nouvel"
                                               : agree(masculine, modifiers.front()->feminine, head));
  }
  both(plural ? noun.english_plural : noun.english, french_noun);
  for (auto a = modifiers.rbegin(); a != modifiers.rend(); ++a) {
    if ((*a)->slot == Slot::kMaterial) {
      french((*a)->masculine);  // "en bois" does not agree
    } else if ((*a)->slot != Slot::kBefore) {
      french(agree((*a)->masculine, (*a)->feminine, head));
    }
  }
  if (detail == Detail::kPlain || random_.chance(2, 3)) return head;
  if (&chosen == &kDeterminers[0] && random_.chance(1, 2)) {
    complement(head);
  } else {
    relative_clause(head);
  }
  return head;
}

// "the agreement on the reform", "the king of Spain", "the castle of the queen"
void Grammar::complement(const Agreement& head) {
  if ((head.kinds & kLaw) != 0) {
    both("on", "sur");
    noun_phrase(kGroup | kIdea, Detail::kPlain);
  } else if ((head.kinds & (kOffice | kGroup)) != 0) {
    const Phrase& country = pick(kCountries);
    both("of", country.gender == kF ? "de" : "de le");
    both(country);
  } else if ((head.kinds & kPlace) != 0 && random_.chance(1, 2)) {
    both("of", "de");
    both(pick(kCities));
  } else {
    both("of", "de");
    noun_phrase(kPerson, Detail::kPlain);
  }
}

// "who admired the tower" after a person, "that the engineer built" after a possible object of the verb; in
// the past, which fits every tense around it. The noun directly precedes the clause, so the English shows
// what the French participle agrees with: "la lettre que le roi a écrite".
void Grammar::relative_clause(const Agreement& head) {
  const auto takes_head = [&](const Verb& v) { return (v.object & head.kinds) != 0; };
  if ((head.kinds & kPerson) != 0 && random_.chance(1, 2)) {
    both("who", "qui");
    const Verb& verb = pick(kTransitive, [](const Verb& v) { return (v.subject & kPerson) != 0; });
    const Negation negation = verb_group(head, verb, Tense::kPast);
    noun_phrase(verb.object, Detail::kPlain, negation);
  } else if (std::any_of(kTransitive.begin(), kTransitive.end(), takes_head)) {
    both("that", "que");
    const Verb& verb = pick(kTransitive, takes_head);
    const Agreement actor = subject(verb.subject);
    both(verb.past, french_verb(actor, verb, Tense::kPast).finite);
    french(participle(verb, head));
  }
}

Grammar::Agreement Grammar::subject(Kinds kinds, bool third_person_only) {
  if ((kinds & kPerson) == 0 || random_.chance(3, 5)) return noun_phrase(kinds, Detail::kRich);
  if (random_.chance(1, 6)) {
    const Agreement first = noun_phrase(kPerson, Detail::kPlain);
    both("and", "et");
    const Agreement second = noun_phrase(kOffice, Detail::kPlain);  // no name, to avoid "Marie and Marie"
    return {Person::kPlural, first.gender == kF && second.gender == kF ? kF : kM, kPerson};
  }
  switch (random_.below(third_person_only ? 2 : 4)) {
    case 0:
      both("he", "il");
      return {Person::kSingular, kM, kPerson};
    case 1:
      both("she", "elle");
      return {Person::kSingular, kF, kPerson};
    case 2:
      both("I", "je");
      return {Person::kI, kM, kPerson};
    default:
      both("we", "nous");
      return {Person::kWe, kM, kPerson};
  }
}

void Grammar::predicate_adjective(const Agreement& subject, bool quality_only) {
  const Adjective& a = pick(kAdjectives, [&](const Adjective& row) {
    return (row.kinds & subject.kinds) != 0 && row.slot < Slot::kOrigin &&
           (!quality_only || row.slot == Slot::kQuality);
  });
  both(a.english, agree(a.masculine, a.feminine, subject));
}

}  // namespace mininmt::toy
