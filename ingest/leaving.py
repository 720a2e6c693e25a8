"""Exceptions on their way out: of a chat, of the chats, steps and actions around it, and of the run.

Each of these tells of the exception when it ends by it. It is one exception all the same. Chats at once may each have
their own, in equal words, and so may what was caught before: so it counts as known only where it has left something
inside, and comes from the same agent and line, as far as these are told.
"""

from collections import Counter
from typing import NamedTuple

from ingest import facts
from ingest.latest import keep_latest

MOST = 1024
"""Places, the latest, that an exception has come to."""

MAX_TOLD = 64
"""Exceptions of a run, the last ones, that are known by their words; and of each place."""

Raised = tuple[str | None, str | None]
"""Type and message of an exception."""

Origin = tuple[str | None, str | None]
"""In whose turn it was raised, and by which line, as far as that is told."""


_FRAME = '\n  File "'
"""What a line of Python's traceback begins with that says where code stands."""


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
        self._left: dict[str, dict[tuple[Raised, Origin], Told]] = {}
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
        raised, origin = (fact.error_type, fact.error), _origin(fact)
        alike = (told for (words, known), told in reversed(left.items()) if words == raised and _may_be(known, origin))
        known = next(alike, None)
        if known is None and begun is None and not event.is_action:
            known = self._told.get(raised)
        if known is None and (begun is not None or not event.is_action):
            known = _all_of(fact, {words: told for (words, _), told in left.items()} if begun else self._told)
        event = known or event
        places = begun[1] if begun else self._innermost(around)
        self._comes(raised, origin, Told(event.event) if is_chat else event, places)
        self._of_chats[raised] += is_chat and (known is None or known.is_action)
        return known

    def of_event(self, fact: facts.Failed, event: str, *around: str | None) -> bool:
        """AG2's own event tells of an exception. Gives whether the chat that it left has told of it."""
        raised = fact.error_type, fact.error
        if self._of_chats[raised] > 0:
            self._of_chats[raised] -= 1
            return True
        self._comes(raised, _origin(fact), Told(event), self._innermost(around))
        return False

    def is_told(self, fact: facts.Failed) -> bool:
        """Whether an exception was told of lately, wherever that was."""
        return (fact.error_type, fact.error) in self._told or _all_of(fact, self._told) is not None

    def _comes(self, raised: Raised, origin: Origin, event: Told, places: list[str]) -> None:
        for place in places:
            left = self._left.setdefault(place, {})
            left.pop((raised, origin), None)
            left[raised, origin] = event
            keep_latest(left, MAX_TOLD)
            keep_latest(self._left, MOST)
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


def _all_of(fact: facts.Failed, told: dict[Raised, Told]) -> Told | None:
    """How the last exception in a group was told of, where all of them were."""
    if not fact.inside or not all(raised in told for raised in fact.inside):
        return None
    return told[fact.inside[-1]]


def _origin(fact: facts.Failed) -> Origin:
    return fact.agent, raised_at(fact.traceback)


def raised_at(traceback: str | None) -> str | None:
    """The line that raised an exception: Python's traceback of it ends with that, wherever it is told."""
    text = traceback or ""
    start = text.rfind(_FRAME)
    return text[start:].split("\n", 2)[1] if start >= 0 else None


def _may_be(known: Origin, other: Origin) -> bool:
    """Whether two exceptions may come from one place, as far as that is told of both."""
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in zip(known, other, strict=True))
