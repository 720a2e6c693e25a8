"""The whole job: find what changed, read it, and put a new snapshot in place of the old one."""

import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ingest.discover import ENDINGS, Found, IngestError, above, discover, gone, holds_no_run, printable, shown, some
from ingest.former import not_read_again, runs_of, with_former
from ingest.identity import keep_ids, renamed, sent_twice
from ingest.known import Known
from ingest.lock import locked
from ingest.parquet import File, abandon, check_folder, settle
from ingest.pruned import Pruned, read_pruned, without_pruned
from ingest.read import Report
from ingest.regular import open_regular
from ingest.snapshot import STAGING, Snapshot
from ingest.sources import source_named
from ingest.stdin import standard_input
from ingest.store import Change, store
from ingest.workers import read_all

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


Path = str | os.PathLike[str]


@dataclass
class Summary:
    """What an ingest did.

    Attributes:
        found: files that may be runs.
        new: runs that were not in the tables before.
        updated: runs that were replaced.
        unchanged: files that were not read again.
        skipped: files that are no run, also those of which nothing but lines in `quarantine` came.
        dropped: runs that left the tables because their files are gone, or no runs of their own any more.
        pruned: files that were left out because their runs were pruned.
        sources: how many runs were read by which source.
        lines: lines and messages read.
        journal_rows: of them, rows in `journal`.
        quarantine_rows: of them, rows in `quarantine`.
        torn: of those, lines that were cut off at the end of a file.
        quarantined: lines that stand in `quarantine` now, whenever they were read, those that were cut off aside.
        damaged: files of which nothing can be read although they may be runs.
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
    quarantined: int = 0
    damaged: int = 0
    bytes: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dict."""
        return asdict(self)


def run(
    paths: Path | Iterable[Path],
    out: Path = "traces",
    *,
    force: bool = False,
    source: str | None = None,
    files_roots: Path | Iterable[Path] = (),
    drop_missing: bool = False,
    note: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Ingest runs: bring the tables in `out` up to date with what lies below `paths`.

    Args:
        paths: folders with runs, or single files, one or several; `-` is standard input.
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
    paths, out, files_roots = _listed(paths), os.fspath(out), _listed(files_roots)
    summary = Summary(out=out)

    def tell(line: str) -> None:
        line = printable(line)
        summary.notes.append(line)
        if note:
            note(line)

    _make_folder(out)
    with standard_input(paths) as given:
        found = discover(paths, out, tell, source, given, files_roots)
        summary.found = len(found)
        named = _are_files(paths)
        if not found and named:
            raise IngestError(f"{nothing_there(paths)}; the tables are as they were")
        if not found:
            tell(nothing_there(paths))
        with locked(out, tell):
            missing_below = [os.path.realpath(path) for path in paths] if drop_missing else []
            _ingest(
                found,
                Snapshot(out),
                force,
                named,
                missing_below,
                summary,
                tell,
                progress or (lambda done, total: None),
            )
    summary.seconds = time.monotonic() - began
    return summary


def _listed(paths: Path | Iterable[Path]) -> list[str]:
    return [os.fspath(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]


def _ingest(
    found: list[Found],
    snapshot: Snapshot,
    force: bool,
    named: bool,
    missing_below: list[str],
    summary: Summary,
    tell: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> None:
    known = snapshot.known()
    before = {k.path: k for k in known or ()}
    former = snapshot.former() if known is None else None
    theirs = runs_of(former) if former is not None else []
    if former is not None:
        found = with_former(found, theirs, snapshot.out, tell)
        tell(
            f"{snapshot.path}: made by another version of this package; "
            + ("its run is" if len(theirs) == 1 else f"its {len(theirs)} runs are")
            + " read again where the files are still there"
        )
    pruned = read_pruned(snapshot)
    everything = found = list(_without_emptied(found, before, bool(missing_below), summary, tell))
    found = _without_pruned(found, pruned, before, summary, tell)
    found = _without_sent_twice(found, before, summary, tell)
    # Of another version's runs those that are gone stay where they are, and do not keep their ids here.
    found = keep_ids(found, before.values() if known is not None else [k for k in theirs if not gone(k.path)])
    changed = [f for f in found if force or _has_changed(f, before.get(shown(f.path)), named)]
    summary.unchanged = len(found) - len(changed)
    was = renamed(found, before.values())
    not_there = list(_missing(theirs or before.values(), everything, missing_below))
    missing = _not_moved(not_there, found, was)
    check_folder(snapshot.out)
    shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)
    # A name of its own: workers of a killed ingest may still be writing.
    staging = os.path.join(snapshot.out, STAGING, uuid.uuid4().hex)
    change = Change([], list(before.values()), [] if theirs else missing, pruned, known is None, staging)
    files: list[File] | None = None
    try:
        if changed or change.fresh or change.gone:
            change = replace(change, reports=read_all(changed, staging, progress))
            _check_input(change.reports, named and len(changed) == summary.found, tell)
            was = _are_whole(was, change.reports)
            missing = _not_moved(not_there, found, was)
            change = replace(change, gone=[*([] if theirs else missing), *was.values()])
            _count(change.reports, before, was, summary, tell)
            left = not_read_again(theirs, change.reports, missing)
            if former is not None and (left or former.others):
                change = replace(change, kept=snapshot.spare(former.version))
            with snapshot.damage_told():
                summary.journal_rows, files = store(snapshot, change)
            if former is not None and change.kept is not None:
                tell(_kept(change.kept, left, former.others))
        settle(snapshot, files)
        summary.dropped += sum(k.run_id is not None for k in missing)
    except BaseException:
        shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)  # it may be what filled the disk
        abandon(snapshot)
        raise
    finally:
        shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)
    _take_stock(change, {shown(f.path) for f in found} - {shown(f.path) for f in changed}, summary, tell)


