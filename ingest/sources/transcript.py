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

from ingest.chat_records import about_chats, has_messages, made, messages_of
from ingest.conversations import LISTS, MAX_CHATS, Chat, are_too_many, conversations, find_begun
from ingest.cut_off import sound_part
from ingest.documents import is_sequence, unread, value_end
from ingest.lines import Bad, Record, decode
from ingest.lists import salvaged
from ingest.messages import is_message
from ingest.scratch import alone
from ingest.sequence import read_sequence
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
    if not has_messages(chats):
        too_many = f"more than {MAX_CHATS:,} conversations in one document, so no record of a run"
        about["not_a_run"] = too_many if are_too_many(value) else "no list of messages in it"
        return
    about["meta"] = about_chats(chats, beside)
    if len(chats) == 1 and chats[0].around is None and not chats[0].is_sound:
        pieces = list(_in_pieces(raw))  # which tells where in the file the others stand
        if len(pieces) == len(chats[0].messages):
            yield from pieces
            return
    yield from messages_of(chats)


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
        yield from salvaged(raw, outline.begin, made, outline.in_object)
        return
    decoded = (decode(raw[begin:end])[0] for begin, end in elements(raw, outline.begin))
    for place, element in enumerate(itertools.chain(decoded, outline.answer), 1):
        yield made(element, place)


def _in_pieces(raw: Text) -> Iterator[Record | Bad]:
    """A sound list with something in it that is no message."""
    start = behind(SPACE, raw, 0)
    if raw[start : start + 1] == b"[":
        return salvaged(raw, start + 1, made)
    opened = _list_in_object(raw)
    return salvaged(raw, opened[0], made, in_object=True) if opened else iter(())


def _read_broken(raw: Text, error: str, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Several documents, or a list that is broken, or neither."""
    start = behind(SPACE, raw, 0)
    line_end = find(raw, b"\n", start)
    if is_sequence(raw):
        yield from read_sequence(raw, about)
    elif (cut := _cut_off(raw)) is not None:
        yield from _read_cut_off(raw, *cut, about)
    elif raw[start : start + 1] == b"[":
        yield from salvaged(raw, start + 1, made)
    elif raw[start : start + 1] == b"{" and (opened := _list_in_object(raw)):
        begin, about["meta"] = opened
        yield from salvaged(raw, begin, made, in_object=True)
    elif line_end < 0 or behind(SPACE, raw, line_end) == len(raw):
        yield from unread(error, raw, 0, len(raw), 1, torn=True).pieces()
    else:
        yield from read_sequence(raw, about)


def _cut_off(raw: Text) -> tuple[list[Chat], list[dict[str, Any]], int] | None:
    """The conversations in a document that breaks off, what stands beside them, and the byte behind what was read; None
    where it has none, or a list that is read by itself."""
    if len(raw) > MAX_WHOLE or (part := sound_part(raw[:])) is None:
        return None
    chats, beside = conversations(part.value)
    if not has_messages(chats) or not any(chat.path for chat in chats):
        return None
    end = part.end
    for chat in chats:
        # the message that breaks off, of which more may be said than stands here
        if chat.messages and (begin := part.open.get(id(chat.messages[-1]))) is not None:
            chat.messages = chat.messages[:-1]
            end = min(end, begin)
    chats = [chat for chat in chats if chat.messages]
    if len(chats) > 1:
        find_begun(chats)
    return chats, beside, end


def _read_cut_off(
    raw: Text, chats: list[Chat], beside: list[dict[str, Any]], end: int, about: dict[str, Any]
) -> Iterator[Record | Bad]:
    about["meta"] = about_chats(chats, beside)
    yield from messages_of(chats)
    place = 1 + sum(len(chat.messages) for chat in chats)
    yield unread("the document breaks off here", raw, end, len(raw), place, torn=True)


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
