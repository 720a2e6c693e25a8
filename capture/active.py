"""Which run a call belongs to.

A run is the current one in the context (thread or asyncio task) that started it, in the tasks made there, in threads
started from there and in calls handed to a thread pool from there. `Scope` is what travels: the run and the step
around. Where none of that leads to a run, the call is still recorded, marked as not attributed.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from capture import encode

if TYPE_CHECKING:
    from capture.run import Run

EVENT: Final = b'"kind":"event"%b,"event":'
"""What the record of an event begins with, after `ts`, around the fields that say where it belongs."""
MARK = "_capture_scope"
"""Attribute of a thread that holds the scope it was started from."""
TURN = "_capture_turn"
"""Attribute of a thread: name of the agent in whose turn it was started, or was given the call that it is at."""


class Scope:
    """A run, and the step and action around a call. Never changes.

    Attributes:
        run: the run.
        step_id: the step around, or None.
        node_id: the workflow node around, or None.
        parent: `id` of the step or action around, or None.
        chat: `id` of the chat around, where it is a nested one or one of several at a time, or None.
        fields: these as JSON, ready to be put into a record.
        event: what the record of an event here begins with: most records are one.
        base: True for the run's own scope, outside any step.
    """

    __slots__ = ("base", "chat", "event", "fields", "node_id", "parent", "run", "step_id")

    def __init__(
        self,
        run: "Run",
        step_id: str | None = None,
        node_id: str | None = None,
        parent: str | None = None,
        *,
        chat: str | None = None,
        base: bool = False,
        attributed: bool = True,
    ) -> None:
        self.run = run
        self.step_id = step_id
        self.node_id = node_id
        self.parent = parent
        self.chat = chat
        self.base = base
        named = {"step_id": step_id, "node_id": node_id, "parent": parent, "in_chat": chat}
        fields: dict[str, Any] = {key: value for key, value in named.items() if value is not None}
        if not attributed:
            fields["attributed"] = False
        self.fields = b"," + encode.to_json(fields)[0][1:-1] if fields else b""
        self.event = EVENT % self.fields


class _Nobody:
    """In the place of a run where there is none."""

    is_open = False
    outer = None


NOWHERE: Final = Scope(cast("Run", _Nobody()))
"""Where a call came from that belongs to no run: not to that of the thread that does it either."""
scope_here: ContextVar[Scope | None] = ContextVar("capture_scope", default=None)
_open: list["Run"] = []
pairs: dict[tuple[int, int], Any] = {}
"""Pairs of agents that the only run knows, by identity; none where more runs are on, or it leaves records out."""
silent: list["Run"] = []
"""Runs that are on and not recorded: `AG2_CAPTURE=0`, or not in the sample."""
_changing = threading.RLock()


def scope() -> Scope | None:
    """The scope that a call made here and now belongs to, or None where no run is on."""
    here = scope_here.get()
    if here is not None and here.run.is_open:
        return here.run.base if here.base else here
    if not _open:
        return None
    found = known()
    if found is not None:
        return found
    try:
        return _open[-1].stray
    except IndexError:  # closed by another thread just now
        return None


def known() -> Scope | None:
    """As `scope`, but None where the run can't be told for sure."""
    carried = scope_here.get()
    if carried is NOWHERE:
        return None
    for here in (carried, getattr(threading.current_thread(), MARK, None), _of_thread()):
        run = here.run if here is not None else None
        while run is not None and not run.is_open:
            run = run.outer
        if run is not None:
            return here if here is not None and here.run is run and not here.base else run.base
    return None


def _of_thread() -> Scope | None:
    """The latest run started in this thread, outside any task: a notebook's cells do not share a context."""
    for run in reversed(_open):
        if run.is_of_this_thread() and (run.task is None or in_notebook()):
            return run.base
    return None


def opened(run: "Run") -> None:
    """Adds a run to those that are on."""
    with _changing:
        _open.append(run)
        _note_pairs()


def _note_pairs() -> None:
    global pairs
    only = _open[0] if len(_open) == 1 else None
    pairs = {} if only is None or only.skip else only.agents.pairs


def closed(run: "Run") -> None:
    """Takes a run from those that are on, and makes the one around it the current one here."""
    with _changing:
        if run in _open:
            _open.remove(run)
        _note_pairs()
        if run in silent:
            silent.remove(run)
    here = scope_here.get()
    if here is not None and here.run is run:
        outer = run.outer
        scope_here.set(outer.base if outer is not None and outer.is_open else None)


def any_run() -> bool:
    """Whether any run is on."""
    return bool(_open)


def runs() -> list["Run"]:
    """The runs that are on, oldest first."""
    return list(_open)


def to_end(task: "asyncio.Task[Any] | None") -> "Run | None":
    """The run that a start in this thread and task ends: one that is not in a `with`."""
    for run in reversed(_open):
        if run.is_of_this_thread() and (in_notebook() or run.task is task) and not run.entered:
            return run
    return None


def task_here() -> "asyncio.Task[Any] | None":
    """The asyncio task that runs here, if any."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def in_notebook() -> bool:
    """Whether this is an IPython session: there a later cell is what elsewhere would be a later line."""
    import sys

    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


class Carried:
    """A call handed to a thread pool, which takes along where it was handed over.

    Args:
        call: what is to be called.
        scope: the scope there.
        turn: name of the agent in whose turn that was, or None.
    """

    __slots__ = ("call", "scope", "turn")

    def __init__(self, call: Callable[..., Any], scope: Scope | None, turn: str | None) -> None:
        self.call = call
        self.scope = scope
        self.turn = turn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = scope_here.set(self.scope or NOWHERE)
        worker = threading.current_thread()
        before = getattr(worker, TURN, None)
        try:
            setattr(worker, TURN, self.turn)
            return self.call(*args, **kwargs)
        finally:
            setattr(worker, TURN, before)
            scope_here.reset(token)


def forked() -> None:
    """Leaves all runs to the parent process, without a word in their journals."""
    global _changing
    _changing = threading.RLock()
    for run in _open:
        run.forked()
    _open.clear()
    _note_pairs()
    silent.clear()
    scope_here.set(None)
