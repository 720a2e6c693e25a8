"""Runs that were pruned on purpose, so that an ingest that finds their files does not bring them back."""

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timezone

import duckdb

from ingest.found import JOURNALS, Found, holds_no_run, shown
from ingest.identity import name, place
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
        stamp: that of the file, see `ingest.found.Found`; None where older tables did not have it.
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
) -> tuple[list[Found], list[Found], list[Pruned]]:
    """What is left to ingest.

    A run that was pruned stays out whatever becomes of its file, also where it was packed, moved, renamed or sent to
    standard input: what is in it tells. While the file is there, a copy of it is another file. In its place a journal
    with another first record is another run; any other file that changed may be the one that grew, and stays out.

    Args:
        found: files.
        pruned: what is to stay out.
        known: paths of files that stand in the tables, which are not looked into.

    Returns:
        Files to ingest, those of the others of which only their place tells that they were pruned, and what is to be
        remembered from now on: of a file that was moved and is no journal, which is known by all of its bytes, the new
        place, where it may grow. Of several copies none is that.
    """
    places: defaultdict[str, list[Pruned]] = defaultdict(list)
    for p in pruned:
        places[place(p.path)].append(p)
    out: set[str] = set()
    changed: list[Found] = []
    in_place: set[Pruned] = set()
    new = [f for f in found if shown(f.path) not in known] if pruned else []
    for f in new:
        there = places.get(place(shown(f.path)), [])
        if same := _same(f, there):
            in_place.add(same)
        elif there and not _has_begun(f):
            in_place.update(there)
            changed.append(f)
        else:
            continue
        out.add(f.path)
    new = [f for f in new if f.path not in out]
    taken = {place(shown(f.path)) for f in found}
    away = [p for p in pruned if p not in in_place and (place(p.path) in taken or _is_away(p))] if new else []
    moved = _moved(new, away, pruned)
    places_of = Counter(p for _, p in moved.values())
    now = {
        p: replace(p, path=shown(f.path), stamp=f.stamp)
        for f, p in moved.values()
        if p is not None and f.content is None and f.folder is None and places_of[p] == 1
    }
    left = [f for f in found if f.path not in out and f.path not in moved]
    return left, changed, [now.get(p, p) for p in pruned]


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


def _moved(new: list[Found], away: list[Pruned], pruned: Sequence[Pruned]) -> dict[str, tuple[Found, Pruned | None]]:
    """By path the files that are one of the runs which are not in their place, each with that run where its content
    tells which, and those from standard input, which has no place, that are any of the pruned."""
    anywhere = {p.identity: p for p in pruned if p.identity is not None}
    elsewhere = {p.identity: p for p in away if p.identity is not None}
    names = {name(p.run_id) for p in away if p.identity is None}
    # What stands for a journal is its first record; any other file is read to its end, which is done where it may help.
    others = any(os.path.basename(p.path) not in JOURNALS for p in away)
    moved: dict[str, tuple[Found, Pruned | None]] = {}
    for f in new:
        is_sent = f.content is not None
        identities = anywhere if is_sent else elsewhere if others or f.folder is not None else {}
        was = identities.get(identify(f) or "") if identities else None
        if was is not None or (f.folder is not None and name(f.run_id) in names):
            moved[f.path] = f, was
    return moved
