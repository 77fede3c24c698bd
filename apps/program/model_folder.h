// A model folder (MODEL.md 8): model.safetensors, source.vocab, target.vocab and the training options.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/text/vocab.h"
#include "nn/model_file.h"

namespace mininmt {

inline constexpr char kSourceVocab[] = "source.vocab";
inline constexpr char kTargetVocab[] = "target.vocab";
inline constexpr char kSourceModel[] = "source.model";  // of the units, if they are of --units sentencepiece
inline constexpr char kTargetModel[] = "target.model";
inline constexpr char kLastModel[] = "last.safetensors";  // the model at the end of training
inline constexpr char kEvents[] = "log.jsonl";            // of training, and the page that shows them
inline constexpr char kReportPage[] = "report.html";
inline constexpr char kTensorBoardEvents[] = "events.out.tfevents.mininmt";
inline constexpr char kCheckpoint[] = "checkpoint.safetensors";
inline constexpr char kPreviousCheckpoint[] = "checkpoint-previous.safetensors";

// Models beside them: the best by a metric, the one of a save.
std::string best_name(const std::string& metric);
std::string kept_name(std::int64_t update);  // last-00001000.safetensors
bool is_kept_name(const std::string& name);
// The one that the validation at the end replaced; a training that goes on puts it back.
std::string name_before_end(const std::string& name);

// The checksums of two vocabularies, for the metadata of a model that is of no use with others.
std::map<std::string, std::string> vocab_checksums(const Vocab& source, const Vocab& target);

// The same, and the units of sides that are not of words.
std::map<std::string, std::string> vocab_metadata(const Vocab& source, const Vocab& target);

// The units of a model file's source and target, by name. Throws as SafeTensorsReader does.
std::vector<std::string> units_of_model(const std::string& model_file);

// Whether the model in this file was trained with these vocabularies, as far as its metadata says. Throws as
// SafeTensorsReader does.
bool has_vocabs(const std::string& model_file, const Vocab& source, const Vocab& target);

struct LoadedModel {
  std::unique_ptr<Model> model;
  Vocab source, target;
};

// Reads a model from its folder; `path` may also name one of the model files in it. Throws as load_model()
// and Vocab::load() do, and DataError if the vocabularies are not the model's. Follows links.
LoadedModel load_model_folder(const std::string& path);

// The folder that a training works in; no other training can use it meanwhile.
class TrainingFolder {
 public:
  enum class Access { kTrain, kLook, kLeave };

  // Makes the folder where there is none, locks it, tries to write in it, and removes temporary files that a
  // killed training left. `warn` is told where the folder can't be locked. Throws IoError, and UsageError
  // where another training works in it.
  // With kLook nothing is made, tried or removed, and there may be no folder; with kLeave it is not locked
  // either: it is another process's.
  TrainingFolder(const std::string& path, const std::function<void(const std::string&)>& warn,
                 Access access = Access::kTrain);
  // Removes the folder if it was made for nothing.
  ~TrainingFolder();
  TrainingFolder(const TrainingFolder&) = delete;
  TrainingFolder& operator=(const TrainingFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;
  bool has(const std::string& name) const;
  void remove(const std::string& name) const;  // if it is there
  void rename(const std::string& from, const std::string& to) const;
  std::vector<std::string> models() const;  // the names of all model files that training writes

 private:
  void lock(const std::function<void(const std::string&)>& warn);
  void try_to_write() const;
  void remove_temporaries() const;

  std::string path_;
  bool made_ = false;
  int descriptor_ = -1;
};

}  // namespace mininmt
