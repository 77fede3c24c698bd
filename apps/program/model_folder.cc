#include "apps/program/model_folder.h"

#include <filesystem>

#include "apps/options/beam_options.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

namespace fs = std::filesystem;

void check_size(const fs::path& file, std::size_t words, int expected) {
  if (words != static_cast<std::size_t>(expected))
    throw DataError(join(file.string(), ": ", words, " words, but the model was trained with ", expected));
}

}  // namespace

LoadedModel load_model_folder(const std::string& path) {
  std::error_code error;
  const bool is_file = fs::is_regular_file(path, error);
  const fs::path folder = is_file ? fs::path(path).parent_path() : fs::path(path);
  const fs::path file = is_file ? fs::path(path) : folder / kModelFile;
  if (!fs::exists(path, error))
    throw IoError("--model " + path + ": no such folder; mininmt-train --model makes one");
  if (!fs::exists(file, error))
    throw IoError("--model " + path + ": the folder has no " + kModelFile +
                  "; is its training still on its way to the first one?");
  LoadedModel loaded{load_model(file.string()), Vocab::load((folder / kSourceVocab).string()),
                     Vocab::load((folder / kTargetVocab).string())};
  check_size(folder / kSourceVocab, loaded.source.size(), loaded.model->config().source_words);
  check_size(folder / kTargetVocab, loaded.target.size(), loaded.model->config().target_words);
  return loaded;
}

void start_model_folder(const std::string& folder, const Vocab& source, const Vocab& target,
                        const std::string& options) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError("--model " + folder + " can't be made: " + error.message());
  for (const char* old : {kModelFile, kLastModel})
    fs::remove(fs::path(folder) / old, error);  // they don't match the new vocabularies
  source.save((fs::path(folder) / kSourceVocab).string());
  target.save((fs::path(folder) / kTargetVocab).string());
  write_file_atomically((fs::path(folder) / kSavedOptions).string(), options);
}

}  // namespace mininmt
