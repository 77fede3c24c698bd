// What a checkpoint holds of a training run.
#include "apps/train/trainer.h"

namespace mininmt {

void Trainer::visit(StateVisitor& visitor) {
  const auto visit_mark = [&](const std::string& name, Mark& mark) {
    visitor.visit(name + ".epochs", mark.epochs);
    visitor.visit(name + ".updates", mark.updates);
    visitor.visit(name + ".seconds", mark.seconds);
  };
  updater_.visit(visitor);
  schedule_.visit(visitor);
  const auto epoch = static_cast<std::int64_t>(stream_.epoch()),
             minibatch = static_cast<std::int64_t>(stream_.minibatch());
  std::int64_t to_epoch = epoch, to_minibatch = minibatch;
  visitor.visit("stream.epoch", to_epoch);
  visitor.visit("stream.minibatch", to_minibatch);
  if (to_epoch != epoch || to_minibatch != minibatch)  // sorting an epoch takes a while
    stream_.seek(static_cast<std::uint64_t>(to_epoch), static_cast<std::uint64_t>(to_minibatch));
  visitor.visit("epoch", epoch_);
  const double before = this->seconds();
  double seconds = before;
  visitor.visit("seconds", seconds);
  start_ = clock_() - seconds;
  if (seconds != before) agreed_seconds_ = seconds;
  visit_mark("displayed", displayed_);
  visit_mark("validated", validated_);
  visit_mark("saved", saved_);
  visitor.visit("window.cost", window_.cost);
  visitor.visit("window.norm", window_.norm);
  visitor.visit("window.updates", window_.updates);
  visitor.visit("window.sentences", window_.sentences);
  visitor.visit("window.words", window_.words);
  visitor.visit("window.since", window_.since);
  visitor.visit("words", words_);
  visitor.visit("not-finite", not_finite_);
  visitor.visit("not-finite-in-a-row", not_finite_in_a_row_);
  visitor.visit("complete", complete_);
}

}  // namespace mininmt
