"""Writes grapheme_table.h from Unicode's data (Debian: unicode-data): python3 apps/text/grapheme_table.py [FOLDER]"""
import gzip
import os
import re
import sys

FOLDER = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
# LV and LVT, the syllables of Hangul, follow from a formula.
CLASSES = ["CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V", "T",
           "Extended_Pictographic"]
HEADER = """// Unicode {version}: the characters of each class, in ascending order. Written by grapheme_table.py.
// Copyright (c) 1991-2022 Unicode, Inc., https://www.unicode.org/terms_of_use.html
#pragma once

namespace mininmt::grapheme {{

struct Range {{
  char32_t first, last;
}};
"""


def lines(*names):
    for name in names:
        path = os.path.join(FOLDER, name)
        if os.path.exists(path) or os.path.exists(path + ".gz"):
            opened = open(path, encoding="utf-8") if os.path.exists(path) else gzip.open(path + ".gz", "rt", encoding="utf-8")
            with opened as file:
                return file.read().splitlines()
    sys.exit(f"{FOLDER} has no {names[0]}")


def ranges(text):
    for line in text:
        found = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if found and found[3] in CLASSES:
            yield int(found[1], 16), int(found[2] or found[1], 16), found[3]


def name_of(grapheme):
    return "k" + "".join(part[0] + part[1:].lower() for part in re.findall("[A-Z]+[a-z]*", grapheme))


def main():
    breaks = lines("auxiliary/GraphemeBreakProperty.txt", "GraphemeBreakProperty.txt")
    version = re.search(r"-(\d+\.\d+\.\d+)", breaks[0])[1]
    table = sorted([*ranges(breaks), *ranges(lines("emoji/emoji-data.txt", "emoji-data.txt"))])
    out = HEADER.format(version=version)
    for grapheme in CLASSES:
        merged = []
        for first, last, _ in (row for row in table if row[2] == grapheme):
            if merged and merged[-1][1] + 1 == first:
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        items = ", ".join(f"{{0x{first:04X}, 0x{last:04X}}}" for first, last in merged)
        out += f"\ninline constexpr Range {name_of(grapheme)}[] = {{{items}}};\n"
    out += "\n}  // namespace mininmt::grapheme\n"
    with open(os.path.join(os.path.dirname(__file__), "grapheme_table.h"), "w", encoding="utf-8") as file:
        file.write(out)


main()
