"""Tool calls that wait for their answer, and which of them is meant."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, product
from operator import attrgetter
from typing import Any

import orjson

from ingest.events import Where
from ingest.lines import encode

REQUESTED, STARTED, ENDED = "requested", "started", "ended"
RAN = "ran"
"""Started or ended."""

REMEMBERED = 256
"""Calls, the last ones, that are looked through where it takes more than their chat, arguments and state."""


@dataclass(slots=True, eq=False)
class ToolCall:
    """A call on its way from request to answer. Times are UTC microseconds. `key`: names it in its
    run, from the moment at which it is first heard of. `order`: that of calls, of each message the first one last.
    `turn`: the one that asks for it, and `around` what is around that. `asked_of`: to whom the message goes that asks
    for it. `event_id`: where others point at it."""

    call_id: str | None
    name: str
    where: Where
    key: str
    order: tuple[int, int]
    event_id: str | None = None
    agent: str | None = None
    turn: str | None = None
    around: str | None = None
    asked_of: str | None = None
    executor: str | None = None
    arguments: Any = None
    result: Any = None
    has_result: bool = False
    failed: bool | None = None
    error: str | None = None
    error_type: str | None = None
    traceback: str | None = None
    started: int | None = None
    ended: int | None = None
    measured: bool = False
    """Start and end are those of the tool itself, not of the records around it."""
    guessed: bool = False
    """The result is that of a function which returned, of which no id says that this call was meant."""
    state: str = REQUESTED
    asked_in: str | None = None
    """The chat in which it counts as asked for."""
    ended_in: tuple[str, str | None] | None = None
    """Chat and executor, of one that is over and that no message asked for."""
    length: int = 0
    """Characters of what is known of it, as it counts among those that wait."""

    @property
    def status(self) -> str:
        """completed, failed, or pending where the run has no result."""
        if not self.has_result:
            return "pending"
        return "failed" if self.failed else "completed"


_Place = tuple[str | None, tuple[str, str | None] | None, int | None, str]
"""Chat, thread with who asked, arguments and state; None is any."""

_order = attrgetter("order")


class Waiting:
    """Calls that wait for their answer. The one that is meant is found in no more time where they are very many.

    Attributes:
        calls: in the order in which they were heard of, each with the places where it is found.
    """

    def __init__(self, calls: Iterable[ToolCall] = ()) -> None:
        self.calls: dict[ToolCall, Iterable[_Place]] = dict.fromkeys(calls, ())
        self._changed = dict.fromkeys(self.calls)
        """Those of which the places are out of date. A call that is the only one of its id never needs any."""
        self._found: dict[_Place, list[ToolCall]] = {}

    def put(self, call: ToolCall) -> None:
        """A call begins to wait, or something else is known of it."""
        self.calls.setdefault(call, ())
        self._changed[call] = None

    def drop(self, call: ToolCall) -> None:
        """Nothing is waited for any more."""
        self._move(call, ())
        del self.calls[call]
        self._changed.pop(call, None)

    def _move(self, call: ToolCall, places: Iterable[_Place]) -> None:
        for place in self.calls[call]:
            found = self._found[place]
            del found[bisect_left(found, call.order, key=_order)]
            if not found:
                del self._found[place]
        for place in places:
            insort(self._found.setdefault(place, []), call, key=_order)
        self.calls[call] = places

    def nearest(
        self, where: Where, states: Iterable[str], arguments: Any = None, asker: str | None = None
    ) -> ToolCall | None:
        """The call that is most likely meant at this place, with these arguments where they are known.

        One of another chat is meant where this chat has none, and where the records don't say of both which they are.
        An earlier message's call may never have been answered: of those that are equally likely, one that ran is
        meant, of the message that asked last, and of its calls the first.

        Args:
            states: which it may be in, the likely one first.
            asker: who likely asked for it. AG2's logs tell of chats at once by nothing else.
        """
        if len(self.calls) == 1:
            (only,) = self.calls
            return only if _fits(only, where) and not {*_states(only)}.isdisjoint(states) else None
        for call in self._changed:
            talk, thread, alike = call.where.talk, call.where.thread, _alike(call.arguments)
            its_sides = {(thread, call.agent), (thread, None), None}
            self._move(call, {*product((talk, None), its_sides, (alike, None), _states(call))})
        self._changed.clear()
        likely_arguments = dict.fromkeys((_alike(arguments), None))
        sides = dict.fromkeys(((where.thread, asker), (where.thread, None), None))
        for place in product((where.talk, None), sides, likely_arguments, states):
            found = self._found.get(place, [])
            likely = next((call for call in islice(reversed(found), REMEMBERED) if _fits(call, where)), None)
            if likely is not None:  # those that no message asked for are as of one
                return likely if likely.turn else next(c for c in found if not c.turn and _fits(c, where))
        return None


def _fits(call: ToolCall, where: Where) -> bool:
    """Whether no record says that a call is of another chat."""
    return call.where.talk == where.talk or None in (call.where.chat, where.chat) or call.where.chat == where.chat


def _states(call: ToolCall) -> tuple[str, str]:
    return call.state, RAN if call.state != REQUESTED else REQUESTED


def _alike(arguments: Any) -> int | None:
    """What equal arguments have in common."""
    try:
        return None if arguments is None else hash(orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS))
    except TypeError:  # an integer above 64 bits, or more than 254 levels
        return hash(encode(arguments))
