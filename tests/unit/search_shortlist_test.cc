// Search among few words, and which ones those are.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apps/translate/shortlist.h"
#include "nn/beam_search.h"
#include "nn/ensemble.h"
#include "tensor/error.h"
#include "tests/models/random_model.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

Indices all_words(int words) {
  std::vector<std::int32_t> all;
  for (int word = 0; word < words; ++word) all.push_back(word);
  return all;
}

std::vector<std::vector<Id>> found(const Model& model, const Indices& words,
                                   const SearchOptions& options = {}) {
  const Sentences sources = random_sentences({4, 7, 2, 5}, 9);
  std::vector<std::vector<Id>> translations;
  for (const auto& hypotheses : beam_search(model, spans(sources), options, {}, words))
    translations.push_back(hypotheses[0].words);
  return translations;
}

TEST_CASE("a shortlist of all words changes nothing; of fewer, it leaves out the others alone") {
  for (const Config& config : {small_config(), lstm_config(), transformer_config()}) {
    CAPTURE(config.type);
    const auto model = random_model(config);
    const auto of_all = found(*model, {});
    CHECK(found(*model, all_words(11)) == of_all);
    std::set<std::int32_t> used = {kEos, kUnk, 2};
    for (const auto& words : of_all) used.insert(words.begin(), words.end());
    SearchOptions greedy;
    greedy.beam_size = 1;
    const auto of_greedy = found(*model, {}, greedy);
    for (const auto& words : of_greedy) used.insert(words.begin(), words.end());
    const Indices few(std::vector<std::int32_t>(used.begin(), used.end()));
    CHECK(found(*model, few, greedy) == of_greedy);  // its best words are all there
    for (const auto& words : found(*model, {kEos, kUnk, 4, 9}))
      for (const Id word : words) CHECK((word == 4 || word == 9));
  }
}

TEST_CASE("log p is that among the words of the shortlist") {
  const auto model = random_model(small_config());
  const Sentences sources = random_sentences({4}, 9);
  SearchOptions options;
  options.max_length_factor = 0.2;  // one word
  options.allow_unk = true;
  options.beam_size = options.n_best = 4;
  const auto found = beam_search(*model, spans(sources), options, {}, {kEos, kUnk, 5, 7});
  REQUIRE(found[0].size() == 4);  // each of the words
  double sum = 0;
  for (const Hypothesis& h : found[0]) sum += std::exp(h.log_p);
  CHECK(sum == doctest::Approx(1));
}

TEST_CASE(
    "an ensemble has shortlists; what mixes predictions, rules on words, and other beginnings have not") {
  const std::shared_ptr<const Model> one = random_model(small_config()),
                                     other = random_model(small_config(), 2);
  const Ensemble both({one, other}, {});
  CHECK(found(both, all_words(11)) == found(both, {}));
  const auto hard = random_model(small_config("authors", "hard"));
  CHECK_THROWS_WITH_AS(found(*hard, {kEos, kUnk, 4}), doctest::Contains("a shortlist of words needs"),
                       UsageError);
  CHECK_THROWS_AS(found(*one, {kUnk, kEos, 4}), Error);
  SearchOptions no_repeat;
  no_repeat.no_repeat = 2;
  CHECK_THROWS_AS(found(*one, {kEos, kUnk, 4}, no_repeat), Error);
}

TEST_CASE(
    "a shortlist has the first words of the vocabulary and the best of a lexicon for each source word") {
  Vocab source, target;
  for (const char* word : {"the", "red", "cat"}) source.add(word);
  for (const char* word : {"le", "la", "un", "rouge", "rousse", "chat", "chatte"}) target.add(word);
  const TemporaryFolder folder;
  const std::string lexicon = folder.write("lexicon",
                                           "the la 0.4\nthe le 0.5\nred rousse 0.3\nred rouge 0.6\nred "
                                           "nowhere 0.9\ncat chatte 0.2\ncat chat 0.7\n");
  const Shortlist shortlist(3, lexicon, {}, source, target);  // </s> <unk> le
  const std::vector<Id> the_cat = source.encode("the cat"), red = source.encode("red nowhere");
  const auto words = [&](const std::vector<std::span<const Id>>& sources) {
    std::vector<std::string> names;
    for (const std::int32_t id : shortlist.words(sources)) names.emplace_back(target.word(id));
    return names;
  };
  CHECK(words({the_cat}) == std::vector<std::string>{"</s>", "<unk>", "le", "la", "chat", "chatte"});
  CHECK(words({red, the_cat}) ==
        std::vector<std::string>{"</s>", "<unk>", "le", "la", "rouge", "rousse", "chat", "chatte"});
  const Shortlist shortest(1, lexicon, {}, source, target);  // </s> <unk> le all the same
  CHECK(shortest.words(std::vector<std::span<const Id>>{red}).size() == 4);
  const std::string other = folder.write("other", "dog chien\n");
  CHECK_THROWS_WITH_AS(Shortlist(3, other, {}, source, target), doctest::Contains("--write-lexicon"),
                       DataError);
  const std::string broken = folder.write("broken", "the le 0.4\nthe\n");
  CHECK_THROWS_WITH_AS(Shortlist(3, broken, {}, source, target), doctest::Contains("broken:2: "), DataError);
}

}  // namespace
}  // namespace mininmt
