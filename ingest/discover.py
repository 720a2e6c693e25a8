"""Which files below the given folders are runs.

A folder that holds a `journal.jsonl` is one run, and nothing else inside it is. Any other file with a known ending may
be a run of its own; whether it is, its content says later. Links are not followed: what is ingested lies inside the
folders that were given.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from capture import format as journal

SUFFIXES = (".json", ".jsonl")


class IngestError(Exception):
    """Input that can't be worked with. The message is one line: what, where, what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a run.

    Attributes:
        path: absolute path of the file.
        run_id: name of the run's folder; for any other file its path below the folder given.
        folder: the run's folder, where the file is the journal of one.
        stamp: sizes and times of all files that belong to it. It changes when the run does.
        size: bytes of the file.
    """

    path: str
    run_id: str
    folder: str | None
    stamp: str
    size: int

    @property
    def place(self) -> str:
        """Eight characters that stand for the path, to tell apart runs of one name."""
        return _digest([self.path])[:8]


def discover(paths: list[str], out: str, note: Callable[[str], None]) -> list[Found]:
    """Find what may be a run.

    Args:
        paths: files and folders.
        out: the folder of tables; nothing in it is a source.
        note: called with one line for each thing that was passed over.

    Returns:
        In a stable order, each file once, each run id once.

    Raises:
        IngestError: a path does not exist.
    """
    found: dict[str, Found] = {}
    excluded = os.path.realpath(out)
    for given in paths:
        root = os.path.realpath(given)
        if not os.path.exists(root):
            raise IngestError(f"{given}: no such file or folder")
        if os.path.isfile(root):
            candidates = iter([_file(root, os.path.dirname(root))])
        elif os.path.isdir(root):
            candidates = _walk(root, excluded, note)
        else:
            raise IngestError(f"{given}: neither a file nor a folder")
        for candidate in candidates:
            found.setdefault(candidate.path, candidate)
    return list(_with_own_ids(found.values()))


def _walk(root: str, excluded: str, note: Callable[[str], None]) -> Iterator[Found]:
    folders = [root]
    while folders:
        folder = folders.pop()
        if folder == excluded:
            continue
        entries = _entries(folder, note)
        if any(e.name == journal.JOURNAL and e.is_file(follow_symlinks=False) for e in entries):
            yield _run(folder, entries)
            continue
        below: list[str] = []
        for entry in entries:
            if entry.is_symlink():
                note(f"{shown(entry.path)}: skipped, it is a link")
            elif entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    below.append(entry.path)
            elif entry.name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
                yield _file(entry.path, root)
        folders.extend(reversed(below))


def _entries(folder: str, note: Callable[[str], None]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        note(f"{shown(folder)}: skipped, {error.strerror}")
        return []


def _run(folder: str, entries: list[os.DirEntry[str]]) -> Found:
    path = os.path.join(folder, journal.JOURNAL)
    stamps = list(_stamps(folder, entries))
    size = os.stat(path, follow_symlinks=False).st_size
    return Found(path, os.path.basename(folder) or "root", folder, _digest(stamps), size)


def _stamps(folder: str, entries: list[os.DirEntry[str]]) -> Iterator[str]:
    """A line for each ordinary file of a run: name, size, time, inode."""
    for entry in entries:
        if entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _stamps(entry.path, _entries(entry.path, lambda _: None))
        else:
            status = entry.stat(follow_symlinks=False)
            yield f"{entry.path[len(folder) :]} {status.st_size} {status.st_mtime_ns} {status.st_ino}"


def _file(path: str, root: str) -> Found:
    if os.path.basename(path) == journal.JOURNAL and stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
        folder = os.path.dirname(path)
        return _run(folder, _entries(folder, lambda _: None))
    status = os.stat(path, follow_symlinks=False)
    stamp = _digest([f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"])
    return Found(path, shown(Path(path).relative_to(root).as_posix()), None, stamp, status.st_size)


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _with_own_ids(found: Iterable[Found]) -> Iterator[Found]:
    """Two runs of one name, in two folders, are two runs: the second is told apart by its path."""
    taken: set[str] = set()
    for item in found:
        run_id = shown(item.run_id)
        if run_id in taken:
            run_id = f"{run_id}~{item.place}"
        taken.add(run_id)
        yield Found(item.path, run_id, item.folder, item.stamp, item.size)


def shown(path: str) -> str:
    """A path as text that can stand in a table: names that are no UTF-8 are escaped."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8") if not path.isascii() else path
