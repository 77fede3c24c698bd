// A training on the GPU goes on from its checkpoint on disk to the same bits. In the float build alone, like
// the programs.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "apps/train/checkpoint.h"
#include "cuda/device.h"
#include "nn/families.h"
#include "nn/training/update.h"
#include "tests/ops/op_table.h"
#include "tests/unit/train_recipe.h"

namespace mininmt {
namespace {

TEST_CASE("an updater goes on from a checkpoint to the same bits") {
  const std::string folder =
      (std::filesystem::temp_directory_path() / ("mininmt-checkpoint-" + std::to_string(::getpid())))
          .string();
  std::filesystem::create_directory(folder);
  const SentencePairs pairs = random_pairs(8);
  for (const std::string optimizer : {"adam", "adadelta", "sgd"}) {
    Recipe recipe = plain_recipe();
    recipe.optimizer = optimizer;
    recipe.exponential_smoothing = 0.05;
    const auto one = make_model(small_config()), other = make_model(small_config());
    one->parameters().initialize(1);
    for (Model* model : {one.get(), other.get()}) model->parameters().move_to(cuda::memory());
    const auto first = make_updater(*one, recipe, 1), second = make_updater(*other, recipe, 1);
    for (int i = 0; i < 3; ++i) first->update(pairs.pick({0, 1, 2, 3}));
    save_checkpoint(folder, {{"of", "test"}}, one->parameters(), [&](StateVisitor& v) { first->visit(v); });
    auto checkpoint = Checkpoint::find(folder, [](const std::string& text) { FAIL(text); });
    REQUIRE(checkpoint);
    CHECK(checkpoint->facts() == Facts{{"of", "test"}});
    checkpoint->restore(other->parameters(), [&](StateVisitor& v) { second->visit(v); });
    CHECK(second->updates() == 3);
    for (Updater* updater : {first.get(), second.get()}) updater->update(pairs.pick({4, 5, 6, 7}));
    for (const auto& [a, b] : {std::pair(one->parameters().values(), other->parameters().values()),
                               std::pair(first->values(), second->values())})
      CHECK(same_bits(a.to(cpu_memory()), b.to(cpu_memory())));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mininmt
