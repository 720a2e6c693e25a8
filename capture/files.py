"""The files that a run made, saved when it ends: so a run folder is complete, wherever it is moved to."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capture.run import Run


@dataclass(frozen=True)
class FileLimits:
    """Bounds for what `close` looks at and copies.

    Attributes:
        count: files that are saved at most.
        bytes: bytes that are copied at most, in all.
        seconds: time that is spent at most.
        text_bytes: a text file below this is copied whole; of others only size and hash are kept.
        looked_at: entries of folders that are looked at, at most.
    """

    count: int = 200
    bytes: int = 50_000_000
    seconds: float = 5.0
    text_bytes: int = 1_000_000
    looked_at: int = 200_000


def save_files(run: "Run", limits: FileLimits) -> None:
    """Copies what the run made below its folder, and writes a `file` record for each."""
