#include "apps/options/beam_options.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "apps/options/clashes.h"
#include "apps/options/options.h"
#include "apps/options/search_options.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr char kProgram[] = "mininmt-beam";

constexpr char kUsage[] =
    R"(usage: mininmt-beam --model FOLDER [options] < SOURCE > TRANSLATION
mininmt-beam --help explains the options.
)";

constexpr char kHelp[] = R"(mininmt-beam translates with a model that mininmt-train made, by beam search.
It reads lines of text like its training text, and writes one line for each.

Examples:
  mininmt-beam --model model < test.en > test.out
  mininmt-beam --model model --input a.en --output a.out --reference a.fr
  echo 'the red car .' | mininmt-beam --model model --alignment picture

Input (plain or gzipped text) and output:
  --model FOLDER             the trained model (required)
  --models FOLDER ...        several models, which translate together
  --input, --output FILE     instead of standard input and output
  --reference FILE           prints BLEU against these translations at the end
  --score FILE               no search: writes log p (natural) of each line of
                             FILE as the translation of the input's line
What to write:
  --n-best                   all hypotheses of the beam, with their scores
  --alignment [KIND]         hard, soft or picture: what each word attended to
  --alignment-picture FILE   the same as figures, in FILE.svg or FILE.html
  --alignment-reference FILE with --score: prints the alignment error rate
Search:
  --beam-size N              hypotheses kept [{beam-size}]
  --normalize [ALPHA]        divide log p by length^ALPHA; 0: do not [{normalize}]
  --max-length-factor X      at most X words a source word [{max-length-factor}]
  --allow-unk                let the output contain <unk>
  --prefix FILE              the given beginning of each translation
  --sampling                 draw translations at random instead of searching
Speed:
  --mini-batch N             sentences translated at once [{mini-batch}]
  --device NAME              cpu, cuda or auto: a GPU if there is one [{device}]
  --cpu-threads N            0: all cores [{cpu-threads}]

--config FILE reads lines "name = value"; --help-all lists all options.
)";

constexpr char kStandardStream[] = "-";
constexpr char kLexicon[] = "lexicon";  // of a model, in its folder

const std::vector<std::string> kDecodingNames = {"beam-size",         "normalize",         "length-penalty",
                                                 "max-length-factor", "min-length-factor", "allow-unk"};

