#include "apps/translate/translator.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <span>
#include <utility>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace mininmt {
namespace {

using Sentences = std::vector<std::vector<Id>>;
using Spans = std::vector<std::span<const Id>>;
using Places = std::span<const std::size_t>;  // the numbers of the lines of a batch

Sentences encode(const Vocab& vocab, const std::vector<std::string>& lines) {
  Sentences sentences;
  for (const std::string& line : lines) sentences.push_back(vocab.encode(line));
  return sentences;
}

// Calls work(places) for batches of `order`, in this order, spread over the threads. A batch has `mini_batch`
// sentences, or fewer if it would otherwise exceed the padded size of that many of length `ordinary`.
void for_each_batch(Places order, const std::vector<PairLengths>& lengths, PairLengths ordinary,
                    int mini_batch, int threads, const Stop& stop, Share share,
                    const std::function<void(Places)>& work) {
  const std::size_t most = static_cast<std::size_t>(mini_batch);
  const auto batches = cut_into_batches(order, lengths, most, most * ordinary.cells());
  const auto count = static_cast<std::int64_t>(batches.size());
  const auto work_unless_stopped = [&](std::int64_t i) {
    if (!stop || !stop()) work(batches[share.first + i * share.count]);
  };
  parallel_for_each((count - share.first + share.count - 1) / share.count, threads, work_unless_stopped,
                    count);
}

Spans pick(const Sentences& sentences, Places places) {
  Spans picked;
  for (std::size_t i : places) picked.push_back(sentences[i]);
  return picked;
}

// Calls work(places, sources, targets) for batches of pairs of similar target length, spread over the
// threads.
void for_each_batch_of_pairs(const Sentences& sources, const Sentences& targets, int mini_batch, int threads,
                             const Stop& stop, Share share,
                             const std::function<void(Places, const Spans&, const Spans&)>& work) {
  if (sources.size() != targets.size())
    throw Error(join("[for_each_batch_of_pairs] ", sources.size(), " sources, ", targets.size(), " targets"));
  std::vector<std::size_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<PairLengths> lengths;
  for (std::size_t i = 0; i < sources.size(); ++i) lengths.push_back({sources[i].size(), targets[i].size()});
  // By target length, but long sources together, or each batch would be padded for one of them.
  const auto rank = [&](std::size_t i) {
    return std::pair(std::bit_width(lengths[i].source / (2 * kOrdinaryLength)), lengths[i].target);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rank(a) > rank(b); });
  for_each_batch(order, lengths, {kOrdinaryLength, kOrdinaryLength}, mini_batch, threads, stop, share,
                 [&](Places places) { work(places, pick(sources, places), pick(targets, places)); });
}

}  // namespace

SearchOptions search_options(const DecodingOptions& decoding) {
  SearchOptions search;
  search.beam_size = decoding.beam_size;
  search.normalize = decoding.normalize;
  if (decoding.length_penalty == "gnmt") search.length_penalty = LengthPenalty::kGnmt;
  search.max_length_factor = decoding.max_length_factor;
  search.min_length_factor = decoding.min_length_factor;
  search.allow_unk = decoding.allow_unk;
  return search;
}

SearchOptions search_options(const BeamOptions& options) {
  SearchOptions search = search_options(options.decoding);
  search.n_best = options.n_best ? search.beam_size : 1;
  search.alignment =
      !options.alignment.empty() || !options.alignment_picture.empty() || !options.replace_unk.empty();
  search.no_repeat = options.no_repeat;
  search.min_words = options.min_words;
  search.max_words = options.max_words;
  search.word_penalty = options.word_penalty;
  search.coverage_penalty = options.coverage_penalty;
  search.diversity = options.diversity;
  search.skip_positions = options.skip_positions;
  if (options.sampling)
    search.sampling =
        Sampling{options.temperature, options.top_k, options.top_p, static_cast<std::uint64_t>(options.seed)};
  return search;
}

