"""Tool calls: what was asked for, what ran, and what came back, joined.

A call is seen up to four times: in the message that asks for it, when it starts, when it ends, and in the message that
carries the answer. They are joined by the id that the model gave the call; where there is none, by the tool's name and
order. Ids come back in the same run (a cached answer repeats them, and some models count their calls in each chat): of
several calls with an id that of the same chat and thread is meant, and then that of the same arguments.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from operator import eq
from typing import Any

import re2

from ingest import facts
from ingest.ag2_logs import may_be
from ingest.events import Event, Where, milliseconds
from ingest.finder import Finder
from ingest.latest import MAX_HELD, keep_latest
from ingest.leaving import raised_at
from ingest.lines import decode, encode, text_length, unwrapped
from ingest.messages import ToolRequest, ToolResponse, plain_text, text_or_none
from ingest.repairs import FailedCalls
from ingest.runrows import RunRows, preview
from ingest.waiting import ENDED, RAN, REMEMBERED, REQUESTED, STARTED, ToolCall, Waiting

_SAYS_FAILED = re2.compile(
    r"^(?:Error: |Error executing tool [^\s:]+: |Traceback \(most recent call last\):"
    r"|(?:\w+\.)*[A-Z]\w*(?:Error|Exception): |exitcode: [1-9]\d* \(execution failed\))"
)
"""How the answer of a tool begins that raised, where nothing else tells: AG2's (also of one that is unknown or was
given bad JSON), MCP's, an exception as Python tells it, and code that a tool ran as AG2 tells it."""

_REFUSED = "USER INTERRUPTED"
"""AG2's answer to a call that a human did not let it make."""

MOST = 4096
"""Calls of a message that asks for very many, that are looked through where no id or name tells which is meant."""

MAX_PLACES = 200
"""Calls of a message that have places of their own, in the order in which it asks for them."""


LEAVING = frozenset({"SystemExit", "KeyboardInterrupt", "GeneratorExit", "asyncio.exceptions.CancelledError"})
"""Exceptions of tools of which AG2 makes no answer."""

MAX_WAITING = 16_384
"""Calls that wait for their answer. Of calls that nobody answers a run must not fill the memory."""

MAX_ANSWERED = 1024
"""Calls of which the answer is remembered, in case it comes again."""


