"""Whether a journal is whole: its numbers, its end, and the files that it says lie beside it.

The recorder numbers what it writes, declares what it lost, and notes the hash of each file that it saves, so what
was lost, changed or doubled since can be seen. What a journal claims is checked and never believed: no file outside
the run's folder is opened, none through a link, and no more is read than a recorder would save.
"""

import hashlib
import os
from dataclasses import dataclass, field
from typing import IO, Any

from capture import format as journal
from ingest.assemble import MAX_SEQ
from ingest.lines import decode
from ingest.llm import count
from ingest.messages import text_or_none
from ingest.regular import open_regular

MAX_TOLD = 100
"""Findings of a kind that are told one by one; of the rest only the number."""

MAX_FILES = 10_000
"""Files of one run that are looked at. The recorder saves 200 at most, and some transcripts."""

MAX_BYTES = 16 * 1024**3
"""Of those files, in all."""

MAX_NAME = 4096
"""Characters of a path. No system has longer ones."""

MAX_REASON = 500
"""Characters of the reason for a loss that are told."""

CHUNK = 1024 * 1024

Data = dict[str, Any]


@dataclass
class Findings:
    """One line for each thing found, the first `MAX_TOLD` of them."""

    told: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: str) -> None:
        """One more."""
        self.count += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(line)

    def lines(self) -> list[str]:
        """Those that are told, and how many more there are."""
        more = self.count - len(self.told)
        return self.told + ([f"and {more} more of this kind"] if more else [])


class FileClaimError(Exception):
    """A file is not what the journal says. The message says what it is instead."""


class Integrity:
    """What is wrong with one journal, whose records are given one after the other.

    Args:
        folder: the run's folder; None where the journal stands alone, so that no file beside it can be looked at.

    Attributes:
        damage: what is missing, changed or doubled.
        notes: what is worth knowing, and no damage.
        ended: whether it has its last record.
        undeclared: records that the recorder counted as lost at the end, and no `gap` declares.
    """

    def __init__(self, folder: str | None) -> None:
        self.damage, self.notes = Findings(), Findings()
        self.ended = False
        self.undeclared = 0
        self._folder = folder
        self._next = self._declared = self._beside = 0
        self._looked_at: set[str] = set()
        self._bytes = MAX_BYTES
        self._again: tuple[int, int, int, int] | None = None
        """Records that stand in the wrong place, in a row: first and last line, first and last number."""

    def add(self, seq: int, text: str, line: int) -> None:
        """Take in one record.

        Args:
            seq: its number, as it was understood.
            text: the record.
            line: where it stands.
        """
        data, _ = decode(text.encode())
        again = seq < self._next
        said = count(data.get("seq"))
        if said is None or said > MAX_SEQ:
            self.damage.add(f"line {line}: a record without a number")
        elif again:
            self._repeated(seq, line)
        elif seq > self._next:
            self._tell_repeated()
            numbers = f"record {self._next} is" if seq == self._next + 1 else f"records {self._next} to {seq - 1} are"
            self.damage.add(f"line {line}: {numbers} missing before it")
        self._next = max(self._next, seq + 1)
        match data.get("kind"):
            case journal.GAP:
                self._gap(data, line)
            case journal.FILE if data.get("copy") is not None:
                size = count(data.get("copy_size", data.get("size")))
                digest = data.get("copy_sha256", data.get("sha256"))
                self._file(f"line {line}: the copy", data["copy"], journal.FILES, size, digest, again)
            case journal.MESSAGES if data.get("path") is not None:
                self._file(f"line {line}: the transcript", data["path"], "", None, data.get("sha256"), again)
            case journal.RUN_END:
                self._end(data, line)

    def finish(self, status: str | None) -> None:
        """There are no more records.

        Args:
            status: the run's.
        """
        self._tell_repeated()
        if not self.ended and status == "running":
            self.notes.add("the run is still going on")
        elif not self.ended:
            self.notes.add("it has no end: the run was cut off, or the journal was")
        if self._beside:
            self.notes.add(f"files beside it were not looked at: it names {self._beside}, and stands alone here")

    def _repeated(self, seq: int, line: int) -> None:
        if self._again and self._again[3] + 1 == seq:
            self._again = (self._again[0], line, self._again[2], seq)
            return
        self._tell_repeated()
        self._again = (line, line, seq, seq)

    def _tell_repeated(self) -> None:
        if self._again is None:
            return
        first_line, last_line, first, last = self._again
        self._again = None
        if first == last:
            self.damage.add(f"line {first_line}: record {first} stands twice, or not in its place")
        else:
            lines = f"lines {first_line} to {last_line}"
            self.damage.add(f"{lines}: records {first} to {last} stand twice, or not in their place")

    def _gap(self, data: Data, line: int) -> None:
        lost, reason = count(data.get("lost")) or 0, text_or_none(data.get("reason")) or "no reason is given"
        reason = reason[:MAX_REASON]
        self._declared += lost
        if lost:
            self.damage.add(f"line {line}: {_records(lost)} lost before it: {reason}")
        else:
            self.notes.add(f"line {line}: {reason}")

    def _end(self, data: Data, line: int) -> None:
        self.ended = True
        stats = data.get("stats")
        lost = count(stats.get("lost")) if isinstance(stats, dict) else None
        self.undeclared = max((lost or 0) - self._declared, 0)
        if self.undeclared:
            self.damage.add(f"line {line}: {_records(self.undeclared)} lost, and nothing declares where")

    def _file(self, what: str, path: Any, below: str, size: int | None, digest: Any, again: bool) -> None:
        if self._folder is None:
            self._beside += 1
            return
        if not isinstance(path, str) or not path or len(path) > MAX_NAME:
            self.damage.add(f"{what} has no name that could be a path")
            return
        if path in self._looked_at:
            if not again:  # else it is told that the record is
                self.damage.add(f"{what} {path} is named a second time")
            return
        if len(self._looked_at) == MAX_FILES:
            self.damage.add(f"{what} {path} was not looked at, it is one of more than {MAX_FILES:,}")
            return
        self._looked_at.add(path)
        try:
            self._bytes -= _verify(self._folder, path, below, size, text_or_none(digest), self._bytes)
        except FileClaimError as error:
            self.damage.add(f"{what} {path} {error}")


