// The small models of the contract test, in float and double, on the CPU and on the GPU or its emulation.
#pragma once

#include "tensor/error.h"
#include "tests/models/twins.h"

namespace mininmt {

struct ModelRow {
  std::string name;
  Config config;  // of 9 source and 11 target words
};

// RNNsearch has a row for each kind of attention and order; another family adds one here.
inline std::vector<ModelRow> model_table() {
  std::vector<ModelRow> rows;
  for (const auto& [order, alignment] : kVariants)
    rows.push_back({"rnnsearch, " + alignment + ", " + order, small_config(order, alignment)});
  for (const std::string& order : kOrders)
    rows.push_back({"rnnsearch, plain, " + order, plain(small_config(order))});
  for (const char* tied : {"target", "all"})
    rows.push_back({join("rnnsearch, tied ", tied), with_tied(small_config(), tied)});
  rows.push_back({"lstm", lstm_config()});
  rows.push_back({"lstm, tied all", with_tied(lstm_config(), "all")});
  rows.back().config.set("dim-emb", rows.back().config.integer("dim-rnn"));
  for (const auto& [norm, tied] : {std::pair("post", "target"), {"pre", "no"}, {"pre", "all"}}) {
    rows.push_back({join("transformer, ", norm, ", tied ", tied), transformer_config(norm, tied)});
    if (tied == std::string("no")) rows.back().config.set("layers", 2);
  }
  return rows;
}

// The memory that the tests of this executable compute in: the CPU's or the GPU's.
Memory& memory_under_test();

inline std::unique_ptr<Model> model_under_test(const ModelRow& row) {
  auto model = random_model(row.config);
  model->parameters().move_to(memory_under_test());
  return model;
}

}  // namespace mininmt
