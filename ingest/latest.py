"""What is remembered of a run within bounds: the entries of a dict that were put there last."""

from typing import Any, TypeVar

MAX_HELD = 16 * 1024 * 1024
"""Characters, as JSON, of values of one kind that are held while a run is read. As Python objects they may take twenty
times as many bytes."""


K = TypeVar("K")
V = TypeVar("V")


class Latest(dict[K, V]):
    """The entries that were put there last; the very last one is there whatever its length.

    Args:
        most: how many.
        longest: how many characters of them together.
    """

    def __init__(self, most: int, longest: int) -> None:
        super().__init__()
        self._most, self._longest = most, longest
        self._lengths: dict[K, int] = {}
        self._length = 0

    def put(self, key: K, value: V, length: int) -> None:
        """Put an entry of so many characters there, in place of one of that key; the oldest ones may go."""
        self._drop(key)
        self[key] = value
        self._lengths[key] = length
        self._length += length
        while len(self) > self._most or (self._length > self._longest and len(self) > 1):
            self._drop(next(iter(self)))

    def _drop(self, key: K) -> None:
        self.pop(key, None)
        self._length -= self._lengths.pop(key, 0)

    def clear(self) -> None:
        """None is there any more."""
        super().clear()
        self._lengths.clear()
        self._length = 0


def keep_latest(entries: dict[Any, Any], most: int) -> None:
    """After an entry was put: of more than so many the oldest goes."""
    if len(entries) > most:
        del entries[next(iter(entries))]
