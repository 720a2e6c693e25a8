"""The failures of one run, each counted once, however often AG2 and the user tell of it."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ingest.events import UNSPOKEN, Event
from ingest.latest import keep_latest
from ingest.leaving import raised_at

MOST = 64
"""Failed calls and executions, actions and steps, the last ones, that an exception may come from."""

_RAISE = frozenset({"llm_call", "tool_call", "code_exec"})
"""Types of events whose exception may leave the chat, and is then told again by an `error` event."""

_TELL = frozenset({"error", "tool_call"})
"""Types of events that may tell of a failure also where they have not failed themselves."""

_Raised = tuple[str | None, str | None]
"""Type and message of an exception."""


class _Action(NamedTuple):
    """An action that the user marked, or the exception that ended a step.

    Attributes:
        raised: the exception that ended it, or None.
        counted: what counts as the failure: itself, or one inside it; None where it is none of these.
        name: what an action is called.
        fixes: what it fixes, see `ingest.repairs`.
    """

    id: str
    raised: _Raised | None
    counted: str | None
    name: str | None = None
    fixes: Sequence[Any] = ()


class Failures:
    """Finds out which failures are told of twice.

    The exception of a failed call that leaves a chat is the same one, and so are a file not written, what the user
    marks as a failure with words of his own, and the actions that an exception leaves.

    Attributes:
        count: failures, each once.
        told_later: fields of `meta` that are known only after an event was added, by the event's id. `echoed_by` is the
            error that tells of it once more, of several the first; `echo_of` the call in which it failed, and which its
            exception ended; `marks` the call whose only action of its name it is, unless that alone failed.
    """

    def __init__(self) -> None:
        self.count = 0
        self.told_later: dict[str, dict[str, str]] = {}
        self._unmarked: dict[str, str] = {}
        """By message the last failure of which the user has not said that it is one."""
        self._last: dict[tuple[str, str | None, str], Event] = {}
        """By type, agent and chat the last event of that type, where it failed."""
        self._left: dict[str, _Raised] = {}
        """By id of an action or call that failed, and in which nothing had failed with it yet: its exception."""
        self._actions: defaultdict[str, deque[_Action]] = defaultdict(lambda: deque(maxlen=MOST))
        """By what is around them the last actions, and exceptions of steps, until that is over itself."""

    def may_raise(self, event: Event) -> bool:
        """Note how something ended. Gives whether it failed, so that exceptions may be told of that came from it."""
        if event.type not in _RAISE:
            return False
        of = event.type, event.agent, event.where.talk
        self._last.pop(of, None)
        if event.status != "failed" or not event.error:
            return False
        self._last[of] = event
        keep_latest(self._last, MOST)
        return True

    def take(self, event: Event) -> None:
        """Take in an event that is about to be added, and say in its `meta` what failure it tells of once more."""
        inside = self._actions.pop(event.id, ())
        if event.subtype == UNSPOKEN:  # of the exception that ended it an error tells
            return
        if event.status != "failed" and event.type not in _TELL and event.subtype != "action" and not inside:
            return  # as most do
        around = event.where.action or event.where.parent
        if event.type == "error" and event.subtype == "action":
            if (marked := self._marked(event)) is not None:
                self._note_echo(event, marked)
        else:
            if event.type == "error" and "echo_of" in event.meta:
                self.later(event.meta["echo_of"], "echoed_by", event.id)
            elif event.type == "error" and (cause := self._cause(event)) is not None:
                self._note_echo(event, cause.id)
                if cause.type != "llm_call" or event.agent is None:  # of an agent's turn the call is a part
                    event.where = replace(event.where, parent=cause.id)
            self._may_be_marked(event)
        if event.subtype == "action":
            self._note_action(event, inside, around)
        elif inside or event.type == "tool_call":
            self._end_actions(event, inside)
        elif event.type == "llm_call" and event.status == "failed":
            self._note_call(event, around)
        elif event.type == "error":
            counted = event.meta.get("echo_of", event.id)
            self._note_inside(around, _Action(event.id, (event.meta.get("error_type"), event.error), counted))
        if event.status == "failed" and "echo_of" not in event.meta and event.type != "file_gen":
            self.count += 1

    def _note_call(self, call: Event, around: str | None) -> None:
        """An LLM call failed. The agent that made it may speak only after the tool which that exception ended too."""
        error_type = call.meta.get("error_type")
        raised = error_type, str(call.error).removeprefix(f"{error_type}: ")
        if self._left.get(around or "") == raised:
            del self._left[around or ""]
            call.meta["echo_of"] = around
        else:
            self._note_inside(around, _Action(call.id, raised, call.id))

    def _leaves(self, event: Event, raised: _Raised) -> None:
        self._left[event.id] = raised
        keep_latest(self._left, MOST)

    def _note_action(self, action: Event, inside: Sequence[_Action], around: str | None) -> None:
        """What an action failed with may come from one inside it, or from what AG2 did in it."""
        raised, counted = None, None
        if action.status == "failed" and action.type != "error" and action.meta.get("error_type") is not None:
            raised, counted = (action.meta["error_type"], action.error), action.id
            if (inner := _last_of(inside, raised)) is not None:
                counted = inner.counted
                action.meta["echo_of"] = inner.counted or inner.id
            elif (cause := self._cause(action, action.started)) is not None:
                counted = action.meta["echo_of"] = cause.id
            else:
                self._leaves(action, raised)
        name, fixes = str(action.meta.get("action_name")), action.meta.get("fixes") or ()
        self._note_inside(around, _Action(action.id, raised, counted, name, fixes))

    def _note_inside(self, around: str | None, action: _Action) -> None:
        """Note it until what is around it is over."""
        if around is not None:
            self._actions[around].append(action)
            keep_latest(self._actions, MOST)

    def _end_actions(self, event: Event, inside: Sequence[_Action]) -> None:
        """A call is over, and the actions and steps in it: its exception ended the last of them before."""
        raised = (event.meta.get("error_type"), event.error) if event.status == "failed" else None
        last = _last_of(inside, raised) if raised is not None else None
        if last is not None and last.counted is not None and "echo_of" not in self.told_later.get(last.counted, {}):
            self.later(last.counted, "echo_of", event.id)
            self.count -= 1
        elif raised is not None and last is None and event.type == "tool_call":
            self._leaves(event, raised)
        alike = [action for action in inside if action.name == event.meta.get("tool_name")]
        if event.type == "tool_call" and len(alike) == 1 and alike[0].raised in (None, raised):
            self.later(alike[0].id, "marks", event.id)
            if alike[0].fixes and event.status == "completed":
                event.meta["fixes"] = [*event.meta.get("fixes", ()), *alike[0].fixes]

    def _cause(self, error: Event, since: int | None = None) -> Event | None:
        """The failed event whose exception an error tells of once more, or an action; of that `since` is the start."""
        causes = [
            event
            for event in reversed(self._last.values())
            if event is not error
            and (since is None or (event.ended is not None and event.ended >= since))
            and (error.subtype != "action" or event.where.action in (None, error.id))
            and _is_told_by(event, error)
        ]
        return next((event for event in causes if event.where.talk == error.where.talk), next(iter(causes), None))

    def _may_be_marked(self, event: Event) -> None:
        if event.status == "failed" and event.error and event.type != "file_gen":
            self._unmarked[event.error] = event.id
            keep_latest(self._unmarked, MOST)

    def _marked(self, error: Event) -> str | None:
        """The failure that the user marks with an error of his own, by its message, with or without what was raised."""
        kind = error.meta.get("action_name")
        words = (f"{kind}: {error.error}", error.error)
        same = (known for known in reversed(self._unmarked) if known in words or known.endswith(f".{words[0]}"))
        return self._unmarked.pop(next(same, ""), None) if error.error else None

    def _note_echo(self, error: Event, failure_id: str) -> None:
        error.meta["echo_of"] = failure_id
        self.later(failure_id, "echoed_by", error.id)

    def later(self, event_id: str, field: str, value: str) -> None:
        """Note what an event's `meta` is to have, which may have been added."""
        self.told_later.setdefault(event_id, {}).setdefault(field, value)


def _last_of(actions: Sequence[_Action], raised: _Raised) -> _Action | None:
    """The last one that this exception ended: before it they may have failed with equal words, and been tried again."""
    return next((action for action in reversed(actions) if action.raised == raised), None)


def _is_told_by(event: Event, error: Event) -> bool:
    """Whether the exception that an error, or an action that failed, tells of may be that of a failed event."""
    error_type = error.meta.get("error_type")
    words = error.error, ": ".join(part for part in (error_type, error.error) if part)
    if event.error in words and event.meta.get("error_type") in (None, error_type):
        lines = {raised_at(failure.meta.get("traceback")) for failure in (event, error)} - {None}
        return len(lines) < 2  # else it was raised somewhere else
    if event.agent != error.agent:
        return False
    # what AG2 logs in place of a response, where nobody recorded the exception
    if str(event.error).startswith("error_code:"):
        return True
    # AG2 raises an exception of its own for a client's APITimeoutError
    return event.type == "llm_call" and _timed_out(event) and _timed_out(error)


def _timed_out(event: Event) -> bool:
    return str(event.meta.get("error_type")).endswith("TimeoutError")
