"""Which files below the given folders are runs.

A folder that holds a `journal.jsonl` is one run, and nothing else inside it is, also where it is given by itself. Any
other file with a known ending may be a run of its own; whether it is, its content says later. Links are not followed:
what is ingested lies inside the folders that were given.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from capture import format as journal
from ingest.compressed import unpack
from ingest.found import (
    BESIDE,
    DATABASES,
    HEAD,
    JOURNALS,
    STANDARD_INPUT,
    SUFFIXES,
    Found,
    IngestError,
    above,
    digest,
    shown,
    size_of,
    some,
    unpacked,
)
from ingest.regular import open_regular

_Note = Callable[[str], None]


def _unheard(line: str) -> None:
    """Where nobody is told."""


def discover(
    paths: list[str],
    out: str,
    note: Callable[[str], None],
    source: str | None = None,
    given: Iterable[Found] = (),
    roots: Sequence[str] = (),
    failed: Callable[[str], None] | None = None,
) -> list[Found]:
    """Find what may be a run.

    Args:
        paths: files and folders; standard input (`-`) is passed over.
        out: the folder of tables, nothing in which is a source; empty where there is none.
        note: called with one line for each thing that was passed over.
        source: name of the source that reads all of them, whatever they look like.
        given: what was found elsewhere.
        roots: folders in which the files that a run names are looked for.
        failed: called with one line for each file and folder that can't be looked at; by default `note` is.

    Returns:
        In a stable order, each file once, each run's folder once, each run id once.

    Raises:
        IngestError: a path does not exist, a root is no folder, or all paths lie in the folders of runs.
    """
    for root in roots:
        if not os.path.isdir(root):
            raise IngestError(f"{root}: no such folder, but --files-root names it")
    below = tuple(os.path.realpath(root) for root in roots)
    found: dict[str, Found] = {}
    scan = _Scan(os.path.realpath(out) if out else "", note, failed or note)
    owners, owned = _Owners(), dict[str, str]()
    for path in paths:
        if path == STANDARD_INPUT:
            continue
        try:
            root = os.path.realpath(path) if path else ""
        except FileNotFoundError:  # the current folder itself was removed
            root = ""
        if not root or not os.path.exists(path):
            raise IngestError(f"{path or 'an empty path'}: no such file or folder")
        is_file = os.path.isfile(root)
        if not is_file and not os.path.isdir(root):
            raise IngestError(f"{path}: neither a file nor a folder; what comes from a program is read from `-`")
        owner = owners.of(root) if source is None or not is_file else None
        if owner is not None:
            owned[shown(path)] = f"it belongs to the run in {shown(owner)}"
            continue
        for candidate in scan.file(root, os.path.dirname(root)) if is_file else scan.folder(root):
            found.setdefault(candidate.folder or candidate.path, candidate)
    for candidate in given:
        found.setdefault(candidate.path, candidate)
    if owned and not found:
        path, belongs = next(iter(owned.items()))
        raise IngestError(f"{path}: {belongs}; give that folder")
    for path, belongs in owned.items():
        note(f"{path}: skipped, {belongs}")
    for archive in [path for path in found if (plain := unpacked(path)) in found and found[plain].size]:
        del found[archive]  # it tells nothing more
    return [as_told(item, source, below) for item in _with_own_ids(found.values())]


def found_at(path: str, out: str, note: _Note) -> Found | None:
    """The file of this absolute path, where there is one that no link leads to; of a run's folder the one that counts.

    Args:
        path: of a file that may be a run.
        out: the folder of tables; nothing in it is a source.
        note: called with one line where it can't be looked at.
    """
    if not os.path.isfile(path) or os.path.realpath(path) != path:
        return None
    return next(_Scan(os.path.realpath(out), note, note).one(path), None)


class _Owners:
    """Which run's folder a path lies in. Each folder above is looked at once, however many paths there are."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def of(self, path: str) -> str | None:
        """The outermost folder above this file or folder that holds a journal, but for its own journal."""
        return next((folder for folder in reversed(above(path)) if self._holds_journal(folder)), None)

    def _holds_journal(self, folder: str) -> bool:
        if folder not in self._known:
            self._known[folder] = any(_has_records(os.path.join(folder, name)) for name in JOURNALS)
        return self._known[folder]


