"""Record anew what the net compares with: `python tests/recorded/record.py [NAME...] [--bits FOLDER]`.

Without `--bits` the committed recordings are replaced; look at the difference before it is committed. With
it every number is kept to the last bit in FOLDER. `SKETCHKIT_RECORDED=FOLDER pytest tests/recorded` then
compares bit for bit, which holds on one machine only: record before a change, compare behind it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import recorded_cases
import recordings


def main() -> int:
    """Record some cases, or all."""
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases; all where none is given")
    parser.add_argument("--bits", type=Path, metavar="FOLDER", help="record to the last bit, here")
    chosen = parser.parse_args()
    folder = recordings.OUTPUTS if chosen.bits is None else chosen.bits
    folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or recorded_cases.CASES:
        begun = time.perf_counter()
        found = recordings.record(recorded_cases.CASES[name], exactly=chosen.bits is not None)
        text = recordings.dump(found)
        recordings.file_of(name, folder).write_text(text, encoding="utf-8")
        print(f"{name}: {len(text)} bytes, {time.perf_counter() - begun:.2f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
