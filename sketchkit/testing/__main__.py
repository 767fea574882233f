"""`python -m sketchkit.testing KIND NAME [KIND NAME ...] RESULT`: check installed plugins.

The result file receives a JSON object per line, as soon as a plugin is checked, with `kind`, `name` (as
`distribution:name`), `state` (`works` or `broken`), `reason` (null, or the first fault) and `faults`. The
exit code is 0 for a complete result, 2 for wrong usage, 3 for a result file that cannot be written and 4 for
an unknown plugin.
"""

from __future__ import annotations

import json
import os
import sys

from sketchkit import registry
from sketchkit.errors import PluginError
from sketchkit.files import reason, shown
from sketchkit.testing.result import run_check

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Check plugins and write the results; returns the exit code."""
    *words, path = arguments or [""]
    kinds, names = words[::2], words[1::2]
    if not words or len(kinds) != len(names) or not registry.GROUPS.keys() >= set(kinds):
        choices = "|".join(registry.GROUPS)
        print(f"usage: python -m sketchkit.testing {choices} NAME [KIND NAME ...] RESULT", file=sys.stderr)
        return 2
    try:
        plugins = [registry.find(kind, name) for kind, name in zip(kinds, names, strict=True)]
        with open(path, "w", encoding="utf-8") as stream:
            for plugin in plugins:
                print(json.dumps(run_check(plugin).to_json()), file=stream, flush=True)
    except PluginError as error:
        print(error, file=sys.stderr)
        return 4
    except OSError as error:
        print(f"{shown(path)}: {reason(error)}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # `sys.exit` would wait for threads and handlers that a plugin leaves behind.
    os._exit(code)
