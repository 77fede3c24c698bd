// Models on disk (MODEL.md 8): names and shapes, round trip, damaged files.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/program/model_folder.h"
#include "nn/model_file.h"
#include "tensor/error.h"
#include "tensor/safetensors.h"
#include "tensor/version.h"
#include "tests/models/random_model.h"
#include "tests/unit/text_temporary.h"

namespace mininmt {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

// The table of MODEL.md 8 for V_x = 9, V_y = 11, m = 3, n = 5, n' = 7, l = 3.
Shapes expected_shapes() {
  Shapes shapes = {{"source_embedding", {9, 3}}, {"target_embedding", {11, 3}}, {"decoder.W_s", {5, 5}},
                   {"decoder.b_s", {5}},         {"attention.W_a", {7, 5}},     {"attention.U_a", {7, 10}},
                   {"attention.v_a", {7}},       {"readout.U_o", {6, 5}},       {"readout.V_o", {6, 3}},
                   {"readout.C_o", {6, 10}},     {"readout.b_o", {6}},          {"output.W_o", {11, 3}},
                   {"output.b_y", {11}}};
  for (const char* gate : {"", "_z", "_r"}) {
    for (const char* owner : {"encoder.forward.", "encoder.backward.", "decoder."}) {
      shapes[owner + std::string("W") + gate] = {5, 3};
      shapes[owner + std::string("U") + gate] = {5, 5};
      shapes[owner + std::string("b") + gate] = {5};
    }
    shapes[std::string("decoder.C") + gate] = {5, 10};
  }
  return shapes;
}

const std::string kPath = "model.safetensors";

struct Saved {
  TemporaryFolder folder;
  std::unique_ptr<Model> model = random_model(small_config());
  std::string path = folder.path(kPath);
  Saved() { save_model(path, *model, model->parameters().values()); }

