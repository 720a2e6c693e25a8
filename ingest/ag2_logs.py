"""What AG2's own loggers write, in the journal's vocabulary.

`autogen.runtime_logging` has a file logger and a SQLite logger. They tell the same things, so both sources bring what
they read into the names of the SQLite logger's tables and columns, and it becomes records here. Times are UTC in both,
although nothing in them says so.
"""

import ast
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from capture import format as journal
from ingest.lines import unwrapped
from ingest.messages import text_or_none

Data = dict[str, Any]

RAW_KIND = "log_"
"""How the kinds of records begin that only stand in `journal`: log_event, log_oai_clients, log_text ..."""

REPLIED = "log_reply"
"""Kind of an entry that tells that one of an agent's functions was asked for a reply, and which one if it made it, or
made that there is none."""

FAILED = "error_code:"
"""How the response of a failed LLM call begins."""

NOT_SERIALISED = "<<non-serializable: "
"""What stands for a value that AG2 could not write. The message with the answer says more."""

REDACTED = "***REDACTED***"
"""What stands for a value that AG2 masked."""

IN_PATTERN = "Group agent --> "
"""What AG2 writes before the name of a member of a group that one of its patterns runs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def translate(table: str, row: Data) -> Data:
    """The record that a log entry makes.

    Args:
        table: the table of the SQLite logger that it belongs to; for any other name it stays a raw record.
        row: its columns, JSON columns as text or as values, and `thread_id` where it is known.

    Returns:
        The fields of a record, `kind` among them. Contents of unknown shape are left out, never an error.
    """
    reader = _READERS.get(table)
    fields = (reader(row) if reader else None) or {"kind": RAW_KIND + table, "agent": row.get("source_name") or None}
    fields["ts"] = nanoseconds(row.get("end_time") or row.get("timestamp"))
    if row.get("thread_id") is not None:
        fields["thread"] = str(row["thread_id"])
    return {name: value for name, value in fields.items() if value is not None}


def _event(row: Data) -> Data | None:
    state = _object(row.get("json_state"))
    if row.get("event_name") == "received_message" and "message" in state:
        return {
            "kind": journal.MESSAGE,
            "sender": state.get("sender"),
            "recipient": row.get("source_name") or None,
            "recipient_class": row.get("agent_class", row.get("agent_class_name")),
            "message": state["message"],
            "valid": state.get("valid"),
        }
    if row.get("event_name") != "reply_func_executed":
        return {"kind": RAW_KIND + "event", "agent": row.get("source_name") or None}
    is_final = state.get("final") is True
    return {
        "kind": REPLIED,
        "agent": row.get("source_name") or None,
        "function": state.get("reply_func_name") if is_final else None,
        "is_silent": True if is_final and state.get("reply") is None else None,
    }


def _llm_call(row: Data) -> Data:
    request, response = _object(row.get("request")), _response(row.get("response"))
    failed = isinstance(response, str) and response.startswith(FAILED)
    return {
        "kind": journal.LLM_CALL,
        "agent": row.get("source_name") or None,
        "invocation": row.get("invocation_id"),
        "wrapper": row.get("wrapper_id"),
        "model": request.get("model"),
        "request": request,
        "response": response,
        "status": "error" if failed else "ok",
        "cost": row.get("cost"),
        "cached": bool(row.get("is_cached")),
        "started": nanoseconds(row.get("start_time")),
        "ended": nanoseconds(row.get("end_time")),
    }


def _response(value: Any) -> Any:
    value = unwrapped(value)
    if isinstance(value, dict) and value.keys() == {"response"}:
        return value["response"]  # how the SQLite logger wraps text
    return parse_repr(value) if isinstance(value, str) else value


def _function_call(row: Data) -> Data | None:
    result = unwrapped(row.get("returns"))
    if isinstance(result, str) and result.startswith(NOT_SERIALISED):
        return None
    return {
        "kind": journal.FUNCTION_CALL,
        "agent": row.get("source_name") or None,
        "name": row.get("function_name"),
        "arguments": unwrapped(row.get("args")),
        "result": result,
        "status": "ok",
    }


def may_be(logged: Any, value: Any) -> bool:
    """Whether a logged value may be this one, of which AG2 made another before it was logged: an object, which it can't
    write, a date or a number of a text; or it masked that."""
    if isinstance(logged, dict) and isinstance(value, dict):
        return logged.keys() == value.keys() and all(may_be(logged[key], value[key]) for key in logged)
    if isinstance(logged, list) and isinstance(value, list):
        return len(logged) == len(value) and all(map(may_be, logged, value))
    if isinstance(logged, str) and (logged == REDACTED or logged.startswith(NOT_SERIALISED)):
        return True
    return logged == value or str(logged) == str(value)


def _agent(row: Data) -> Data:
    args = _object(row.get("init_args"))
    group = _object(args.get("groupchat"))
    config = _object(args.get("llm_config"))
    entries = config.get("config_list")
    entry = _object(entries[0]) if isinstance(entries, list) and entries else config
    agents = group["agents"] if isinstance(group.get("agents"), list) else []
    names = (agent.get("name", agent.get("_name")) if isinstance(agent, dict) else agent for agent in agents)
    members = [str(name).removeprefix(IN_PATTERN) for name in names if name is not None]
    return {
        "kind": journal.AGENT,
        "name": row.get("name"),
        "class": row.get("class"),
        "description": args.get("description"),
        "system_message": text_or_none(args.get("system_message")),
        "model": entry.get("model"),
        "members": members or None,
        "selection": group.get("speaker_selection_method"),
    }


_READERS: dict[str, Callable[[Data], Data | None]] = {
    "events": _event,
    "chat_completions": _llm_call,
    "function_calls": _function_call,
    "agents": _agent,
}


def nanoseconds(text: Any) -> int | None:
    """A time as AG2 writes it (`2026-01-14 09:00:00.123456`, UTC), in nanoseconds since 1970, or None."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // _MICROSECOND * 1000


