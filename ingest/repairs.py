"""What failed and was repaired: code by code that is like it, a call of a tool by one with arguments that are.

Between a failure and its repair something else may fail or succeed, such as a look at the version of a library. So each
failure waits by itself for what is like it. `meta` of another try that fails has the first (`try_of`), and that of a
success what it fixes (`fixes`): what it is like, and whatever else it is the first success after.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Generic, TypeVar

from ingest.events import Event
from ingest.latest import keep_latest
from ingest.lines import encode
from ingest.syntax import MAX_LENGTH, diff, most_alike, similarity

ALIKE = 0.3
"""Similarity from which code is another version of code that failed."""

ALIKE_CALLS = 0.5
"""Share of the same arguments from which a call is another try of one that failed."""

MAX_WAITING = 256
"""Failures of a run that wait for their repair, the latest."""

MAX_COMPARED = 16
"""Of them those of one chat and language that code is compared with, the latest."""

MAX_OTHERS = 8
"""Successes of another kind, one after the other, after which a failure waits no longer."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Failure(Generic[T]):
    """Something that failed, once or several times.

    Attributes:
        id: the event of the first time.
        key: what its repair has in common with it.
        first, last: what failed the first and the last time.
        turn: the message that asked for it the last time.
        position: of its last event.
        others: what else succeeded since; of what one message asks for one thing.
        other_turn: the message that asked for the last of them.
    """

    id: str
    key: Hashable
    first: T
    last: T
    turn: str | None
    position: int
    others: int = 0
    other_turn: str | None = None


class _Failures(ABC, Generic[T]):
    """What failed in one run and waits for its repair."""

    alike: ClassVar[float]
    compared: ClassVar[int] = MAX_WAITING

    def __init__(self) -> None:
        self._waiting: dict[_Failure[T], None] = {}

    def forget(self) -> None:
        """What follows is another conversation."""
        self._waiting.clear()

    @abstractmethod
    def _likeness(self, failed: T, other: T, least: float) -> float:
        """How alike two of them are, where that is at least so much; else anything below."""

    @abstractmethod
    def _difference(self, failed: T, fix: T, in_full: bool) -> dict[str, Any]:
        """What `meta` tells of a failure and its fix; `in_full` with what may be long."""

    def _failed(self, event: Event, key: Hashable, what: T, turn: str | None = None) -> None:
        """One more try of what waits, or something new."""
        again = self._most_like(self._before(event, key, turn), what)
        if again is None:
            self._waiting[_Failure(event.id, key, what, what, turn, event.where.position)] = None
            keep_latest(self._waiting, MAX_WAITING)
        else:
            event.meta["try_of"] = again.id
            again.last, again.turn, again.position, again.others = what, turn, event.where.position, 0

    def _succeeded(self, event: Event, key: Hashable, what: T, turn: str | None = None) -> None:
        """It fixes the failure that is most like it, and may have fixed those that nothing followed yet."""
        before = self._before(event, key, turn)
        repaired = self._most_like(before, what)
        first = next((failure for failure in before if failure is not repaired and not failure.others), None)
        for failure in before:
            if failure is repaired or not failure.others:
                difference = self._difference(failure.first, what, in_full=failure in (repaired, first))
                fix = {"id": failure.id, "alike": failure is repaired, **difference}
                event.meta.setdefault("fixes", []).append(fix)
            failure.others += turn is None or turn != failure.other_turn
            failure.other_turn = turn
            if failure is repaired or failure.others == MAX_OTHERS:
                del self._waiting[failure]

    def _before(self, event: Event, key: Hashable, turn: str | None) -> list[_Failure[T]]:
        """The failures that an event comes after. Of what one message asks for nothing comes after another."""
        return [
            failure
            for failure in self._waiting
            if failure.key == key and failure.position < event.where.position and (turn is None or failure.turn != turn)
        ]

    def _most_like(self, failures: list[_Failure[T]], what: T) -> _Failure[T] | None:
        """The failure that is most like this, the first of several, where it is enough so."""
        found, best = None, 0.0
        for failure in failures[-self.compared :]:
            for version in (failure.first,) if failure.last is failure.first else (failure.first, failure.last):
                likeness = self._likeness(version, what, max(best, self.alike))
                if likeness > best and likeness >= self.alike:
                    found, best = failure, likeness
        return found


class FailedCode(_Failures[str | None]):
    """The failed code of one run, by chat and language. Code too long to be compared is None, and like its kind."""

    alike = ALIKE
    compared = MAX_COMPARED

    def failed(self, event: Event, talk: str, language: str | None) -> None:
        """Code in this language failed."""
        self._failed(event, (talk, language), _compared(event.inputs["code"]))

    def succeeded(self, event: Event, talk: str, languages: Iterable[str | None]) -> None:
        """Code with blocks in these languages succeeded."""
        for language in languages:
            self._succeeded(event, (talk, language), _compared(event.inputs["code"]))

    def _likeness(self, failed: str | None, other: str | None, least: float) -> float:
        if failed is None or other is None:
            return float(failed is other)
        if round(most_alike(failed, other), 2) < least:
            return 0.0
        share = similarity(failed, other)
        return least if share is None else share  # too many lines

    def _difference(self, failed: str | None, fix: str | None, in_full: bool) -> dict[str, Any]:
        if failed is None or fix is None:
            return {"similarity": None, "diff": None}
        return {"similarity": similarity(failed, fix), "diff": diff(failed, fix) if in_full else None}


Arguments = dict[str, bytes]
"""A hash of each argument of a call, by name."""


class FailedCalls(_Failures[Arguments]):
    """The failed calls of one run, by chat and tool: those that AG2 made, and those that the user's code marked."""

    alike = ALIKE_CALLS

    def ended(self, event: Event, talk: str, turn: str | None, arguments: Any) -> None:
        """A call is over: it failed, or succeeded and may repair one that failed.

        Args:
            event: the call.
            talk: its chat.
            turn: the message that asks for it.
            arguments: its arguments, by name; anything else is one.
        """
        if event.status == "pending" or (event.status == "completed" and not self._waiting):
            return
        values = arguments if isinstance(arguments, dict) else {"": arguments}
        hashes = {str(name): sha256(encode(value).encode()).digest() for name, value in values.items()}
        key = talk, event.subtype, event.meta["tool_name"]
        if event.status == "failed":
            self._failed(event, key, hashes, turn)
        else:
            self._succeeded(event, key, hashes, turn)

    def _likeness(self, failed: Arguments, other: Arguments, least: float) -> float:
        """The share of the arguments that are the same."""
        if not failed and not other:
            return 1.0
        same = sum(other.get(name) == value for name, value in failed.items())
        return same / max(len(failed), len(other))

    def _difference(self, failed: Arguments, fix: Arguments, in_full: bool) -> dict[str, Any]:
        return {"similarity": round(self._likeness(failed, fix, 0.0), 2)}


def _compared(code: str | None) -> str | None:
    return code if code is not None and len(code) <= MAX_LENGTH else None
