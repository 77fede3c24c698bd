#include "apps/train/resume.h"

#include <charconv>

#include "apps/options/option_values.h"
#include "apps/text/sentencepiece.h"
#include "ops/bf16_products.h"
#include "tensor/checksum.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr char kOptions[] = "options", kDevice[] = "device", kParts[] = "parts", kThreads[] = "cpu-threads",
               kPrecision[] = "precision";

// The other facts, and what to call them.
constexpr std::pair<const char*, const char*> kTexts[] = {
    {"source-vocabulary", "the source vocabulary"},
    {"target-vocabulary", "the target vocabulary"},
    {"training-text", "the training text"},
    {"validation-text", "the validation text"},
};

std::string fact(const Facts& facts, const std::string& name) {
  const auto found = facts.find(name);
  return found == facts.end() ? "" : found->second;
}

std::string checksum_of(const ValidationText& text) {
  Checksum sum;
  for (const auto* lines : {&text.source, &text.target})
    for (const std::string& line : *lines) sum.add(line + '\n');
  return sum.text();
}

Facts facts_of(const TrainOptions& options, const Device& device) {
  return {{kDevice, device.memory->on_host() ? "cpu" : "cuda"},
          {kParts, std::to_string(options.parts)},
          {kPrecision, device.products}};
}

// Of an older training, a part for each thread.
std::string parts_of(const Facts& facts) { return fact(facts, facts.count(kParts) > 0 ? kParts : kThreads); }

// Of an older training: float32 on a CPU, on a GPU what its options say.
std::string precision_of(const Facts& facts) {
  if (facts.count(kPrecision) > 0) return fact(facts, kPrecision);
  if (fact(facts, kDevice) != "cuda") return "float32";
  const std::string options = fact(facts, kOptions), name = "precision = ";
  const std::size_t at = options.find("\n" + name);
  if (at == std::string::npos) return "tf32";
  const std::size_t begin = at + 1 + name.size();
  return options.substr(begin, options.find('\n', begin) - begin);
}

std::string difference_of_options(const Facts& before, const Facts& now, const TrainOptions& options) {
  std::vector<std::string> changed = changed_options(fact(before, kOptions), options);
  const auto compare = [&](const char* name, const std::string& was) {
    if (was != fact(now, name)) changed.push_back(join("--", name, " is ", fact(now, name), ", was ", was));
  };
  compare(kDevice, fact(before, kDevice));
  if (fact(before, kDevice) == fact(now, kDevice)) compare(kPrecision, precision_of(before));
  if (fact(now, kDevice) == "cpu") compare(kParts, parts_of(before));
  return join_list(changed, "; ");
}

std::string difference_of_texts(const Facts& before, const Facts& now) {
  for (const auto& [name, title] : kTexts)
    if (fact(before, name) != fact(now, name)) return join(title, " is another");
  return "";
}

[[noreturn]] void refuse_to_go_on(const TrainOptions& options, const std::string& why) {
  throw UsageError(join("the training in ", in_quotes(options.model), " can't go on, since ", why,
                        ": give what it had, choose another folder, or start anew with --overwrite"));
}

}  // namespace

std::optional<Checkpoint> find_checkpoint(const TrainingFolder& folder, TrainOptions& options, Log& log) {
  const auto refuse = [&](const std::string& what) {
    throw UsageError(join("--model ", in_quotes(options.model), " ", what));
  };
  std::optional<Checkpoint> checkpoint;
  if (!options.overwrite && options.resume != "never")
    checkpoint = Checkpoint::find(folder.path(), [&](const std::string& text) { log.warning(text); });
  if (checkpoint) {
    const Facts& facts = checkpoint->facts();
    const std::string device = fact(facts, kDevice), parts = parts_of(facts);
    if (options.device == "auto" && !device.empty()) options.device = device;
    if (options.precision == "auto" && options.device == device) {
      options.precision = precision_of(facts);
      if (const std::string why = why_no_bf16();
          device == "cpu" && options.precision == "bf16" && !why.empty())
        refuse_to_go_on(options, "its products are in bf16, and " + why);
    }
    if (options.parts == 0 && options.device == "cpu")
      std::from_chars(parts.data(), parts.data() + parts.size(), options.parts);
    return checkpoint;
  }
  if (options.resume == "required") refuse("holds no checkpoint, and --resume required asks for one");
  if (options.overwrite) return {};
  const std::string ways_out = ": choose another folder, or add --overwrite to replace it";
  for (const char* name : {kModelFile, kLastModel, kCheckpoint, kPreviousCheckpoint})
    if (folder.has(name))
      refuse(options.resume == "never" ? "holds a model already" + ways_out
                                       : "holds a model, but no checkpoint to go on from" + ways_out +
                                             ", or start from it with --init");
  for (const char* name : {kSourceVocab, kTargetVocab, kSourceModel, kTargetModel, kSavedOptions})
    if (folder.has(name)) refuse(join("holds ", name, " already", ways_out));
  return {};
}

std::vector<std::string> own_vocabs(const TrainingFolder& folder, const TrainOptions& options,
                                    const Facts& before) {
  std::vector<std::string> files;
  const char* const names[][2] = {{kSourceVocab, kSourceModel}, {kTargetVocab, kTargetModel}};
  for (std::size_t side = 0; side < 2; ++side) {
    const char* const name = names[side][options.units[side] == kPieces ? 1 : 0];
    const std::string file = folder.file(name);
    if (!folder.has(name) ||
        read_vocab(file, options.units[side]).checksum() != fact(before, kTexts[side].first))
      return {};
    files.push_back(file);
  }
  return files;
}

Facts facts_of(const TrainOptions& options, const TrainingText& text, const ValidationText& valid_text,
               const Device& device) {
  Facts facts = {{kOptions, to_config(options)},
                 {"source-vocabulary", text.source.checksum()},
                 {"target-vocabulary", text.target.checksum()},
                 {"training-text", text.corpus.checksum()},
                 {"validation-text", checksum_of(valid_text)}};
  facts.merge(facts_of(options, device));
  return facts;
}

void check_same_options(const Facts& before, const TrainOptions& options, const Device& device) {
  const std::string changed = difference_of_options(before, facts_of(options, device), options);
  if (!changed.empty()) refuse_to_go_on(options, changed);
}

void check_same_text(const Facts& before, const Facts& now, const TrainOptions& options) {
  const std::string other = difference_of_texts(before, now);
  if (!other.empty()) refuse_to_go_on(options, other);
}

std::string difference(const Facts& before, const Facts& now, const TrainOptions& options) {
  const std::string changed = difference_of_options(before, now, options);
  return changed.empty() ? difference_of_texts(before, now) : changed;
}

}  // namespace mininmt
