// The options of mininmt-beam.
#pragma once

#include <string>
#include <vector>

#include "apps/options/reply.h"

namespace mininmt {

class OptionSet;

// The file in a model folder that holds its training options.
inline constexpr char kSavedOptions[] = "options.ini";

// How sentences are translated, in mininmt-beam and in validation.
struct DecodingOptions {
  int beam_size = 5;
  double normalize = 1;                  // rank by log p / length^normalize, </s> counted
  std::string length_penalty = "power";  // or gnmt: ((5 + length) / 6)^normalize
  double max_length_factor = 3;  // at most this many words per source word, </s> counted on both sides
  double min_length_factor = 0;  // </s> is barred before this many words per source word
  bool allow_unk = false;        // whether <unk> is allowed
};

// The value of --replace-unk without a lexicon.
inline constexpr char kCopyUnknown[] = "copy";

// The value of --write-lexicon without a file: the model's own.
inline constexpr char kModelsLexicon[] = "MODEL/lexicon";

struct BeamOptions {
  std::string model;                // a folder made by mininmt-train; the first of `models` if they are given
  std::vector<std::string> models;  // an ensemble; empty: only `model`
  std::vector<double> weights;      // of them; empty: all the same
  std::string average;              // the folder for the mean of the models; empty: translate
  std::string input = "-";          // "-": stdin
  std::string output = "-";         // "-": stdout
  std::string score;                // translations to score; empty: translate
  std::string reference;            // reference translations; empty: none
  std::string serve;                // [address:]port to translate at, over HTTP; empty: no
  std::vector<std::string> languages = {"source", "target"};  // what clients of the server call them

  DecodingOptions decoding;
  bool n_best = false;
  std::string alignment;  // empty for none, or hard, soft, picture, or the least weight of a link: 0.3
  bool word_scores = false;
  std::string n_best_feature = "score";  // the name of log p where an n-best list is scored

  std::string prefix;                               // the beginnings of the translations; empty: none
  int no_repeat = 0, min_words = 0, max_words = 0;  // as in SearchOptions, like the next three
  double word_penalty = 0, coverage_penalty = 0, diversity = 0;
  double skip_positions = 0;      // as in SearchOptions
  std::string replace_unk;        // empty: no; kCopyUnknown, or a lexicon
  int shortlist = 0;              // words to choose among, as in Shortlist; 0: all
  std::string shortlist_lexicon;  // a file; the model's own if none is given
  std::string write_lexicon;      // a file to make with `score`; empty: none
  bool sampling = false;
  double temperature = 1, top_p = 1;  // as in Sampling
  int top_k = 0, seed = 1;

  std::string alignment_reference;   // links by people, to judge those of --score by; empty: none
  std::string alignment_picture;     // the file for a figure of each alignment; empty: none
  std::string alignment_symmetrize;  // the model folder of the opposite direction; empty: none

  int mini_batch = 32;
  int maxi_batch = 20;
  int cpu_threads = 0;             // 0: all cores
  std::string device = "auto";     // auto, cpu, cuda
  std::string precision = "auto";  // of matrix products: auto, float32, tf32, bf16, int8
  std::string invalid_utf8 = "error";
  bool quiet = false;
};

// Adds the options of `decoding` to the current group of `set`.
void add_decoding_options(OptionSet& set, DecodingOptions& decoding);

// Adds --device, --precision and --cpu-threads to the current group.
void add_device_options(OptionSet& set, int& cpu_threads, std::string& device, std::string& precision,
                        const std::vector<std::string>& precisions, const std::string& help);

// Reads a command line (argv without the program's name), the config file it names, and the options saved in
// the model folder, which are the defaults of the decoding options. Throws UsageError, or IoError if a file
// it names cannot be read. A model folder without saved options is not an error here; damaged ones are a
// DataError.
Parsed<BeamOptions> parse_beam_options(const std::vector<std::string>& arguments);

}  // namespace mininmt
