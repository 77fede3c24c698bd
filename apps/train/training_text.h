// The training and validation text, from the files named in the options.
#pragma once

#include <string>
#include <vector>

#include "apps/options/train_options.h"
#include "apps/program/log.h"
#include "apps/program/model_folder.h"
#include "apps/text/corpus.h"
#include "apps/text/vocab.h"

namespace mininmt {

LineOptions line_options(const TrainOptions& options);

// Rejects training and validation files that are pipes, before reading any. Throws UsageError.
void refuse_pipes(const TrainOptions& options);

struct TrainingText {
  Vocab source, target;
  ParallelCorpus corpus;
};

// Reads options.train_sets: once for the vocabularies, unless they are those of options.vocabs or of `init`,
// the model of options.init (null: none), and once for the corpus. Logs what was kept and what the
// vocabularies lack. Throws as ParallelCorpus::read and Vocab::load do.
TrainingText read_training_text(const TrainOptions& options, const LoadedModel* init, Log& log);

struct ValidationText {
  std::vector<std::string> source, target;  // lines
};

// Reads options.valid_sets. Throws as PairReader does; DataError if all targets are empty.
ValidationText read_validation_text(const TrainOptions& options);

// Logs its size, and how much of it the vocabularies lack, with a warning where that is most of a side.
void report_validation_text(const TrainOptions& options, const ValidationText& valid_text,
                            const TrainingText& text, Log& log);

}  // namespace mininmt
