"""A flight recorder for AG2 agents: appends what they do to one journal per run.

with capture.start("runs", task="plot a sine wave") as run:
    user.initiate_chat(assistant, message="...")
"""

from typing import TYPE_CHECKING, Any

from capture.errors import CaptureError
from capture.files import FileLimits
from capture.launch import current, start
from capture.run import Run

if TYPE_CHECKING:
    from capture.stream import JournalStream

__all__ = ["CaptureError", "FileLimits", "JournalStream", "Run", "current", "start"]


def __getattr__(name: str) -> Any:
    """`JournalStream`, when it is asked for: it derives from an AG2 class, and AG2 takes seconds to import."""
    if name == "JournalStream":
        from capture.launch import attachment

        attachment()  # says what to install where AG2 is missing
        from capture.stream import JournalStream

        return JournalStream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
