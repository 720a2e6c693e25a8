"""The files that a run made, saved when it ends: so a run folder is complete, wherever it is moved to.

A file counts as made by the run when it was created or changed since the run began, and lies in a working folder that
a code executor has for itself, or in the current folder or another working folder and the journal mentions its name.
Code may put a name together (`f"out{i}.csv"`), so that no journal spells it; but in a folder where others work too,
and of AG2's own scripts, only a name tells. Where only the code of another run of this process works, nothing is looked
at until that is over: runs of the same code use the same names. Looking, reading and copying are bounded: a notebook's
current folder may be the home folder.
"""

import hashlib
import logging
import math
import mimetypes
import os
import re
import stat
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from capture import active, descriptor, encode, format

if TYPE_CHECKING:
    from capture.agents import Seen
    from capture.run import Run

log = logging.getLogger("capture")

SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
"""Folders whose content nobody wrote in a run. Hidden folders and virtual environments of any name come on top."""
FOREIGN: Final = frozenset({"pyvenv.cfg", "conda-meta", format.JOURNAL})
"""What shows that a folder is a virtual environment, or a run."""
SLACK_NS: Final = 20_000_000
"""A file system's clock may be behind by a tick, so that a file seems older than the run that made it."""
CHUNK: Final = 1 << 20
ESCAPES: Final = re.compile(rb'\\+[nrtbf"/]?')
"""What JSON puts in front of a name that begins a line, however often it was encoded."""
WORDS: Final = re.compile(rb"[\w.+@%~-]+")
PLAIN: Final = re.compile(r"[\w.+@%~-]+", re.ASCII)
SCRIPT: Final = re.compile(r"tmp_code_[0-9a-f]{32}\.\w+")
"""Where AG2's executors put code that has no name, before they run it. The journal has it as what was executed."""
FEW: Final = 50
"""Names that are searched for one by one, and places at which each is looked at."""
AROUND: Final = 300
"""Bytes around a place that are looked at: more than a file's name has."""
FOLDERS: Final = 2000
"""Folders of other runs that are known. Beyond them only those are noted in which the run is at work as well."""


@dataclass(frozen=True)
class FileLimits:
    """Bounds for what `close` looks at and copies.

    Attributes:
        count: files that are saved at most.
        bytes: bytes that are copied at most, in all.
        seconds: time that is spent at most.
        text_bytes: a text file below this is copied whole; of others only size and hash are kept.
        looked_at: folder entries that are looked at, at most.
    """

    count: int = 200
    bytes: int = 50_000_000
    seconds: float = 5.0
    text_bytes: int = 1_000_000
    looked_at: int = 200_000


@dataclass(frozen=True)
class Found:
    """A file that the run made.

    Attributes:
        path: where it is.
        name: what it is called below the run's `files` folder.
        size: bytes.
        mentioned: whether the journal has its name.
    """

    path: Path
    name: str
    size: int
    mentioned: bool


class BoundsError(Exception):
    """A limit was reached."""


class Bounds:
    """What is left of the limits."""

    def __init__(self, limits: FileLimits) -> None:
        self.limits = limits
        self.bytes = limits.bytes
        self.entries = limits.looked_at
        self._until = time.monotonic() + limits.seconds

    def look(self) -> None:
        """Takes note of an entry.

        Raises:
            BoundsError: too many entries, or too late.
        """
        self.entries -= 1
        if self.entries < 0:
            raise BoundsError(f"more than {self.limits.looked_at} folder entries")
        self.check_time()

    def check_time(self) -> None:
        """Looks at the clock.

        Raises:
            BoundsError: too late.
        """
        if time.monotonic() > self._until:
            raise BoundsError(f"more than {self.limits.seconds} seconds")


def save_files(run: "Run", limits: FileLimits) -> None:
    """Copies what the run made below its folder, and writes a `file` record for each."""
    bounds = Bounds(limits)
    others = _shared(run)
    own = _own_folders(run, others)
    changed: list[tuple[os.DirEntry[str], Path, int]] = []
    stopped: list[str] = []
    try:
        changed.extend(_changed(run, own, others, bounds))
    except BoundsError as limit:
        stopped.append(f"the search for files ended early: {limit}")
    if not changed and not stopped:
        return
    mentioned: set[str] = set()
    try:
        mentioned.update(_mentioned(run.path / format.JOURNAL, {entry.name for entry, _, _ in changed}, bounds))
    except BoundsError as limit:
        stopped.append(f"the search for their names ended early: {limit}")
    made = sorted(
        (
            _found(entry.path, root, size, run.cwd, entry.name in mentioned)
            for entry, root, size in changed
            if entry.name in mentioned or (root in own and not SCRIPT.fullmatch(entry.name))
        ),
        key=lambda found: (not found.mentioned, found.name),
    )
    for found in made[: limits.count]:
        _save(run, found, bounds)
    left_out = len(made) - limits.count
    if left_out > 0:
        stopped.insert(0, f"more than {limits.count} files")
    if stopped:
        run.write(format.GAP, {"lost": max(left_out, 0), "reason": "; ".join(stopped)}, run.base)


