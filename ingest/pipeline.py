"""The whole job: find what changed, read it, and put a new snapshot in place of the old one."""

import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import duckdb

from ingest.discover import ENDINGS, Found, IngestError, discover, shown
from ingest.lock import locked
from ingest.parquet import check_folder, settle
from ingest.pruned import read_pruned, without_pruned
from ingest.read import Report, open_regular
from ingest.snapshot import STAGING, Known, Snapshot
from ingest.sources import source_named
from ingest.stdin import standard_input
from ingest.store import Change, store
from ingest.workers import read_all

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@dataclass
class Summary:
    """What an ingest did.

    Attributes:
        found: files that may be runs.
        new: runs that were not in the tables before.
        updated: runs that were replaced.
        unchanged: files that were not read again.
        skipped: files that are no run.
        dropped: runs that left the tables because their files are gone.
        pruned: files that were left out because their runs were pruned.
        sources: how many runs were read by which source.
        lines: lines and messages read.
        journal_rows: of them, rows in `journal`.
        quarantine_rows: of them, rows in `quarantine`.
        torn: of those, lines that were cut off at the end of a file.
        bytes: size of what was read.
        seconds: time taken.
        notes: one line for each thing worth knowing, such as a skipped file.
        out: the folder of tables.
    """

    out: str
    found: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    dropped: int = 0
    pruned: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    journal_rows: int = 0
    quarantine_rows: int = 0
    torn: int = 0
    bytes: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dict."""
        return asdict(self)


def run(
    paths: list[str],
    out: str = "traces",
    *,
    force: bool = False,
    source: str | None = None,
    files_roots: Sequence[str] = (),
    drop_missing: bool = False,
    note: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Ingest runs: bring the tables in `out` up to date with what lies below `paths`.

    Args:
        paths: folders with runs, or single files; `-` is standard input.
        out: the folder of tables; made where it is missing.
        force: read everything again.
        source: name of the source that reads all of them (`ingest.sources`); by default their content tells.
        files_roots: folders in which the files that a run names are looked for, where the recorder saved none.
        drop_missing: runs below `paths` whose files are gone leave the tables.
        note: called with one line for each thing worth knowing, as it happens.
        progress: called with the bytes done and the bytes to do.

    Returns:
        What was done.

    Raises:
        IngestError: the input or the folder of tables can't be worked with. The tables are as they were.
        KeyError: there is no source of this name.
    """
    if source is not None:
        source_named(source)
    began = time.monotonic()
    summary = Summary(out=out)

    def tell(line: str) -> None:
        summary.notes.append(line)
        if note:
            note(line)

    _make_folder(out)
    with standard_input(paths) as given:
        found = discover(paths, out, tell, source, given, files_roots)
        summary.found = len(found)
        if not found:
            tell(f"{', '.join(paths)}: nothing to ingest, no {', '.join(f'*{ending}' for ending in ENDINGS)} there")
        with locked(out, tell):
            missing_below = [os.path.realpath(path) for path in paths] if drop_missing else []
            _ingest(found, Snapshot(out), force, missing_below, summary, tell, progress or (lambda done, total: None))
    summary.seconds = time.monotonic() - began
    return summary


def _ingest(
    found: list[Found],
    snapshot: Snapshot,
    force: bool,
    missing_below: list[str],
    summary: Summary,
    tell: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> None:
    known = snapshot.known()
    if known is None and os.path.exists(snapshot.path):
        left = _left_behind(snapshot, found)
        tell(
            f"{snapshot.path}: made by another version of this package; all sources here are read again"
            + (f", {left} runs in it whose files are not among them are left out" if left else "")
        )
    fresh = known is None
    before = {k.path: k for k in known or ()}
    pruned = read_pruned(snapshot)
    everything, found = found, without_pruned(found, pruned)
    summary.pruned = len(everything) - len(found)
    found = _keep_ids(found, before)
    changed = [f for f in found if force or _has_changed(f, before.get(shown(f.path)))]
    summary.unchanged = len(found) - len(changed)
    gone = list(_missing(before, everything, missing_below))
    summary.dropped = sum(k.run_id is not None for k in gone)
    check_folder(snapshot.out)
    shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)
    # A name of its own: workers of a killed ingest may still be writing.
    staging = os.path.join(snapshot.out, STAGING, uuid.uuid4().hex)
    try:
        if changed or fresh or gone:
            reports = read_all(changed, staging, progress)
            _count(reports, before, summary, tell)
            change = Change(reports, list(before.values()), gone, pruned, fresh, staging)
            summary.journal_rows = store(snapshot, change)
        settle(snapshot)
    finally:
        shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)


