"""The records of what stands in the conversations of a file."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from capture import format as journal
from ingest.chat import Chat
from ingest.items import as_message, is_reasoning
from ingest.lines import Bad, Record, encode
from ingest.messages import is_message, parse_message
from ingest.told import Told

REPEATED = "repeated"
"""Kind of a message of which another list of the file tells as well: it stands in `journal` alone."""

REASONING = "reasoning"
"""Kind of what a model thought, which is no message: it stands in `journal` alone."""

AROUND = ("sender", "recipient")
"""Keys of an object around a message that say who spoke to whom."""

MAX_NAMES = 1000
"""Tools, their open calls, and speakers of one chat that are remembered."""


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
    elements = Elements()
    for number, (element, place) in enumerate(zip(chat.messages, places, strict=False)):
        around = None if chat.around is None else chat.around[number]
        record = elements.made(element, place, "" if around is None else encode(around), around)
        if isinstance(record, Record) and "message" in record.data:
            if number in chat.authors:
                record.data["message"] = {**record.data["message"], "name": chat.authors[number]}
            if number < chat.repeated:
                record.data = {"kind": REPEATED}
            elif chat.goes_on:
                record.data["in_chat"] = chat.goes_on
        yield record


class Elements:
    """Makes the records of one chat, in order.

    Servers that are compatible with OpenAI's give an answer the name of its tool in place of the id of the call. AG2
    gives it that of the agent who ran the tool: a tool it is where such a one was asked for and nobody of that name has
    spoken.
    """

    def __init__(self) -> None:
        self._tools: set[str] = set()
        self._speakers: set[str] = set()
        self._open: dict[str, str] = {}
        """By id the tools of calls without an answer."""

    def made(self, element: Any, place: int, text: str = "", around: dict[str, Any] | None = None) -> Record | Bad:
        """The record of an element of a list.

        Args:
            element: the element.
            place: its place in the list, from 1, or its line.
            text: its JSON text; where it is empty the element's own.
            around: the object in which it stands, where that says who spoke to whom.
        """
        text = text or encode(element)
        message = as_message(element)
        if message is None:
            if is_reasoning(element):
                return Record({"kind": REASONING}, text, place, 0)
            return Bad("not a message: needs a role or a name, and content or tool calls", text.encode(), place, 0)
        data = {"kind": journal.MESSAGE, "message": self._answered(message)}
        return Record(data | {key: around[key] for key in AROUND if around and key in around}, text, place, 0)

    def _answered(self, message: dict[str, Any]) -> dict[str, Any]:
        """The message, in AG2's shape where it is an answer that has the name of its tool alone."""
        name, role = message.get("name"), message.get("role")
        if message.get("tool_calls") or message.get("function_call"):
            for request in parse_message(message).requests:
                _note(self._tools, request.name)
                if request.call_id and len(self._open) < MAX_NAMES:
                    self._open[request.call_id] = request.name
        elif role == "tool":
            if isinstance(name, str) and self._is_of_tool(name, message):
                call_id = next((call_id for call_id, tool in self._open.items() if tool == name), None)
                answer = {"tool_call_id": call_id, "name": name, "content": message.get("content")}
                message = {key: value for key, value in message.items() if key != "name"} | {"tool_responses": [answer]}
            for response in parse_message(message).responses:
                self._open.pop(response.call_id or "", None)
        elif isinstance(name, str) and role != "function":
            _note(self._speakers, name)
        return message

    def _is_of_tool(self, name: str, answer: dict[str, Any]) -> bool:
        has_calls = answer.get("tool_call_id") is not None or bool(answer.get("tool_responses"))
        return not has_calls and name in self._tools and name not in self._speakers


def _note(names: set[str], name: str) -> None:
    if len(names) < MAX_NAMES:
        names.add(name)
