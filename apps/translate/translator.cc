#include "apps/translate/translator.h"

#include <algorithm>
#include <numeric>

#include "nn/training/minibatch.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

using Sentences = std::vector<std::vector<Id>>;

Sentences encode(const Vocab& vocab, const std::vector<std::string>& lines) {
  Sentences sentences;
  for (const std::string& line : lines) sentences.push_back(vocab.encode(line));
  return sentences;
}

// The places in `order`, sorted by the length of the sentences, are cut into minibatches, the longest first,
// and work(places) is called for each. A minibatch has `mini_batch` sentences, fewer where they are very
// long, so that its memory is bounded.
void for_each_batch(std::vector<std::size_t> order, const Sentences& sentences, int mini_batch, int threads,
                    const std::function<void(std::span<const std::size_t>)>& work) {
  constexpr std::size_t kLong = 100;  // words
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sentences[a].size() > sentences[b].size(); });
  const std::size_t most = static_cast<std::size_t>(mini_batch);
  std::vector<std::span<const std::size_t>> batches;
  for (std::span<const std::size_t> rest = order; !rest.empty(); rest = rest.subspan(batches.back().size())) {
    const std::size_t fitting = most * kLong / sentences[rest[0]].size();
    batches.push_back(rest.first(std::min(std::clamp<std::size_t>(fitting, 1, most), rest.size())));
  }
  for_each_part(batches.size(), threads, [&](std::size_t i) { work(batches[i]); });
}

std::vector<std::span<const Id>> pick(const Sentences& sentences, std::span<const std::size_t> places) {
  std::vector<std::span<const Id>> picked;
  for (std::size_t i : places) picked.push_back(sentences[i]);
  return picked;
}

}  // namespace

SearchOptions search_options(const DecodingOptions& decoding) {
  SearchOptions search;
  search.beam_size = decoding.beam_size;
  search.normalize = decoding.normalize;
  search.max_length_factor = decoding.max_length_factor;
  search.min_length_factor = decoding.min_length_factor;
  search.allow_unk = decoding.allow_unk;
  return search;
}

Translator::Translator(const RnnSearch& model, const Vocab& source, const Vocab& target,
                       const SearchOptions& search, int mini_batch, int threads)
    : model_(model),
      source_(source),
      target_(target),
      search_(search),
      mini_batch_(mini_batch),
      threads_(threads) {}

std::vector<std::vector<Hypothesis>> Translator::translate(const std::vector<std::string>& lines) const {
  const Sentences sources = encode(source_, lines);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (sources[i].size() > 1) order.push_back(i);  // more than the </s>
  std::vector<std::vector<Hypothesis>> result(lines.size());
  for_each_batch(order, sources, mini_batch_, threads_, [&](std::span<const std::size_t> places) {
    auto found = beam_search(model_, pick(sources, places), search_);
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(found[i]);
  });
  return result;
}

std::vector<double> score_lines(const RnnSearch& model, const Vocab& source, const Vocab& target,
                                const std::vector<std::string>& source_lines,
                                const std::vector<std::string>& target_lines, int mini_batch, int threads) {
  const Sentences sources = encode(source, source_lines), targets = encode(target, target_lines);
  if (sources.size() != targets.size())
    throw Error(join("[score_lines] ", sources.size(), " sources, ", targets.size(), " targets"));
  std::vector<std::size_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<double> result(sources.size());
  for_each_batch(order, targets, mini_batch, threads, [&](std::span<const std::size_t> places) {
    const auto scores = model.log_probabilities(make_batch(pick(sources, places), pick(targets, places)));
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = scores[i];
  });
  return result;
}

}  // namespace mininmt