def _left_behind(snapshot: Snapshot, found: list[Found]) -> int:
    """How many runs of tables of another version can't be read again: their files were not given, or are gone."""
    here = {shown(f.path) for f in found}
    with snapshot.opened() as con:
        try:
            rows = con.execute("SELECT path FROM t.ingest.sources WHERE run_id IS NOT NULL").fetchall()
        except duckdb.Error:  # no tables of ours
            return 0
    return sum(path not in here for (path,) in rows)


def _keep_ids(found: list[Found], before: dict[str, Known]) -> list[Found]:
    """A file keeps the run id that it was first given; a run id that another file has is not given again."""
    owners = {k.run_id: k for k in before.values() if k.run_id is not None}
    taken = set(owners)
    result = []
    for f in found:
        known, owner = before.get(shown(f.path)), owners.get(f.run_id)
        if known and known.run_id is not None:
            f = f if f.run_id == known.run_id else replace(f, run_id=known.run_id)
        elif f.run_id in taken and not (owner and _was_moved(owner, f)):
            f = replace(f, run_id=f"{f.run_id}~{f.place}")
        taken.add(f.run_id)
        result.append(f)
    return result


def _was_moved(owner: Known, found: Found) -> bool:
    """Whether the run that has this id stood elsewhere before. A journal's id is its own; a path's may come again."""
    return not os.path.exists(owner.path) and (found.folder is not None or owner.stamp == found.stamp)


def _missing(before: dict[str, Known], found: list[Found], folders: list[str]) -> Iterator[Known]:
    """What stood below these folders and is gone. Where a folder can't be looked into, nothing in it counts as gone."""
    present = {shown(f.path) for f in found}
    for known in before.values():
        if known.path not in present and any(_is_below(known.path, shown(folder)) for folder in folders):
            try:
                os.lstat(known.path)
            except (FileNotFoundError, NotADirectoryError):
                yield known
            except OSError:
                continue


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _has_changed(found: Found, known: Known | None) -> bool:
    return known is None or known.stamp != found.stamp or (known.status == "running" and not _is_locked(found.path))


def _is_locked(path: str) -> bool:
    """Whether a recorder still holds the journal. Of another machine's recorder that can't be seen: not locked."""
    if fcntl is None:
        return False
    try:
        with open_regular(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _count(reports: list[Report], before: dict[str, Known], summary: Summary, tell: Callable[[str], None]) -> None:
    sources: Counter[str] = Counter()
    for report in reports:
        path = shown(report.found.path)
        if report.skipped:
            summary.skipped += 1
            tell(f"{path}: skipped, {report.skipped}")
            continue
        if path in before:
            summary.updated += 1
        else:
            summary.new += 1
        sources[report.source or ""] += 1
        summary.lines += report.records + report.bad
        summary.quarantine_rows += report.bad
        summary.torn += report.torn
        summary.bytes += report.found.size
        for line in report.notes:
            tell(f"{path}: {line}")
        if report.bad:
            torn = " (cut off at its end)" if report.torn == report.bad else ""
            tell(f"{path}: {report.bad} unreadable line{'s' if report.bad > 1 else ''} in quarantine{torn}")
    summary.sources = dict(sources)


def _make_folder(out: str) -> None:
    try:
        os.makedirs(out, exist_ok=True)
    except OSError as error:
        raise IngestError(
            f"{out}: can't be the folder of tables, {error.strerror}; choose another with --out"
        ) from None
