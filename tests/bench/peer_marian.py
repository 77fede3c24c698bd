#!/usr/bin/env python3
"""Marian on the work written by mininmt-bench-model --dump: the same minibatches, as sentences of made-up words.

    peer_marian.py train --work FILE [--against RESULTS]       target words a second
    peer_marian.py translate --work FILE [--against RESULTS]   target words a second, by a model that Marian trained a little

--against names mininmt's output; the line then has the ratio, mininmt's rate over Marian's. Needs the package pymarian.
What differs: Marian's decoder (--type s2s) has two GRU transitions a word, its encoder another form of GRU, its readout
no maxout. Its model has hardly learned, so its translations are shorter than mininmt's: rates are of words.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

from peer_report import print_line, result_of_mininmt

END = 0


def words_of(ids):
    return " ".join(f"w{i}" for i in ids if i != END)


class Folder:
    """The work as files that Marian reads."""

    def __init__(self, work, path):
        self.path = path
        for side, count in ((0, work["source_words"]), (1, work["target_words"])):
            names = ["</s>", "<unk>"] + [f"w{i}" for i in range(2, count)]
            with open(self.file(f"vocab.{side}.yml"), "w", encoding="utf-8") as out:
                out.writelines(f'"{name}": {i}\n' for i, name in enumerate(names))

    def file(self, name):
        return os.path.join(self.path, name)

    def write_text(self, minibatches):
        for side in (0, 1):
            with open(self.file(f"text.{side}"), "w", encoding="utf-8") as out:
                for pairs in minibatches:
                    out.writelines(words_of(pair[side]) + "\n" for pair in pairs)

    def marian(self, command, *options):
        """Runs it in a process of its own, since it writes its log to stderr, and ends the process on an error."""
        call = [sys.executable, "-c", "import sys, _pymarian as m; sys.exit(m.main(sys.argv[1:]) or 0)", command,
                "--vocabs", self.file("vocab.0.yml"), self.file("vocab.1.yml"), *map(str, options)]
        done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"Marian failed:\n{done.stdout[-2000:]}")
        return done.stdout

    def train(self, work, o, minibatches, repeats):
        self.write_text(minibatches * repeats)
        updates = len(minibatches) * repeats
        return self.marian(
            "train", "--type", "s2s", "--model", self.file("model.npz"), "--overwrite", "--train-sets", self.file("text.0"),
            self.file("text.1"), "--dim-emb", work["m"], "--dim-rnn", work["n"], "--enc-depth", 1, "--dec-depth", 1,
            "--optimizer", work["optimizer"], "--learn-rate", work["learn_rate"], "--clip-norm", work["clip_norm"],
            "--label-smoothing", work["label_smoothing"], "--dropout-rnn", work["dropout_annotations"],
            "--exponential-smoothing", work["exponential_smoothing"], "--cost-type", "ce-mean", "--no-shuffle",
            "--maxi-batch", 1, "--maxi-batch-sort", "none", "--mini-batch", len(minibatches[0]), "--max-length", 1000,
            "--after-batches", updates, "--disp-freq", f"{len(minibatches)}u", "--cpu-threads", o.threads, "--workspace", 3000)


def report(o, bench, rate, unit, mininmts="value", **more):
    line = dict(bench="Marian: " + bench, value=rate, unit=unit, threads=o.threads, **more)
    mininmt = result_of_mininmt(o.against, bench)
    if mininmt:
        line |= dict(mininmt=mininmt[mininmts], ratio=mininmt[mininmts] / rate)
    print_line(line)


def train(work, folder, o):
    log = folder.train(work, o, work["minibatches"], 2)  # the first pass warms up
    rates = [float(rate.replace(",", "")) for rate in re.findall(r"([\d.,]+) words/s", log)]
    version = re.search(r"\[marian\] Marian v(\S+)", log)
    report(o, "training", rates[-1], "target words/s", marian=version.group(1).rstrip(";") if version else "?")


def translate(work, folder, o):
    sources = work["sentences"]
    with open(folder.file("input"), "w", encoding="utf-8") as out:
        out.writelines(words_of(ids) + "\n" for ids in sources)
    pairs = [[ids, ids] for ids in sources]
    recipe = dict(optimizer="adam", learn_rate=0.002, clip_norm=1, label_smoothing=0, dropout_annotations=0,
                  exponential_smoothing=0)
    folder.train(work | recipe, o, [pairs[i:i + 32] for i in range(0, len(pairs), 32)], 3)
    log = folder.marian("decode", "--models", folder.file("model.npz"), "--input", folder.file("input"), "--output",
                        folder.file("output"), "--beam-size", work["beam"], "--mini-batch", work["mini_batch"], "--maxi-batch",
                        20, "--maxi-batch-sort", "src", "--normalize", 1, "--max-length-factor", 1, "--cpu-threads", o.threads)
    took = float(re.search(r"Total time: ([\d.]+)s wall", log).group(1))  # without loading
    with open(folder.file("output"), encoding="utf-8") as file:
        words = sum(len(line.split()) + 1 for line in file)
    report(o, "translation", words / took, "target words/s", "words_per_second", seconds=took, sentences=len(sources),
           words_a_sentence=words / len(sources))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["train", "translate"])
    parser.add_argument("--work", metavar="FILE", required=True)
    parser.add_argument("--against", metavar="FILE", help="output of mininmt-bench-model on the same work")
    parser.add_argument("--threads", type=int, default=1)
    o, _ = parser.parse_known_args()
    with open(o.work, encoding="utf-8") as file:
        work = json.load(file)
    with tempfile.TemporaryDirectory() as path:
        {"train": train, "translate": translate}[o.command](work, Folder(work, path), o)


if __name__ == "__main__":
    main()
