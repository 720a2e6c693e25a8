"""Which of the files that were found are read, and which runs of the tables leave."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ingest.discover import has_begun
from ingest.found import JOURNALS, Found, above, gone, holds_no_run, shown, some, unpacked
from ingest.identity import displaced, sent_twice
from ingest.known import Known
from ingest.pruned import Pruned, without_pruned
from ingest.read import Report, identify
from ingest.regular import open_regular
from ingest.summary import Summary

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def without_emptied(
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


def put_aside(found: list[Found], before: dict[str, Known], tell: Callable[[str], None]) -> dict[str, Known]:
    """Runs of the tables in whose places others were moved stay there, under paths that no file has.

    Args:
        found: files.
        before: what the tables know of files, by path; is changed.
        tell: called with a line for each.

    Returns:
        By their former paths what is known of them from now on.
    """
    aside = {k.path: replace(k, path=f"{k.path}#{k.run_id}") for k in displaced(found, before)}
    for path, k in aside.items():
        tell(f"{path}: another run was moved there; the one that it was, {k.run_id}, stays in the tables")
        del before[path]
        before[k.path] = k
    return aside


def has_changed(found: Found, known: Known | None, named: bool) -> bool:
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


def not_pruned(
    found: list[Found], pruned: list[Pruned], before: dict[str, Known], summary: Summary, tell: Callable[[str], None]
) -> tuple[list[Found], list[Pruned]]:
    """All but what was pruned, and what is to be remembered as pruned from now on. That of which only its place tells
    it may be another run, and has a line."""
    left, changed, now = without_pruned(found, pruned, before)
    summary.pruned = len(found) - len(left)
    if changed:
        tell(_changed_since(changed))
    return left, now


def not_sent_twice(
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


def leaving(before: Iterable[Known], found: list[Found], folders: list[str]) -> Iterator[Known]:
    """What stood below these folders and holds no run by now, or belongs to one: a file below its journal.

    A journal that is there stays, also where another one lies above it by now: that may be there by mistake. Where a
    folder can't be looked into, nothing in it counts as gone. An archive does where the file beside it has the
    same in it.
    """
    present = {shown(f.path): f for f in found}
    runs = {shown(f.folder): f for f in found if f.folder is not None}
    for known in before:
        if known.path in present or not any(_is_below(known.path, shown(folder)) for folder in folders):
            continue
        owner = next((runs[folder] for folder in above(known.path) if folder in runs), None)
        if owner is not None and has_begun(owner):
            if os.path.basename(known.path) not in JOURNALS or gone(known.path):
                yield known
        elif holds_no_run(known.path):
            plain = present.get(unpacked(known.path) or "")
            if gone(known.path) or plain is None or identify(plain) == known.identity:
                yield known


def not_moved(
    missing: Iterable[Known], found: list[Found], was: dict[str, Known], read: Iterable[Report] = ()
) -> list[Known]:
    """Those of the missing that do not stand elsewhere now; `read`: what came of the files that were read. An empty
    file, and one that is no run for sure, is nobody's new place."""
    no_run = {report.found.path for report in read if report.skipped and not (report.damaged or report.failed)}
    moved = {f.run_id for f in found if f.size and f.path not in no_run} | {k.run_id for k in was.values()}
    return [k for k in missing if k.run_id not in moved]


def never_runs(before: Iterable[Known], read: Iterable[Report]) -> Iterator[Known]:
    """Files that are gone and never were runs, where one that was read has the same in it: its lines in quarantine
    stand for both."""
    contents = {report.identity for report in read} - {None}
    return (k for k in before if k.run_id is None and k.identity in contents and gone(k.path))


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def are_whole(was: dict[str, Known], reports: list[Report]) -> dict[str, Known]:
    """Those of the renamed runs of which the new file has at least as many records as the tables.

    One with fewer may be a copy that was cut off, and replaces nothing.
    """
    records = {shown(r.found.path): r.records for r in reports if r.source}
    return {path: k for path, k in was.items() if records.get(path, -1) >= k.records}
