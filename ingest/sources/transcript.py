"""Saved conversations: `groupchat.messages`, `ChatResult.chat_history` and the like.

Three shapes: a JSON list of messages; an object with such a list under `messages`, `history` or `chat_history`, whose
other keys describe the run; messages one after another, a line each (JSONL) or printed over several lines. Of a
document with several lists (`ingest.conversations`), and of several documents with a conversation each, each is a chat
of the run. A list that was cut off, also one in an object, is read as far as it goes.

Of a long file a message at a time is held in memory, save where a document has several conversations.
"""

import codecs
import contextlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from capture import format as journal
from ingest.conversations import LISTS, Chat, Told, conversations, find_repeated, holds_message, is_empty
from ingest.cut_off import sound_part
from ingest.documents import Document, documents, is_sequence, unread, value_end
from ingest.lines import Bad, Record, decode, encode
from ingest.lists import salvaged
from ingest.messages import is_message
from ingest.scratch import alone
from ingest.text import (
    MAX_WHOLE,
    SPACE,
    Text,
    TooLargeError,
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

PIECE, OVERLAP = 1024 * 1024, 128
"""Bytes that are looked through at a time, and those of the piece before, in which a key may begin."""

MAX_LISTS = 10
"""Places in a broken object at which its messages may begin: each is tried."""

_MESSAGE_KEYS = re.compile(
    rb'"(?:role|name|content|tool_calls|messages|history|chat_history)"\s*:|"columns"\s*:\s*\[[^\]]*"content"'
)
_TEXT = re.compile(rb"\s*[\[{]")
_JSON = re.compile(rb'\s*(?:\{\s*"|\[[\s\[]*(?:\{\s*"|"))')
_SAID = re.compile(rb'"(?:content|tool_calls|function_call|tool_responses)"\s*:')
_SPEAKER = re.compile(rb'"(?:role|name)"\s*:')
_LIST = re.compile(rb'"(?:messages|history|chat_history)"\s*:\s*\[')


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
    if len(chats) == 1 and chats[0].around is None and not chats[0].is_sound:
        pieces = list(_in_pieces(raw))  # which tells where in the file the others stand
        if len(pieces) == len(chats[0].messages):
            yield from pieces
            return
    yield from _messages_of(chats)


def _read_long(raw: Text, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """The same of a text that is not held in memory, as long as it is one list of messages or is read in pieces."""
    start = behind(SPACE, raw, 0)
    end, is_closed = value_end(raw, start, len(raw)) if raw[start : start + 1] in (b"[", b"{") else (start, False)
    if not is_closed or behind(SPACE, raw, end) < len(raw):  # not one document
        with alone() if len(raw) <= MAX_WHOLE else contextlib.nullcontext():
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
    is_said = is_message(last)
    chats, _ = conversations({**about, LISTS[0]: [last if is_said else {"role": "", "content": ""}]})
    if len(chats) != 1:
        return None
    answer = chats[0].messages[1:] if is_said else []
    return _Outline(begin, in_object, chats[0].about, answer, messages < count)


def _read_list(raw: Text, outline: _Outline, about: dict[str, Any]) -> Iterator[Record | Bad]:
    about["meta"] = outline.about
    if outline.has_others and not outline.answer:
        # which tells where in the file the others stand
        yield from salvaged(raw, outline.begin, _made, outline.in_object)
        return
    decoded = (decode(raw[begin:end])[0] for begin, end in elements(raw, outline.begin))
    for place, element in enumerate(itertools.chain(decoded, outline.answer), 1):
        yield _made(element, place)


def _messages_of(chats: list[Chat]) -> Iterator[Record | Bad]:
    """The messages of the conversations of a document."""
    told, places = Told(), itertools.count(1)
    for number, chat in enumerate(chats):
        if len(chats) > 1:
            told.take(chat, chat.name if number else "")
        yield from _of_chat(chat, places)


def _of_chat(chat: Chat, places: Iterator[int]) -> Iterator[Record | Bad]:
    """The messages of one conversation of several; those that another has told stand in `journal` alone."""
    for number, (element, place) in enumerate(zip(chat.messages, places, strict=False)):
        record = _made(element, place, "" if chat.around is None else encode(chat.around[number]))
        if isinstance(record, Record):
            if number in chat.authors:
                record.data["message"] = {**element, "name": chat.authors[number]}
            if number < chat.repeated:
                record.data = {"kind": REPEATED}
            elif chat.goes_on:
                record.data["in_chat"] = chat.goes_on
            if chat.around is not None:
                record.data |= _handed(chat.around[number])
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
        return salvaged(raw, start + 1, _made)
    opened = _list_in_object(raw)
    return salvaged(raw, opened[0], _made, in_object=True) if opened else iter(())


def _made(element: Any, place: int, text: str = "") -> Record | Bad:
    """The record of an element of a list, whose text is the element's own where none is given."""
    text = text or encode(element)
    if not is_message(element):
        return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), place, 0)
    return Record({"kind": journal.MESSAGE, "message": element}, text, place, 0)


