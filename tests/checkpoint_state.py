#!/usr/bin/env python3
"""Prints the state in a checkpoint of mininmt-train, but for times: numbers by name, and a checksum of each tensor."""
import hashlib
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    data = file.read()
for name, value in sorted(header.pop("__metadata__").items()):
    if name.startswith("state.") and "seconds" not in name and "since" not in name:
        print(name, value)
for name, entry in sorted(header.items()):
    begin, end = entry["data_offsets"]
    print(name, entry["shape"], hashlib.sha256(data[begin:end]).hexdigest())
