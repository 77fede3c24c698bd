// A checkpoint: the whole state of a training in one file, from which it goes on to the same bits. It is a
// safetensors file; its metadata holds the numbers, what the training is of, and a checksum of everything.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "autograd/parameter.h"
#include "nn/training/state.h"
#include "tensor/safetensors.h"

namespace mininmt {

// What a training is of: options, checksums of its text; names and values.
using Facts = std::map<std::string, std::string>;

// Shows a state to a visitor.
using StateOf = std::function<void(StateVisitor&)>;

// Writes the state to kCheckpoint in `folder`, atomically; the one that was there becomes
// kPreviousCheckpoint. `layout` is that of the state's blocks. Throws IoError, and leaves both as they were.
void save_checkpoint(const std::string& folder, const Facts& facts, const Parameters& layout,
                     const StateOf& state);

class Checkpoint {
 public:
  // The newest whole checkpoint in `folder`; none if there is no file of either name. `warn` is told of a
  // damaged one. Throws DataError if both are damaged, or the format is unknown.
  static std::optional<Checkpoint> find(const std::string& folder,
                                        const std::function<void(const std::string&)>& warn);

  // A file. Throws as SafeTensorsReader does; DataError if the checksum is wrong, or the format unknown.
  explicit Checkpoint(const std::string& path);

  const Facts& facts() const { return facts_; }

  // Sets the state. Throws DataError, naming the file, where it is of another kind of training.
  void restore(const Parameters& layout, const StateOf& state);

 private:
  std::string path_;
  SafeTensorsReader file_;
  Facts facts_;
};

}  // namespace mininmt
