#!/usr/bin/env python3
"""The deep LSTM (MODEL.md 9.8; Sutskever, Vinyals, Le 2014) in NumPy, float64, one sentence at a time: the reference
for the C++ code. Arguments as in rnnsearch.py.
"""
import json
import os

import numpy as np

import rnnsearch
from rnnsearch import log_softmax, sigmoid


def step(w, x, h, c):
    """Graves 2013, equations 7 to 11: the next (h, c). The peepholes of i and f see the old c, that of o the new."""
    i = sigmoid(w["W_i"] @ x + w["U_i"] @ h + w["p_i"] * c + w["b_i"])
    f = sigmoid(w["W_f"] @ x + w["U_f"] @ h + w["p_f"] * c + w["b_f"])
    c = f * c + i * np.tanh(w["W_c"] @ x + w["U_c"] @ h + w["b_c"])
    o = sigmoid(w["W_o"] @ x + w["U_o"] @ h + w["p_o"] * c + w["b_o"])
    return o * np.tanh(c), c


def advance(layers, x, states):
    """One step of a stack of layers; each reads h of the one below."""
    after = []
    for w, (h, c) in zip(layers, states, strict=True):
        x, c = step(w, x, h, c)
        after.append((x, c))
    return after


class Model:
    """A model folder (MODEL.md 8, 9.8)."""

    def __init__(self, folder):
        tensors, metadata = rnnsearch.read_safetensors(os.path.join(folder, "model.safetensors"))
        config = json.loads(metadata["mininmt"])
        self.source_ids, self.target_ids = rnnsearch.read_vocabs(folder)
        self.reversed, self.p = config["reverse-source"], rnnsearch.by_group(tensors)
        self.encoder, self.decoder = ([self.p[f"{side}.layer{i + 1}"] for i in range(config["layers"])]
                                      for side in ["encoder", "decoder"])

    def log_probability(self, source, target):
        """log p(target | source), both lists of ids ending in </s>."""
        words = source[-2::-1] + source[-1:] if self.reversed else source
        states = [(np.zeros(len(w["b_i"])), np.zeros(len(w["b_i"]))) for w in self.encoder]
        for word in words:
            states = advance(self.encoder, self.p[""]["source_embedding"][word], states)
        embedding, total = self.p[""]["target_embedding"], 0.0
        y = np.zeros(embedding.shape[1])  # the embedding of the word before the first
        for word in target:
            states = advance(self.decoder, y, states)
            total += log_softmax(self.p["output"], states[-1][0])[word]
            y = embedding[word]
        return total


if __name__ == "__main__":
    rnnsearch.main(Model)
