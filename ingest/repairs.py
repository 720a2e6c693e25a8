"""What failed and was repaired: code by code that is like it, a call of a tool by one with arguments that are.

Between a failure and its repair something else may fail or succeed, such as a look at the version of a library. So each
failure waits by itself for what is like it: of another try that fails, `meta` has the first (`try_of`), and of what was
repaired in the end the event that did so (`repaired_by`). Where none comes, the next success is all that is known.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ingest.events import Event
from ingest.lines import encode
from ingest.syntax import MAX_LENGTH, diff, most_alike, similarity

ALIKE = 0.3
"""Similarity from which code is another version of code that failed."""

ALIKE_CALLS = 0.5
"""Share of the same arguments from which a call is another try of one that failed."""

MAX_FAILING = 250
"""Chats and languages, or tools, of which failures wait for their repair, the latest."""

MAX_OPEN = 4
"""Failures of one of them that wait."""

MAX_OTHERS = 8
"""Successes of another kind, one after the other, after which a failure waits no longer."""

MAX_TRIES = 100
"""Tries of one failure that are known as such."""

TellLater = Callable[[str, str, str], None]
"""Takes the id of an event that may have been added, a field of its `meta`, and the value."""


@dataclass(slots=True)
class _Code:
    """Code that failed: the events of each time, the code of the first and the last. `others`: what succeeded since."""

    ids: list[str]
    first: str | None
    last: str | None
    others: int = 0

    def is_like(self, code: str | None) -> bool:
        """Whether code is another version of it. Code too long to be compared is taken for one."""
        versions = [version for version in dict.fromkeys((self.last, self.first)) if version is not None]
        return code is None or not versions or any(_is_alike(version, code) for version in versions)


class FailedCode:
    """The failed code of one run that waits for its repair, by chat and language."""

    def __init__(self, tell_later: TellLater) -> None:
        self._tell_later = tell_later
        self._waiting: dict[tuple[str, str | None], list[_Code]] = {}

    def forget(self) -> None:
        """What follows is another conversation."""
        self._waiting.clear()

    def failed(self, event: Event, talk: str, language: str | None) -> None:
        """Code failed: one more version of what waits, or something new."""
        waiting, code = _of(self._waiting, (talk, language)), event.inputs["code"]
        code = code if code is not None and len(code) <= MAX_LENGTH else None
        again = next((failed for failed in reversed(waiting) if failed.is_like(code)), None)
        if again is None:
            waiting.append(_Code([event.id], code, code))
            del waiting[:-MAX_OPEN]
        else:
            event.meta["try_of"] = again.ids[0]
            again.last, again.others = code, 0
            if len(again.ids) < MAX_TRIES:
                again.ids.append(event.id)

    def succeeded(self, event: Event, talk: str, languages: Iterable[str | None]) -> None:
        """Code succeeded in these languages. `meta` has what it fixes: what it is like, or else what failed first since
        the last success."""
        code = event.inputs["code"]
        for language in languages:
            waiting = self._waiting.get((talk, language), [])
            fixed = next((failed for failed in reversed(waiting) if failed.is_like(code)), None)
            if fixed is not None:
                waiting.remove(fixed)
                for failure in fixed.ids:
                    self._tell_later(failure, "repaired_by", event.id)
            else:
                fixed = next((failed for failed in waiting if not failed.others), None)
            for failed in waiting:
                failed.others += 1
            waiting[:] = [failed for failed in waiting if failed.others < MAX_OTHERS]
            if not waiting:
                self._waiting.pop((talk, language), None)
            if fixed is not None and "fixes" not in event.meta:
                event.meta |= {"fixes": fixed.ids[0], "diff": None, "similarity": None}
                if fixed.first is not None and code is not None:
                    event.meta |= {"diff": diff(fixed.first, code), "similarity": similarity(fixed.first, code)}


@dataclass(slots=True)
class _Call:
    """A call that failed: the events of each time, the message that asked for it last, a hash of each argument.

    `others`: what else succeeded since.
    """

    ids: list[str]
    turn: str | None
    arguments: dict[str, bytes]
    others: int = 0

    def likeness(self, arguments: dict[str, bytes]) -> float:
        """The share of the arguments that are the same."""
        same = sum(arguments.get(name) == value for name, value in self.arguments.items())
        return same / (max(len(arguments), len(self.arguments)) or 1) if self.arguments or arguments else 1.0


class FailedCalls:
    """The failed calls of one run that wait for their repair, by chat and tool."""

    def __init__(self, tell_later: TellLater) -> None:
        self._tell_later = tell_later
        self._waiting: dict[tuple[str, str], list[_Call]] = {}

    def forget(self) -> None:
        """What follows is another conversation."""
        self._waiting.clear()

    def ended(self, event: Event, talk: str, turn: str | None, arguments: Any) -> None:
        """A call is over: it failed, or succeeded and may repair one that failed.

        Args:
            event: the call.
            talk: its chat.
            turn: the message that asks for it. What else that asks for does not repair it.
            arguments: its arguments, by name; anything else is one.
        """
        known = talk, str(event.meta["tool_name"])
        if event.status == "pending" or (event.status == "completed" and known not in self._waiting):
            return
        values = arguments if isinstance(arguments, dict) else {"": arguments}
        hashes = {str(name): sha256(encode(value).encode()).digest() for name, value in values.items()}
        waiting = _of(self._waiting, known)
        if event.status == "failed":
            self._failed(event, waiting, turn, hashes)
        else:
            self._succeeded(event, waiting, turn, hashes)
        if not waiting:
            del self._waiting[known]

    def _failed(self, event: Event, waiting: list[_Call], turn: str | None, hashes: dict[str, bytes]) -> None:
        again = _most_like(waiting, hashes)
        if again is None:
            waiting.append(_Call([event.id], turn, hashes))
            del waiting[:-MAX_OPEN]
            return
        event.meta["try_of"] = again.ids[0]
        again.turn, again.others = turn, 0
        if len(again.ids) < MAX_TRIES:
            again.ids.append(event.id)

    def _succeeded(self, event: Event, waiting: list[_Call], turn: str | None, hashes: dict[str, bytes]) -> None:
        asked_before = [call for call in waiting if turn is None or call.turn != turn]
        fixed = _most_like(asked_before, hashes)
        if fixed is not None:
            waiting.remove(fixed)
            for failure in fixed.ids:
                self._tell_later(failure, "repaired_by", event.id)
            return
        for call in asked_before:
            call.others += 1
        waiting[:] = [call for call in waiting if call.others < MAX_OTHERS]


def _most_like(calls: list[_Call], arguments: dict[str, bytes]) -> _Call | None:
    """The call that shares most of these arguments, the first of several, where it shares enough of them."""
    likeness = [call.likeness(arguments) for call in calls]
    best = max(likeness, default=0.0)
    return calls[likeness.index(best)] if best >= ALIKE_CALLS else None


def _of(waiting: dict[Any, list[Any]], known: tuple[Any, ...]) -> list[Any]:
    """What waits of that chat and language, or tool, which is the latest of these now."""
    found = waiting[known] = waiting.pop(known, [])
    if len(waiting) > MAX_FAILING:
        del waiting[next(iter(waiting))]
    return found


def _is_alike(version: str, code: str) -> bool:
    """Whether two pieces of code are versions of one. Code too long to be compared is taken for one."""
    if most_alike(version, code) < ALIKE:
        return False
    share = similarity(version, code)
    return share is None or share >= ALIKE
