"""Saved conversations: `groupchat.messages`, `ChatResult.chat_history` and the like.

Three shapes: a JSON list of messages; an object with such a list under `messages`, `history` or `chat_history`, whose
other keys describe the run; a message a line (JSONL). Of a document with several lists (`ingest.conversations`), and of
JSONL with a conversation a line, each is a chat of the run. A list that was cut off, also one in an object, is read as
far as it goes.
"""

import codecs
import io
import itertools
import json
import re
from collections.abc import Iterator
from typing import IO, Any

import orjson

from capture import format as journal
from ingest.conversations import Chat, conversations
from ingest.lines import Bad, Record, decode, encode, read_lines
from ingest.messages import is_message

REPEATED = "repeated"
"""Kind of a message of which another list of the document tells as well: it stands in `journal` alone."""

RESTARTS = 100
"""How often a broken list is taken up again behind what could not be read. It bounds the time."""

MAX_LISTS = 10
"""Places in a broken object at which its messages may begin: each is tried."""

_MESSAGE_KEYS = re.compile(rb'"(?:role|name|content|tool_calls|messages|history|chat_history)"\s*:')
_TEXT = re.compile(rb"\s*[\[{]")
_LATER_MESSAGE = re.compile(rb'\n\s*\{[^\n]{0,200}"(?:role|name|content)"\s*:')
_LIST = re.compile(rb'"(?:messages|history|chat_history)"\s*:\s*\[')
_NEXT = re.compile(r"\},?\s*\{")


def recognise(head: bytes) -> bool:
    """JSON in which a key that messages have stands near the beginning. The rest shows when it is read."""
    head = _utf_8(head)
    return _TEXT.match(head) is not None and _MESSAGE_KEYS.search(head) is not None


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every message.

    Args:
        file: the transcript.
        about: receives the keys beside the messages as `meta`, and `not_a_run` with the reason where the file
            turns out to be something else; nothing is yielded then.
    """
    raw = _utf_8(file.read())
    try:
        value, _ = decode(raw)
    except ValueError as error:
        yield from _read_broken(raw, str(error), about)
        return
    chats = conversations(value)
    if not any(is_message(element) for chat in chats for element in chat.messages):
        about["not_a_run"] = "no list of messages in it"
        return
    about["meta"] = _about(chats)
    if len(chats) == 1 and not all(map(is_message, chats[0].messages)):
        pieces = list(_in_pieces(raw))  # which tells where in the file the others stand
        if len(pieces) == len(chats[0].messages):
            yield from pieces
            return
    places = itertools.count(1)
    for number, chat in enumerate(chats):
        yield from _messages_of(chat, places, number == 0)


def _messages_of(chat: Chat, places: Iterator[int], first: bool) -> Iterator[Record | Bad]:
    """The messages of one conversation of several; where nothing else tells of them they are in no chat of a name."""
    for element, place in zip(chat.messages, places, strict=False):
        record = _record(element, place, 0)
        if isinstance(record, Record) and chat.repeats:
            record.data = {"kind": REPEATED}
        elif isinstance(record, Record) and not first:
            record.data["in_chat"] = chat.name
        yield record


def _about(chats: list[Chat]) -> dict[str, Any]:
    """What stands beside the messages."""
    if len(chats) == 1:
        return chats[0].about
    told = [{"chat": chat.name, **chat.about} for chat in chats if chat.about]
    return {"chats": told} if told else {}


def _in_pieces(raw: bytes) -> Iterator[Record | Bad]:
    """A sound list with something in it that is no message."""
    if raw.lstrip()[:1] == b"[":
        return _salvage(raw, raw.index(b"[") + 1)
    opened = _list_in_object(raw)
    return _salvage(raw, opened[0], in_object=True) if opened else iter(())


def _utf_8(raw: bytes) -> bytes:
    """The same text as UTF-8 without a mark: Windows programs write UTF-16, and UTF-8 with a mark in front."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace").encode()
    return raw.removeprefix(codecs.BOM_UTF8)


def _record(element: Any, line: int, offset: int, text: str | None = None) -> Record | Bad:
    text = text if text is not None else encode(element)
    if not is_message(element):
        return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), line, offset)
    data = {"kind": journal.MESSAGE, "message": element}
    return Record(data, text, line, offset)


