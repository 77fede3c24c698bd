#!/usr/bin/env python3
"""Checks that every header compiles on its own, and that a file includes the standard headers it uses.

    headers.py COMPILER          checks this project; exits 1 with each violation
    headers.py COMPILER ROOT     checks another tree
    headers.py --self-test COMPILER    checks that this checker sees violations

A header that a source of its name includes first is compiled by itself there; the others are compiled here. But one
release's <vector> brings std::int64_t along and another's does not, so names are looked up in the table below too.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDERS = ["tensor", "autograd", "cuda", "ops", "nn", "apps", "tests"]
FLAGS = ["-std=c++20", "-fsyntax-only", "-fopenmp", "-Itests/cuda_emulation/include", '-DMININMT_VERSION=""', "-x", "c++"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
NAME = re.compile(r"\bstd::(\w+)")
COMMENT = re.compile(r"//.*")

# Header: the names that need it, included directly or through our own headers.
NAMES = {
    "algorithm": "all_of any_of clamp copy_n count count_if equal erase_if find find_if is_sorted lower_bound max_element "
                 "min_element minmax none_of nth_element partial_sort pop_heap push_heap replace replace_if reverse shuffle "
                 "sort stable_sort unique upper_bound",
    "array": "array",
    "atomic": "atomic",
    "bit": "bit_cast bit_ceil bit_width countl_zero countr_zero endian popcount",
    "charconv": "from_chars to_chars",
    "chrono": "chrono",
    "cmath": "exp exp2 fma fmax fmin isfinite isinf isnan ldexp llround log nan pow round sqrt tanh",
    "cstdint": "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t",
    "cstdio": "fflush fprintf fputs fread fwrite printf puts rename snprintf",
    "cstdlib": "abort aligned_alloc free getenv strtod",
    "cstring": "memchr memcmp memcpy memmove memset strchr strcmp strcpy strerror",
    "deque": "deque",
    "exception": "current_exception exception_ptr rethrow_exception",
    "filesystem": "filesystem",
    "fstream": "ifstream ofstream",
    "functional": "function",
    "iomanip": "quoted setprecision",
    "iostream": "cerr cin cout",
    "limits": "numeric_limits",
    "map": "map",
    "memory": "make_shared make_unique shared_ptr unique_ptr",
    "mutex": "lock_guard mutex recursive_mutex unique_lock",
    "numeric": "accumulate iota",
    "optional": "nullopt optional",
    "random": "mt19937 mt19937_64 uniform_real_distribution",
    "regex": "regex regex_match",
    "set": "set",
    "span": "span",
    "sstream": "istringstream ostringstream",
    "stdexcept": "logic_error runtime_error",
    "string": "getline stoi string to_string",
    "string_view": "string_view",
    "thread": "this_thread thread",
    "tuple": "make_tuple tie tuple",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "variant": "get_if variant visit",
    "vector": "vector",
}
HOME = {name: header for header, names in NAMES.items() for name in names.split()}
ALSO = {"string_view": ["string"], "exception": ["stdexcept"], "iostream": ["ostream", "istream"]}


def sources(root):
    return [f for folder in FOLDERS for f in sorted((root / folder).rglob("*")) if f.suffix in {".h", ".cuh", ".cc", ".cu"}]


def brought(root, file, seen):
    """The standard headers a file includes, directly or through our own headers."""
    found = set()
    for bracket, target in INCLUDE.findall(file.read_text(encoding="utf-8")):
        ours = next((p for p in (root / target, root / "tests/cuda_emulation/include" / target) if p.is_file()), None)
        if ours is None:
            found.add(target)
        elif ours not in seen:
            seen.add(ours)
            found |= brought(root, ours, seen)
    return found


def missing(root):
    found = []
    for file in sources(root):
        headers, told = brought(root, file, set()), set()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for name in NAME.findall(COMMENT.sub("", line)):
                header = HOME.get(name)
                if header and header not in told and not headers & {header, *ALSO.get(header, [])}:
                    told.add(header)
                    found.append(f"{file.relative_to(root)}:{number}: std::{name} without <{header}>")
    return found


def first_of(source, root, header):
    includes = INCLUDE.findall(source.read_text(encoding="utf-8")) if source.is_file() else []
    return bool(includes) and includes[0][1] == header.relative_to(root).as_posix()


def broken(root, compiler):
    alone = [f for f in sources(root) if f.suffix in {".h", ".cuh"}
             and not any(first_of(f.with_suffix(suffix), root, f) for suffix in (".cc", ".cu"))]

    def complaint(header):
        text = f'#include "{header.relative_to(root).as_posix()}"\n'
        done = subprocess.run([compiler, *FLAGS, "-I.", "-"], input=text, text=True, capture_output=True, cwd=root)
        return [] if done.returncode == 0 else [f"{header.relative_to(root)} does not compile by itself:\n{done.stderr}"]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [line for lines in pool.map(complaint, alone) for line in lines]


def self_test(compiler):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "tensor").mkdir()
        files = {
            "good.h": "#pragma once\n#include <vector>\nstruct Good { std::vector<int> x; };\n",
            "sized.h": '#pragma once\n#include "tensor/good.h"\nstruct Sized { std::vector<std::int64_t> x; };\n',
            "needy.h": "#pragma once\nstruct Needy { Good x; };\n",
            "first.h": "#pragma once\nstruct First { Good x; };\n",
            "first.cc": '#include "tensor/first.h"\n',
        }
        for name, text in files.items():
            (root / "tensor" / name).write_text(text)
        assert missing(root) == ["tensor/sized.h:3: std::int64_t without <cstdint>"], missing(root)
        found = [line.split()[0] for line in broken(root, compiler) if "needy" in line or "good" in line or "first" in line]
        assert found == ["tensor/needy.h"], found
    return 0


def main(arguments):
    if arguments[0] == "--self-test":
        return self_test(arguments[1])
    root = pathlib.Path(arguments[1] if len(arguments) > 1 else pathlib.Path(__file__).parents[2])
    found = missing(root) + broken(root, arguments[0])
    print("\n".join(found) if found else "every header compiles by itself, and files include what they use")
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