def _has_records(path: str) -> bool:
    """Whether it is a journal with a record in it, and not only by its name."""
    from ingest.sources.journal import has_records  # here, because who only looks for files needs no source

    try:
        with open_regular(path) as file:
            return has_records(unpack(file)[0].read(HEAD))
    except OSError:
        return False


def has_begun(found: Found) -> bool:
    """Whether it is the journal of a run, with a record in it."""
    return found.folder is not None and _has_records(found.path)


def as_told(found: Found, source: str | None, roots: tuple[str, ...]) -> Found:
    """The same file, to be read by this source and with these roots; what was read otherwise is read again."""
    told = [name for name in (source, *roots) if name is not None]
    if not told:
        return found
    return replace(found, source=source, roots=roots, stamp=shown(" ".join([found.stamp, *told])))


class _Scan:
    """Looks for runs.

    Args:
        excluded: the folder of tables, nothing in which is a source.
        note: called with one line for each thing that was passed over.
        failed: called with one line for each file and folder that can't be looked at.
    """

    def __init__(self, excluded: str, note: _Note, failed: _Note) -> None:
        self._excluded, self._note, self._failed = excluded, note, failed

    def folder(self, root: str) -> Iterator[Found]:
        """What may be a run in a folder of any depth."""
        folders = [root]
        while folders:
            folder = folders.pop()
            if folder == self._excluded:
                continue
            entries = self._entries(folder)
            if name := _journal_in(entries):
                belonging = _belonging(folder, name, entries)
                yield from self._run(folder, name, belonging)
                if belonging is entries:
                    continue
                entries = [entry for entry in entries if entry.name != name]
            kinds = [(entry, _kind(entry, self._failed)) for entry in entries]
            if journals := [pair for pair in kinds if pair[0].name in JOURNALS and pair[1] in (_LINK, _SPECIAL)]:
                self._pass_over(journals[:1])  # a run that can't be read; beside a journal no file is a run of its own
                continue
            files = {entry.name for entry, kind in kinds if kind == _FILE}
            for entry, kind in kinds:
                # an archive of a file that lies beside it tells nothing more
                plain = unpacked(entry.name)
                is_repeated = plain in files and bool(size_of(os.path.join(folder, plain)))
                if kind == _FILE and entry.name.lower().endswith(SUFFIXES) and not is_repeated:
                    yield from self.file(entry.path, root)
            self._pass_over(kinds)
            below = [entry.path for entry, kind in kinds if kind == _FOLDER and not entry.name.startswith(".")]
            folders.extend(reversed(below))

    def file(self, path: str, root: str) -> Iterator[Found]:
        """A file, unless it is gone by now or can't be looked at; of a run's folder that."""
        folder, name = os.path.split(path)
        try:
            status = os.stat(path, follow_symlinks=False)
        except FileNotFoundError:
            return
        except OSError as error:
            self._failed(f"{shown(path)}: skipped, {error.strerror}")
            return
        if name in JOURNALS and stat.S_ISREG(status.st_mode):
            yield from self._run(folder, name, _belonging(folder, name, self._entries(folder)))
            return
        stamps = [f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"]
        if name.lower().endswith(DATABASES):
            stamps += _beside(path)
        stamp = digest(stamps)
        yield Found(path, shown(Path(path).relative_to(root).as_posix()), None, stamp, status.st_size)

    def one(self, path: str) -> Iterator[Found]:
        """The file of this path, or the run of whose folder it is the journal, or may be."""
        folder, name = os.path.split(path)
        if name in JOURNALS:
            path = os.path.join(folder, _journal_in(self._entries(folder)) or name)
        return self.file(path, folder)

    def _run(self, folder: str, name: str, entries: list[os.DirEntry[str]]) -> Iterator[Found]:
        """The run in a folder, unless it is gone by now: agents work while their runs are ingested."""
        path = os.path.join(folder, name)
        sizes: dict[str, int] = {}
        stamps = []
        for place, status in self._statuses(entries):
            sizes[place] = status.st_size
            stamps.append(f"{place[len(folder) :]} {status.st_size} {status.st_mtime_ns} {status.st_ino}")
        if path in sizes:
            size = sizes.pop(path)
            self._tell_of_runs_below(path, sizes)
            run_id = os.path.basename(folder) or "root"
            yield Found(path, run_id, folder, digest(stamps), size, beside=sum(sizes.values()))

    def _tell_of_runs_below(self, path: str, beside: Iterable[str]) -> None:
        """Say which journals are not read because they lie in the folder of another; copies in its `files` aside."""
        folder = os.path.dirname(path)
        copies = os.path.join(folder, journal.FILES, "")
        journals = [other for other in beside if os.path.basename(other) in JOURNALS and not other.startswith(copies)]
        if below := [other for other in journals if os.path.dirname(other) != folder]:
            names = some([shown(os.path.relpath(other, folder)) for other in sorted(below)])
            self._note(
                f"{names} in {shown(folder)}: not read, the folder is that of the run {os.path.basename(path)} there; "
                "where that is none, move it away"
            )

    def _statuses(self, entries: list[os.DirEntry[str]]) -> Iterator[tuple[str, os.stat_result]]:
        """(path, status) of each file of a run, links aside. What an ingest asks of a run that did not change."""
        told = False
        for entry in entries:
            kind = _kind(entry, self._failed)
            if kind in (_LINK, None) or entry.path == self._excluded:
                continue
            if kind == _FOLDER:
                yield from self._statuses(self._entries(entry.path))
                continue
            try:
                yield entry.path, entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # a temporary file of a run that goes on
                continue
            except OSError as error:
                if not told:  # in a folder that can be listed and not entered it is the same for all
                    self._failed(f"{shown(entry.path)}: skipped, {error.strerror}")
                told = True

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as scan:
                return sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._failed(f"{shown(folder)}: skipped, {error.strerror}")
            return []

    def _pass_over(self, kinds: list[tuple[os.DirEntry[str], str | None]]) -> None:
        for entry, kind in kinds:
            if kind == _LINK or (kind == _SPECIAL and entry.name.lower().endswith(SUFFIXES)):
                self._note(f"{shown(entry.path)}: skipped, it is {kind}")


_LINK, _FOLDER, _FILE, _SPECIAL = "a link", "a folder", "a file", "no ordinary file"


def _kind(entry: os.DirEntry[str], failed: _Note = _unheard) -> str | None:
    """What it is, or None where that can't be found out: some systems have to look at the file itself for it."""
    try:
        if entry.is_symlink():
            return _LINK
        if entry.is_dir(follow_symlinks=False):
            return _FOLDER
        return _FILE if entry.is_file(follow_symlinks=False) else _SPECIAL
    except OSError as error:
        failed(f"{shown(entry.path)}: skipped, {error.strerror}")
        return None


def _journal_in(entries: list[os.DirEntry[str]]) -> str | None:
    """The name of a folder's journal, which may be compressed, or None where there is none."""
    names = {e.name for e in entries if e.name in JOURNALS and _kind(e) in (_FILE, None)}
    there = [name for name in JOURNALS if name in names]
    if len(there) > 1:  # one that is empty tells nothing
        folder = os.path.dirname(entries[0].path)
        there = [name for name in there if size_of(os.path.join(folder, name))] or there
    return there[0] if there else None


def _belonging(folder: str, name: str, entries: list[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
    """What in a folder belongs to the run of its journal: all, but to one that is empty, or has no record where runs
    may lie below it, nothing else. Somebody left that there."""
    path = os.path.join(folder, name)
    holds_folders = any(_kind(entry) == _FOLDER and entry.name != journal.FILES for entry in entries)
    if size_of(path) == 0 or (holds_folders and not _has_records(path)):
        return [entry for entry in entries if entry.name == name]
    return entries


def _beside(path: str) -> Iterator[str]:
    """What belongs to the stamp of a database: what was written last may stand in files beside it."""
    for ending in BESIDE:
        try:
            status = os.stat(path + ending, follow_symlinks=False)
        except OSError:
            continue
        yield f"{ending} {status.st_size} {status.st_mtime_ns}"


def _with_own_ids(found: Iterable[Found]) -> Iterator[Found]:
    """Two runs of one name, in two folders, are two runs: the second is told apart by its path."""
    taken: set[str] = set()
    for item in found:
        run_id = item.own_id(taken)
        taken.add(run_id)
        yield item if run_id == item.run_id else replace(item, run_id=run_id)
