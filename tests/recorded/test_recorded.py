"""What the product does, command by command and call by call, against what it did before.

A difference is either a mistake, or a change that `record.py` records anew and a commit explains.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import recordings
from recorded_cases import CASES, TRAINED

#: A folder of recordings to the last bit, made on this machine: then nothing is allowed to differ.
FOLDER = os.environ.get("SKETCHKIT_RECORDED")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", CASES)
def test_what_is_done_is_what_was_recorded(name: str) -> None:
    folder = Path(FOLDER) if FOLDER else recordings.OUTPUTS
    recorded = recordings.load(recordings.file_of(name, folder))
    found = json.loads(recordings.dump(recordings.record(CASES[name], exactly=FOLDER is not None)))
    relative = recordings.TRAINED if name in TRAINED else recordings.USUAL
    differences = list(recordings.differences(recorded, found, relative=0.0 if FOLDER else relative))
    anew = f"where that is meant: `cd tests/recorded && python record.py {name}`"
    assert not differences, "\n".join([f"{len(differences)} differences; {anew}", *differences[:20]])


def test_every_recording_has_its_case() -> None:
    assert {path.stem for path in recordings.OUTPUTS.glob("*.json")} == set(CASES)
