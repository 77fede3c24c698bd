// Pieces of words as units, found in raw text by the SentencePiece library (Kudo and Richardson 2018). A
// build without the library has no such units, and all functions but has_sentencepiece() throw UsageError
// that says so.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "apps/text/units.h"
#include "apps/text/vocab.h"

namespace mininmt {

bool has_sentencepiece();

// What is said where there is none.
inline constexpr char kNoSentencePiece[] =
    "this program was built without SentencePiece: install it (Debian: libsentencepiece-dev) and build again";

// The units of a model of SentencePiece, the bytes of its file; `name` is for messages. Throws DataError if
// they are none.
std::shared_ptr<const Units> pieces(const std::string& model, const std::string& name);

struct PiecesRecipe {
  std::string type = "unigram";  // or bpe
  std::size_t size = 8000;       // pieces at most, </s> and <unk> counted
  std::size_t lines = 0;         // of the text
  std::size_t characters = 0;    // different ones in them
};

// At most so many lines are learnt from, of longer text every n-th.
inline constexpr std::size_t kMostLinesForPieces = 1'000'000;

// Gives the next line of a text; false at its end.
using NextLine = std::function<bool(std::string& line)>;

// Learns pieces from raw text, which `name` calls in messages; the result depends only on the arguments. All
// characters become pieces if they fit into a quarter of `size`, else those that make up 99.95% of the text.
// Throws what `next` does; UsageError if the text is too small for any pieces.
std::shared_ptr<const Units> learn_pieces(const NextLine& next, const std::string& name,
                                          const PiecesRecipe& recipe);

// The bytes of such a file. Throws IoError; DataError if it is longer than any.
std::string read_model_of_pieces(const std::string& path);

// Reads a vocabulary from a file: a model of SentencePiece if `units` is sentencepiece, else a list of units
// of that name. Throws as Vocab::load() and pieces() do.
Vocab read_vocab(const std::string& path, const std::string& units);

}  // namespace mininmt
