#!/usr/bin/env python3
"""Mutation testing: typical mistakes, each applied to a copy of the project. Do the tests notice?

    tests/mutants/run.py [--jobs N] [--copy LETTER] [NAME ...]     all, or those whose name contains a NAME
    tests/mutants/run.py --check     whether each applies and its tests are there, without building anything

The mutants are in the .txt files next to this script. Each is an edit of one file that must match exactly once
(ignoring white space and comments between tokens), the tests that should fail, and the effect for a user. The copy and
its build are in build-mutants-LETTER/, default a; two concurrent runs need different letters. Exit code 1 if a mutant is
unnoticed, doesn't apply or doesn't compile.
"""
import argparse
import fnmatch
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NOTICED, UNNOTICED, STALE, BROKEN = "noticed", "NOT NOTICED", "DOES NOT APPLY", "DOES NOT COMPILE"
TEST_SECONDS, BUILD_SECONDS, MOST_OUTPUT = 300, 900, 1 << 28


class Mutant:
    def __init__(self, fields):
        value = lambda key: [text for name, text in fields if name == key]
        self.name, self.file = value("name")[0], value("file")[0]
        self.edits = list(zip(value("old"), value("new"), strict=True))
        self.tests = [tuple(part.strip() for part in (text + ",").split(",")[:2]) for text in value("test")]
        self.felt, self.hangs = value("felt")[0], "hangs" in dict(fields)

    def changed(self, text):
        """The file with its edits; None if one doesn't match exactly once."""
        for old, new in self.edits:
            tokens = re.findall(r"\w+|\S", old)
            pattern = re.compile(r"(?:\s|//[^\n]*\n)*".join(map(re.escape, tokens)))
            text, count = pattern.subn(lambda _: new, text)
            if count != 1:
                return None
        return text


def mutants_of(path):
    """Blocks of lines "key: value", separated by blank lines; an indented line continues the previous value."""
    for block in path.read_text().split("\n\n"):
        fields = []
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line.startswith(" "):
                fields[-1] = (fields[-1][0], fields[-1][1] + "\n" + line.strip())
            else:
                key, _, value = line.partition(":")
                fields.append((key, value.strip()))
        if fields:
            yield Mutant(fields)


def faults(mutant):
    """What keeps it from being tried, as far as the sources say."""
    path = ROOT / mutant.file
    if not path.is_file() or mutant.changed(path.read_text()) is None:
        yield f"does not apply to {mutant.file}"
    for test, case in mutant.tests:
        name = test.split(".")[1]
        sources = [source.read_text() for source in (ROOT / "tests").glob(f"*/{name}_test.cc")]
        cases = re.findall(r'TEST_CASE\w*\((?:\w+,)?\s*"((?:[^"\\]|\\.)*)"', "".join(sources))
        if not any(fnmatch.fnmatchcase(there, case or "*") for there in cases):
            yield f"{test} has no test case '{case}'"


def command(arguments, seconds, **options):
    """Exit code and output; the code is None if it took longer. A test that prints without end is stopped."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                                   preexec_fn=limit, **options)
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            code = None
        output.seek(0)
        return code, output.read()


class Copy:
    """A copy of the project and its build, to try mutants in."""

    def __init__(self, folder, jobs):
        self.folder, self.build_folder, self.jobs = folder, folder / "build", jobs
        folder.mkdir(exist_ok=True)
        self.update()
        if not (self.build_folder / "CMakeCache.txt").exists():
            launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
            subprocess.run(["cmake", "-S", folder, "-B", self.build_folder, "-DMININMT_CUDA=OFF", *launcher],
                           check=True, stdout=subprocess.DEVNULL)

    def update(self):
        """Unchanged files keep their time, so that little is rebuilt."""
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], check=True,
                                capture_output=True, text=True).stdout.split("\0")
        files = {name for name in listed if name and (ROOT / name).is_file()}
        for old in self.folder.rglob("*"):
            inside = self.build_folder in old.parents
            if old.is_file() and not inside and str(old.relative_to(self.folder)) not in files:
                old.unlink()
        for name in files:
            source, copy = ROOT / name, self.folder / name
            if not copy.exists() or copy.read_bytes() != source.read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, copy)
                shutil.copymode(source, copy)

    def build(self, tests):
        targets = sorted({"mininmt-" + test.split(".")[0] for test, _ in tests})
        return command(["cmake", "--build", self.build_folder, "-j", str(self.jobs), "--target", *targets],
                       BUILD_SECONDS)

    def run(self, test, case):
        """Whether the test fails, None if it does not end; and a description."""
        suite, name, *order = test.split(".")
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        if order:
            environment["MININMT_EMULATION_ORDER"] = order[0]
        arguments = [self.build_folder / "tests" / ("mininmt-" + suite), f"--source-file=*/{name}_test.cc"]
        if case:
            arguments.append("--test-case=" + case)
        code, output = command(arguments, TEST_SECONDS, cwd=self.folder, env=environment)
        if code is None:
            return None, f"{test}: no end in {TEST_SECONDS} s"
        if code == 0 and not re.search(r"test cases:\s+[1-9]", output):
            sys.exit(f"{test}: no test case '{case}'")
        failed = re.search(r"TEST CASE:\s+(.*)", output)
        return code != 0, f"{test}: {failed[1].strip() if failed else 'exit code ' + str(code)}"

    def judge(self, mutant):
        path = self.folder / mutant.file
        original = path.read_text()
        changed = mutant.changed(original)
        if changed is None:
            return STALE, mutant.file
        try:
            path.write_text(changed)
            code, output = self.build(mutant.tests)
            if code != 0:
                error = re.search(r"error: .*|multiple definition.*|undefined reference.*", output)
                return BROKEN, error[0] if error else output[-200:]
            for test, case in mutant.tests:
                failed, by = self.run(test, case)
                if failed or (failed is None and mutant.hangs):
                    return NOTICED, by
                if failed is None:
                    return UNNOTICED, by
            return UNNOTICED, mutant.felt
        finally:
            path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--copy", default="a")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    mutants = [m for path in sorted(HERE.glob("*.txt")) for m in mutants_of(path)]
    names = [m.name for m in mutants]
    if len(set(names)) != len(names):
        sys.exit("two mutants have one name")
    if options.names:
        mutants = [m for m in mutants if any(name in m.name for name in options.names)]
    if not mutants or not re.fullmatch(r"\w+", options.copy):
        sys.exit("no mutant of that name" if not mutants else "--copy: a letter")
    if options.check:
        found = [f"{m.name}: {fault}" for m in mutants for fault in faults(m)]
        sys.exit("\n".join(found) or None)

    copy = Copy(ROOT / f"build-mutants-{options.copy}", options.jobs)
    tests = sorted({test for m in mutants for test in m.tests})
    code, output = copy.build(tests)
    if code != 0:
        sys.exit("the project itself does not build:\n" + output[-2000:])
    for test in tests:
        failed, by = copy.run(*test)
        if failed is not False:
            sys.exit(f"without any mutant {by} fails")

    counts = {}
    for mutant in mutants:
        begin = time.monotonic()
        verdict, by = copy.judge(mutant)
        counts[verdict] = counts.get(verdict, 0) + 1
        print(f"{mutant.name:34} {verdict:16} {by}  ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{len(mutants)} mutants:", ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return counts.get(NOTICED, 0) != len(mutants)


if __name__ == "__main__":
    sys.exit(main())
