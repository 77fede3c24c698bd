#include "apps/options/train_options.h"

#include <algorithm>
#include <filesystem>

#include "apps/options/presets.h"
#include "nn/model_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr char kProgram[] = "mininmt-train";

constexpr char kUsage[] =
    R"(usage: mininmt-train --train-sets SOURCE TARGET --model FOLDER [options]
       mininmt-train --config FILE [options]
mininmt-train --help explains the options.
)";

constexpr char kHelp[] = R"(mininmt-train learns to translate from sentence pairs (RNNsearch).
It reads tokenized text: two files, plain or gzipped, one sentence a line.

Examples:
  mininmt-train --train-sets train.en train.fr --valid-sets dev.en dev.fr \
                --model model
  mininmt-train --preset tiny --train-sets train.en train.fr --model toy
  mininmt-train --config my.ini --learn-rate 0.0005 --after 10e,30m

Data and model:
  --train-sets SOURCE TARGET   text to learn from (required)
  --model FOLDER               where the model goes (required)
  --valid-sets SOURCE TARGET   text to measure progress on, and pick the best
  --preset NAME                tiny, small, rnnsearch-30, rnnsearch-50,
                               rnnencdec-30, rnnencdec-50 [{preset}]
  --dim-vocabs N N             words kept a side, 0: all [{dim-vocabs}]
Sizes:
  --dim-emb N, --dim-rnn N     embeddings, hidden units [{dim-emb}, {dim-rnn}]
Training:
  --mini-batch N               sentences an update [{mini-batch}]
  --max-length N               drop pairs with more words a side [{max-length}]
  --optimizer NAME             adam, adadelta or sgd [{optimizer}]
  --learn-rate X               [{learn-rate}]
  --after LENGTH               epochs, updates, minutes: 10e, 5000u, 30m [{after}]
  --early-stopping N           validations without a new best [{early-stopping}]
  --device NAME                cpu, cuda or auto: a GPU if there is one [{device}]
Reports:
  --valid-freq, --disp-freq, --save-freq LENGTH [{valid-freq}, {disp-freq}, {save-freq}]

--config FILE reads lines "name = value"; --help-all lists all options.
)";

constexpr Range<int> kSize{1, 65536};
constexpr Range<int> kCount{1, 1'000'000};
constexpr Range<int> kCountOrOff{0, 1'000'000};
constexpr Range<double> kShare{0, 0.99};

