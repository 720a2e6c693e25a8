"""A JSON document with values in it that can't be read, such as integers of thousands of digits: the rest of it.

A message of which something can't be read is left out as a whole, and so is what stands beside messages, key by key.
"""

import re
from collections.abc import Iterator
from typing import Any

from ingest.chat import Chat
from ingest.conversations import DEEP, conversations
from ingest.documents import is_closed, unread, value_end
from ingest.elements import has_messages
from ingest.lines import MAX_VALUES, Bad, decode, encode
from ingest.text import MAX_WHOLE, SPACE, Text, behind

MAX_KEY = 100
"""Characters of a key that the reason of a row in `quarantine` has."""

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_KEY = re.compile(rb"\s*(" + _STRING + rb")\s*:\s*")
_SCALAR = re.compile(_STRING + rb'|[^\s,:\[\]{}"]+')
_BEHIND = re.compile(rb"\s*([,\]}])\s*")


def mended(raw: Text, offset: int = 0) -> Any | None:
    """The value of a document that as a whole is no JSON, with a `Bad` for each part that can't be read.

    Args:
        raw: the document.
        offset: the byte of its file at which it begins.

    Returns:
        None where it is no document that ends, has no messages, or is too long to be held in memory.
    """
    if len(raw) > MAX_WHOLE or not is_closed(raw):
        return None
    text = raw[:]
    if text.count(b",") > MAX_VALUES:
        return None
    start = behind(SPACE, raw, 0)
    value = _read(text, start, len(text), DEEP + 2, offset)
    return None if isinstance(value, Bad) else value


def set_aside(chats: list[Chat], beside: list[dict[str, Any]]) -> list[Bad]:
    """Take out what can't be read of what stands beside the conversations of such a document. Gives that."""
    found: list[Bad] = []
    for chat in chats:
        chat.about = _without_bad(chat.about, found)
    beside[:] = [_without_bad(about, found) for about in beside]
    return found


def _without_bad(value: Any, found: list[Bad]) -> Any:
    """The same value without what can't be read, which is put into a list."""
    if isinstance(value, dict):
        kept = {key: _without_bad(inner, found) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if not isinstance(value[key], Bad)}
    if isinstance(value, list):
        return [_without_bad(inner, found) for inner in value]
    if isinstance(value, Bad):
        found.append(value)
        return None
    return value


def _read(raw: bytes, begin: int, end: int, deep: int, offset: int) -> Any:
    """A value, a `Bad` in place of it, or the value with such in it where it holds messages."""
    try:
        return decode(raw[begin:end])[0]
    except ValueError as error:
        reason = str(error)
    value: Any = None
    try:
        if deep and raw[begin : begin + 1] == b"{":
            value = {k: _named(k, _read(raw, b, e, deep - 1, offset)) for k, b, e in _members(raw, begin)}
        elif deep and raw[begin : begin + 1] == b"[":
            value = [_read(raw, b, e, deep - 1, offset) for _, b, e in _members(raw, begin)]
    except ValueError:
        pass
    if _holds_chats(value):
        return value
    bad = unread(reason, raw, begin, end, 1)
    bad.offset += offset
    return bad


def _named(key: str, value: Any) -> Any:
    """The value of a key, which the reason names where it can't be read."""
    if isinstance(value, Bad):
        value.error = f"{encode(key)[:MAX_KEY]}: {value.error}"
    return value


def _holds_chats(value: Any) -> bool:
    """Whether there are conversations in it, and it is not one message, by itself or in an object."""
    chats, _ = conversations(value)
    return has_messages(chats) and not chats[0].is_alone


def _members(raw: bytes, begin: int) -> Iterator[tuple[str, int, int]]:
    """The key of each value in an object or list, '' in a list, and where it begins and ends.

    Raises:
        ValueError: it is no JSON.
    """
    in_object, place, is_last = raw[begin : begin + 1] == b"{", behind(SPACE, raw, begin + 1), False
    while not is_last:
        key = _KEY.match(raw, place) if in_object else None
        if in_object and key is None:
            raise ValueError("not JSON: a key is missing")
        place = key.end() if key else place
        if raw[place : place + 1] in (b"{", b"["):
            end, has_end = value_end(raw, place, len(raw))
        else:
            end, has_end = behind(_SCALAR, raw, place), True
        separator = _BEHIND.match(raw, end)
        if end == place or not has_end or separator is None:
            raise ValueError("not JSON: a value or what follows it is missing")
        yield decode(key[1])[0] if key else "", place, end
        is_last, place = separator[1] != b",", separator.end()