def _read_broken(raw: Text, error: str, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Several documents, or a list that is broken, or neither."""
    start = behind(SPACE, raw, 0)
    line_end = find(raw, b"\n", start)
    if is_sequence(raw):
        yield from _read_sequence(raw, about)
    elif (cut := _cut_off(raw)) is not None:
        yield from _read_cut_off(raw, *cut, about)
    elif raw[start : start + 1] == b"[":
        yield from salvaged(raw, start + 1, _made)
    elif raw[start : start + 1] == b"{" and (opened := _list_in_object(raw)):
        begin, about["meta"] = opened
        yield from salvaged(raw, begin, _made, in_object=True)
    elif line_end < 0 or behind(SPACE, raw, line_end) == len(raw):
        yield from unread(error, raw, 0, len(raw), 1, torn=True).pieces()
    else:
        yield from _read_sequence(raw, about)


def _cut_off(raw: Text) -> tuple[list[Chat], list[dict[str, Any]], int] | None:
    """The conversations in a document that breaks off, what stands beside them, and the byte behind what was read; None
    where it has none, or a list that is read by itself."""
    if len(raw) > MAX_WHOLE or (part := sound_part(raw[:])) is None:
        return None
    chats, beside = conversations(part.value)
    if not _has_messages(chats) or not any(chat.path for chat in chats):
        return None
    end = part.end
    for chat in chats:
        # the message that breaks off, of which more may be said than stands here
        if chat.messages and (begin := part.open.get(id(chat.messages[-1]))) is not None:
            chat.messages = chat.messages[:-1]
            end = min(end, begin)
    return [chat for chat in chats if chat.messages], beside, end


def _read_cut_off(
    raw: Text, chats: list[Chat], beside: list[dict[str, Any]], end: int, about: dict[str, Any]
) -> Iterator[Record | Bad]:
    about["meta"] = _about(chats, beside)
    yield from _messages_of(chats)
    place = 1 + sum(len(chat.messages) for chat in chats)
    yield unread("the document breaks off here", raw, end, len(raw), place, torn=True)


def _read_sequence(raw: Text, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Documents one after another: messages of one chat, or conversations, each a chat by the number of its line."""
    if _is_something_else(raw):
        about["not_a_run"] = "its lines are no messages"
        return
    header: dict[str, Any] = {}
    told: list[dict[str, Any]] = []
    places, chats_told, first, sides = itertools.count(1), Told(), True, _sides(raw)
    bare: str | None = None
    for number, (label, item) in enumerate(_labelled(raw)):
        if isinstance(item, Bad):
            yield from item.pieces()
            continue
        if _is_one_message(item.value):
            bare = bare if bare is not None else "" if first else label
            yield _bare(item, bare)
            first = False
            continue
        chats, beside = sides.pop(label) if label in sides else _conversations_of(label, item)
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
            told += [{"chat": chat.name, **chat.about}] if chat.about else []
            chats_told.take(chat, "" if first else chat.name)
            yield from _of_chat(chat, places)
            first, bare = False, None
    if header or told:
        about["meta"] = {**header, **({"chats": told} if told else {})}


def _labelled(raw: Text) -> Iterator[tuple[str, Document | Bad]]:
    """Documents one after another, each with the number of its line; of two in a line the second's has its own, too."""
    line = 0
    for number, item in enumerate(documents(raw), 1):
        if isinstance(item, Bad):
            yield "", item
            continue
        yield str(item.line) if item.line > line else f"{item.line}.{number}", item
        line = item.line


def _conversations_of(label: str, item: Document) -> tuple[list[Chat], list[dict[str, Any]]]:
    """The conversations of one of several documents, and what stands beside them."""
    chats, beside = conversations(item.value)
    for chat in chats:
        chat.name, chat.path = f"{label}/{chat.name}" if chat.name else label, (label, *chat.path)
    return chats, beside


def _sides(raw: Text) -> dict[str, tuple[list[Chat], list[dict[str, Any]]]]:
    """The conversations of documents by label, where what each agent keeps stands in one of its own: each chat is there
    twice then, as either side had it. Of a file that is too long to be held in memory that is not found out."""
    if len(raw) > MAX_WHOLE:
        return {}
    found = {
        label: _conversations_of(label, item)
        for label, item in _labelled(raw)
        if isinstance(item, Document) and not _is_one_message(item.value)
    }
    find_repeated([chat for chats, _ in found.values() for chat in chats])
    return found


def _is_one_message(value: Any) -> bool:
    """Whether a document is a message, or an object around one."""
    return is_message(value) or holds_message(value)


def _bare(item: Document, chat: str) -> Record:
    """The record of a document that is one message."""
    data: dict[str, Any] = {"kind": journal.MESSAGE, "message": item.value}
    if holds_message(item.value):
        data = {**data, **_handed(item.value), "message": item.value["message"]}
    return Record({**data, **({"in_chat": chat} if chat else {})}, item.text, item.line, item.offset)


def _handed(around: dict[str, Any]) -> dict[str, Any]:
    """Who handed a message to whom, as the object around it says."""
    return {key: around[key] for key in ("sender", "recipient") if key in around}


def _is_something_else(raw: Text) -> bool:
    """Whether documents that begin soundly have no message among them, as the lines of another program's log."""
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Bad):
            if number == 0:
                return False
        elif _is_one_message(item.value) or _has_messages(conversations(item.value)[0]):
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
