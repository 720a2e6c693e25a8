"""`traces/parquet/<table>/date=<day>/*.parquet`: the same rows for every other engine.

Each file is whole at every moment, because it is written under another ending and renamed. The set is that of the
snapshot, which holds the list of its files: what is missing or cut off is written again, what is too much is
removed, so that a killed ingest is mended by the next one. Which runs stand in which file is said in `ingest.parts`.
JSON and UUID columns are text here: that every engine reads.
"""

import os
import re
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress

import duckdb

from ingest import schema
from ingest.found import IngestError
from ingest.parts import DAY, UNKNOWN, Part, Place, Plan, Runs, filled, lows_of, plan
from ingest.snapshot import STAGING, Snapshot, is_damage, remove, sync_folder
from ingest.sql import quoted

FOLDER = "parquet"
UNFINISHED = ".unfinished"
PACKING = "COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""Level 1 takes three quarters of the time of DuckDB's default, 3, and its files are no larger."""

ROW_GROUP = 16_384
GROUP_BYTES = "16MB"
"""Texts of a row group of a single run, before they are compressed."""

_END = b"PAR1"
"""The beginning and the end of a Parquet file; before the latter stands the length of its footer, in 4 bytes."""

_NAME = re.compile(r"[0-9a-f]{12}\.parquet(\.unfinished)?")

File = tuple[str, str, str, str]
"""A row of `ingest.parquet`: table, day, name below the table's folder, the run at which its part begins."""


def write_table(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, planned: Plan) -> list[File]:
    """Write one table's files of a plan, beside the present ones and still unfinished.

    Args:
        con: connection to the new database.
        out: the `traces` folder.
    """
    if con.execute(f"SELECT 1 FROM {table.stored} LIMIT 1").fetchone() is None:
        return []
    files = [_write(con, out, table, part, runs) for part, runs in filled(con, table, planned.parts)]
    for batch in planned.batches:
        files += _write_days(con, out, table, batch)
    return files


def note_files(con: duckdb.DuckDBPyConnection, out: str, files: list[File]) -> None:
    """Note in the new database which files now count."""
    noted = {name for (name,) in con.execute("SELECT DISTINCT table_name FROM ingest.parquet").fetchall()}
    for table in schema.TABLES.values():
        if table.name not in noted and all(name != table.name for name, *_ in files):
            # An engine that is pointed at a table finds its columns, also where no run has rows in it.
            files = [*files, _write(con, out, table, Part(UNKNOWN, "", None), [])]
    if files:
        con.executemany("INSERT INTO ingest.parquet VALUES (?, ?, ?, ?)", files)


def write_changed(con: duckdb.DuckDBPyConnection, out: str, places: Iterable[Place]) -> None:
    """Write anew the files that have these runs in them, and note which files now count. Arguments as above."""
    planned = plan(con, places)
    note_files(con, out, [file for table in schema.TABLES.values() for file in write_table(con, out, table, planned)])


def _write_days(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, days: list[str]) -> list[File]:
    """Write the files of days of one part each, all in one statement: one by one, each took 40 ms."""
    parts = os.path.join(out, STAGING, "parts", table.name)
    shutil.rmtree(parts, ignore_errors=True)  # of an attempt for which memory was too little
    os.makedirs(parts)
    columns = ", ".join(_portable(column) for column in table.columns)
    runs = f"SELECT run_id, {DAY} AS date FROM runs WHERE date IN ({', '.join(map(quoted, days))})"
    con.execute(
        f"COPY (SELECT {columns}, date FROM (FROM {table.stored} JOIN ({runs}) USING (run_id) "
        f"ORDER BY date, run_id, {_ORDER[table.name]})) TO {quoted(parts)} (FORMAT parquet, {PACKING}, "
        f"ROW_GROUP_SIZE {ROW_GROUP}, PARTITION_BY (date), FILENAME_PATTERN '{{uuid}}', OVERWRITE_OR_IGNORE)"
    )
    files: list[File] = []
    for day in sorted(os.listdir(parts)):
        os.makedirs(os.path.join(out, FOLDER, table.name, day), exist_ok=True)
        for name in os.listdir(os.path.join(parts, day)):
            file = f"{day}/{_new_name()}"
            path = os.path.join(out, FOLDER, table.name, file)
            os.replace(os.path.join(parts, day, name), path + UNFINISHED)
            files.append((table.name, day.removeprefix("date="), file, ""))
    shutil.rmtree(parts)
    return files


