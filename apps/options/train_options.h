// The options of mininmt-train.
#pragma once

#include <string>
#include <vector>

#include "apps/options/beam_options.h"
#include "apps/options/option_values.h"
#include "apps/options/reply.h"
#include "nn/families.h"
#include "nn/training/recipe.h"

namespace mininmt {

// That of the preset "small": --type, and the fields of all families.
Config default_config();

// The defaults, and the preset "small": good for some 30,000 pairs on a CPU.
struct TrainOptions : Recipe {
  std::string preset = "small";
  std::vector<std::string> train_sets;  // source and target, or one file of both
  std::vector<std::string> valid_sets;  // likewise, or none
  std::string model;                    // the folder to create
  bool overwrite = false;               // whether an existing model may be replaced
  bool tensorboard = false;             // whether the report is also written for TensorBoard
  bool dry_run = false;                 // write nothing
  std::string resume = "auto";          // auto, never, required: from the folder's checkpoint
  std::string init;                     // a model to start from; empty: new parameters
  bool extend_vocabs = false;           // by words of train_sets that the model of `init` lacks
  std::vector<std::string> units = {"words", "words"};  // of source and target (apps/text/units.h)
  std::string sentencepiece_type = "unigram";           // or bpe
  double sentencepiece_alpha = 0;                       // 0: always the best division
  bool joint_vocabs = false;                            // one for both sides, also if the model has two
  std::vector<std::string> vocabs;                      // source and target; none: made from train_sets
  std::vector<int> dim_vocabs = {8000, 8000};  // limits, with </s> and <unk>; 0: all; empty with vocabs
  std::string invalid_utf8 = "error";          // error or replace
  std::string corpus_on_disk;                  // a folder for it; empty: in memory

  Config config = default_config();

  int max_length = 50;       // longer pairs are dropped; words, </s> not counted
  int mini_batch = 80;       // sentences per minibatch
  int mini_batch_words = 0;  // if not 0: by target words instead
  int maxi_batch = 20;       // minibatches fetched and sorted together

  double lr_decay = 0.5;         // factor on the learning rate when validation stalls; 0: none
  int lr_decay_patience = 3;     // stalls before each decay
  std::vector<double> lr_halve;  // instead: the rate is halved after so many epochs, then every so many

  Budget after = {.epochs = 15};  // empty: no limit
  int early_stopping = 10;        // validations in a row without a new best; 0: off

  Budget valid_freq = {.updates = 500};                                              // empty: only at the end
  std::vector<std::string> valid_metrics = {"bleu", "cross-entropy", "perplexity"};  // first: picks the best
  bool keep_best = false;                                                            // by each metric
  int valid_mini_batch = 32;
  DecodingOptions decoding;

  Budget disp_freq = {.updates = 100};   // empty: never
  Budget save_freq = {.updates = 1000};  // empty: only at the end
  int keep = 0;                          // models of the last saves
  int cpu_threads = 0;                   // 0: all cores
  std::string device = "auto";           // auto, cpu, cuda
  std::string precision = "auto";        // of matrix products: auto, float32, tf32, bf16
  bool quiet = false;
  std::string log;  // empty: no log file
};

// Reads a command line (argv without the program's name) and the config file it names. Throws UsageError, or
// IoError if the config file cannot be read.
Parsed<TrainOptions> parse_train_options(const std::vector<std::string>& arguments);

// The options as a config text that --config reads back unchanged, except --overwrite.
std::string to_config(const TrainOptions& options);

// The options that change what training computes and differ from `saved`, a text of to_config(). Throws
// UsageError if this program doesn't know one of them.
std::vector<std::string> changed_options(const std::string& saved, const TrainOptions& options);

// Into which a minibatch can be cut.
inline constexpr int kMostParts = 1024;

// Whether both sides have the same vocabulary.
bool has_one_vocabulary(const TrainOptions& options);

// Whether a side's units are pieces of words; that are learned from the training text.
bool has_pieces(const TrainOptions& options);
bool learns_pieces(const TrainOptions& options);

// What --valid-metrics can name.
const std::vector<std::string>& metric_names();

// The presets, in the order of the help.
std::vector<std::string> preset_names();

// A preset as config text: the values that differ from the defaults. `name` is one of preset_names().
std::string preset_config(const std::string& name);

}  // namespace mininmt
