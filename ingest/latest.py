"""What is remembered of a run within bounds: the entries of a dict that were put there last."""

from typing import Any


def keep_latest(entries: dict[Any, Any], most: int) -> None:
    """After an entry was put: of more than so many the oldest goes."""
    if len(entries) > most:
        del entries[next(iter(entries))]
