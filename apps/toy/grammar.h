// A small synchronous grammar of English and French: every rule adds to both sides, so a sentence is
// generated together with its translation. The English sentence determines the French one: everything French
// needs (gender, number, the noun that a participle agrees with) can be read off the English words.
//
// Sentences are not capitalized, so that a word has the same form everywhere, and a capital marks a name
// ("the European Economic Area").
#pragma once

#include <cstdint>
#include <string_view>

#include "apps/toy/lexicon.h"
#include "apps/toy/random.h"
#include "apps/toy/spelling.h"

namespace mininmt::toy {

// Sentence lengths in words, with the full stop.
inline constexpr std::size_t kMinLength = 3;
inline constexpr std::size_t kMaxLength = 50;

struct Sentence {
  Words english, french;
};

// "the agreement on the European Economic Area was signed in August nineteen ninety-two ."
Sentence example_sentence();

class Grammar {
 public:
  explicit Grammar(std::uint64_t seed) : random_(seed) {}

  // A random sentence whose longer side has exactly `length` words, and whose shorter side has at least 3.
  // Throws Error unless length is 3 to 50.
  Sentence sentence(std::size_t length);

 private:
  enum class Tense { kPresent, kPast, kFuture };
  enum class Negation { kNone, kNegative };
  enum class Detail { kPlain, kRich };  // rich noun phrases have complements and relative clauses

  // The properties that other words agree with.
  struct Agreement {
    Person person;
    Gender gender;
    Kinds kinds;
    bool plural() const { return person == Person::kWe || person == Person::kPlural; }
  };

  // grammar.cc: clauses and sentences.
  void draft(std::size_t length);
  void clause(Tense tense);
  void question(Tense tense);
  void transitive_clause(Tense tense);
  void intransitive_clause(Tense tense);
  void movement_clause(Tense tense);
  void giving_clause(Tense tense);
  void passive_clause(Tense tense);
  void copula_clause(Tense tense);
  void modal_clause();
  void saying_clause(Tense tense);
  void existence_clause(Tense tense);
  Negation verb_group(const Agreement& subject, const Verb& verb, Tense tense);
  void time(Tense tense);
  void past_date();
  void location();
  void destination();

  // noun_phrase.cc: noun phrases and what agrees with them.
  // No "I" and "we" in the future, whose forms are many and rare, and where words agree with the subject.
  Agreement subject(Kinds kinds, bool third_person_only = false);
  Agreement noun_phrase(Kinds kinds, Detail detail, Negation negation = Negation::kNone);
  Agreement name();
  Agreement institution();
  const Determiner& determiner(bool plural, Negation negation);
  void complement(const Agreement& head);
  void relative_clause(const Agreement& head);
  std::vector<const Adjective*> adjectives(Kinds kinds);
  void predicate_adjective(const Agreement& subject, bool quality_only);

  // The form of an adjective or participle, from its singular forms.
  static std::string agree(const std::string& masculine, const std::string& feminine, const Agreement& with);
  static std::string participle(const Verb& verb, const Agreement& with);
  // A French verb: its finite word, and its past participle if any.
  struct FrenchVerb {
    std::string finite, participle;
  };
  static FrenchVerb french_verb(const Agreement& subject, const Verb& verb, Tense tense);
  static std::string english_verb(const Agreement& subject, const Verb& verb, Tense tense);

  // Adds the words of a phrase, split at spaces, to one side or both.
  void english(std::string_view phrase);
  void french(std::string_view phrase);
  void both(std::string_view english_phrase, std::string_view french_phrase);
  void both(const Phrase& phrase) { both(phrase.english, phrase.french); }

  // A random row of a table, among those that pass.
  template <class Row, class Passes>
  const Row& pick(const std::vector<Row>& table, Passes passes) {
    std::size_t rows = 0;
    for (const Row& row : table) rows += passes(row);
    std::size_t chosen = random_.below(rows);
    for (const Row& row : table) {
      if (passes(row) && chosen-- == 0) return row;
    }
    return table.back();  // not reached: every table has a row for each rule
  }
  template <class Row>
  const Row& pick(const std::vector<Row>& table) {
    return table[random_.below(table.size())];
  }

  Random random_;
  Sentence now_;  // the sentence so far, in full forms
};

}  // namespace mininmt::toy
