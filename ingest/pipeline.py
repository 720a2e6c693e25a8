"""The whole job: find what changed, read it, and put a new snapshot in place of the old one."""

import contextlib
import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ingest.changes import (
    are_whole,
    has_changed,
    leaving,
    never_runs,
    not_moved,
    not_pruned,
    not_sent_twice,
    put_aside,
    without_emptied,
)
from ingest.discover import discover
from ingest.former import not_read_again, runs_of, with_former
from ingest.found import ENDINGS, STANDARD_INPUT, Found, IngestError, gone, printable, shown, some
from ingest.identity import keep_ids, renamed
from ingest.lock import locked
from ingest.parquet import File, abandon, check_folder, settle
from ingest.pruned import read_pruned
from ingest.read import Report
from ingest.snapshot import STAGING, Snapshot
from ingest.sources import source_named
from ingest.stdin import standard_input
from ingest.store import Change, store
from ingest.summary import Summary, count_read, take_stock
from ingest.workers import read_all

Path = str | os.PathLike[str]


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
    check_readable(paths)
    is_out = _are_out(paths, out)
    summary = Summary(out=out)

    def tell(line: str) -> None:
        line = printable(line)
        summary.notes.append(line)
        if note:
            note(line)

    def tell_damaged(line: str) -> None:
        summary.damaged += 1
        tell(line)

    with _folder(out), standard_input(paths) as given:
        found = discover(paths, out, tell, source, given, files_roots, tell_damaged)
        summary.found = len(found)
        named = _are_files(paths)
        if not found and named:
            raise IngestError(f"{nothing_there(paths)}; the tables are as they were")
        if is_out:
            tell(f"{out}: skipped, it is the folder of tables")
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
    remembered = read_pruned(snapshot)
    everything = found = list(without_emptied(found, before, bool(missing_below), summary, tell))
    found, pruned = not_pruned(found, remembered, before, summary, tell)
    found = not_sent_twice(found, before, summary, tell)
    aside = put_aside(found, before, tell)
    # Of another version's runs those that are gone stay where they are, and do not keep their ids here.
    found = keep_ids(found, before.values() if known is not None else [k for k in theirs if not gone(k.path)])
    changed = [f for f in found if force or has_changed(f, before.get(shown(f.path)), named)]
    summary.unchanged = len(found) - len(changed)
    was = renamed(found, before.values())
    not_there = list(leaving(theirs or before.values(), everything, missing_below))
    missing = not_moved(not_there, found, was)
    check_folder(snapshot.out)
    shutil.rmtree(os.path.join(snapshot.out, STAGING), ignore_errors=True)
    # A name of its own: workers of a killed ingest may still be writing.
    staging = os.path.join(snapshot.out, STAGING, uuid.uuid4().hex)
    told = pruned if known is None or pruned != remembered else []
    change = Change([], list(before.values()), [] if theirs else missing, told, known is None, staging, aside)
    files: list[File] | None = None
    try:
        if changed or change.fresh or change.gone or change.pruned:
            change = replace(change, reports=read_all(changed, staging, progress))
            _check_input(change.reports, named and len(changed) == summary.found, tell)
            was = are_whole(was, change.reports)
            missing = not_moved(not_there, found, was, change.reports)
            moved = [k for k in never_runs(before.values(), change.reports) if k not in missing]
            change = replace(change, gone=[*([] if theirs else missing), *was.values(), *moved])
            count_read(change.reports, before, was, summary, tell)
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
    take_stock(change, {shown(f.path) for f in found} - {shown(f.path) for f in changed}, summary, tell)


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


def check_readable(paths: Sequence[str]) -> None:
    """Look whether the user may read any of these paths; what else can't be read is passed over later.

    Args:
        paths: as the user gives them.

    Raises:
        IngestError: all of them are there, and none can be read.
    """
    if paths and all(p != STANDARD_INPUT and os.path.exists(p) and not os.access(p, os.R_OK) for p in paths):
        raise IngestError(f"{some(paths)}: can't be read, {os.strerror(errno.EACCES)}")


def _are_out(paths: Sequence[str], out: str) -> bool:
    """Whether the folder of tables is one of the paths. Raises IngestError where it is all of them."""
    try:
        is_out = [path != STANDARD_INPUT and os.path.realpath(path) == os.path.realpath(out) for path in paths]
    except FileNotFoundError:  # the current folder itself was removed
        return False
    if is_out and all(is_out):
        raise IngestError(f"{out}: the folder of tables is no source; choose another with --out")
    return any(is_out)


def nothing_there(paths: Sequence[str]) -> str:
    """What is said where no file below these paths may be a run."""
    if _are_files(paths):
        return f"{some(paths)}: no run of its own"
    return f"{', '.join(paths)}: nothing to ingest, no {', '.join(f'*{ending}' for ending in ENDINGS)} there"


def _kept(path: str, left: int, others: list[str]) -> str:
    """What of tables of another version is where."""
    what = [f"{left} run{'' if left == 1 else 's'} whose files can't be read again"] if left else []
    what += [f"the table{'' if len(others) == 1 else 's'} {', '.join(others)}"] if others else []
    return f"{path}: the former tables as they were, kept for {' and '.join(what)}; all else is in the new ones"


_ADDRESS = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]{'*' if os.sep == '/' else '+'}:|~")
"""What a path begins with that Arrow and DuckDB take for an address, to which they write, or for the home folder. A
single letter is a drive on Windows, and an address elsewhere."""

_ODD = re.compile(r"[?\\]" if os.sep == "/" else r"\?")
"""What DuckDB takes, wherever it stands in a path, for what it is not: the file would be another one."""


def _check_name(out: str) -> None:
    """Raises IngestError where the folder of tables has a name that Arrow or DuckDB understand as another."""
    if shown(out) != out:
        raise IngestError(f"{shown(out)}: the folder's name is no UTF-8, which DuckDB can't open; choose another --out")
    if _ADDRESS.match(out):
        raise IngestError(f"{out}: no path of a local folder, where tables are written; choose another --out")
    if odd := _ODD.search(os.path.abspath(out)):
        raise IngestError(
            f"{os.path.abspath(out)}: DuckDB can't write to a folder with {odd[0]} in its path; choose another --out"
        )


@contextlib.contextmanager
def _folder(out: str) -> Iterator[None]:
    """Make the folder of tables where it is missing. Where nothing comes of it, it is gone again."""
    _check_name(out)
    is_new = not os.path.exists(out)
    try:
        os.makedirs(out, exist_ok=True)
    except OSError as error:
        raise IngestError(
            f"{out}: can't be the folder of tables, {error.strerror}; choose another with --out"
        ) from None
    try:
        yield
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                os.rmdir(out)
        raise
