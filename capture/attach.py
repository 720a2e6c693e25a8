"""Puts the recorder into AG2 when the first run starts, and takes it out when the last one ends.

AG2 has two official places for it, the global default IOStream and the runtime logger, and both are used. What does
not go through them is reached by replacing a function, each with its reason beside it:

- `IOStream.get_default`: a stream that user code sets after the start (`set_default`, `set_global_default`) would
  otherwise end the recording.
- `ThreadIOStream`, `AsyncThreadIOStream`: `run()`, `a_run()` and `run_group_chat()` send to such a private stream.
- `ConversableAgent._process_received_message`, and `log_event` and `logging_enabled` in AG2's agent module: AG2 logs a
  message without saying whether an event with the same words follows, and much that nobody records
  (`capture/messages.py`).
- `ConversableAgent.__init__`: the agent module being told that nobody listens, it does not log new agents.
- `ConversableAgent.execute_function`, `a_execute_function` and, once one was called, the `_function_map` that they look
  into: AG2 tells of a tool that raised only in words, and of none when it ran (`capture/tools.py`).
- `initiate_chat`, `a_initiate_chat` and `a_initiate_chats`: AG2 tells neither where a chat begins and ends nor in
  whose turn, and gives its result to nobody but the caller (`capture/chats.py`).
- `execute_code_blocks` of agents and executors, and the `_code_executor` by which AG2 finds one: AG2 tells neither
  what code it runs nor when it was over (`capture/code.py`).
- `OpenAIWrapper.create`, and `create` of its clients: of an LLM call that failed AG2 logs an error code at most, and of
  one that timed out or was interrupted nothing (`capture/attempts.py`).
- `runtime_logging.start` and `stop`: they would take the recorder's logger away.
- `Thread.start` and `ThreadPoolExecutor.submit`: context variables do not follow into threads, and AG2 makes LLM
  calls in a pool that several chats share.
- `create_task` of asyncio's event loops: into a task context variables follow, but not the stack, by which is told in
  whose turn a chat is opened.
"""

import atexit
import contextlib
import functools
import importlib
import inspect
import logging
import os
import threading
from asyncio import BaseEventLoop
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import autogen.runtime_logging
from autogen.agentchat import conversable_agent
from autogen.agentchat.conversable_agent import ConversableAgent
from autogen.events.base_event import get_event_classes
from autogen.io.base import IOStream
from autogen.io.thread_io_stream import AsyncThreadIOStream, ThreadIOStream
from autogen.oai.client import OpenAIWrapper

from capture import active, attempts, chats, code, launch, messages, tools
from capture.logger import JournalLogger, new_agent
from capture.run import Run
from capture.stream import AsyncJournalStream, JournalStream, behind, record_event, record_input

log = logging.getLogger("capture")
runtime_logging: Any = autogen.runtime_logging
OURS = (JournalStream, ThreadIOStream, AsyncThreadIOStream)
"""Streams that record by themselves."""

NOTHING: Any = object()

_lock = threading.RLock()
_attached = False
_put: list[tuple[Any, str, Any, Any]] = []
"""What was replaced: owner, name, what was there, what is there now."""
_behind: dict[tuple[Any, str], tuple[Any, Any]] = {}
"""What of ours is still there, behind what somebody else put around it: what was there before it, and ours."""
_watched: set[tuple[type, str]] = set()
"""Classes of executors and LLM clients that are watched, with the method."""


def acquire(run: Run) -> None:
    """Attaches, if no run is on yet."""
    global _attached
    with _lock:
        run.default_stream = behind(IOStream.get_default())
        if not _attached:
            _detach()  # what an interrupt left
            _attach()
            _attached = True


def event_types() -> set[str]:
    """Types of the events that AG2 has, and of those that user code has made with `wrap_event`."""
    with contextlib.suppress(ImportError):  # the one module that AG2 does not import by itself
        importlib.import_module("autogen.agentchat.group.safeguards.events")
    return set(get_event_classes())


def release() -> None:
    """Detaches, if no run is on any more."""
    global _attached
    with _lock:
        if not active.any_run():
            _attached = False
            _detach()


