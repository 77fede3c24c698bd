#include "apps/options/train_checks.h"

#include <algorithm>
#include <filesystem>

#include "apps/options/clashes.h"
#include "apps/program/model_folder.h"
#include "apps/text/sentencepiece.h"
#include "nn/model_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// Rejects limits of the vocabularies that the model of --init, of this config, leaves nothing to do: without
// --extend-vocabs it has its own.
void check_vocab_limits(const std::vector<Settings>& sources, const TrainOptions& options,
                        const Config& init) {
  if (!options.extend_vocabs) {
    // From strong to weak: --init overrules the limits that a weaker source gives.
    for (auto source = sources.rbegin(); source != sources.rend(); ++source) {
      if (const po::option* const limits = find_setting(*source, "dim-vocabs"))
        throw UsageError(join(label(*limits), " does nothing with ", dashes(*limits), "init alone: add ",
                              dashes(*limits), "extend-vocabs, or leave ", dashes(*limits),
                              "dim-vocabs out"));
      if (find_setting(*source, "init") != nullptr) return;
    }
    return;
  }
  const int words[] = {init.source_words, init.target_words};
  for (std::size_t side = 0; side < options.dim_vocabs.size(); ++side) {
    const int limit = options.dim_vocabs[side];
    if (limit == 0 || limit >= words[side]) continue;
    throw UsageError(join(label(sources, "dim-vocabs"), ": '", limit, "' is below the ", words[side],
                          side == 0 ? " source" : " target",
                          " words that the model of --init has already: give more, or 0 for all words"));
  }
}

// Rejects Adam's constants with another optimizer, unless a stronger source chose it.
void check_adam(const std::vector<Settings>& sources, const TrainOptions& options) {
  if (options.optimizer == "adam") return;
  for (auto given = sources.rbegin(); given + 1 != sources.rend(); ++given) {  // all but the preset
    for (const char* name : {"adam-beta2", "adam-epsilon"})
      if (const po::option* const setting = find_setting(*given, name))
        throw UsageError(join(label(*setting), " is for ", dashes(*setting), "optimizer adam, not ",
                              options.optimizer, ": leave it out"));
    if (find_setting(*given, "optimizer") != nullptr) return;
  }
}

// What one vocabulary for both sides asks of the options.
void check_one_vocabulary(const std::vector<Settings>& sources, const TrainOptions& options) {
  if (options.joint_vocabs && !(options.vocabs.empty() && options.init.empty()))
    throw UsageError(
        join(label(sources, "joint-vocabs"), " does nothing with vocabularies that are there: leave it out"));
  if (!has_one_vocabulary(options)) return;
  if (options.units[0] != options.units[1])
    throw UsageError(
        join(label(sources, "units"), ": this model has one vocabulary for both sides: give one name"));
  const bool counts_words = options.vocabs.empty() && (options.init.empty() || options.extend_vocabs);
  if (counts_words && options.dim_vocabs[0] != options.dim_vocabs[1])
    throw UsageError(join(label(sources, "dim-vocabs"),
                          ": this model has one vocabulary for both sides: give one number twice"));
}

// What units of pieces ask of them.
void check_pieces(const std::vector<Settings>& sources, const TrainOptions& options) {
  if (has_pieces(options) && !has_sentencepiece())
    throw UsageError(join(label(sources, "units"), " sentencepiece: ", kNoSentencePiece));
  if (has_pieces(options) && options.extend_vocabs)
    throw UsageError(
        join(label(sources, "extend-vocabs"), ": a model of pieces of words has no others: leave it out"));
  for (const Settings& given : sources)
    if (const po::option* const type = find_setting(given, "sentencepiece-type");
        type && !learns_pieces(options))
      throw UsageError(join(label(*type), " does nothing where no pieces are learned: leave it out"));
  for (const Settings& given : sources) {
    const po::option* const alpha = find_setting(given, "sentencepiece-alpha");
    if (alpha == nullptr || options.sentencepiece_alpha == 0) continue;
    if (!has_pieces(options))
      throw UsageError(join(label(*alpha), " is for ", dashes(*alpha), "units sentencepiece: leave it out"));
    if (learns_pieces(options) && options.sentencepiece_type != "unigram")
      throw UsageError(join(label(*alpha), ": pieces of type ", options.sentencepiece_type,
                            " have no probabilities to draw by: leave it out"));
  }
  for (std::size_t side = 0; learns_pieces(options) && side < options.units.size(); ++side)
    if (options.units[side] == kPieces && options.dim_vocabs[side] == 0)
      throw UsageError(
          join(label(sources, "dim-vocabs"), ": there is no number of all pieces: give one, as 8000"));
}

}  // namespace

