#include "apps/program/model_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <regex>
#include <set>

#include "apps/options/option_values.h"
#include "apps/options/train_options.h"
#include "apps/text/sentencepiece.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tensor/safetensors.h"

namespace mininmt {
namespace {

namespace fs = std::filesystem;

// In the metadata of a model.
constexpr char kSourceUnits[] = "source.units", kTargetUnits[] = "target.units";

Vocab load_vocab(const std::string& path, const std::string& units, const fs::path& model) {
  if (units == kPieces) {
    const std::string of_pieces = fs::path(path).replace_extension(".model").string();
    return Vocab::load(path, pieces(read_model_of_pieces(of_pieces), of_pieces));
  }
  try {
    return Vocab::load(path, units_of(units));
  } catch (const UsageError&) {
    throw DataError(
        join(model.string(), " is of ", in_quotes(units), ", units that this program doesn't know"));
  }
}

void check_size(const fs::path& file, std::size_t words, int expected) {
  if (words != static_cast<std::size_t>(expected))
    throw DataError(join(file.string(), ": ", words, " words, but the model was trained with ", expected));
}

[[noreturn]] void refuse_missing(const fs::path& path) {
  std::set<std::string> models;
  std::error_code error;
  for (fs::directory_iterator file(path.parent_path() / ".", error), end; !error && file != end;
       file.increment(error))
    if (file->path().extension() == ".safetensors" &&
        !file->path().filename().string().starts_with("checkpoint"))
      models.insert(file->path().filename().string());
  if (models.empty())
    throw IoError(
        join("--model ", path.string(), ": no such file or folder; mininmt-train --model makes a folder"));
  throw IoError(join("--model ", path.string(), ": no such file; the folder has ",
                     join_list({models.begin(), models.end()}, ", ")));
}

}  // namespace

std::string best_name(const std::string& metric) { return "best-" + metric + ".safetensors"; }

std::string kept_name(std::int64_t update) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%08lld", static_cast<long long>(update));
  return join("last-", digits, ".safetensors");
}

bool is_kept_name(const std::string& name) {
  return std::regex_match(name, std::regex(R"(last-\d{8,}\.safetensors)"));
}

std::string name_before_end(const std::string& name) { return "before-end-" + name; }

std::map<std::string, std::string> vocab_checksums(const Vocab& source, const Vocab& target) {
  return {{kSourceVocab, source.checksum()}, {kTargetVocab, target.checksum()}};
}

std::map<std::string, std::string> vocab_metadata(const Vocab& source, const Vocab& target) {
  std::map<std::string, std::string> metadata = vocab_checksums(source, target);
  if (source.units().name() != words()->name()) metadata[kSourceUnits] = source.units().name();
  if (target.units().name() != words()->name()) metadata[kTargetUnits] = target.units().name();
  return metadata;
}

std::vector<std::string> units_of_model(const std::string& model_file) {
  const auto metadata = SafeTensorsReader(model_file).metadata();
  std::vector<std::string> units;
  for (const char* key : {kSourceUnits, kTargetUnits}) {
    const auto found = metadata.find(key);
    units.push_back(found == metadata.end() ? words()->name() : found->second);
  }
  return units;
}

bool has_vocabs(const std::string& model_file, const Vocab& source, const Vocab& target) {
  const auto metadata = SafeTensorsReader(model_file).metadata();
  for (const auto& [name, checksum] : vocab_checksums(source, target)) {
    const auto found = metadata.find(name);
    if (found != metadata.end() && found->second != checksum) return false;  // older models have none
  }
  return true;
}

LoadedModel load_model_folder(const std::string& path) {
  std::error_code error;
  const bool is_file = fs::is_regular_file(path, error);
  const fs::path real =
      is_file ? fs::canonical(path) : fs::path(path);  // vocabularies lie beside the file itself
  const fs::path folder = is_file ? real.parent_path() : real;
  const fs::path file = is_file ? real : folder / kModelFile;
  if (!fs::exists(path, error)) refuse_missing(path);
  if (!fs::exists(file, error))
    throw IoError("--model " + path + ": the folder has no " + kModelFile +
                  "; is its training still on its way to the first one?");
  const std::vector<std::string> units = units_of_model(file.string());
  LoadedModel loaded{load_model(file.string()), load_vocab((folder / kSourceVocab).string(), units[0], file),
                     load_vocab((folder / kTargetVocab).string(), units[1], file)};
  check_size(folder / kSourceVocab, loaded.source.size(), loaded.model->config().source_words);
  check_size(folder / kTargetVocab, loaded.target.size(), loaded.model->config().target_words);
  if (!has_vocabs(file.string(), loaded.source, loaded.target))
    throw DataError(join(file.string(), ": ", kSourceVocab, " or ", kTargetVocab,
                         " beside it has other words, or pieces, than the model was trained with"));
  return loaded;
}

TrainingFolder::TrainingFolder(const std::string& path, const std::function<void(const std::string&)>& warn,
                               Access access)
    : path_(path) {
  if (access == Access::kLeave) return;
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (exists && !fs::is_directory(path, error))
    throw IoError(join("--model ", path, " can't be made: it is a file; name a folder"));
  if (access == Access::kLook) {
    if (exists) lock(warn);
    return;
  }
  made_ = fs::create_directories(path, error);
  if (error) throw IoError(join("--model ", path, " can't be made: ", error.message()));
  try {
    lock(warn);
    try_to_write();
    remove_temporaries();
  } catch (...) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw;
  }
}

TrainingFolder::~TrainingFolder() {
  std::error_code ignored;
  if (made_) fs::remove(path_, ignored);  // fails unless it is empty
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string TrainingFolder::file(const std::string& name) const { return (fs::path(path_) / name).string(); }

bool TrainingFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(file(name), ignored);
}

void TrainingFolder::remove(const std::string& name) const {
  std::error_code error;
  fs::remove(file(name), error);
  if (error) throw IoError(join(file(name), " can't be removed: ", error.message()));
}

void TrainingFolder::rename(const std::string& from, const std::string& to) const {
  std::error_code error;
  fs::rename(file(from), file(to), error);
  if (error) throw IoError(join(file(from), " can't be renamed: ", error.message()));
}

std::vector<std::string> TrainingFolder::models() const {
  std::set<std::string> known = {kModelFile, kLastModel};
  for (const std::string& metric : metric_names()) known.insert(best_name(metric));
  for (const std::string& name : std::set(known)) known.insert(name_before_end(name));
  std::vector<std::string> models;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (known.contains(name) || is_kept_name(name)) models.push_back(name);
  }
  return models;
}

// The system drops the lock when the process ends, however it ends.
void TrainingFolder::lock(const std::function<void(const std::string&)>& warn) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) throw IoError(join("--model ", path_, " can't be read: ", std::strerror(errno)));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  if (reason == EWOULDBLOCK)
    throw UsageError("--model " + path_ +
                     ": another training is at work in it: wait for it, or choose another folder");
  warn(join("--model ", path_, " can't be locked (", std::strerror(reason),
            "): another training in it would not be noticed"));
}

void TrainingFolder::try_to_write() const { AtomicFile trial(file("trial")); }

// Those that AtomicFile and link_file() make.
void TrainingFolder::remove_temporaries() const {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (std::regex_match(
            name, std::regex(R"((trial|.*\.(safetensors|vocab|model|ini|jsonl|html|mininmt))\.tmp-[0-9-]+)")))
      fs::remove(entry.path(), ignored);
  }
}

}  // namespace mininmt
