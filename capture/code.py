"""Code that AG2 runs: which blocks, with what exit code and output, when, and how long it took.

No extension point of AG2 tells that: its event before an execution holds languages and no code, nothing is told after
it, and neither has a time. So `execute_code_blocks` is watched: the agent's own (the old way of running code), and
that of each class of executors. Those of AG2 are known, and a tool may use one that no agent has. Any other class may
be one as well, so it is known when an agent looks at its executor, which it does right before it uses it:
`_code_executor` is read through the agent's class.
"""

import contextlib
import functools
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from capture import active, encode, format
from capture.agents import folder_of, from_folder, name_of, work_folders
from capture.logger import meet
from capture.stream import failed

EXECUTOR = "_code_executor"
METHOD = "execute_code_blocks"
PACKAGE = "autogen.coding"
"""Where AG2's executors are."""
Blocks = Sequence[dict[str, Any]]

_running: ContextVar[Blocks] = ContextVar("capture_running_code", default=())
"""Blocks that are being run here: an executor may hand them on to another one, or run them one by one."""


class _Told(threading.local):
    """Who last looked at its executor in this thread: the executor's id, and a weak reference to the agent."""

    looked: tuple[int, Callable[[], Any]] = (0, lambda: None)


_told = _Told()


class CodeExecutor:
    """In the place of `ConversableAgent._code_executor`: the agent's own executor, whose class is watched from now on.

    Args:
        watch: takes a class whose `execute_code_blocks` is to be watched.
    """

    def __init__(self, watch: Callable[[type], None]) -> None:
        self._watch = watch

    def __get__(self, agent: Any, owner: type | None = None) -> Any:
        if agent is None:
            return self
        try:
            executor = agent.__dict__[EXECUTOR]
        except KeyError:
            raise AttributeError(EXECUTOR) from None
        if executor is not None and active.any_run():
            _told.looked = (id(executor), weakref.ref(agent))
            self._watch(type(executor))
        return executor

    def __set__(self, agent: Any, value: Any) -> None:
        agent.__dict__[EXECUTOR] = value

    def __delete__(self, agent: Any) -> None:
        del agent.__dict__[EXECUTOR]


def of_ag2() -> list[type]:
    """AG2's classes of executors, as far as they were imported."""
    return [
        kind
        for name, module in list(sys.modules.items())
        if name == PACKAGE or name.startswith(f"{PACKAGE}.")
        for kind in list(vars(module).values())
        if isinstance(kind, type) and kind.__module__ == name and METHOD in vars(kind)
        if not getattr(kind, "_is_protocol", False)
    ]


def by_executor(before: Callable[..., Any]) -> Callable[..., Any]:
    """What takes the place of an executor's `execute_code_blocks`."""

    @functools.wraps(before)
    def execute_code_blocks(self: Any, code_blocks: Any, *args: Any, **kwargs: Any) -> Any:
        seen, agent = _told.looked
        call = functools.partial(before, self, code_blocks, *args, **kwargs)
        return _watched(call, code_blocks, agent() if seen == id(self) else None, self)

    return execute_code_blocks


def by_agent(before: Callable[..., Any]) -> Callable[..., Any]:
    """What takes the place of `ConversableAgent.execute_code_blocks`, the way to run code without an executor."""

    @functools.wraps(before)
    def execute_code_blocks(self: Any, code_blocks: Any) -> Any:
        return _watched(functools.partial(before, self, code_blocks), code_blocks, self, None)

    return execute_code_blocks


def run_code(before: Callable[..., Any]) -> Callable[..., Any]:
    """What takes the place of `ConversableAgent.run_code`, which user code may call by itself."""

    @functools.wraps(before)
    def run_code(self: Any, code: Any, **kwargs: Any) -> Any:
        blocks = [(kwargs.get("lang") or "python", code)]
        return _watched(functools.partial(before, self, code, **kwargs), blocks, self, None)

    return run_code


def _watched(call: Callable[[], Any], code_blocks: Any, agent: Any, executor: Any) -> Any:
    """Makes the call and records it, unless the code is part of what is being run already."""
    around = _running.get()
    blocks = _plain(code_blocks)
    if active.scope() is None or (around and all(block["code"] in (b["code"] for b in around) for block in blocks)):
        return call()
    token = _running.set(blocks)
    begun = time.time_ns()
    try:
        result = call()
    except BaseException as error:
        _write(agent, executor, blocks, begun, None, error)
        raise
    finally:
        _running.reset(token)
    _write(agent, executor, blocks, begun, result, None)
    return result


def _plain(code_blocks: Any) -> Blocks:
    """Blocks in one form: AG2 has them as objects, and in the old way as pairs of language and code."""
    try:
        return [
            {"language": block[0], "code": block[1]}
            if isinstance(block, (tuple, list))
            else {"language": getattr(block, "language", None), "code": getattr(block, "code", None)}
            for block in code_blocks
        ]
    except Exception:  # whatever the executor makes of it
        return []


def _write(agent: Any, executor: Any, blocks: Blocks, begun: int, result: Any, error: BaseException | None) -> None:
    ended = time.time_ns()
    scope = active.scope()
    if scope is None:
        return
    try:
        if agent is not None:
            meet(scope, agent)
        exit_code, output = result[:2] if isinstance(result, tuple) else (None, None)
        fields: dict[str, Any] = {
            "blocks": blocks,
            "exit_code": getattr(result, "exit_code", exit_code),
            "output": getattr(result, "output", output),
            "executor": None if executor is None else type(executor).__name__,
            "status": "ok" if error is None else "error",
            "started": begun,
            "ended": ended,
        }
        if error is not None:
            fields["error"] = encode.error_fields(error)
        with contextlib.suppress(OSError):  # the current folder was removed
            for folder in _folders(agent, executor):
                fields["work_dir"] = from_folder(folder, scope.run.cwd)
        scope.run.write(format.CODE_EXEC, fields, scope, agent=name_of(agent))
    except Exception as problem:
        failed(scope.run, problem)


def _folders(agent: Any, executor: Any) -> list[Path]:
    """The folder in which code ran: one, or none."""
    if executor is None:
        return sorted(work_folders(agent))[:1]
    folder = folder_of(executor)
    return [] if folder is None else [folder]
