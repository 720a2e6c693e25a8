"""Tools that AG2 runs: what they were given, what they returned or raised, when, and how long it took.

No extension point of AG2 tells that. Its runtime logger hears only of functions that returned, and only of those that
AG2 wrapped; its events carry no time, and of an exception only its text, because `execute_function` catches it. So
where `execute_function` looks up what to run, it finds a watched form of it. `_function_map` belongs to each agent,
also to those made long before the run, so it is read through the class; no agent's own map is ever changed.
"""

import contextlib
import functools
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from autogen.fast_depends.utils import is_coroutine_callable

from capture import active, encode, format
from capture.active import Scope
from capture.agents import name_of
from capture.chats import turn_here
from capture.logger import call_here, meet
from capture.messages import listening, unlisten
from capture.stream import failed

MAP = "_function_map"
UNKNOWN: Any = object()


class Call:
    """A function or tool that an agent is about to run, or runs.

    Attributes:
        agent: who runs it.
        name: what it was called by.
        call_id: the id that the model gave the call, or None.
        id: what is recorded inside points at it by this; None where nothing was.
        result: what it returned, before AG2 made text of it; `UNKNOWN` where nobody said.
    """

    __slots__ = ("agent", "begun", "call_id", "function", "id", "name", "result")

    def __init__(self, agent: Any, name: Any, call_id: Any) -> None:
        self.agent = agent
        self.name = name
        self.call_id = call_id
        self.function: Any = None
        self.id: str | None = None
        self.result: Any = UNKNOWN
        self.begun = 0

    def is_of(self, function: Any) -> bool:
        """Whether this is the function that runs: AG2 wraps it, and logs it as it was."""
        return function is self.function or function is getattr(self.function, "_origin", None)

    def ended(self, arguments: Any, result: Any, error: BaseException | None) -> None:
        """Writes the record."""
        ended = time.time_ns()
        scope = active.scope()
        if scope is None:
            return
        try:
            meet(scope, self.agent)
            fields: dict[str, Any] = {
                "name": self.name,
                "call_id": self.call_id,
                "arguments": arguments,
                "result": result if self.result is UNKNOWN else self.result,
                "status": "ok" if error is None else "error",
                "started": self.begun,
                "ended": ended,
            }
            if self.id is not None:
                fields["id"] = self.id
            if error is not None:
                fields["error"] = encode.error_fields(error)
            scope.run.write(format.FUNCTION_CALL, fields, scope, agent=name_of(self.agent))
        except Exception as problem:
            failed(scope.run, problem)


class _Told(threading.local):
    """The call whose function this thread is about to look up."""

    call: Call | None = None


_told = _Told()


class FunctionMap:
    """In the place of `ConversableAgent._function_map`: the agent's own map, or the one with a watched function."""

    def __get__(self, agent: Any, owner: type | None = None) -> Any:
        if agent is None:
            return self
        try:
            held = agent.__dict__[MAP]
        except KeyError:
            raise AttributeError(MAP) from None
        call = _told.call
        if call is None or call.agent is not agent:
            return held
        _told.call = None
        function = held.get(call.name)
        return held if function is None else {**held, call.name: _watched(function, call)}

    def __set__(self, agent: Any, value: Any) -> None:
        agent.__dict__[MAP] = value

    def __delete__(self, agent: Any) -> None:
        del agent.__dict__[MAP]


def execute_function(before: Callable[..., Any], watch: Callable[[], None]) -> Callable[..., Any]:
    """What takes the place of `ConversableAgent.execute_function`. `watch` has the agents' maps looked into."""

    @functools.wraps(before)
    def execute_function(self: Any, func_call: Any, call_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        _told.call = _call(self, func_call, call_id, watch)
        token = turn_here.set(name_of(self))
        try:
            return before(self, func_call, call_id, *args, **kwargs)
        finally:
            turn_here.reset(token)
            _told.call = None

    return execute_function


def a_execute_function(before: Callable[..., Any], watch: Callable[[], None]) -> Callable[..., Any]:
    """What takes the place of `ConversableAgent.a_execute_function`, which looks the function up before it waits."""

    @functools.wraps(before)
    async def a_execute_function(self: Any, func_call: Any, call_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        _told.call = _call(self, func_call, call_id, watch)
        token = turn_here.set(name_of(self))
        try:
            return await before(self, func_call, call_id, *args, **kwargs)
        finally:
            turn_here.reset(token)

    return a_execute_function


def _call(agent: Any, func_call: Any, call_id: Any, watch: Callable[[], None]) -> Call | None:
    name = func_call.get("name", "") if isinstance(func_call, dict) else None
    if not isinstance(name, str) or active.scope() is None:
        return None
    watch()
    return Call(agent, name, call_id)


@contextlib.contextmanager
def _running(call: Call) -> Iterator[None]:
    """While a function runs: what AG2 logs of it, its result before that is made text, belongs to this call."""
    token = call_here.set(call)
    inside = None
    try:
        listening.append(call)
        inside = _inside(call)
        yield
    finally:
        _outside(inside)
        unlisten(call)
        call_here.reset(token)


def _inside(call: Call) -> tuple[Scope | None, Scope] | None:
    """Makes what is recorded from here on point at the call. Gives what was in force before, and what is now."""
    around = active.scope()
    if around is None or around is around.run.stray or format.FUNCTION_CALL in around.run.skip:
        return None
    call.id = around.run.next_id("call")
    before = active.scope_here.get()
    here = Scope(around.run, around.step_id, around.node_id, call.id, chat=around.chat)
    active.scope_here.set(here)
    return before, here


def _outside(inside: tuple[Scope | None, Scope] | None) -> None:
    """Puts back what was in force, but for a step or node that the function set with `Run.context`, or another run."""
    if inside is None:
        return
    before, ours = inside
    here = active.scope_here.get()
    if here is None or here.run is not ours.run:
        return
    active.scope_here.set(before)
    if here.parent == ours.parent and (here.step_id, here.node_id) != (ours.step_id, ours.node_id):
        here.run.context(step_id=here.step_id or "", node_id=here.node_id or "")


def _watched(function: Any, call: Call) -> Any:
    """A function that does the same, and is recorded. One that returns something to await is over when that is."""
    call.function = function

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        call.begun = time.time_ns()
        result = None
        try:
            with _running(call):
                result = function(*args, **kwargs)
        except BaseException as error:
            call.ended(kwargs, None, error)
            raise
        if inspect.isawaitable(result):
            return awaited(result, kwargs)
        call.ended(kwargs, result, None)
        return result

    async def awaited(result: Awaitable[Any], kwargs: dict[str, Any]) -> Any:
        try:
            with _running(call):
                value = await result
        except BaseException as error:
            call.ended(kwargs, None, error)
            raise
        call.ended(kwargs, value, None)
        return value

    @functools.wraps(function)
    async def a_run(*args: Any, **kwargs: Any) -> Any:
        call.begun = time.time_ns()
        return await awaited(function(*args, **kwargs), kwargs)

    # as AG2 asks: a coroutine function is run in a loop, another one is called
    return a_run if is_coroutine_callable(function) else run
