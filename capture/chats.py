"""Chats: where each begins and ends, what came of it, and in whose turn a nested one was opened.

AG2 tells none of that: a chat has no beginning among its events, its result goes to the caller alone, and a chat that
an agent opens while it makes up its reply, or that keeps the history of a former one, looks like any other. So
`initiate_chat` is watched. Whose turn it is called in, the stack tells: that of the nearest `generate_reply`, of which
one that an agent is asked by another's reply function is a part of the other's turn. That costs something once a chat
and nothing per message. Where a thread or task cuts the stack, the agent is taken along into it (`turn_here`,
`active.TURN`).
"""

import functools
import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any

from autogen.agentchat.utils import gather_usage_summary

from capture import active, encode
from capture.active import Scope
from capture.agents import INTERNAL, group_of, name_of
from capture.ending import status_of
from capture.stream import failed

log = logging.getLogger("capture")

REPLYING = frozenset({"generate_reply", "a_generate_reply"})
EDGES = frozenset({"initiate_chat", "a_initiate_chat"})
"""What stands here around a chat: a turn beyond it is not the one that a call inside belongs to."""
RECEIVING = frozenset({"receive", "a_receive"})
SENDING = frozenset({"send", "a_send"})
ASKING = EDGES | RECEIVING | {"run_chat", "a_run_chat"}
"""From where AG2 asks an agent for a reply, and has it sent: that is a turn."""

turn_here: ContextVar[str | None] = ContextVar("capture_turn", default=None)
"""Name of the agent in whose turn this task was made."""


