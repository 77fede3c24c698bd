#!/usr/bin/env python3
"""Writes tests/gradcheck/lstm_torch.h: values and gradients of PyTorch's LSTM, which has no peepholes, in float64.

    make_lstm_torch.py > ../gradcheck/lstm_torch.h

Needs PyTorch 2; the tests read the stored file and don't.
"""
import numpy as np
import torch

STEPS, BATCH, INPUTS, UNITS, LENGTHS = 4, 2, 3, 2, [4, 2]


def main():
    rng = np.random.default_rng(1)

    def random(*shape):
        return torch.tensor(np.round(0.8 * rng.standard_normal(shape), 3), requires_grad=True)

    lstm = torch.nn.LSTM(INPUTS, UNITS, dtype=torch.float64)
    W, U, b = random(4 * UNITS, INPUTS), random(4 * UNITS, UNITS), random(4 * UNITS)
    with torch.no_grad():
        for to, value in [(lstm.weight_ih_l0, W), (lstm.weight_hh_l0, U), (lstm.bias_ih_l0, b)]:
            to.copy_(value)
        lstm.bias_hh_l0.zero_()
    x, h, c = random(STEPS, BATCH, INPUTS), random(1, BATCH, UNITS), random(1, BATCH, UNITS)
    packed, (h_last, c_last) = lstm(torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS), (h, c))
    states = torch.nn.utils.rnn.pad_packed_sequence(packed)[0]  # 0 in padding
    (states.sum() + 2 * h_last.sum() + 3 * c_last.sum()).backward()
    print(f"""// PyTorch {torch.__version__.partition('+')[0]}'s LSTM, float64: written by tests/oracle/make_lstm_torch.py. The gradients are of the
// sum of the states (0 in padding) + 2 times that of the last h + 3 times that of the last c.
#pragma once

#include <vector>

namespace mininmt::torch_lstm {{

// clang-format off
inline constexpr int kSteps = {STEPS}, kBatch = {BATCH}, kInputs = {INPUTS}, kUnits = {UNITS};
inline const std::vector<int> kLengths = {{{', '.join(map(str, LENGTHS))}}};""")
    tables = {"W": W, "U": U, "b": b, "x": x, "h": h, "c": c, "states": states, "h_last": h_last, "c_last": c_last,
              "dW": lstm.weight_ih_l0.grad, "dU": lstm.weight_hh_l0.grad, "db": lstm.bias_ih_l0.grad, "dx": x.grad,
              "dh": h.grad, "dc": c.grad}
    for name, values in tables.items():
        numbers = [repr(float(v)) for v in values.detach().flatten()]
        print(f"inline const std::vector<double> {name} = {{")
        for i in range(0, len(numbers), 4):
            print("    " + ", ".join(numbers[i:i + 4]) + ",")
        print("};")
    print("// clang-format on\n\n}  // namespace mininmt::torch_lstm")


if __name__ == "__main__":
    main()
