"""What failed and was repaired: code by code that is like it, a call of a tool by one with arguments that are.

Between a failure and its repair something else may succeed, such as a look at the version of a library. Where the
repair comes, `meta` of what came between says so (`between`), and that of a call that failed has the one that repaired
it (`repaired_by`). Where none comes, the next success is all that is known.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ingest.events import Event
from ingest.lines import encode
from ingest.syntax import MAX_LENGTH, diff, similarity

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

TellLater = Callable[[str, str, str], None]
"""Takes the id of an event that may have been added, a field of its `meta`, and the value."""


@dataclass(slots=True)
class _Code:
    """Code that failed, the first time and the last. `between`: what else succeeded since."""

    id: str
    first: str | None
    last: str | None
    between: list[str] = field(default_factory=list)

    def is_like(self, code: str | None) -> bool:
        """Whether code is another version of it. Code too long to be compared is taken for one."""
        versions = [version for version in dict.fromkeys((self.first, self.last)) if version is not None]
        found = [similarity(version, code) for version in versions] if code is not None else []
        return not found or any(share is None or share >= ALIKE for share in found)


class FailedCode:
    """The failed code of one run that waits for its repair, by chat and language."""

    def __init__(self, tell_later: TellLater) -> None:
        self._tell_later = tell_later
        self._waiting: dict[tuple[str, str | None], list[_Code]] = {}

    def forget(self) -> None:
        """What follows is another conversation."""
        self._waiting.clear()

    def failed(self, event: Event, talk: str, language: str | None) -> None:
        """Code failed: what waits, where nothing succeeded since or it is like it, or else something new."""
        waiting, code = _of(self._waiting, (talk, language)), event.inputs["code"]
        code = code if code is not None and len(code) <= MAX_LENGTH else None
        if waiting and not waiting[-1].between:
            waiting[-1].last = code
            return
        again = next((failed for failed in reversed(waiting) if failed.is_like(code)), None)
        if again is not None:
            waiting.remove(again)
            self._passed(again.between, again.id)
            again.last, again.between = code, []
        waiting.append(again or _Code(event.id, code, code))
        del waiting[:-MAX_OPEN]

    def succeeded(self, event: Event, talk: str, languages: Iterable[str | None]) -> None:
        """Code succeeded in these languages. `meta` has what it fixes: what it is like, or else what failed last."""
        code = event.inputs["code"]
        for language in languages:
            waiting = self._waiting.get((talk, language))
            if not waiting:
                continue
            fixed = next((failed for failed in reversed(waiting) if failed.is_like(code)), None)
            if fixed is not None:
                waiting.remove(fixed)
                self._passed(fixed.between, fixed.id)
            else:
                fixed = waiting[-1] if not waiting[-1].between else None
                for failed in [fixed] if fixed else waiting:
                    failed.between.append(event.id)
                waiting[:] = [failed for failed in waiting if len(failed.between) < MAX_OTHERS]
            if fixed is not None and "fixes" not in event.meta:
                event.meta |= {"fixes": fixed.id, "diff": None, "similarity": None}
                if fixed.first is not None and code is not None:
                    event.meta |= {"diff": diff(fixed.first, code), "similarity": similarity(fixed.first, code)}

    def _passed(self, between: list[str], failure: str) -> None:
        for other in between:
            self._tell_later(other, "between", failure)


@dataclass(slots=True)
class _Call:
    """A call that failed: its ids, of each time, the message that asked for it, a hash of each argument."""

    ids: list[str]
    turn: str | None
    arguments: dict[str, bytes]
    between: list[str] = field(default_factory=list)

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
            same = next((call for call in waiting if call.arguments == hashes), None)
            if same is not None:
                same.ids.append(event.id)
                del same.ids[MAX_OTHERS:]
                return
            waiting.append(_Call([event.id], turn, hashes))
            del waiting[:-MAX_OPEN]
            return
        others = [call for call in waiting if turn is None or call.turn != turn]
        best = max(others, key=lambda call: call.likeness(hashes), default=None)
        if best is not None and best.likeness(hashes) >= ALIKE_CALLS:
            waiting.remove(best)
            for failed in best.ids:
                self._tell_later(failed, "repaired_by", event.id)
            for other in best.between:
                self._tell_later(other, "between", best.ids[0])
        else:
            for call in others:
                call.between.append(event.id)
            waiting[:] = [call for call in waiting if len(call.between) < MAX_OTHERS]
        if not waiting:
            del self._waiting[known]


def _of(waiting: dict[Any, list[Any]], known: tuple[Any, ...]) -> list[Any]:
    """What waits of that chat and language, or tool; of the latest of these."""
    if known not in waiting and len(waiting) >= MAX_FAILING:
        del waiting[next(iter(waiting))]
    return waiting.setdefault(known, [])
