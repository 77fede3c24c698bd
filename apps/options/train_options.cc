#include "apps/options/train_options.h"

#include <algorithm>

#include "apps/options/options.h"
#include "apps/options/train_checks.h"
#include "apps/text/units.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr char kProgram[] = "mininmt-train";

constexpr char kUsage[] =
    R"(usage: mininmt-train --train-sets SOURCE TARGET --model FOLDER [options]
       mininmt-train --config FILE [options]
mininmt-train --help explains the options.
)";

constexpr char kHelp[] = R"(mininmt-train learns to translate from sentence pairs (RNNsearch and relatives).
It reads two files of text, plain or gzipped, a sentence a line, or one with a
tab between the two: tokenized, or raw with --units sentencepiece or chars.

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
                               rnnencdec-30, rnnencdec-50, chars, lstm-small,
                               sutskever, transformer-small,
                               transformer-base [{preset}]
  --units NAME                 words, sentencepiece or chars [{units}]
  --dim-vocabs N N             words kept a side, 0: all [{dim-vocabs}]
Model:
  --type NAME                  rnnsearch, lstm, transformer [{type}]
  --dim-emb N, --dim-rnn N     embeddings, hidden units [{dim-emb}, {dim-rnn}]
  --alignment-model NAME       additive, fixed, diagonal, window, content,
                               transducer, hard, hops [{alignment-model}]
Training:
  --mini-batch N               sentences in a minibatch [{mini-batch}]
  --max-length N               drop pairs with more words a side [{max-length}]
  --optimizer NAME             adam, adadelta or sgd [{optimizer}]
  --learn-rate X               [{learn-rate}]
  --after LENGTH               epochs, updates, minutes: 10e, 5000u, 30m [{after}]
  --early-stopping N           validations without a new best [{early-stopping}]
  --device NAME                cpu, cuda or auto: a GPU if there is one [{device}]
Reports:
  --valid-freq, --disp-freq, --save-freq LENGTH [{valid-freq}, {disp-freq}, {save-freq}]

--config FILE reads lines "name = value"; --help-all lists all options.
Ctrl-C saves and ends; the same command goes on. A second one ends at once.
Several processes train together: mpirun -n 2 mininmt-train ...
)";

// What a training may be resumed with other values of. The text and vocabularies that the names stand for are
// compared by their contents, parts, device and precision by what the training had.
const std::vector<std::string> kMayChange = {
    "train-sets",     "valid-sets",
    "model",          "preset",
    "vocabs",         "dim-vocabs",
    "after",          "early-stopping",
    "joint-vocabs",   "sentencepiece-type",
    "tensorboard",    "disp-freq",
    "save-freq",      "keep",
    "keep-best",      "log",
    "quiet",          "device",
    "cpu-threads",    "parts",
    "corpus-on-disk", "precision",
};

constexpr Range<int> kSize{1, 65536};
constexpr Range<int> kCount{1, 1'000'000};
constexpr Range<int> kCountOrOff{0, 1'000'000};
constexpr Range<double> kShare{0, 0.99};

