"""The second channel: AG2's runtime logger, which sees what the stream does not.

Messages that AG2 keeps silent, LLM calls, functions that were run and new agents come this way. A logger that the
user had switched on goes on receiving all of it.
"""

import sqlite3
import sys
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timezone
from functools import partial
from types import FrameType
from typing import Any

from autogen import ConversableAgent
from autogen.logger.base_logger import BaseLogger

from capture import active, encode, format
from capture.active import Scope
from capture.agents import name_of
from capture.stream import failed

call_here: ContextVar[Any] = ContextVar("capture_call", default=None)
"""The `capture.tools.Call` that runs here, or None."""
create_here: ContextVar[Any] = ContextVar("capture_create", default=None)
"""The `capture.attempts.Create` under way here, or None."""
GUARDING = frozenset({"run_input_guardrails", "run_output_guardrails"})
"""Methods of an agent in which AG2 asks its guardrails."""
REPLYING = frozenset({"generate_reply", "a_generate_reply"})
"""Methods of an agent in which AG2 calls the functions by which it replies, those of the user as well."""
WORKING = frozenset({"execute_function", "a_execute_function"})
"""Methods in which AG2 runs a tool. Who asks a model in there is the tool."""


class JournalLogger(BaseLogger):
    """Records what AG2 logs, and passes it on.

    Attributes:
        user: the user's own logger, or None.
        user_is_on: whether the user's logger is to receive anything.
    """

    def __init__(self, user: BaseLogger | None, user_is_on: bool) -> None:
        self.user = user
        self.user_is_on = user_is_on and user is not None

    def start(self) -> str:
        """Starts the user's logger, if there is one."""
        return self.user.start() if self.user is not None else ""

    def stop(self) -> None:
        """Stops the user's logger, if there is one."""
        if self.user is not None:
            self.user.stop()

    def get_connection(self) -> sqlite3.Connection | None:
        """The connection of the user's logger, if it has one."""
        return self.user.get_connection() if self.user is not None else None

    def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
        """Records a message that an agent received."""
        if name == "received_message":
            received(source, kwargs)
        if self.user_is_on:
            self.user.log_event(source, name, **kwargs)  # type: ignore[union-attr]

    def log_chat_completion(
        self,
        invocation_id: uuid.UUID,
        client_id: int,
        wrapper_id: int,
        source: Any,
        request: Any,
        response: Any,
        is_cached: int,
        cost: float,
        start_time: str,
    ) -> None:
        """Records an LLM call."""
        _record(_llm_call, invocation_id, wrapper_id, source, request, response, is_cached, cost, start_time)
        if self.user_is_on:
            self.user.log_chat_completion(  # type: ignore[union-attr]
                invocation_id, client_id, wrapper_id, source, request, response, is_cached, cost, start_time
            )

    def log_function_use(self, source: Any, function: Callable[..., Any], args: dict[str, Any], returns: Any) -> None:
        """Records a function or tool that was run."""
        _record(_function_call, source, function, args, returns)
        if self.user_is_on:
            self.user.log_function_use(source, function, args, returns)  # type: ignore[union-attr]

    def log_new_agent(self, agent: Any, init_args: dict[str, Any]) -> None:
        """Records a new agent."""
        _record(_new_agent, agent, init_args)
        if self.user_is_on:
            self.user.log_new_agent(agent, init_args)  # type: ignore[union-attr]

    def log_new_wrapper(self, wrapper: Any, init_args: dict[str, Any]) -> None:
        """Learns what is to be masked. Not recorded: it says nothing that an LLM call does not say."""
        _learn(init_args)
        if self.user_is_on:
            self.user.log_new_wrapper(wrapper, init_args)  # type: ignore[union-attr]

    def log_new_client(self, client: Any, wrapper: Any, init_args: dict[str, Any]) -> None:
        """Learns what is to be masked. Not recorded: `init_args` hold the API key in plain text."""
        _learn(init_args)
        if self.user_is_on:
            self.user.log_new_client(client, wrapper, init_args)  # type: ignore[union-attr]


def received(recipient: Any, kwargs: dict[str, Any], silent: bool | None = None, resumed: int | None = None) -> None:
    """Records a message that an agent received.

    Args:
        recipient: the agent.
        kwargs: what AG2 logs of it.
        silent: whether no event of it follows, where that is known.
        resumed: its place in a group's history, that AG2 hands to the members; None where it is of none.
    """
    _record(_message, recipient, kwargs, silent, resumed)


def _record(what: Callable[..., None], *args: Any) -> None:
    scope = active.scope()
    if scope is not None:
        record_in(scope, what, *args)


def record_in(scope: Scope, what: Callable[..., None], *args: Any) -> None:
    """Has a record made, as `what(scope, *args)`. What goes wrong is counted, and never raised."""
    try:
        what(scope, *args)
    except Exception as error:
        failed(scope.run, error)


def _message(scope: Scope, recipient: Any, kwargs: dict[str, Any], silent: bool | None, resumed: int | None) -> None:
    meet(scope, recipient)
    sender = kwargs.get("sender")
    name = name_of(recipient)
    scope.run.agents.count(str(sender), str(name))
    fields = {"sender": sender, "recipient": name, "message": kwargs.get("message")}
    if not kwargs.get("valid", True):
        fields["valid"] = False
    if silent is not None:
        fields["silent"] = silent
    if resumed is not None:
        fields["resumed"] = resumed
    scope.run.write(format.MESSAGE, fields, scope, agent=sender if isinstance(sender, str) else None)


