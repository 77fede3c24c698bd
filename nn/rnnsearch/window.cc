// Graves' window (MODEL.md 9.5; Graves 2013, section 5.1): K Gaussians whose centres only move forward.
#include <cmath>
#include <numbers>

#include "nn/rnnsearch/attention.h"
#include "ops/elementwise.h"
#include "ops/window.h"

namespace mininmt {
namespace {

// (a^, b^, k^) = W_p s_{i-1} + b_p        kappa_i = kappa_{i-1} + e^k^, kappa_0 = 0
// c_i = sum_j phi_ij h_j
class Window : public AttentionModel {
 public:
  Window(const Config& config, Parameters& parameters)
      : gaussians_(config.integer("gaussians")),
        W_p_(parameters.add("attention.W_p", {3 * gaussians_, config.integer("dim-rnn")},
                            Initial::normal(0.001))),
        b_p_(parameters.add("attention.b_p", {3 * gaussians_}, initial_bias(gaussians_))) {}

  std::unique_ptr<Attending> over(Tape& tape, const Encoded& encoded) const override {
    struct Over : Attending {
      Over(Tape& tape, const Window& model, const Encoded& encoded)
          : W_p(tape.leaf(model.W_p_)),
            b_p(tape.leaf(model.b_p_)),
            kappa_0(tape.constant(Tensor::zeros({encoded.annotations.shape()[1], model.gaussians_},
                                                encoded.annotations.value().memory()))),
            encoded(encoded) {}

      std::vector<Var> start() const override { return {kappa_0}; }

      AttentionStep operator()(Var s, int, std::span<const Var> memory,
                               const Indices& sentence_of_row) const override {
        const Var u = add(linear(s, W_p), b_p), kappa = window_centres(u, memory[0]);
        const Attended attended = window(u, kappa, encoded.annotations, encoded.lengths, sentence_of_row);
        return {attended.context, attended.alpha, {kappa}};
      }

      StepWeight W_p;
      Var b_p, kappa_0;
      Encoded encoded;
    };
    return std::make_unique<Over>(tape, *this, encoded);
  }

 private:
  // Initially the centres move one word per step, and the K Gaussians together have area 1.
  static Initial initial_bias(int gaussians) {
    const double beta = 0.5;
    return Initial::constants_of(
        {std::log(std::sqrt(beta / std::numbers::pi) / gaussians), std::log(beta), 0});
  }

  int gaussians_;
  const Parameter &W_p_, &b_p_;
};

}  // namespace

AttentionKind window_attention() {
  return {.name = "window",
          .help = "Gaussians that only move forward (Graves)",
          .fields = {size_field("gaussians", 10, "K, Gaussians of the window")},
          .bidirectional = true,
          .make = [](const Config& config, Parameters& parameters, int) {
            return std::unique_ptr<AttentionModel>(new Window(config, parameters));
          }};
}

}  // namespace mininmt