void declare(OptionSet& set, BeamOptions& options) {
  set.group("Input and output");
  set.add("model", options.model, kind::name("FOLDER"), "the folder that mininmt-train made");
  add_ensemble_options(set, options);
  set.add("input", options.input, kind::name(), "source text, plain or gzipped; - for standard input");
  set.add("output", options.output, kind::name(), "where the translations go; - for standard output");
  set.add("score", options.score, kind::name(),
          "translations to score instead of searching: writes log p (natural) of each, </s> included. With "
          "--n-best an n-best list, as --n-best writes it, of the lines of the input: writes it with log p "
          "as another feature");
  set.add("serve", options.serve, kind::name("[ADDRESS:]PORT"),
          "translate over HTTP instead of files: a page for people at /, and /translate and /languages as "
          "LibreTranslate has them. Only this machine's programs can connect, unless ADDRESS says otherwise, "
          "as 0.0.0.0:8080; port 0 is any that is free");
  set.add("languages", options.languages, kind::names_of_sides(),
          "what clients of the server call the languages, as en fr", "serve");
  set.add("reference", options.reference, kind::name(),
          "right translations: prints BLEU to stderr at the end");
  set.add(
      "alignment-reference", options.alignment_reference, kind::name(),
      "word alignments of the pairs by people: prints precision, recall and alignment error rate of the "
      "model's to stderr at the end. A target word is linked to the source word with the largest weight, in "
      "two readings: by the attention before the word, which predicts it, and by the first after it, which "
      "has seen it. The file has a line \"0-0 1p2\" for each pair (Pharaoh; p or ? for possible), or a line "
      "\"1 2 3 S\" for each link (shared task; pair, source, target, S or P)",
      "score");
  set.add("invalid-utf8", options.invalid_utf8, kind::choice({"error", "replace"}),
          "bytes that are not UTF-8, or NUL: stop, or put U+FFFD in their place");
  set.group("What to write");
  set.add(
      "n-best", options.n_best, kind::flag(),
      "all hypotheses of the beam, not only the best, with their scores; those cut at the maximum length, "
      "whose log p lacks </s>, come last");
  set.add("alignment", options.alignment,
          kind::or_without_value(
              kind::choice_or_real({"hard", "soft", "picture"}, {0.001, 1}, "hard|soft|picture|X"), "hard"),
          "hard: pairs s-t, counted from 0, a target word with the source word of largest weight; a number: "
          "all pairs of at least this weight; soft: the weights of the source positions for each target "
          "word, which add up to 1 unless --alignment-model was window; picture: drawn in characters. "
          "Without a value: hard. With --score after the log p");
  set.add(
      "alignment-picture", options.alignment_picture, kind::name("FILE"),
      "a figure of the alignment of each line and its best translation, or of each pair of --score, all in "
      "one file, numbered from 1: FILE.html, which can hold thousands, or FILE.svg");
  set.add("word-scores", options.word_scores, kind::flag(),
          "log p of each word and </s>, behind all else, or as a feature of an n-best list");
  set.add(
      "write-lexicon", options.write_lexicon, kind::or_without_value(kind::name("FILE"), kModelsLexicon),
      "with --score: count which units of the target the model's attention links with which of the source, "
      "and write lines \"SOURCE TARGET P\", for --shortlist and --replace-unk. Without a value: the file "
      "lexicon in the model's folder",
      "score");
  set.add("n-best-feature", options.n_best_feature, kind::name("NAME"),
          "the feature's name where --score is an n-best list");
  set.add("alignment-symmetrize", options.alignment_symmetrize, kind::name("FOLDER"),
          "a model of the opposite direction: joins its links with those of --model (grow-diagonal), for "
          "--alignment hard and --alignment-reference",
          "score");
  set.group("Search (the defaults are those that the model was validated with)");
  add_decoding_options(set, options.decoding);
  set.group("Other searches, and sampling");
  add_search_options(set, options);
  set.group("Speed");
  set.add("mini-batch", options.mini_batch, kind::integer({1, 65536}), "sentences translated at once");
  set.add("maxi-batch", options.maxi_batch, kind::integer({1, 65536}),
          "minibatches of text read ahead and sorted by length");
  add_device_options(
      set, options.cpu_threads, options.device, options.precision,
      {"auto", "float32", "tf32", "bf16", "int8"},
      "inputs of matrix products, which is faster the fewer bits they have: float32 as they are; "
      "rounded on a GPU to 10 bits (tf32) or 7 (bf16), on a CPU with the instructions to 7 (bf16) "
      "or to 8-bit integers (int8); sums and all else are float32. auto: tf32 on a GPU, bf16 on such "
      "a CPU to translate, else float32");
  set.group("Messages");
  set.add("quiet", options.quiet, kind::flag(), "nothing but warnings and errors on stderr");
  set.add_general();
}

// The folder of a model, which is that or a file in it.
std::filesystem::path folder_of(const std::filesystem::path& model) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(model, ignored) ? model.parent_path() : model;
}

// Applies the decoding options from those saved with the model, which is a folder or a file in it. What is
// wrong with them is wrong with the model: a DataError.
Settings apply_model_defaults(OptionSet& set, const std::filesystem::path& model) {
  std::error_code ignored;
  const std::string saved = (folder_of(model) / kSavedOptions).string();
  if (!std::filesystem::is_regular_file(saved, ignored)) return {};
  try {
    const Settings settings = set.read_config(read_small_file(saved), saved, kDecodingNames);
    set.apply(settings);
    return settings;
  } catch (const UsageError& error) {
    throw DataError(join(error.what(), ": the model's saved options are damaged"));
  }
}