def _check_input(reports: Sequence[Report], are_named: bool, tell: Callable[[str], None]) -> None:
    """Raises IngestError where what somebody sends or names on purpose is no run.

    Args:
        reports: what came of the files that were read.
        are_named: they are all that the user gave, and each was named.
        tell: called with a line for each file where there are several.
    """
    for report in reports:
        if report.found.content is not None and report.skipped:
            what = "empty" if not report.found.size else report.skipped
            raise IngestError(f"standard input: {what}; the tables are as they were")
    if not are_named or not all(report.skipped for report in reports):
        return
    lines = [f"{shown(report.found.path)}: {report.skipped}" for report in reports]
    if len(lines) > 1:
        for line in lines:
            tell(line)
        lines = [f"none of the {len(lines)} files is a run"]
    raise IngestError(f"{lines[0]}; the tables are as they were")


def _are_files(paths: Iterable[str]) -> bool:
    return not any(os.path.isdir(path) for path in paths)


def nothing_there(paths: Sequence[str]) -> str:
    """What is said where no file below these paths may be a run."""
    if _are_files(paths):
        return f"{some(paths)}: no run of its own"
    return f"{', '.join(paths)}: nothing to ingest, no {', '.join(f'*{ending}' for ending in ENDINGS)} there"


def _without_pruned(
    found: list[Found], pruned: list[Pruned], before: dict[str, Known], summary: Summary, tell: Callable[[str], None]
) -> list[Found]:
    """All but what was pruned. That of which only its place tells it may be another run, and has a line."""
    left, changed = without_pruned(found, pruned, before)
    summary.pruned = len(found) - len(left)
    if changed:
        tell(_changed_since(changed))
    return left


def _without_sent_twice(
    found: list[Found], before: dict[str, Known], summary: Summary, tell: Callable[[str], None]
) -> list[Found]:
    """All but the journals from standard input that are found in their folders as well, where their files are."""
    twice = sent_twice(found, before)
    for path, other in twice.items():
        summary.skipped += 1
        tell(f"{path}: skipped, the same run is read from {shown(other.path)}")
    return [f for f in found if f.path not in twice]


def _changed_since(pruned: list[Found]) -> str:
    """What is said of files in the places of pruned runs that may be other runs by now."""
    what = "its run was pruned, and it" if len(pruned) == 1 else "their runs were pruned, and they"
    names = some([shown(f.path) for f in pruned])
    return f"{names}: left out, {what} changed since; `ingest prune --restore` lets another run in"


def _kept(path: str, left: int, others: list[str]) -> str:
    """What of tables of another version is where."""
    what = [f"{left} run{'' if left == 1 else 's'} whose files can't be read again"] if left else []
    what += [f"the table{'' if len(others) == 1 else 's'} {', '.join(others)}"] if others else []
    return f"{path}: the former tables as they were, kept for {' and '.join(what)}; all else is in the new ones"


