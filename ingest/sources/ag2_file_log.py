"""The log of AG2's own file logger: `autogen.runtime_logging.start(logger_type="file")`.

A JSON object a line, of which the keys tell the kind, and lines of plain text: when a session starts, and what the
logger failed to write. Sessions that were logged to the same file are one run, because a line need not say which
session it belongs to. From where a session begins, what is logged is a conversation of its own, and so is what agents
say to each other in another thread.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any

from capture.format import LLM_CALL, MESSAGE
from ingest.ag2_logs import RAW_KIND, Data, Secrets, translate
from ingest.latest import keep_latest
from ingest.lines import Bad, Record, TooLong, decode, encode, read_lines
from ingest.messages import text_or_none

_SIGN = re.compile(
    rb"^(?:Started new session with Session ID: [0-9a-f-]{36}\s*$"
    rb'|\{"(?:source_id": -?\d+, "source_name|invocation_id": "[0-9a-f-]{36}", "client_id'
    rb'|id": \d+, "agent_name|wrapper_id": \d+, "session_id|client_id": \d+, "wrapper_id)")',
    re.MULTILINE,
)
_SESSION = re.compile(r"Started new session with Session ID: (\S+)")

_CONFIGURED = ("agents", "oai_wrappers", "oai_clients")
"""The kinds of lines that hold what something was configured with, keys and passwords among it."""

MAX_ASKED = 1024
"""Chats, the latest, in which one agent is known to be asked."""


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
    asked = _Asked()
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
        thread = data.get("thread", "")
        if data["kind"] == MESSAGE and thread:
            threads.setdefault(thread, f"thread {thread}" if threads else None)
        if chat := threads.get(thread):
            data["in_chat"] = chat
        if data["kind"] == MESSAGE:
            asked.said(data)
        elif data["kind"] == LLM_CALL and len(threads) > 1:
            data["in_chat"] = asked.chat(data, is_known=thread in threads)
        yield Record(data, text, line, offset)


class _Asked:
    """Who is asked in which chats, and by which words."""

    def __init__(self) -> None:
        self._words: defaultdict[str, dict[str | None, int]] = defaultdict(dict)
        """By agent and chat the hash of the last words."""

    def said(self, data: Data) -> None:
        """A message was handed over: its sender is asked no more, its recipient is."""
        chat, sender, recipient = (text_or_none(data.get(name)) for name in ("in_chat", "sender", "recipient"))
        self._answered(sender or "", chat)
        self._answered(recipient or "", chat)
        words = self._words[recipient or ""]
        words[chat] = hash(_words(data.get("message")))
        keep_latest(words, MAX_ASKED)

    def _answered(self, agent: str, chat: str | None) -> None:
        words = self._words.get(agent, {})
        words.pop(chat, None)
        if not words:
            self._words.pop(agent, None)

    def chat(self, data: Data, *, is_known: bool) -> str | None:
        """The chat that an LLM call is of: that of its thread, if its agent is asked there. Else the latest in which
        the agent is by the words that the call ends with; else, of a thread that is not known to be of a chat, the only
        one in which it is asked."""
        own: str | None = data.get("in_chat")
        words = self._words.get(text_or_none(data.get("agent")) or "", {})
        if is_known and own in words:
            return own
        messages = data["request"].get("messages")
        last = hash(_words(messages[-1])) if isinstance(messages, list) and messages else None
        alike = (chat for chat in reversed(words) if words[chat] == last)
        return next(alike, next(iter(words)) if len(words) == 1 and not is_known else own)


def _words(message: Any) -> str | None:
    """What a message says; one with several answers of tools is as many in a request, of which that is the last."""
    while isinstance(message, dict):
        answers = message.get("tool_responses")
        message = answers[-1] if isinstance(answers, list) and answers else message.get("content")
    return text_or_none(message)


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
