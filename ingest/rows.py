"""Rows of one run on their way to Arrow.

Rows are collected in small batches and spooled: a short run stays in memory, a long one goes to a temporary file. Two
tables have columns that are only known at the end of a run (its order of events, which channels had a message); they
are filled in when the spool is read back.
"""

import tempfile
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from ingest.schema import TABLES

BATCH_ROWS = 2048
SPOOL_BYTES = 32 * 1024 * 1024
"""How much of one table of one run is kept in memory."""


class TableRows:
    """The rows of one table of one run, in the order they were added."""

    def __init__(self, name: str) -> None:
        self.schema: pa.Schema = TABLES[name].arrow
        self.count = 0
        self._rows: list[tuple[Any, ...]] = []
        self._spool: Any = None
        self._writer: Any = None

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row: a tuple with a value for each column of the table, in order."""
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= BATCH_ROWS:
            self._flush()

    def _batch(self) -> pa.RecordBatch:
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self.schema)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _flush(self) -> None:
        if self._writer is None:
            self._spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed in batches()
            self._writer = pa.ipc.new_stream(self._spool, self.schema)
        self._writer.write_batch(self._batch())
        self._rows = []

    def batches(self, **late: Any) -> Iterator[pa.RecordBatch]:
        """Give all rows, once, and forget them.

        Args:
            late: column name to a sequence with a value for each row, in the order the rows were added.
        """
        start = 0
        for batch in self._stored():
            end = start + batch.num_rows
            for name, values in late.items():
                index = self.schema.get_field_index(name)
                array = pa.array(values[start:end], self.schema.field(index).type)
                batch = batch.set_column(index, self.schema.field(index), array)
            start = end
            yield batch

    def _stored(self) -> Iterator[pa.RecordBatch]:
        if self._writer is not None:
            self._writer.close()
            with self._spool as spool:
                spool.seek(0)
                with pa.ipc.open_stream(spool) as stream:
                    yield from stream
        if self._rows:
            yield self._batch()
        self._rows = []


def rank(positions: list[int]) -> list[int]:
    """For each row its place when rows are sorted by position; rows at the same position keep their order."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    ranks = [0] * len(positions)
    for place, index in enumerate(order):
        ranks[index] = place
    return ranks
