"""The curves of a run for TensorBoard: event files in `tensorboard/` of its folder.

Source: tensorboardX for the format of the files. Its `SummaryWriter` hands events to a thread, which dies on
a full disk and leaves the training waiting for it; here each event is written at once, and errors are said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sketchkit.errors import InputError
from sketchkit.files import reason, shown
from sketchkit.training.records import EvaluationRecord, StepRecord

__all__ = ["FOLDER_NAME", "TensorBoardLog"]

FOLDER_NAME = "tensorboard"
HOW_TO_GET_IT = "TensorBoard's curves need tensorboardX: pip install 'sketchkit[tensorboard]'"
#: Events reach the disk at least so often, in seconds: a flush waits for the disk.
_FLUSH_EVERY = 10.0
_STEP_TAGS: Mapping[str, str] = {
    "train/loss": "loss",
    "train/offset": "offset",
    "train/pen": "pen",
    "train/kl": "kl",
    "train/gradient_norm": "gradient_norm",
    "train/skipped": "skipped",
    "schedule/kl_weight": "kl_weight",
    "schedule/learning_rate": "learning_rate",
    "progress/points": "points",
    "progress/seconds": "seconds",
}
_EVALUATION_TAGS: Mapping[str, str] = {
    f"valid/{name}": name for name in ("loss", "offset", "pen", "kl", "nll_per_point")
}


class TensorBoardLog:
    """Writes a run's curves for `tensorboard --logdir RUN`.

    Args:
        folder: of the run.
        step: the last step of a run that goes on; what was drawn of later steps is drawn no longer.

    Raises:
        InputError: tensorboardX is not installed, or the files cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], step: int | None = None) -> None:
        try:
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto import event_pb2, summary_pb2
            from tensorboardX.summary import text
        except ImportError:
            raise InputError(HOW_TO_GET_IT) from None
        self._event, self._summary, self._text = event_pb2.Event, summary_pb2.Summary, text
        self._folder = Path(folder) / FOLDER_NAME
        self._step, self._flushed, self._closed = step or 0, time.monotonic(), False
        try:
            self._folder.mkdir(exist_ok=True)
            # Its name holds only seconds: a session must not overwrite one that began within the same.
            number = sum(1 for _ in self._folder.iterdir())
            self._writer = EventsWriter(str(self._folder.resolve() / "events"), f".{number:04d}")
        except OSError as error:
            raise InputError(f"{shown(self._folder)}: {reason(error)}") from error
        if step is not None:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._write(step + 1, session_log=start)

    @classmethod
    def if_possible(
        cls, folder: str | os.PathLike[str], step: int | None, note: Callable[[str], None]
    ) -> TensorBoardLog | None:
        """The log, or None and a note that says what it takes, for a user who did not ask for it.

        Args:
            folder: of the run.
            step: the last step of a run that goes on.
            note: is told what is missing.

        Raises:
            InputError: the files cannot be written.
        """
        from importlib.util import find_spec

        if find_spec("tensorboardX") is None:
            note(HOW_TO_GET_IT)
            return None
        return cls(folder, step)

    def step(self, record: StepRecord) -> None:
        """Add a point to the curves of the training."""
        self._curves(record, _STEP_TAGS)

    def evaluation(self, record: EvaluationRecord) -> None:
        """Add a point to the curves of the validation split."""
        self._curves(record, _EVALUATION_TAGS)

    def note(self, text: str) -> None:
        """Put words beside the curves, at the step reached."""
        self._write(self._step, summary=self._text("notes", text))

    def close(self) -> None:
        """Write what is left and close the file."""
        if not self._closed:
            self._closed = True
            self._told(self._writer.close)

    def _curves(self, record: StepRecord | EvaluationRecord, tags: Mapping[str, str]) -> None:
        values = {tag: getattr(record, name) for tag, name in tags.items()}
        points = [
            self._summary.Value(tag=tag, simple_value=float(value))
            for tag, value in values.items()
            if value is not None
        ]
        self._write(record.step, summary=self._summary(value=points))

    def _write(self, step: int, **what: Any) -> None:
        self._step = step
        event = self._event(step=step, wall_time=time.time(), **what)
        self._told(lambda: self._writer.write_event(event))
        if time.monotonic() - self._flushed >= _FLUSH_EVERY:
            self._flushed = time.monotonic()
            self._told(self._writer.flush)

    def _told(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            raise InputError(f"{shown(self._folder)}: {reason(error)}") from error
