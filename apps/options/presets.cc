// The presets of mininmt-train.
#include <utility>

#include "apps/options/train_options.h"
#include "tensor/error.h"

namespace mininmt {
namespace {

// The paper's sizes and recipe (P appendix A, B), and GroundHog's decoding (MODEL.md 6, 7).
const std::string kPaper = R"(
dim-vocabs = 30000 30000
dim-emb = 620
dim-rnn = 1000
dim-align = 1000
dim-maxout = 500
tied-embeddings = no
decoder-order = authors
mini-batch = 80
mini-batch-words = 0
maxi-batch = 20
optimizer = adadelta
learn-rate = 1
clip-norm = 1
cost-type = ce-sum
label-smoothing = 0
dropout-emb = 0
dropout-annotations = 0
dropout-readout = 0
exponential-smoothing = 0
lr-decay = 0
after = 5e
early-stopping = 0
valid-freq = 10000u
disp-freq = 100u
save-freq = 5000u
beam-size = 12
normalize = 0
max-length-factor = 3
min-length-factor = 0.5
allow-unk = true
)";

// Letters instead of words: names, transliteration, pronunciation, inflection. Lines are short, and single
// sounds decide.
const std::string kChars = R"(
units = chars
dim-vocabs = 2000 2000
dim-emb = 128
dim-maxout = 128
tied-embeddings = no
max-length = 300
mini-batch = 64
learn-rate = 0.004
valid-metrics = exact-match character-error-rate cross-entropy
)";

// For the toy corpus: 600 words, sentences of 3 to 50 words.
const std::string kTiny = R"(
dim-vocabs = 0 0
dim-emb = 96
dim-rnn = 128
dim-align = 128
dim-maxout = 96
tied-embeddings = no
max-length = 60
mini-batch = 64
learn-rate = 0.003
label-smoothing = 0
dropout-emb = 0
dropout-annotations = 0
dropout-readout = 0.1
dropout-layers = 0.1
after = 5e,3m
valid-freq = 1e
disp-freq = 100u
save-freq = 1e
)";

// Sutskever, Vinyals, Le 2014, section 3 (MODEL.md 9.8); the paper tells no maximum length.
const std::string kSutskever = R"(
type = lstm
dim-vocabs = 160000 80000
dim-emb = 1000
dim-rnn = 1000
tied-embeddings = no
layers = 4
reverse-source = true
initial-range = 0.08
forget-bias = 0
max-length = 100
mini-batch = 128
mini-batch-words = 0
maxi-batch = 20
optimizer = sgd
learn-rate = 0.7
lr-halve = 5 0.5
clip-norm = 5
cost-type = ce-mean
label-smoothing = 0
dropout-emb = 0
dropout-layers = 0
exponential-smoothing = 0
after = 7.5e
early-stopping = 0
valid-freq = 10000u
disp-freq = 100u
save-freq = 5000u
beam-size = 12
normalize = 0
max-length-factor = 3
min-length-factor = 0
allow-unk = true
)";

// Vaswani et al. 2017, 5; MODEL.md 9.9. The learning rate is (d warm-up)^-0.5, half of that in transformer-small.
const std::string kTransformer = R"(
type = transformer
tied-embeddings = target
optimizer = adam
adam-beta2 = 0.98
adam-epsilon = 1e-9
clip-norm = 0
cost-type = ce-mean-words
label-smoothing = 0.1
exponential-smoothing = 0
lr-decay = 0
beam-size = 4
normalize = 0.6
length-penalty = gnmt
)";

const std::string kTransformerBase = kTransformer + R"(
norm = post
dim-vocabs = 32000 32000
layers = 6
heads = 8
dim-model = 512
dim-ffn = 2048
dropout = 0.1
learn-rate = 0.000698771242969
lr-warmup = 4000
lr-decay-inv-sqrt = 4000
max-length = 100
mini-batch = 512
mini-batch-words = 25000
after = 100000u
early-stopping = 0
valid-freq = 5000u
save-freq = 5000u
)";

// For some 30,000 pairs.
// After 8 minutes on 29,000 pairs BLEU 37; with norm = post and a warm-up of 2,000 updates 8 (tests/bench/RESULTS.md).
const std::string kTransformerSmall = kTransformer + R"(
norm = pre
layers = 4
heads = 4
dim-model = 256
dim-ffn = 512
dropout = 0.3
learn-rate = 0.001397542485937
lr-warmup = 500
lr-decay-inv-sqrt = 500
)";

const std::vector<std::pair<std::string, std::string>> kPresets = {
    {"tiny", kTiny},
    {"small", ""},
    {"rnnsearch-30", kPaper + "max-length = 30\nalignment-model = additive\n"},
    {"rnnsearch-50", kPaper + "max-length = 50\nalignment-model = additive\n"},
    {"rnnencdec-30", kPaper + "max-length = 30\nalignment-model = fixed\n"},
    {"rnnencdec-50", kPaper + "max-length = 50\nalignment-model = fixed\n"},
    {"chars", kChars},
    {"lstm-small", "type = lstm\nlayers = 2\n"},
    {"sutskever", kSutskever},
    {"transformer-small", kTransformerSmall},
    {"transformer-base", kTransformerBase},
};

}  // namespace

Config default_config() {
  Config config(families().front().name, all_fields());
  config.set("tied-embeddings", "target");
  return config;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& [name, config] : kPresets) names.push_back(name);
  return names;
}

std::string preset_config(const std::string& name) {
  for (const auto& [preset, config] : kPresets)
    if (preset == name) return config;
  throw Error("no preset " + name);
}

}  // namespace mininmt
