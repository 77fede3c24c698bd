// Events of a training as TensorBoard reads them: TFRecord frames around protocol buffers "Event"
// (https://github.com/tensorflow/tensorboard, compat/proto/event.proto and summary.proto).
#pragma once

#include <string>
#include <vector>

namespace mininmt {

// The contents of a file of events, from the lines of log.jsonl: all numbers of progress and validations, as
// "training/cost" and "validation/bleu", at their times.
// More lines append to the file.
std::string tensorboard_events(const std::vector<std::string>& lines);

}  // namespace mininmt
