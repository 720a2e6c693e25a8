"""Conversations in a JSON document: one list of messages, or several below each other.

AG2 users save `ChatResult.chat_history`, an agent's `chat_messages` (a list for each partner), those of several agents
(each chat then stands there twice, as either side had it), or the results of `initiate_chats`.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.messages import is_message, parse_message

LISTS = ("messages", "history", "chat_history")
"""Keys under which an object holds its messages."""

ANSWERS = ("completion", "output")
"""Keys under which a message beside a list is what a model answered to it."""

DEEP = 6
"""Objects and lists around a list of messages, at most, where that is not found at once: the dump of several agents has
four, a state of a program around it some more."""

MAX_CHATS = 1000
"""Conversations in one document: of more it is no record of a run."""

MAX_ALIKE = 32
"""Conversations of the same words, the first ones, of which it is asked whether another one is one of them."""

_TABLE = ("columns", "index", "data")
"""What a table has whose columns' names stand apart."""

_HOLDING = {dict, list}
"""Types of what may hold a list of messages, or a message."""

_OTHER_SIDE = {"user": "assistant", "assistant": "user"}


@dataclass(slots=True)
class Chat:
    """A list of messages.

    Attributes:
        name: the keys and places that lead to it; '' where the document is this list.
        about: what stands beside it, and beside the objects around it that hold no other.
        path: the keys and places that lead to it within its document, one by one.
        key: the usual key that it stands under, or None.
        authors: by place the names of authors that these messages lack and a list that repeats them tells.
        repeated: how many of its first messages another chat of the file has told already.
        goes_on: the label of the chat that these are of, where they are not all; else its own.
        around: the objects that hold its messages, where these do not stand in the list themselves.
    """

    name: str
    messages: list[Any]
    about: dict[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    key: str | None = None
    authors: dict[int, str] = field(default_factory=dict)
    repeated: int = 0
    goes_on: str = ""
    around: list[dict[str, Any]] | None = None

    def answered(self, beside: dict[str, Any]) -> None:
        """Take in the message that answers it, of what stands beside it."""
        answer = _answer(beside, self.messages)
        self.messages = [*self.messages, *answer]
        if self.around is not None:
            self.around = [*self.around, *({"message": message} for message in answer)]

    @property
    def is_sound(self) -> bool:
        """Whether all of it are messages."""
        return all(map(is_message, self.messages))


class Told:
    """The chats of a file so far, by which one is known that goes on with another.

    So it is with `clear_history=False`, and in a log of requests: each repeats what was said before. One chat goes on
    with it; others that begin alike branch off, and are chats of their own.
    """

    def __init__(self) -> None:
        self._labels: dict[int, str] = {}
        self._gone_on: set[int] = set()

    def take(self, chat: Chat, label: str) -> None:
        """Note what of the next chat was told before. `label`: what tells its messages from those of others."""
        chat.goes_on = label
        if chat.repeated or not chat.is_sound:
            return
        said = 0
        for number, message in enumerate(chat.messages, 1):
            said = hash((said, _key(message), str(message.get("role")), str(message.get("name"))))
            if 1 < number < len(chat.messages) and said in self._labels:
                chat.repeated, chat.goes_on = number, self._labels.pop(said)
        if said in self._gone_on:
            chat.repeated = len(chat.messages)  # the same request again
        elif chat.repeated:
            self._gone_on.add(said)
        self._labels.setdefault(said, chat.goes_on)


def conversations(value: Any) -> tuple[list[Chat], list[dict[str, Any]]]:
    """The conversations in a JSON value, in order; none where it is something else.

    Returns:
        The conversations, and what stands beside several of them: the keys of an object around them, with `chat`,
        the name of that object, where it is not the value itself.
    """
    if is_message(value) and not any(isinstance(value.get(key), list) for key in LISTS):
        return [Chat("", [value])], []
    search = _search(value)
    if search is None:
        return [], []
    find_repeated(search.chats)
    return search.chats, search.beside


def are_too_many(value: Any) -> bool:
    """Whether a JSON value has more conversations than a record of a run."""
    return _search(value) is None


def find_repeated(chats: list[Chat]) -> None:
    """Note which of several chats another one has told already."""
    if len(chats) < 2:
        return
    alike: defaultdict[tuple[int, ...], list[Chat]] = defaultdict(list)
    for chat in chats:
        if not chat.is_sound:
            continue
        others = alike[tuple(map(_key, _in_order(chat.messages)))]
        same = next((other for other in others[:MAX_ALIKE] if _are_one(chat, other)), None)
        if same is not None:
            chat.repeated = len(chat.messages)
            same.authors |= _authors(same, chat)
        others.append(chat)
    alone = [chat for chat in chats if len(chat.messages) == 1 and chat.key is None and chat.is_sound]
    openings = _openings(chats, alone)
    for chat in alone:
        if _opening(chat.messages[0]) in openings:
            chat.repeated = 1


def _openings(chats: list[Chat], alone: list[Chat]) -> set[tuple[int, str]]:
    """The words, with their author, by which somebody who is no member opened a group chat, as the manager keeps them:
    a chat of one message with who said it. The others there begin with it, and are of the members, whom it was told.

    `alone`: those of the chats that are one message.
    """
    partners = {chat.path for chat in alone if _is_of_partner(chat.messages[0], chat)}
    if not partners:
        return set()
    return {
        _opening(message)
        for chat in chats
        if chat.is_sound and chat.key is None and len(chat.messages) > 1
        for message in chat.messages[:2]
        if message.get("role") == "assistant" and (*chat.path[:-1], str(message.get("name"))) in partners
    }


def _is_of_partner(message: dict[str, Any], chat: Chat) -> bool:
    """Whether the owner of a list has a message of the partner that the list is named after."""
    return message.get("role") == "user" and (message.get("name"),) == chat.path[-1:]


def _opening(message: dict[str, Any]) -> tuple[int, str]:
    return _key(message), str(message.get("name"))


def find_begun(chats: list[Chat]) -> None:
    """Note whether the last of several chats, which breaks off, is the beginning of one that was told before."""
    *others, chat = chats
    count = len(chat.messages)
    if not (count and chat.is_sound and not chat.repeated):
        return
    keys = [*map(_key, _in_order(chat.messages))]
    for other in others:
        begun = replace(other, messages=other.messages[:count])
        if other.is_sound and keys == [*map(_key, _in_order(begun.messages))] and _are_one(chat, begun):
            chat.repeated = count
            return


def is_empty(value: Any) -> bool:
    """Whether it is an object for a conversation in which nobody said anything."""
    return isinstance(value, dict) and any(key in value and value[key] in ([], None) for key in LISTS)


def _keys(value: dict[str, Any]) -> list[str]:
    """The usual keys under which an object has messages."""
    return [key for key in LISTS if isinstance(value.get(key), list) and any(map(is_message, value[key]))]


def _list_of(value: Any, path: tuple[str, ...]) -> Chat | None:
    """The chat that a value is by itself, in one of the ways in which lists of messages are written."""
    name, around, about = "/".join(path), None, {}
    if isinstance(value, dict):
        rows = _rows(value)
        if rows is not None:
            about = {key: inner for key, inner in value.items() if key not in _TABLE and "data" in value}
        elif value and all(map(str.isdigit, value)) and all(map(is_message, value.values())):
            rows = list(value.values())
        value = rows
    elif (
        isinstance(value, list)
        and path[-1:] != ("choices",)
        and sum(map(holds_message, value)) > max(1, len(value) / 2)
    ):
        around, value = value, [element["message"] if holds_message(element) else element for element in value]
    if isinstance(value, list) and any(map(is_message, value)):
        return Chat(name, value, about, path, around=around)
    return None


def _has_roles(chat: Chat) -> bool:
    """Whether it is nothing but messages with a role, and more than one."""
    return chat.is_sound and len(chat.messages) > 1 and all("role" in message for message in chat.messages)


def holds_message(value: Any) -> bool:
    """Whether it is an object around a message: `{"at": ..., "message": {...}}`."""
    if not isinstance(value, dict) or is_message(value):
        return False
    return is_message(value.get("message")) and "role" in value["message"]


def _answer(beside: dict[str, Any], messages: list[Any]) -> list[Any]:
    """The message that answers a request beside which it stands, where that has it not yet: in a response of OpenAI's
    API, or as it is."""
    if not messages or not is_message(messages[-1]):
        return []
    response = beside.get("response")
    if isinstance(response, dict) and isinstance(response.get("body"), dict):
        response = response["body"]
    choices = response.get("choices") if isinstance(response, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if is_message(message):
        return [message] if messages[-1] != message else []
    said: dict[str, Any] = next((beside[key] for key in ANSWERS if is_message(beside.get(key))), {})
    if said.get("role") != "assistant":
        return []
    known = _key(said)
    return [] if any(m.get("role") == "assistant" and _key(m) == known for m in messages if is_message(m)) else [said]


def _rows(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of a table, as `DataFrame.to_json` writes them: by columns, or apart from the columns' names."""
    names, data, content = value.get("columns"), value.get("data"), value.get("content")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        rows = [dict(zip(map(str, names), row, strict=False)) for row in data]
    elif isinstance(content, dict) and all(isinstance(c, dict) and c.keys() == content.keys() for c in value.values()):
        rows = [{name: column[place] for name, column in value.items()} for place in content]
    else:
        return None
    # a table has every column in every row
    return [{name: cell for name, cell in row.items() if cell is not None or name == "content"} for row in rows]


class _Search:
    """Finds lists of messages, and what stands beside them, in a JSON value. It looks into no message."""

    def __init__(self, beside: bool = True) -> None:
        self.chats: list[Chat] = []
        self.beside: list[dict[str, Any]] = []
        self._looks_beside = beside

    def look(self, value: Any, path: tuple[str, ...], deep: int, beside: bool = False) -> None:
        """Look into a value: where it stands, how deep, and whether beside messages, where it may be anything."""
        if isinstance(value, list) and _HOLDING.isdisjoint(map(type, value)):
            return  # numbers, mostly
        if is_message(value) and not _keys(value):
            return
        if isinstance(value, dict) and self._take(value, path, deep):
            return
        chat = _list_of(value, path)
        if chat is not None and (not beside or _has_roles(chat)):
            self.chats.append(chat)
            return
        if not deep or not isinstance(value, dict | list):
            return
        first, items = len(self.chats), list(value.items() if isinstance(value, dict) else enumerate(value))
        holding = self._look_into(items, path, deep, beside)
        if holding and len(holding) < len(items):
            others = {str(key): inner for key, inner in items if key not in holding}
            self._tell(others, "/".join(path), self.chats[first:])

    def _look_into(self, items: list[tuple[Any, Any]], path: tuple[str, ...], deep: int, beside: bool) -> set[Any]:
        """Look into what an object or list holds; the keys under which there are conversations."""
        holding = set()
        for key, inner in items:
            if not isinstance(inner, dict | list):
                continue
            before = len(self.chats)
            self.look(inner, (*path, str(key)), deep - 1, beside)
            if len(self.chats) > before:
                holding.add(key)
            if len(self.chats) > MAX_CHATS:
                break
        return holding

    def _take(self, value: dict[str, Any], path: tuple[str, ...], deep: int) -> bool:
        """Take the lists under the usual keys of an object, and those of objects beside them; whether there are any."""
        keys = _keys(value)
        first = len(self.chats)
        for key in keys:
            place = path if len(keys) == 1 else (*path, key)
            self.chats.append(Chat("/".join(place), list(value[key]), path=place, key=key))
        if not keys:
            return False
        *_, longest = sorted(self.chats[first:], key=lambda chat: len(chat.messages))
        beside = [(key, inner) for key, inner in value.items() if key not in keys]
        holding = self._look_into(beside, path, deep, beside=True) if deep and self._looks_beside else set()
        for chat in self.chats[first:]:
            count = len(chat.messages)
            if chat is not longest and chat.messages in (longest.messages[:count], longest.messages[-count:]):
                chat.repeated = count
        self.chats[first].about = about = {key: inner for key, inner in beside if key not in holding}
        longest.answered(about)
        return True

    def _tell(self, beside: dict[str, Any], name: str, chats: list[Chat]) -> None:
        """Keep what stands beside these conversations; of one key at two levels the outer one goes to `beside`."""
        if len(chats) > 1:
            self.beside.append({"chat": name, **beside} if name else beside)
            return
        (chat,) = chats
        chat.answered(beside)
        hidden = {key: inner for key, inner in beside.items() if key in chat.about}
        if hidden and "beside" in chat.about:
            hidden.setdefault("beside", chat.about["beside"])
        chat.about = {**beside, **chat.about, **({"beside": hidden} if hidden else {})}


def _search(value: Any) -> _Search | None:
    """The lists of messages in a JSON value, where they are not too many: if need be without those beside others."""
    for beside in (True, False):
        search = _Search(beside=beside)
        search.look(value, (), DEEP)
        if len(search.chats) <= MAX_CHATS:
            return search
    return None


def _are_one(chat: Chat, other: Chat) -> bool:
    """Whether two lists of the same words are one chat as its two sides had it, or as two members of a group had it.

    What one side said as `assistant` the other has as `user`. Members of a group who only listened have the same roles,
    each in a list of its own that is named after the same partner. The result of a chat stands beside what its agents
    keep. All else is two chats: the same words said to two agents, or to one agent twice.
    """
    ids = [side.about["chat_id"] for side in (chat, other) if isinstance(side.about.get("chat_id"), int | float | str)]
    pairs = list(zip(_in_order(chat.messages), _in_order(other.messages), strict=True))
    if len(set(ids)) > 1 or any(a.get("name") != b.get("name") for a, b in pairs if a.get("name") and b.get("name")):
        return False
    if len(ids) > 1 and _is_certain(ids[0]):
        return True
    roles, theirs = zip(*[(a.get("role"), b.get("role")) for a, b in pairs], strict=True)
    if roles == theirs:
        if (chat.key is None) != (other.key is None):
            return True
        partners = {side.path[-1] if len(side.path) > 1 and side.key is None else None for side in (chat, other)}
        return len(partners) == 1 and None not in partners and all(map(_is_heard, chat.messages))
    return len(pairs) > 1 or roles == tuple(_OTHER_SIDE.get(role, role) for role in theirs)


def _is_certain(chat_id: float | str) -> bool:
    """Whether no other chat has this id: AG2's are UUIDs, as numbers, which are read as floats. Users count from 1."""
    return len(chat_id) >= 32 if isinstance(chat_id, str) else chat_id > 2**64


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