def _attach() -> None:
    _replace(IOStream, "_global_default", lambda stream: None if stream is None else _over(stream))
    _replace(IOStream, "get_default", lambda _: staticmethod(_get_default(IOStream.get_default)))
    for private in (ThreadIOStream, AsyncThreadIOStream):
        _replace(private, "send", _private_send)
    _replace(ThreadIOStream, "input", _private_input)
    _replace(AsyncThreadIOStream, "input", _private_async_input)
    # set by hand, because runtime_logging.start would be followed by a stop, and that would stop the user's logger
    was_on = runtime_logging.is_logging
    _replace(runtime_logging, "autogen_logger", lambda users: JournalLogger(users, was_on))
    _replace(runtime_logging, "is_logging", lambda _: True)
    _replace(runtime_logging, "start", _logging_start)
    _replace(runtime_logging, "stop", _logging_stop)
    _replace(conversable_agent, "log_event", messages.log_event)
    _replace(conversable_agent, "logging_enabled", messages.logging_enabled)
    _replace(ConversableAgent, "_process_received_message", messages.process_received_message)
    _replace(ConversableAgent, "__init__", _agent_made)
    messages.user_listens(was_on)
    _replace(ConversableAgent, "execute_function", lambda before: tools.execute_function(before, _watch_tools))
    _replace(ConversableAgent, "a_execute_function", lambda before: tools.a_execute_function(before, _watch_tools))
    _replace(ConversableAgent, "initiate_chat", chats.initiate_chat)
    _replace(ConversableAgent, "a_initiate_chat", chats.a_initiate_chat)
    _replace(conversable_agent, "a_initiate_chats", chats.a_initiate_chats)
    _replace(ConversableAgent, code.METHOD, code.by_agent)
    _replace(ConversableAgent, "run_code", code.run_code)
    _put_in_front(ConversableAgent, code.EXECUTOR, code.CodeExecutor(_watch_executor))
    for kind in code.of_ag2():
        _watch_executor(kind)
    _replace(OpenAIWrapper, attempts.METHOD, lambda before: attempts.create(before, _watch_client))
    _replace(BaseEventLoop, "create_task", chats.create_task)
    _replace(threading.Thread, "start", _thread_start)
    _replace(ThreadPoolExecutor, "submit", _submit)


def _detach() -> None:
    """Puts back what was replaced. What an interrupt cuts short can be done again."""
    ours = runtime_logging.autogen_logger
    if isinstance(ours, JournalLogger):
        runtime_logging.autogen_logger, runtime_logging.is_logging = ours.user, ours.user_is_on
    while _put:
        owner, name, before, now = _put[-1]
        if vars(owner).get(name) is now:
            delattr(owner, name) if before is NOTHING else setattr(owner, name, before)
        elif callable(now):
            # what somebody else has put around ours stays; ours does nothing without a run
            _behind[owner, name] = (before, now)
        _put.pop()
    IOStream._global_default = behind(IOStream._global_default)
    messages.user_listens(False)
    _watched.clear()


