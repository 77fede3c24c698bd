#!/usr/bin/env python3
"""How speed and memory grow with each size by itself: training and search on made-up sentences. Prints a Markdown table.

    growth.py BUILD [THREADS [PRECISION]]

BUILD holds mininmt-bench-model. PRECISION: float32 (default) or bf16. The text is words drawn with probabilities 1/rank; models are untrained, and search
writes as many words as the source has. The slope is that of log time against log size, from the row before: 1 is linear.
"""
import itertools
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile

# What grows: its name, its values, and the options for a value.
TRAINING = [
    ("target words", [8000, 20000, 50000, 100000], lambda n: ["--dim-vocabs", "8000", str(n)]),
    ("units", [128, 256, 512, 1000], lambda n: sum((["--" + o, str(n)] for o in ("dim-emb", "dim-rnn", "dim-align", "dim-maxout")), [])),
    ("sentences a minibatch", [10, 20, 40, 80, 160], lambda n: ["--mini-batch", str(n)]),
    ("words a sentence", [15, 50, 200], lambda n: []),
    ("threads", [1, 2], lambda n: []),
]
SEARCH = [
    ("beam, one sentence at a time", [1, 5, 12], lambda n: ["--beam", str(n), "--mini-batch", "1"]),
    ("beam", [1, 4, 16, 64], lambda n: ["--beam", str(n)]),
    ("sentences at once", [1, 4, 16, 64, 256], lambda n: ["--beam", "5", "--mini-batch", str(n)]),
    ("words a sentence", [15, 50, 200], lambda n: ["--beam", "5"]),
    ("threads", [1, 2], lambda n: ["--beam", "5"]),
    ("target words", [8000, 20000, 50000, 100000], lambda n: ["--beam", "5", "--dim-vocabs", "8000", str(n)]),
]


def write_text(folder, length, sentences, words=100000):
    """Both sides: `sentences` of about `length` words."""
    draw = random.Random(1)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, words + 1)))
    for side in ("source", "target"):
        with open(os.path.join(folder, side), "w", encoding="utf-8") as out:
            for _ in range(sentences):
                count = draw.randint(length * 2 // 3, length * 4 // 3)
                out.write(" ".join(f"w{k}" for k in draw.choices(range(words), cum_weights=weights, k=count)) + "\n")
    return [os.path.join(folder, "source"), os.path.join(folder, "target")]


def measure(build, threads, text, options):
    """The result of the benchmark, with its peak memory in MB."""
    call = [os.path.join(build, "mininmt-bench-model"), "--device", "cpu", "--threads", str(threads), "--text", *text, *options]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out = process.stdout.read()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(call)}\n{said}")
    return next(json.loads(line) for line in out.splitlines() if line.startswith("{")) | {"megabytes": usage.ru_maxrss / 1000}


def table(title, unit, rows, rate):
    print(f"\n| {title} | | {unit} | slope | MB |\n|---|--:|--:|--:|--:|")
    for name, values, results in rows:
        before = None
        for value, result in zip(values, results):
            slope = ""
            if before:
                slope = f"{math.log(rate(before[1]) / rate(result)) / math.log(value / before[0]):.2f}"
            print(f"| {name} | {value:,} | {rate(result):,.4g} | {slope} | {result['megabytes']:,.0f} |")
            name, before = "", (value, result)


def run(build, threads, growing, more, sentences):
    rows = []
    for name, values, options in growing:
        results = []
        for value in values:
            with tempfile.TemporaryDirectory() as folder:
                length = value if name == "words a sentence" else 15
                text = write_text(folder, length, sentences(length))
                results.append(measure(build, value if name == "threads" else threads, text, options(value) + more))
        rows.append((name, values, results))
    return rows


def main():
    if len(sys.argv) not in (2, 3, 4):
        raise SystemExit(__doc__)
    build, threads = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    precision = sys.argv[3] if len(sys.argv) > 3 else "float32"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    training = run(build, threads, TRAINING, ["--minibatches", "6", "--max-length", "300", "--precision", precision], lambda length: 24000 // length)
    what = f"{threads} thread{'s' * (threads > 1)}, {precision}"
    table(f"training, {what}", "target words/s", training, lambda r: r["value"])
    search = run(build, threads, SEARCH, ["--fixed-length", "--precision", precision], lambda length: max(20, 1500 // length))
    table(f"search, {what}", "words/s", search, lambda r: r["words_per_second"])


if __name__ == "__main__":
    main()
