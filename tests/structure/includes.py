#!/usr/bin/env python3
"""Checks the direction of includes: a folder may only include itself and what the table allows.

    includes.py          checks this project; exits 1 with file and line of each violation
    includes.py ROOT     checks another tree
    includes.py --self-test    checks that this checker sees violations
"""
import pathlib
import re
import sys
import tempfile

SUFFIXES = {".h", ".cc", ".cu", ".cuh"}
FOLDERS = ["tensor", "autograd", "cuda", "ops", "nn", "apps", "tests"]

# What a folder may include, the most specific path first; an entry is a folder or a single file.
ALLOWED = [
    ("tensor", ["tensor"]),
    ("autograd", ["autograd", "tensor"]),
    ("cuda", ["cuda", "tensor"]),
    ("ops", ["ops", "autograd", "cuda", "tensor"]),
    ("nn", ["nn", "ops", "autograd", "cuda", "tensor"]),
    ("apps/text", ["apps/text", "tensor/error.h", "tensor/types.h", "tensor/atomic_file.h",
                   "tensor/checksum.h", "tensor/version.h"]),
    ("apps/toy", ["apps/toy", "tensor"]),
    ("apps", ["apps", "nn", "ops", "autograd", "cuda", "tensor"]),
    ("tests", FOLDERS),
]
# The emulation of CUDA includes its headers as CUDA does.
EMULATION = "tests/cuda_emulation"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def inside(path, entry):
    return path == entry or path.startswith(entry + "/")


def allowed_for(path):
    return next((allowed for folder, allowed in ALLOWED if inside(path, folder)), [])


def violations(root):
    """One line of text for each forbidden include."""
    found = []
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in SUFFIXES:
                found += violations_in(root, file)
    return found


def violations_in(root, file):
    found, path = [], file.relative_to(root).as_posix()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, target = match.groups()
        is_ours = target.split("/")[0] in FOLDERS
        if inside(path, EMULATION) and (root / EMULATION / "include" / target).is_file():
            continue
        place = f"{path}:{number}: {target}"
        if bracket == "<":
            if is_ours:
                found.append(f"{place} is ours: include it in quotes")
        elif not (root / target).is_file():
            found.append(f"{place} is not a file: includes are written from the project's root")
        elif not any(inside(target, entry) for entry in allowed_for(path)):
            found.append(f"{place} is out of bounds; allowed here: {', '.join(allowed_for(path))}")
    return found


def self_test():
    """Each line of bad, added to a correct tree, must give one violation; the tree alone none."""
    good = {
        "tensor/error.h": "#include <string>",
        "tensor/tensor.h": '#include "tensor/error.h"',
        "autograd/tape.h": '#include "tensor/tensor.h"',
        "cuda/kernels.h": '#include "tensor/tensor.h"',
        "ops/add.cc": '#include "autograd/tape.h"\n#include "cuda/kernels.h"',
        "ops/add.h": "",
        "nn/model.h": '#include "ops/add.h"',
        "apps/main.cc": '#include "nn/model.h"\n#include "apps/text/vocab.h"',
        "apps/text/vocab.h": '#include "tensor/error.h"',
        "apps/toy/words.cc": '#include "tensor/error.h"',
        "tests/helper.h": '#include "apps/text/vocab.h"',
    }
    bad = [
        ("tensor/tensor.h", '#include "autograd/tape.h"'),
        ("autograd/tape.h", '#include "ops/add.h"'),
        ("cuda/kernels.h", '#include "autograd/tape.h"'),
        ("ops/add.h", '#include "nn/model.h"'),
        ("nn/model.h", '#include "apps/text/vocab.h"'),
        ("autograd/tape.h", '#include "cuda/kernels.h"'),
        ("apps/text/vocab.h", '#include "cuda/device.h"'),
        ("apps/text/vocab.h", '#include "tensor/tensor.h"'),
        ("apps/text/vocab.h", '#include "nn/model.h"'),
        ("apps/toy/words.cc", '#include "apps/text/vocab.h"'),
        ("apps/main.cc", '#include "tests/helper.h"'),
        ("ops/add.cc", '#include "add.h"'),
        ("ops/add.cc", "  #  include <ops/add.h>"),
    ]
    failures = 0
    for extra in [None] + bad:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in good.items():
                if extra and path == extra[0]:
                    text += "\n" + extra[1]
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text + "\n", encoding="utf-8")
            found = violations(root)
        if len(found) != (1 if extra else 0):
            failures += 1
            print(f"self-test: {extra or 'the right tree'} gives {found}")
    print(f"self-test: {len(bad) + 1} trees, {failures} judged wrongly")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = pathlib.Path(sys.argv[1]) if sys.argv[1:] else pathlib.Path(__file__).resolve().parents[2]
    found = violations(root)
    print("\n".join(found) if found else "every include points down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
