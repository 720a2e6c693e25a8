"""The version of this package, also where it runs from a checkout without being installed."""

import re
from importlib import metadata
from pathlib import Path

NAME = "ag2-journal"


def version() -> str:
    """As the installed package says, or else as the checkout's `pyproject.toml` does."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        pass
    try:
        project = Path(__file__).resolve().parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        project = ""
    found = re.search(r'^version = "([^"]+)"$', project, re.MULTILINE)
    return found[1] if found else "unknown"
