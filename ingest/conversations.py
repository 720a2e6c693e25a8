"""Conversations in a JSON document: one list of messages, or several below each other.

AG2 users save `ChatResult.chat_history`, an agent's `chat_messages` (a list for each partner), those of several agents
(each chat then stands there twice, as either side had it), or the results of `initiate_chats`.
"""

from collections import defaultdict
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
        about: what stands beside it, and beside the objects around it that hold no other.
        repeats: whether another chat of the document has the same messages, as the other side had them.
        authors: by place the names of authors that these messages lack and a list that repeats them tells.
        path: the keys and places that lead to it within its document, one by one.
    """

    name: str
    messages: list[Any]
    about: dict[str, Any] = field(default_factory=dict)
    repeats: bool = False
    path: tuple[str, ...] = ()
    authors: dict[int, str] = field(default_factory=dict)


def conversations(value: Any) -> tuple[list[Chat], list[dict[str, Any]]]:
    """The conversations in a JSON value, in order; none where it is something else.

    Returns:
        The conversations, and what stands beside several of them: the keys of an object around them, with `chat`,
        the name of that object, where it is not the value itself.
    """
    if isinstance(value, list) and any(is_message(element) for element in value):
        return [Chat("", value)], []
    if isinstance(value, dict):
        if (chat := _listed(value)) is not None:
            return [chat], []
        if is_message(value):
            return [Chat("", [value])], []
    search = _Search()
    search.look(value, (), DEEP)
    if len(search.chats) > MAX_CHATS:
        return [], []
    alike: defaultdict[tuple[int, ...], list[Chat]] = defaultdict(list)
    for chat in search.chats:
        others = alike[tuple(map(_key, _in_order(chat.messages)))]
        same = next((other for other in others if _are_one(chat, other)), None)
        if same is not None:
            chat.repeats = True
            same.authors |= _authors(same, chat)
        others.append(chat)
    return search.chats, search.beside


def is_empty(value: Any) -> bool:
    """Whether it is an object for a conversation in which nobody said anything."""
    return isinstance(value, dict) and any(key in value and value[key] in ([], None) for key in LISTS)


def _listed(value: dict[str, Any]) -> Chat | None:
    """The list under one of the usual keys, and what stands beside it."""
    lists = [key for key in LISTS if isinstance(value.get(key), list)]
    for key in [key for key in lists if any(is_message(element) for element in value[key])] or lists:
        about = {k: v for k, v in value.items() if k != key}
        return Chat("", [*value[key], *_answer(about, value[key])], about)
    return None


def _answer(beside: dict[str, Any], messages: list[Any]) -> list[Any]:
    """The message in a response of OpenAI's API that stands beside its request, where that has it not yet."""
    response = beside.get("response")
    if isinstance(response, dict) and isinstance(response.get("body"), dict):
        response = response["body"]
    choices = response.get("choices") if isinstance(response, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not is_message(message) or not messages or not is_message(messages[-1]) or messages[-1] == message:
        return []
    return [message]


class _Search:
    """Finds lists of nothing but messages, and what stands beside them, in a JSON value."""

    def __init__(self) -> None:
        self.chats: list[Chat] = []
        self.beside: list[dict[str, Any]] = []

    def look(self, value: Any, path: tuple[str, ...], deep: int) -> None:
        """Look into a value: where it stands, and how deep."""
        if isinstance(value, list) and value and all(is_message(element) for element in value):
            self.chats.append(Chat("/".join(path), value, path=path))
            return
        if isinstance(value, dict) and (chat := _listed(value)) is not None:
            chat.name, chat.path = "/".join(path), path
            if chat.messages and all(is_message(element) for element in chat.messages):
                self.chats.append(chat)
            return
        if not deep or not isinstance(value, dict | list):
            return
        first, holding = len(self.chats), set()
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            before = len(self.chats)
            self.look(inner, (*path, str(key)), deep - 1)
            if len(self.chats) > before:
                holding.add(key)
            if len(self.chats) > MAX_CHATS:
                return
        if holding and len(holding) < len(value):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            beside = {str(key): inner for key, inner in items if key not in holding}
            self._tell(beside, "/".join(path), self.chats[first:])

    def _tell(self, beside: dict[str, Any], name: str, chats: list[Chat]) -> None:
        """Keep what stands beside these conversations; of one key at two levels the outer one goes to `beside`."""
        if len(chats) > 1:
            self.beside.append({"chat": name, **beside} if name else beside)
            return
        (chat,) = chats
        chat.messages = [*chat.messages, *_answer(beside, chat.messages)]
        hidden = {key: inner for key, inner in beside.items() if key in chat.about}
        if hidden and "beside" in chat.about:
            hidden.setdefault("beside", chat.about["beside"])
        chat.about = {**beside, **chat.about, **({"beside": hidden} if hidden else {})}


def _are_one(chat: Chat, other: Chat) -> bool:
    """Whether two lists of the same words are one chat as its two sides had it, or as two members of a group had it.

    What one side said as `assistant` the other has as `user`. Members of a group who only listened have the same roles,
    each in a list of its own that is named after the same partner. All else is two chats: the same words said to two
    agents, or to one agent twice.
    """
    ids = {side.about["chat_id"] for side in (chat, other) if isinstance(side.about.get("chat_id"), int | float | str)}
    pairs = list(zip(_in_order(chat.messages), _in_order(other.messages), strict=True))
    if len(ids) > 1 or any(a.get("name") != b.get("name") for a, b in pairs if a.get("name") and b.get("name")):
        return False
    roles, theirs = zip(*[(a.get("role"), b.get("role")) for a, b in pairs], strict=True)
    if roles == theirs:
        partners = {side.path[-1] if len(side.path) > 1 else None for side in (chat, other)}
        return len(partners) == 1 and None not in partners and all(map(_is_heard, chat.messages))
    return len(pairs) > 1 or roles == tuple(_OTHER_SIDE.get(role, role) for role in theirs)


def _authors(chat: Chat, other: Chat) -> dict[int, str]:
    """By place the authors of messages that name none, where the other list has the message there with its author."""
    return {
        place: theirs["name"]
        for place, (ours, theirs) in enumerate(zip(chat.messages, other.messages, strict=True))
        if not ours.get("name") and isinstance(theirs.get("name"), str) and _key(ours) == _key(theirs)
    }


def _key(message: Any) -> int:
    return parse_message(message).key(False)


def _in_order(messages: list[Any]) -> list[Any]:
    """The messages, the first two in one order: members of a group are introduced before they hear how it is opened."""
    return [*sorted(messages[:2], key=_key), *messages[2:]] if len(messages) > 2 else messages


def _is_heard(message: dict[str, Any]) -> bool:
    """Whether the owner of a list may have heard a message; AG2 keeps a request for tools as `assistant` everywhere."""
    return message.get("role") != "assistant" or bool(message.get("tool_calls") or message.get("function_call"))
