// Beam search on the GPU gives the CPU's translations.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "cuda/device.h"
#include "nn/beam_search.h"
#include "nn/ensemble.h"
#include "tests/cuda/emulated.h"
#include "tests/models/random_model.h"

namespace mininmt {
namespace {

using Found = std::vector<std::vector<Hypothesis>>;

struct Models {
  std::unique_ptr<Model> cpu, gpu;
};

Models models(const Config& options, std::uint64_t seed, double deviation = 0.7) {
  Models m{random_model(options, seed, deviation), random_model(options, seed, deviation)};
  m.gpu->parameters().move_to(cuda::memory());
  return m;
}

// A lone </s>, short and long sentences together.
Sentences sources() {
  return random_sentences(kEmulated ? std::vector{4, 1, 11, 2} : std::vector{4, 1, 23, 2, 9, 3, 41}, 9);
}

void check_near(double x, double y) { CHECK(std::abs(x - y) <= 1e-4 * (1 + std::abs(y))); }

void check_same(const Hypothesis& gpu, const Hypothesis& cpu) {
  CHECK(gpu.ended == cpu.ended);
  check_near(gpu.log_p, cpu.log_p);
  check_near(gpu.score, cpu.score);
  REQUIRE(gpu.alpha.size() == cpu.alpha.size());
  for (std::size_t t = 0; t < cpu.alpha.size(); ++t) {
    REQUIRE(gpu.alpha[t].size() == cpu.alpha[t].size());
    for (std::size_t j = 0; j < cpu.alpha[t].size(); ++j) check_near(gpu.alpha[t][j], cpu.alpha[t][j]);
  }
}

// Hypotheses whose scores are the same to rounding may change places.
void check_same(const Found& gpu, const Found& cpu) {
  REQUIRE(gpu.size() == cpu.size());
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    INFO("sentence " << i);
    REQUIRE(gpu[i].size() == cpu[i].size());
    for (std::size_t k = 0; k < cpu[i].size(); ++k) {
      INFO("hypothesis " << k);
      check_near(gpu[i][k].score, cpu[i][k].score);
      const auto same_words = std::find_if(cpu[i].begin(), cpu[i].end(), [&](const Hypothesis& other) {
        return other.words == gpu[i][k].words && other.ended == gpu[i][k].ended;
      });
      REQUIRE(same_words != cpu[i].end());
      check_same(gpu[i][k], *same_words);
    }
  }
}

void check_search(const Models& m, const SearchOptions& options) {
  INFO("K " << options.beam_size << ", n-best " << options.n_best << ", unk " << options.allow_unk
            << ", at least " << options.min_length_factor << ", at most " << options.max_length_factor);
  const Sentences all = sources();
  check_same(beam_search(*m.gpu, spans(all), options), beam_search(*m.cpu, spans(all), options));
}

SearchOptions options(int beam, int n_best) {
  SearchOptions o;
  o.beam_size = beam;
  o.n_best = n_best;
  o.alignment = true;
  return o;
}

TEST_CASE("translations, scores and alignments are the CPU's, for beams of 1, 5 and 12") {
  std::uint64_t seed = 0;
  for (const Variant& variant : kVariants) {
    INFO(variant.order, ", ", variant.alignment);
    const Models m = models(small_config(variant.order, variant.alignment, 30), ++seed);
    for (int beam : {1, 5, 12})
      if (!kEmulated || beam == 5 || variant.order == "authors") check_search(m, options(beam, beam));
  }
}

TEST_CASE("limits of length, and <unk>") {
  const Models m = models(small_config("authors", "additive", 30), 7);
  for (const auto* model : {m.cpu.get(), m.gpu.get()})
    for (const Parameter* p : model->parameters().all())
      if (p->name == "output.b_y") p->value.slice(kEos, 2).fill(3);  // makes </s> and <unk> likely
  for (bool unk : {false, true})
    for (double least : {0.0, 1.5})
      for (double most : {0.5, 2.0}) {
        SearchOptions o = options(5, 3);
        o.allow_unk = unk;
        o.min_length_factor = least;
        o.max_length_factor = most;
        o.normalize = least;  // 0: only by log p
        check_search(m, o);
      }
}

// Fewer words than the beam size: lists that end early.
TEST_CASE("small search: a vocabulary smaller than the beam") {
  const Models m = models(small_config("authors", "additive", 4), 3);
  check_search(m, options(12, 12));
}

TEST_CASE("a vocabulary of several blocks of words") {
  const Config sizes = rnnsearch_config({9, 5003, 31, 33, 37, 31});
  const Models m = models(sizes, 5, 0.3);
  SearchOptions o = options(12, 4);
  o.max_length_factor = 0.5;
  check_search(m, o);
}

// Their words are chosen on the host.
TEST_CASE("small search: rules, samples and ensembles") {
  Models m = models(small_config("authors", "additive", 30), 3);
  SearchOptions o = options(3, 3);
  o.no_repeat = 2;
  o.max_words = 4;
  o.coverage_penalty = 0.3;
  check_search(m, o);
  o = options(1, 2);
  o.sampling = Sampling{.top_k = 5};
  check_search(m, o);
  Models other = models(small_config("body", "fixed", 30), 4);
  using Shared = std::vector<std::shared_ptr<const Model>>;
  const Ensemble cpu(Shared{std::move(m.cpu), std::move(other.cpu)}, {2, 1}),
      gpu(Shared{std::move(m.gpu), std::move(other.gpu)}, {2, 1});
  const Sentences all = sources();
  check_same(beam_search(gpu, spans(all), options(3, 2)), beam_search(cpu, spans(all), options(3, 2)));
}

TEST_CASE("the same bits again") {
  const Models m = models(small_config("authors", "additive", 30), 2);
  const Sentences all = sources();
  const SearchOptions o = options(kEmulated ? 5 : 12, 5);
  const Found a = beam_search(*m.gpu, spans(all), o), b = beam_search(*m.gpu, spans(all), o);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].size() == b[i].size());
    for (std::size_t k = 0; k < a[i].size(); ++k) {
      CHECK(a[i][k].words == b[i][k].words);
      CHECK(a[i][k].log_p == b[i][k].log_p);
      CHECK(a[i][k].alpha == b[i][k].alpha);
    }
  }
}

}  // namespace
}  // namespace mininmt
