// Word alignment of given pairs. The models read the diagonal, so links and rates are computed by hand.
#include <doctest/doctest.h>

#include "apps/translate/pair_aligner.h"
#include "tests/models/random_model.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

const std::vector<std::string> kSources = {"a b c", "a b"}, kTargets = {"A B C D", "B A"};

// The words don't matter: all are unknown.
LoadedModel diagonal(const std::string& order) {
  return {random_model(small_config(order, "diagonal")), Vocab(), Vocab()};
}

TEST_CASE("links before and after each word, and their error rates") {
  const TemporaryFolder folder;
  BeamOptions options;
  options.alignment = "hard";
  options.alignment_reference = folder.write("reference", "0-0 1-1 1p0\n1-0 0-1\n");
  const LoadedModel model = diagonal("authors"), body = diagonal("body");
  PairAligner alone(options, model, nullptr, 1, {}), later(options, body, nullptr, 1, {}),
      both(options, model, &body, 1, {});
  const std::vector<std::string> links = {"0-0 1-1 2-2", "0-0 1-1"};  // D is linked to </s>
  for (PairAligner* aligner : {&alone, &later, &both}) CHECK(aligner->align(kSources, kTargets) == links);
  const std::string before =
      "AER = 55.56 (precision = 40.00 recall = 50.00 links = 5 sure = 4) attention before each word";
  // A is 1-0 2-1, 1-0; a word later 2-0.
  const std::string after =
      "AER = 57.14 (precision = 66.67 recall = 25.00 links = 3 sure = 4) attention after each word";
  CHECK(alone.report() == before + "\n" + after + "\n");
  CHECK(later.report() ==
        before +
            "\nAER = 100.00 (precision = 0.00 recall = 0.00 links = 1 sure = 4) attention after each word\n");
  // After the word the opposite model links a to C and b to D, and none of the second pair.
  CHECK(both.report() == before + "\n" + after + "\n" + before + ", opposite model\n" +
                             "AER = 100.00 (precision = 0.00 recall = 0.00 links = 2 sure = 4) attention "
                             "after each word, opposite "
                             "model\n" +
                             before + ", both models (grow-diagonal)\n" +
                             "AER = 100.00 (precision = 0.00 recall = 0.00 links = 0 sure = 4) attention "
                             "after each word, both models "
                             "(grow-diagonal)\n");
}

}  // namespace
}  // namespace mininmt
