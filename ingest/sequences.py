"""Documents one after another in a file: messages of one chat, or conversations.

One is held in memory at a time.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from capture import format as journal
from ingest.conversations import conversations, is_empty
from ingest.documents import documents
from ingest.elements import has_messages, of_chat
from ingest.lines import Bad, Record
from ingest.messages import is_message
from ingest.text import Text
from ingest.told import Sides, Told


def read_sequence(raw: Text, about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Documents one after another: messages of one chat, or conversations, each a chat by the number of its line."""
    if _is_something_else(raw):
        about["not_a_run"] = "its lines are no messages"
        return
    header: dict[str, Any] = {}
    told: list[dict[str, Any]] = []
    places, chats_told, sides, first, line, label = itertools.count(1), Told(), Sides(), True, 0, ""
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
            chat.name = f"{label}/{chat.name}" if chat.name else label
            told += [{"chat": chat.name, **chat.about}] if chat.about else []
            if chat.is_sound and sides.take(chat, label) is not None:
                chat.repeated = len(chat.messages)
            chats_told.take(chat, "" if first else chat.name)
            yield from of_chat(chat, places)
            first, bare = False, None
    if header or told:
        about["meta"] = {**header, **({"chats": told} if told else {})}


def _is_something_else(raw: Text) -> bool:
    """Whether documents that begin soundly have no message among them, as the lines of another program's log."""
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Bad):
            if number == 0:
                return False
        elif is_message(item.value) or has_messages(conversations(item.value)[0]):
            return False
    return True
