#!/usr/bin/env python3
"""RNNsearch in NumPy, float64, one sentence at a time: the reference for the C++ code.

    rnnsearch.py MODEL_DIR SOURCE TARGET                   prints log p(y|x) of each line pair (natural logarithm)
    rnnsearch.py --check MODEL_DIR SOURCE TARGET SCORES    exits 1 if a score differs by more than 1e-4, relatively

Sections are those of MODEL.md; P is Bahdanau, Cho, Bengio 2014 (arXiv 1409.0473). Letters: S source length, T target
length, V vocabulary size, and the paper's sizes m embedding, n hidden, n' alignment, l maxout units.
"""
import argparse
import json
import os
import struct
import sys

import numpy as np

END, UNKNOWN = 0, 1  # ids of </s> and <unk>
TOLERANCE = 1e-4


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def softplus(x):
    return np.logaddexp(0, x)


def gru_step(w, h, x, c=None):
    """MODEL.md 1 and 3, P A.1.1, A.2.1, A.2.2: the next state from the state h (n), the embedding x (m) and, in the
    decoder, the context c. The reset gate acts before the product with U, and z weighs the new candidate."""
    def context(name):
        return 0 if c is None else w[name] @ c
    z = sigmoid(w["W_z"] @ x + w["U_z"] @ h + context("C_z") + w["b_z"])
    r = sigmoid(w["W_r"] @ x + w["U_r"] @ h + context("C_r") + w["b_r"])
    candidate = np.tanh(w["W"] @ x + w["U"] @ (r * h) + context("C") + w["b"])
    return (1 - z) * h + z * candidate


def gru_sequence(w, xs):
    """MODEL.md 1: the states (S, n) of a GRU that reads xs (S, m), starting from zero."""
    h, states = np.zeros(len(w["b"])), []
    for x in xs:
        h = gru_step(w, h, x)
        states.append(h)
    return np.array(states)


def softmax(e):
    p = np.exp(e - e.max())
    return p / p.sum()


def attend(w, s, annotations):
    """MODEL.md 2, P eq. 5-6, A.1.2: the context of state s (n) over the annotations (S, 2n)."""
    e = np.array([w["v_a"] @ np.tanh(w["W_a"] @ s + w["U_a"] @ h) for h in annotations])
    return softmax(e) @ annotations


def hops(w, count, score, s, annotations):
    """MODEL.md 9.7, Sukhbaatar et al. 2015: the context of state s after `count` hops."""
    u, m, o = w["W_u"] @ s, annotations @ w["A"].T, annotations @ w["C"].T
    for k in range(count):
        p = softmax(np.tanh(u + m) @ w["v_a"] if score == "additive" else m @ u / (len(u) if score == "scaled-dot" else 1))
        u = w["H"] @ u + p @ o
    return p @ annotations


class Content:
    """MODEL.md 9.6, Graves, Wayne, Danihelka 2014, 3.3: weights by cosine; with w_g also by the weights of the step
    before, shifted and sharpened."""

    def __init__(self, w, length):
        self.w, self.weights = w, np.eye(length)[0]

    def __call__(self, s, annotations):
        w = self.w
        k, beta = w["W_k"] @ s + w["b_k"], softplus(w["w_b"] @ s + w["b_b"])
        norms = np.linalg.norm(k) * np.linalg.norm(annotations, axis=1)
        by_content = softmax(beta * (annotations @ k) / np.maximum(norms, 1e-8))
        if "w_g" not in w:
            return by_content @ annotations
        g, gamma = sigmoid(w["w_g"] @ s + w["b_g"]), 1 + softplus(w["w_gamma"] @ s + w["b_gamma"])
        v = g * by_content + (1 - g) * self.weights
        shifts = softmax(w["W_shift"] @ s + w["b_shift"])
        u = sum(r * np.roll(v, o) for o, r in zip([-1, 0, 1], shifts))
        self.weights = softmax(gamma * np.log(u + 1e-20))
        return self.weights @ annotations


def diagonal(i, annotations):
    """MODEL.md 9.2: the context of step i, counted from 1."""
    return annotations[min(i, len(annotations)) - 1]