void declare_data(OptionSet& set, TrainOptions& options) {
  set.group("Data and model");
  set.add("train-sets", options.train_sets, 2, "SOURCE TARGET",
          "training text: tokenized, a sentence a line, plain or "
          "gzipped");
  set.add("valid-sets", options.valid_sets, 2, "SOURCE TARGET", "text to measure progress on");
  set.add("model", options.model, "FOLDER", "where the model goes");
  set.add("overwrite", options.overwrite, "replace a model that is there already").command_line_only = true;
  set.add_choice("preset", options.preset, preset_names(),
                 "values for all options below, under those you give");
  set.add("vocabs", options.vocabs, 2, "SOURCE TARGET",
          "vocabulary files, a word a line, </s> and <unk> first; "
          "without them the words are counted");
  set.add("dim-vocabs", options.dim_vocabs, 2, Range<int>{0, 1 << 24}, "N N",
          "the most frequent words to keep, </s> and <unk> counted; 0 for all");
  set.add("max-length", options.max_length, Range<int>{1, 100'000}, "N",
          "drop pairs with more words on a side, </s> "
          "not counted");
  set.add_choice("invalid-utf8", options.invalid_utf8, {"error", "replace"},
                 "bytes that are not UTF-8: stop, or put "
                 "U+FFFD in their place");
}

void declare_model(OptionSet& set, TrainOptions& options) {
  set.group("Model (letters as in the paper)");
  set.add("dim-emb", options.dim_emb, kSize, "N", "m, size of embeddings");
  set.add("dim-rnn", options.dim_rnn, kSize, "N", "n, hidden units of each GRU");
  set.add("dim-align", options.dim_align, kSize, "N", "n', units of the alignment model");
  set.add("dim-maxout", options.dim_maxout, kSize, "N", "l, units of the readout's maxout layer");
  set.add_choice("decoder-order", options.decoder_order, {"authors", "body", "appendix"},
                 "which state is updated with "
                 "which word: as in the authors' program, the paper's text, or its appendix");
  set.add_choice("alignment-model", options.alignment_model, {"additive", "fixed"},
                 "attention, or one fixed vector "
                 "for the sentence (RNNencdec)");
}

void declare_training(OptionSet& set, TrainOptions& options) {
  set.group("Training");
  set.add("mini-batch", options.mini_batch, kSize, "N", "sentences an update");
  set.add("mini-batch-words", options.mini_batch_words, Range<int>{0, 1 << 24}, "N",
          "cut minibatches at so many target "
          "words instead, padding counted; 0 for sentences");
  set.add("maxi-batch", options.maxi_batch, kSize, "N", "minibatches fetched at once and sorted by length");
  set.add_choice("optimizer", options.optimizer, {"adadelta", "adam", "sgd"},
                 "how gradients change the parameters");
  set.add("learn-rate", options.learn_rate, Range<double>{1e-12, 1e3}, "X",
          "learning rate; if only the optimizer is "
          "given: 1 for adadelta, 0.002 for adam, 0.1 for sgd");
  set.add("clip-norm", options.clip_norm, Range<double>{0, 1e6}, "X",
          "largest L2 norm of the gradient; 0 for no limit");
  set.add_choice("cost-type", options.cost_type, {"ce-sum", "ce-mean", "ce-mean-words"},
                 "cost whose gradient is "
                 "taken: of the minibatch, a sentence, or a word");
  set.add("label-smoothing", options.label_smoothing, kShare, "X", "probability spread over all words");
  set.add("dropout-emb", options.dropout_emb, kShare, "P", "dropout of embeddings, both sides");
  set.add("dropout-annotations", options.dropout_annotations, kShare, "P", "dropout of the annotations");
  set.add("dropout-readout", options.dropout_readout, kShare, "P", "dropout of the maxout layer's output");
  set.add("exponential-smoothing", options.exponential_smoothing, Range<double>{0, 0.5}, "X",
          "validate and save a "
          "moving average of the parameters in which the newest weigh X, as 0.001; 0 for none");
  set.add("lr-decay", options.lr_decay, kShare, "X",
          "multiply the learning rate by X when validation stalls; 0 for "
          "never")
      .needs = "valid-sets";
  set.add("lr-decay-patience", options.lr_decay_patience, kCount, "N",
          "stalled validations before each decay")
      .needs = "lr-decay";
  set.add("after", options.after,
          "stop after so many epochs, updates or minutes, whichever comes first: 10e, 5000u, "
          "30m, or several as 10e,30m; a plain number counts updates, 0 sets no limit");
  set.add("early-stopping", options.early_stopping, kCountOrOff, "N",
          "stop after N validations in a row without a new "
          "best; 0 for never")
      .needs = "valid-sets";
  set.add("seed", options.seed, Range<int>{0, 2147483647}, "N", "seed of all random numbers");
}

void declare_reports(OptionSet& set, TrainOptions& options) {
  set.group("Validation");
  set.add("valid-freq", options.valid_freq,
          "validate every so many updates (500u), epochs (1e) or minutes (10m); 0 "
          "only at the end")
      .needs = "valid-sets";
  set.add_choices("valid-metrics", options.valid_metrics, {"cross-entropy", "perplexity", "bleu"},
                  "what to report: "
                  "cross-entropy (a sentence, natural log), perplexity, bleu; the first picks the best model")
      .needs = "valid-sets";
  set.add("valid-mini-batch", options.valid_mini_batch, kSize, "N", "sentences at once in validation").needs =
      "valid-sets";
  set.group("Search, in validation and as the model's default in mininmt-beam");
  add_decoding_options(set, options.decoding);
  set.group("Reports and saving");
  set.add("disp-freq", options.disp_freq, "a line of progress every so often (100u, 1e, 1m); 0 for none");
  set.add("save-freq", options.save_freq,
          "save the last model every so often (1000u, 1e, 30m); 0 only at the end");
  set.add("log", options.log, "FILE", "write the messages to this file too");
  set.add("quiet", options.quiet, "nothing but warnings and errors on stderr");
  set.group("Device");
  add_device_options(set, options.cpu_threads, options.device, options.precision);
}

void declare(OptionSet& set, TrainOptions& options) {
  declare_data(set, options);
  declare_model(set, options);
  declare_training(set, options);
  declare_reports(set, options);
  set.add_general();
}

// Options whose default depends on another one that somebody chose.
void settle(OptionSet& set, TrainOptions& options) {
  set.exclusive("vocabs", "dim-vocabs");
  if (set.source("mini-batch") > set.source("mini-batch-words")) options.mini_batch_words = 0;
  if (set.source("optimizer") > set.source("learn-rate")) {
    options.learn_rate = options.optimizer == "adadelta" ? 1 : options.optimizer == "adam" ? 0.002 : 0.1;
  }
}

void check(const OptionSet& set, const TrainOptions& options) {
  set.require("train-sets", "the two sides of the training text");
  set.require("model", "the folder to make for the model");
  set.check_needs();
  for (const auto* sets : {&options.train_sets, &options.valid_sets, &options.vocabs}) {
    if (std::find(sets->begin(), sets->end(), "-") == sets->end()) continue;
    throw UsageError(
        "training text cannot be standard input, it is read more than once: name a file instead of '-'");
  }
  for (const auto* files : {&options.train_sets, &options.valid_sets, &options.vocabs})
    for (const std::string& file : *files)
      if (same_file(options.log, file))
        throw UsageError(
            join("--log ", in_quotes(options.log), " would write into what is read: choose another name"));
  for (const int limit : options.dim_vocabs) {
    if (limit != 1 && limit != 2) continue;
    throw UsageError(join("--dim-vocabs: '", limit,
                          "' leaves no room for words beside </s> and <unk>: give 3 or more, ",
                          "or 0 for all words"));
  }
  if (options.after.empty() && (options.early_stopping == 0 || options.valid_sets.empty())) {
    throw UsageError("--after 0 would train forever: give a limit, or --valid-sets with --early-stopping");
  }
}

}  // namespace

Parsed<TrainOptions> parse_train_options(const std::vector<std::string>& arguments) {
  TrainOptions options;
  OptionSet set(kProgram);
  declare(set, options);
  const std::vector<Setting> command_line = set.read_command_line(arguments);
  if (const auto reply = set.reply(command_line, kHelp, kUsage)) return *reply;
  set.apply(set.read_config_named_in(command_line), Source::kFile);
  set.apply(command_line, Source::kCommandLine);
  // Only now is it known which preset; its values go under what was given.
  const std::string& config = preset_config(options.preset);
  set.apply(set.read_config(config, "preset " + options.preset), Source::kPreset);
  settle(set, options);
  check(set, options);
  return options;
}

std::string to_config(const TrainOptions& options) {
  TrainOptions copy = options;
  OptionSet set(kProgram);
  declare(set, copy);
  return set.to_config();
}

void check_model_folder(const TrainOptions& options) {
  const std::filesystem::path file = std::filesystem::path(options.model) / kModelFile;
  std::error_code ignored;
  if (options.overwrite || !std::filesystem::exists(file, ignored)) return;
  throw UsageError(join("--model ", in_quotes(options.model),
                        " holds a model already: choose another folder, or add --overwrite to replace it"));
}

}  // namespace mininmt