def _write(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, part: Part, runs: Runs) -> File:
    """Write a new file of a part, of which the table has rows of these runs, still unfinished."""
    file = f"date={part.day}/{_new_name()}"
    _copy(con, table, runs, os.path.join(out, FOLDER, table.name, file))
    return table.name, part.day, file, part.low


def _new_name() -> str:
    return f"{uuid.uuid4().hex[:12]}.parquet"


def _copy(con: duckdb.DuckDBPyConnection, table: schema.Table, runs: Runs, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    columns = ", ".join(_portable(column) for column in table.columns)
    rows, size = _rows_of(table, runs), ""
    if len(runs) < 2:  # one run, however large: its rows stand as they were read, in groups that memory can hold
        size = f", ROW_GROUP_SIZE_BYTES '{GROUP_BYTES}'"
        con.execute("SET SESSION preserve_insertion_order = false")
    else:  # sorted before columns are made portable: UUIDs are less to move than their texts
        rows = f"(FROM {rows} ORDER BY run_id, {_ORDER[table.name]})"
    con.execute(
        f"COPY (SELECT {columns} FROM {rows}) TO {quoted(path + UNFINISHED)} "
        f"(FORMAT parquet, {PACKING}, ROW_GROUP_SIZE {ROW_GROUP}{size})"
    )
    con.execute("RESET SESSION preserve_insertion_order")


def _rows_of(table: schema.Table, runs: Runs) -> str:
    named = ", ".join(quoted(run_id) for run_id in runs if run_id is not None)
    conditions = [f"run_id IN ({named})"] * bool(named) + ["run_id IS NULL"] * (None in runs)
    condition = " OR ".join(conditions) or "false"
    if len(runs) < 2:  # not by a join, which would gather a vector of wide rows
        return f"(SELECT * FROM {table.stored} WHERE {condition})"
    # by their places: so DuckDB unpacks no long texts of rows that stand near them and are not asked for
    return f"(SELECT * FROM {table.stored} WHERE rowid IN (SELECT rowid FROM {table.stored} WHERE {condition}))"


def _portable(column: schema.Column) -> str:
    """A column as every file has it: of a type that every engine reads, and one that may be NULL.

    DuckDB 2 declares a column REQUIRED where the statistics of the rows of a file have no NULL, which differs from file
    to file. Of TRY, which may give NULL, it has no statistics. In here it has nothing to try, and takes no time.
    """
    text = "::VARCHAR" if column.type in ("JSON", "UUID") else ""
    return f'TRY("{column.name}"){text} AS "{column.name}"'


_ORDER = {
    "runs": "started_at",
    "execution_events": "execution_order",
    "messages": "message_order",
    "llm_calls": "started_at, event_id",
    "llm_messages": "chain, position, first_call",
    "tool_calls": "started_at, event_id",
    "code_execs": "started_at, event_id",
    "files": "file_path, operation",
    "executions": "execution_order",
    "selections": "execution_order",
    "findings": "execution_order",
    "journal": "seq, line",
    "quarantine": "source_path, line",
}
"""How rows stand in a file, after the run."""


def listed(con: duckdb.DuckDBPyConnection) -> list[File]:
    """The files that count, of the database `t`."""
    return con.execute("SELECT table_name, day, file, low FROM t.ingest.parquet").fetchall()


def settle(snapshot: Snapshot, files: list[File] | None = None) -> None:
    """Bring the Parquet files to what the snapshot lists.

    Args:
        snapshot: the snapshot, whose folder the files are in.
        files: what it lists; by default it is asked.
    """
    root = os.path.join(snapshot.out, FOLDER)
    changed = False
    if files is None:
        with snapshot.opened() as con:
            files = listed(con)
    wanted = {os.path.join(root, table, file) for table, _, file, _ in files}
    for path in sorted(wanted):
        if os.path.isdir(path):
            raise IngestError(f"{path}: is a folder where a file of the tables belongs; move it away and ingest again")
        if os.path.exists(path + UNFINISHED) and not os.path.exists(path):
            os.replace(path + UNFINISHED, path)
            changed = True
    for path in _ours(root) - wanted:
        remove(path)
        changed = True
    missing = [entry for entry in files if not _is_whole(os.path.join(root, entry[0], entry[2]))]
    if missing:
        with snapshot.opened() as con:
            _write_again(con, root, missing)
        changed = True
    if changed:
        _remove_empty(root)
        sync_folder(root)
    snapshot.discard()


def abandon(snapshot: Snapshot) -> None:
    """After a failure: what no snapshot has in it does not stay to fill the disk.

    Args:
        snapshot: the last good one, which need not be there.
    """
    with suppress(OSError):
        snapshot.discard()
    with suppress(IngestError, OSError, duckdb.Error):
        if os.path.exists(snapshot.path):
            settle(snapshot)
    root = os.path.join(snapshot.out, FOLDER)
    with suppress(OSError):
        for path in _ours(root):
            if path.endswith(UNFINISHED):
                os.remove(path)
        _remove_empty(root)


def _write_again(con: duckdb.DuckDBPyConnection, root: str, missing: list[File]) -> None:
    """Files that somebody removed or cut off. Raises IngestError where they can't be written, as on a full disk."""
    con.execute("USE t")
    for name, day, file, low in missing:
        lows, table, path = lows_of(con).get(day, [""]), schema.TABLES[name], os.path.join(root, name, file)
        part = Part(day, low, next((other for other in lows if other > low), None))
        runs = next((runs for _, runs in filled(con, table, [part])), [])
        try:
            _copy(con, table, runs, path)
            os.replace(path + UNFINISHED, path)
        except (OSError, duckdb.Error) as error:
            if isinstance(error, duckdb.Error) and is_damage(error):
                raise  # of the database
            reason = str(error).splitlines()[0]
            raise IngestError(f"{path}: can't be written again ({reason}); the database is whole") from error


def _is_whole(path: str) -> bool:
    """Whether there is such a file, which ends as Parquet files do: it is renamed when it is whole, so that one that
    was cut off afterwards has lost its end. Two reads of a few bytes."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - len(_END) - 4))
            length, end = int.from_bytes(file.read(4), "little"), file.read()
    except OSError:
        return False
    return end == _END and 0 < length <= size - 2 * len(_END) - 4


def _ours(root: str) -> set[str]:
    """The files there that an ingest wrote. What somebody else put there is not ours to remove."""
    return {
        os.path.join(root, table, day, name)
        for table in schema.TABLES
        for day in _folders(os.path.join(root, table))
        for name in os.listdir(os.path.join(root, table, day))
        if _NAME.fullmatch(name)
    }


def _folders(path: str) -> list[str]:
    """The partitions of a table, links aside."""
    if os.path.islink(path) or not os.path.isdir(path):
        return []
    with os.scandir(path) as scan:
        return [e.name for e in scan if e.name.startswith("date=") and e.is_dir(follow_symlinks=False)]


def _days(table: str) -> list[str]:
    """What stands where a table's partitions do."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(table) as scan:
        return [entry.path for entry in scan if entry.name.startswith("date=")]
    return []


def _remove_empty(root: str) -> None:
    for table in schema.TABLES:
        for day in _folders(os.path.join(root, table)):
            if not os.listdir(os.path.join(root, table, day)):
                os.rmdir(os.path.join(root, table, day))


def check_folder(out: str) -> None:
    """Raises IngestError where a folder that is written to is a link, or none: nothing is written through a link."""
    root = os.path.join(out, FOLDER)
    tables = [os.path.join(root, table) for table in schema.TABLES]
    for path in (root, os.path.join(out, STAGING), *tables, *[day for table in tables for day in _days(table)]):
        if os.path.islink(path):
            raise IngestError(f"{path}: is a link; choose another folder with --out")
        if os.path.lexists(path) and not os.path.isdir(path):
            raise IngestError(f"{path}: is no folder; move it away, or choose another with --out")
