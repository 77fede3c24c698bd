// The options of mininmt-beam.
#pragma once

#include <string>
#include <vector>

#include "apps/options/reply.h"

namespace mininmt {

class OptionSet;

// The file in a model's folder that holds the options it was trained with.
inline constexpr char kSavedOptions[] = "options.ini";

// How a sentence is translated: shared by mininmt-beam and the validation of mininmt-train.
struct DecodingOptions {
  int beam_size = 5;
  double normalize = 1;          // hypotheses are ranked by log p / length^normalize, </s> counted
  double max_length_factor = 3;  // at most so many words a source word, for each sentence by itself
  double min_length_factor = 0;  // </s> is barred for the first so many words a source word
  bool allow_unk = false;        // whether <unk> may be written
};

struct BeamOptions {
  std::string model;         // the folder that mininmt-train made
  std::string input = "-";   // "-": stdin
  std::string output = "-";  // "-": stdout
  std::string score;         // translations to score; empty: translate
  std::string reference;     // translations to compare with; empty: none

  DecodingOptions decoding;
  bool n_best = false;
  std::string alignment;  // empty for none, or hard, soft, picture

  int mini_batch = 32;
  int maxi_batch = 20;
  int cpu_threads = 0;             // 0: all cores
  std::string device = "auto";     // auto, cpu, cuda
  std::string precision = "tf32";  // of matrix products on the GPU: float32, tf32, bf16
  std::string invalid_utf8 = "error";
  bool quiet = false;
};

// Adds the options of `decoding` to `set`, in its present group.
void add_decoding_options(OptionSet& set, DecodingOptions& decoding);

// Adds --device, --precision and --cpu-threads, in the present group.
void add_device_options(OptionSet& set, int& cpu_threads, std::string& device, std::string& precision);

// Reads a command line, argv without the program's name, and what it names: the config file, and the options
// saved in the model's folder, which give the defaults of the decoding options. Throws UsageError, or IoError
// when a file that it names cannot be read. A model folder without saved options is no error here.
Parsed<BeamOptions> parse_beam_options(const std::vector<std::string>& arguments);

}  // namespace mininmt
