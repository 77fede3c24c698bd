// Embeddings of both sides and the output layer's matrix, which may be one and the same (--tied-embeddings;
// Press and Wolf 2017).
#pragma once

#include <string>

#include "autograd/parameter.h"
#include "nn/config.h"

namespace mininmt {

// --tied-embeddings: no; target: W_o is E_y; all: E_x too, and both sides have one vocabulary.
Field tied_embeddings_field();
bool ties_all(const Config& config);

class Embeddings {
 public:
  // Adds E_x and E_y, `size` wide: the name of a field of the config. Throws UsageError if one matrix can't
  // be both.
  Embeddings(Parameters& parameters, const Config& config, const std::string& size, const Initial& initial);

  const Parameter &source, &target;  // E_x (V_x, size), E_y (V_y, size)

  // W_o (V_y, columns), from which p(y) = softmax(W_o t + b_y): a parameter of its own, or E_y. Throws
  // UsageError if the fields `columns` and `size` differ then.
  const Parameter& output(const std::string& columns, const Initial& initial) const;

 private:
  Parameters& parameters_;
  const Config& config_;
  std::string size_;
};

}  // namespace mininmt
