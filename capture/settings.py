"""What the environment says about recording. It is read at `start`, and an argument of `start` wins over it."""

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture import format
from capture.errors import CaptureError

ON = frozenset({"1", "true", "yes", "on"})
OFF = frozenset({"0", "false", "no", "off"})
FSYNC = ("never", "close", "always")
MAX_RECORD = 64 * 1024 * 1024
"""Bytes of the largest record that is written whole."""
MIN_RECORD = 4096
"""A limit below this would cut ordinary messages, so it is taken for a slip of the pen (`64` for 64 MB)."""
ALWAYS_KEPT = frozenset({format.RUN_START, format.RUN_END, format.GAP})
"""Kinds without which a journal can't be read, so they can't be left out."""


@dataclass(frozen=True)
class Settings:
    """How to record.

    Attributes:
        enabled: False turns all of it off.
        folder: where run folders are made.
        skip: record kinds and AG2 event types that are left out.
        sample_rate: share of runs that are recorded, 0 to 1.
        fsync: `never`, `close` (when the run ends) or `always` (after each record).
        max_record: bytes; a larger record is written with its size and hash in place of the excess.
        mask: whether secrets are masked.
    """

    enabled: bool = True
    folder: Path = Path("runs")
    skip: frozenset[str] = frozenset()
    sample_rate: float = 1.0
    fsync: str = "close"
    max_record: int = MAX_RECORD
    mask: bool = True


def read(folder: str | os.PathLike[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force.

    Args:
        folder: where run folders are made; None takes `AG2_CAPTURE_DIR`, or `runs`.
        environ: the environment.

    Raises:
        CaptureError: a variable has a value that means nothing.
    """
    return Settings(
        enabled=_switch(environ, "AG2_CAPTURE", True),
        folder=Path(folder if folder is not None else environ.get("AG2_CAPTURE_DIR") or "runs"),
        skip=_skip(environ),
        sample_rate=_sample_rate(environ),
        fsync=_fsync(environ),
        max_record=_max_record(environ),
        mask=_switch(environ, "AG2_CAPTURE_MASK", True),
    )


def _switch(environ: Mapping[str, str], name: str, default: bool) -> bool:
    text = environ.get(name, "").strip().lower()
    if not text:
        return default
    if text in ON:
        return True
    if text in OFF:
        return False
    raise CaptureError(f"{name}={environ[name]!r}: must be 1 or 0")


def check_event_types(event_types: Iterable[str], environ: Mapping[str, str] = os.environ) -> None:
    """Checks that what is to be left out exists. Apart from `read`, because only AG2 knows its event types.

    Args:
        event_types: those that AG2 and the user's own events have.
        environ: the environment.

    Raises:
        CaptureError: a name is neither a record kind nor an event type; the message has the nearest one that is.
    """
    known = {*format.KINDS, *event_types} - ALWAYS_KEPT
    for name in sorted(_skip(environ) - known):
        nearest = difflib.get_close_matches(name, sorted(known), 1, cutoff=0.0)[0]
        raise CaptureError(
            f"AG2_CAPTURE_EVENTS={environ['AG2_CAPTURE_EVENTS']!r}: {name!r} is neither a record kind nor an AG2 event "
            f"type; the nearest is {nearest!r}. Write a comma list of what to leave out, such as -print,-stream"
        )


def _skip(environ: Mapping[str, str]) -> frozenset[str]:
    text = environ.get("AG2_CAPTURE_EVENTS", "")
    names = [item.strip().removeprefix("-") for item in text.split(",") if item.strip()]
    for name in names:
        if name in ALWAYS_KEPT:
            raise CaptureError(f"AG2_CAPTURE_EVENTS={text!r}: {name} records can't be left out")
    return frozenset(names)


def _sample_rate(environ: Mapping[str, str]) -> float:
    text = environ.get("AG2_CAPTURE_SAMPLE_RATE", "").strip()
    if not text:
        return 1.0
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise CaptureError(
            f"AG2_CAPTURE_SAMPLE_RATE={text!r}: must be a number from 0 to 1, the share of runs to record"
        )
    return rate


def _fsync(environ: Mapping[str, str]) -> str:
    text = environ.get("AG2_CAPTURE_FSYNC", "").strip().lower() or "close"
    if text not in FSYNC:
        raise CaptureError(f"AG2_CAPTURE_FSYNC={text!r}: must be one of {', '.join(FSYNC)}")
    return text


def _max_record(environ: Mapping[str, str]) -> int:
    text = environ.get("AG2_CAPTURE_MAX_RECORD", "").strip()
    if not text:
        return MAX_RECORD
    if not text.isdecimal() or int(text) < MIN_RECORD:
        raise CaptureError(f"AG2_CAPTURE_MAX_RECORD={text!r}: must be a number of bytes, at least {MIN_RECORD}")
    return int(text)
