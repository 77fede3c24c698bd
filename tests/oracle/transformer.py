#!/usr/bin/env python3
"""The Transformer (MODEL.md 9.9) in NumPy, float64, one sentence at a time: the reference for the C++ code.

    transformer.py [--check] MODEL_DIR SOURCE TARGET [SCORES]           as rnnsearch.py

V is Vaswani et al. 2017 (arXiv 1706.03762). Letters: S source length, T target length, d the width of all layers.
"""
import json
import os

import numpy as np

import rnnsearch
from rnnsearch import log_softmax, softmax


def positions(count, d):
    """V 3.5: PE (count, d), sines in even columns, cosines in odd ones."""
    p, i = np.arange(count)[:, None], np.arange(0, d, 2)[None, :]
    code = np.empty((count, d))
    code[:, 0::2] = np.sin(p / 10000 ** (i / d))
    code[:, 1::2] = np.cos(p / 10000 ** (i / d))
    return code


def layer_norm(w, x):
    mean = x.mean(axis=1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    return w["gain"] * (x - mean) / np.sqrt(variance + 1e-6) + w["bias"]


def attend(w, heads, x, read, causal):
    """V 3.2: each row of x (T, d) attends to the rows of `read` (S, d), with `causal` to none after its own place."""
    size, contexts = x.shape[1] // heads, []
    for head in range(heads):
        rows = slice(head * size, (head + 1) * size)
        q, k, v = x @ w["W_Q"][rows].T, read @ w["W_K"][rows].T, read @ w["W_V"][rows].T
        context = []
        for t in range(len(x)):
            last = t + 1 if causal else len(read)
            context.append(softmax(k[:last] @ q[t] / np.sqrt(size)) @ v[:last])
        contexts.append(np.array(context))
    return np.concatenate(contexts, axis=1) @ w["W_O"].T


def feed_forward(w, x):
    return np.maximum(0, x @ w["W_1"].T + w["b_1"]) @ w["W_2"].T + w["b_2"]


class Model:
    """A model folder (MODEL.md 8, 9.9); p["decoder.layer1.self_attention"]["W_Q"] is that matrix."""

    def __init__(self, folder):
        tensors, metadata = rnnsearch.read_safetensors(os.path.join(folder, "model.safetensors"))
        config = json.loads(metadata["mininmt"])
        self.layers, self.heads, self.d = config["layers"], config["heads"], config["dim-model"]
        self.pre, tied = config["norm"] == "pre", config["tied-embeddings"]
        self.source_ids, self.target_ids = rnnsearch.read_vocabs(folder)
        self.p = rnnsearch.by_group(tensors)
        self.source = self.p[""]["embedding" if tied == "all" else "source_embedding"]
        self.target = self.p[""]["embedding" if tied == "all" else "target_embedding"]
        self.output = self.p["output"] if tied == "no" else self.p["output"] | {"W_o": self.target}

    def around(self, name, x, f):
        """The residual connection around f, with the norm after or before."""
        w, norm = self.p[name], self.p[name + ".norm"]
        return x + f(w, layer_norm(norm, x)) if self.pre else layer_norm(norm, x + f(w, x))

    def last_norm(self, side, x):
        return layer_norm(self.p[side + ".norm"], x) if self.pre else x

    def log_probability(self, source, target):
        """log p(target | source), both lists of ids ending in </s>."""
        root = np.sqrt(self.d)
        x = root * self.source[source] + positions(len(source), self.d)
        for l in range(1, self.layers + 1):
            x = self.around(f"encoder.layer{l}.self_attention", x, lambda w, h: attend(w, self.heads, h, h, False))
            x = self.around(f"encoder.layer{l}.feed_forward", x, feed_forward)
        memory = self.last_norm("encoder", x)
        words = np.concatenate([np.zeros((1, self.d)), self.target[target[:-1]]])  # the word before the first is zeros
        x = root * words + positions(len(target), self.d)
        for l in range(1, self.layers + 1):
            x = self.around(f"decoder.layer{l}.self_attention", x, lambda w, h: attend(w, self.heads, h, h, True))
            x = self.around(f"decoder.layer{l}.source_attention", x,
                            lambda w, h: attend(w, self.heads, h, memory, False))
            x = self.around(f"decoder.layer{l}.feed_forward", x, feed_forward)
        x = self.last_norm("decoder", x)
        return sum(log_softmax(self.output, t)[word] for t, word in zip(x, target, strict=True))


if __name__ == "__main__":
    rnnsearch.main(Model)
