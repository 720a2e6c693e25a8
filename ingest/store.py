"""From the staging folder into the new database and the Parquet files."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import duckdb

from ingest.budget import cores
from ingest.derived import derive
from ingest.found import IngestError, shown
from ingest.known import Known, forget, remember
from ingest.parquet import File, listed, note_files, write_table
from ingest.parts import UNKNOWN, Plan, places_of, plan
from ingest.pruned import Pruned, write_pruned
from ingest.read import Report
from ingest.schema import TABLES, Table
from ingest.snapshot import Room, Snapshot
from ingest.sql import quoted
from ingest.wide import Group, LastVectors, begin_apart, is_wide, largest, load_wide, staged

LARGE = 8 * 1024 * 1024
"""Bytes of staged rows above which each table is written on its own, two at a time. One transaction would hold all
tables to its end, and is not needed: nobody sees the new database before it is complete."""

AT_ONCE = 2
"""Tables. More at once would take more memory."""

Groups = dict[str, list[Group]]
"""The row groups that are staged, by table."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of the present tables.

    Attributes:
        reports: what was read.
        known: what the present tables know.
        gone: those of them that are to leave the tables.
        pruned: runs that are not to come back, where that is to be remembered anew.
        fresh: there are no present tables that could be gone on with.
        staging: the folder with the rows of what was read.
        aside: by their former paths those of the known in whose places others are by now.
        kept: where the database of another version is kept, from `Snapshot.spare`.
    """

    reports: list[Report]
    known: list[Known]
    gone: list[Known]
    pruned: list[Pruned]
    fresh: bool
    staging: str
    aside: Mapping[str, Known] = field(default_factory=dict)
    kept: str | None = None

    @property
    def read(self) -> list[Report]:
        """The files that could be read, with what came of them."""
        return [r for r in self.reports if not r.failed]

    @property
    def replaced(self) -> list[Known]:
        """What is known of files and no longer true. A run that was moved is known under its old path."""
        ids = {r.found.run_id for r in self.read if r.source}
        paths = {shown(r.found.path) for r in self.read}
        return [k for k in self.known if k.path in paths or k.run_id in ids] + self.gone

    @property
    def after(self) -> list[Known]:
        """What is known of files afterwards."""
        replaced = {k.path for k in self.replaced}
        return [k for k in self.known if k.path not in replaced] + [_known(report) for report in self.read]


def store(snapshot: Snapshot, change: Change) -> tuple[int, list[File]]:
    """Put new tables in place of the present ones.

    Args:
        snapshot: the present ones.
        change: what is new.

    Returns:
        Rows of `journal` that came in, and the Parquet files that now count.

    Raises:
        IngestError: it could not be done, and the tables are as they were.
    """
    groups = {name: staged(os.path.join(change.staging, name)) for name in TABLES}
    wide = list(filter(is_wide, groups.values()))
    room = Room.wide(max(map(largest, wide))) if wide else Room()

    def fill(con: duckdb.DuckDBPyConnection, room: Room) -> tuple[int, list[File]]:
        return _fill(con, snapshot.out, change, groups, room), listed(con)

    return snapshot.replaced(change.fresh, room, fill, kept=change.kept)


def _fill(con: duckdb.DuckDBPyConnection, out: str, change: Change, groups: Groups, room: Room) -> int:
    read, replaced = change.read, change.replaced
    if change.pruned:
        write_pruned(con, change.pruned)
    changed = places_of(con, [k.run_id for k in replaced if k.run_id])
    for path, k in change.aside.items():
        con.execute("UPDATE ingest.sources SET path = ? WHERE path = ?", [k.path, path])
    forget(con, replaced)
    last = LastVectors(con)
    _load(con, TABLES["runs"], groups["runs"], last)  # which days the others belong to
    remember(con, [_known(report) for report in read])
    changed |= places_of(con, {r.found.run_id for r in read if r.source})
    if any(k.run_id is None for k in replaced) or any(r.bad for r in read):
        changed.add((UNKNOWN, ""))  # quarantined lines that belong to no run
    note_files(con, out, _fill_tables(con, out, change, groups, plan(con, changed), room, last))
    last.save(con)
    return _check(con, read)


def _fill_tables(
    con: duckdb.DuckDBPyConnection,
    out: str,
    change: Change,
    groups: Groups,
    planned: Plan,
    room: Room,
    last: LastVectors,
) -> list[File]:
    runs = [(r.found.run_id, max(r.records, r.text // 1000)) for r in change.read if r.is_run]

    def fill(connection: duckdb.DuckDBPyConnection, table: Table) -> list[File]:
        if table.derived:
            derive(connection, table, runs)
        elif table.name != "runs":
            _load(connection, table, groups[table.name], last)
        return write_table(connection, out, table, planned)

    largest_first = sorted(TABLES.values(), key=lambda table: -_size(os.path.join(change.staging, table.name)))
    read, derived = [t for t in largest_first if not t.derived], [t for t in largest_first if t.derived]
    is_usual = room == Room() and all(last.fit(t, groups[t.name]) for t in read)
    if is_usual and _size(change.staging) <= LARGE:
        return [file for table in read + derived for file in fill(con, table)]
    at_once = AT_ONCE if room == Room() else 1
    con.execute("COMMIT")
    if at_once > 1:
        # besides the threads of DuckDB's own each table is written by one of ours: so no core has two of them
        con.execute(f"SET threads = {max(1, cores() - at_once + 1)}")
    files = _at_once(con, fill, read, at_once) + _at_once(con, fill, derived, at_once)
    con.execute("BEGIN")
    return files


def _load(con: duckdb.DuckDBPyConnection, table: Table, groups: list[Group], last: LastVectors) -> None:
    """Take in the staged rows of a table, in the order of their files, so that each run lies together.

    What a folder above them is called, as `host=a`, is no column.
    """
    if is_wide(groups):
        load_wide(con, table, groups)
        last.end(table)
    elif groups:
        if not last.fit(table, groups):
            begin_apart(con, table)
            last.end(table)
        columns = ", ".join(f'"{c.name}"' for c in table.columns)
        files = dict.fromkeys(group.path for group in groups)
        con.execute(
            f"INSERT INTO {table.stored} ({columns}) "
            f"SELECT {columns} FROM read_parquet([{', '.join(map(quoted, files))}], hive_partitioning = false)"
        )
        last.add(table, groups)


def _at_once(
    con: duckdb.DuckDBPyConnection,
    fill: Callable[[duckdb.DuckDBPyConnection, Table], list[File]],
    tables: list[Table],
    at_once: int,
) -> list[File]:
    """Fills several tables at a time. Where one fails, or the user interrupts, the others are not waited for."""
    connections = [con.cursor() for _ in tables]
    pool = ThreadPoolExecutor(at_once)
    try:
        for connection in connections:
            connection.execute("USE t")
        tasks = [pool.submit(fill, *pair) for pair in zip(connections, tables, strict=True)]
        return [file for task in as_completed(tasks) for file in task.result()]
    except BaseException:
        for connection in connections:
            connection.interrupt()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        for connection in connections:
            connection.close()


def _size(folder: str) -> int:
    """Bytes of the files in a folder and in those in it."""
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names)


def _known(report: Report) -> Known:
    run_id = report.found.run_id if report.is_run else None
    return Known(
        path=shown(report.found.path),
        stamp=report.found.stamp,
        run_id=run_id,
        status=report.status,
        format=report.source,
        records=report.records,
        bad=report.bad,
        torn=report.torn,
        damage=report.skipped if report.damaged else None,
        identity=report.identity,
        text=report.text,
    )


def _check(con: duckdb.DuckDBPyConnection, reports: list[Report]) -> int:
    """Every line that was read is a row of `journal` or of `quarantine`. Gives the rows of `journal`."""
    ids = [r.found.run_id for r in reports if r.is_run]
    paths = [shown(r.found.path) for r in reports if r.bad and not r.is_run]
    of_run, of_none = "run_id IN (SELECT unnest($1::VARCHAR[]))", "source_path IN (SELECT unnest($2::VARCHAR[]))"
    (stored,) = con.execute(f"SELECT count(*) FROM journal WHERE {of_run}", [ids]).fetchall()[0]
    (bad,) = con.execute(
        f"SELECT count(*) FROM quarantine WHERE {of_run} OR (run_id IS NULL AND {of_none})", [ids, paths]
    ).fetchall()[0]
    for what, there, expected in (
        ("records", stored, sum(r.records for r in reports)),
        ("unreadable lines", bad, sum(r.bad for r in reports)),
    ):
        if there != expected:
            raise IngestError(f"{expected} {what} were read but {there} stored; the tables are as they were")
    return int(stored)
