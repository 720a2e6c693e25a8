"""This project's own journals: one record a line, as `capture.format` describes them."""

import re
from collections.abc import Iterator
from typing import IO, Any

from capture import format as journal
from ingest.lines import Bad, Record, read_objects

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
    for item in read_objects(file, "kind", "a record without a kind"):
        if isinstance(item, Record):
            version = item.data.get("v")
            if version != journal.VERSION and isinstance(version, int) and version > journal.VERSION:
                about["newer_version"] = max(version, about.get("newer_version", 0))
        yield item
