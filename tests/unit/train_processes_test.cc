// Parts of an update, and the processes that compute them: the same bits, whoever computes what.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <thread>
#include <tuple>

#include "apps/train/shared_state.h"
#include "nn/training/part_sums.h"
#include "tensor/error.h"
#include "tests/unit/process_team.h"
#include "tests/unit/train_corpus.h"

namespace mininmt {
namespace {

std::int64_t size_of(const PartNode& node, std::int64_t parts) {
  const std::int64_t begin = node.index << node.level, end = (node.index + 1) << node.level;
  return std::min(end, parts) - begin;
}

TEST_CASE("the nodes of each process hold its parts, and no part twice") {
  for (std::int64_t parts = 1; parts <= 40; ++parts) {
    const PartTree tree(parts);
    CHECK(size_of(tree.root(), parts) == parts);
    CHECK(tree.nodes_of({0, parts}) == std::vector{tree.root()});
    for (const int count : {1, 2, 3, 4, 7, 50}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < count; ++rank) {
        const PartTree::Range own = tree.parts_of(rank, count);
        CHECK(own.begin == next);
        const auto nodes = tree.nodes_of(own);
        for (const PartNode& node : nodes) {
          CHECK(tree.highest(node) == node);
          CHECK((node.index << node.level) == next);
          next += size_of(node, parts);
        }
        CHECK(own.end == next);
        for (std::size_t i = 1; i < nodes.size(); ++i)  // as few as possible
          CHECK_FALSE((nodes[i - 1].is_left() && nodes[i] == nodes[i - 1].sibling()));
      }
      CHECK(next == parts);
    }
  }
}

struct Trained {
  std::vector<real> parameters, average;
  std::vector<double> costs, norms;
  bool operator==(const Trained&) const = default;
};

const ParallelCorpus kCorpus = random_corpus(60);

// Five updates of minibatches of different sizes.
Trained train(const TrainOptions& options, int threads, Processes& processes = one_process()) {
  const auto model = random_model(options.config);
  const auto updater = make_updater(*model, options, threads, processes);
  Trained trained;
  std::uint32_t next = 0;
  for (const std::uint32_t size : {16u, 3u, 21u, 5u, 15u}) {
    std::vector<Minibatch> minibatches;
    std::vector<std::uint32_t> pairs(size);
    std::iota(pairs.begin(), pairs.end(), next);
    next += size;
    for (int i = 0; i < options.update_freq; ++i) {
      const std::size_t begin = size * i / options.update_freq, end = size * (i + 1) / options.update_freq;
      minibatches.push_back(minibatch_of(kCorpus, std::span(pairs).subspan(begin, end - begin)));
    }
    updater->start(minibatches);
    const UpdateReport report = updater->reports(true).back();
    CHECK(report.sentences == size);
    CHECK(report.applied);
    trained.costs.push_back(report.cost);
    trained.norms.push_back(report.gradient_norm);
  }
  trained.parameters = copy_of(model->parameters().values());
  trained.average = copy_of(updater->values());
  return trained;
}

TrainOptions trained_options() {
  TrainOptions options = plain_options();
  options.optimizer = "adam";
  options.learn_rate = 0.01;
  options.clip_norm = 1;
  options.exponential_smoothing = 0.1;
  options.config = with_dropout(small_config());
  options.word_dropout = 0.1;
  return options;
}

TEST_CASE("the same parts give the same bits on any threads and processes") {
  std::set<std::vector<real>> different;
  for (const int parts : {1, 2, 3, 5, 8}) {
    TrainOptions options = trained_options();
    options.parts = parts;
    const Trained by_itself = train(options, 1);
    different.insert(by_itself.parameters);
    for (const int threads : {2, 3}) CHECK(train(options, threads) == by_itself);
    for (const int count : {2, 3, 4, 8}) {  // with few parts there is nothing to do for some
      CAPTURE(parts);
      CAPTURE(count);
      run_team(count, [&](Processes& processes) {
        const Trained own = train(options, 1 + processes.rank() % 2, processes);
        if (!(own == by_itself)) FAIL_CHECK("other bits in process " << processes.rank());
      });
    }
  }
  CHECK(different.size() > 1);  // parts matter
}

TEST_CASE("without a number of parts there is one for each thread of all processes") {
  TrainOptions options = trained_options();
  options.parts = 4;
  const Trained by_itself = train(options, 1);
  options.parts = 0;
  CHECK(train(options, 4) == by_itself);
  run_team(2, [&](Processes& processes) { CHECK(train(options, 2, processes) == by_itself); });
}

// Of matrices worth a message each.
TrainOptions larger_options() {
  TrainOptions options = trained_options();
  for (const char* size : {"dim-emb", "dim-rnn", "dim-align"}) options.config.set(size, 160);
  return options;
}

TEST_CASE("what is final is added up over processes while the rest is computed, to the same bits") {
  TrainOptions options = larger_options();
  for (const auto& [count, threads, parts] :
       {std::tuple{2, 1, 2}, {2, 2, 3}, {3, 2, 5}, {4, 1, 3}, {2, 1, 8}}) {
    CAPTURE(count);
    options.parts = parts;
    const Trained by_itself = train(options, 1);
    std::vector<int> sent(static_cast<std::size_t>(count));
    run_team(
        count,
        [&](Processes& processes) {
          if (!(train(options, threads, processes) == by_itself))
            FAIL_CHECK("other bits in process " << processes.rank());
        },
        &sent);
    // Two updates after the first three, in several ranges each; not where the first process has no part.
    for (const int messages : sent)
      if (parts <= count * threads) CHECK((parts < count ? messages == 0 : messages > 2 * 3));
  }
}

TEST_CASE("a range is added up once it is final in all parts of a process, before the last one ends") {
  Parameters parameters;
  const Parameter& p = parameters.add("p", {100});
  parameters.allocate();
  run_team(1, [&](Processes& processes) {
    std::atomic<int> added = 0;
    EarlySums sums(parameters, processes, [&](const EarlySums::Range& range, const Processes::Waiting&) {
      CHECK(range.begin == 0);
      CHECK(range.size == parameters.size());
      ++added;
    });
    for (int update = 0; update < 5; ++update) {
      const bool early = sums.begin(2, update != 4);
      CHECK(early == (update == 3));
      sums.is_final(p);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      CHECK(added == (update == 4));
      sums.is_final(p);
      while (early && added == 0) std::this_thread::yield();
      sums.finish();
    }
    CHECK(added == 1);
  });
}

TEST_CASE("an update that fails while gradients are to be added up early ends") {
  const TrainOptions options = larger_options();
  const auto fail = [&](Processes& processes) {
    const auto model = random_model(options.config);
    const auto updater = make_updater(*model, options, 1, processes);
    std::vector<std::uint32_t> pairs(16);
    std::iota(pairs.begin(), pairs.end(), 0);
    for (int update = 0; update < 4; ++update) updater->update(minibatch_of(kCorpus, pairs));
    const Sentence none = {99, kEos};  // the model has 9 words
    Minibatch broken = minibatch_of(kCorpus, pairs);
    broken.sources.assign(broken.sources.size(), none);
    updater->update(broken);
  };
  CHECK_THROWS_WITH_AS(run_team(2, fail), doctest::Contains("word 99 is outside"), Error);
}

TEST_CASE("a process that gives up while it waits for what another sends ends") {
  Parameters parameters;
  const Parameter& p = parameters.add("p", {100});
  parameters.allocate();
  run_team(2, [&](Processes& processes) {
    PartSums sums(parameters, processes, 1);
    for (int update = 0; update < 4; ++update) {
      const PartTree::Range own = sums.begin(2);
      const Tensor gradient = sums.start(own.begin);
      gradient.fill(static_cast<real>(1 + processes.rank()));
      if (update == 3 && !processes.is_first()) return;
      sums.is_final(p);
      sums.put(own.begin, gradient, false);
      if (update < 3) CHECK(sums.sum().data()[0] == 3);
    }
  });
}

TEST_CASE("an update of several minibatches is that of all their sentences") {
  TrainOptions options = plain_options();
  options.optimizer = "sgd";
  options.learn_rate = 0.01;
  options.cost_type = "ce-mean";
  const Trained at_once = train(options, 1);
  options.update_freq = 3;
  const Trained in_three = train(options, 1);
  for (std::size_t i = 0; i < at_once.costs.size(); ++i) {
    CHECK(in_three.costs[i] == doctest::Approx(at_once.costs[i]).epsilon(1e-5));
    CHECK(in_three.norms[i] == doctest::Approx(at_once.norms[i]).epsilon(1e-3));
  }
  run_team(3, [&](Processes& processes) {
    TrainOptions own = options;
    own.parts = 1;
    CHECK(train(own, 1, processes) == in_three);
  });
}

TEST_CASE("strings and numbers of all processes") {
  run_team(3, [](Processes& processes) {
    const int rank = processes.rank();
    CHECK(processes.gather(std::string(static_cast<std::size_t>(2 * rank), 'x')) ==
          std::vector<std::string>{"", "xx", "xxxx"});
    CHECK(processes.gather(0.5 * rank) == std::vector<double>{0, 0.5, 1});
    CHECK(processes.of_first(std::to_string(rank)) == "0");
  });
  CHECK(one_process().gather(std::string("a")) == std::vector<std::string>{"a"});
  CHECK(one_process().of_first("") == "");
}

TEST_CASE("all processes compute on CPUs, or each on a GPU of its own") {
  const auto refusal = [](const std::vector<std::string>& gpus) {
    std::string message;
    try {
      run_team(static_cast<int>(gpus.size()), [&](Processes& processes) {
        check_devices(processes, gpus[static_cast<std::size_t>(processes.rank())]);
      });
    } catch (const UsageError& e) {
      message = e.what();
    }
    return message;
  };
  CHECK(refusal({"", "", ""}) == "");
  CHECK(refusal({"a", "b", "c"}) == "");
  CHECK(refusal({"a", "b", "b"}).starts_with("processes 1 and 2 have the same GPU"));
  CHECK(refusal({"a", "b", ""}).starts_with("process 0 has a GPU and process 2 has none"));
  CHECK(refusal({"", "a"}).starts_with("process 1 has a GPU and process 0 has none"));
}

}  // namespace
}  // namespace mininmt
