"""AG2's events as users save them from `run()`: `event.model_dump()` of each as JSON, one a line or all in one list.

`run()` and its kin give the events of a run to whoever iterates over `response.events`. They carry no times.
"""

import re
from collections.abc import Iterator
from typing import IO, Any

from capture import format as journal
from ingest.lines import Bad, Record, encode, read_objects
from ingest.lists import salvaged
from ingest.text import SPACE, TooLargeError, behind, text_of, utf_8

_FIRST_EVENT = re.compile(rb'\s*(?:\[\s*)?\{\s*"type"\s*:\s*"[a-z_]+"\s*,\s*"content"\s*:\s*\{\s*"uuid"\s*:')
_LIST = re.compile(rb"\s*\[")
_MISSING = "no event of AG2: needs a type"


def recognise(head: bytes) -> bool:
    """An event's type, and its content, which begins with its id."""
    return _FIRST_EVENT.match(utf_8(head)) is not None


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every event.

    Args:
        file: the events.
        about: receives `not_a_run` with the reason where the file is too large.
    """
    head = file.read(64)
    file.seek(0)
    if _LIST.match(utf_8(head)):
        yield from _read_list(file, about)
        return
    for item in read_objects(file, "type", _MISSING):
        if isinstance(item, Record):
            item.data = {"kind": journal.EVENT, "event": item.data}
        yield item


def _read_list(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    try:
        with text_of(file) as raw:
            yield from salvaged(raw, behind(SPACE, raw, 0) + 1, _made)
    except TooLargeError as error:
        about["not_a_run"], about["damaged"] = str(error), True


def _made(element: Any, place: int, text: str) -> Record | Bad:
    text = text or encode(element)
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        return Bad(_MISSING, text.encode(), place, 0)
    return Record({"kind": journal.EVENT, "event": element}, text, place, 0)
