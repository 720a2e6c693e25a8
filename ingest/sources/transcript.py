"""Saved conversations: `groupchat.messages`, `ChatResult.chat_history` and the like.

Three shapes: a JSON list of messages; an object with such a list under `messages`, `history` or `chat_history`, whose
other keys describe the run; messages one after another, a line each (JSONL) or printed over several lines. Of a
document with several lists (`ingest.conversations`), and of several documents with a conversation each, each is a chat
of the run. A list that was cut off, also one in an object, is read as far as it goes.

Of a long file a message at a time is held in memory, save where a document has several conversations.
"""

import codecs
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from capture import format as journal
from ingest.conversations import LISTS, Chat, conversations, is_empty
from ingest.documents import documents, is_sequence, unread, value_end
from ingest.lines import Bad, Record, decode, encode
from ingest.messages import is_message
from ingest.scratch import alone
from ingest.text import (
    LIST_END,
    MAX_WHOLE,
    SPACE,
    Text,
    TooLargeError,
    Values,
    behind,
    elements,
    find,
    is_wide,
    matches,
    text_of,
    utf_8,
)

REPEATED = "repeated"
"""Kind of a message of which another list of the document tells as well: it stands in `journal` alone."""

BREAKS_OFF = "the list breaks off here"

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
_NEXT = re.compile(rb"\},?\s*\{")
_BETWEEN = re.compile(rb"[ \t\r\n,]*")


def recognise(head: bytes) -> bool:
    """JSON in which a key that messages have stands near the beginning. The rest shows when it is read."""
    head = utf_8(head)
    return _TEXT.match(head) is not None and _MESSAGE_KEYS.search(head) is not None


def look_on(head: bytes, file: IO[bytes]) -> bool:
    """Whether a file that begins like JSON has the keys of a message further on, behind long values of other keys.

    Args:
        head: its beginning.
        file: the rest. It is read up to the keys, or to its end.
    """
    if _JSON.match(utf_8(head)) is None:
        return False
    decoder = codecs.getincrementaldecoder("utf-16")("replace") if is_wide(head) else None
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
    try:
        with text_of(file) as raw:
            yield from _read_whole(raw, about) if isinstance(raw, bytes) else _read_long(raw, about)
    except TooLargeError as error:
        about["not_a_run"], about["damaged"] = str(error), True


def _read_whole(raw: bytes, about: dict[str, Any]) -> Iterator[Record | Bad]:
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


def _read_long(raw: Text, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """The same of a text that is not held in memory, as long as it is one list of messages or is read in pieces."""
    start = behind(SPACE, raw, 0)
    end, is_closed = value_end(raw, start, len(raw)) if raw[start : start + 1] in (b"[", b"{") else (start, False)
    if not is_closed or behind(SPACE, raw, end) < len(raw):  # not one document
        yield from _read_broken(raw, "not JSON", about)
        return
    try:
        outline = _outline(raw, start)
    except ValueError as error:
        yield from _read_broken(raw, str(error), about)
        return
    if outline is not None:
        yield from _read_list(raw, outline, about)
    elif len(raw) <= MAX_WHOLE:
        with alone():
            yield from _read_whole(raw[:], about)
    else:
        raise TooLargeError(
            f"{len(raw):,} bytes; what is not one list of messages is held in memory, and at most {MAX_WHOLE:,} are"
        )


@dataclass(slots=True)
class _Outline:
    """A sound list of messages in a text.

    Attributes:
        begin: the byte behind its bracket.
        in_object: whether it stands in an object.
        about: what stands beside it there.
        answer: the messages beside it that belong to it.
        has_others: whether anything in it is no message.
    """

    begin: int
    in_object: bool
    about: dict[str, Any]
    answer: list[Any]
    has_others: bool


def _outline(raw: Text, start: int) -> _Outline | None:
    """What is in a document that is a list of messages or has one beside other keys; None where it is another.

    Raises:
        ValueError: it is no JSON.
    """
    opened = (start + 1, {}) if raw[start : start + 1] == b"[" else _list_in_object(raw)
    if opened is None:
        return None
    begin, about = opened
    in_object = raw[start : start + 1] == b"{"
    count, messages, last, end = 0, 0, None, begin
    for element, end in elements(raw, begin):
        last, _ = decode(raw[element:end])
        count, messages = count + 1, messages + is_message(last)
    if not messages:
        return None
    if in_object:
        rest = behind(SPACE, raw, end) + 1
        if len(raw) - rest > MAX_WHOLE:
            return None
        after, _ = decode(b"{" + raw[rest:].lstrip().removeprefix(b","))
        about = {**about, **after}
    if any(about.get(key) is not None for key in LISTS):
        return None
    (chat,), _ = conversations({**about, LISTS[0]: [last]})
    return _Outline(begin, in_object, chat.about, chat.messages[1:], messages < count)


def _read_list(raw: Text, outline: _Outline, about: dict[str, Any]) -> Iterator[Record | Bad]:
    about["meta"] = outline.about
    if outline.has_others and not outline.answer:
        yield from _salvage(raw, outline.begin, outline.in_object)  # which tells where in the file the others stand
        return
    decoded = (decode(raw[begin:end])[0] for begin, end in elements(raw, outline.begin))
    for place, element in enumerate(itertools.chain(decoded, outline.answer), 1):
        yield _record(element, place, 0)


def _messages_of(chat: Chat, places: Iterator[int], first: bool) -> Iterator[Record | Bad]:
    """The messages of one conversation of several; where nothing else tells of them they are in no chat of a name."""
    for number, (element, place) in enumerate(zip(chat.messages, places, strict=False)):
        record = _record(element, place, 0)
        if isinstance(record, Record) and number in chat.authors:
            record.data["message"] = {**element, "name": chat.authors[number]}
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


def _in_pieces(raw: Text) -> Iterator[Record | Bad]:
    """A sound list with something in it that is no message."""
    start = behind(SPACE, raw, 0)
    if raw[start : start + 1] == b"[":
        return _salvage(raw, start + 1)
    opened = _list_in_object(raw)
    return _salvage(raw, opened[0], in_object=True) if opened else iter(())


def _record(element: Any, line: int, offset: int, text: str | None = None) -> Record | Bad:
    text = text if text is not None else encode(element)
    if not is_message(element):
        return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), line, offset)
    data = {"kind": journal.MESSAGE, "message": element}
    return Record(data, text, line, offset)