def _changed(
    run: "Run", own: list[Path], shared: dict[str, float], bounds: Bounds
) -> Iterator[tuple["os.DirEntry[str]", Path, int]]:
    """Files that were created or changed during the run, each once: with the folder looked through, and its size."""
    since = run.started_ns - SLACK_NS
    seen: set[tuple[int, int]] = set()
    theirs = {os.path.realpath(folder) for folder in run.agents.folders}
    others = {real: over for real, over in shared.items() if real not in theirs}
    # the current folder last, because it may be too large to be looked through
    roots = [*own, *sorted(run.agents.folders.difference(own)), run.cwd]
    left = [
        folder for folder, over in others.items() if over < math.inf and any(_below(root, [folder]) for root in roots)
    ]
    for root, begin in [*((root, since) for root in roots), *((Path(folder), others[folder]) for folder in left)]:
        for entry in _walk(root, {str(run.path.parent), *_below(root, others)}, bounds):
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:  # removed since
                continue
            if max(info.st_mtime_ns, info.st_ctime_ns) < begin or not stat.S_ISREG(info.st_mode):
                continue
            if (info.st_dev, info.st_ino) not in seen or not info.st_ino:
                seen.add((info.st_dev, info.st_ino))
                yield entry, root, info.st_size


def share_folders(run: "Run") -> None:
    """Tells runs that are on at the same time where this one's code ran, and takes note of where theirs does.

    Not of those around it or inside it: the files of a run inside are also those of the run around.
    """
    now = time.time_ns()
    for other in active.runs():
        if other is not run and run not in _around(other) and other not in _around(run):
            _note(other.agents, run.agents.folders, now)
            _note(run.agents, other.agents.folders, math.inf)


def _note(seen: "Seen", folders: set[Path], over: float) -> None:
    """Note of a run's agents in which folders another run was at work until then."""
    noted = folders if len(seen.shared) < FOLDERS else folders & seen.folders
    seen.shared |= {folder: max(over, seen.shared.get(folder, 0)) for folder in noted}


def _shared(run: "Run") -> dict[str, float]:
    """The folders of other runs, without links, each with the time at which it was left."""
    found: dict[str, float] = {}
    for folder, over in run.agents.shared.items():
        real = os.path.realpath(folder)
        found[real] = max(over, found.get(real, 0))
    return found


def _own_folders(run: "Run", others: dict[str, float]) -> list[Path]:
    """Executors' folders in which nobody but the run is at work.

    None of them is the runs folder or the folder of temporary files, holds the current or the home folder, or is used
    by a run that goes on at the same time, unless that is around this one.
    """
    crowded = [os.path.realpath(place) for place in (run.cwd, Path.home(), tempfile.gettempdir())]
    runs = os.path.realpath(run.path.parent)

    def is_own(folder: Path) -> bool:
        real = os.path.realpath(folder)
        return real != runs and not any(Path(place).is_relative_to(real) for place in crowded)

    return sorted(f for f in run.agents.folders if os.path.realpath(f) not in others and is_own(f))


def _around(run: "Run") -> "Iterator[Run]":
    """The runs that a run was started in."""
    outer = run.outer
    while outer is not None:
        yield outer
        outer = outer.outer


def _below(root: Path, folders: Iterable[str]) -> list[str]:
    """Those of the folders, without links, that lie below a folder: as they are called when that is walked through."""
    top = os.path.join(os.path.realpath(root), "")
    return [os.path.join(root, folder[len(top) :]) for folder in folders if folder.startswith(top)]


def _walk(root: Path, left_out: set[str], bounds: Bounds) -> Iterator["os.DirEntry[str]"]:
    """Files below a folder, those near its top first, without those of some folders. No link is followed."""
    waiting = deque([str(root)])
    while waiting:
        try:
            entries = list(islice(os.scandir(waiting.popleft()), bounds.entries + 1))
        except OSError:
            continue
        if any(entry.name in FOREIGN for entry in entries):
            continue
        for entry in entries:
            bounds.look()
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.path not in left_out:
                        waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry
            except OSError:
                continue


def _found(place: str, root: Path, size: int, cwd: Path, mentioned: bool) -> Found:
    """A file, named relative to the current folder, or to its executor's with that folder's name before it."""
    path = Path(place)
    below = path.relative_to(cwd) if path.is_relative_to(cwd) else Path(root.name) / path.relative_to(root)
    return Found(path, below.as_posix(), size, mentioned)


