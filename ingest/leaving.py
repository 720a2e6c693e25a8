"""Exceptions on their way out: of a chat, of the chats, steps and actions around it, and of the run.

Each of these tells of the exception when it ends by it. It is one exception all the same. Chats at once may each have
their own, in equal words: so it counts as known only where it has left something inside.
"""

from collections import Counter
from typing import NamedTuple

from ingest import facts

MOST = 1024
"""Places, the latest, that an exception has come to."""

MAX_TOLD = 64
"""Exceptions of a run, the last ones, that are known by their words; and of each place."""

Raised = tuple[str | None, str | None]
"""Type and message of an exception."""


class Told(NamedTuple):
    """An exception that was told of.

    Attributes:
        event: what tells of it first.
        is_action: that is an action which the user marked.
    """

    event: str
    is_action: bool = False


class Leaving:
    """The exceptions of one run, by where they have come to: the steps, actions and chats, by their ids."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, list[str]]] = {}
        """Of what has begun and is not over, how many had begun before, and what it is in."""
        self._number = 0
        self._left: dict[str, dict[Raised, Told]] = {}
        """The exceptions that have come to each place: of chats at once each may have its own."""
        self._told: dict[Raised, Told] = {}
        self._of_chats: Counter[Raised] = Counter()
        """Of them how often a chat has told of one, and AG2's own event not yet."""

    def begins(self, place: str, *around: str | None) -> None:
        """A chat or step begins, in these; None is nothing."""
        self._number += 1
        self._begun[place] = self._number, self._innermost(around)

    def ends(
        self, place: str, fact: facts.Failed | None, event: Told, *around: str | None, is_chat: bool = False
    ) -> Told | None:
        """A chat, step or action is over, by an exception where that is given, which comes to what is around it.

        Args:
            event: what will tell of it, where nothing has.
            around: what the place is in, where nothing told that it begins.

        Returns:
            How the exception was told of inside. Of a chat or step of which no record tells that it began, nobody knows
            what is inside: there the same words are the same exception.
        """
        begun, left = self._begun.pop(place, None), self._left.pop(place, {})
        if fact is None:
            return None
        raised = fact.error_type, fact.error
        known = left.get(raised)
        if known is None and begun is None and not event.is_action:
            known = self._told.get(raised)
        event = known or event
        self._comes(raised, Told(event.event) if is_chat else event, begun[1] if begun else self._innermost(around))
        self._of_chats[raised] += is_chat and (known is None or known.is_action)
        return known

    def of_event(self, fact: facts.Failed, event: str, *around: str | None) -> bool:
        """AG2's own event tells of an exception. Gives whether the chat that it left has told of it."""
        raised = fact.error_type, fact.error
        if self._of_chats[raised] > 0:
            self._of_chats[raised] -= 1
            return True
        self._comes(raised, Told(event), self._innermost(around))
        return False

    def is_told(self, fact: facts.Failed) -> bool:
        """Whether an exception was told of lately, wherever that was."""
        return (fact.error_type, fact.error) in self._told

    def _comes(self, raised: Raised, event: Told, places: list[str]) -> None:
        for place in places:
            left = self._left.setdefault(place, {})
            left[raised] = event
            if len(left) > MAX_TOLD:
                del left[next(iter(left))]
            if len(self._left) > MOST:
                del self._left[next(iter(self._left))]
        self._told.pop(raised, None)
        self._told[raised] = event
        if len(self._told) > MAX_TOLD:
            oldest = next(iter(self._told))
            del self._told[oldest], self._of_chats[oldest]

    def _innermost(self, around: tuple[str | None, ...]) -> list[str]:
        """Of these what began last; of what no record tells the beginning nobody knows."""
        places = [place for place in around if place is not None]
        begun = [place for place in places if place in self._begun]
        return places if len(begun) < len(places) else sorted(begun, key=lambda place: self._begun[place][0])[-1:]