// Each stream that is read: the option's name in messages, and what it names.
std::vector<std::pair<std::string, std::string>> inputs(const std::vector<Settings>& sources,
                                                        const BeamOptions& options) {
  std::vector<std::pair<std::string, std::string>> all = {{label(sources, "input"), options.input}};
  if (!options.score.empty()) all.emplace_back(label(sources, "score"), options.score);
  if (!options.reference.empty()) all.emplace_back(label(sources, "reference"), options.reference);
  if (!options.alignment_reference.empty())
    all.emplace_back(label(sources, "alignment-reference"), options.alignment_reference);
  if (!options.prefix.empty()) all.emplace_back(label(sources, "prefix"), options.prefix);
  if (!options.replace_unk.empty() && options.replace_unk != kCopyUnknown)
    all.emplace_back(label(sources, "replace-unk"), options.replace_unk);
  if (options.shortlist > 0) all.emplace_back(label(sources, "shortlist-lexicon"), options.shortlist_lexicon);
  if (const po::option* const config = find_setting(sources.back(), "config"))
    all.emplace_back(label(*config), config->value[0]);
  return all;
}

void check_picture(const std::vector<Settings>& sources, const BeamOptions& options) {
  const std::string& name = options.alignment_picture;
  if (name.empty()) return;
  const std::string given = join(label(sources, "alignment-picture"), " ", in_quotes(name));
  if (!name.ends_with(".svg") && !name.ends_with(".html"))
    throw UsageError(given + ": the name must end in .svg or .html, which says what is written");
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored) && !std::filesystem::is_regular_file(name, ignored))
    throw UsageError(given + " is there already, and is no file: choose another name");
  if (place_of(name) == place_of(options.output))
    throw UsageError(join(given, " and ", label(sources, "output"), " are the same file: name two"));
}

void check(const OptionSet& set, const std::vector<Settings>& sources, const BeamOptions& options) {
  set.require("model", "the folder that mininmt-train made");
  const auto read = inputs(sources, options);
  for (std::size_t i = 1; i < read.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!same_stream(read[i].second, read[j].second)) continue;
      const bool is_stdin = read[i].second == kStandardStream || read[j].second == kStandardStream;
      throw UsageError(join(read[i].first, " is ", is_stdin ? "standard input" : in_quotes(read[i].second),
                            ", and so is ", read[j].first, ": name a file for one of them"));
    }
  }
  std::vector<std::string> models = options.models;
  models.insert(models.end(), {options.model, options.alignment_symmetrize});
  for (const auto& [option, written] : {std::pair("output", options.output),
                                        {"alignment-picture", options.alignment_picture},
                                        {"write-lexicon", options.write_lexicon}}) {
    const auto refuse = [&](const std::string& why) {
      throw UsageError(join(label(sources, option), " ", in_quotes(written), " would overwrite ", why,
                            ": choose another name"));
    };
    for (const auto& [name, path] : read)
      if (would_overwrite(written, path)) refuse("what is read");
    for (const std::string& model : models)
      if (is_model_file(written, model)) refuse("a file of the model");
  }
  check_picture(sources, options);
  std::error_code ignored;
  if (options.shortlist > 0 && !std::filesystem::exists(options.shortlist_lexicon, ignored))
    throw UsageError(join(label(sources, "shortlist"), ": there is no lexicon ",
                          in_quotes(options.shortlist_lexicon),
                          ": --score with --write-lexicon, over the training text, makes it"));
}

