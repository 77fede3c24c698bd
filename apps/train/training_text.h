// The text that a run learns from and is measured on, from the files that its options name.
#pragma once

#include <string>
#include <vector>

#include "apps/options/train_options.h"
#include "apps/program/log.h"
#include "apps/text/corpus.h"
#include "apps/text/vocab.h"

namespace mininmt {

LineOptions line_options(const TrainOptions& options);

// Refuses training and validation text that is a pipe, before any of it is read. Throws UsageError.
void refuse_pipes(const TrainOptions& options);

struct TrainingText {
  Vocab source, target;
  ParallelCorpus corpus;
};

// Reads options.train_sets: once for the vocabularies, unless options.vocabs names them, and once for the
// corpus. Says in the log what was kept. Throws as ParallelCorpus::read and Vocab::load do.
TrainingText read_training_text(const TrainOptions& options, Log& log);

struct ValidationText {
  std::vector<std::string> source, target;  // lines
};

// Reads options.valid_sets. Throws as PairReader does; DataError if all targets are empty.
ValidationText read_validation_text(const TrainOptions& options);

}  // namespace mininmt