class ToolLedger:
    """The calls of one run that are not answered yet."""

    def __init__(self, rows: RunRows, finder: Finder) -> None:
        self._finder = finder
        self._rows = rows
        self._all = Waiting()
        self._open: defaultdict[str, Waiting] = defaultdict(Waiting)
        """By id, or else name."""
        self._length = 0
        """Characters of them all, with arguments and results."""
        self._asked: Counter[str] = Counter()
        """How many calls wait for their answer, by chat."""
        self._running: defaultdict[str, dict[ToolCall, None]] = defaultdict(dict)
        """By name, in the order in which they were begun."""
        self._ended: defaultdict[tuple[str, str | None], dict[ToolCall, None]] = defaultdict(dict)
        """By chat and executor: calls that are over and that no message asked for."""
        self._guessed: dict[ToolCall, None] = {}
        """Calls that wait for their answer and have the result of a function that may have returned for another."""
        self._failed_calls = FailedCalls()
        self._heard_of = 0
        self._answered: dict[tuple[str, str], tuple[str, int]] = {}
        """By chat and id: name and hash of the answer of the calls that were answered last."""

    def _new(self, call_id: str | None, name: str, where: Where, number: int = 0, **known: Any) -> ToolCall:
        self._heard_of += 1
        key, order = f"{where.key}/{call_id or name}/{self._heard_of}", (self._heard_of - number, -number)
        return ToolCall(call_id, name, where, key, order, **known)

    def requested(
        self, request: ToolRequest, agent: str | None, turn: str, where: Where, number: int = 0, to: str | None = None
    ) -> None:
        """A message of `agent` asks for a call, the one of that number in it. `to`: who receives it."""
        arguments = unwrapped(request.arguments)
        # so that a handoff to its executor, and its turn, come after this one
        behind = where.at(where.position + 3 + min(number, MAX_PLACES))
        asked = {"agent": agent, "turn": turn, "around": where.parent, "asked_of": to, "arguments": arguments}
        self._put(self._new(request.call_id, request.name, behind, number, **asked))

    def started(self, fact: facts.ToolStarted, where: Where) -> None:
        """The executor began with it."""
        call = self._find(fact, REQUESTED, where) or self._new(fact.call_id, fact.name, where)
        call.state, call.started, call.executor, call.where = STARTED, where.time, fact.executor, where
        call.arguments = call.arguments if call.arguments is not None else fact.arguments
        self._running[call.name][call] = None
        self._put(call)

    def ended(self, fact: facts.ToolEnded, where: Where) -> Event | None:
        """The executor is through with it, or a function that AG2 wraps returned.

        Returns:
            The event, where nothing asked for the call and no answer will follow.
        """
        if fact.returned:
            call = self._running_call(fact, where) if fact.started is not None else self._returned(fact, where)
            if call is not None and fact.started is None:
                call.guessed = True
                self._guessed[call] = None
            if call is None:
                call = self._new(
                    fact.call_id, fact.name, where, executor=fact.executor, arguments=unwrapped(fact.arguments)
                )
                self._end(call, fact, where)
                return self._event(call)
        else:
            call = self._running_call(fact, where) or self._new(fact.call_id, fact.name, where)
        self._end(call, fact, where)
        self._put(call)
        return None

    def _running_call(self, fact: facts.ToolEnded, where: Where) -> ToolCall | None:
        """The call of that id and name that was begun, or else one that was asked for."""
        return self._find(fact, STARTED, where) or self._find(fact, REQUESTED, where)

    def _returned(self, fact: facts.ToolEnded, where: Where) -> ToolCall | None:
        """The call that a function's return belongs to.

        AG2 tells of the return with the function's own name, which need not be the tool's, or (its file logger) with
        none, and never with the id of the call. Calls that run at the same time differ in their arguments, or in whom
        they were asked of, which in a group is its manager.
        """
        latest = reversed(self._running.values())
        calls = [call for calls in latest for call in islice(reversed(calls), REMEMBERED)] or self._last()
        named = [call for call in calls if call.name == fact.name]
        waiting = [c for c in named or calls if not c.has_result and c.executor in (None, fact.executor)]
        asked = [c for c in waiting if fact.executor is not None and c.asked_of == fact.executor]
        arguments = unwrapped(fact.arguments)
        for are_same in (eq, may_be):
            for some in (asked, waiting):
                same = Waiting(call for call in some if are_same(arguments, call.arguments))
                if call := same.nearest(where, (RAN, REQUESTED)):
                    return call
        likely = asked or waiting
        return likely[0] if named and len(likely) == 1 else None

    def _end(self, call: ToolCall, fact: facts.ToolEnded, where: Where) -> None:
        if call.state == REQUESTED and not fact.returned:
            call.where = where  # refused, in its turn among those that were begun
        if fact.started is not None:
            call.measured, call.started, call.ended = True, fact.started, fact.ended
            call.failed, call.error = fact.failed, fact.error
            call.error_type, call.traceback = fact.error_type, fact.traceback
        elif not call.measured:
            call.ended = where.time
            if not call.has_result or not fact.returned:
                call.failed, call.error = fact.failed, fact.error
        if not (call.has_result and _is_text_of(fact.result, call.result)):
            call.result = fact.result
        call.has_result = True
        call.state = STARTED if fact.returned else ENDED  # after a return AG2 still sends its event
        if call.event_id is None and fact.ident is not None:
            call.event_id = self._rows.new_named_id(fact.ident)
        call.executor = call.executor or fact.executor
        call.arguments = call.arguments if call.arguments is not None else fact.arguments
        if not fact.returned:
            self._runs_no_more(call)
            if call.turn is None:
                call.ended_in = call.where.talk, call.executor
                self._ended[call.ended_in][call] = None

    def _runs_no_more(self, call: ToolCall) -> None:
        running = self._running.get(call.name, {})
        running.pop(call, None)
        if not running:
            self._running.pop(call.name, None)

    def answered(
        self, response: ToolResponse, executor: str | None, where: Where, to: str | None = None
    ) -> Event | None:
        """A message of `executor` carries the answer. `to`: who receives it.

        Returns:
            The event of the finished call; None where the call was finished with this answer before.
        """
        call = self._take(response, where, to)
        known, answer = (where.talk, response.call_id or ""), hash(text_or_none(response.content))
        if call is None:
            name, last = self._answered.get(known, ("", None))
            if last == answer:
                return None
            call = self._new(response.call_id, response.name or name, where, executor=executor)
        if call.guessed and not _is_text_of(response.content, call.result):
            call.has_result, call.executor = False, executor  # another call with these arguments returned that
        if not call.has_result:
            self._take_over(call, response)
        if not call.has_result:
            call.result, call.has_result, call.ended = response.content, True, where.time
            text = plain_text(response.content)
            is_refused = call.state == REQUESTED and text == _REFUSED
            call.failed = is_refused or _SAYS_FAILED.match(text) is not None
            call.error = text if call.failed else None
        call.executor = call.executor or executor
        if call.call_id:
            self._answered.pop(known, None)
            self._answered[known] = call.name, answer
            keep_latest(self._answered, MAX_ANSWERED)
        return self._event(call)

    def _take_over(self, call: ToolCall, response: ToolResponse) -> None:
        """What returned and was taken for another call with these arguments was this one, where its answer is that.
        The other one waits on."""
        for other in islice(self._guessed, REMEMBERED):
            if (other.name, other.arguments) == (call.name, call.arguments) and _is_text_of(
                response.content, other.result
            ):
                call.result, call.has_result, call.ended = other.result, True, other.ended
                call.failed, call.error, call.executor = other.failed, other.error, other.executor
                other.result, other.has_result, other.ended = None, False, None
                other.failed, other.error, other.executor = None, None, None
                other.guessed, other.state = False, REQUESTED
                del self._guessed[other]
                self._put(other)
                return

    def unrequested(self, executor: str | None, where: Where) -> list[Event]:
        """Calls that are over and that no message asked for: who now speaks in their chat made them itself."""
        calls = list(self._ended.get((where.talk, executor), ()))
        for call in calls:
            self._drop(call)
        return [self._event(call) for call in calls]

    def gave_up(self, fact: facts.Failed, talk: str) -> list[tuple[Event, str | None]]:
        """Calls that ended with an exception which AG2 makes no answer of, and which now leaves the chat `talk`."""
        line = raised_at(fact.traceback)
        calls = [
            call
            for call in self._all.calls
            if call.failed
            and (call.error_type, call.error) == (fact.error_type, fact.error)
            and (
                fact.error_type in LEAVING
                or (fact.ends_chat and call.where.talk == talk and line and line == raised_at(call.traceback))
            )
        ]
        for call in calls:
            self._drop(call)
        return [self._given_up(call) for call in calls]

    def overdue(self) -> list[tuple[Event, str | None]]:
        """The events of calls that are waited for no more because too many others do, each with the turn that asked
        for it: those that were heard of first."""
        overdue = []
        while len(self._all.calls) > MAX_WAITING or (self._length > MAX_HELD and len(self._all.calls) > 1):
            call = next(iter(self._all.calls))
            self._drop(call)
            overdue.append(self._given_up(call))
        return overdue

    def unanswered(self) -> Iterator[tuple[Event, str | None]]:
        """At the end of the run: the events of calls without an answer, each with the turn that asked for it."""
        calls = sorted(self._all.calls, key=lambda call: call.where.position)
        return map(self._given_up, calls)

    def _given_up(self, call: ToolCall) -> tuple[Event, str | None]:
        """The event of a call without an answer, and the turn that asked for it, which it is in wherever it ran."""
        event = self._event(call)
        if call.turn is not None:
            event.where = replace(call.where, parent=call.around)
        return event, call.turn

    def is_asked(self, talk: str) -> bool:
        """Whether a call of a chat waits for its answer."""
        return self._asked[talk] > 0

    def marked(self, action: Event, where: Where) -> None:
        """A call that the user's code marked: it may be a repair of another, or wait for one."""
        self._failed_calls.ended(action, where.talk, None, action.inputs)

    def forget(self) -> None:
        """What follows is another conversation."""
        self._all = Waiting()
        self._length = 0
        self._asked.clear()
        self._open.clear()
        self._running.clear()
        self._ended.clear()
        self._guessed.clear()
        self._answered.clear()
        self._failed_calls.forget()

    def _find(self, fact: facts.ToolStarted | facts.ToolEnded, state: str, where: Where) -> ToolCall | None:
        queue = self._open.get(_key(fact.call_id, fact.name))
        return queue.nearest(where, (state,), unwrapped(fact.arguments)) if queue else None

    def _take(self, response: ToolResponse, where: Where, asker: str | None) -> ToolCall | None:
        queue: Waiting | None = self._all  # as Mistral's tool messages are, without id and name
        if response.call_id is not None or response.name is not None:
            queue = self._open.get(_key(response.call_id, response.name or ""))
        call = queue.nearest(where, (RAN, REQUESTED), asker=asker) if queue else None
        if call is not None:
            self._drop(call)
        return call

    def _last(self) -> list[ToolCall]:
        """The last calls without an answer, of the message that asked last all, as far as they are looked through."""
        calls = list(islice(reversed(self._all.calls), MOST))
        return [call for number, call in enumerate(calls) if number < REMEMBERED or call.turn == calls[0].turn]

    def _put(self, call: ToolCall) -> None:
        """It waits for its answer, and this is what is known of it now."""
        self._all.put(call)
        self._open[_key(call.call_id, call.name)].put(call)
        # the id, or else the name, stands in the keys as well
        length = 3 * len(call.key) + len(call.name) + text_length(call.arguments) + text_length(call.result)
        length += len(call.error or "") + len(call.traceback or "")
        self._length += length - call.length
        call.length = length
        self._count(call, call.where.talk)

    def _drop(self, call: ToolCall) -> None:
        """Nothing is waited for any more."""
        key = _key(call.call_id, call.name)
        self._length -= call.length
        self._all.drop(call)
        self._open[key].drop(call)
        self._guessed.pop(call, None)
        if not self._open[key].calls:
            del self._open[key]
        self._runs_no_more(call)
        if call.ended_in is not None:
            ended = self._ended[call.ended_in]
            ended.pop(call, None)
            if not ended:
                del self._ended[call.ended_in]
            call.ended_in = None
        self._count(call, None)

    def _count(self, call: ToolCall, talk: str | None) -> None:
        """Count it as asked for in this chat, and in no other."""
        if call.asked_in is not None:
            self._asked[call.asked_in] -= 1
            if not self._asked[call.asked_in]:
                del self._asked[call.asked_in]
        if talk is not None:
            self._asked[talk] += 1
        call.asked_in = talk

    def _event(self, call: ToolCall) -> Event:
        result, name = text_or_none(call.result), call.name or None  # of an answer alone nobody knows the tool
        error_type, error = None, None
        if call.status == "failed":
            error_type, error = self._finder.error(call.error or result or "")
            error_type, error = call.error_type or error_type, call.error or error
        arguments = call.arguments if isinstance(call.arguments, dict) else {}
        event = self._rows.event(
            "tool_call",
            "invoked",
            call.where,
            event_id=call.event_id or self._rows.id("tool_call", call.key),
            agent=call.agent,
            status=call.status,
            started=call.started if call.started is not None else call.where.time,
            ended=call.ended,
            error=error,
            inputs={
                "tool": name,
                "args": call.arguments,
                "args_keys": list(arguments),
                "call_id": call.call_id,
            },
            outputs={"result": result, "result_preview": preview(result)},
            meta={
                "tool_name": name,
                "result_length": len(result) if result is not None else None,
                "executor": call.executor,
                "error_type": error_type,
                "requested_in": call.turn,
            },
        )
        if call.status != "completed":
            event.meta["args_hash"] = _hash(call.arguments)
        if call.traceback:
            event.meta["traceback"] = call.traceback
        self._failed_calls.ended(event, call.where.talk, call.turn, call.arguments)
        self._rows.add(
            "tool_calls",
            event.id,
            call.call_id,
            name,
            call.agent,
            call.executor,
            None if call.arguments is None else encode(call.arguments),
            result,
            call.status,
            error,
            event.started,
            milliseconds(call.started, call.ended),
        )
        return event


def _hash(arguments: Any) -> str | None:
    """First 16 hex digits of the SHA-256 of arguments, whatever the order of their names."""
    if arguments is None:
        return None
    if isinstance(arguments, dict):
        arguments = dict(sorted(arguments.items()))
    return sha256(encode(arguments).encode()).hexdigest()[:16]


def _is_text_of(text: Any, value: Any) -> bool:
    """Whether AG2 made this text of a tool's value, which then says more: `str` of it, or JSON."""
    if not isinstance(text, str) or isinstance(value, str):
        return bool(text == value)
    try:
        return text == str(value) or decode(text.encode())[0] == value
    except ValueError:
        return False


def _key(call_id: str | None, name: str) -> str:
    return f"id {call_id}" if call_id is not None else f"name {name}"
