// Files of tensors: what is accepted reads back the same; a model or checkpoint never takes in what isn't
// one.
#include <cmath>
#include <cstring>

#include "apps/train/checkpoint.h"
#include "nn/model_file.h"
#include "tests/fuzz/targets.h"
#include "tests/models/random_model.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void safetensors(std::string_view bytes) {
  const BytesFile file(bytes);
  SafeTensors contents;
  if (!accepts([&] { contents = read_safetensors(file.path()); })) return;
  static const TemporaryFolder folder;
  write_safetensors(folder.path("again"), contents);
  const SafeTensors back = read_safetensors(folder.path("again"));
  require(back.metadata == contents.metadata, "metadata reads back");
  require(back.tensors.size() == contents.tensors.size(), "as many tensors read back");
  for (const auto& [name, tensor] : contents.tensors) {
    const SafeTensor& other = back.tensors.at(name);
    require(other.shape == tensor.shape && same_bits(other.data, tensor.data), "a tensor reads back");
  }
}

void model(std::string_view bytes) {
  const BytesFile file(bytes);
  std::unique_ptr<Model> loaded;
  if (!accepts([&] { loaded = load_model(file.path()); })) return;
  for (real x : loaded->parameters().values().values()) require(std::isfinite(x), "parameters are finite");
  const Sentences words = {{kEos}};
  Tape tape;
  const Var costs = loaded->costs(tape, batch_of(words, words), {});
  require(costs.value().size() == 1, "an empty sentence has a cost");
}

// A state with something of each type.
struct SmallState {
  std::int64_t updates = 3;
  double rate = 0.5;
  Tensor average;
  void visit(StateVisitor& visitor) {
    visitor.visit("updates", updates);
    visitor.visit("rate", rate);
    visitor.visit("average", average);
  }
};

void checkpoint(std::string_view bytes) {
  const BytesFile file(bytes);
  const auto model = make_model(small_config());
  SmallState state{.average = Tensor::zeros(model->parameters().values().shape())};
  accepts([&] {
    Checkpoint(file.path()).restore(model->parameters(), [&](StateVisitor& visitor) {
      state.visit(visitor);
    });
  });
}

}  // namespace

std::vector<FuzzTarget> format_targets() {
  return {{"safetensors", safetensors}, {"model", model}, {"checkpoint", checkpoint}};
}

}  // namespace mininmt