void declare_data(OptionSet& set, TrainOptions& options) {
  set.group("Data and model");
  set.add("train-sets", options.train_sets, kind::names_of_pairs(),
          "training text: a sentence a line, plain or gzipped; or one file, each line a source, a tab and a "
          "target");
  set.add("valid-sets", options.valid_sets, kind::names_of_pairs(), "text to measure progress on");
  set.add("model", options.model, kind::name("FOLDER"), "where the model goes");
  set.add("overwrite", options.overwrite, kind::flag(), "replace a model that is there already")
      .command_line_only = true;
  set.add("dry-run", options.dry_run, kind::flag(),
          "read the text, make a few updates, say what the training would need, and write nothing")
      .command_line_only = true;
  set.add("resume", options.resume, kind::choice({"auto", "never", "required"}),
          "go on with the training that the folder holds: if there is one, never, or else stop")
      .command_line_only = true;
  set.add("preset", options.preset, kind::choice(preset_names()),
          "values for all options below, under those you give");
  set.add("init", options.init, kind::name("MODEL"),
          "start from the parameters of a model, a folder or a file in it, with its sizes and vocabularies");
  set.add("extend-vocabs", options.extend_vocabs, kind::flag(),
          "add the words of the training text that the model of --init lacks, up to --dim-vocabs", "init");
  set.add("units", options.units, kind::choices_of_sides({"words", "sentencepiece", "chars"}),
          "what a line is made of, on both sides or on each: words between spaces, of tokenized text; "
          "sentencepiece, pieces of words, of raw text; chars, all characters and spaces of raw text, for "
          "names, pronunciation, inflection")
      .set_by = "init";
  set.add("sentencepiece-type", options.sentencepiece_type, kind::choice({"unigram", "bpe"}),
          "how pieces of words are learned from the training text")
      .applies = [&options] { return learns_pieces(options); };
  set.add("sentencepiece-alpha", options.sentencepiece_alpha, kind::real({0, 10}),
          "in training, draw the pieces of a sentence anew each time, a division with probability p in "
          "proportion to p^X; 0.1 to 0.5 are usual, 0 for the best division always")
      .applies = [&options] { return has_pieces(options); };
  set.add("joint-vocabs", options.joint_vocabs, kind::flag(),
          "one vocabulary for both sides, made from both; models whose embeddings are tied have one anyway");
  set.add("vocabs", options.vocabs, kind::names_of_sides(),
          "vocabulary files, a word or character a line, </s> and <unk> first, or models of SentencePiece; "
          "without them the training text makes them");
  set.add("dim-vocabs", options.dim_vocabs, kind::integers_of_sides({0, 1 << 24}),
          "the most frequent words to keep, or pieces to learn, </s> and <unk> counted; 0 for all words")
      .applies = [&options] { return options.init.empty() || options.extend_vocabs; };
  set.add("max-length", options.max_length, kind::integer({1, 100'000}),
          "drop pairs with more words, or other units, on a side, </s> not counted; if only the units are "
          "given: 100 pieces, 300 characters");
  set.add("corpus-on-disk", options.corpus_on_disk, kind::name("FOLDER"),
          "keep the training text, as ids, in temporary files in this folder, for text that memory can't "
          "hold; they are gone when the program ends");
  set.add("invalid-utf8", options.invalid_utf8, kind::choice({"error", "replace"}),
          "bytes that are not UTF-8: stop, or put U+FFFD in their place");
}

// A model field as an option.
Option& declare_field(OptionSet& set, const Field& field, FieldValue& value) {
  if (int* const number = std::get_if<int>(&value))
    return set.add(field.name, *number,
                   kind::integer({static_cast<int>(field.least), static_cast<int>(field.most)}), field.help);
  if (double* const share = std::get_if<double>(&value))
    return set.add(field.name, *share, kind::real({field.least, field.most}, field.most < 1 ? "P" : "X"),
                   field.help);
  if (bool* const flag = std::get_if<bool>(&value))
    return set.add(field.name, *flag, kind::flag(), field.help);
  return set.add(field.name, std::get<std::string>(value), kind::choice(field.choices), field.help);
}

void declare_fields(OptionSet& set, Config& config, bool saved) {
  for (const Field& field : config.fields()) {
    if (field.saved != saved) continue;
    Option& option = declare_field(set, field, config.place(field.name));
    option.applies = [&config, field] { return config.applies(field); };
    if (saved) option.set_by = "init";
  }
}

void declare_model(OptionSet& set, TrainOptions& options) {
  set.group("Model (letters as in the paper)");
  std::vector<std::string> types;
  for (const Family& family : families()) types.push_back(family.name);
  set.add("type", options.config.type, kind::choice(types), "the family of models").set_by = "init";
  declare_fields(set, options.config, true);
}

void declare_training(OptionSet& set, TrainOptions& options) {
  set.group("Training");
  set.add("mini-batch", options.mini_batch, kind::integer(kSize), "sentences in a minibatch");
  set.add(
      "mini-batch-words", options.mini_batch_words, kind::integer({0, 1 << 24}),
      "cut minibatches at so many target words instead, padding counted; --mini-batch x --maxi-batch pairs "
      "are fetched and sorted at once all the same; 0 for sentences");
  set.add("maxi-batch", options.maxi_batch, kind::integer(kSize),
          "minibatches fetched at once and sorted by length");
  set.add("update-freq", options.update_freq, kind::integer({1, 64}),
          "minibatches an update, whose gradients are added up, as of a minibatch N times as large");
  set.add(
      "parts", options.parts, kind::integer({0, kMostParts}),
      "on a CPU, cut each minibatch into up to N parts, of 4 sentences or more, each for one thread of one "
      "of the processes (mpirun): the same N gives the same bits on any number of them; 0: as many as there "
      "are threads. A resumed training keeps its N");
  set.add("optimizer", options.optimizer, kind::choice({"adadelta", "adam", "sgd"}),
          "how gradients change the parameters");
  set.add("learn-rate", options.learn_rate, kind::real({1e-12, 1e3}),
          "learning rate; if only the optimizer is given: 1 for adadelta, 0.002 for adam, 0.1 for sgd");
  set.add("lr-warmup", options.lr_warmup, kind::integer(kCountOrOff),
          "raise the learning rate over the first N updates to --learn-rate; 0 to start with it");
  set.add(
      "lr-decay-inv-sqrt", options.lr_decay_inv_sqrt, kind::integer(kCountOrOff),
      "from update N on, let it fall with the root of the number of updates t, as sqrt(N / t); 0 for never");
  const auto adam = [&options] { return options.optimizer == "adam"; };
  set.add("adam-beta2", options.adam_beta2, kind::real({0, 0.999999}),
          "decay of the mean square of gradients, with --optimizer adam")
      .applies = adam;
  set.add("adam-epsilon", options.adam_epsilon, kind::real({0, 1}),
          "added to its root, with --optimizer adam")
      .applies = adam;
  set.add("clip-norm", options.clip_norm, kind::real({0, 1e6}),
          "largest L2 norm of the gradient; 0 for no limit");
  set.add("cost-type", options.cost_type, kind::choice({"ce-sum", "ce-mean", "ce-mean-words"}),
          "cost whose gradient is taken: of the minibatch, a sentence, or a word");
  set.add("label-smoothing", options.label_smoothing, kind::real(kShare),
          "probability spread over all words");
  set.add(
      "word-dropout", options.word_dropout, kind::real(kShare),
      "in training, show the model <unk> in place of a word that it reads, of the source or of the target so "
      "far, with probability X; never of </s>");
  declare_fields(set, options.config, false);
  set.add("exponential-smoothing", options.exponential_smoothing, kind::real({0, 0.5}),
          "validate and save a moving average of the parameters in which the newest weigh X, as 0.001; 0 for "
          "none");
  set.add("lr-decay", options.lr_decay, kind::real(kShare),
          "multiply the learning rate by X when validation stalls; 0 for never", "valid-sets");
  set.add("lr-decay-patience", options.lr_decay_patience, kind::integer(kCount),
          "stalled validations before each decay", "lr-decay");
  set.add(
      "lr-halve", options.lr_halve, kind::two_reals({0.01, 1000}, "FROM EVERY"),
      "halve the learning rate after FROM epochs, then every EVERY epochs, as 5 0.5; instead of --lr-decay");
  set.add(
      "after", options.after, kind::budget(true),
      "stop after so many epochs, updates or minutes, whichever comes first: 7.5e, 5000u, 30m, or several "
      "as 10e,30m; a plain number counts updates, 0 sets no limit");
  set.add("early-stopping", options.early_stopping, kind::integer(kCountOrOff),
          "stop after N validations in a row without a new best; 0 for never", "valid-sets");
  set.add("seed", options.seed, kind::integer({0, 2147483647}), "seed of all random numbers");
}

void declare_reports(OptionSet& set, TrainOptions& options) {
  set.group("Validation");
  set.add("valid-freq", options.valid_freq, kind::budget(),
          "validate every so many updates (500u), epochs (1e) or minutes (10m); 0 only at the end",
          "valid-sets");
  set.add("valid-metrics", options.valid_metrics, kind::choices(metric_names()),
          "what to report: cross-entropy (a sentence, natural log), perplexity; of beam search bleu, chrf, "
          "exact-match (percent of the sentences), character-error-rate (percent); the first picks the best "
          "model, a tie is decided by the next",
          "valid-sets");
  set.add("keep-best", options.keep_best, kind::flag(),
          "keep the best model by each of --valid-metrics too, as best-METRIC.safetensors", "valid-sets");
  set.add("valid-mini-batch", options.valid_mini_batch, kind::integer(kSize),
          "sentences at once in validation", "valid-sets");
  set.group("Search, in validation and as the model's default in mininmt-beam");
  add_decoding_options(set, options.decoding);
  set.group("Reports and saving");
  set.add("tensorboard", options.tensorboard, kind::flag(),
          "write the numbers of log.jsonl for TensorBoard too: tensorboard --logdir FOLDER");
  set.add("disp-freq", options.disp_freq, kind::budget(),
          "a line of progress every so often (100u, 1e, 1m); 0 for none");
  set.add("save-freq", options.save_freq, kind::budget(),
          "save the last model every so often (1000u, 1e, 30m); 0 only at the end");
  set.add("keep", options.keep, kind::integer(kCountOrOff),
          "keep the models of the last N saves too, as last-UPDATE.safetensors; 0 for none");
  set.add("log", options.log, kind::name(), "write the messages to this file too");
  set.add("quiet", options.quiet, kind::flag(), "nothing but warnings and errors on stderr");
  set.group("Device");
  add_device_options(
      set, options.cpu_threads, options.device, options.precision, {"auto", "float32", "tf32", "bf16"},
      "inputs of matrix products, which is faster the fewer bits they have: float32 as they are; "
      "rounded on a GPU to 10 bits (tf32) or 7 (bf16), on a CPU with AVX512_BF16 or AMX to 7 (bf16), in "
      "updates; sums and all else are float32. auto: tf32 on a GPU, bf16 on such a CPU, float32 on "
      "others");
}

void declare(OptionSet& set, TrainOptions& options) {
  declare_data(set, options);
  declare_model(set, options);
  declare_training(set, options);
  declare_reports(set, options);
  set.add_general();
}

// Settings of a source that change the defaults of other options, unless it sets those too.
void settle(const Settings& given, TrainOptions& options) {
  const auto gives = [&](const char* name) { return find_setting(given, name) != nullptr; };
  if (gives("units") && !gives("max-length") && options.units != TrainOptions().units)
    options.max_length = std::count(options.units.begin(), options.units.end(), "chars") > 0 ? 300 : 100;
  if (gives("mini-batch") && !gives("mini-batch-words")) options.mini_batch_words = 0;
  if (gives("optimizer") && !gives("learn-rate")) {
    options.learn_rate = options.optimizer == "adadelta" ? 1 : options.optimizer == "adam" ? 0.002 : 0.1;
  }
}

// Where a word's cost is not that of one softmax, the default of label smoothing is 0, and another is
// refused.
void settle_label_smoothing(const std::vector<Settings>& sources, TrainOptions& options) {
  if (options.label_smoothing == 0 || find_family(options.config.type).one_softmax(options.config)) return;
  for (const Settings& given : sources)
    if (const po::option* const setting = find_setting(given, "label-smoothing"))
      throw UsageError(join(label(*setting), " needs the cost of one softmax, and this model mixes several: ",
                            "leave it out, or give 0"));
  options.label_smoothing = 0;
}

// An embedding that is the output layer's matrix too is as wide as that: where one size is given alone, the
// other follows; where they differ all the same, nothing is tied, unless that is given.
void settle_tied_embeddings(const std::vector<Settings>& sources, TrainOptions& options) {
  const auto given = [&](const char* name) {
    return std::any_of(sources.begin(), sources.end(),
                       [&](const Settings& source) { return find_setting(source, name) != nullptr; });
  };
  Config& config = options.config;
  if (config.text("tied-embeddings") == "no" || config.type == "transformer") return;
  if (config.type == "rnnsearch" && given("dim-emb") && !given("dim-maxout"))
    config.set("dim-maxout", config.integer("dim-emb"));
  const std::string columns = config.type == "rnnsearch" ? "dim-maxout" : "dim-rnn";
  if (config.integer(columns) != config.integer("dim-emb") && !given("tied-embeddings"))
    config.set("tied-embeddings", "no");
}

}  // namespace

Parsed<TrainOptions> parse_train_options(const std::vector<std::string>& arguments) {
  TrainOptions options;
  OptionSet set(kProgram);
  declare(set, options);
  const Settings command_line = set.read_command_line(arguments);
  if (const auto reply = set.reply(command_line, kHelp, kUsage)) return *reply;
  const Settings file = set.read_config_named_in(command_line);
  set.apply(file);
  set.apply(command_line);
  // Only now is the preset known; its values have the lowest priority.
  const Settings preset = set.read_config(preset_config(options.preset), "preset " + options.preset);
  const std::vector<Settings> sources = {preset, file, command_line};
  for (const Settings& given : sources) {
    set.apply(given);
    settle(given, options);
  }
  set.exclusive(sources, "vocabs", "dim-vocabs");
  set.exclusive(sources, "lr-halve", "lr-decay");
  set.exclusive(sources, "dry-run", "quiet");
  set.require("train-sets", "the two sides of the training text");
  set.require("model", "the folder to make for the model");
  for (const Settings& given : {command_line, file}) set.check_needs(given);
  settle_tied_embeddings({file, command_line}, options);
  take_config_of_init({file, command_line}, options);
  check_fields(command_line, {}, options.config);
  check_fields(file, command_line, options.config);
  settle_label_smoothing({file, command_line}, options);
  check_combination(options.config);
  check_files(sources, options);
  check_values(sources, options);
  return options;
}

std::vector<std::string> changed_options(const std::string& saved, const TrainOptions& options) {
  TrainOptions any;
  OptionSet set(kProgram);
  declare(set, any);
  TrainOptions standard;  // as it was before there were these options
  standard.config.set("tied-embeddings", "no");
  standard.lr_decay_inv_sqrt = options.lr_warmup;
  return set.changed(saved, to_config(options), to_config(standard), kMayChange);
}

bool has_one_vocabulary(const TrainOptions& options) {
  return options.joint_vocabs || shares_vocabulary(options.config);
}

bool has_pieces(const TrainOptions& options) {
  return std::find(options.units.begin(), options.units.end(), kPieces) != options.units.end();
}

bool learns_pieces(const TrainOptions& options) {
  return options.vocabs.empty() && options.init.empty() && has_pieces(options);
}

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = {"cross-entropy", "perplexity",  "bleu",
                                                 "chrf",          "exact-match", "character-error-rate"};
  return names;
}

std::string to_config(const TrainOptions& options) {
  TrainOptions copy = options;
  OptionSet set(kProgram);
  declare(set, copy);
  return set.to_config();
}

}  // namespace mininmt
