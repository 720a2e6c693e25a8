"""Rows on their way from records to Arrow.

A run's rows are plain lists until the end of the run, because some columns are only known then (the order of events,
which channels had a message). A short run stays in memory; of a long one all but the last rows lie in a temporary file.
"""

import pickle
import tempfile
from collections.abc import Iterator
from typing import IO, Any

Row = list[Any]

CHUNK_ROWS = 4096
CHUNK_BYTES = 4 * 1024 * 1024
"""How many rows, or how much text in them, are kept as objects."""

SPOOL_BYTES = 16 * 1024 * 1024
"""How much of one table of one run is kept in memory before it goes to a file."""


class TableRows:
    """The rows of one table of one run, in the order they were added.

    Args:
        columns: names of the table's columns.
    """

    def __init__(self, columns: list[str]) -> None:
        self.count = 0
        self._columns = columns
        self._rows: list[Row] = []
        self._bytes = 0
        self._spool: IO[bytes] | None = None
        self._chunks = 0

    def add(self, row: Row) -> None:
        """Add a row: a list with a value for each column of the table, in order."""
        self._rows.append(row)
        self.count += 1
        self._bytes += text_bytes(row)
        if len(self._rows) >= CHUNK_ROWS or self._bytes >= CHUNK_BYTES:
            self._store()

    def _store(self) -> None:
        if self._spool is None:
            self._spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed in _chunked
        pickle.dump(self._rows, self._spool, pickle.HIGHEST_PROTOCOL)
        self._chunks += 1
        self._rows, self._bytes = [], 0

    def chunks(self, **late: Any) -> Iterator[list[Row]]:
        """Give all rows, once, some at a time, and forget them.

        Args:
            late: column name to a sequence with a value for each row, in the order the rows were added.
        """
        places = [(self._columns.index(name), values) for name, values in late.items()]
        number = 0
        for chunk in self._stored():
            for row in chunk:
                for place, values in places:
                    row[place] = values[number]
                number += 1
            yield chunk

    def _stored(self) -> Iterator[list[Row]]:
        if self._spool is not None:
            with self._spool as spool:
                spool.seek(0)
                for _ in range(self._chunks):
                    yield pickle.load(spool)
        if self._rows:
            yield self._rows
        self._rows = []


def text_bytes(row: Row) -> int:
    """About how much memory the texts of a row take."""
    return sum(len(value) for value in row if value.__class__ is str or value.__class__ is bytes)


def rank(positions: list[int]) -> list[int]:
    """For each row its place when rows are sorted by position; rows at the same position keep their order."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    ranks = [0] * len(positions)
    for place, index in enumerate(order):
        ranks[index] = place
    return ranks
