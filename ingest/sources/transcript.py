"""Saved conversations: `groupchat.messages`, `ChatResult.chat_history` and the like.

Three shapes: a JSON list of messages; an object with such a list under `messages`, `history` or `chat_history`, whose
other keys describe the run; messages one after another, a line each (JSONL) or printed over several lines. Of a
document with several lists (`ingest.conversations`), and of several documents with a conversation each, each is a chat
of the run. A list that was cut off, also one in an object, is read as far as it goes.
"""

import codecs
import itertools
import json
import re
from collections.abc import Iterator
from typing import IO, Any

from capture import format as journal
from ingest.conversations import Chat, conversations, is_empty
from ingest.documents import documents, is_sequence
from ingest.lines import Bad, Record, decode, encode
from ingest.messages import is_message

REPEATED = "repeated"
"""Kind of a message of which another list of the document tells as well: it stands in `journal` alone."""

RESTARTS = 100
"""How often a broken list is taken up again behind what could not be read. It bounds the time."""

PIECE, OVERLAP = 1024 * 1024, 128
"""Bytes that are looked through at a time, and those of the piece before, in which a key may begin."""

MAX_LISTS = 10
"""Places in a broken object at which its messages may begin: each is tried."""

_MESSAGE_KEYS = re.compile(rb'"(?:role|name|content|tool_calls|messages|history|chat_history)"\s*:')
_TEXT = re.compile(rb"\s*[\[{]")
_JSON = re.compile(rb'\s*(?:\{\s*"|\[[\s\[]*(?:\{\s*"|"))')
_SAID = re.compile(rb'"(?:content|tool_calls|function_call|tool_responses)"\s*:')
_SPEAKER = re.compile(rb'"(?:role|name)"\s*:')
_LIST = re.compile(rb'"(?:messages|history|chat_history)"\s*:\s*\[')
_NEXT = re.compile(r"\},?\s*\{")


def recognise(head: bytes) -> bool:
    """JSON in which a key that messages have stands near the beginning. The rest shows when it is read."""
    head = _utf_8(head)
    return _TEXT.match(head) is not None and _MESSAGE_KEYS.search(head) is not None


def look_on(head: bytes, file: IO[bytes]) -> bool:
    """Whether a file that begins like JSON has the keys of a message further on, behind long values of other keys.

    Args:
        head: its beginning.
        file: the rest. It is read up to the keys, or to its end.
    """
    if _JSON.match(_utf_8(head)) is None:
        return False
    is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16")("replace") if is_wide else None
    missing, before, piece = [_SAID, _SPEAKER], b"", head
    while piece and missing:
        text = before + (decoder.decode(piece).encode("utf-8", "replace") if decoder else piece)
        missing = [pattern for pattern in missing if pattern.search(text) is None]
        before, piece = text[-OVERLAP:], file.read(PIECE)
    return not missing


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
    chats, beside = conversations(value)
    if not _has_messages(chats):
        about["not_a_run"] = "no list of messages in it"
        return
    about["meta"] = _about(chats, beside)
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


def _has_messages(chats: list[Chat]) -> bool:
    return any(is_message(element) for chat in chats for element in chat.messages)


def _about(chats: list[Chat], beside: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands beside the messages of one document."""
    if len(chats) == 1:
        return chats[0].about
    common = next((about for about in beside if "chat" not in about), {})
    told = [about for about in beside if about is not common]
    told += [{"chat": chat.name, **chat.about} for chat in chats if chat.about]
    return {**common, **({"chats": told} if told else {})}


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
    """Several documents, or a list that is broken, or neither."""
    start = raw.lstrip()[:1]
    if is_sequence(raw):
        yield from _read_sequence(raw, about)
    elif start == b"[":
        yield from _salvage(raw, raw.index(b"[") + 1)
    elif start == b"{" and (opened := _list_in_object(raw)):
        begin, about["meta"] = opened
        yield from _salvage(raw, begin, in_object=True)
    elif b"\n" not in raw.strip():
        yield from Bad(error, raw, 1, 0, torn=True).pieces()
    else:
        yield from _read_sequence(raw, about)


def _read_sequence(raw: bytes, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Documents one after another: messages of one chat, or conversations, each a chat by the number of its line."""
    if _is_something_else(raw):
        about["not_a_run"] = "its lines are no messages"
        return
    header: dict[str, Any] = {}
    told: list[dict[str, Any]] = []
    places, first, line, label = itertools.count(1), True, 0, ""
    bare: str | None = None
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Bad):
            yield from item.pieces()
            continue
        label = str(item.line) if item.line > line else f"{item.line}.{number + 1}"  # two documents in a line
        line = item.line
        if is_message(item.value):
            bare = bare if bare is not None else "" if first else label
            data = {"kind": journal.MESSAGE, "message": item.value, **({"in_chat": bare} if bare else {})}
            yield Record(data, item.text, item.line, item.offset)
            first = False
            continue
        chats, beside = conversations(item.value)
        told += [{**around, "chat": "/".join(filter(None, (label, around.get("chat"))))} for around in beside]
        if not _has_messages(chats):
            is_header = number == 0 and isinstance(item.value, dict)
            if is_empty(item.value):
                around = {key: value for key, value in item.value.items() if value not in ([], None)}
                told += [{"chat": label, **around}] if around else []
            elif is_header:
                header = item.value  # it describes the run
            else:
                yield Bad("neither a message nor a conversation", raw[item.offset : item.end], item.line, item.offset)
                continue
            yield Record({"kind": "meta"}, item.text, item.line, item.offset)
            continue
        for chat in chats:
            chat.name = f"{label}/{chat.name}" if chat.name else label
            told += [{"chat": chat.name, **chat.about}] if chat.about else []
            yield from _messages_of(chat, places, first)
            first, bare = False, None
    if header or told:
        about["meta"] = {**header, **({"chats": told} if told else {})}


def _is_something_else(raw: bytes) -> bool:
    """Whether documents that begin soundly have no message among them, as the lines of another program's log."""
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Bad):
            if number == 0:
                return False
        elif is_message(item.value) or _has_messages(conversations(item.value)[0]):
            return False
    return True


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
