"""AG2's events as users save them from `run()`: `json.dumps(event.model_dump(), default=str)`, one a line.

`run()` and its kin give the events of a run to whoever iterates over `response.events`. They carry no times.
"""

import re
from collections.abc import Iterator
from typing import IO, Any

from capture import format as journal
from ingest.lines import Bad, Record, read_objects

_FIRST_EVENT = re.compile(rb'\s*\{\s*"type"\s*:\s*"[a-z_]+"\s*,\s*"content"\s*:\s*\{\s*"uuid"\s*:')


def recognise(head: bytes) -> bool:
    """An event's type, and its content, which begins with its id."""
    return _FIRST_EVENT.match(head) is not None


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every line.

    Args:
        file: the events.
        about: receives nothing, as nothing stands beside them.
    """
    for item in read_objects(file, "type", "no event of AG2: needs a type"):
        if isinstance(item, Record):
            item.data = {"kind": journal.EVENT, "event": item.data}
        yield item
