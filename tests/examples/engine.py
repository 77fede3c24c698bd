#!/usr/bin/env python3
"""Runs the engine example and compares its output with spirals drawn here.

    engine.py PROGRAM [ARGUMENT ...]    exits 0 if the loss fell to a fiftieth and the last picture, not the first, has both spirals
"""
import math
import re
import subprocess
import sys

COLUMNS, LINES = 61, 31


def wrong(picture):
    """How many of 200 points along two spirals lie on a character of the other spiral."""
    count = 0
    for i in range(200):
        radius = 0.1 + 0.9 * i / 200
        angle = math.pi * (3 * radius + i % 2)
        column = round((1 + radius * math.cos(angle)) / 2 * (COLUMNS - 1))
        line = round((1 - radius * math.sin(angle)) / 2 * (LINES - 1))
        count += picture[line][column] != "o."[i % 2]
    return count


def main():
    runs = [subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True).stdout for _ in range(2)]
    lines = runs[0].splitlines()
    pictures = [lines[at + 1 : at + 1 + LINES] for at in (lines.index("before"), lines.index("after"))]
    losses = [float(x) for x in re.findall(r"^update \d+  loss (\S+)$", runs[0], re.M)]
    mistakes = [wrong(picture) for picture in pictures]
    checks = {
        "the same output again": runs[0] == runs[1],
        "the pictures are whole": all(re.fullmatch(f"[o.]{{{COLUMNS}}}", line) for p in pictures for line in p),
        f"the loss fell, {losses[0]} to {losses[-1]}": losses[-1] < losses[0] / 50,
        f"no spirals before, {mistakes[0]} wrong": mistakes[0] > 40,
        f"both spirals after, {mistakes[1]} wrong": mistakes[1] == 0,
    }
    for what, ok in checks.items():
        print("ok    " if ok else "FAILED", what)
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