  // The message of load_model for the file after `change`.
  template <class Change>
  std::string complaint(Change change) const {
    SafeTensors file = read_safetensors(path);
    change(file);
    const std::string damaged = folder.path("damaged.safetensors");
    write_safetensors(damaged, file);
    const std::string message = message_of<DataError>([&] { load_model(damaged); });
    CHECK(message.find(damaged) == 0);
    return message;
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("names and shapes are those of the table") {
  const Saved saved;
  Shapes found;
  for (const auto& [name, tensor] : read_safetensors(saved.path).tensors) found[name] = tensor.shape;
  CHECK(found == expected_shapes());
}

TEST_CASE("the metadata has format, version, type and every field that matters") {
  const Saved saved;
  const auto json = nlohmann::json::parse(read_safetensors(saved.path).metadata.at("mininmt"));
  CHECK(json == nlohmann::json{{"format", 2},
                               {"version", kVersion},
                               {"type", "rnnsearch"},
                               {"source-words", 9},
                               {"target-words", 11},
                               {"dim-emb", 3},
                               {"dim-rnn", 5},
                               {"dim-align", 7},
                               {"dim-maxout", 3},
                               {"alignment-model", "additive"},
                               {"tied-embeddings", "no"},
                               {"decoder-order", "authors"}});
}

// As written before 0.1.0.
TEST_CASE("files of format 1 load") {
  const Saved saved;
  SafeTensors file = read_safetensors(saved.path);
  file.metadata["mininmt"] =
      R"({"alignment":"additive","decoder_order":"body","dim_align":7,"dim_emb":3,"dim_maxout":3,"dim_rnn":5,)"
      R"("format":1,"source_words":9,"target_words":11})";
  const std::string path = saved.folder.path("old.safetensors");
  write_safetensors(path, file);
  const auto loaded = load_model(path);
  CHECK(loaded->config() == small_config("body"));
  for (const Parameter* p : saved.model->parameters().all()) {
    const auto a = p->value.values(), b = Parameters::view(loaded->parameters().values(), *p).values();
    CHECK(std::equal(a.begin(), a.end(), b.begin()));
  }
}

TEST_CASE("the fixed vector has no attention and no backward encoder, and its context is n wide") {
  const TemporaryFolder folder;
  const auto model = random_model(small_config("body", "fixed"));
  save_model(folder.path(kPath), *model, model->parameters().values());
  Shapes expected = expected_shapes(), found;
  std::erase_if(expected, [](const auto& entry) {
    return has(entry.first, "attention") || has(entry.first, "backward");
  });
  for (const char* name : {"decoder.C", "decoder.C_z", "decoder.C_r"}) expected[name] = {5, 5};
  expected["readout.C_o"] = {6, 5};
  for (const auto& [name, tensor] : read_safetensors(folder.path(kPath)).tensors) found[name] = tensor.shape;
  CHECK(found == expected);
}

TEST_CASE("the parts of a fused matrix keep their names") {
  const Saved saved;
  // Changing U_z alone in the file must act on the update gate: if saturated, the state equals the candidate.
  SafeTensors file = read_safetensors(saved.path);
  for (const char* name : {"W", "U", "b", "C"}) {
    for (const char* gate : {"", "_z", "_r"}) {
      auto& data = file.tensors.at(std::string("decoder.") + name + gate).data;
      std::fill(data.begin(), data.end(), 0.0f);
    }
  }
  for (float& x : file.tensors.at("decoder.b_z").data)
    x = 50;  // z = 1, candidate = tanh 0 = 0: s_i = 0 for i > 0
  file.metadata.erase("checksum");
  write_safetensors(saved.path, file);
  const auto loaded = load_model(saved.path);
  Tape tape;
  Lengths lengths;
  const Sentences source = random_sentences({4}, 9);
  const IdMatrix matrix = pad(spans(source), lengths);
  const auto decoding = loaded->decode(tape, matrix, lengths);
  const State first = decoding->step(tape, decoding->start(), {kNone}, {0}).first;
  const State second = decoding->step(tape, first, {3}, {0}).first;
  for (real s : second.parts[0].value().values()) CHECK(s == doctest::Approx(0).epsilon(1e-6));
}

TEST_CASE("damaged models are refused with the file's name and what is wrong") {
  const Saved saved;
  CHECK(has(saved.complaint([](SafeTensors& f) { f.tensors.erase("decoder.U_z"); }), "decoder.U_z"));
  CHECK(has(saved.complaint([](SafeTensors& f) { f.tensors["decoder.X"] = {{1}, {0}}; }), "decoder.X"));
  CHECK(has(saved.complaint([](SafeTensors& f) { f.tensors["readout.b_o"].shape = {2, 3}; }), "readout.b_o"));
  CHECK(has(saved.complaint([](SafeTensors& f) {
    f.tensors["encoder.forward.W"].shape = {3, 5};
  }),
            "encoder.forward.W"));
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    CHECK(has(saved.complaint([&](SafeTensors& f) { f.tensors["output.b_y"].data[3] = bad; }), "output.b_y"));
  CHECK(has(saved.complaint([](SafeTensors& f) { f.metadata.clear(); }), "metadata"));
}

TEST_CASE("numbers that are not those that were saved are refused, unless the checksum is left out") {
  const Saved saved;
  const auto swapped = [](SafeTensors& f) { std::swap(f.tensors["decoder.U_z"], f.tensors["decoder.U_r"]); };
  for (const std::function<void(SafeTensors&)>& change :
       {std::function<void(SafeTensors&)>(swapped), std::function<void(SafeTensors&)>([](SafeTensors& f) {
          f.tensors["output.b_y"].data[3] += 1e-3f;
        })}) {
    CHECK(has(saved.complaint(change), "its numbers are not those that were saved"));
    SafeTensors file = read_safetensors(saved.path);
    change(file);
    file.metadata.erase("checksum");
    const std::string path = saved.folder.path("edited.safetensors");
    write_safetensors(path, file);
    CHECK_NOTHROW(load_model(path));
  }
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("wrong metadata is refused") {
  const Saved saved;
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"\"dim-rnn\":5", "\"dim-rnn\":6"},
      {"\"dim-rnn\":5", "\"dim-rnn\":0"},
      {"\"dim-rnn\":5", "\"dim-rnn\":-5"},
      {"\"dim-rnn\":5", "\"dim-rnn\":16777217"},
      {"\"dim-rnn\":5", "\"dim-rnn\":1e300"},
      {"\"dim-rnn\":5", "\"dim-rnn\":\"5\""},
      {"\"dim-rnn\":5,", ""},
      {"\"dim-align\":7", "\"dim-align\":8"},
      {"\"source-words\":9", "\"source-words\":8"},
      {"\"format\":2", "\"format\":3"},
      {"\"format\":2", "\"format\":0"},
      {"additive", "multiplicative"},
      {"authors", "editors"},
      {"{", "["},
      {"additive", "fixed"}};
  for (const auto& change : changes) {
    const std::string &from = change.first, &to = change.second;
    INFO(from, " to ", to);
    CHECK_FALSE(
        saved
            .complaint([&](SafeTensors& f) { f.metadata["mininmt"] = with(f.metadata["mininmt"], from, to); })
            .empty());
  }
}

// Impossible sizes are detected before any memory is allocated.
TEST_CASE("impossible sizes in the metadata are compared with the file") {
  const Saved saved;
  for (const char* size : {"\"dim-emb\":3", "\"dim-rnn\":5", "\"dim-align\":7", "\"dim-maxout\":3",
                           "\"source-words\":9", "\"target-words\":11"}) {
    INFO(size);
    const std::string huge = std::string(size, std::strchr(size, ':')) + ":16777216";
    const std::string message = saved.complaint(
        [&](SafeTensors& f) { f.metadata["mininmt"] = with(f.metadata["mininmt"], size, huge); });
    CHECK((has(message, "out of range") || has(message, "by the sizes in the metadata")));
  }
}

// A model folder of 9 source and 11 target words, except for what a test changes.
std::string make_folder(const TemporaryFolder& folder, int source_words, int target_words) {
  const auto model = random_model(small_config());
  save_model(folder.path(kPath), *model, model->parameters().values());
  Vocab source, target;
  while (static_cast<int>(source.size()) < source_words) source.add("s" + std::to_string(source.size()));
  while (static_cast<int>(target.size()) < target_words) target.add("t" + std::to_string(target.size()));
  source.save(folder.path(kSourceVocab));
  target.save(folder.path(kTargetVocab));
  return folder.path("");
}

TEST_CASE("a vocabulary that does not fit the model is refused") {
  const TemporaryFolder good, source_off, target_off;
  CHECK(load_model_folder(make_folder(good, 9, 11)).target.size() == 11);
  CHECK(load_model_folder(good.path(kPath)).source.size() == 9);  // a file in the folder
  const std::string a = make_folder(source_off, 8, 11), b = make_folder(target_off, 9, 12);
  CHECK(has(message_of<DataError>([&] { load_model_folder(a); }), "source.vocab: 8 words"));
  CHECK(has(message_of<DataError>([&] { load_model_folder(b); }), "target.vocab: 12 words"));
  CHECK_THROWS_AS(load_model_folder(good.path("elsewhere")), IoError);
}

// For any file contents, the result is a model or a DataError.
TEST_CASE("files of random bytes and models with random damage never crash") {
  const Saved saved;
  const std::string whole = read_whole(saved.path);
  const Random random{5, 0};
  std::uint64_t draw = 0;
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random.bits(draw++)) % n; };
  int refused = 0;
  for (int trial = 0; trial < 800; ++trial) {
    std::string bytes = whole;
    const int kind = trial % 4;
    if (kind == 0) bytes.resize(below(whole.size()));
    if (kind == 1)  // damage in the header, which has all the structure
      for (std::size_t k = 0; k < 1 + below(4); ++k)
        bytes[below(4000)] = static_cast<char>(random.bits(draw++));
    if (kind == 2) bytes.insert(below(4000), 1 + below(3), static_cast<char>('0' + below(10)));
    if (kind == 3) {
      bytes.resize(below(300));
      for (char& c : bytes) c = static_cast<char>(random.bits(draw++));
    }
    const std::string path = saved.folder.write("fuzz.safetensors", bytes);
    try {
      load_model(path);
    } catch (const DataError& error) {
      ++refused;
      CHECK(std::string(error.what()).find(path) == 0);
    }
  }
  CHECK(refused > 500);
}

}  // namespace
}  // namespace mininmt
