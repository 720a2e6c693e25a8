"""Which chats of a file another one has told of: its other side, or the one that it goes on with.

Of each chat little more than hashes is kept, so that a file may have any number of them.
"""

from array import array
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ingest.chat import Chat, key_of
from ingest.messages import text_or_none

MAX_SIDES = 4096
"""Chats, the latest, among which the other side of one is looked for, and"""

MAX_SIDES_MESSAGES = 2_000_000
"""the messages in them: 16 bytes of each are kept. A document that is held in memory has fewer of either."""


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
            said = hash((said, key_of(message), str(message.get("role")), str(message.get("name"))))
            if 1 < number < len(chat.messages) and said in self._labels:
                chat.repeated, chat.goes_on = number, self._labels.pop(said)
        if said in self._gone_on:
            chat.repeated = len(chat.messages)  # the same request again
        elif chat.repeated:
            self._gone_on.add(said)
        self._labels.setdefault(said, chat.goes_on)


@dataclass(slots=True)
class _Side:
    """What is kept of a chat.

    Attributes:
        number: how many came before it.
        words: hash of what was said in it.
        names: by message the hash of its author, 0 where it names none.
        roles: by message the hash of its role.
        chat_id: hash of the id beside it, 0 where it has none.
        is_certain: whether no other chat has this id.
        is_result: whether it stands under one of the keys of a result.
        partner: the key that it stands under, where that is below another.
        is_heard: whether its owner may have heard all of it.
    """

    number: int
    words: int
    names: "array[int]"
    roles: "array[int]"
    chat_id: int
    is_certain: bool
    is_result: bool
    partner: str | None
    is_heard: bool


class Sides:
    """The chats of a file so far, the latest, by which one is known that is another's other side.

    AG2 keeps a chat once for each agent in it, and a result beside that.
    """

    def __init__(self) -> None:
        self._alike: defaultdict[int, list[_Side]] = defaultdict(list)
        self._latest: deque[_Side] = deque()
        self._messages = self._taken = 0

    def take(self, chat: Chat, label: str = "") -> int | None:
        """Note a chat. Gives the number of an earlier one, from 0, that is the same.

        Args:
            chat: nothing in it is no message.
            label: its document, where it is one of several.
        """
        side = _side(chat, self._taken, (label, *chat.path) if label else chat.path)
        others = self._alike[side.words]
        same = next((other.number for other in others if _are_one(side, other)), None)
        others.append(side)
        self._latest.append(side)
        self._taken, self._messages = self._taken + 1, self._messages + len(side.names)
        while len(self._latest) > MAX_SIDES or self._messages > MAX_SIDES_MESSAGES:
            self._forget(self._latest.popleft())
        return same

    def _forget(self, side: _Side) -> None:
        self._messages -= len(side.names)
        del self._alike[side.words][0]  # of those with these words it came first
        if not self._alike[side.words]:
            del self._alike[side.words]


def find_sides(chats: Iterable[Chat]) -> None:
    """Note which of the chats of a document another one has told already."""
    sound, sides = [chat for chat in chats if chat.is_sound], Sides()
    for chat in sound:
        if (same := sides.take(chat)) is not None:
            chat.repeated = len(chat.messages)
            sound[same].authors |= _authors(sound[same], chat)


def _side(chat: Chat, number: int, path: tuple[str, ...]) -> _Side:
    messages, chat_id = _in_order(chat.messages), chat.about.get("chat_id")
    chat_id = chat_id if isinstance(chat_id, int | float | str) else None
    return _Side(
        number,
        hash(tuple(map(key_of, messages))),
        array("q", [_hash(message.get("name")) if message.get("name") else 0 for message in messages]),
        array("q", [_hash(message.get("role")) for message in messages]),
        0 if chat_id is None else _hash(chat_id),
        chat_id is not None and _is_certain(chat_id),
        chat.key is not None,
        path[-1] if len(path) > 1 else None,
        all(map(_is_heard, chat.messages)),
    )


def _hash(value: Any) -> int:
    return hash(text_or_none(value)) or 1


_OTHER_SIDE = {_hash("user"): _hash("assistant"), _hash("assistant"): _hash("user")}


def _are_one(side: _Side, other: _Side) -> bool:
    """Whether two lists of the same words are one chat as its two sides had it, or as two members of a group had it.

    What one side said as `assistant` the other has as `user`. Members of a group who only listened have the same roles,
    each in a list of its own that is named after the same partner. The result of a chat stands beside what its agents
    keep. All else is two chats: the same words said to two agents, or to one agent twice.
    """
    has_ids = bool(side.chat_id and other.chat_id)
    if has_ids and side.chat_id != other.chat_id:
        return False
    if any(a != b for a, b in zip(side.names, other.names, strict=True) if a and b):
        return False
    if has_ids and side.is_certain:
        return True
    if side.roles == other.roles:
        if side.is_result != other.is_result:
            return True
        return side.partner == other.partner is not None and side.is_heard
    return len(side.roles) > 1 or side.roles[0] == _OTHER_SIDE.get(other.roles[0], other.roles[0])


def _is_certain(chat_id: float | str) -> bool:
    """Whether no other chat has this id: AG2's are UUIDs, as numbers, which are read as floats. Users count from 1."""
    return len(chat_id) >= 32 if isinstance(chat_id, str) else chat_id > 2**64


def _authors(chat: Chat, other: Chat) -> dict[int, str]:
    """By place the authors of messages that name none, where the other list has the message there with its author."""
    return {
        place: theirs["name"]
        for place, (ours, theirs) in enumerate(zip(chat.messages, other.messages, strict=True))
        if not ours.get("name") and isinstance(theirs.get("name"), str) and key_of(ours) == key_of(theirs)
    }


def _in_order(messages: list[Any]) -> list[Any]:
    """The messages, the first two in one order: members of a group are introduced before they hear how it is opened."""
    return [*sorted(messages[:2], key=key_of), *messages[2:]] if len(messages) > 2 else messages


def _is_heard(message: dict[str, Any]) -> bool:
    """Whether the owner of a list may have heard a message; AG2 keeps a request for tools as `assistant` everywhere."""
    return message.get("role") != "assistant" or bool(message.get("tool_calls") or message.get("function_call"))
