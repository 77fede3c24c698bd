#include "apps/train/dry_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "apps/program/progress.h"
#include "apps/text/batches.h"
#include "apps/train/minibatches.h"
#include "apps/train/trainer.h"
#include "nn/training/update.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

constexpr std::size_t kTimed = 6;  // updates

std::string rounded(double value, const char* pattern) {
  char text[32];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

using Pairs = std::vector<std::uint32_t>;

// The minibatches that are fetched together first.
std::vector<Pairs> first_minibatches(const TrainOptions& options, const ParallelCorpus& corpus) {
  BatchStream stream(corpus, batch_options(options), static_cast<std::uint64_t>(options.seed));
  std::vector<Pairs> all;
  do {
    const auto pairs = stream.next();
    all.emplace_back(pairs.begin(), pairs.end());
  } while (all.size() < static_cast<std::size_t>(options.maxi_batch) && stream.epoch() == 0);
  return all;
}

struct Padded {
  std::size_t source_steps = 0, target_steps = 0, cells = 0;
};

Padded padded(const ParallelCorpus& corpus, const Pairs& pairs) {
  Padded shape;
  for (const std::uint32_t pair : pairs) {
    shape.source_steps = std::max(shape.source_steps, corpus.source(pair).size());
    shape.target_steps = std::max(shape.target_steps, corpus.target(pair).size());
  }
  shape.cells = pairs.size() * (shape.source_steps + shape.target_steps);
  return shape;
}

std::string words_of(const Vocab& vocab, std::span<const Id> ids) {
  std::string text;
  for (const Id id : ids) text += (text.empty() ? "" : " ") + std::string(vocab.word(id));
  return text;
}

}  // namespace

void dry_run(const TrainOptions& options, const TrainingText& text, Model& model, const Device& device,
             Processes& processes, Log& log) {
  const ParallelCorpus& corpus = text.corpus;
  std::int64_t words = 0;
  for (std::size_t pair = 0; pair < corpus.size(); ++pair)
    words += static_cast<std::int64_t>(corpus.target(pair).size());
  std::vector<Pairs> minibatches = first_minibatches(options, corpus);
  const auto smaller = [&](const Pairs& a, const Pairs& b) {
    return padded(corpus, a).cells < padded(corpus, b).cells;
  };
  const Pairs first = minibatches[0],
              largest = *std::max_element(minibatches.begin(), minibatches.end(), smaller);
  const auto tell = [&](const std::string& name, const Pairs& pairs) {
    const Padded shape = padded(corpus, pairs);
    log.info(join(name, ": ", pairs.size(), pairs.size() == 1 ? " pair, " : " pairs, ",
                  minibatch_of(corpus, pairs).target_words(), " target ", text.target.units().plural(),
                  "; padded to ", shape.source_steps, " and ", shape.target_steps));
  };
  tell("first minibatch", first);
  log.info("its first pair: " + words_of(text.source, corpus.source(first[0])));
  log.info("                " + words_of(text.target, corpus.target(first[0])));
  tell(join("largest of the ", minibatches.size(), " fetched together"), largest);

  const auto updater = make_updater(model, options, device.threads, processes);
  // The largest first: it also takes the memory that others use again.
  const UpdateReport at_start = updater->update(minibatch_of(corpus, largest));
  log.info(join("cost at the start: ",
                rounded(at_start.cost / static_cast<double>(at_start.sentences), "%.3f"), " a sentence"));
  std::int64_t timed_words = 0;
  const double start = steady_seconds(), communicated = processes.seconds();
  const auto each = static_cast<std::size_t>(options.update_freq);
  const std::size_t timed = std::clamp<std::size_t>(minibatches.size() / each, 1, kTimed);
  for (std::size_t i = 0; i < timed; ++i) {
    std::vector<Minibatch> of_update;
    for (std::size_t k = 0; k < each; ++k)
      of_update.push_back(minibatch_of(corpus, minibatches[(i * each + k) % minibatches.size()]));
    updater->start(of_update);
    timed_words += updater->reports(true).back().words;
  }
  const double seconds = steady_seconds() - start, speed = static_cast<double>(timed_words) / seconds;
  const double parameters = static_cast<double>(model.parameters().values().size()) * sizeof(real);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  log.info(join("memory: the parameters ", rounded(parameters / 1e6, "%.3g"), " MB, the process at most ",
                rounded(static_cast<double>(usage.ru_maxrss) * 1024 / 1e6, "%.0f"), " MB so far"));
  const double epoch = static_cast<double>(words) / speed;
  if (processes.count() > 1 && device.memory->on_host())
    log.info(join("communication takes ",
                  rounded(100 * (processes.seconds() - communicated) / seconds, "%.0f"), "% of the time"));
  log.info(join("an update takes ", rounded(seconds / static_cast<double>(timed), "%.3g"), " s, ",
                std::lround(speed), " target ", text.target.units().plural(), "/s over ", timed,
                timed == 1 ? " update" : " updates", "; an epoch (", corpus.size(),
                " pairs), without validation, about ", format_duration(epoch)));
  log.info("dry run: nothing was written");
}

}  // namespace mininmt
