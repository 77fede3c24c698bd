// Search: sentences per second.
#include <algorithm>
#include <fstream>
#include <optional>

#include "apps/program/model_folder.h"
#include "apps/text/lines.h"
#include "apps/translate/translator.h"
#include "ops/packed_weights.h"
#include "tensor/error.h"
#include "tests/bench/model_bench.h"

namespace mininmt::bench {
namespace {

LoadedModel load(Arguments& arguments, const Setup& setup, const std::string& source) {
  if (!arguments.has("model")) return {setup.new_model(), setup.vocab(0, source), Vocab()};
  LoadedModel loaded = load_model_folder(arguments.text("model", ""));
  loaded.model->parameters().move_to(*setup.device.memory);
  return loaded;
}

// The lines, repeated until there are `count`; 0: unchanged.
std::vector<std::string> repeat(const std::vector<std::string>& lines, int count) {
  if (count == 0) return lines;
  std::vector<std::string> repeated;
  for (std::size_t i = 0; static_cast<int>(repeated.size()) < count; ++i)
    repeated.push_back(lines[i % lines.size()]);
  return repeated;
}

// Lines of every length.
std::vector<std::string> some_of(const std::vector<std::string>& lines) {
  std::vector<std::string> some;
  for (std::size_t i = 0; i < lines.size(); i += 8) some.push_back(lines[i]);
  return some;
}

Json sizes(const Config& o) {
  return {{"m", o.integer("dim-emb")},
          {"n", o.integer("dim-rnn")},
          {"align", o.integer("dim-align")},
          {"l", o.integer("dim-maxout")},
          {"source_words", o.source_words},
          {"target_words", o.target_words},
          {"decoder_order", o.text("decoder-order")}};
}

void dump(const std::string& path, const Json& settings, const Vocab& vocab,
          const std::vector<std::string>& lines) {
  Json work = settings;
  for (const std::string& line : lines) work["sentences"].push_back(vocab.encode(line));
  std::ofstream file(path);
  if (!(file << work << std::endl)) throw IoError("--dump " + path + " can't be written");
}

std::vector<std::string> read_lines(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);) lines.push_back(line);
  return lines;
}

}  // namespace

void bench_search(Arguments& arguments, const Setup& setup) {
  const std::string source = arguments.list("text", {"", ""})[0];
  if (source.empty()) throw UsageError("mininmt-bench-model: --beam wants --text SOURCE TARGET");
  const LoadedModel loaded = load(arguments, setup, source);
  const int count = arguments.has("sentences") ? arguments.number("sentences", 1) : 0;
  const std::vector<std::string> lines = repeat(read_lines(source), count);
  const int mini_batch = arguments.number("mini-batch", 32);
  SearchOptions search;
  search.beam_size = arguments.number("beam", 5);
  const bool fixed = arguments.has("fixed-length");
  if (fixed) search.max_length_factor = search.min_length_factor = 1;

  Json settings = sizes(loaded.model->config());
  settings.update({{"beam", search.beam_size},
                   {"mini_batch", mini_batch},
                   {"fixed_length", fixed},
                   {"normalize", search.normalize}});
  if (arguments.has("dump")) dump(arguments.text("dump", ""), settings, loaded.source, lines);
  arguments.check_all_used();

  std::optional<PackedWeights> packed;  // as mininmt-beam has them
  if (setup.device.memory->on_host())
    packed.emplace(loaded.model->parameters().values().values(), setup.device.weights);
  const Translator translator(*loaded.model, loaded.source, loaded.target, search, mini_batch,
                              setup.device.threads);
  translator.translate(some_of(lines));  // to allocate memory and load cuBLAS's kernels
  double words = 0;
  const double start = now();
  for (const auto& hypotheses : translator.translate(lines))
    if (!hypotheses.empty()) words += static_cast<double>(hypotheses[0].words.size()) + 1;
  const double seconds = now() - start, sentences = static_cast<double>(lines.size());
  Json line = {{"bench", "translation"},
               {"value", sentences / seconds},
               {"unit", "sentences/s"},
               {"seconds", seconds},
               {"sentences", lines.size()},
               {"words_per_second", words / seconds},
               {"device", setup.device.description},
               {"threads", setup.device.threads},
               {"precision", setup.precision}};
  line.update(settings);
  print(line);
}

}  // namespace mininmt::bench
