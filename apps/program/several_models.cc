#include "apps/program/several_models.h"

#include <filesystem>
#include <numeric>
#include <utility>

#include "apps/options/beam_options.h"
#include "apps/options/options.h"
#include "nn/ensemble.h"
#include "nn/families.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

namespace fs = std::filesystem;

void check_vocab(const Vocab& ours, const Vocab& first, const std::string& side, const std::string& path,
                 const std::string& first_path) {
  if (ours.checksum() != first.checksum())
    throw DataError(
        join(path, ": its ", side, " vocabulary is not that of ", first_path,
             ": models that translate together need the same; --vocabs trains one with given ones"));
}

}  // namespace

std::vector<LoadedModel> load_models(const std::vector<std::string>& paths) {
  std::vector<LoadedModel> models;
  for (const std::string& path : paths) {
    models.push_back(load_model_folder(path));
    check_vocab(models.back().source, models[0].source, "source", path, paths[0]);
    check_vocab(models.back().target, models[0].target, "target", path, paths[0]);
  }
  return models;
}

LoadedModel ensemble_of(std::vector<LoadedModel> models, const std::vector<double>& weights) {
  std::vector<std::shared_ptr<const Model>> members;
  for (LoadedModel& loaded : models) members.push_back(std::move(loaded.model));
  return {std::make_unique<Ensemble>(std::move(members), weights), std::move(models[0].source),
          std::move(models[0].target)};
}

void write_average(const std::vector<LoadedModel>& models, const std::vector<double>& weights,
                   const std::string& first, const std::string& path) {
  std::vector<double> shares = weights.empty() ? std::vector<double>(models.size(), 1.0) : weights;
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  std::vector<const Model*> members;
  for (const LoadedModel& loaded : models) members.push_back(loaded.model.get());
  const std::unique_ptr<Model> mean = make_model(members[0]->config());
  try {
    average_parameters(members, shares, *mean);
  } catch (const Error& error) {
    throw UsageError(join("--average: ", error.what()));
  }
  const TrainingFolder folder(path, [](const std::string&) {});
  if (folder.has(kModelFile))
    throw UsageError(join("--average ", path, ": the folder has a model already: name another"));
  models[0].source.save(folder.file(kSourceVocab));
  models[0].target.save(folder.file(kTargetVocab));
  for (const auto& [vocab, name] :
       {std::pair(&models[0].source, kSourceModel), {&models[0].target, kTargetModel}})
    if (!vocab->units().model().empty()) write_file_atomically(folder.file(name), vocab->units().model());
  const fs::path beside =
      (fs::is_regular_file(first) ? fs::canonical(first).parent_path() : fs::path(first)) / kSavedOptions;
  if (fs::is_regular_file(beside))
    write_file_atomically(folder.file(kSavedOptions), read_small_file(beside.string()));
  save_model(folder.file(kModelFile), *mean, mean->parameters().values(),
             vocab_metadata(models[0].source, models[0].target));
}

}  // namespace mininmt
