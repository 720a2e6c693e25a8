"""What is remembered of a run within bounds: the entries of a dict that were put there last."""

from typing import Any

MAX_HELD = 16 * 1024 * 1024
"""Characters, as JSON, of values of one kind that are held while a run is read. As Python objects they may take twenty
times as many bytes."""


def keep_latest(entries: dict[Any, Any], most: int) -> None:
    """After an entry was put: of more than so many the oldest goes."""
    if len(entries) > most:
        del entries[next(iter(entries))]
