"""A flight recorder for AG2 agents: appends what they do to one journal per run.

with capture.start("runs", task="plot a sine wave") as run:
    user.initiate_chat(assistant, message="...")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capture.errors import CaptureError
    from capture.files import FileLimits
    from capture.launch import current, start
    from capture.run import Run
    from capture.stream import JournalStream

__all__ = ["CaptureError", "FileLimits", "JournalStream", "Run", "current", "start"]

_HOMES = {
    "CaptureError": "errors",
    "FileLimits": "files",
    "JournalStream": "stream",
    "Run": "run",
    "current": "launch",
    "start": "launch",
}


def __getattr__(name: str) -> Any:
    """Each name when it is asked for: who only reads journals needs `capture.format` and nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "JournalStream":  # it derives from an AG2 class
        from capture.launch import attachment

        attachment()  # says what to install where AG2 is missing
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
