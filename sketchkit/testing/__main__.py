"""`python -m sketchkit.testing KIND NAME RESULT.json`: check one plugin that is installed.

The result is an object with `kind`, `name` (as `distribution:name`), `state` (`works` or `broken`), `reason`
(null, or the first fault) and `faults`. The code is 0 whenever there is a result, 2 for wrong usage, 3 for a
result that cannot be written and 4 for a plugin that does not exist.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from sketchkit import registry
from sketchkit.errors import InputError, PluginError
from sketchkit.files import atomic_write
from sketchkit.testing.verdict import run_check

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Check a plugin and write what came of it; the code to end with."""
    own = len(arguments) == 2 and arguments[0] == "own"
    if not own and (len(arguments) != 3 or arguments[0] not in registry.GROUPS):
        kinds = "|".join(registry.GROUPS)
        print(f"usage: python -m sketchkit.testing {kinds} NAME RESULT.json", file=sys.stderr)
        print("       python -m sketchkit.testing own RESULT.json", file=sys.stderr)
        return 2
    path = arguments[-1]
    try:
        found = _own() if own else run_check(registry.find(arguments[0], arguments[1])).to_json()
    except PluginError as error:
        print(error, file=sys.stderr)
        return 4
    verdict = json.dumps(found, indent=2) + "\n"
    try:
        with atomic_write(path) as stream:
            stream.write(verdict.encode())
    except InputError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


def _own() -> list[dict[str, Any]]:
    """What came of each of sketchkit's own plugins: they may share a process."""
    return [run_check(plugin).to_json() for plugin in registry.all_plugins() if plugin.builtin]


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # Not by `sys.exit`: threads and handlers that a plugin leaves behind have no say any more.
    os._exit(code)
