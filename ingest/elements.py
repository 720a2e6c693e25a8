"""The records of what stands in the conversations of a file."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from capture import format as journal
from ingest.chat import Chat
from ingest.lines import Bad, Record, encode
from ingest.messages import is_message
from ingest.told import Told

REPEATED = "repeated"
"""Kind of a message of which another list of the file tells as well: it stands in `journal` alone."""


def has_messages(chats: Iterable[Chat]) -> bool:
    """Whether there is any message in these conversations."""
    return any(is_message(element) for chat in chats for element in chat.messages)


def messages_of(chats: list[Chat]) -> Iterator[Record | Bad]:
    """The messages of the conversations of a document."""
    told, places = Told(), itertools.count(1)
    for number, chat in enumerate(chats):
        if len(chats) > 1:
            told.take(chat, chat.name if number else "")
        yield from of_chat(chat, places)


def of_chat(chat: Chat, places: Iterator[int]) -> Iterator[Record | Bad]:
    """The messages of one conversation of several; those that another has told stand in `journal` alone."""
    for number, (element, place) in enumerate(zip(chat.messages, places, strict=False)):
        record = made(element, place, "" if chat.around is None else encode(chat.around[number]))
        if isinstance(record, Record):
            if number in chat.authors:
                record.data["message"] = {**element, "name": chat.authors[number]}
            if number < chat.repeated:
                record.data = {"kind": REPEATED}
            elif chat.goes_on:
                record.data["in_chat"] = chat.goes_on
            if chat.around is not None:
                record.data |= {k: chat.around[number][k] for k in ("sender", "recipient") if k in chat.around[number]}
        yield record


def made(element: Any, place: int, text: str = "") -> Record | Bad:
    """The record of an element of a list, whose text is the element's own where none is given."""
    text = text or encode(element)
    if not is_message(element):
        return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), place, 0)
    return Record({"kind": journal.MESSAGE, "message": element}, text, place, 0)
