"""A file that may be a run, and how its path is told: in tables, where it is text, and on a terminal.

Here is also what files are called that may be runs.
"""

import hashlib
import os
import re
import stat
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture import format as journal
from ingest.compressed import SUFFIXES as PACKED

ENDINGS = (".json", ".jsonl", ".ndjson", ".log", ".db", ".sqlite")
"""Of the names of files that may be runs, in capital letters as well."""

DATABASES = (".db", ".sqlite")
"""Those of them that are databases."""

BESIDE = ("-wal", "-journal")
"""What the names of files end with that SQLite keeps beside a database."""

STANDARD_INPUT = "-"
"""The path that stands for it."""

SUFFIXES = tuple(ending + packed for ending in ENDINGS for packed in PACKED)
"""The same of files that may be packed."""

JOURNALS = tuple(journal.JOURNAL + packed for packed in PACKED)
"""Names of a run's journal. Of several in a folder the first that is not empty counts."""

HEAD = 64 * 1024
"""Bytes from which a file's source is told."""

_ESCAPED = re.compile(r"\\udc([89a-f][0-9a-f])")


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
        source: name of the source that reads it, where the user says so.
        content: where its bytes really are, where that is not its path.
        roots: folders in which the files that it names are looked for.
        beside: bytes of the other files in the run's folder, such as saved transcripts.
    """

    path: str
    run_id: str
    folder: str | None
    stamp: str
    size: int
    source: str | None = None
    content: str | None = None
    roots: tuple[str, ...] = ()
    beside: int = 0

    def own_id(self, taken: Container[str]) -> str:
        """The run's id, told apart by its path from those of others of that name, which are taken."""
        run_id, path = shown(self.run_id), [self.path]
        while run_id in taken:
            run_id = f"{shown(self.run_id)}~{digest(path)[:8]}"
            path.append("")  # also that one may be taken: of a run that was moved away from there
        return run_id


def unpacked(name: str) -> str | None:
    """What the file in an archive is called; None for what is none."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot + ending.lower() in PACKED[1:] else None


def above(path: str) -> list[str]:
    """The folders that a file or folder lies in, the nearest first; a journal is its folder."""
    folder, name = os.path.split(path)
    if name in JOURNALS:
        folder = os.path.dirname(folder)
    return [folder, *map(str, Path(folder).parents)]


def digest(lines: list[str]) -> str:
    """What tells these lines from any others, in 32 characters."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def shown(path: str) -> str:
    """A path as text that can stand in a table: names that are no UTF-8 are escaped."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8") if not path.isascii() else path


def on_disk(path: str) -> str:
    """The path that `shown` made this text of."""
    if "\\udc" not in path or os.path.lexists(path):
        return path
    return _ESCAPED.sub(lambda escaped: chr(0xDC00 + int(escaped[1], 16)), path)


def gone(path: str) -> bool:
    """Whether there is no file of this path, as `shown` gives it. Where nobody can look, nothing counts as gone."""
    try:
        return stat.S_ISDIR(os.lstat(on_disk(path)).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False


def holds_no_run(path: str) -> bool:
    """Whether no scan finds a run in the file of this path, as `shown` gives it: it is gone, empty, or an archive of a
    file that lies beside it."""
    plain = unpacked(path)
    return gone(path) or size_of(path) == 0 or (plain is not None and bool(size_of(plain)))


def size_of(path: str) -> int | None:
    """Bytes of an ordinary file; None where there is none, or nobody can look."""
    try:
        status = os.lstat(on_disk(path))
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def some(names: Sequence[str]) -> str:
    """The first three names, and how many there are besides."""
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return " and ".join([", ".join(names[:3]), *more])


def printable(line: str) -> str:
    """A line that can't steer a terminal nor pass for two, whatever names of files and texts stand in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
