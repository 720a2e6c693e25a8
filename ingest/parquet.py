"""`traces/parquet/<table>/date=<day>/*.parquet`: the same rows for every other engine.

Each file is whole at every moment, because it is written under another ending and renamed. The set is that of the
snapshot, which holds the list of its files: what is missing or cut off is written again, what is too much is
removed, so that a killed ingest is mended by the next one. A day with much in it has several files a table, each with
the runs of one range of ids, so that a run that grew costs the writing of its own range. JSON and UUID columns are text
here: that every engine reads.
"""

import math
import os
import re
import shutil
import uuid
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from ingest import schema
from ingest.batches import batches
from ingest.discover import IngestError
from ingest.snapshot import STAGING, Snapshot, quoted, sync_folder

FOLDER = "parquet"
UNKNOWN = "unknown"
UNFINISHED = ".unfinished"
PACKING = "COMPRESSION zstd, COMPRESSION_LEVEL 1"
"""Level 1 takes three quarters of the time of DuckDB's default, 3, and its files are no larger."""

ROW_GROUP = 16_384
GROUP_BYTES = "16MB"
"""Texts of a row group of a single run, before they are compressed."""

DAYS_AT_ONCE = 100
"""Days that are written in one go; DuckDB 1.5 keeps something for each."""

PART_RECORDS = 25_000
RECORD = 1600
"""Lines of journals in a part, and their usual length: what is written again when one of its runs changed, some 40 MB.
A longer line counts as several. A longer run is one part."""

_END = b"PAR1"
"""The beginning and the end of a Parquet file; before the latter stands the length of its footer, in 4 bytes."""

_NAME = re.compile(r"[0-9a-f]{12}\.parquet(\.unfinished)?")

Place = tuple[str, str]
"""(day, run)."""
File = tuple[str, str, str, str]
"""A row of `ingest.parquet`: table, day, name below the table's folder, the run at which its part begins."""


@dataclass(frozen=True, slots=True)
class Part:
    """Runs of a day that stand in one file a table.

    Attributes:
        low: the id that it begins with; '' for the first part of a day, which also has rows that belong to no run.
        high: the id that the next part begins with, or None for the last one.
    """

    day: str
    low: str
    high: str | None

    @property
    def condition(self) -> str:
        """SQL that is true for its runs."""
        below = f" AND run_id < {quoted(self.high)}" if self.high is not None else ""
        return f"run_id >= {quoted(self.low)}{below}"


_DAY = "strftime(started_at, '%Y-%m-%d')"


