"""Conversations in a JSON document: one list of messages, or several below each other.

AG2 users save `ChatResult.chat_history`, an agent's `chat_messages` (a list for each partner), those of several agents
(each chat then stands there twice, as either side had it), or the results of `initiate_chats`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.messages import is_message, parse_message

LISTS = ("messages", "history", "chat_history")
"""Keys under which an object holds its messages: the first that has any."""

DEEP = 3
"""Objects and lists around a list of messages, at most, where that is not found at once."""

MAX_CHATS = 1000
"""Conversations in one document: of more it is no record of a run."""

_OTHER_SIDE = {"user": "assistant", "assistant": "user"}


@dataclass(slots=True)
class Chat:
    """A list of messages.

    Attributes:
        name: the keys and places that lead to it; '' where the document is this list.
        about: what stands beside it.
        repeats: whether another chat of the document has the same messages, as the other side had them.
    """

    name: str
    messages: list[Any]
    about: dict[str, Any] = field(default_factory=dict)
    repeats: bool = False


def conversations(value: Any) -> list[Chat]:
    """The conversations in a JSON value, in order; none where it is something else."""
    if isinstance(value, list) and any(is_message(element) for element in value):
        return [Chat("", value)]
    if isinstance(value, dict):
        if (chat := _listed(value)) is not None:
            return [chat]
        if is_message(value):
            return [Chat("", [value])]
    chats: list[Chat] = []
    alike: defaultdict[tuple[bytes, ...], list[Chat]] = defaultdict(list)
    for chat in _below(value, "", DEEP):
        if len(chats) == MAX_CHATS:
            return []
        others = alike[tuple(parse_message(message).key(False) for message in chat.messages)]
        chat.repeats = any(_is_other_side(chat.messages, other.messages) for other in others)
        others.append(chat)
        chats.append(chat)
    return chats


def _listed(value: dict[str, Any]) -> Chat | None:
    """The list under one of the usual keys, and what stands beside it."""
    lists = [key for key in LISTS if isinstance(value.get(key), list)]
    for key in [key for key in lists if any(is_message(element) for element in value[key])] or lists:
        return Chat("", value[key], {k: v for k, v in value.items() if k != key})
    return None


def _below(value: Any, name: str, deep: int) -> Iterator[Chat]:
    """Lists of nothing but messages in an object or a list."""
    if isinstance(value, list) and value and all(is_message(element) for element in value):
        yield Chat(name, value)
        return
    if isinstance(value, dict) and (chat := _listed(value)) is not None:
        chat.name = name
        if chat.messages and all(is_message(element) for element in chat.messages):
            yield chat
        return
    if not deep or not isinstance(value, dict | list):
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _below(inner, f"{name}/{key}" if name else str(key), deep - 1)


def _is_other_side(messages: list[Any], others: list[Any]) -> bool:
    """Whether two lists of the same words are one chat as its two sides had it, or as two members of a group had it.

    One message that was sent to two agents is two chats, unless the roles show the two sides.
    """
    roles, theirs = ([m.get("role") for m in side] for side in (messages, others))
    return len(messages) > 1 or (roles != theirs and roles == [_OTHER_SIDE.get(role, role) for role in theirs])
