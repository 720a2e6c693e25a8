"""One run, from its files to its rows: paths in, rows out. No database, no shared state."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from ingest.compressed import unpack
from ingest.found import HEAD, Found, shown
from ingest.lines import Bad
from ingest.regular import open_regular
from ingest.rows import Row
from ingest.sources import Source, find_source, look_on, source_named
from ingest.sources.journal import has_records
from ingest.text import MAX_TEXT, too_large

if TYPE_CHECKING:
    from ingest.assemble import Assembler

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

STILL_WRITTEN = 3600
"""Seconds since the last record within which a run of another machine, whose locks can't be seen, counts as running."""


@dataclass(slots=True)
class Report:
    """What came of one file.

    Attributes:
        source: name of the source, or None where the file is no run.
        skipped: why it is no run.
        damaged: it is an archive or a database that can't be read, so that nobody knows what it was, or too large.
        identity: what tells its content from any other, see `identify`.
        records: lines or messages that were understood.
        bad: lines that were not.
        torn: those of them that were cut off at the end of the file.
        text: length of its records; of its messages where those are longer, as of a transcript beside a journal, or of
            its unreadable lines.
        failed: it could not be read this time; what the tables have of it stays, and the next ingest tries again.
        notes: one line each.
    """

    found: Found
    source: str | None = None
    skipped: str | None = None
    damaged: bool = False
    identity: str | None = None
    records: int = 0
    bad: int = 0
    torn: int = 0
    text: int = 0
    failed: bool = False
    status: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_run(self) -> bool:
        """Whether it has a row in `runs`. A file in which no line could be read is one only by its name."""
        return self.source is not None and (self.records > 0 or self.found.folder is not None)


def read_run(found: Found, report: Report) -> Iterator[tuple[str, list[Row], int]]:
    """Read one file.

    Args:
        found: the file.
        report: is filled in.

    Yields:
        (table, rows, length of their texts). Nothing where the file is no run.
    """
    try:
        with open_regular(found.content or found.path) as file:
            yield from _read(file, found, report)
    except OSError as error:
        report.skipped, report.failed = f"can't be read: {error.strerror or error}", True


def is_journal(found: Found) -> bool:
    """Whether it is read as a journal; one that can't be read is not."""
    try:
        with open_regular(found.content or found.path) as opened:
            source = _source(unpack(opened)[0], found)
    except OSError:
        return False
    return source is not None and source.name == "journal"


def identify(found: Found) -> str | None:
    """What tells the content of a file from any other's, wherever it lies and however it is packed.

    A journal grows, and its first record has the run's id, time and process: that stands for it. Of any other file all
    of its bytes do.

    Returns:
        A digest, or None where the file is no run, can't be read, or has no whole record yet.
    """
    try:
        with open_regular(found.content or found.path) as opened:
            file, _ = unpack(opened)
            source = _source(file, found)
            if source is None or _is_too_large(opened, source):
                return None
            return _identity(file, source)
    except OSError:
        return None


def _identity(file: IO[bytes], source: Source) -> str | None:
    if source.name == "journal":
        line = next((line for line in iter(lambda: file.readline(HEAD), b"") if not line.isspace()), b"")
        return hashlib.sha256(line).hexdigest() if line.endswith(b"\n") or len(line) == HEAD else None
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _is_too_large(opened: IO[bytes], source: Source) -> bool:
    """Whether the size alone tells that it is a transcript that will not be read; of an archive what is in it tells."""
    return source.name == "transcript" and os.fstat(opened.fileno()).st_size > MAX_TEXT


def failure(error: Exception) -> str:
    """Why a file could not be read, in one line."""
    if isinstance(error, MemoryError):
        return "could not be ingested: it takes more memory than there is"
    return " ".join(f"could not be ingested: {type(error).__name__}: {error}".split())


