"""Runs that were pruned on purpose, so that an ingest that finds their files does not bring them back."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timezone

import duckdb

from ingest.discover import JOURNALS, Found, holds_no_run, shown
from ingest.identity import name
from ingest.read import identify, is_journal
from ingest.snapshot import Snapshot

_TABLE = """
    CREATE TABLE IF NOT EXISTS ingest.pruned (
        path VARCHAR, run_id VARCHAR, pruned_at TIMESTAMP, identity VARCHAR, stamp VARCHAR
    )
"""


@dataclass(frozen=True, slots=True)
class Pruned:
    """A run that is to stay out of the tables, and the file that it was read from.

    Attributes:
        identity: see `ingest.read.identify`; None where older tables did not have it.
        stamp: that of the file, see `ingest.discover.Found`; None where older tables did not have it.
    """

    path: str
    run_id: str
    identity: str | None = None
    stamp: str | None = None


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
    rows = [list(column) for column in zip(*map(astuple, pruned), strict=True)]
    con.execute(_TABLE)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE now_pruned AS SELECT unnest(?::VARCHAR[]) AS path, "
        "unnest(?::VARCHAR[]) AS run_id, unnest(?::VARCHAR[]) AS identity, unnest(?::VARCHAR[]) AS stamp",
        rows or [[], [], [], []],
    )
    same = "(path, run_id, coalesce(identity, '')) NOT IN (SELECT (path, run_id, coalesce(identity, '')) FROM {others})"
    con.execute(f"DELETE FROM ingest.pruned WHERE {same.format(others='now_pruned')}")
    con.execute(
        "INSERT INTO ingest.pruned SELECT path, run_id, ?::TIMESTAMP, identity, stamp FROM now_pruned "
        f"WHERE {same.format(others='ingest.pruned')}",
        [datetime.now(timezone.utc).replace(tzinfo=None)],
    )


def without_pruned(
    found: Sequence[Found], pruned: Sequence[Pruned], known: Collection[str] = ()
) -> tuple[list[Found], list[Found]]:
    """What is left to ingest.

    A run that was pruned stays out whatever becomes of its file, also where it was packed, moved, renamed or sent to
    standard input: what is in it tells. While the file is there, a copy of it is another file. In its place a journal
    with another first record is another run; any other file that changed may be the one that grew, and stays out.

    Args:
        found: files.
        pruned: what is to stay out.
        known: paths of files that stand in the tables, which are not looked into.

    Returns:
        Files to ingest, and those of the others of which only their place tells that they were pruned.
    """
    places: defaultdict[str, list[Pruned]] = defaultdict(list)
    for p in pruned:
        places[_place(p.path)].append(p)
    out: set[str] = set()
    changed: list[Found] = []
    in_place: set[Pruned] = set()
    new = [f for f in found if shown(f.path) not in known] if pruned else []
    for f in new:
        there = places.get(_place(shown(f.path)), [])
        if same := _same(f, there):
            in_place.add(same)
        elif there and not _has_begun(f):
            in_place.update(there)
            changed.append(f)
        else:
            continue
        out.add(f.path)
    new = [f for f in new if f.path not in out]
    taken = {_place(shown(f.path)) for f in found}
    away = [p for p in pruned if p not in in_place and (_place(p.path) in taken or _is_away(p))] if new else []
    out |= _moved(new, away, pruned)
    return [f for f in found if f.path not in out], changed


def _same(found: Found, there: list[Pruned]) -> Pruned | None:
    """Which of the runs that were pruned in its place a file certainly is."""
    for p in there:
        if p.identity is None or p.stamp == found.stamp:
            return p
    identity = identify(found) if there else None
    return next((p for p in there if p.identity == identity), None)


def _has_begun(found: Found) -> bool:
    """Whether it is a journal with a first record."""
    return is_journal(found) and identify(found) is not None


def _is_away(pruned: Pruned) -> bool:
    """Whether there is no file of it in its place; what came from standard input never had one."""
    return not os.path.isabs(pruned.path) or holds_no_run(pruned.path)


def _moved(new: list[Found], away: list[Pruned], pruned: Sequence[Pruned]) -> set[str]:
    """Paths of the files that are one of the runs which are not in their place, and of those from standard input, which
    has no place, that are any of the pruned."""
    anywhere = {p.identity for p in pruned if p.identity is not None}
    elsewhere = {p.identity for p in away if p.identity is not None}
    names = {name(p.run_id) for p in away if p.identity is None}
    # What stands for a journal is its first record; any other file is read to its end, which is done where it may help.
    others = any(os.path.basename(p.path) not in JOURNALS for p in away)
    moved: set[str] = set()
    for f in new:
        is_sent = f.content is not None
        identities = anywhere if is_sent else elsewhere if others or f.folder is not None else set()
        if (identities and identify(f) in identities) or (f.folder is not None and name(f.run_id) in names):
            moved.add(f.path)
    return moved


def _place(path: str) -> str:
    """What tells the place of a run: the folder of a journal, packed or not, and the path of any other file."""
    folder, file = os.path.split(path)
    return folder if file in JOURNALS else path