// Two models join links; they draw no weights together.
void check_symmetrize(const std::vector<Settings>& sources, const BeamOptions& options) {
  if (options.alignment_symmetrize.empty()) return;
  const std::string name = label(sources, "alignment-symmetrize");
  if (options.alignment != "hard" && !options.alignment.empty())
    throw UsageError(
        join(name, " joins links, not weights: with ", label(sources, "alignment"), " it can only be hard"));
  if (options.alignment.empty() && options.alignment_reference.empty())
    throw UsageError(
        join(name, " does nothing without --alignment hard or --alignment-reference FILE: add one"));
}

}  // namespace

void add_device_options(OptionSet& set, int& cpu_threads, std::string& device, std::string& precision,
                        const std::vector<std::string>& precisions, const std::string& help) {
  set.add("device", device, kind::choice({"auto", "cpu", "cuda"}),
          "auto: an NVIDIA GPU if there is one, else the CPU");
  set.add("precision", precision, kind::choice(precisions), help);
  set.add("cpu-threads", cpu_threads, kind::integer({0, 1024}), "threads on the CPU; 0 for all cores");
}

void add_decoding_options(OptionSet& set, DecodingOptions& decoding) {
  set.add("beam-size", decoding.beam_size, kind::integer({1, 1000}), "hypotheses kept");
  set.add("normalize", decoding.normalize, kind::or_without_value(kind::real({0, 10}, "[ALPHA]"), "1"),
          "rank hypotheses by log p / length^ALPHA; 0 ranks by log p. Without a value: 1");
  set.add("length-penalty", decoding.length_penalty, kind::choice({"power", "gnmt"}),
          "what --normalize divides log p by: power: length^ALPHA; gnmt: ((5 + length) / 6)^ALPHA",
          "normalize");
  set.add("max-length-factor", decoding.max_length_factor, kind::real({0.1, 100}),
          "write at most X words for each source word, </s> counted on both sides");
  set.add(
      "min-length-factor", decoding.min_length_factor, kind::real({0, 100}),
      "bar </s> for the first X words for each source word, </s> counted there; the paper presets have 0.5");
  set.add("allow-unk", decoding.allow_unk, kind::flag(), "let the output contain <unk>");
}

Parsed<BeamOptions> parse_beam_options(const std::vector<std::string>& arguments) {
  BeamOptions options;
  OptionSet set(kProgram);
  declare(set, options);
  const Settings command_line = set.read_command_line(arguments);
  if (const auto reply = set.reply(command_line, kHelp, kUsage)) return *reply;
  const Settings file = set.read_config_named_in(command_line);
  set.apply(file);
  set.apply(command_line);
  set.exclusive({file, command_line}, "model", "models");
  // Only now is the model known; its defaults have the lowest priority.
  const std::string first = options.models.empty() ? options.model : options.models[0];
  const std::vector<Settings> sources = {apply_model_defaults(set, first), file, command_line};
  for (const Settings& given : {file, command_line}) set.apply(given);
  for (const Settings& given : {command_line, file}) set.check_needs(given);
  std::vector<std::string> of_search = kDecodingNames;
  of_search.emplace_back("reference");
  for (const std::string& other : of_search) set.exclusive(sources, "score", other);
  for (const char* of_files :
       {"input", "output", "score", "reference", "prefix", "n-best", "alignment", "alignment-picture",
        "word-scores", "alignment-reference", "average", "replace-unk", "sampling", "write-lexicon"})
    set.exclusive(sources, "serve", of_files);
  set.exclusive(sources, "alignment-picture", "alignment-symmetrize");
  settle_search_options(set, {file, command_line}, options);
  if (!options.models.empty()) options.model = options.models[0];
  const std::string own_lexicon = (folder_of(options.model) / kLexicon).string();
  if (options.write_lexicon == kModelsLexicon) options.write_lexicon = own_lexicon;
  if (options.shortlist_lexicon.empty()) options.shortlist_lexicon = own_lexicon;
  for (const Settings& given : {command_line, file}) set.check_needs(given);
  check(set, sources, options);
  check_symmetrize(sources, options);
  return options;
}

}  // namespace mininmt
