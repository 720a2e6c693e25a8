"""The log of AG2's own file logger: `autogen.runtime_logging.start(logger_type="file")`.

A JSON object a line, of which the keys tell the kind, and lines of plain text: when a session starts, and what the
logger failed to write. Sessions that were logged to the same file are one run, because a line need not say which
session it belongs to. From where a session begins, what is logged is a conversation of its own, and so is what agents
say to each other in another thread.
"""

import re
from collections.abc import Iterator
from typing import IO, Any

from capture.format import MESSAGE
from ingest.ag2_logs import RAW_KIND, Data, Secrets, translate
from ingest.lines import Bad, Record, TooLong, decode, encode, read_lines

_SIGN = re.compile(
    rb"^(?:Started new session with Session ID: [0-9a-f-]{36}\s*$"
    rb'|\{"(?:source_id": -?\d+, "source_name|invocation_id": "[0-9a-f-]{36}", "client_id'
    rb'|id": \d+, "agent_name|wrapper_id": \d+, "session_id|client_id": \d+, "wrapper_id)")',
    re.MULTILINE,
)
_SESSION = re.compile(r"Started new session with Session ID: (\S+)")

_CONFIGURED = ("agents", "oai_wrappers", "oai_clients")
"""The kinds of lines that hold what something was configured with, keys and passwords among it."""


def recognise(head: bytes) -> bool:
    """The line at which a session starts, or one with the keys that the logger writes first."""
    return _SIGN.search(head) is not None


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every line.

    Args:
        file: the log.
        about: receives `sessions`, the ids of AG2's logging sessions.
    """
    secrets = Secrets()
    sessions: dict[str, None] = {}
    threads: dict[str, str | None] = {}
    about["sessions"] = sessions
    for line, offset, raw in read_lines(file):
        try:
            if isinstance(raw, TooLong):
                raise ValueError(raw.reason)
            data, text = _object(raw, secrets) if raw.lstrip().startswith(b"{") else _text(raw, secrets)
        except ValueError as error:
            yield Bad(str(error), raw, line, offset, torn=not raw.endswith(b"\n") and not isinstance(raw, TooLong))
            continue
        if isinstance(session := data.pop("session", None), str):
            sessions.setdefault(session)
        if len(sessions) > 1:
            data["in_chat"] = next(reversed(sessions))
        if data["kind"] == MESSAGE and (thread := data.get("thread")) is not None:
            threads.setdefault(thread, f"thread {thread}" if threads else None)
        if chat := threads.get(data.get("thread", "")):
            data["in_chat"] = chat
        yield Record(data, text, line, offset)


def _text(raw: bytes, secrets: Secrets) -> tuple[Data, str]:
    try:
        text = secrets.clean(raw.decode("utf-8").rstrip("\r\n"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start} of the line") from None
    started = _SESSION.match(text)
    return {"kind": RAW_KIND + "text", "session": started and started[1]}, encode({"text": text})


def _object(raw: bytes, secrets: Secrets) -> tuple[Data, str]:
    entry, text = decode(raw)
    cleaned = secrets.clean(text)
    if cleaned != text:
        entry, text = decode(cleaned.encode())
    table, row = _as_row(entry)
    if table in _CONFIGURED:
        entry = secrets.mask({**entry, **_state(entry, secrets)})
        table, row = _as_row(entry)
        text = encode(entry)
    return {**translate(table, row), "session": entry.get("session_id")}, text


def _state(entry: Data, secrets: Secrets) -> Data:
    """The line's JSON within JSON with secrets masked."""
    try:
        return {"json_state": encode(secrets.mask(decode(entry["json_state"].encode())[0]))}
    except (KeyError, AttributeError, ValueError):
        return {}


def _as_row(entry: Data) -> tuple[str, Data]:
    """A line as the row that the SQLite logger would have made of it."""
    if "event_name" in entry:
        return "events", entry
    if "invocation_id" in entry:
        return "chat_completions", entry
    if "input_args" in entry:
        return "function_calls", {**entry, "args": entry["input_args"]}
    if "agent_name" in entry:
        names = {"name": "agent_name", "class": "agent_type", "init_args": "args", "timestamp": "current_time"}
        return "agents", {**entry, **{ours: entry.get(theirs) for ours, theirs in names.items()}}
    if "client_id" in entry:
        return "oai_clients", entry
    return ("oai_wrappers" if "wrapper_id" in entry else "entry"), entry