def _read_broken(raw: Text, error: str, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Several documents, or a list that is broken, or neither."""
    start = behind(SPACE, raw, 0)
    line_end = find(raw, b"\n", start)
    if is_sequence(raw):
        yield from _read_sequence(raw, about)
    elif raw[start : start + 1] == b"[":
        yield from _salvage(raw, start + 1)
    elif raw[start : start + 1] == b"{" and (opened := _list_in_object(raw)):
        begin, about["meta"] = opened
        yield from _salvage(raw, begin, in_object=True)
    elif line_end < 0 or behind(SPACE, raw, line_end) == len(raw):
        yield from unread(error, raw, 0, len(raw), 1, torn=True).pieces()
    else:
        yield from _read_sequence(raw, about)


def _read_sequence(raw: Text, about: dict[str, Any]) -> Iterator[Record | Bad]:
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


def _is_something_else(raw: Text) -> bool:
    """Whether documents that begin soundly have no message among them, as the lines of another program's log."""
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Bad):
            if number == 0:
                return False
        elif is_message(item.value) or _has_messages(conversations(item.value)[0]):
            return False
    return True


def _list_in_object(raw: Text) -> tuple[int, dict[str, Any]] | None:
    """Where the messages begin in an object that may be cut off, and the keys before them."""
    for match in itertools.islice(matches(_LIST, raw, 0), MAX_LISTS):
        if match.start() > MAX_WHOLE:
            break
        try:
            value, _ = decode(raw[: match.start()].rstrip().removesuffix(b",") + b"}")
        except ValueError:
            continue  # the list of something inside
        return match.end(), value
    return None


def _salvage(raw: Text, start: int, in_object: bool = False) -> Iterator[Record | Bad]:
    """The messages of a list that is broken somewhere. What can't be read is kept, and reading goes on behind it.

    Args:
        raw: the file.
        start: byte behind the list's bracket.
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
            end = _restart(values, raw, offset) if restarts < RESTARTS else len(raw)
            restarts += 1
            reason = "the list is broken here" if end < len(raw) else BREAKS_OFF
        yield _piece(raw, offset, end, place, reason)
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


def _piece(raw: Text, offset: int, end: int, place: int, reason: str | None) -> Record | Bad:
    if reason is None:
        try:
            value, clean = decode(raw[offset:end])
            item = _record(value, place, 0, clean)
        except ValueError as error:
            reason = str(error)
        else:
            if isinstance(item, Bad):
                item.offset = offset
            return item
    return unread(reason, raw, offset, end, place, torn=reason.endswith("off here"))


def _restart(values: Values, raw: Text, offset: int) -> int:
    """Where the next message begins behind a place that can't be read; the end of the text if there is none."""
    for match in itertools.islice(matches(_NEXT, raw, offset + 1), RESTARTS):
        begin = match.end() - 1
        if (end := values.end(begin)) is not None and _is_message_between(raw, begin, end):
            return begin
    return len(raw)


def _is_message_between(raw: Text, begin: int, end: int) -> bool:
    try:
        return is_message(json.loads(raw[begin:end].decode("utf-8", "surrogateescape")))
    except (ValueError, RecursionError):
        return False