def _read(opened: IO[bytes], found: Found, report: Report) -> Iterator[tuple[str, list[Row], int]]:
    file, archive = unpack(opened)
    source = _source(file, found)
    if source is None:
        report.damaged = archive is not None and archive.error is not None
        report.skipped = (archive and archive.error) or "no journal, transcript or log of AG2"
        return
    if _is_too_large(opened, source):
        report.skipped, report.damaged = str(too_large(os.fstat(opened.fileno()).st_size)), True
        return
    assembler, about = _assembled(file, found, source)
    if "not_a_run" in about and found.folder is not None and found.source is None:
        source = source_named("journal")  # by its name: what broke its lines made them look like something else
        assembler, about = _assembled(file, found, source)
    if "not_a_run" in about:
        report.skipped = (archive and archive.error) or about["not_a_run"]
        report.damaged = bool(archive and archive.error) or "damaged" in about
        return
    if archive is not None and archive.error:
        assembler.add_bad(Bad(archive.error, b"", 0, archive.tell()))
    if source.name == "journal" and not assembler.records and not assembler.bad_lines:
        report.skipped = "it is empty"  # its name alone makes no run
        return
    report.source, report.records = source.name, assembler.records
    report.bad, report.torn = assembler.bad_lines, assembler.torn_lines
    if "newer_version" in about:
        version = about["newer_version"]
        report.notes.append(f"journal of version {version}, newer than this package reads; what it knows was read")
    if assembler.recordings > 1:
        apart = "" if found.content else f"; `ingest - < {shown(found.path)}` reads each as its own"
        report.notes.append(f"{assembler.recordings} recordings stand in it and are read as one run{apart}")
    file.seek(0)
    report.identity = _identity(file, source)  # not sooner: a huge file that is no run is not read for it
    report.status = "completed" if source.name != "journal" else status_without_end(opened.fileno(), assembler)
    if not report.is_run:
        for table, rows, size in assembler.rows.chunks():
            if table == "quarantine":
                yield table, _without_run(rows), size
        return
    yield from assembler.finish(source.name, about, report.status)
    report.notes += assembler.not_understood[:1]
    report.status = assembler.status


def _assembled(file: IO[bytes], found: Found, source: Source) -> tuple["Assembler", dict[str, Any]]:
    """All of a file, and what it says of the run beside its records. An archive's error is that of this reading."""
    from ingest.assemble import Assembler  # here, because with all that it takes it is half of what there is to load

    about: dict[str, Any] = {}
    place = found.run_id, shown(found.path), found.folder
    assembler = Assembler(*place, source.channel, found.roots, nests=source.nests)
    file.seek(0)
    for item in source.read(file, about):
        if isinstance(item, Bad):
            assembler.add_bad(item)
        else:
            assembler.add(item)
    return assembler, about


def _source(file: IO[bytes], found: Found) -> Source | None:
    """What the file is: as the user says, or else as it looks. A journal's name says it where its lines are broken.

    The file is at its beginning then; where it is nothing, as far as was read to find that out.
    """
    if found.source is not None:
        return source_named(found.source)
    head = file.read(HEAD)
    if found.folder is not None and has_records(head):
        file.seek(0)
        return source_named("journal")
    source = find_source(head) or (source_named("journal") if found.folder is not None else look_on(head, file))
    if source is not None:
        file.seek(0)
    return source


def status_without_end(descriptor: int, assembler: "Assembler") -> str:
    """running or interrupted, for a journal without an end.

    The recorder holds a lock on its journal for as long as it runs. A lock can be seen on the machine that holds it;
    of another machine's journals the age of the last record tells.
    """
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return "running"
        if assembler.host == socket.gethostname():
            return "interrupted"
    last = assembler.last_time
    # one from the future says nothing: its machine's clock is wrong
    return "running" if last is not None and abs(time.time() - last / 1e6) < STILL_WRITTEN else "interrupted"


def _without_run(rows: list[Row]) -> list[Row]:
    """The same rows of `quarantine` with no run: the file they come from is none."""
    return [[None, *row[1:]] for row in rows]