def _llm_call(
    scope: Scope,
    invocation: Any,
    wrapper_id: int,
    source: Any,
    request: Any,
    response: Any,
    is_cached: int,
    cost: Any,
    start_time: str,
) -> None:
    ended = time.time_ns()
    create = create_here.get()
    attempt = create.logged(request) if create is not None else None
    if attempt is not None and not attempt.claim():
        return  # the run that it belongs to has ended meanwhile, and has it
    counts = _tokens(getattr(response, "usage", None))
    scope.run.tokens += counts["total_tokens"] or 0
    scope.run.cost += 0.0 if is_cached or not isinstance(cost, (int, float)) else cost
    fields = {
        "invocation": str(invocation),
        "response": response,
        "cost": cost,
        "cached": bool(is_cached),
        "started": _nanoseconds(start_time),
        "ended": ended,
    }
    if attempt is not None and attempt.error is not None:
        fields["error"] = attempt.error
    write_call(scope, source, wrapper_id, request if isinstance(request, dict) else {}, fields, counts)


def _tokens(usage: Any) -> dict[str, int | None]:
    """Tokens as the server counted them.

    Args:
        usage: of a chat completion, of OpenAI's Responses API (which speaks of input and output), or the dict of AG2's
            `UnifiedResponse`.
    """
    read = usage.get if isinstance(usage, dict) else partial(getattr, usage)
    return {
        name: next((count for key in keys if isinstance(count := read(key, None), int)), None)
        for name, keys in format.TOKENS.items()
    }


def write_call(
    scope: Scope, source: Any, wrapper_id: int, request: dict[str, Any], call: dict[str, Any], counts: dict[str, Any]
) -> None:
    """Writes an LLM call.

    Args:
        scope: where it belongs.
        source: the agent that called, or its name.
        wrapper_id: `id` of AG2's wrapper.
        request: what the client was given.
        call: further fields of the record, among them `response`: a text where it failed.
        counts: tokens, as the server counted them.
    """
    run = scope.run
    asker = agent = name_of(source)
    if agent is not None:
        meet(scope, source)
    else:
        agent, guardrail = asking_now()
        call |= {"guardrail": guardrail} if guardrail is not None else {}
    if run.mask is not None:
        run.mask.learn_config({name: value for name, value in request.items() if name != "messages"})
    requests = run.requests()
    delta = requests.delta(asker or "", request)
    response = call.pop("response")
    answer, replaced = _response(response, run.mask is not None)
    fields = {
        "wrapper": run.wrappers.setdefault(wrapper_id, len(run.wrappers)),
        "model": request.get("model"),
        "status": "error" if isinstance(response, str) else "ok",
        "cost": None,
        "cached": False,
        **dict.fromkeys(format.TOKENS),
        **counts,
        **call,
    }
    raw = delta.json + b',"response":' + answer
    seq = run.write(format.LLM_CALL, fields, scope, agent=agent, raw=raw, replaced=delta.replaced + replaced)
    if seq is not None and len(raw) < run.journal.max_record:
        requests.remember(asker or "", delta.written(seq))


def asking_now() -> tuple[str | None, str | None]:
    """The agent that asks a model right now where AG2 does not say so: by a guardrail, with its name, or by a function
    of the user's by which it replies."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_name
        if name in WORKING:
            break
        if name in REPLYING and isinstance(agent := frame.f_locals.get("self"), ConversableAgent):
            return name_of(agent), None
        if name in GUARDING:
            return name_of(frame.f_locals.get("self")), str(getattr(frame.f_locals.get("guardrail"), "name", ""))
        frame = frame.f_back
    return None, None


def _response(response: Any, masks: bool) -> tuple[bytes, encode.Replaced]:
    data, replaced = encode.response_to_json(response, masks)
    return data, [{**note, "path": "$.response" + note["path"][1:]} for note in replaced]


def _function_call(scope: Scope, source: Any, function: Any, args: Any, returns: Any) -> None:
    call = call_here.get()
    if call is not None and call.is_of(function):
        call.result = returns  # its record follows when the call is over
        return
    meet(scope, source)
    name = getattr(function, "__name__", None) or getattr(function, "name", None) or type(function).__name__
    fields = {"name": name, "arguments": args, "result": returns, "status": "ok"}
    scope.run.write(format.FUNCTION_CALL, fields, scope, agent=name_of(source))


def new_agent(agent: Any) -> None:
    """Records an agent that was made."""
    _record(_new_agent, agent, {})


def _new_agent(scope: Scope, agent: Any, init_args: Any) -> None:
    if scope is scope.run.stray:
        return  # made for a run that is yet to begin: it is described where it acts
    gone = scope.run.agents.announce(agent, init_args if isinstance(init_args, dict) else {})
    if gone is not None:
        scope.run.write(format.AGENT, gone, scope)


def meet(scope: Scope, agent: Any) -> None:
    """Describes an agent that acts for the first time: the run may have begun after it was made."""
    if not isinstance(agent, str) and scope.run.agents.is_new(agent):
        if scope.run.mask is not None:
            scope.run.mask.learn_config(getattr(agent, "llm_config", None))
        scope.run.write(format.AGENT, scope.run.agents.described(agent), scope)


def _learn(config: Any) -> None:
    """Takes the secrets of a new LLM client, and of the environment as it is now."""
    scope = active.scope()
    if scope is None or scope.run.mask is None:
        return
    try:
        scope.run.mask.learn_config(config)
        scope.run.mask.learn_environment()
    except Exception as error:
        failed(scope.run, error)


def _nanoseconds(text: str) -> int | None:
    """AG2's own form of a UTC time, in nanoseconds since 1970."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return None
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1_000_000_000 + moment.microsecond * 1000
