#include "apps/train/new_model.h"

#include "nn/families.h"

namespace mininmt {

std::unique_ptr<Model> new_model(const TrainOptions& options, std::size_t source_words,
                                 std::size_t target_words) {
  Config config = options.config;
  config.source_words = static_cast<int>(source_words);
  config.target_words = static_cast<int>(target_words);
  auto model = make_model(config);
  model->parameters().initialize(static_cast<std::uint64_t>(options.seed));
  return model;
}

}  // namespace mininmt