def _replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Puts what `make` makes of it in the place of an attribute.

    Where a new AG2 has moved the attribute, the rest still works, and a test of this project fails.
    """
    if name not in vars(owner):
        log.warning("capture: this AG2 has no %s.%s; some of what it does is not recorded", owner.__name__, name)
        return
    there = vars(owner)[name]
    earlier = _behind.pop((owner, name), None)
    if earlier is not None and _reaches(there, earlier[1]):
        _put.append((owner, name, *earlier))
        return
    now = make(there)
    _put.append((owner, name, there, now))
    setattr(owner, name, now)


def _reaches(function: Any, ours: Any, depth: int = 5) -> bool:
    """Whether a function is ours, or a wrapper around it: a second one would record everything twice."""
    if function is ours:
        return True
    inner = [getattr(function, name, None) for name in ("__wrapped__", "__func__", "func")]
    inner += [cell.cell_contents for cell in getattr(function, "__closure__", None) or () if _is_full(cell)]
    return depth > 0 and any(_reaches(f, ours, depth - 1) for f in inner if callable(f))


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _put_in_front(owner: type, name: str, now: Any) -> None:
    """Gives a class a descriptor of that name, through which attributes of its instances are reached."""
    if name in vars(owner):
        log.warning("capture: this AG2 has %s.%s; some of what it does is not recorded", owner.__name__, name)
        return
    _put.append((owner, name, NOTHING, now))
    setattr(owner, name, now)


def _watch_tools() -> None:
    """Puts itself in front of the agents' maps of functions, when the first is run.

    Not before: `__dict__` is what a descriptor reads, and Python 3.11 and 3.12 are slow ever after with the attributes
    of an object that was once asked for its `__dict__`: every message cost as much again as recording it.
    """
    if tools.MAP not in vars(ConversableAgent):
        with _lock:
            if tools.MAP not in vars(ConversableAgent) and _put:
                _put_in_front(ConversableAgent, tools.MAP, tools.FunctionMap())


def _watch_executor(kind: type) -> None:
    """Watches a class of executors, once."""
    _watch(kind, code.METHOD, code.by_executor)


def _watch_client(kind: type) -> None:
    """Watches a class of LLM clients, once."""
    _watch(kind, attempts.METHOD, attempts.by_client)


def _watch(kind: type, method: str, make: Callable[[Any], Any]) -> None:
    owner = next((base for base in kind.__mro__ if method in vars(base)), None)
    if owner is None or (owner, method) in _watched:
        return
    with _lock:
        if (owner, method) in _watched or not _put:
            return
        _watched.add((owner, method))
        there = vars(owner)[method]
        if callable(there) and inspect.isroutine(there) and not isinstance(there, (staticmethod, classmethod)):
            try:
                _replace(owner, method, make)
            except (AttributeError, TypeError) as error:  # a class that takes no other attributes
                log.debug("capture: %s.%s is not watched: %s", owner.__qualname__, method, error)


def _over(stream: Any) -> JournalStream:
    """A recording stream in front of another."""
    kind = AsyncJournalStream if inspect.iscoroutinefunction(getattr(stream, "input", None)) else JournalStream
    recording = kind.__new__(kind)
    recording.forward = behind(stream)
    return recording


def _get_default(before: Callable[[], Any]) -> Callable[[], Any]:
    made: tuple[Any, JournalStream | None] = (None, None)
    in_context = IOStream._default_io_stream

    def get_default() -> Any:
        nonlocal made
        # what AG2's own does, short of the context manager that it makes for every event and never enters
        stream = in_context.get()
        if stream is None:
            stream = IOStream._global_default
        if stream is None:
            return before()
        if type(stream) is JournalStream or isinstance(stream, OURS) or not active.any_run():
            return stream
        # user code may compare what it gets with what it got, so the same stream is given again; one look at `made`,
        # which another thread may change
        users, recording = made
        if users is not stream:
            recording = _over(stream)
            made = (stream, recording)
        return recording

    return get_default


def _private_send(before: Callable[..., None]) -> Callable[..., None]:
    def send(self: Any, message: Any) -> None:
        scope = active.scope()
        if scope is not None:
            record_event(scope, message)
        before(self, message)

    return send


def _private_input(before: Callable[..., str]) -> Callable[..., str]:
    def input(self: Any, prompt: str = "", *, password: bool = False) -> str:
        answer = before(self, prompt, password=password)
        scope = active.scope()
        if scope is not None:
            record_input(scope, prompt, password, answer)
        return answer

    return input


def _private_async_input(before: Callable[..., Any]) -> Callable[..., Any]:
    async def input(self: Any, prompt: str = "", *, password: bool = False) -> str:
        answer: str = await before(self, prompt, password=password)
        scope = active.scope()
        if scope is not None:
            record_input(scope, prompt, password, answer)
        return answer

    return input


def _agent_made(before: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(before)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        before(self, *args, **kwargs)
        new_agent(self)

    return made


def _logging_start(before: Callable[..., str]) -> Callable[..., str]:
    def start(*args: Any, **kwargs: Any) -> str:
        session = before(*args, **kwargs)
        users = runtime_logging.autogen_logger
        if active.any_run() and not isinstance(users, JournalLogger):
            runtime_logging.autogen_logger = JournalLogger(users, runtime_logging.is_logging)
            messages.user_listens(runtime_logging.is_logging)
            runtime_logging.is_logging = True
        return session

    return start


def _logging_stop(before: Callable[[], None]) -> Callable[[], None]:
    def stop() -> None:
        before()
        ours = runtime_logging.autogen_logger
        if active.any_run() and isinstance(ours, JournalLogger):
            ours.user_is_on = False
            messages.user_listens(False)
            runtime_logging.is_logging = True

    return stop


def _thread_start(before: Callable[..., None]) -> Callable[..., None]:
    def start(self: threading.Thread) -> None:
        scope = active.known()
        if scope is not None:
            try:
                setattr(self, active.MARK, scope)
                setattr(self, active.TURN, chats.turn_around())
            except Exception as error:  # a thread class that takes no such attributes
                log.debug("capture: %r has no mark: %s", type(self).__name__, error)
        before(self)

    return start


def _submit(before: Callable[..., Any]) -> Callable[..., Any]:
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if not active.any_run():
            return before(self, fn, *args, **kwargs)
        return before(self, active.Carried(fn, active.known(), chats.turn_around()), *args, **kwargs)

    return submit


def _forked() -> None:
    """In a forked child: the journals are the parent's, and the child starts with a clean AG2."""
    global _lock, _attached
    _lock = threading.RLock()
    active.forked()
    _attached = False
    _detach()


def _at_exit() -> None:
    launch.close_all(launch.uncaught())


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