def _read_broken(raw: bytes, error: str, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """JSONL, or a list that is broken, or neither."""
    start = raw.lstrip()[:1]
    lines = [_value(line) for _, _, line in itertools.islice(read_lines(io.BytesIO(raw)), 3)]
    value = lines[0] if lines else None
    if any(_is_conversation(line) for line in lines):
        yield from _conversation_lines(raw, about)
        return
    if start == b"[":
        yield from _salvage(raw, raw.index(b"[") + 1)
        return
    if start == b"{" and value is None and (opened := _list_in_object(raw)):
        begin, about["meta"] = opened
        yield from _salvage(raw, begin, in_object=True)
        return
    if b"\n" not in raw.strip():
        yield Bad(error, raw, 1, 0, torn=True)
        return
    if value is not None and not is_message(value) and not _LATER_MESSAGE.search(raw):
        about["not_a_run"] = "its lines are no messages"
        return
    for line, offset, text in read_lines(io.BytesIO(raw)):
        try:
            data, clean = decode(text)
        except ValueError as bad:
            yield Bad(str(bad), text, line, offset, torn=not text.endswith(b"\n"))
        else:
            if line == 1 and isinstance(data, dict) and not is_message(data):
                about["meta"] = data  # a first line that describes the run
                yield Record({"kind": "meta"}, clean, line, offset)
            else:
                yield _record(data, line, offset, clean)


def _is_conversation(value: Any) -> bool:
    """Whether the value of a line is not one message but a list of them, or an object with one."""
    if isinstance(value, dict) and is_message(value):
        return False
    return any(is_message(element) for chat in conversations(value) for element in chat.messages)


def _conversation_lines(raw: bytes, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """JSONL with a conversation on each line: the chats of one run, by the number of their line."""
    told: list[dict[str, Any]] = []
    places, first = itertools.count(1), True
    for line, offset, text in read_lines(io.BytesIO(raw)):
        try:
            value, _ = decode(text)
            if not _is_conversation(value):
                raise ValueError("no messages in this line, where others hold a conversation each")
        except ValueError as bad:
            yield Bad(str(bad), text, line, offset, torn=not text.endswith(b"\n"))
            continue
        for chat in conversations(value):
            chat.name = f"{line}/{chat.name}" if chat.name else str(line)
            told += [{"chat": chat.name, **chat.about}] if chat.about else []
            yield from _messages_of(chat, places, first)
            first = False
    if told:
        about["meta"] = {"chats": told}


def _value(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _list_in_object(raw: bytes) -> tuple[int, dict[str, Any]] | None:
    """Where the messages begin in an object that was cut off, and the keys before them."""
    for match in itertools.islice(_LIST.finditer(raw), MAX_LISTS):
        try:
            value, _ = decode(raw[: match.start()].rstrip().removesuffix(b",") + b"}")
        except ValueError:
            continue  # the list of something inside
        return match.end(), value
    return None


def _salvage(raw: bytes, start: int, in_object: bool = False) -> Iterator[Record | Bad]:
    """The messages of a list that is broken somewhere. What can't be read is kept, and reading goes on behind it.

    Args:
        raw: the file.
        start: byte behind the list's bracket.
        in_object: whether keys of an object may follow the list.
    """
    text = raw.decode("utf-8", "surrogateescape")
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    position, place, restarts = len(raw[:start].decode("utf-8", "surrogateescape")), 0, 0
    counted, offset = position, start
    while (position := _skip(text, position)) < len(text):
        place += 1
        offset += len(text[counted:position].encode("utf-8", "surrogateescape"))
        counted = position
        if in_object and text[position] == "]":
            if bad := _behind_list(text[position + 1 :], place):
                bad.offset = offset + 1
                yield bad
            return
        try:
            _, end = decoder.raw_decode(text, position)
            reason = None
        except (ValueError, RecursionError):
            end = _restart(decoder, text, position) if restarts < RESTARTS else len(text)
            restarts += 1
            reason = "the list is broken here" if end < len(text) else "the list breaks off here"
        item = _piece(text[position:end].encode("utf-8", "surrogateescape"), place, reason)
        if isinstance(item, Bad):
            item.offset = offset
        yield item
        position = end
        if text[position:].strip() == "]":
            return


def _behind_list(rest: str, place: int) -> Bad | None:
    """What follows the list in an object, where it is not the object's sound end."""
    piece = rest.encode("utf-8", "surrogateescape")
    try:
        decode(b'{"":0' + piece)
    except ValueError:
        return Bad("the object breaks off here", piece, place, 0, torn=True) if piece.strip() else None
    return None


def _piece(piece: bytes, place: int, reason: str | None) -> Record | Bad:
    if reason is None:
        try:
            value, clean = decode(piece)
            return _record(value, place, 0, clean)
        except ValueError as error:
            reason = str(error)
    return Bad(reason, piece, place, 0, torn=reason.endswith("off here"))


def _restart(decoder: json.JSONDecoder, text: str, position: int) -> int:
    """Where the next message begins behind a place that can't be read; the end of the text if there is none."""
    for match in itertools.islice(_NEXT.finditer(text, position + 1), RESTARTS):
        try:
            if is_message(decoder.raw_decode(text, match.end() - 1)[0]):
                return match.end() - 1
        except (ValueError, RecursionError):
            continue
    return len(text)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n,":
        position += 1
    return position
