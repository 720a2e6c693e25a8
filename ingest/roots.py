"""Folders in which the files that a run names are looked for: `--files-root`.

What names a file is hostile input, and what lies there may be anything. So nothing is opened through a link or outside
of these folders, nothing in a hidden folder (keys and settings live there), only ordinary files, and what is read of
them is bounded.
"""

import hashlib
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ingest.regular import open_below

MAX_TEXT = 1_000_000
"""Bytes. The text of a shorter file is kept, as the recorder does; of others only size and hash."""

MAX_READ = 1_000_000_000
"""Bytes that are read for one run, a few seconds' work. Behind them a file has its size alone."""

MAX_HELD = 16_000_000
"""Characters of texts that are held in memory for one run."""

Read = Callable[[], str | None]

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Attributes:
        size: bytes, where known.
        sha256: of the bytes; None where too much would have to be read.
        read: gives the text, where that is known; see `Held`.
    """

    size: int | None
    sha256: str | None
    read: Read = lambda: None

    @property
    def text(self) -> str | None:
        """The text, where it is known."""
        return self.read()


class Held:
    """Texts of the files of one run, of which there may be more than memory: the first ones are held, the others read
    again from the disk when they are needed."""

    def __init__(self) -> None:
        self._left = MAX_HELD

    def keep(self, text: str | None, again: Read) -> Read:
        """What gives a text from now on. `again` reads it once more, and then may find that it is gone."""
        if text is None or len(text) > self._left:
            return again
        self._left -= len(text)
        return lambda: text


class FileRoots:
    """The folders, for one run.

    Args:
        roots: the folders. Of several that have a file the first counts.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = [os.path.realpath(root) for root in roots]
        self._left = MAX_READ
        self._seen: dict[str, Content | None] = {}
        self._held = Held()

    def __bool__(self) -> bool:
        return bool(self._roots)

    def find(self, path: str, cwd: str | None, folders: Sequence[str]) -> Content | None:
        """The file that a run names.

        Args:
            path: as the run spelt it, with `/` between its parts.
            cwd: the folder that the run was started in.
            folders: working folders of its code executors, the most likely one first.

        Returns:
            What it holds, or None where no ordinary file of that name is in the folders.
        """
        if "\0" in path:
            return None
        for root in self._roots:
            for inside in _candidates(root, path, cwd, folders):
                if inside and not any(part.startswith(".") for part in inside.split("/")):
                    content = self._read(root, inside)
                    if content is not None:
                        return content
        return None

    def _read(self, root: str, inside: str) -> Content | None:
        where = f"{root}/{inside}"
        if where not in self._seen:
            try:
                self._seen[where] = self._content(partial(open_below, root, inside.split("/")))
            except (OSError, ValueError):
                self._seen[where] = None
        return self._seen[where]

    def _content(self, opened: Callable[[], int]) -> Content | None:
        with open(opened(), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > self._left:
                return Content(size, None)
            digest, kept, left = hashlib.sha256(), b"", size
            while left and (piece := file.read(min(left, _PIECE))):
                left -= len(piece)
                digest.update(piece)
                if size < MAX_TEXT:
                    kept += piece
            self._left -= size
        sha256, text = digest.hexdigest(), _text(kept) if size < MAX_TEXT else None
        if text is None:
            return Content(size - left, sha256)
        return Content(size - left, sha256, self._held.keep(text, partial(_read_again, opened, sha256)))


def _candidates(root: str, path: str, cwd: str | None, folders: Sequence[str]) -> Iterator[str]:
    """Where below the root the path may lead, as relative paths; each once, the most likely first.

    A root is the run's own folder, or one above it, or a copy of it on another machine.
    """
    seen: set[str] = set()
    for folder in (*folders, ""):
        inside = posixpath.normpath(posixpath.join(folder, path))
        there = posixpath.normpath(posixpath.join(cwd, inside)) if cwd else inside
        spellings = [_below(root, there), _below(cwd, inside), inside if not posixpath.isabs(inside) else None]
        for spelling in spellings:
            if spelling and spelling not in seen and spelling != ".." and not spelling.startswith("../"):
                seen.add(spelling)
                yield spelling


def _below(folder: str | None, path: str) -> str | None:
    """An absolute path relative to the folder that it lies in."""
    if not folder or not posixpath.isabs(path):
        return None
    folder = folder.rstrip("/") + "/"
    return path[len(folder) :] if path.startswith(folder) else None


def _read_again(opened: Callable[[], int], sha256: str) -> str | None:
    """The text of a file, as long as it is still the one of this digest."""
    try:
        with open(opened(), "rb") as file:
            raw = file.read(MAX_TEXT)
    except (OSError, ValueError):
        return None
    return _text(raw) if hashlib.sha256(raw).hexdigest() == sha256 else None


def _text(raw: bytes) -> str | None:
    if b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
