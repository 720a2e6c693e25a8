"""A conversation that stands in a file, as it stands there."""

from dataclasses import dataclass, field
from typing import Any

from ingest.messages import is_message, parse_message


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

    @property
    def is_sound(self) -> bool:
        """Whether all of it are messages."""
        return all(map(is_message, self.messages))


def key_of(message: Any) -> int:
    """What equal messages of a chat have in common, whoever said them."""
    return parse_message(message).key(False)