def _take_stock(change: Change, unchanged: set[str], summary: Summary, tell: Callable[[str], None]) -> None:
    """What is wrong with the tables as they are now, whether it was just read or long ago."""
    for k in change.after:
        summary.quarantined += k.bad - k.torn
        if k.damage is not None:
            summary.damaged += 1
            if k.path in unchanged:
                tell(f"{k.path}: still damaged, {k.damage}")
    summary.damaged += sum(r.failed and not gone(shown(r.found.path)) for r in change.reports)


def _missing(before: Iterable[Known], found: list[Found], folders: list[str]) -> Iterator[Known]:
    """What stood below these folders and holds no run by now, or belongs to one: a file below its journal.

    Where a folder can't be looked into, nothing in it counts as gone.
    """
    present = {shown(f.path) for f in found}
    runs = {shown(f.folder) for f in found if f.folder is not None}
    for known in before:
        below = known.path not in present and any(_is_below(known.path, shown(folder)) for folder in folders)
        if below and (not runs.isdisjoint(above(known.path)) or holds_no_run(known.path)):
            yield known


def _not_moved(missing: Iterable[Known], found: list[Found], was: dict[str, Known]) -> list[Known]:
    """Those of the missing that do not stand elsewhere now."""
    moved = {f.run_id for f in found} | {k.run_id for k in was.values()}
    return [k for k in missing if k.run_id not in moved]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _without_emptied(
    found: list[Found], before: dict[str, Known], dropping: bool, summary: Summary, tell: Callable[[str], None]
) -> Iterator[Found]:
    """All but the files that were runs and are empty, as while a program writes them anew: they count as gone."""
    for f in found:
        known = before.get(shown(f.path))
        if f.size or known is None or known.run_id is None:
            yield f
            continue
        summary.skipped += 1
        tell(f"{known.path}: skipped, it is empty now" + ("" if dropping else "; its run stays in the tables"))


def _has_changed(found: Found, known: Known | None, named: bool) -> bool:
    """Whether it is to be read: also where it did not change and may say more now. What is named and was no run has a
    reason to be told."""
    if known is None or known.stamp != found.stamp or (named and known.run_id is None):
        return True
    return known.status == "running" and not _is_locked(found.path)


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


def _are_whole(was: dict[str, Known], reports: list[Report]) -> dict[str, Known]:
    """Those of the renamed runs of which the new file has at least as many records as the tables.

    One with fewer may be a copy that was cut off, and replaces nothing.
    """
    records = {shown(r.found.path): r.records for r in reports if r.source}
    return {path: k for path, k in was.items() if records.get(path, -1) >= k.records}


def _count(
    reports: list[Report],
    before: dict[str, Known],
    was: dict[str, Known],
    summary: Summary,
    tell: Callable[[str], None],
) -> None:
    sources: Counter[str] = Counter()
    runs = {k.path: k.run_id for k in before.values() if k.run_id is not None}
    ids = set(runs.values())
    for report in reports:
        path = shown(report.found.path)
        left = ""
        if path in runs and not report.is_run and not report.failed:
            summary.dropped += 1
            left = f"; its run {runs[path]} left the tables"
        if report.skipped:
            summary.skipped += 1
            tell(f"{path}: skipped, {report.skipped}{left}")
            continue
        if path in was:
            tell(f"{path}: the run {was[path].run_id} is now {report.found.run_id}")
        if not report.is_run:
            summary.skipped += 1  # what stands in quarantine of it is told below
        elif path in runs or path in was or report.found.run_id in ids:
            summary.updated += 1
        else:
            summary.new += 1
        if report.is_run:
            sources[report.source or ""] += 1
        summary.lines += report.records + report.bad
        summary.quarantine_rows += report.bad
        summary.torn += report.torn
        summary.bytes += report.found.size
        for line in report.notes:
            tell(f"{path}: {line}")
        if report.bad:
            torn = " (cut off at its end)" if report.torn == report.bad else ""
            tell(f"{path}: {report.bad} unreadable line{'s' if report.bad > 1 else ''} in quarantine{torn}{left}")
    summary.sources = dict(sources)


def _make_folder(out: str) -> None:
    if shown(out) != out:
        raise IngestError(f"{shown(out)}: the folder's name is no UTF-8, which DuckDB can't open; choose another --out")
    try:
        os.makedirs(out, exist_ok=True)
    except OSError as error:
        raise IngestError(
            f"{out}: can't be the folder of tables, {error.strerror}; choose another with --out"
        ) from None
