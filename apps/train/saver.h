// Writes what a training leaves in its folder: checkpoints, models, vocabularies and options.
#pragma once

#include <map>
#include <string>

#include "apps/program/log.h"
#include "apps/program/model_folder.h"
#include "apps/train/checkpoint.h"

namespace mininmt {

class Saver {
 public:
  // options: the text of kSavedOptions. facts: what the training is of, for its checkpoints. Without
  // `resumed`, the folder may hold another training; its files stay until the first checkpoint of this one is
  // whole. Holds references.
  Saver(const TrainingFolder& folder, const Model& model, const Vocab& source, const Vocab& target,
        std::string options, Facts facts, bool resumed, Log& log);

  // Another process writes: from now on nothing is, but checked as if.
  void leave_writing() { writes_ = false; }

  // A training that was at its end goes on: models that the validation there replaced come back. `update` is
  // the last one so far; its model stays, under a name of its own.
  void go_on_from_end(std::int64_t update);

  // A checkpoint of `state`. Throws IoError, and leaves the one before it; Error if a parameter is not
  // finite.
  void save_checkpoint(const StateOf& state);

  // Whether there is a checkpoint of this training, and the files of an older one are gone.
  bool started() const { return started_; }

  // The model with these values of its parameters, as `name`; `at_end`: the one it replaces is kept for
  // go_on_from_end(). Throws likewise, and IoError before started().
  void save_model(const std::string& name, const Tensor& values, bool at_end = false);

  // Keeps kLastModel, saved after this update, under a name of its own, and only `most` such models.
  void keep_last(std::int64_t update, int most);

 private:
  void start();
  void save_vocab(const Vocab& vocab, const char* file, const char* model_of_units) const;
  void check_finite(const Tensor& values) const;

  const TrainingFolder& folder_;
  const Model& model_;
  const Vocab &source_, &target_;
  std::string options_;
  Facts facts_;
  bool resumed_, started_ = false, writes_ = true;
  Log& log_;
};

}  // namespace mininmt
