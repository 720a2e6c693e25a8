"""Runs that were pruned on purpose, so that an ingest that finds their files does not bring them back."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from ingest.discover import Found, shown
from ingest.snapshot import Snapshot

_TABLE = "CREATE TABLE IF NOT EXISTS ingest.pruned (path VARCHAR, run_id VARCHAR, pruned_at TIMESTAMP)"


@dataclass(frozen=True, slots=True)
class Pruned:
    """A run that is to stay out of the tables, and the file that it was read from."""

    path: str
    run_id: str


def read_pruned(snapshot: Snapshot) -> list[Pruned]:
    """The runs that were pruned, also where the tables are of another version of this package."""
    if not os.path.exists(snapshot.path):
        return []
    with snapshot.opened() as con:
        try:
            rows = con.execute("SELECT path, run_id FROM t.ingest.pruned ORDER BY ALL").fetchall()
        except duckdb.CatalogException:
            return []
    return [Pruned(*row) for row in rows]


def write_pruned(con: duckdb.DuckDBPyConnection, pruned: Iterable[Pruned]) -> None:
    """Make these the runs that are remembered as pruned.

    Args:
        con: connection to the new database.
        pruned: all of them. Those that are remembered already keep their time.
    """
    rows = [[p.path for p in pruned], [p.run_id for p in pruned]]
    con.execute(_TABLE)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE now_pruned AS SELECT unnest(?::VARCHAR[]) path, unnest(?::VARCHAR[]) id", rows
    )
    con.execute("DELETE FROM ingest.pruned WHERE (path, run_id) NOT IN (SELECT (path, id) FROM now_pruned)")
    con.execute(
        "INSERT INTO ingest.pruned SELECT path, id, current_timestamp::TIMESTAMP FROM now_pruned "
        "WHERE (path, id) NOT IN (SELECT (path, run_id) FROM ingest.pruned)"
    )


def without_pruned(found: Sequence[Found], pruned: Iterable[Pruned]) -> list[Found]:
    """What is left to ingest.

    A file that was pruned stays out whatever becomes of it. A journal is also known by its run's id where it was moved;
    the path of any other file may come again with another conversation in it.
    """
    paths = {p.path for p in pruned}
    moved = {p.run_id for p in pruned if not os.path.exists(p.path)}
    return [f for f in found if shown(f.path) not in paths and not (f.folder is not None and f.run_id in moved)]
