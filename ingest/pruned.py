"""Runs that were pruned on purpose, so that an ingest that finds their files does not bring them back."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import duckdb

from ingest.discover import JOURNALS, Found, gone, shown
from ingest.identity import name
from ingest.read import identify
from ingest.snapshot import Snapshot

_TABLE = (
    "CREATE TABLE IF NOT EXISTS ingest.pruned (path VARCHAR, run_id VARCHAR, pruned_at TIMESTAMP, identity VARCHAR)"
)


@dataclass(frozen=True, slots=True)
class Pruned:
    """A run that is to stay out of the tables, and the file that it was read from.

    Attributes:
        identity: see `ingest.read.identify`; None where older tables did not have it.
    """

    path: str
    run_id: str
    identity: str | None = None


def read_pruned(snapshot: Snapshot) -> list[Pruned]:
    """The runs that were pruned, also where the tables are of another version of this package."""
    if not os.path.exists(snapshot.path):
        return []
    with snapshot.opened() as con:
        try:
            cursor = con.execute("SELECT * EXCLUDE (pruned_at) FROM t.ingest.pruned ORDER BY ALL")
        except duckdb.CatalogException:
            return []
        columns = [column[0] for column in cursor.description or ()]
        return [Pruned(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


def write_pruned(con: duckdb.DuckDBPyConnection, pruned: Iterable[Pruned]) -> None:
    """Make these the runs that are remembered as pruned.

    Args:
        con: connection to the new database.
        pruned: all of them. Those that are remembered already keep their time.
    """
    rows = [list(column) for column in zip(*((p.path, p.run_id, p.identity) for p in pruned), strict=True)]
    con.execute(_TABLE)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE now_pruned AS "
        "SELECT unnest(?::VARCHAR[]) AS path, unnest(?::VARCHAR[]) AS id, unnest(?::VARCHAR[]) AS identity",
        rows or [[], [], []],
    )
    con.execute("DELETE FROM ingest.pruned WHERE (path, run_id) NOT IN (SELECT (path, id) FROM now_pruned)")
    con.execute(
        "INSERT INTO ingest.pruned SELECT path, id, current_timestamp::TIMESTAMP, identity FROM now_pruned "
        "WHERE (path, id) NOT IN (SELECT (path, run_id) FROM ingest.pruned)"
    )


def without_pruned(found: Sequence[Found], pruned: Sequence[Pruned], known: Collection[str] = ()) -> list[Found]:
    """What is left to ingest.

    A file that was pruned stays out whatever becomes of it, also where it was packed, moved or renamed: what is in it
    tells. While it is there, a copy of it is another file.

    Args:
        found: files.
        pruned: what is to stay out.
        known: paths of files that stand in the tables, which are not looked into.
    """
    paths: set[str] = set()
    by_name: dict[str, list[Pruned]] = {}
    for p in pruned:
        paths.add(p.path)
        by_name.setdefault(name(p.run_id), []).append(p)
    left: list[Found] = []
    moved: set[str] = set()
    for f in found:
        same = next((p for p in by_name.get(name(f.run_id), ()) if _became(p, f)), None)
        if same is not None:
            moved.add(same.path)
        elif shown(f.path) not in paths:
            left.append(f)
    new = [f for f in left if shown(f.path) not in known]
    lost = [p for p in pruned if p.identity and p.path not in moved and gone(p.path)] if new else []
    identities = {p.identity for p in lost}
    # What stands for a journal is its first record; any other file is read to its end, which is done where it may help.
    others = any(os.path.basename(p.path) not in JOURNALS for p in lost)
    out = {f.path for f in new if lost and (others or f.folder is not None) and identify(f) in identities}
    return [f for f in left if f.path not in out]


def _became(pruned: Pruned, found: Found) -> bool:
    """Whether the file was moved, or packed or unpacked where it is."""
    here = os.path.dirname(pruned.path) == os.path.dirname(shown(found.path))
    if found.folder is not None and here:
        return True
    if not gone(pruned.path) or not (here or found.folder is not None):
        return False
    if pruned.identity is None:
        return found.folder is not None
    return identify(found) == pruned.identity