void take_config_of_init(const std::vector<Settings>& sources, TrainOptions& options) {
  if (options.init.empty()) return;
  std::error_code ignored;
  std::filesystem::path path = options.init;
  if (std::filesystem::is_directory(path, ignored)) path /= kModelFile;
  const std::filesystem::path own = std::filesystem::path(options.model) / kLastModel;
  if (!std::filesystem::exists(path, ignored) && std::filesystem::exists(own, ignored))
    path = own;  // a training that goes on needs the other no more
  const Config init = read_model_config(path.string());
  const auto check = [&](const std::string& name, bool same) {
    for (const Settings& given : sources)
      if (const po::option* setting = find_setting(given, name); setting != nullptr && !same)
        throw UsageError(
            join(setting->original_tokens[0], " is not that of the model of --init: leave it out"));
  };
  check("type", options.config.type == init.type);
  options.config.type = init.type;
  const std::vector<std::string> units = units_of_model(path.string());
  check("units", options.units == units);
  options.units = units;
  check_vocab_limits(sources, options, init);
  for (const Field& field : init.fields()) {
    if (!field.saved) continue;
    check(field.name, options.config.value(field.name) == init.value(field.name));
    options.config.set(field.name, init.value(field.name));
  }
}

void check_fields(const Settings& given, const Settings& stronger, const Config& config) {
  for (const Field& field : config.fields()) {
    const po::option* const setting = find_setting(given, field.name);
    const std::string needs = config.has(field) ? field.needs : "type";
    if (setting == nullptr || config.applies(field) || find_setting(stronger, needs) != nullptr) continue;
    throw UsageError(join(label(*setting), " is for ", dashes(*setting), needs, " ",
                          join_list(needs == "type" ? field.types : field.needs_one_of, " or "),
                          ", and this model's is ", needs == "type" ? config.type : config.text(needs),
                          ": leave it out"));
  }
}

void check_combination(Config config) {
  config.source_words = config.target_words = kUnk + 1;
  find_family(config.type).make(narrowed(config));
}

void check_files(const std::vector<Settings>& sources, const TrainOptions& options) {
  const auto refuse_log_on = [&](bool clash, const char* what) {
    if (clash)
      throw UsageError(join(label(sources, "log"), " ", in_quotes(options.log), " would write into ", what,
                            ": choose another name"));
  };
  for (const auto* files : {&options.train_sets, &options.valid_sets, &options.vocabs}) {
    for (const std::string& file : *files) {
      if (file == "-")
        throw UsageError(
            "training text cannot be standard input, it is read more than once: name a file instead of '-'");
      refuse_log_on(would_overwrite(options.log, file), "what is read");
    }
  }
  if (const po::option* const config = find_setting(sources.back(), "config"))
    refuse_log_on(would_overwrite(options.log, config->value[0]), "what is read");
  refuse_log_on(is_model_file(options.log, options.model), "a file of the model");
}

void check_values(const std::vector<Settings>& sources, const TrainOptions& options) {
  for (const int limit : options.dim_vocabs) {
    if (limit != 1 && limit != 2) continue;
    throw UsageError(join(label(sources, "dim-vocabs"), ": '", limit,
                          "' leaves no room for words beside </s> and <unk>: give 3 or more, ",
                          "or 0 for all words"));
  }
  check_one_vocabulary(sources, options);
  check_pieces(sources, options);
  check_adam(sources, options);
  if (!options.init.empty() && !options.vocabs.empty())
    throw UsageError(join(label(sources, "vocabs"), ": the model of --init has its own: leave them out"));
  if (options.after.empty() && (options.early_stopping == 0 || options.valid_sets.empty())) {
    const std::string after = label(sources, "after"), dashes = after.starts_with("--") ? "--" : "";
    throw UsageError(join(after, " 0 would train forever: give a limit, or ", dashes, "valid-sets with ",
                          dashes, "early-stopping"));
  }
}

}  // namespace mininmt
