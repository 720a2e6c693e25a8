"""Where runs come from: one module a source, one entry here each.

A source says whether a file is its own, from the file's first bytes, and reads it into records in the journal's
vocabulary (`capture.format`). What it is given is plain: compressed files are unpacked before. To add one: write the
module, add it to `SOURCES`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from ingest.lines import Bad, Record
from ingest.sources import ag2_events, ag2_file_log, ag2_sqlite, journal, transcript


@dataclass(frozen=True)
class Source:
    """A kind of file that holds a run.

    Attributes:
        name: what `runs.source_format` says.
        recognise: whether a file is of this kind, from its first 64 kB.
        read: gives every line or element of the file, in order, as `Record` or `Bad`, and puts what the file says of
            the run beside its records into the dict it is given: `meta`, `sessions`, `not_a_run` with the reason.
        channel: what `messages.source` says of messages from here.
        nests: its chats have no record of where each begins, but of who is asked for a reply.
        look_on: whether a file is of this kind, from its first 64 kB and what it goes on to read of the file, where no
            source recognises the beginning.
    """

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[[IO[bytes], dict[str, Any]], Iterator[Record | Bad]]
    channel: str = "logger"
    nests: bool = False
    look_on: Callable[[bytes, IO[bytes]], bool] | None = None


SOURCES = (
    Source("journal", journal.recognise, journal.read),
    Source("ag2_sqlite", ag2_sqlite.recognise, ag2_sqlite.read, nests=True),
    Source("ag2_file_log", ag2_file_log.recognise, ag2_file_log.read, nests=True),
    Source("ag2_events", ag2_events.recognise, ag2_events.read),
    Source("transcript", transcript.recognise, transcript.read, channel="transcript", look_on=transcript.look_on),
)


def find_source(head: bytes) -> Source | None:
    """The source whose file begins with these bytes, or None."""
    return next((source for source in SOURCES if source.recognise(head)), None)


def look_on(head: bytes, file: IO[bytes]) -> Source | None:
    """The source whose signs stand further on in a file, or None. `file` is read from behind its head."""
    return next((source for source in SOURCES if source.look_on and source.look_on(head, file)), None)


def source_named(name: str) -> Source:
    """The source of this name. Raises KeyError."""
    return {source.name: source for source in SOURCES}[name]
