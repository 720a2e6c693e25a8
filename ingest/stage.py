"""Rows of many runs on their way to the database: Parquet files in a staging folder, one per table and worker task.

A worker reads its share of the runs and writes what they become here; the database takes the files in afterwards. So
nothing but paths and small reports passes between processes, and memory is bounded by one row group a table.
"""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.found import Found, IngestError
from ingest.read import Report, failure, read_run
from ingest.rows import Row
from ingest.schema import TABLES
from ingest.scratch import scratch_in, writing

GROUP_ROWS = 16_384
GROUP_BYTES = 8 * 1024 * 1024
"""Rows of a table, or text in them, that are kept until they make a row group worth writing."""

PARTS = 16
"""Rows become columns when there are enough for such a part of a row group: so few are still in the
processor's cache."""


class Stage:
    """Writes rows to `<folder>/<table>/<name>.parquet`.

    Args:
        folder: the staging folder.
        name: tells the files of this task from those of others.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._tables = {
            table.name: _StagedTable(table.arrow, os.path.join(folder, table.name), name) for table in TABLES.values()
        }

    def add(self, table: str, rows: list[Row], size: int) -> None:
        """Add rows to a table. `size` is the length of their texts."""
        self._tables[table].add(rows, size)

    def close(self) -> None:
        """Write what is left."""
        for table in self._tables.values():
            table.close()


class _StagedTable:
    """One table of a stage: rows become columns, and columns row groups of its file, which is made for the first."""

    def __init__(self, schema: Any, folder: str, name: str) -> None:
        self._schema, self._folder, self._name = schema, folder, name
        self._writer: Any = None
        self._rows: list[Row] = []
        self._size = 0
        self._group: list[Any] = []
        self._group_size = 0

    def add(self, rows: list[Row], size: int) -> None:
        self._rows += rows
        self._size += size
        if len(self._rows) >= GROUP_ROWS // PARTS or self._size >= GROUP_BYTES // PARTS:
            self._convert()

    def _convert(self) -> None:
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrays = [_array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._group.append(pa.Table.from_arrays(arrays, schema=self._schema))
        self._group_size += self._size
        self._rows, self._size = [], 0
        if sum(map(len, self._group)) >= GROUP_ROWS or self._group_size >= GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        if not self._group:
            return
        with writing():
            if self._writer is None:
                os.makedirs(self._folder, exist_ok=True)
                path = os.path.join(self._folder, f"{self._name}.parquet")
                plain = {"use_dictionary": False, "write_statistics": False}  # it is read once, as a whole
                self._writer = pq.ParquetWriter(path, self._schema, compression="lz4", **plain)
            self._writer.write_table(pa.concat_tables(self._group))
        self._group, self._group_size = [], 0

    def close(self) -> None:
        self._convert()
        self._write()
        if self._writer is not None:
            with writing():
                self._writer.close()


def _array(column: Sequence[Any], kind: Any) -> Any:
    """A column. A value that is none of its kind is a mistake of ours, which costs that value and not all the runs."""
    first, last = column[0], column[-1]
    try:
        if first is last and not isinstance(first, float) and column.count(first) == len(column):
            return pa.repeat(pa.scalar(first, kind), len(column))  # a fifth of the time; of numbers 0.0 equals -0.0
        return pa.array(column, kind)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return pa.array([_fitting(value, kind) for value in column], kind)


def _fitting(value: Any, kind: Any) -> Any:
    try:
        return pa.scalar(value, kind)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return None


def read_share(share: list[Found], folder: str, name: str) -> list[Report]:
    """Read some files into the staging folder; the task of one worker.

    Args:
        share: the files.
        folder: the staging folder.
        name: name of this task.

    Returns:
        A report for each file.
    """
    stage = Stage(folder, name)
    reports = []
    with scratch_in(folder):
        for found in share:
            report, sizes = Report(found), Counter[str]()
            try:
                # Rows come when all records have been read: a run that fails while it is read has staged nothing.
                for table, rows, size in read_run(found, report):
                    sizes[table] += size
                    stage.add(table, rows, size)
                report.text = max(sizes[name] for name in ("journal", "messages", "quarantine", "files"))
            except IngestError:  # nothing more can be written
                raise
            except Exception as error:  # a mistake of ours must not cost the other runs
                report = Report(found, skipped=failure(error), failed=True)
            reports.append(report)
        stage.close()
    return reports