def places_of(con: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> set[Place]:
    """The partition that each of these runs is in. Those that are not in `runs` count as `unknown`."""
    ids = list(run_ids)
    rows = con.execute(
        f"SELECT DISTINCT coalesce({_DAY}, '{UNKNOWN}'), run_id FROM (SELECT unnest(?::VARCHAR[]) AS run_id) "
        "LEFT JOIN runs USING (run_id)",
        [ids],
    ).fetchall()
    return set(rows)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written anew.

    Attributes:
        parts: one by one.
        batches: days of one small part each, as many together as are written in one go.
    """

    parts: list[Part]
    batches: list[list[str]]


def plan(con: duckdb.DuckDBPyConnection, places: Iterable[Place]) -> Plan:
    """Find the parts that have these runs in them; their present files no longer count.

    Args:
        con: connection to the new database, in which `runs` and `ingest.sources` are as they will be.
        places: (day, run) of all that has changed, of what is gone too.
    """
    days: dict[str, list[str]] = {}
    for day, run_id in places:
        days.setdefault(day, []).append(run_id)
    lows, sizes = _lows(con), _sizes(con, list(days))
    stale: list[Place] = []
    parts: list[Part] = []
    small: list[tuple[str, int]] = []
    for day, run_ids in sorted(days.items()):
        begins = lows.get(day, [""])
        for number in sorted({bisect_right(begins, run_id) - 1 for run_id in run_ids}):
            low, high = begins[number], begins[number + 1] if number + 1 < len(begins) else None
            stale.append((day, low))
            runs = [(r, n) for r, n in sizes.get(day, []) if r >= low and (high is None or r < high)]
            records = sum(n for _, n in runs)
            if not low and high is None and records <= PART_RECORDS and day != UNKNOWN:
                small.append((day, records))
                continue
            cuts = [low, *_cuts(runs)]  # a part that has become too large is now several
            parts += [Part(day, first, last) for first, last in zip(cuts, [*cuts[1:], high], strict=True)]
    con.execute(
        "DELETE FROM ingest.parquet WHERE (day, low) IN (SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]))",
        [[day for day, _ in stale], [low for _, low in stale]],
    )
    together = batches(small, lambda day: day[1], 2 * PART_RECORDS, DAYS_AT_ONCE)
    return Plan(parts, [[day for day, _ in batch] for batch in together])


def write_table(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, plan: Plan) -> list[File]:
    """Write one table's files of a plan, beside the present ones and still unfinished.

    Args:
        con: connection to the new database.
        out: the `traces` folder.
    """
    files: list[File] = []
    if con.execute(f"SELECT 1 FROM {table.stored} LIMIT 1").fetchone() is None:
        return files
    for part in plan.parts:
        rows = _rows_of(table, part)
        if con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is not None:
            files.append(_write(con, out, table, part, rows))
    for batch in plan.batches:
        files += _write_days(con, out, table, batch)
    return files


def note_files(con: duckdb.DuckDBPyConnection, out: str, files: list[File]) -> None:
    """Note in the new database which files now count."""
    noted = {name for (name,) in con.execute("SELECT DISTINCT table_name FROM ingest.parquet").fetchall()}
    for table in schema.TABLES.values():
        if table.name not in noted and all(name != table.name for name, *_ in files):
            # An engine that is pointed at a table finds its columns, also where no run has rows in it.
            nothing = f"(SELECT * FROM {table.stored} LIMIT 0)"
            files = [*files, _write(con, out, table, Part(UNKNOWN, "", None), nothing)]
    if files:
        con.executemany("INSERT INTO ingest.parquet VALUES (?, ?, ?, ?)", files)


def write_changed(con: duckdb.DuckDBPyConnection, out: str, places: Iterable[Place]) -> None:
    """Write anew the files that have these runs in them, and note which files now count. Arguments as above."""
    planned = plan(con, places)
    note_files(con, out, [file for table in schema.TABLES.values() for file in write_table(con, out, table, planned)])


def _lows(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """For each day that has files the runs at which its parts begin; the first part begins at ''."""
    lows: dict[str, set[str]] = {}
    for day, low in con.execute("SELECT DISTINCT day, low FROM ingest.parquet").fetchall():
        lows.setdefault(day, {""}).add(low)
    return {day: sorted(begins) for day, begins in lows.items()}


def _sizes(con: duckdb.DuckDBPyConnection, days: list[str]) -> dict[str, list[tuple[str, int]]]:
    """For each of these days its runs with their records, in order."""
    rows = con.execute(
        f"SELECT coalesce({_DAY}, '{UNKNOWN}') AS date, run_id, greatest(records + bad, text // {RECORD}) "
        "FROM ingest.sources JOIN runs USING (run_id) WHERE date IN (SELECT unnest(?::VARCHAR[])) ORDER BY run_id",
        [days],
    ).fetchall()
    sizes: dict[str, list[tuple[str, int]]] = {}
    for day, run_id, records in rows:
        sizes.setdefault(day, []).append((run_id, records))
    return sizes


def _write_days(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, days: list[str]) -> list[File]:
    """Write the files of days of one part each, all in one statement: one by one, each took 40 ms."""
    parts = os.path.join(out, STAGING, "parts", table.name)
    shutil.rmtree(parts, ignore_errors=True)  # of an attempt for which memory was too little
    os.makedirs(parts)
    columns = ", ".join(_portable(column) for column in table.columns)
    runs = f"SELECT run_id, {_DAY} AS date FROM runs WHERE date IN ({', '.join(map(quoted, days))})"
    con.execute(
        f"COPY (SELECT {columns}, date FROM {table.stored} JOIN ({runs}) USING (run_id) "
        f"ORDER BY date, run_id, {_ORDER[table.name]}) TO {quoted(parts)} (FORMAT parquet, {PACKING}, "
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


def _cuts(sizes: list[tuple[str, int]]) -> list[str]:
    """The runs at which a part of these runs is cut into several of about the same size, long runs alone."""
    total = sum(size for _, size in sizes)
    goal = total / max(1, math.ceil(total / PART_RECORDS))
    cuts, filled = [], 0
    for run_id, size in sizes:
        if filled >= goal or (filled and size > PART_RECORDS):
            cuts.append(run_id)
            filled = 0
        filled += size
    return cuts


def _write(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, part: Part, rows: str) -> File:
    """Write a new file of a part, still unfinished."""
    file = f"date={part.day}/{_new_name()}"
    _copy(con, table, rows, os.path.join(out, FOLDER, table.name, file))
    return table.name, part.day, file, part.low


def _new_name() -> str:
    return f"{uuid.uuid4().hex[:12]}.parquet"


def _copy(con: duckdb.DuckDBPyConnection, table: schema.Table, rows: str, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    columns = ", ".join(_portable(column) for column in table.columns)
    runs = con.execute(f"SELECT DISTINCT run_id FROM {rows} LIMIT 2").fetchall()
    if len(runs) > 1:
        order, size = f"ORDER BY run_id, {_ORDER[table.name]}", ""
    else:  # one run, however large: its rows stand as they were read, in groups that memory can hold
        if runs and runs[0][0] is not None:
            # not by a join, which would gather a vector of wide rows
            rows = f"(SELECT * FROM {table.stored} WHERE run_id = {quoted(runs[0][0])})"
        order, size = "", f", ROW_GROUP_SIZE_BYTES '{GROUP_BYTES}'"
        con.execute("SET SESSION preserve_insertion_order = false")
    con.execute(
        f"COPY (SELECT {columns} FROM {rows} {order}) TO {quoted(path + UNFINISHED)} "
        f"(FORMAT parquet, {PACKING}, ROW_GROUP_SIZE {ROW_GROUP}{size})"
    )
    con.execute("RESET SESSION preserve_insertion_order")


def _rows_of(table: schema.Table, part: Part) -> str:
    if part.day == UNKNOWN:
        runs = f"SELECT run_id FROM runs WHERE started_at IS NOT NULL AND {part.condition}"
        of_no_run = "run_id IS NULL OR " if not part.low else ""
        condition = f"{of_no_run}({part.condition} AND run_id NOT IN ({runs}))"
    else:
        runs = f"SELECT run_id FROM runs WHERE {_DAY} = '{part.day}' AND {part.condition}"
        condition = f"{part.condition} AND run_id IN ({runs})"
    # by their places: so DuckDB unpacks no long texts of rows that stand near them and are not asked for
    return f"(SELECT * FROM {table.stored} WHERE rowid IN (SELECT rowid FROM {table.stored} WHERE {condition}))"


def _portable(column: schema.Column) -> str:
    if column.type in ("JSON", "UUID"):
        return f'"{column.name}"::VARCHAR AS "{column.name}"'
    return f'"{column.name}"'


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
        if os.path.exists(path + UNFINISHED) and not os.path.exists(path):
            os.replace(path + UNFINISHED, path)
            changed = True
    for path in _ours(root) - wanted:
        os.remove(path)
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
    """Files that somebody removed or cut off."""
    con.execute("USE t")
    for name, day, file, low in missing:
        lows, path = _lows(con).get(day, [""]), os.path.join(root, name, file)
        part = Part(day, low, next((other for other in lows if other > low), None))
        _copy(con, schema.TABLES[name], _rows_of(schema.TABLES[name], part), path)
        os.replace(path + UNFINISHED, path)


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


def _remove_empty(root: str) -> None:
    for table in schema.TABLES:
        for day in _folders(os.path.join(root, table)):
            if not os.listdir(os.path.join(root, table, day)):
                os.rmdir(os.path.join(root, table, day))


def check_folder(out: str) -> None:
    """Raises IngestError where the place of the Parquet files is a link: nothing is written through one."""
    if os.path.islink(os.path.join(out, FOLDER)):
        raise IngestError(f"{os.path.join(out, FOLDER)}: is a link; choose another folder with --out")
