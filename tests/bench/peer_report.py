"""What the peers print: a JSON line, with the ratio of mininmt's rate on the same work."""
import json


def result_of_mininmt(path, bench):
    """The last one of this benchmark in mininmt's output; none without a path."""
    found = None
    if path:
        with open(path, encoding="utf-8") as file:
            for line in file:
                result = json.loads(line) if line.startswith("{") else {}
                found = result if result.get("bench") == bench else found
    return found


def print_line(line):
    print(json.dumps({key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in line.items()}), flush=True)
