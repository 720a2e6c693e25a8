"""The messages of a run that have their rows, in few bytes each: a run may have millions."""

from __future__ import annotations

from array import array
from collections import Counter

from ingest.events import Where
from ingest.messages import Message


class _Numbers(dict[str | None, int]):
    """Numbers of names, in the order in which they come, and the names by number."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str | None] = []

    def __missing__(self, name: str | None) -> int:
        number = self[name] = len(self.names)
        self.names.append(name)
        return number


class Seen:
    """Messages, in the order in which their rows were added."""

    def __init__(self) -> None:
        self._keys = array("q")
        self._anonymous_keys = array("q")
        self._sizes = array("q")
        self._positions = array("q")
        self._senders = array("i")
        self._recipients = array("i")
        self._talks = array("i")
        self._numbers = _Numbers()
        """Of senders, recipients and chats."""
        self._counts = Counter[int]()
        self._counted = 0
        """How many of them are in the counts."""
        self.speakers: set[str | None] = set()
        """Everybody who said one of them."""

    def add(self, key: int, message: Message, where: Where, author: str | None) -> None:
        """Add a message: its key with its author, and where it stands."""
        self._keys.append(key)
        self._anonymous_keys.append(message.key(False))
        self._sizes.append(message.size)
        self._positions.append(where.position)
        self._talks.append(self._numbers[where.talk])
        self._senders.append(self._numbers[author])
        self.speakers.add(author)
        self._recipients.append(self._numbers[message.recipient])

    def __len__(self) -> int:
        return len(self._keys)

    def counts(self) -> Counter[int]:
        """How often each message is there by now, by key. Of all messages since it was asked last."""
        self._counts.update(self._keys[self._counted :])
        self._counted = len(self._keys)
        return self._counts

    def key(self, index: int, with_sender: bool) -> int:
        """The key of a message."""
        return self._keys[index] if with_sender else self._anonymous_keys[index]

    def size(self, index: int) -> int:
        """Characters of a message."""
        return self._sizes[index]

    def position(self, index: int) -> int:
        """Where a message stands."""
        return self._positions[index]

    def talk(self, index: int) -> str:
        """The chat that it belongs to."""
        return self._numbers.names[self._talks[index]] or ""

    def sender(self, index: int) -> str | None:
        """Who said it."""
        return self._numbers.names[self._senders[index]]

    def recipient(self, index: int) -> str | None:
        """Who it was handed to."""
        return self._numbers.names[self._recipients[index]]
