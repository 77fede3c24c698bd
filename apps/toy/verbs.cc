// The verbs of lexicon.h, with the forms that the corpus uses.
#include "apps/toy/lexicon.h"

namespace mininmt::toy {
namespace {

// The third person: "signs", "carries", "watches".
std::string third_person(const std::string& base) {
  const char last = base.back();
  const bool after_vowel = std::string("aeiou").find(base[base.size() - 2]) != std::string::npos;
  if (last == 'y' && !after_vowel) return base.substr(0, base.size() - 1) + "ies";
  const bool hisses = last == 's' || last == 'o' || base.ends_with("sh") || base.ends_with("ch");
  return base + (hisses ? "es" : "s");
}

// English principal parts, and a regular French verb in -er with a single stem.
Verb er(const std::string& base, const std::string& past, const std::string& participle,
        const std::string& stem, Kinds subject, Kinds object = 0) {
  // "nous mangeons", "nous annonçons": the consonant keeps its sound before an o.
  std::string nous = stem + "ons";
  if (stem.ends_with("g")) nous = stem + "eons";
  if (stem.ends_with("c")) nous = stem.substr(0, stem.size() - 1) + "çons";
  return {
      base,        third_person(base), past,        participle, {stem + "e", stem + "e", nous, stem + "ent"},
      stem + "er", stem + "é",         stem + "er", subject,    object};
}

// The same for regular English verbs.
Verb er(const std::string& base, const std::string& past, const std::string& stem, Kinds subject,
        Kinds object = 0) {
  return er(base, past, past, stem, subject, object);
}

constexpr Kinds kVisible = kPerson | kAnimal | kPlace | kLand | kThing;
constexpr Kinds kWalker = kPerson | kAnimal;

}  // namespace

// clang-format off
const std::vector<Verb> kTransitive = {
    er("sign", "signed", "sign", kActor, kLaw),
    er("approve", "approved", "approuv", kActor, kLaw | kIdea),
    er("present", "presented", "présent", kActor, kLaw | kIdea),
    er("finance", "financed", "financ", kGroup, kIdea),
    er("announce", "announced", "annonc", kActor, kIdea),
    er("publish", "published", "publi", kActor, kText),
    er("admire", "admired", "admir", kPerson, kVisible),
    er("watch", "watched", "regard", kWalker, kPerson | kAnimal),
    er("draw", "drew", "drawn", "dessin", kPerson, kVisible),
    er("visit", "visited", "visit", kPerson, kPlace),
    er("find", "found", "trouv", kPerson, kThing | kAnimal),
    er("repair", "repaired", "répar", kPerson, kThing),
    er("invite", "invited", "invit", kActor, kPerson),
    er("help", "helped", "aid", kActor, kPerson | kAnimal),
    er("thank", "thanked", "remerci", kActor, kPerson),
    er("forget", "forgot", "forgotten", "oubli", kPerson, kThing | kText | kIdea),
    er("cross", "crossed", "travers", kWalker, kLand),
    er("restore", "restored", "restaur", kActor, kPlace),
    er("eat", "ate", "eaten", "mang", kWalker, kFood),
    er("explore", "explored", "explor", kWalker, kLand),
    er("steal", "stole", "stolen", "vol", kWalker, kFood),
    er("meet", "met", "rencontr", kPerson, kPerson | kAnimal),
    {"prepare", "prepares", "prepared", "prepared", {"prépare", "prépare", "préparons", "préparent"},
     "préparer", "préparé", "préparer", kPerson, kFood | kText},
    {"reject", "rejects", "rejected", "rejected", {"rejette", "rejette", "rejetons", "rejettent"},
     "rejeter", "rejeté", "rejetter", kActor, kLaw | kIdea},
    {"protect", "protects", "protected", "protected", {"protège", "protège", "protégeons", "protègent"},
     "protéger", "protégé", "protéger", kActor, kAnimal | kLand | kPlace},
    {"buy", "buys", "bought", "bought", {"achète", "achète", "achetons", "achètent"},
     "acheter", "acheté", "achèter", kActor, kThing | kFood | kPlace},
    {"choose", "chooses", "chose", "chosen", {"choisis", "choisit", "choisissons", "choisissent"},
     "choisir", "choisi", "choisir", kActor, kThing | kFood | kText},
    {"write", "writes", "wrote", "written", {"écris", "écrit", "écrivons", "écrivent"},
     "écrire", "écrit", "écrir", kPerson, kText},
    {"describe", "describes", "described", "described", {"décris", "décrit", "décrivons", "décrivent"},
     "décrire", "décrit", "décrir", kPerson, kVisible | kIdea},
    {"translate", "translates", "translated", "translated",
     {"traduis", "traduit", "traduisons", "traduisent"}, "traduire", "traduit", "traduir", kPerson, kText},
    {"build", "builds", "built", "built", {"construis", "construit", "construisons", "construisent"},
     "construire", "construit", "construir", kActor, kPlace},
    {"paint", "paints", "painted", "painted", {"peins", "peint", "peignons", "peignent"},
     "peindre", "peint", "peindr", kPerson, kVisible},
    {"defend", "defends", "defended", "defended", {"défends", "défend", "défendons", "défendent"},
     "défendre", "défendu", "défendr", kActor, kLaw | kIdea | kPerson},
    {"lose", "loses", "lost", "lost", {"perds", "perd", "perdons", "perdent"},
     "perdre", "perdu", "perdr", kPerson, kThing},
    {"see", "sees", "saw", "seen", {"vois", "voit", "voyons", "voient"},
     "voir", "vu", "verr", kWalker, kVisible},
    {"discover", "discovers", "discovered", "discovered",
     {"découvre", "découvre", "découvrons", "découvrent"}, "découvrir", "découvert", "découvrir", kPerson, kVisible},
    {"follow", "follows", "followed", "followed", {"suis", "suit", "suivons", "suivent"},
     "suivre", "suivi", "suivr", kWalker, kPerson | kAnimal},
};

const std::vector<Verb> kIntransitive = {
    er("work", "worked", "travaill", kActor),
    er("sing", "sang", "sung", "chant", kPerson),
    er("dance", "danced", "dans", kPerson),
    er("hesitate", "hesitated", "hésit", kActor),
    er("travel", "travelled", "voyag", kPerson),
    er("listen", "listened", "écout", kWalker),
    er("dream", "dreamed", "rêv", kWalker),
    er("play", "played", "jou", kWalker),
    {"sleep", "sleeps", "slept", "slept", {"dors", "dort", "dormons", "dorment"},
     "dormir", "dormi", "dormir", kWalker, 0},
    {"laugh", "laughs", "laughed", "laughed", {"ris", "rit", "rions", "rient"},
     "rire", "ri", "rir", kPerson, 0},
    {"smile", "smiles", "smiled", "smiled", {"souris", "sourit", "sourions", "sourient"},
     "sourire", "souri", "sourir", kPerson, 0},
    {"wait", "waits", "waited", "waited", {"attends", "attend", "attendons", "attendent"},
     "attendre", "attendu", "attendr", kWalker, 0},
    {"run", "runs", "ran", "run", {"cours", "court", "courons", "courent"},
     "courir", "couru", "courr", kWalker, 0},
};

const std::vector<Verb> kMovement = {
    er("arrive", "arrived", "arriv", kWalker),
    er("return", "returned", "retourn", kWalker),
    {"go", "goes", "went", "gone", {"vais", "va", "allons", "vont"}, "aller", "allé", "ir", kWalker, 0},
    {"come", "comes", "came", "come", {"viens", "vient", "venons", "viennent"},
     "venir", "venu", "viendr", kWalker, 0},
};

const std::vector<Verb> kGiving = {
    er("give", "gave", "given", "donn", kActor, kThing | kFood | kText),
    er("show", "showed", "shown", "montr", kActor, kThing | kText),
    er("lend", "lent", "prêt", kActor, kThing),
    {"send", "sends", "sent", "sent", {"envoie", "envoie", "envoyons", "envoient"},
     "envoyer", "envoyé", "enverr", kActor, kText | kThing},
    {"offer", "offers", "offered", "offered", {"offre", "offre", "offrons", "offrent"},
     "offrir", "offert", "offrir", kActor, kThing | kFood},
    {"sell", "sells", "sold", "sold", {"vends", "vend", "vendons", "vendent"},
     "vendre", "vendu", "vendr", kActor, kThing | kFood},
};

const std::vector<Verb> kSaying = {
    er("think", "thought", "pens", kPerson),
    {"say", "says", "said", "said", {"dis", "dit", "disons", "disent"}, "dire", "dit", "dir", kActor, 0},
    {"know", "knows", "knew", "known", {"sais", "sait", "savons", "savent"},
     "savoir", "su", "saur", kPerson, 0},
    {"believe", "believes", "believed", "believed", {"crois", "croit", "croyons", "croient"},
     "croire", "cru", "croir", kPerson, 0},
    {"hope", "hopes", "hoped", "hoped", {"espère", "espère", "espérons", "espèrent"},
     "espérer", "espéré", "espérer", kPerson, 0},
};
// clang-format on

}  // namespace mininmt::toy