def _mentioned(journal: Path, names: set[str], bounds: Bounds) -> Iterator[str]:
    """Those of the names that stand anywhere in the journal.

    A few names are searched for one by one, which is fifty times as fast as looking at every word. Many are looked up
    among the words, so that ten thousand candidates cost no more than one. Names with blanks or letters beyond ASCII
    are always searched for one by one.

    Raises:
        BoundsError: too late.
    """
    plain = {name.encode() for name in names if PLAIN.fullmatch(name)}
    others = {form: name for name in names if not PLAIN.fullmatch(name) for form in _spellings(name)}
    try:
        with journal.open("rb") as file:
            rest = b""
            while (plain or others) and (chunk := file.read(CHUNK)):
                bounds.check_time()
                text = rest + chunk
                found = _words_of(text, plain)
                plain -= found
                yield from map(bytes.decode, found)
                for number, (form, name) in enumerate(list(others.items())):
                    if number % 100 == 0:
                        bounds.check_time()
                    if form in text:
                        del others[form]
                        yield name
                rest = text[-2000:]
    except OSError as error:
        log.debug("capture: the journal was not read to its end: %s", error)


def _words_of(text: bytes, names: set[bytes]) -> set[bytes]:
    """Those of the names that are words of a text."""
    if len(names) > FEW:
        return _among_words(text, names)
    found = set()
    for name in names:
        at = text.find(name)
        for _ in range(FEW):
            if at < 0:
                break
            if _among_words(text[max(at - AROUND, 0) : at + len(name) + AROUND], {name}):
                found.add(name)
                break
            at = text.find(name, at + 1)
        else:  # a name that is a part of many words
            found |= _among_words(text, {name})
    return found


def _among_words(text: bytes, names: set[bytes]) -> set[bytes]:
    words = WORDS.findall(ESCAPES.sub(b" ", text))
    return names.intersection(words) | names.intersection(word.strip(b".") for word in words)


def _spellings(name: str) -> Iterable[bytes]:
    """How JSON may write a name: as it is, or with escapes, as in the arguments of a tool call."""
    direct = encode.to_json(name)[0][1:-1]
    escaped = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in name).encode("utf-8", "replace")
    return (direct, escaped, escaped.replace(b"\\", b"\\\\"))


def _save(run: "Run", found: Found, bounds: Bounds) -> None:
    fields: dict[str, Any] = {
        "path": found.name if found.path.is_relative_to(run.cwd) else str(found.path),
        "size": found.size,
        "sha256": None,
        "media_type": mimetypes.guess_type(found.path.name)[0],
        "copy": None,
    }
    try:
        fields |= _copy(run, found, bounds)
    except BoundsError as limit:
        fields["reason"] = str(limit)
    except OSError as error:
        fields["reason"] = error.strerror or str(error)
    run.write(format.FILE, fields, run.base)


def _copy(run: "Run", found: Found, bounds: Bounds) -> dict[str, Any]:
    """Reads a file once, for its hash and, where it is a short text, its copy."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    digest = hashlib.sha256()
    kept: list[bytes] | None = []
    size = 0
    with os.fdopen(os.open(found.path, flags), "rb") as file:
        while chunk := file.read(CHUNK):
            bounds.check_time()
            digest.update(chunk)
            size += len(chunk)
            if kept is not None:
                kept.append(chunk)
            if size >= bounds.limits.text_bytes:
                kept = None
    fields: dict[str, Any] = {"size": size, "sha256": digest.hexdigest()}
    if kept is None:
        return {**fields, "reason": f"{bounds.limits.text_bytes} bytes or more"}
    content = b"".join(kept)
    if not _is_text(content):
        return {**fields, "reason": "binary"}
    if size > bounds.bytes:
        return {**fields, "reason": f"more than {bounds.limits.bytes} bytes of copies in all"}
    bounds.bytes -= size
    kept_as = content if run.mask is None else run.mask.text(content)
    name = found.name if run.mask is None else run.mask.name(found.name)
    fields["copy"] = _write(run, name, kept_as)
    if kept_as != content:
        fields |= {"copy_size": len(kept_as), "copy_sha256": hashlib.sha256(kept_as).hexdigest()}
    return fields


def _write(run: "Run", name: str, content: bytes) -> str:
    """Writes a copy, and returns its path below the run's folder."""
    folder = run.path / format.FILES
    target = folder / name
    for parent in (folder, *reversed([p for p in target.parents if p.is_relative_to(folder)])):
        descriptor.make_folder(parent, run.permissions)
    number = 1
    while target.exists():
        number += 1
        target = (folder / name).with_name(f"{Path(name).stem}-{number}{Path(name).suffix}")
    with os.fdopen(descriptor.new_file(target, run.permissions), "wb") as file:
        file.write(content)
    return target.relative_to(run.path).as_posix()


def _is_text(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
