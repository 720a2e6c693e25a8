"""Rows on their way from records to Arrow.

A run's rows are plain lists until the end of the run, because some columns are only known then (the order of events,
which channels had a message). A short run stays in memory; of a long one all but the last rows lie in a temporary file.
"""

from __future__ import annotations

import itertools
import pickle
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, Any, Generic, TypeVar

from ingest.schema import Table
from ingest.scratch import scratch_file

Row = list[Any]
T = TypeVar("T")

CHUNK_ROWS = 4096
CHUNK_BYTES = 2 * 1024 * 1024
"""How many rows of a table, or how much text in them, are kept as objects."""

SORTED_ROWS = 65_536
"""Rows of a long run that are sorted together, where they can be."""


class Spill:
    """A list that is written to once and read once, and takes no memory: what is added goes to a temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._count = 0

    def append(self, item: Any) -> None:
        """Add something that can be pickled."""
        if self._file is None:
            self._file = scratch_file()
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)
        self._count += 1

    def __iter__(self) -> Iterator[Any]:
        if self._file is not None:
            with self._file as file:
                file.seek(0)
                for _ in range(self._count):
                    yield pickle.load(file)


class Many(Generic[T]):
    """A list that is added to and then read, once: of a long one all but the last items lie in a temporary file."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._length = 0
        """Of the texts in these, as far as it is told."""
        self._spill = Spill()

    def append(self, item: T, length: int = 0) -> None:
        """Add something that can be pickled, with texts of that length in it."""
        self._items.append(item)
        self._length += length
        if len(self._items) == CHUNK_ROWS or self._length >= CHUNK_BYTES:
            self._spill.append(self._items)
            self._items, self._length = [], 0

    def __iter__(self) -> Iterator[T]:
        for items in self._spill:
            yield from items
        yield from self._items


class TableRows:
    """The rows of one table of one run, in the order they were added."""

    def __init__(self, table: Table) -> None:
        self._table, self._long_values = table, table.long_values
        self._rows: list[Row] = []
        self._bytes = 0
        self._spill: Spill | None = None
        self._spilt = 0

    @property
    def count(self) -> int:
        """How many rows were added, up to `chunks`."""
        return self._spilt + len(self._rows)

    def add(self, row: Row, size: int | None = None) -> None:
        """Add a row: a list with a value for each column of the table, in order.

        Args:
            row: the values.
            size: the length of those that may be long, where the caller knows it.
        """
        self._rows.append(row)
        self._bytes += sum(map(len, filter(None, self._long_values(row)))) if size is None else size
        if self._bytes >= CHUNK_BYTES or len(self._rows) >= CHUNK_ROWS:
            self._spill = self._spill or Spill()
            self._spill.append((self._rows, self._bytes))
            self._spilt += len(self._rows)
            self._rows, self._bytes = [], 0

    def chunks(self, **late: Sequence[Any]) -> Iterator[tuple[list[Row], int]]:
        """Give all rows, once, some at a time, each time with the length of their texts, and forget them.

        Args:
            late: column name to a sequence with a value for each row, in the order the rows were added.
        """
        columns = [column.name for column in self._table.columns] if late else []
        places = [(columns.index(name), values) for name, values in late.items()]
        number = 0
        for rows, size in self._stored():
            for place, values in places:
                for row, value in zip(rows, values[number : number + len(rows)], strict=True):
                    row[place] = value
            number += len(rows)
            yield rows, size

    def _stored(self) -> Iterator[tuple[list[Row], int]]:
        if self._spill is not None:
            yield from self._spill
            self._spill = None
        if self._rows:
            yield self._rows, self._bytes
        self._rows = []


class Same(Sequence[Any]):
    """A sequence of one value, as long as it is needed."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __len__(self) -> int:
        return 0

    def __getitem__(self, place: Any) -> Any:
        return [self._value] * (place.stop - place.start) if isinstance(place, slice) else self._value


def rank(positions: array[int]) -> array[int]:
    """For each row its place when rows are sorted by position; rows at the same position keep their order."""
    ranks = array("q")
    for start, end in _apart(positions):
        part = positions[start:end]
        order = sorted(range(len(part)), key=part.__getitem__)
        inverse = sorted(range(len(part)), key=order.__getitem__)
        ranks.extend(map(start.__add__, inverse) if start else inverse)
    return ranks


def _apart(positions: array[int]) -> Iterator[tuple[int, int]]:
    """Parts that can be sorted by themselves, as (start, end): none has a position beyond one of a later part.

    Rows are added nearly in order, so those of a long run, sorted as a whole, would take a hundred bytes each.
    """
    if len(positions) <= SORTED_ROWS:
        yield 0, len(positions)
        return
    blocks = [positions[start : start + SORTED_ROWS] for start in range(0, len(positions), SORTED_ROWS)]
    highest = itertools.accumulate(map(max, blocks), max)
    lowest = [*itertools.accumulate(map(min, reversed(blocks)), min)]
    start = 0
    for number, high in enumerate(highest, 1):
        if number == len(blocks) or high <= lowest[-1 - number]:
            end = min(number * SORTED_ROWS, len(positions))
            yield start, end
            start = end
