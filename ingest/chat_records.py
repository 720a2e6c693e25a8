"""The records of conversations that stand in a document: their messages, each with what is said around it."""

import itertools
from collections.abc import Iterator
from typing import Any

from capture import format as journal
from ingest.conversations import Chat, Told
from ingest.lines import Bad, Record, encode
from ingest.messages import is_message

REPEATED = "repeated"
"""Kind of a message of which another list of the document tells as well: it stands in `journal` alone."""


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
                record.data |= handed(chat.around[number])
        yield record


def has_messages(chats: list[Chat]) -> bool:
    return any(is_message(element) for chat in chats for element in chat.messages)


def about_chats(chats: list[Chat], beside: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands beside the messages of one document."""
    if len(chats) == 1:
        return chats[0].about
    common = next((about for about in beside if "chat" not in about), {})
    told = [about for about in beside if about is not common]
    told += [{"chat": chat.name, **chat.about} for chat in chats if chat.about]
    return {**common, **({"chats": told} if told else {})}


def made(element: Any, place: int, text: str = "") -> Record | Bad:
    """The record of an element of a list, whose text is the element's own where none is given."""
    text = text or encode(element)
    if not is_message(element):
        return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), place, 0)
    return Record({"kind": journal.MESSAGE, "message": element}, text, place, 0)


def handed(around: dict[str, Any]) -> dict[str, Any]:
    """Who handed a message to whom, as the object around it says."""
    return {key: around[key] for key in ("sender", "recipient") if key in around}
