#include "apps/text/sentencepiece.h"

#include <algorithm>
#include <string_view>

#include "apps/text/byte_source.h"
#include "apps/text/lines.h"
#include "tensor/error.h"

#ifdef MININMT_SENTENCEPIECE
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <exception>
#include <optional>
#include <unordered_map>
#include <utility>
#endif

namespace mininmt {

#ifdef MININMT_SENTENCEPIECE
namespace {

constexpr std::string_view kSpaceMark = "\u2581";  // begins a word in pieces

std::string reason(const sentencepiece::util::Status& status) {
  const std::string text = status.ToString();
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}

class Pieces final : public Units {
 public:
  Pieces(std::string model, const std::string& name) : model_(std::move(model)) {
    const auto status = processor_.LoadFromSerializedProto(model_);
    if (!status.ok()) throw DataError(join(name, " is no model of SentencePiece: ", reason(status)));
    for (int id = 0; id < processor_.GetPieceSize(); ++id)
      if (!processor_.IsControl(id) && !processor_.IsUnknown(id) && !processor_.IsUnused(id))
        all_.push_back(processor_.IdToPiece(id));
  }

  std::string name() const override { return kPieces; }
  std::string plural() const override { return "pieces"; }
  bool are_of_raw_text() const override { return true; }
  std::string model() const override { return model_; }
  std::vector<std::string> all() const override { return all_; }

  void for_each(std::string_view line, const Use& use) const override {
    std::vector<std::string> found;
    const auto status = processor_.Encode({line.data(), line.size()}, &found);
    if (!status.ok()) throw Error(join("SentencePiece: ", reason(status)));
    for (const std::string& piece : found) use(piece);
  }

  // Of a unigram model.
  std::vector<Division> n_best(std::string_view line, int n) const override {
    std::vector<std::vector<std::string>> found;
    std::vector<Division> divisions;
    if (!processor_.NBestEncode({line.data(), line.size()}, n, &found).ok()) return divisions;
    for (std::vector<std::string>& units : found) {
      double log_p = 0;
      for (const std::string& piece : units)
        log_p += static_cast<double>(processor_.GetScore(processor_.PieceToId(piece)));
      divisions.push_back({std::move(units), log_p});
    }
    return divisions;
  }

  std::string surface(std::string_view unit) const override {
    if (const std::optional<char> byte = byte_of(unit)) return {*byte == '\n' ? ' ' : *byte};
    std::string text;
    for (std::size_t at = 0; at < unit.size();) {
      const bool is_mark = unit.substr(at).starts_with(kSpaceMark);
      text += is_mark ? ' ' : unit[at];
      at += is_mark ? kSpaceMark.size() : 1;
    }
    return text;
  }

  // Pieces of a word link the word.
  using Units::linked;
  Linked linked(const std::vector<std::string>& units) const override {
    std::string text;
    std::vector<std::size_t> begins;
    for (const std::string& unit : units) {
      begins.push_back(text.size());
      text += surface(unit);
    }
    Linked linked;
    std::vector<std::size_t> ends;  // of the words
    for (const std::string_view word : split_words(text)) {
      linked.names.emplace_back(word);
      ends.push_back(static_cast<std::size_t>(word.data() - text.data()) + word.size());
    }
    if (ends.empty() && !units.empty()) linked.names.emplace_back();
    std::size_t word = 0;
    for (const std::size_t begin : begins) {  // a space belongs to the word after it
      while (word + 1 < ends.size() && ends[word] <= begin) ++word;
      linked.of_unit.push_back(word);
    }
    return linked;
  }

 private:
  // What a piece "<0x41>" stands for, where the model has bytes for rare characters.
  std::optional<char> byte_of(std::string_view unit) const {
    if (unit.size() != 6 || !unit.starts_with("<0x") ||
        !processor_.IsByte(processor_.PieceToId(std::string(unit))))
      return {};
    return static_cast<char>(std::stoi(std::string(unit.substr(3, 2)), nullptr, 16));
  }

  std::string model_;
  sentencepiece::SentencePieceProcessor processor_;
  std::vector<std::string> all_;
};

// Every n-th line of a text. What reading it throws is kept for afterwards: the library knows no exceptions.
class Lines final : public sentencepiece::SentenceIterator {
 public:
  Lines(const NextLine& next, std::size_t every) : next_(next), every_(every) { read(0); }

  bool done() const override { return done_; }
  const std::string& value() const override { return line_; }
  sentencepiece::util::Status status() const override { return {}; }
  void Next() override { read(every_ - 1); }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void read(std::size_t skipped) {
    try {
      do done_ = !next_(line_);
      while (!done_ && skipped-- > 0);
    } catch (...) {
      error_ = std::current_exception();
      done_ = true;
    }
  }

  const NextLine& next_;
  std::size_t every_;
  std::string line_;
  bool done_ = false;
  std::exception_ptr error_;
};

}  // namespace

bool has_sentencepiece() { return true; }

std::shared_ptr<const Units> pieces(const std::string& model, const std::string& name) {
  return std::make_shared<const Pieces>(model, name);
}

std::shared_ptr<const Units> learn_pieces(const NextLine& next, const std::string& name,
                                          const PiecesRecipe& recipe) {
  const bool has_room = 4 * recipe.characters <= recipe.size;
  // The number of threads decides in which order sums are taken, so it is always the same.
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", recipe.type},
      {"vocab_size", std::to_string(recipe.size)},
      {"hard_vocab_limit", "false"},
      {"character_coverage", has_room ? "1" : "0.9995"},
      {"eos_id", std::to_string(kEos)},
      {"unk_id", std::to_string(kUnk)},
      {"bos_id", "-1"},
      {"pad_id", "-1"},
      {"num_threads", "8"},
      {"minloglevel", "3"}};
  const std::size_t every = (recipe.lines + kMostLinesForPieces - 1) / kMostLinesForPieces;
  Lines lines(next, std::max<std::size_t>(every, 1));
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &lines, &model);
  lines.rethrow();
  if (!status.ok())
    throw UsageError(join("SentencePiece learns no pieces from ", name, " (", reason(status),
                          "): more text or another --dim-vocabs may help"));
  return pieces(model, "what SentencePiece learned");
}

#else
namespace {

[[noreturn]] void refuse() { throw UsageError(kNoSentencePiece); }

}  // namespace

bool has_sentencepiece() { return false; }

std::shared_ptr<const Units> pieces(const std::string&, const std::string&) { refuse(); }

std::shared_ptr<const Units> learn_pieces(const NextLine&, const std::string&, const PiecesRecipe&) {
  refuse();
}

#endif

std::string read_model_of_pieces(const std::string& path) {
  constexpr std::size_t kMost = std::size_t{1} << 28, kChunk = std::size_t{1} << 16;
  ByteSource source(path, path);
  std::string bytes;
  for (std::size_t taken = 1; taken > 0;) {
    const std::size_t before = bytes.size();
    if (before > kMost) throw DataError(path + " is too long for a model of SentencePiece");
    bytes.resize(before + kChunk);
    taken = source.read(bytes.data() + before, kChunk);
    bytes.resize(before + taken);
  }
  return bytes;
}

Vocab read_vocab(const std::string& path, const std::string& units) {
  if (units != kPieces) return Vocab::load(path, units_of(units));
  return Vocab::of_all(pieces(read_model_of_pieces(path), path));
}

}  // namespace mininmt
