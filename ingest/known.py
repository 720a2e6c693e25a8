"""What the tables know of the files that their rows came from, and how rows leave with their file."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import duckdb

from ingest import schema


@dataclass(slots=True)
class Known:
    """What the last ingest knew of a file.

    Attributes:
        run_id: None where it is no run.
        torn: those of the `bad` lines that were cut off at the end of the file.
        damage: why nothing of it could be read, although it may be a run.
        identity: see `ingest.read.identify`.
        text: length of its records or messages, see `ingest.read.Report`.
    """

    path: str
    stamp: str
    run_id: str | None
    status: str | None
    format: str | None
    records: int
    bad: int
    torn: int = 0
    damage: str | None = None
    identity: str | None = None
    text: int = 0


_COUNTS = ("records", "bad", "torn", "text")


@dataclass(frozen=True, slots=True)
class Former:
    """What is known of tables that another version of this package made.

    Attributes:
        version: theirs.
        known: the files that they were read from.
        others: tables in them that no ingest made.
    """

    version: int
    known: list[Known]
    others: list[str]


def known_of(con: duckdb.DuckDBPyConnection) -> list[Known]:
    """What the database `t` knows of files, also in tables of another version, which may lack some of it."""
    cursor = con.execute("SELECT * FROM t.ingest.sources")
    there = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(there, row, strict=True)) for row in cursor.fetchall()]
    missing: dict[str, Any] = {field.name: 0 if field.name in _COUNTS else None for field in fields(Known)}
    return [Known(**{name: row.get(name, nothing) for name, nothing in missing.items()}) for row in rows]


def forget(con: duckdb.DuckDBPyConnection, known: Iterable[Known]) -> None:
    """Remove everything that came from these files."""
    gone = list(known)
    if not gone:
        return
    con.execute("CREATE OR REPLACE TEMP TABLE gone AS SELECT unnest(?) AS path", [[k.path for k in gone]])
    con.execute(
        "CREATE OR REPLACE TEMP TABLE gone_runs AS SELECT run_id FROM ingest.sources SEMI JOIN gone USING (path)"
    )
    for table in schema.TABLES.values():
        con.execute(f"DELETE FROM {table.stored} WHERE run_id IN (SELECT run_id FROM gone_runs)")
    # of no run; a run's path may be that of another one by now
    con.execute("DELETE FROM quarantine WHERE run_id IS NULL AND source_path IN (SELECT path FROM gone)")
    con.execute("DELETE FROM ingest.sources WHERE path IN (SELECT path FROM gone)")


def remember(con: duckdb.DuckDBPyConnection, known: list[Known]) -> None:
    """Note what was read, so that the next ingest need not read it again."""
    columns = [field.name for field in fields(Known)]
    # lists, not an Arrow table: for that DuckDB loads pandas, where it is installed
    lists = ", ".join(f"unnest(?::{'BIGINT' if name in _COUNTS else 'VARCHAR'}[])" for name in columns)
    values = [[getattr(k, name) for k in known] for name in columns]
    con.execute(f"INSERT INTO ingest.sources ({', '.join(columns)}) SELECT {lists}", values)