Translator::Translator(const Model& model, const Vocab& source, const Vocab& target,
                       const SearchOptions& search, int mini_batch, int threads, const Shortlist* shortlist)
    : model_(model),
      source_(source),
      target_(target),
      search_(search),
      mini_batch_(mini_batch),
      threads_(threads),
      shortlist_(shortlist) {}

std::vector<std::vector<Hypothesis>> Translator::translate(const std::vector<std::string>& lines,
                                                           const Stop& stop, const GivenLines& given,
                                                           Share share) const {
  const Sentences sources = encode(source_, lines);
  Sentences prefixes = encode(target_, given.prefixes);
  for (auto& prefix : prefixes) prefix.pop_back();  // the </s>
  std::vector<std::size_t> order;
  std::vector<PairLengths> lengths;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].size() > 1) order.push_back(i);  // more than the </s>
    lengths.push_back(search_lengths(sources[i].size()));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a].source > lengths[b].source; });
  std::vector<std::vector<Hypothesis>> result(lines.size());
  const auto search = [&](Places places) {
    PerSentence own;
    if (!prefixes.empty()) own.prefixes = pick(prefixes, places);
    for (const std::size_t i : places) own.numbers.push_back(given.first_number + i);
    const Spans batch = pick(sources, places);
    auto found = beam_search(model_, batch, search_, own, shortlist_ ? shortlist_->words(batch) : Indices());
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(found[i]);
  };
  for_each_batch(order, lengths, search_lengths(kOrdinaryLength), mini_batch_, threads_, stop, share, search);
  return result;
}

// A search step keeps nothing that grows with the target, except each hypothesis's weights if requested; and
// the Transformer's keys and values, which the limit on source words bounds too, by --max-length-factor.
PairLengths Translator::search_lengths(std::size_t source) const {
  if (!search_.alignment && search_.coverage_penalty == 0) return {source, 0};
  const double longest = std::max(
      {1.0, search_.max_length_factor * static_cast<double>(source), static_cast<double>(search_.min_words)});
  return {source, static_cast<std::size_t>(longest * search_.beam_size)};
}

std::vector<double> score_lines(const Model& model, const Vocab& source, const Vocab& target,
                                const std::vector<std::string>& source_lines,
                                const std::vector<std::string>& target_lines, int mini_batch, int threads,
                                const Stop& stop, Share share) {
  std::vector<double> result(source_lines.size());
  const auto score = [&](Places places, const Spans& sources, const Spans& targets) {
    const auto scores = log_probabilities(model, make_batch(sources, targets));
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = scores[i];
  };
  for_each_batch_of_pairs(encode(source, source_lines), encode(target, target_lines), mini_batch, threads,
                          stop, share, score);
  return result;
}

std::vector<std::vector<double>> score_words(const Model& model, const Vocab& source, const Vocab& target,
                                             const std::vector<std::string>& source_lines,
                                             const std::vector<std::string>& target_lines, int mini_batch,
                                             int threads) {
  std::vector<std::vector<double>> result(source_lines.size());
  const auto score = [&](Places places, const Spans& sources, const Spans& targets) {
    auto scores = forced_scores(model, sources, targets);
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(scores[i]);
  };
  for_each_batch_of_pairs(encode(source, source_lines), encode(target, target_lines), mini_batch, threads, {},
                          {}, score);
  return result;
}

void align_lines(const Model& model, const Vocab& source, const Vocab& target,
                 const std::vector<std::string>& source_lines, const std::vector<std::string>& target_lines,
                 int mini_batch, int threads,
                 const std::function<void(std::size_t, const ForcedAlpha&)>& use) {
  const auto align = [&](Places places, const Spans& sources, const Spans& targets) {
    const auto alpha = forced_alignment(model, sources, targets);
    for (std::size_t i = 0; i < places.size(); ++i) use(places[i], alpha[i]);
  };
  for_each_batch_of_pairs(encode(source, source_lines), encode(target, target_lines), mini_batch, threads, {},
                          {}, align);
}

}  // namespace mininmt
