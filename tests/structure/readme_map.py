#!/usr/bin/env python3
"""Checks the READMEs against the code: each row of README.md's map from equation to file and function, and each path.

    readme_map.py              checks this project; exits 1 with a line for each missing name
    readme_map.py --self-test  checks that this checker detects a wrong name

The map is every table row of README.md whose last two cells are a `file` and one or more `names`, a function, a class
or class::member, separated by commas. A name must be defined or declared in that file, not only used. A path is a link
target, or text in backquotes that looks like one (`nn/rnnsearch/decoder.h`, `./tests/run.sh`).
"""
import pathlib
import re
import sys
import tempfile

HEADING = "## From equation to code"
ROW = re.compile(r"^\|.*\|\s*`([\w./]+)`\s*\|\s*(`[^|]+`)\s*\|\s*$")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"^(\./)?[\w.-]+(/[\w.-]+)*(/|\.(h|cc|cu|py|sh|md|txt))$")
MADE_LATER = ("build", "quickstart/")  # folders that the scripts make
COMMANDS = ["./apps/quickstart.sh", "./tests/run.sh"]
FEWEST_ROWS = 20


def rows(readme):
    """(file, name) for each name of the map."""
    _, found, table = readme.partition(HEADING)
    pairs = []
    for line in table.splitlines() if found else []:
        match = ROW.match(line)
        if match:
            pairs += [(match[1], name) for name in CODE.findall(match[2])]
    return pairs


def is_defined(text, name):
    """Whether C++ source defines or declares a function, a class or class::member. The project's style makes that
    simple: definitions start at the beginning of a line, members are indented within their class."""
    owner, _, member = name.rpartition("::")
    code = re.sub(r"//.*", "", text)
    word = re.escape(member) + r"(?!\w)"
    if re.search(rf"^(class|struct|enum class) {word}(?!;)", code, re.M) and not owner:
        return True
    if not owner:
        return re.search(rf"^[A-Za-z][^=;(\n]*\b{word}\(", code, re.M) is not None
    if re.search(rf"^[A-Za-z][^=;(\n]*\b{owner}::{word}\(|^{owner}::{word}\(", code, re.M):
        return True
    body = re.search(rf"^(?:class|struct) {owner}\b[^;{{]*{{(.*?)^}};", code, re.M | re.S)
    return body is not None and re.search(rf"^  (?!return|throw)[A-Za-z][^=;(\n]*\b{word}\(", body[1], re.M) is not None


def missing_paths(root, file):
    text = file.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    named = [target for target in LINK.findall(prose) if "://" not in target]
    named += [code for code in CODE.findall(prose) if "/" in code and PATH.match(code)]
    for target in named:
        target = target.removeprefix("./")
        if target.startswith(MADE_LATER):
            continue
        if not (root / target).exists() and not (file.parent / target).exists():
            yield f"{file.relative_to(root)}: {target} does not exist"


def problems(root, fewest_rows=FEWEST_ROWS):
    readme = (root / "README.md").read_text(encoding="utf-8")
    found = []
    pairs = rows(readme)
    if len(pairs) < fewest_rows:
        found.append(f"README.md: {len(pairs)} rows under '{HEADING}', expected {fewest_rows} or more")
    for path, name in pairs:
        if not (root / path).is_file():
            found.append(f"README.md: {path} does not exist")
        elif not is_defined((root / path).read_text(encoding="utf-8"), name):
            found.append(f"README.md: {path} does not define {name}")
    found += [f"README.md: {command} is not named" for command in COMMANDS if command not in readme]
    for file in sorted(root.glob("README.md")) + sorted(root.glob("[a-z]*/**/README.md")):
        if not file.relative_to(root).parts[0].startswith("build"):
            found += missing_paths(root, file)
    return found


SOURCE = """
// f(x) is only named in this comment: ghost(x)
class Later;
class Cell : public Base {
 public:
  Var run(Var x) const {
    return helper(x);
  }
};
Var step(Var x) { return inner(x); }
Var Cell::grow(Var x) { return x; }
Cell::Cell(int n) : n_(n) {}
"""
README = f"""Run ./apps/quickstart.sh, then ./tests/run.sh.
See [the cell](nn/cell.cc) and `nn/cell.cc`.
{HEADING}
| what | file | function |
|---|---|---|
| y = f(x) | `nn/cell.cc` | `step`, `Cell::run` |
| cell | `nn/cell.cc` | `Cell` |
| cell | `nn/cell.cc` | `Cell::grow`, `Cell::Cell` |
"""
WRONG = [  # an edit of the README, each of which must give a problem
    ("`step`", "`stop`"),
    ("`step`", "`inner`"),
    ("`step`", "`ghost`"),
    ("`Cell` ", "`Later` "),
    ("`Cell::run`", "`Cell::helper`"),
    ("`Cell::run`", "`Cell::step`"),
    ("`Cell::grow`", "`Other::grow`"),
    ("| cell | `nn/cell.cc`", "| cell | `nn/gone.cc`"),
    ("(nn/cell.cc)", "(nn/gone.cc)"),
    ("and `nn/cell.cc`", "and `nn/gone.cc`"),
    ("./tests/run.sh", "the tests"),
    (HEADING, "## Map"),
]


def self_test():
    failures = 0
    for before, after in [("", "")] + WRONG:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "nn").mkdir()
            (root / "nn/cell.cc").write_text(SOURCE, encoding="utf-8")
            (root / "README.md").write_text(README.replace(before, after) if before else README, encoding="utf-8")
            found = problems(root, fewest_rows=3)
        if bool(found) != bool(before):
            failures += 1
            print(f"self-test: {before} to {after} gives {found}")
    print(f"self-test: {len(WRONG) + 1} READMEs, {failures} judged wrongly")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = pathlib.Path(__file__).resolve().parents[2]
    found = problems(root)
    print("\n".join(found) if found else "everything that the READMEs name is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
