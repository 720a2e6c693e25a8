"""Saved conversations: `groupchat.messages`, `ChatResult.chat_history` and the like.

Three shapes: a JSON list of messages; an object with such a list under `messages`, `history` or `chat_history`, whose
other keys describe the run; a message a line (JSONL). A list that was cut off is read as far as it goes.
"""

import json
import re
from collections.abc import Iterator
from typing import IO, Any

import orjson

from capture import format as journal
from ingest.lines import Bad, Record, decode, encode, read_lines
from ingest.messages import is_message

LISTS = ("messages", "history", "chat_history")
"""Keys under which an object holds its messages, the first that is there."""

_MESSAGE_KEYS = re.compile(rb'"(?:role|name|content|tool_calls|messages|history|chat_history)"\s*:')
_TEXT = re.compile(rb"\s*[\[{]")


def recognise(head: bytes) -> bool:
    """JSON in which a key that messages have stands near the beginning. The rest shows when it is read."""
    return _TEXT.match(head) is not None and _MESSAGE_KEYS.search(head) is not None


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every message.

    Args:
        file: the transcript.
        about: receives the keys beside the messages as `meta`, and `not_a_run` with the reason where the file
            turns out to be something else; nothing is yielded then.
    """
    raw = file.read()
    try:
        value, _ = decode(raw)
    except ValueError as error:
        file.seek(0)
        yield from _read_broken(file, raw, str(error), about)
        return
    elements = _elements(value, about)
    if not any(is_message(element) for element in elements):
        about["not_a_run"] = "no list of messages in it"
        return
    for place, element in enumerate(elements, 1):
        yield _record(element, place, 0)


def _elements(value: Any, about: dict[str, Any]) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    for key in LISTS:
        if isinstance(value.get(key), list):
            about["meta"] = {k: v for k, v in value.items() if k != key}
            return list(value[key])
    return [value]  # a transcript of one line


def _record(element: Any, line: int, offset: int, text: str | None = None) -> Record | Bad:
    text = text if text is not None else encode(element)
    if not is_message(element):
        return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), line, offset)
    data = {"kind": journal.MESSAGE, "message": element}
    return Record(data, text, line, offset)


def _read_broken(file: IO[bytes], raw: bytes, error: str, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """JSONL, or a list that was cut off, or neither."""
    if raw.lstrip().startswith(b"["):
        yield from _salvage(raw, error)
        return
    first = raw.lstrip().split(b"\n", 1)[0]
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        value = None
    if value is None and b"\n" not in raw.strip():
        yield Bad(error, raw, 1, 0, torn=True)
        return
    if value is not None and not is_message(value):
        about["not_a_run"] = "its lines are no messages"
        return
    for line, offset, text in read_lines(file):
        try:
            data, clean = decode(text)
        except ValueError as bad:
            yield Bad(str(bad), text, line, offset, torn=not text.endswith(b"\n"))
        else:
            yield _record(data, line, offset, clean)


def _salvage(raw: bytes, error: str) -> Iterator[Record | Bad]:
    """The messages of a list up to where it breaks; the rest is one bad line."""
    text = raw.decode("utf-8", "replace")
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    position, place = text.index("[") + 1, 0
    while True:
        position = _skip(text, position)
        try:
            value, end = decoder.raw_decode(text, position)
            value = decode(json.dumps(value).encode())[0]
        except (ValueError, RecursionError):
            break
        place += 1
        yield _record(value, place, 0)
        position = end
    yield Bad(f"the list breaks off: {error}", text[position:].encode(), place + 1, len(text[:position].encode()), True)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position
