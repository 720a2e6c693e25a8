"""A list of JSON values that may be broken somewhere: what can be read of it, and the rest in pieces."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ingest.documents import unread, value_end
from ingest.lines import Bad, Record, decode
from ingest.text import LIST_END, MAX_WHOLE, Text, Values, behind, matches

BREAKS_OFF = "the list breaks off here"

RESTARTS = 100
"""How often a broken list is taken up again behind what could not be read. It bounds the time."""

_NEXT = re.compile(rb"\},?\s*\{")
_ANSWERS = b'"tool_responses"'
"""The key of a list of messages in a message."""
_BETWEEN = re.compile(rb"[ \t\r\n,]*")

Make = Callable[[Any, int, str], Record | Bad]
"""What is made of a value, its place in the list from 1, and its text: a record, or what is no such value."""


def salvaged(raw: Text, start: int, make: Make, in_object: bool = False) -> Iterator[Record | Bad]:
    """The values of a list that is broken somewhere. What can't be read is kept, and reading goes on behind it.

    Args:
        raw: the file.
        start: byte behind the list's bracket.
        make: makes a record of a value.
        in_object: whether keys of an object may follow the list.
    """
    values, offset, place, restarts = Values(raw), start, 0, 0
    reason: str | None = None
    while (offset := behind(_BETWEEN, raw, offset)) < len(raw):
        if not in_object and LIST_END.match(raw, offset):
            return
        place += 1
        if in_object and raw[offset : offset + 1] == b"]":
            if bad := _behind_list(raw, offset + 1, place):
                yield bad
            return
        end, reason = values.end(offset), None
        if end is None:
            end = _restart(values, raw, offset, make) if restarts < RESTARTS else len(raw)
            restarts += 1
            if end == len(raw):
                end = _list_end(raw, offset, in_object)
            reason = "the list is broken here" if end < len(raw) else BREAKS_OFF
        yield _piece(raw, offset, end, place, reason, make)
        offset = end
    if reason != BREAKS_OFF:
        yield Bad(BREAKS_OFF, b"", place + 1, len(raw), torn=True)


def _behind_list(raw: Text, offset: int, place: int) -> Bad | None:
    """What follows the list in an object, where it is not the object's sound end."""
    try:
        if len(raw) - offset > MAX_WHOLE:
            raise ValueError("what follows is too long to be held in memory")
        decode(b'{"":0' + raw[offset:])
    except ValueError:
        return unread("the object breaks off here", raw, offset, len(raw), place, torn=True)
    return None


def _piece(raw: Text, offset: int, end: int, place: int, reason: str | None, make: Make) -> Record | Bad:
    if reason is None:
        try:
            value, clean = decode(raw[offset:end])
            item = make(value, place, clean)
        except ValueError as error:
            reason = str(error)
        else:
            if isinstance(item, Bad):
                item.offset = offset
            return item
    return unread(reason, raw, offset, end, place, torn=reason.endswith("off here"))


def _restart(values: Values, raw: Text, offset: int, make: Make) -> int:
    """Where the next value begins behind a place that can't be read; the end of the text if there is none."""
    has_answers, searched = False, offset
    for match in itertools.islice(matches(_NEXT, raw, offset + 1), RESTARTS):
        begin = match.end() - 1
        has_answers, searched = has_answers or raw.find(_ANSWERS, searched, begin) >= 0, begin
        if (end := values.end(begin)) is not None and _is_value_between(raw, begin, end, make, has_answers):
            return begin
    return len(raw)


def _list_end(raw: Text, offset: int, in_object: bool) -> int:
    """Where a list ends whose last value can't be read; the end of the text if it is cut off."""
    end, is_closed = value_end(raw, offset, len(raw), depth=1)
    begin = end - 1
    is_list = is_closed and raw[begin:end] == b"]" and (in_object or LIST_END.match(raw, begin) is not None)
    return begin if is_list else len(raw)


def _is_value_between(raw: Text, begin: int, end: int, make: Make, has_answers: bool) -> bool:
    """Whether a value is one of the list. `has_answers`: what can't be read has a list of answers by itself."""
    try:
        value = json.loads(raw[begin:end].decode("utf-8", "surrogateescape"))
        return isinstance(make(value, 0, ""), Record) and not (has_answers and "tool_call_id" in value)
    except (ValueError, RecursionError):
        return False