class AnyChat:
    """A chat: as it is, nothing is recorded of it.

    Attributes:
        result: what came of it.
    """

    result: Any = None

    def __enter__(self) -> "AnyChat":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Chat(AnyChat):
    """A chat under way.

    Args:
        scope: where it was begun.
        sender: the agent that begins it.
        recipient: the agent that it begins it with.
        turn_of: name of the agent in whose turn it was begun, or None.
        clears: whether AG2 forgets what the two have said before.
    """

    def __init__(self, scope: Scope, sender: Any, recipient: Any, turn_of: str | None, clears: bool) -> None:
        self.scope = scope
        self.id = scope.run.next_id("chat")
        self._sender = sender
        self._recipient = recipient
        self._outer = active.scope_here.get()
        self._turn = turn_here.get()
        nested = turn_of is not None and scope is not scope.run.stray
        fields = {"id": self.id, "sender": name_of(sender), "recipient": name_of(recipient)}
        fields |= group_of(getattr(recipient, "_groupchat", None))
        former = self._former(clears)
        if former is not None:
            fields["goes_on_with"] = former
        if nested:
            fields["turn_of"] = turn_of
        self._marked = scope.run.begin_chat(fields, scope, is_nested=nested)
        if self._marked:
            place = Scope(scope.run, scope.step_id, scope.node_id, scope.parent, chat=self.id)
            active.scope_here.set(place)
            turn_here.set(None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._marked:
            active.scope_here.set(self._outer)
            turn_here.set(self._turn)
        run, agent, outcome = self.scope.run, None, None
        try:
            if run.is_open:
                agent, is_inside = (None, False) if error is None else turn_left(error)
                outcome = {**self._outcome(error), **({"is_inside": True} if is_inside else {})}
        except Exception as problem:
            failed(run, problem)
        run.end_chat(outcome, self.scope, agent)
        if not run.is_open:
            return
        try:
            self.scope.run.agents.chat_is_over(self._sender, self._recipient, self.id)
        except Exception as problem:  # no agents at all
            log.debug("capture: no chat can go on with %s: %s", self.id, problem)

    def _former(self, clears: bool) -> str | None:
        """`id` of the chat that it goes on with, where that is known."""
        try:
            return self.scope.run.agents.chat_begins(self._sender, self._recipient, clears)
        except Exception as problem:  # an agent of the user's that raises when it is looked at
            log.debug("capture: of %s it is not known whether it goes on: %s", self.id, problem)
            return None

    def _outcome(self, error: BaseException | None) -> dict[str, Any]:
        fields: dict[str, Any] = {"ends": self.id, "status": status_of(error)}
        if error is not None:
            fields["error"] = encode.error_fields(error)
        fields["summary"] = getattr(self.result, "summary", None)
        fields["cost"] = getattr(self.result, "cost", None)
        for ask in (self._cost_of_group, self._variables):
            try:
                fields |= ask()
            except Exception as problem:  # an agent of the user's that raises when it is looked at
                log.debug("capture: of %s not all is known: %s", self.id, problem)
        return fields

    def _cost_of_group(self) -> dict[str, Any]:
        """As AG2 itself sums it up where it runs a group: `initiate_chat` counts the two that it knows."""
        group = getattr(self._recipient, "_groupchat", None)
        return {} if group is None else {"cost": gather_usage_summary([*group.agents, self._recipient])}

    def _variables(self) -> dict[str, Any]:
        for agent in (self._recipient, self._sender):
            variables = getattr(agent, "context_variables", None)
            known: Any = variables.to_dict() if variables is not None and hasattr(variables, "to_dict") else variables
            if known:
                return {"context_variables": known}
        return {}


def initiate_chat(before: Callable[..., Any]) -> Callable[..., Any]:
    """What takes the place of `ConversableAgent.initiate_chat`."""

    @functools.wraps(before)
    def initiate_chat(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _begin(self, args, kwargs) as chat:
            chat.result = before(self, *args, **kwargs)
        return chat.result

    return initiate_chat


def a_initiate_chat(before: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """What takes the place of `ConversableAgent.a_initiate_chat`."""

    @functools.wraps(before)
    async def a_initiate_chat(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _begin(self, args, kwargs) as chat:
            chat.result = await before(self, *args, **kwargs)
        return chat.result

    return a_initiate_chat


def a_initiate_chats(before: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """What takes the place of `a_initiate_chats`, which makes a task of each chat."""

    @functools.wraps(before)
    async def a_initiate_chats(*args: Any, **kwargs: Any) -> Any:
        outer = turn_here.get()
        turn_here.set(turn_around())
        try:
            return await before(*args, **kwargs)
        finally:
            turn_here.set(outer)

    return a_initiate_chats


def create_task(before: Callable[..., Any]) -> Callable[..., Any]:
    """What takes the place of `create_task` of asyncio's loops: a task begins with an empty stack."""

    @functools.wraps(before)
    def create_task(self: Any, coro: Any, **kwargs: Any) -> Any:
        turn = turn_around() if active.any_run() else None
        if turn is None:
            return before(self, coro, **kwargs)
        token = turn_here.set(turn)
        try:
            return before(self, coro, **kwargs)
        finally:
            turn_here.reset(token)

    return create_task


def turn_around(edges: int = 0) -> str | None:
    """Name of the agent in whose turn this is called, or None.

    Args:
        edges: how many chats begin at the call itself.
    """
    turn = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name, code = frame.f_code.co_name, frame.f_code
        if name in EDGES and code.co_filename == __file__:
            if not edges:
                return turn
            edges -= 1
        elif name in ASKING and turn is not None:
            return turn
        elif name in REPLYING:
            agent = frame.f_locals.get("self")
            if turn is not None and _leads_group(agent):
                return turn
            turn = name_of(agent) or turn
        frame = frame.f_back
    return turn or turn_here.get() or getattr(threading.current_thread(), active.TURN, None)


def turn_left(error: BaseException) -> tuple[str | None, bool]:
    """Name of the agent in whose turn an exception was raised, the innermost one, or None; and whether that was in a
    chat inside of this one.

    To a turn belongs also that its message is sent, until another agent receives it.
    """
    turn, is_asked, chats, around, trace = None, True, 0, None, error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        name = frame.f_code.co_name
        if name in ASKING:
            is_asked = True
            if name in EDGES and frame.f_code.co_filename == __file__:
                chats += isinstance(frame.f_locals.get("chat"), Chat)
            elif name in RECEIVING and around in SENDING:
                turn = None
        elif is_asked and name in SENDING:
            turn = name_of(frame.f_locals.get("self")) or turn
        elif name in REPLYING and (is_asked or turn is None):
            agent = frame.f_locals.get("self")
            turn, is_asked = name_of(agent) or turn, _leads_group(agent)
        around, trace = name, trace.tb_next
    return turn, chats > 1


def _leads_group(agent: Any) -> bool:
    """Whether an agent asks the members of a group, whatever the function is called in which it does so."""
    try:
        return getattr(agent, "_groupchat", None) is not None
    except Exception:  # an object of the user's that only looks like an agent
        return False


def _begin(sender: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AnyChat:
    scope = active.scope()
    if scope is None or name_of(sender) in INTERNAL:
        return AnyChat()
    try:
        recipient = kwargs.get("recipient", args[0] if args else None)
        clears = kwargs.get("clear_history", args[1] if len(args) > 1 else True)
        return Chat(scope, sender, recipient, turn_around(1), bool(clears))
    except Exception as problem:
        failed(scope.run, problem)
        return AnyChat()