class Window:
    """MODEL.md 9.5, Graves 2013, section 5.1: K Gaussians over the annotations, whose centres kappa only move forward."""

    def __init__(self, w):
        self.w, self.kappa = w, np.zeros(len(w["b_p"]) // 3)

    def __call__(self, s, annotations):
        numbers = np.clip(self.w["W_p"] @ s + self.w["b_p"], -8, 8)
        alpha, beta, advance = np.exp(numbers.reshape(3, -1))
        self.kappa = self.kappa + advance
        positions = np.arange(1, len(annotations) + 1)[:, None]
        phi = (alpha * np.exp(-beta * (self.kappa - positions) ** 2)).sum(axis=1)
        return phi @ annotations


def hard(model, source, target):
    """MODEL.md 9.4, Wu, Shapiro, Cotterell 2018: log p of a sentence whose words are predicted from each position and
    mixed; the state reads no context."""
    p, (h, s), total = model.p, model.annotate(source), 0.0
    w, embedding = p["attention"], p[""]["target_embedding"]
    y = np.zeros(embedding.shape[1])
    for i, word in enumerate(target):
        if model.order == "authors":
            s = gru_step(p["decoder"], s, y) if i > 0 else s
            s_next = reads = s
        else:
            s_next = gru_step(p["decoder"], s, y)
            reads = s_next if model.order == "body" else s
        alpha = softmax(np.array([w["v_a"] @ np.tanh(w["W_a"] @ s + w["U_a"] @ h_j) for h_j in h]))
        word_log_p = [log_softmax(p["output"], readout(p["readout"], reads, y, h_j))[word] for h_j in h]
        total += np.log(alpha @ np.exp(word_log_p))
        s, y = s_next, embedding[word]
    return total


def transducer(model, source, target):
    """MODEL.md 9.3, Graves 2012: log p of a sentence, the sum over all paths of a cursor, in plain probabilities. The
    deep joint has two rows a unit of the readout, the additive one."""
    p, (h, s) = model.p, model.annotate(source)
    w, r, out, embedding = p["transducer"], p["readout"], p["output"], p[""]["target_embedding"]
    deep = len(r["b_o"]) > out["W_o"].shape[1]
    wrote = np.eye(len(h))[0]  # before the first word the cursor is at the first position
    y = np.zeros(embedding.shape[1])
    for u, word in enumerate(target):
        s = gru_step(p["decoder"], s, y) if u > 0 else s
        z = np.tanh(w["W_e"] @ s + h @ w["U_e"].T + w["b_e"]) @ w["v_e"] + w["b"]
        gates = np.append(sigmoid(z[:-1]), 1)  # at the last position there is nowhere to move
        reached, moved = [], 0.0
        for j, h_j in enumerate(h):
            t = readout(r, s, y, h_j) if deep else r["U_o"] @ s + r["V_o"] @ y + r["C_o"] @ h_j + r["b_o"]
            logits = out["W_o"] @ t + out["b_y"]
            if j + 1 < len(h):
                logits[END] = -np.inf
            here = wrote[j] + moved
            moved = here * (1 - gates[j])
            reached.append(here * gates[j] * softmax(logits)[word])
        wrote, y = np.array(reached), embedding[word]
    return np.log(wrote[-1])


def readout(w, s, y, c):
    """MODEL.md 4, P A.2.2: deep output with one maxout layer; y (m) is the previous word's embedding. Gives t (l)."""
    t = w["U_o"] @ s + w["V_o"] @ y + w["C_o"] @ c + w["b_o"]
    return t.reshape(-1, 2).max(axis=1)


def log_softmax(w, t):
    """MODEL.md 4: log p of every target word (V)."""
    logits = w["W_o"] @ t + w["b_y"]
    logits = logits - logits.max()
    return logits - np.log(np.exp(logits).sum())


class Model:
    """A model folder (MODEL.md 8): sizes, vocabularies and parameters; p["decoder"]["U_z"] is decoder.U_z."""

    def __init__(self, folder):
        tensors, metadata = read_safetensors(os.path.join(folder, "model.safetensors"))
        config = json.loads(metadata["mininmt"])
        if config["format"] == 1:
            config |= {"alignment-model": config["alignment"], "decoder-order": config["decoder_order"]}
        self.kind, self.order, self.hops = config["alignment-model"], config["decoder-order"], config.get("hops")
        self.hop_score = config.get("hop-score")
        self.source_ids, self.target_ids = read_vocabs(folder)
        self.p = by_group(tensors)

    def annotate(self, source):
        """MODEL.md 1, 3: the annotations (S, 2n) and s_0 (n)."""
        xs = self.p[""]["source_embedding"][source]
        backward = gru_sequence(self.p["encoder.backward"], xs[::-1])[::-1]
        annotations = np.concatenate([gru_sequence(self.p["encoder.forward"], xs), backward], axis=1)
        decoder = self.p["decoder"]
        return annotations, np.tanh(decoder["W_s"] @ backward[0] + decoder["b_s"])

    def encode(self, source):
        """MODEL.md 1, 2, 3 and 9. Gives s_0 (n) and the function that maps step i and a state to c_i."""
        decoder = self.p["decoder"]
        if self.kind == "fixed":
            xs = self.p[""]["source_embedding"][source]
            summary = gru_sequence(self.p["encoder.forward"], xs)[-1]  # the state at the source's </s>
            context = lambda i, s: summary
            s_0 = np.tanh(decoder["W_s"] @ summary + decoder["b_s"])
        else:
            annotations, s_0 = self.annotate(source)
            if self.kind == "additive":
                context = lambda i, s: attend(self.p["attention"], s, annotations)
            elif self.kind == "diagonal":
                context = lambda i, s: diagonal(i, annotations)
            elif self.kind == "window":
                window = Window(self.p["attention"])
                context = lambda i, s: window(s, annotations)
            elif self.kind == "content":
                content = Content(self.p["attention"], len(annotations))
                context = lambda i, s: content(s, annotations)
            elif self.kind == "hops":
                context = lambda i, s: hops(self.p["attention"], self.hops, self.hop_score, s, annotations)
            else:
                raise ValueError(f"unknown alignment model {self.kind!r}")
        return s_0, context

    def log_probability(self, source, target):
        """MODEL.md 5: log p(target | source), both lists of ids ending in </s>."""
        if self.kind in ("hard", "transducer"):
            return {"hard": hard, "transducer": transducer}[self.kind](self, source, target)
        order, decoder, total = self.order, self.p["decoder"], 0.0
        embedding = self.p[""]["target_embedding"]
        s, context = self.encode(source)
        y = np.zeros(embedding.shape[1])  # the embedding of the word before the first
        for i, word in enumerate(target, 1):
            c = context(i, s)
            if order == "authors":  # attend, predict, update with the word just predicted
                t = readout(self.p["readout"], s, y, c)
                s_next = gru_step(decoder, s, embedding[word], c)
            elif order == "body":  # P eq. 4: attend, update, predict from the new state
                s_next = gru_step(decoder, s, y, c)
                t = readout(self.p["readout"], s_next, y, c)
            elif order == "appendix":  # P A.2.2: update as in the body, predict from the old state
                s_next = gru_step(decoder, s, y, c)
                t = readout(self.p["readout"], s, y, c)
            else:
                raise ValueError(f"unknown decoder order {order!r}")
            total += log_softmax(self.p["output"], t)[word]
            s, y = s_next, embedding[word]
        return total


def read_safetensors(path):
    """All tensors of a float32 file, as float64, and the metadata."""
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        assert entry["dtype"] == "F32", name
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).astype(np.float64)
    return tensors, metadata


