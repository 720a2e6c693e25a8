"""Exceptions on their way out: of a chat, of the chats, steps and actions around it, and of the run.

Each of these tells of the exception when it ends by it. It is one exception all the same. Chats at once may each have
their own, in equal words: so it counts as known only where it has left something inside.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ingest import facts

MOST = 1024
"""Places, the latest, that an exception has come to."""

MAX_TOLD = 64
"""Exceptions of a run, the last ones, of which it may be one that ends it."""

Raised = tuple[str | None, str | None]
"""Type and message of an exception."""


class Told(NamedTuple):
    """An exception that has come to a place.

    Attributes:
        event: what tells of it first.
        is_action: that is an action which the user marked.
    """

    raised: Raised
    event: str
    is_action: bool


class Leaving:
    """The exceptions of one run, by where they have come to."""

    def __init__(self) -> None:
        self._left: dict[str, Told] = {}
        self._told: dict[Raised, bool] = {}
        """Each with whether what it left has told of it."""

    def ended(self, place: str, fact: facts.Failed) -> Told | None:
        """Something is over, by an exception. Gives that as it was told of, where it has left something inside."""
        told = self._left.pop(place, None)
        return told if told is not None and told.raised == (fact.error_type, fact.error) else None

    def is_told(self, fact: facts.Failed) -> bool:
        """Whether an exception was told of lately, wherever that was."""
        return (fact.error_type, fact.error) in self._told

    def has_left(self, fact: facts.Failed) -> bool:
        """Whether that was by something that it left."""
        return self._told.get((fact.error_type, fact.error), False)

    def leaves(self, fact: facts.Failed, event: str, around: Iterable[str], *, is_action: bool = False) -> None:
        """An exception comes to what is around the place that it leaves.

        Args:
            fact: the exception.
            event, is_action: see `Told`.
            around: the steps, actions and chats there.
        """
        for place in around:
            self._left[place] = Told((fact.error_type, fact.error), event, is_action)
            if len(self._left) > MOST:
                del self._left[next(iter(self._left))]
        self.told(fact, True)

    def told(self, fact: facts.Failed, has_left: bool = False) -> None:
        """An exception is told of. `has_left`: by something that it left."""
        raised = fact.error_type, fact.error
        self._told.pop(raised, None)
        self._told[raised] = has_left
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
