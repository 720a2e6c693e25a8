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

from ingest.discover import Found
from ingest.read import Report, failure, read_run
from ingest.rows import Row
from ingest.schema import TABLES
from ingest.scratch import scratch_in

GROUP_ROWS = 16_384
GROUP_BYTES = 8 * 1024 * 1024
"""Rows of a table, or text in them, that are kept until they make a row group worth writing."""


class Stage:
    """Writes rows to `<folder>/<table>/<name>.parquet`.

    Args:
        folder: the staging folder.
        name: tells the files of this task from those of others.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder, self._name = folder, name
        self._schemas = {name: table.arrow for name, table in TABLES.items()}
        self._writers: dict[str, Any] = {}
        self._rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._bytes = dict.fromkeys(TABLES, 0)

    def add(self, table: str, rows: list[Row], size: int) -> None:
        """Add rows to a table. `size` is the length of their texts."""
        self._rows[table] += rows
        self._bytes[table] += size
        if len(self._rows[table]) >= GROUP_ROWS or self._bytes[table] >= GROUP_BYTES:
            self._flush(table)

    def _flush(self, table: str) -> None:
        rows, self._rows[table], self._bytes[table] = self._rows[table], [], 0
        if not rows:
            return
        schema = self._schemas[table]
        if table not in self._writers:
            folder = os.path.join(self._folder, table)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"{self._name}.parquet")
            plain = {"use_dictionary": False, "write_statistics": False}  # it is read once, as a whole
            self._writers[table] = pq.ParquetWriter(path, schema, compression="lz4", **plain)
        columns = zip(*rows, strict=True)
        arrays = [_array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        self._writers[table].write_table(pa.Table.from_arrays(arrays, schema=schema))

    def close(self) -> None:
        """Write what is left."""
        for table in TABLES:
            self._flush(table)
        for writer in self._writers.values():
            writer.close()


def _array(column: Sequence[Any], kind: Any) -> Any:
    """A column. A value that is none of its kind is a mistake of ours, which costs that value and not all the runs."""
    try:
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
                report.text = max(sizes["journal"], sizes["messages"])
            except Exception as error:  # a mistake of ours must not cost the other runs
                report = Report(found, skipped=failure(error), failed=True)
            reports.append(report)
        stage.close()
    return reports