def _object(value: Any) -> Data:
    value = unwrapped(value)
    return value if isinstance(value, dict) else {}


# --- the text that Python makes of an object

_TEXT = r"""(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")"""
_TOKEN = re.compile(
    rf"""[ ]+ | [A-Za-z_]\w*(?:\.\w+){{0,8}} | -?\d[\w.]*(?:e[+-]\d+)? | [,=:] | [\[({{] | [\])}}]
      | <[A-Za-z_]\w*\.\w+:[ ](?P<member>{_TEXT})> | {_TEXT}""",
    re.VERBOSE,
)
MAX_REPR_DEPTH = 100


def parse_repr(text: str) -> Any:
    """The object in a text such as `ChatCompletion(id='x', choices=[Choice(index=0)])` or, as Pydantic writes it of
    itself, `id='x' messages=[Message(role='user')]`: all that the file logger keeps of a response.

    Nothing is run: the text is only parsed, and only after its tokens show that it is made of names, literals and
    brackets, and is not too deep for Python's parser.

    Returns:
        A dict for every call with keyword arguments, and the literals in them, for a member of an enumeration its text;
        the text itself where it is not of this form.
    """
    expression = _expression(text)
    if expression is None:
        return text
    try:
        return _built(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _expression(text: str) -> str | None:
    """The text as a Python expression of names, literals and brackets, or None where it is something else."""
    bare = re.match(r"\w+=", text) is not None
    if not bare and not re.match(r"\w+\(\w+=", text):
        return None
    parts = ["_("] if bare else []
    position = depth = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            return None
        depth += (token[0] in "[({") - (token[0] in "])}")
        if not 0 <= depth <= MAX_REPR_DEPTH:
            return None
        # what stands beside each other outside of brackets are fields
        parts.append(", " if bare and not depth and token[0].isspace() else token["member"] or token[0])
        position = token.end()
    return "".join([*parts, ")"] if bare else parts)


def _built(node: ast.AST) -> Any:
    match node:
        case ast.Call(args=[], keywords=keywords):
            return {keyword.arg: _built(keyword.value) for keyword in keywords if keyword.arg}
        case ast.Constant(value=None | bool() | int() | float() | str()):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return [_built(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {str(_built(k)): _built(v) for k, v in zip(keys, values, strict=True) if k is not None}
    return ast.unparse(node)


# --- secrets

MASKED = "[masked]"
MIN_LENGTH = 8
"""Characters. A shorter secret is masked where it stands, and not looked for elsewhere: it would be found in words."""

_SECRET_NAME = re.compile(
    r"(?i)(?:.*[_-])?(?:api[_-]?key|key|secret|password|passwd|credentials?|authorization|bearer|token)"
    r"|azure_ad_token_provider"
)


class Secrets:
    """The keys and passwords of one log, masked: AG2 before 0.14 writes those of its LLM clients as they are."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def mask(self, value: Any) -> Any:
        """A configuration with what stands under a telling name masked, and remembered."""
        if isinstance(value, dict):
            return {k: self._hide(v) if _SECRET_NAME.fullmatch(k) else self.mask(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.mask(item) for item in value]
        return self.clean(value) if isinstance(value, str) else value

    def clean(self, text: str) -> str:
        """A text without the secrets that are known so far."""
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, MASKED)
        return text

    def _hide(self, value: Any) -> Any:
        if isinstance(value, str) and value and value.strip("*") and "REDACTED" not in value:
            if len(value) >= MIN_LENGTH:
                self._known.add(value)
            return MASKED
        return self.mask(value)
