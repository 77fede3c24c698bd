#include "apps/translate/lexicon.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "apps/translate/translator.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// Reads a probability; false if `text` is none.
bool read_p(std::string_view text, double& p) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, p);
  return error == std::errc() && rest == end && p >= 0 && p <= 1;
}

}  // namespace

void read_lexicon(
    const std::string& path, LineOptions options,
    const std::function<void(std::string_view source, std::string_view target, double p)>& use) {
  LineReader reader(path, options);
  for (std::string line; reader.next(line);) {
    const std::vector<std::string_view> words = split_words(line);
    double p = 1;
    if (words.size() < 2 || words.size() > 3 || (words.size() == 3 && !read_p(words[2], p)))
      throw DataError(reader.place() +
                      ": not of the form \"SOURCE TARGET\" or \"SOURCE TARGET P\", P from 0 to 1");
    use(words[0], words[1], p);
  }
}

Lexicon::Lexicon(const std::string& path, LineOptions options) {
  read_lexicon(path, options, [&](std::string_view source, std::string_view target, double p) {
    const auto [entry, is_new] = entries_.try_emplace(std::string(source), Entry{std::string(target), p});
    if (!is_new && p > entry->second.p) entry->second = {std::string(target), p};
  });
}

const std::string& Lexicon::at(const std::string& source) const {
  const auto found = entries_.find(source);
  return found == entries_.end() ? source : found->second.target;
}

LexiconCounts::LexiconCounts(const BeamOptions& options, const LoadedModel& loaded, int threads)
    : options_(options), loaded_(loaded), threads_(threads), counts_(loaded.source.size()) {}

void LexiconCounts::add(const std::vector<std::string>& sources, const std::vector<std::string>& targets) {
  struct Link {
    Id source, target;
    float weight;
  };
  std::vector<std::vector<Link>> links(sources.size());  // added up in order, whatever the threads do
  const auto collect = [&](std::size_t pair, const ForcedAlpha& alpha) {
    const std::vector<Id> source = loaded_.source.encode(sources[pair]),
                          target = loaded_.target.encode(targets[pair]);
    const std::vector<float>& weights = alpha.posteriors.empty() ? alpha.weights : alpha.posteriors;
    for (std::size_t i = 0; i + 1 < target.size(); ++i)
      for (std::size_t j = 0; j + 1 < source.size(); ++j)
        if (const float weight = weights[i * alpha.source_words + j]; weight >= kLeastWeight)
          links[pair].push_back({source[j], target[i], weight});
  };
  align_lines(*loaded_.model, loaded_.source, loaded_.target, sources, targets, options_.mini_batch, threads_,
              collect);
  for (const auto& of_pair : links)
    for (const Link& link : of_pair)
      counts_[static_cast<std::size_t>(link.source)][link.target] += static_cast<double>(link.weight);
}

void LexiconCounts::save(const std::string& path) const {
  std::string lines;
  for (std::size_t source = kUnk + 1; source < counts_.size(); ++source) {
    std::vector<std::pair<Id, double>> best;
    double sum = 0;
    for (const auto& [target, count] : counts_[source]) {
      sum += count;
      if (target > kUnk) best.emplace_back(target, count);
    }
    std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    best.resize(std::min(best.size(), kMostTargets));
    for (const auto& [target, count] : best) {
      char p[32];
      std::snprintf(p, sizeof p, "%.4f", count / sum);
      lines +=
          join(loaded_.source.word(static_cast<Id>(source)), " ", loaded_.target.word(target), " ", p, "\n");
    }
  }
  write_file_atomically(path, lines);
}

}  // namespace mininmt
