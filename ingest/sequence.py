"""Documents one after another: messages of one chat, or conversations, each a chat by the number of its line."""

import itertools
from collections.abc import Iterator
from typing import Any

from capture import format as journal
from ingest.chat_records import handed, has_messages, of_chat
from ingest.conversations import Chat, Told, conversations, find_repeated, holds_message, is_empty
from ingest.documents import Document, documents
from ingest.lines import Bad, Record
from ingest.messages import is_message
from ingest.text import MAX_WHOLE, Text


def read_sequence(raw: Text, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Documents one after another: messages of one chat, or conversations, each a chat by the number of its line."""
    if _is_something_else(raw):
        about["not_a_run"] = "its lines are no messages"
        return
    header: dict[str, Any] = {}
    told: list[dict[str, Any]] = []
    places, chats_told, first = itertools.count(1), Told(), True
    sides: dict[str, tuple[list[Chat], list[dict[str, Any]]]] | None = None
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
        if sides is None:  # messages alone have none, and are decoded once
            sides = _sides(raw)
        chats, beside = sides.pop(label) if label in sides else _conversations_of(label, item)
        told += [{**around, "chat": "/".join(filter(None, (label, around.get("chat"))))} for around in beside]
        if not has_messages(chats):
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
            yield from of_chat(chat, places)
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
        data = {**data, **handed(item.value), "message": item.value["message"]}
    return Record({**data, **({"in_chat": chat} if chat else {})}, item.text, item.line, item.offset)


def _is_something_else(raw: Text) -> bool:
    """Whether documents that begin soundly have no message among them, as the lines of another program's log."""
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Bad):
            if number == 0:
                return False
        elif _is_one_message(item.value) or has_messages(conversations(item.value)[0]):
            return False
    return True
