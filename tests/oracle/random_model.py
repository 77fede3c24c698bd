#!/usr/bin/env python3
"""Writes a model folder (MODEL.md 8) with random parameters, large enough that every term of every equation matters.

    random_model.py FOLDER [--type rnnsearch] [--dim-emb 5] [--decoder-order authors] [--alignment-model additive] [--seed 1] ...

The vocabularies are </s>, <unk> and then s2, s3, ... or t2, t3, ... `--text PREFIX` also writes random sentences to
PREFIX.source and PREFIX.target, some of whose words are outside the vocabulary.
"""
import argparse
import json
import os
import struct

import numpy as np


def lstm_shapes(o):
    """The same of the deep LSTM, MODEL.md 9.8."""
    m, n = o.dim_emb, o.dim_rnn
    table = {"source_embedding": (o.source_words, m), "target_embedding": (o.target_words, m)}
    for cell in [f"{side}.layer{i}" for side in ["encoder", "decoder"] for i in range(1, o.layers + 1)]:
        for gate in "ifco":
            table |= {f"{cell}.W_{gate}": (n, m if cell.endswith("layer1") else n), f"{cell}.U_{gate}": (n, n),
                      f"{cell}.b_{gate}": (n,)}
        table |= {f"{cell}.p_{gate}": (n,) for gate in "ifo"}
    return table | {"output.W_o": (o.target_words, n), "output.b_y": (o.target_words,)}


def transformer_shapes(o):
    """The same of the Transformer, MODEL.md 9.9."""
    d, ffn, table = o.dim_model, o.dim_ffn, {"output.b_y": (o.target_words,)}
    if o.tied_embeddings == "all":
        table["embedding"] = (o.target_words, d)
    else:
        table |= {"source_embedding": (o.source_words, d), "target_embedding": (o.target_words, d)}
    if o.tied_embeddings == "no":
        table["output.W_o"] = (o.target_words, d)
    parts = ["encoder", "decoder"] if o.norm == "pre" else []  # what has a norm
    for layer in [f"{side}.layer{i}" for side in ["encoder", "decoder"] for i in range(1, o.layers + 1)]:
        for name in ["self_attention"] + ["source_attention"] * layer.startswith("decoder"):
            table |= {f"{layer}.{name}.{W}": (d, d) for W in ["W_Q", "W_K", "W_V", "W_O"]}
            parts.append(f"{layer}.{name}")
        name = f"{layer}.feed_forward"
        table |= {f"{name}.W_1": (ffn, d), f"{name}.b_1": (ffn,), f"{name}.W_2": (d, ffn), f"{name}.b_2": (d,)}
        parts.append(name)
    return table | {f"{part}.norm.{symbol}": (d,) for part in parts for symbol in ["gain", "bias"]}


def rnnsearch_shapes(o):
    """Name to shape, as in the tables of MODEL.md 8 and 9. The fixed vector (9.1) has no attention and no backward
    encoder, and its context is n wide."""
    m, n, backward = o.dim_emb, o.dim_rnn, o.alignment_model != "fixed"
    context = 2 * n if backward else n
    table = {"source_embedding": (o.source_words, m), "target_embedding": (o.target_words, m)}
    for cell in ["encoder.forward"] + ["encoder.backward"] * backward + ["decoder"]:
        for gate in ["", "_z", "_r"]:
            table[f"{cell}.W{gate}"] = (n, m)
            table[f"{cell}.U{gate}"] = (n, n)
            table[f"{cell}.b{gate}"] = (n,)
            if cell == "decoder" and o.alignment_model not in ("hard", "transducer"):
                table[f"{cell}.C{gate}"] = (n, context)
    table |= {"decoder.W_s": (n, n), "decoder.b_s": (n,)}
    if o.alignment_model == "window":
        table |= {"attention.W_p": (3 * o.gaussians, n), "attention.b_p": (3 * o.gaussians,)}
    if o.alignment_model == "content":
        table |= {"attention.W_k": (2 * n, n), "attention.b_k": (2 * n,), "attention.w_b": (n,), "attention.b_b": (1,)}
        if o.addressing == "full":
            table |= {"attention.w_g": (n,), "attention.b_g": (1,), "attention.W_shift": (3, n),
                      "attention.b_shift": (3,), "attention.w_gamma": (n,), "attention.b_gamma": (1,)}
    if o.alignment_model == "hops":
        table |= {"attention.W_u": (o.dim_align, n), "attention.A": (o.dim_align, 2 * n),
                  "attention.C": (o.dim_align, 2 * n), "attention.H": (o.dim_align, o.dim_align)}
        if o.hop_score == "additive":
            table |= {"attention.v_a": (o.dim_align,)}
    if o.alignment_model == "transducer":
        table |= {"transducer.W_e": (o.dim_align, n), "transducer.U_e": (o.dim_align, 2 * n),
                  "transducer.b_e": (o.dim_align,), "transducer.v_e": (o.dim_align,), "transducer.b": (1,)}
    if o.alignment_model in ("additive", "hard"):
        table |= {"attention.W_a": (o.dim_align, n), "attention.U_a": (o.dim_align, 2 * n),
                  "attention.v_a": (o.dim_align,)}
    wide = o.dim_maxout if o.alignment_model == "transducer" and o.joint == "additive" else 2 * o.dim_maxout
    table |= {"readout.U_o": (wide, n), "readout.V_o": (wide, m), "readout.C_o": (wide, context),
              "readout.b_o": (wide,)}
    return table | {"output.W_o": (o.target_words, o.dim_maxout), "output.b_y": (o.target_words,)}


