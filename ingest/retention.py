"""`ingest prune`: old runs leave the tables, and an ingest that finds their files does not bring them back."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any

import duckdb

from ingest.found import IngestError, on_disk
from ingest.known import Known, forget
from ingest.lock import locked
from ingest.parquet import abandon, check_folder, settle, write_changed
from ingest.parts import places_of
from ingest.pruned import Pruned, read_pruned, write_pruned
from ingest.snapshot import STAGING, Room, Snapshot

_AGE = re.compile(r"([0-9]+)([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass
class Pruning:
    """What a pruning did.

    Attributes:
        out: the folder of tables.
        before: runs older than this left, UTC; None where runs were given back.
        pruned: ids of the runs that left the tables, oldest first.
        kept: how many runs are left in the tables.
        restored: ids of the runs that the next ingest may bring back.
        dry_run: nothing was changed.
    """

    out: str
    before: str | None = None
    pruned: list[str] = field(default_factory=list)
    kept: int = 0
    restored: list[str] = field(default_factory=list)
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dict."""
        return asdict(self)


def moment(older_than: str) -> datetime:
    """The moment that an age or a date stands for, UTC without a zone, as the tables have it.

    Args:
        older_than: hours, days or weeks before now (`12h`, `30d`, `4w`), or a date or time (`2026-01-31`,
            `2026-01-31T12:00:00+01:00`; UTC where it names no zone).

    Raises:
        IngestError: it is none of these.
    """
    try:
        if age := _AGE.fullmatch(older_than):
            return (datetime.now(timezone.utc) - timedelta(**{_UNITS[age[2]]: int(age[1])})).replace(tzinfo=None)
        then = datetime.fromisoformat(older_than)
        return then.astimezone(timezone.utc).replace(tzinfo=None) if then.tzinfo else then
    except (ValueError, OverflowError):
        raise IngestError(f"{older_than}: no age; write 12h, 30d, 4w or a date such as 2026-01-31") from None


def prune(out: str, older_than: str, *, dry_run: bool = False, note: Callable[[str], None] = print) -> Pruning:
    """Remove old runs from all tables, and remember them. Their files are not touched.

    A run is as old as its last record, or as its start where its end is not known. One that carries no time is as old
    as its file; where that is gone too, as the ingest that read it. A run that still goes on is never old.

    Args:
        out: the folder of tables.
        older_than: see `moment`.
        dry_run: only say which runs these are.
        note: called with a line where another ingest has to be waited for.

    Raises:
        IngestError: there are no tables of this version, or `older_than` makes no sense.
    """
    before = moment(older_than)
    snapshot = _tables(out)
    with locked(out, note):
        known = _known(snapshot)
        pruned, kept = _older(snapshot, before)
        result = Pruning(out, before.isoformat(sep=" "), pruned, kept, dry_run=dry_run)
        if pruned and not dry_run:
            gone = set(pruned)
            _remove(snapshot, [k for k in known if k.run_id in gone])
        elif not dry_run:  # one that was killed may have left the Parquet files behind the database
            settle(snapshot)
            shutil.rmtree(os.path.join(out, STAGING), ignore_errors=True)
    return result


def restore(out: str, pattern: str, *, dry_run: bool = False, note: Callable[[str], None] = print) -> Pruning:
    """Forget that runs were pruned: the next ingest that finds their files reads them.

    Args:
        out: the folder of tables.
        pattern: of their ids, with `*` and `?`.
        dry_run: only say which runs these are.
        note: called with a line where another ingest has to be waited for.

    Raises:
        IngestError: there are no tables of this version, or no pruned run has such an id.
    """
    snapshot = _tables(out)
    with locked(out, note):
        _known(snapshot)
        pruned = read_pruned(snapshot)
        restored = [p for p in pruned if fnmatchcase(p.run_id, pattern)]
        if not restored:
            raise IngestError(f"{pattern}: no pruned run in {out} has such an id")
        if not dry_run:
            _change(snapshot, [], [p for p in pruned if p not in restored])
        _, kept = _older(snapshot, datetime.min)
    return Pruning(out, None, [], kept, [p.run_id for p in restored], dry_run)


def _tables(out: str) -> Snapshot:
    snapshot = Snapshot(out)
    if not os.path.exists(snapshot.path):
        raise IngestError(f"{out}: no tables there; name their folder with --out")
    return snapshot


def _known(snapshot: Snapshot) -> list[Known]:
    known = snapshot.known()
    if known is None:
        raise IngestError(f"{snapshot.path}: made by another version of this package; ingest first, then prune")
    return known


def _older(snapshot: Snapshot, before: datetime) -> tuple[list[str], int]:
    """The runs that ended before a moment, oldest first, and how many others there are.

    Those that still go on count as others. Where a clock was set back, the start counts. Times are compared by the
    database: what a journal claims may be beyond what Python's dates can hold.
    """
    with snapshot.opened() as con:
        rows = con.execute(
            "SELECT run_id, status = 'running', greatest(started_at, ended_at) < ?, source_path, ingested_at "
            "FROM t.runs ORDER BY greatest(started_at, ended_at), run_id",  # of whatever is not NULL
            [before],
        ).fetchall()
    old = [
        run_id
        for run_id, running, ended_before, path, ingested in rows
        if not running and (ended_before if ended_before is not None else (_changed(path) or ingested) < before)
    ]
    return old, len(rows) - len(old)


def _changed(path: str) -> datetime | None:
    """When the file of this path, as `shown` gives it, changed: None where nobody can look, the last moment that there
    is where it is no date."""
    try:
        seconds = os.stat(on_disk(path), follow_symlinks=False).st_mtime
    except (OSError, ValueError):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
    except (OSError, OverflowError, ValueError):
        return datetime.max


def _remove(snapshot: Snapshot, known: list[Known]) -> None:
    remembered = [
        *read_pruned(snapshot),
        *(Pruned(k.path, k.run_id, k.identity, k.stamp) for k in known if k.run_id is not None),
    ]
    _change(snapshot, known, remembered)


def _change(snapshot: Snapshot, known: list[Known], pruned: list[Pruned]) -> None:
    """Put tables without these runs in place of the present ones."""
    check_folder(snapshot.out)

    def fill(con: duckdb.DuckDBPyConnection, room: Room) -> None:
        changed = places_of(con, [k.run_id for k in known if k.run_id is not None])
        forget(con, known)
        write_pruned(con, pruned)
        write_changed(con, snapshot.out, changed)

    try:
        snapshot.replaced(False, Room(), fill, compact=bool(known))
        settle(snapshot)
    except BaseException:
        abandon(snapshot)
        raise
    finally:
        shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)
