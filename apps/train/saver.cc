#include "apps/train/saver.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/options/beam_options.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {

Saver::Saver(const TrainingFolder& folder, const Model& model, const Vocab& source, const Vocab& target,
             std::string options, Facts facts, bool resumed, Log& log)
    : folder_(folder),
      model_(model),
      source_(source),
      target_(target),
      options_(std::move(options)),
      facts_(std::move(facts)),
      resumed_(resumed),
      log_(log) {}

void Saver::go_on_from_end(std::int64_t update) {
  if (!writes_) return;
  bool any = false;
  for (const std::string& name : folder_.models()) {
    const std::string before = name_before_end(name);
    if (!folder_.has(before)) continue;
    if (!any && folder_.has(kLastModel)) link_file(folder_.file(kLastModel), folder_.file(kept_name(update)));
    folder_.rename(before, name);
    any = true;
  }
  if (any)
    log_.info(join("the best model is that before the end again; the one of the end is ",
                   folder_.file(kept_name(update))));
}

void Saver::save_checkpoint(const StateOf& state) {
  check_finite(model_.parameters().values());
  if (!writes_) return;
  mininmt::save_checkpoint(folder_.path(), facts_, model_.parameters(), state);
  if (!started_) start();
}

void Saver::save_model(const std::string& name, const Tensor& values, bool at_end) {
  check_finite(values);
  if (!writes_) return;
  if (!started_) throw IoError(folder_.file(name) + " waits for the first checkpoint");
  if (at_end && folder_.has(name)) link_file(folder_.file(name), folder_.file(name_before_end(name)));
  mininmt::save_model(folder_.file(name), model_, values, vocab_metadata(source_, target_));
}

void Saver::keep_last(std::int64_t update, int most) {
  if (!writes_) return;
  link_file(folder_.file(kLastModel), folder_.file(kept_name(update)));
  std::vector<std::string> kept;
  for (const std::string& name : folder_.models())
    if (is_kept_name(name)) kept.push_back(name);
  std::sort(kept.begin(), kept.end());
  for (std::size_t i = 0; i + static_cast<std::size_t>(most) < kept.size(); ++i) folder_.remove(kept[i]);
}

// Once there is a first whole checkpoint: what belongs to another training goes, and the files that belong to
// all models of this one are written.
void Saver::start() {
  for (const std::string& name : folder_.models()) {
    try {
      if (resumed_ && has_vocabs(folder_.file(name), source_, target_))
        check_numbers(folder_.file(name));
      else
        folder_.remove(name);
    } catch (const DataError& error) {
      log_.warning(join(error.what(), "; it stays until training saves it anew"));
    }
  }
  if (!resumed_)
    for (const char* name : {kPreviousCheckpoint, kTensorBoardEvents}) folder_.remove(name);
  save_vocab(source_, kSourceVocab, kSourceModel);
  save_vocab(target_, kTargetVocab, kTargetModel);
  write_file_atomically(folder_.file(kSavedOptions), options_);
  started_ = true;
}

void Saver::save_vocab(const Vocab& vocab, const char* file, const char* model_of_units) const {
  vocab.save(folder_.file(file));
  const std::string model = vocab.units().model();
  if (model.empty()) {
    folder_.remove(model_of_units);
  } else {
    write_file_atomically(folder_.file(model_of_units), model);
  }
}

void Saver::check_finite(const Tensor& values) const {
  const Tensor on_host = values.to(cpu_memory());
  if (std::all_of(on_host.values().begin(), on_host.values().end(), [](real x) { return std::isfinite(x); }))
    return;
  throw Error(
      "training diverged: the parameters are not finite. Try a lower --learn-rate or a smaller --clip-norm; "
      "what was saved before stays as it is");
}

}  // namespace mininmt
