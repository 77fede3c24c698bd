// The costs of a batch: their order, their sum, and what each decoder order can see. Alone and in a batch:
// models/contract_test.cc; translations: search_batch_test.cc.
#include <doctest/doctest.h>

#include <cmath>
#include <tuple>

#include "tests/models/random_model.h"

namespace mininmt {
namespace {

const Sentences kSources = random_sentences({3, 9, 1, 4, 17, 2}, 9);
const Sentences kTargets = random_sentences({6, 1, 8, 3, 2, 12}, 11, 2);

TEST_CASE("word losses come in the order of batch.rows, and add up to log p") {
  const auto model = random_model(small_config());
  const Batch batch = batch_of(kSources, kTargets);
  CHECK(batch.target_words() == 6 + 1 + 8 + 3 + 2 + 12);
  Tape tape;
  const Tensor losses = model->costs(tape, batch, {}).value();
  const Indices rows = batch.rows;
  REQUIRE(losses.size() == batch.target_words());
  REQUIRE(rows.size() == static_cast<std::size_t>(losses.size()));
  std::vector<double> log_p(kSources.size());
  for (std::size_t k = 0; k < rows.size(); ++k)
    log_p[static_cast<std::size_t>(rows[k]) % kSources.size()] -= losses.data()[k];
  const auto expected = log_probabilities(*model, batch);
  for (std::size_t i = 0; i < log_p.size(); ++i) CHECK(log_p[i] == doctest::Approx(expected[i]));
}

TEST_CASE(
    "word dropout makes some of the words that are read <unk>, never </s>, padding, or what is to be "
    "predicted") {
  const Sentences long_source = random_sentences({400, 60, 1}, 9, 4),
                  long_target = random_sentences({300, 20, 2}, 11, 5);
  const Batch whole = batch_of(long_source, long_target);
  const auto dropped = [&](double p, std::uint64_t stream, const BatchShape& at_least = {}) {
    Batch batch = make_batch(spans(long_source), spans(long_target), at_least);
    drop_words(batch, p, {7, stream});
    return batch;
  };
  const Batch some = dropped(0.25, 0), all = dropped(1, 0), again = dropped(0.25, 0),
              other = dropped(0.25, 1 << 20);
  for (const auto& [before, after, every, repeated] :
       {std::tuple(&whole.source, &some.source, &all.source, &again.source),
        std::tuple(&whole.previous, &some.previous, &all.previous, &again.previous)}) {
    int words = 0, changed = 0;
    for (std::size_t i = 0; i < before->ids.size(); ++i) {
      const Id id = before->ids[i];
      const bool is_word = id != kNone && id != kEos;
      CHECK(every->ids[i] == (is_word ? kUnk : id));
      CHECK((after->ids[i] == id || (is_word && after->ids[i] == kUnk)));
      CHECK(after->ids[i] == repeated->ids[i]);
      words += is_word && id != kUnk;
      changed += after->ids[i] != id;
    }
    CHECK(changed > 0.15 * words);
    CHECK(changed < 0.35 * words);
  }
  const auto same = [](const Indices& a, const Indices& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.begin() + static_cast<std::ptrdiff_t>(a.size()));
  };
  CHECK(same(some.targets, whole.targets));
  CHECK(!same(some.source.ids, other.source.ids));
  const Batch padded = dropped(0.25, 0, {450, 350, 400});
  CHECK(same(some.source.ids, padded.source.ids));
  CHECK(same(some.previous.ids, padded.previous.ids));
}

// p(y | x) over all targets of length 1 and their continuations: the probabilities sum to 1.
TEST_CASE("the probabilities of all words sum to one") {
  for (const std::string& order : kOrders) {
    const auto model = random_model(small_config(order));
    double total = 0;
    for (Id word = 0; word < 11; ++word)
      total += std::exp(log_probabilities(*model, batch_of({kSources[0]}, {{word}}))[0]);
    CHECK(total == doctest::Approx(1).epsilon(1e-6));
  }
}

// MODEL.md 5: with `appendix` the readout's state has not seen y_{i-1}; only the embedding term V_o has.
TEST_CASE("what the readout can know of the word before") {
  for (const std::string& order : kOrders) {
    auto model = random_model(small_config(order));
    for (const Parameter* p : model->parameters().all())
      if (p->name == "readout.V_o") p->value.fill(0);
    const auto second_word = [&](Id first) {  // log p of word 4 after `first`
      const auto longer = log_probabilities(*model, batch_of({kSources[0]}, {{first, 4}}));
      return longer[0] - log_probabilities(*model, batch_of({kSources[0]}, {{first}}))[0];
    };
    const double difference = std::abs(second_word(2) - second_word(3));
    if (order == "appendix")
      CHECK(difference < 1e-5);
    else
      CHECK(difference > 1e-3);
  }
}

}  // namespace
}  // namespace mininmt