COMMON = ["type", "source-words", "target-words"]
FIELDS = {"rnnsearch": COMMON + ["dim-emb", "dim-rnn", "dim-align", "gaussians", "hops", "hop-score", "addressing", "joint",
                                 "dim-maxout", "alignment-model", "decoder-order"],
          "lstm": COMMON + ["dim-emb", "dim-rnn", "layers", "reverse-source"],
          "transformer": COMMON + ["layers", "heads", "dim-model", "dim-ffn", "norm", "tied-embeddings"]}
SHAPES = {"rnnsearch": rnnsearch_shapes, "lstm": lstm_shapes, "transformer": transformer_shapes}


def write_safetensors(path, tensors, metadata):
    """Header length (8 bytes, little-endian), header (JSON, padded to 8 bytes with spaces), then the float32 data."""
    header, offset = {"__metadata__": metadata}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + 4 * value.size]}
        offset += 4 * value.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(value.astype("<f4").tobytes())


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)


def write_model(o):
    rng = np.random.default_rng(o.seed)
    shared = o.type == "transformer" and o.tied_embeddings == "all"  # one vocabulary for both sides
    if shared:
        o.source_words = o.target_words
    tensors = {name: o.scale * rng.standard_normal(shape) for name, shape in sorted(SHAPES[o.type](o).items())}
    config = {"format": 2} | {name: getattr(o, name.replace("-", "_")) for name in FIELDS[o.type]}
    os.makedirs(o.folder, exist_ok=True)
    write_safetensors(os.path.join(o.folder, "model.safetensors"), tensors, {"mininmt": json.dumps(config)})
    for side, letter, words in [("source", "t" if shared else "s", o.source_words), ("target", "t", o.target_words)]:
        vocab = ["</s>", "<unk>"] + [f"{letter}{i}" for i in range(2, words)]
        write_lines(os.path.join(o.folder, f"{side}.vocab"), vocab)
        if o.text:  # ids up to a tenth beyond the vocabulary, and a few empty lines
            lengths = rng.integers(0, o.length + 1, o.sentences)
            top = words + max(1, words // 10)
            write_lines(f"{o.text}.{side}",
                        [" ".join(f"{letter}{i}" for i in rng.integers(2, top, length)) for length in lengths])


def main():
    parser = argparse.ArgumentParser(description="Writes a model folder of random parameters.")
    parser.add_argument("folder")
    sizes = [("dim-emb", 5), ("dim-rnn", 7), ("dim-align", 6), ("gaussians", 3), ("hops", 3), ("dim-maxout", 4),
             ("heads", 3), ("dim-model", 12), ("dim-ffn", 10), ("source-words", 20), ("target-words", 23), ("seed", 1)]
    for name, value in sizes:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--scale", type=float, default=0.3, help="standard deviation of every parameter")
    parser.add_argument("--type", choices=list(FIELDS), default="rnnsearch")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--reverse-source", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--norm", choices=["post", "pre"], default="post")
    parser.add_argument("--tied-embeddings", choices=["target", "no", "all"], default="target")
    parser.add_argument("--alignment-model", default="additive",
                        choices=["additive", "fixed", "diagonal", "window", "content", "hops", "hard", "transducer"])
    parser.add_argument("--joint", choices=["additive", "deep"], default="additive")
    parser.add_argument("--addressing", choices=["content", "full"], default="content")
    parser.add_argument("--hop-score", choices=["dot", "scaled-dot", "additive"], default="dot")
    parser.add_argument("--decoder-order", choices=["authors", "body", "appendix"], default="authors")
    parser.add_argument("--text", metavar="PREFIX", help="write random sentences too")
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--length", type=int, default=12, help="the most words in a sentence")
    write_model(parser.parse_args())


if __name__ == "__main__":
    main()
