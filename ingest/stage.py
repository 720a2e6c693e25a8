"""Rows of many runs on their way to the database: Parquet files in a staging folder, one per table and worker task.

A worker reads its share of the runs and writes what they become here; the database takes the files in afterwards. So
nothing but paths and small reports passes between processes, and memory is bounded by one batch a table.
"""

import os
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.discover import Found
from ingest.read import Report, read_run
from ingest.schema import TABLES

BUFFERED_BYTES = 16 * 1024 * 1024
"""Rows of a table that are kept until they make a row group worth writing."""


class Stage:
    """Writes batches to `<folder>/<table>/<name>.parquet`.

    Args:
        folder: the staging folder.
        name: tells the files of this task from those of others.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder, self._name = folder, name
        self._writers: dict[str, Any] = {}
        self._buffers: dict[str, list[pa.RecordBatch]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, table: str, batch: pa.RecordBatch) -> None:
        """Add rows to a table."""
        self._buffers.setdefault(table, []).append(batch)
        self._sizes[table] = self._sizes.get(table, 0) + batch.nbytes
        if self._sizes[table] >= BUFFERED_BYTES:
            self._flush(table)

    def _flush(self, table: str) -> None:
        batches = self._buffers.pop(table, [])
        self._sizes[table] = 0
        if not batches:
            return
        if table not in self._writers:
            folder = os.path.join(self._folder, table)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"{self._name}.parquet")
            schema = TABLES[table].arrow
            self._writers[table] = pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False)
        self._writers[table].write_table(pa.Table.from_batches(batches, TABLES[table].arrow))

    def close(self) -> None:
        """Write what is left."""
        for table in list(self._buffers):
            self._flush(table)
        for writer in self._writers.values():
            writer.close()


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
    for found in share:
        report = Report(found)
        for table, batch in read_run(found, report):
            stage.add(table, batch)
        reports.append(report)
    stage.close()
    return reports
