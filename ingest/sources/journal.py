"""This project's own journals: one record a line, as `capture.format` describes them."""

import re
from collections.abc import Iterator
from typing import IO, Any

from capture import format as journal
from ingest.lines import Bad, Record, TooLong, decode, read_lines

_FIRST_RECORD = re.compile(rb'\s*\{"v"\s*:\s*\d+\s*,\s*"seq"\s*:')

_ANY_RECORD = re.compile(rb'"seq"\s*:\s*\d+\s*,\s*"ts"\s*:\s*\d+\s*,\s*"kind"\s*:')


def has_records(head: bytes) -> bool:
    """Whether a record of a journal stands in it, where the first line may be damaged."""
    return _ANY_RECORD.search(head) is not None


def recognise(head: bytes) -> bool:
    """A journal's first line begins with its version and sequence number."""
    return _FIRST_RECORD.match(head) is not None


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every line.

    Args:
        file: the journal.
        about: receives `newer_version` where records of a later format were met.
    """
    for line, offset, raw in read_lines(file):
        try:
            data, text = decode(raw)
            if not isinstance(data, dict):
                raise ValueError("not a JSON object")
            if not isinstance(data.get("kind"), str):
                raise ValueError("a record without a kind")
        except ValueError as error:
            torn = not raw.endswith(b"\n") and not isinstance(raw, TooLong)
            reason = f"cut off: {error}" if torn else str(error)
            yield from Bad(reason, raw, line, offset, torn).pieces()
            continue
        version = data.get("v")
        if isinstance(version, int) and version > journal.VERSION:
            about["newer_version"] = max(version, about.get("newer_version", 0))
        yield Record(data, text, line, offset)
