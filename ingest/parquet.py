"""`traces/parquet/<table>/date=<day>/*.parquet`: the same rows for every other engine.

Each file is whole at every moment, because it is written under another ending and renamed. The set is that of the
snapshot, which holds the list of its files: what is missing is written again, what is too much is removed, so that a
killed ingest is mended by the next one. JSON and UUID columns are text here: that every engine reads.
"""

import os
import re
import uuid
from collections.abc import Iterable

import duckdb

from ingest import schema
from ingest.discover import IngestError
from ingest.snapshot import Snapshot, quoted, sync_folder

FOLDER = "parquet"
UNKNOWN = "unknown"
UNFINISHED = ".unfinished"
ROW_GROUP = 50_000
_NAME = re.compile(r"[0-9a-f]{12}\.parquet(\.unfinished)?")


def days_of(con: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> set[str]:
    """The partitions that these runs are in. Those that are not in `runs` count as `unknown`."""
    ids = list(run_ids)
    rows = con.execute(
        f"SELECT DISTINCT coalesce({_DAY}, '{UNKNOWN}') FROM (SELECT unnest(?::VARCHAR[]) AS run_id) LEFT JOIN runs "
        "USING (run_id)",
        [ids],
    ).fetchall()
    return {day for (day,) in rows}


_DAY = "strftime(started_at, '%Y-%m-%d')"


def write_days(con: duckdb.DuckDBPyConnection, out: str, days: set[str]) -> None:
    """Write the files of these days beside the present ones, and note in the database which files now count.

    Args:
        con: connection to the new database.
        out: the `traces` folder.
        days: partitions whose rows have changed.
    """
    for table in schema.TABLES.values():
        for day in sorted(days):
            con.execute("DELETE FROM ingest.parquet WHERE table_name = ? AND day = ?", [table.name, day])
            rows = _rows_of_day(table, day)
            if con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is None:
                continue
            _write(con, out, table, day, rows)
        if con.execute("SELECT 1 FROM ingest.parquet WHERE table_name = ?", [table.name]).fetchone() is None:
            # An engine that is pointed at a table finds its columns, also where no run has rows in it.
            _write(con, out, table, UNKNOWN, f"(SELECT * FROM {table.stored} LIMIT 0)")


def _write(con: duckdb.DuckDBPyConnection, out: str, table: schema.Table, day: str, rows: str) -> None:
    """Write a new file of a day, still unfinished, and list it."""
    file = f"date={day}/{uuid.uuid4().hex[:12]}.parquet"
    _copy(con, table, rows, os.path.join(out, FOLDER, table.name, file))
    con.execute("INSERT INTO ingest.parquet VALUES (?, ?, ?)", [table.name, day, file])


def _copy(con: duckdb.DuckDBPyConnection, table: schema.Table, rows: str, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    columns = ", ".join(_portable(column) for column in table.columns)
    con.execute(
        f"COPY (SELECT {columns} FROM {rows} ORDER BY run_id, {_ORDER[table.name]}) TO {quoted(path + UNFINISHED)} "
        f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
    )


def _rows_of_day(table: schema.Table, day: str) -> str:
    if day == UNKNOWN:
        runs = "SELECT run_id FROM runs WHERE started_at IS NOT NULL"
        return f"(SELECT * FROM {table.stored} WHERE run_id IS NULL OR run_id NOT IN ({runs}))"
    runs = f"SELECT run_id FROM runs WHERE {_DAY} = '{day}'"
    return f"(SELECT * FROM {table.stored} WHERE run_id IN ({runs}))"


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
    "journal": "seq, line",
    "quarantine": "source_path, line",
}
"""How rows stand in a file, after the run."""


def settle(snapshot: Snapshot) -> None:
    """Bring the Parquet files to what the snapshot lists.

    Args:
        snapshot: the snapshot, whose folder the files are in.
    """
    root = os.path.join(snapshot.out, FOLDER)
    changed = False
    with snapshot.opened() as con:
        listed = con.execute("SELECT table_name, day, file FROM t.ingest.parquet").fetchall()
        wanted = {os.path.join(root, table, file) for table, _, file in listed}
        for path in sorted(wanted):
            if os.path.exists(path + UNFINISHED) and not os.path.exists(path):
                os.replace(path + UNFINISHED, path)
                changed = True
        for path in _ours(root) - wanted:
            os.remove(path)
            changed = True
        missing = [entry for entry in listed if not os.path.exists(os.path.join(root, entry[0], entry[2]))]
        if missing:
            _write_again(con, root, missing)
            changed = True
    if changed:
        _remove_empty(root)
        sync_folder(root)
    snapshot.discard()


def _write_again(con: duckdb.DuckDBPyConnection, root: str, missing: list[tuple[str, str, str]]) -> None:
    """Files that somebody removed."""
    con.execute("USE t")
    for name, day, file in missing:
        path = os.path.join(root, name, file)
        _copy(con, schema.TABLES[name], _rows_of_day(schema.TABLES[name], day), path)
        os.replace(path + UNFINISHED, path)


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