def read_lines(path):
    """Lines end only at \\n."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n") for line in file]


def read_vocab(path):
    return {word: number for number, word in enumerate(read_lines(path))}


def read_vocabs(folder):
    return tuple(read_vocab(os.path.join(folder, side + ".vocab")) for side in ["source", "target"])


def by_group(tensors):
    """by_group(tensors)["decoder"]["U_z"] is decoder.U_z."""
    groups = {}
    for name, value in tensors.items():
        group, _, symbol = name.rpartition(".")
        groups.setdefault(group, {})[symbol] = value
    return groups


def word_ids(line, vocab):
    return [vocab.get(word, UNKNOWN) for word in line.split(" ") if word] + [END]


def score(model, source_path, target_path):
    """Yields log p of each line of the target given the same line of the source."""
    for x, y in zip(read_lines(source_path), read_lines(target_path), strict=True):
        yield model.log_probability(word_ids(x, model.source_ids), word_ids(y, model.target_ids))


def check(expected, scores_path):
    """Prints the largest relative difference and says whether it is within the tolerance, which NaN is not."""
    found = [float(line) for line in read_lines(scores_path)]
    differences = [abs(b - a) / abs(a) for a, b in zip(expected, found, strict=True)]
    worst = int(np.argmax(differences))
    print(f"largest relative difference {differences[worst]:.3g}, at line {worst + 1} of {len(found)}")
    return bool(differences[worst] <= TOLERANCE)


def main(model_class=Model):
    parser = argparse.ArgumentParser(description="log p(y|x) under a model, in NumPy and float64.")
    parser.add_argument("--check", action="store_true", help="compare with a file of scores, one a line")
    parser.add_argument("files", nargs="+", metavar="MODEL_DIR SOURCE TARGET [SCORES]")
    options = parser.parse_args()
    if len(options.files) != (4 if options.check else 3):
        parser.error("needs MODEL_DIR SOURCE TARGET, and SCORES with --check")
    model = model_class(options.files[0])
    scores = score(model, options.files[1], options.files[2])
    if options.check:
        sys.exit(0 if check(scores, options.files[3]) else 1)
    for value in scores:
        print(f"{value:.17g}")


if __name__ == "__main__":
    main()