def _verify(folder: str, path: str, below: str, size: int | None, digest: str | None, most: int) -> int:
    """Whether a file of a run is there and as it was when it was saved.

    Args:
        folder: the run's.
        path: what the journal claims is the file's path in it.
        below: the folder in it in which the file has to lie, or an empty text.
        size: bytes, where that is known.
        digest: SHA-256, where that is known.
        most: bytes that may be read.

    Returns:
        Bytes of the file.

    Raises:
        FileClaimError: it is not.
    """
    inside = os.path.join(folder, below, "")
    place = os.path.normpath(os.path.join(folder, path))
    if os.path.isabs(path) or ".." in path.replace("\\", "/").split("/") or not place.startswith(inside):
        raise FileClaimError("is not looked at: no recorder saves it there")
    try:
        if os.path.realpath(place) != place:
            raise FileClaimError("is not looked at: there is a link on the way to it")
        with open_regular(place) as file:
            there = os.fstat(file.fileno()).st_size
            if size is not None and there != size:
                raise FileClaimError(f"has changed: {there:,} bytes instead of {size:,}")
            if there > most:
                raise FileClaimError(f"was not looked at: more than {MAX_BYTES:,} bytes with the others")
            if digest is not None and _sha256(file) != digest:
                raise FileClaimError("has changed: another SHA-256")
            return there
    except FileNotFoundError:
        raise FileClaimError("is missing") from None
    except (OSError, ValueError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise FileClaimError(f"can't be read: {reason}") from None


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := file.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _records(number: int) -> str:
    return f"{number:,} record{' was' if number == 1 else 's were'}"
