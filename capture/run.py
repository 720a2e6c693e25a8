"""A run: what `start` returns, what the user marks things with, and what `close` ends."""

import html
import logging
import threading
import time
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Any

from capture import active, agents, encode, ending, format, transcript
from capture.action import Action, Step, nanoseconds, write_action
from capture.active import Scope
from capture.files import FileLimits
from capture.journal import Journal
from capture.llm import Requests
from capture.mask import Mask
from capture.settings import Settings

log = logging.getLogger("capture")

HANDED_OVER = frozenset({format.ACTION, format.AGENT, format.STEP_START})
"""Kinds in which field names are looked at for secrets: those that the user fills. Messages are too many for that."""
NUMBERS = frozenset({format.ACTION, format.FUNCTION_CALL})
"""Kinds in which a number that became null is noted, because somebody may compute with it."""


class Run:
    """A recording under way. Made by `capture.start`.

    Attributes:
        id: the run's name: sorts by time, is the name of its folder.
        path: the run's folder.
        recording: False where `AG2_CAPTURE=0` or sampling left this run out; then all methods do nothing.
    """

    def __init__(
        self,
        run_id: str,
        setting: Settings,
        first: bytes,
        *,
        cwd: Path,
        console: bool,
        files: FileLimits | None,
        permissions: int,
        recording: bool,
        configs: Sequence[Any] = (),
    ) -> None:
        self.id = run_id
        self.path = cwd / setting.folder / run_id
        self.recording = recording
        self.console = console
        self.skip = setting.skip
        self.thread = threading.get_ident()
        self.starter = weakref.ref(threading.current_thread())
        self.task = active.task_here()
        self.outer: Run | None = None
        self.entered = False
        self.is_open = False
        self.default_stream: Any = None
        self.base = Scope(self, base=True)
        self.stray = Scope(self, attributed=False)
        self._requests = Requests()
        self._requests_of = 0
        self.agents = agents.Seen()
        self.wrappers: dict[int, int] = {}
        self.saved: Counter[bytes] = Counter()
        self.under_way: set[Any] = set()
        self._chats_open = 0
        self.tokens = 0
        self.cost = 0.0
        self.is_timed = cycle((True, *[False] * 16))
        self.events_timed = 0
        self.spent_ns = 0
        self.started_ns = time.time_ns()
        self.cwd = cwd
        self.permissions = permissions
        self.mask = Mask() if recording and setting.mask else None
        self.files = files
        self._ids = 0
        self._lock = threading.RLock()
        self._closing = threading.RLock()
        self.attachment: Any = None
        if self.mask is not None:
            for config in configs:
                self.mask.learn_config(config)
            first = self.mask.handed_over(b"{%b}" % first)[1:-1]
        self.journal = Journal(
            self.path / format.JOURNAL,
            first,
            mode=permissions,
            fsync=setting.fsync,
            max_record=setting.max_record,
            mask=self.mask,
        )

    # what the user marks

    def step(self, step_id: str, node_id: str | None = None, name: str | None = None) -> Step:
        """A step around what happens inside: `with run.step("step_1", node_id="engineer"):`, or `async with`.

        Args:
            step_id: goes on every record inside.
            node_id: goes on every record inside; None keeps the one around.
            name: what the step is called, where that is not `step_id`.
        """
        return Step(self, step_id, node_id, name)

    def context(self, *, step_id: str | None = None, node_id: str | None = None) -> None:
        """Puts a step and node on every record from here on, until changed: the form for notebook cells.

        Args:
            step_id: the step; None keeps the one in force, "" takes it away.
            node_id: the workflow node; None keeps the one in force, "" takes it away.
        """
        here = self.scope()
        scope = Scope(
            self,
            (here.step_id if step_id is None else step_id) or None,
            (here.node_id if node_id is None else node_id) or None,
            here.parent,
            chat=here.chat,
            base=here.base,
        )
        if here.base:
            self.base = scope
        else:
            active.scope_here.set(scope)

    def log(
        self,
        action_type: str,
        action_name: str,
        *,
        agent: str | None = None,
        result: Any = None,
        error: BaseException | str | None = None,
        duration_ms: float | None = None,
        **details: Any,
    ) -> None:
        """Records something that was done or decided.

        Args:
            action_type: tool_call, decision, error, success, or a word of your own.
            action_name: what it was: Read, select_agent, ImportError ...
            agent: the agent that did it.
            result: what came out.
            error: why it failed; that makes it a failed action, as does the type `error`.
            duration_ms: how long it took.
            **details: its parameters.
        """
        write_action(
            self,
            self.scope(),
            action_type,
            action_name,
            details,
            ident=self.next_id("action"),
            agent=agent,
            result=result,
            error=error,
            duration_ns=nanoseconds(duration_ms),
        )

    def timed(self, action_type: str, action_name: str, *, agent: str | None = None, **details: Any) -> Action:
        """An action around what happens inside, with its duration and failure: `with run.timed(...) as action:`.

        Args:
            action_type: tool_call, decision, error, success, or a word of your own.
            action_name: what it is: Read, select_agent ...
            agent: the agent that does it.
            **details: its parameters. `action.set_result(value)` adds what came out.
        """
        return Action(self, action_type, action_name, agent, details)

    def save_messages(self, source: Any, name: str | None = None) -> None:
        """Saves a transcript.

        Args:
            source: a GroupChat, GroupChatManager, ChatResult, list of ChatResult, or list of messages.
            name: what to call it; None makes it from the source.

        Raises:
            TypeError: the source is none of these.
        """
        for chat in transcript.read(source, name):
            if self.is_open:
                transcript.save(self, chat)

    # what is known of it

    def stats(self) -> dict[str, Any]:
        """What was recorded so far, and at what cost.

        Returns:
            `events`, the records in the journal; `bytes`, its size; `lost`, the records that could not be written;
            `us_per_event`, the microseconds that recording an event of AG2's takes, the mean of every 17th.
        """
        return {
            "events": self.journal.records,
            "bytes": self.journal.size,
            "lost": self.journal.lost,
            "us_per_event": round(self.spent_ns / 1000 / self.events_timed, 2) if self.events_timed else 0.0,
        }

    def __repr__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self._facts())
        return f"<capture.Run {self.id}: {facts}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in self._facts())
        return f"<table><caption>{html.escape(self.id)}</caption>{rows}</table>"

    def _facts(self) -> list[tuple[str, str]]:
        """What a person wants to know of a run, in words."""
        if not self.recording:
            return [("state", "not recorded")]
        agents = sorted(self.agents.names)
        return [
            ("state", "recording" if self.is_open else "closed"),
            ("records", f"{self.journal.records:,}"),
            ("lost", f"{self.journal.lost:,}"),
            ("agents", ", ".join(agents) or "none yet"),
            ("tokens", f"{self.tokens:,}"),
            ("cost", f"${self.cost:.4f}"),
            ("folder", str(self.path)),
        ]

    # its life

    def close(self, error: BaseException | None = None) -> None:
        """Ends the run: saves the files that it made, writes the last record, puts AG2 back as it was.

        Args:
            error: what ended the run; None where it was completed.
        """
        with self._closing:  # another thread that closes it waits
            was_open, self.is_open = self.is_open, False
            try:
                if was_open:
                    self._close_inner()
                    ending.end(self, error)
            except Exception as problem:
                log.warning("capture: %s was not closed cleanly: %s: %s", self.id, type(problem).__name__, problem)
            finally:
                self._let_go()

    def settle(self) -> None:
        """Lets go of what an interrupted `close` left."""
        if not self.is_open and self._closing.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._closing.release()

    def _close_inner(self) -> None:
        for inner in active.runs():
            here = inner.starter() is self.starter() and inner.task is self.task
            if inner.outer is self and here and not inner.entered:
                inner.close()  # a plain start inside, forgotten

    def _let_go(self) -> None:
        """Leaves AG2 as it was before. What an interrupt cuts short can be done again."""
        active.closed(self)
        if self.attachment is not None:
            self.attachment.release()
        self.journal.close()

    def __enter__(self) -> "Run":
        self.entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)

    async def __aenter__(self) -> "Run":
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)

    # what the channels call

    def forked(self) -> None:
        """Leaves the run to the parent process: locks may be held by threads that are not here."""
        self._lock = threading.RLock()
        self._closing = threading.RLock()
        self.is_open = False
        self.journal.abandon()

    def is_of_this_thread(self) -> bool:
        """Whether it was started in this thread. Not told by the identifier: a later thread may have the same one."""
        return self.starter() is threading.current_thread()

    def scope(self) -> Scope:
        """The scope in force here, in this run."""
        here = active.known()
        return here if here is not None and here.run is self else self.base

    def requests(self) -> Requests:
        """The LLM requests that are in the journal: none, where it was deleted and begun anew."""
        begun = self.journal.look()
        if begun != self._requests_of:
            self._requests, self._requests_of = Requests(), begun
        return self._requests

    def next_id(self, kind: str) -> str:
        """A name for a record that others can point at."""
        with self._lock:
            self._ids += 1
            return f"{kind}-{self._ids}"

    def begin_chat(self, fields: Mapping[str, Any], scope: Scope, *, is_nested: bool) -> bool:
        """Writes that a chat begins.

        Returns:
            Whether it is marked, so that every record of it is to name it. One chat after another, the usual case,
            needs no mark. Of chats that begin at once the order of their records tells which one has none.
        """
        with self._lock:
            self.write(format.CHAT_START, fields, scope)
            is_marked = is_nested or (self._chats_open > 0 and scope is not self.stray)
            self._chats_open += 1
        return is_marked

    def end_chat(self, fields: Mapping[str, Any] | None, scope: Scope, agent: str | None = None) -> None:
        """Writes that a chat is over, where that is known of it and the run is not over itself."""
        with self._lock:
            try:
                if fields is not None and self.is_open:
                    self.write(format.CHAT_END, fields, scope, agent=agent)
            finally:
                self._chats_open -= 1

    def write(
        self,
        kind: str,
        fields: Mapping[str, Any],
        scope: Scope,
        *,
        agent: str | None = None,
        raw: bytes = b"",
        replaced: encode.Replaced | None = None,
    ) -> int | None:
        """Writes a record.

        Args:
            kind: one of `format.KINDS`.
            fields: its fields; None values stay.
            scope: where it belongs.
            agent: the agent that acts.
            raw: further fields, as JSON without braces.
            replaced: what had to be replaced in `raw`.

        Returns:
            Its `seq`, or None where it was left out or could not be written.
        """
        if kind in self.skip:
            return None
        try:
            body = self._body(kind, fields, scope, agent, raw, replaced or [])
        except BaseException as error:
            self.journal.miss(f"{type(error).__name__}: {error}")
            if not isinstance(error, Exception) and not encode.is_panic(error):
                raise  # interrupted
            return None
        try:
            return self.journal.append(body)
        except Exception as error:  # no memory for masking it
            self.journal.miss(f"{type(error).__name__}: {error}")
            return None

    def _body(
        self,
        kind: str,
        fields: Mapping[str, Any],
        scope: Scope,
        agent: str | None,
        raw: bytes,
        replaced: encode.Replaced,
    ) -> bytes:
        """A record's fields as JSON without braces."""
        data, notes = encode.to_json(fields)
        if not notes and kind in NUMBERS and b"null" in data:
            notes = encode.not_finite(fields)
        if self.mask is not None:
            if kind in HANDED_OVER:
                data = self.mask.handed_over(data)
            elif kind == format.FUNCTION_CALL:  # it may have changed the environment
                self.mask.learn_environment()
        notes = notes + replaced
        parts = [b'"kind":"%b"' % kind.encode(), self.place(scope)]
        if agent is not None:
            parts.append(b',"agent":' + encode.to_json(agent)[0])
        if len(data) > 2:
            parts.append(b"," + data[1:-1])
        if raw:
            parts.append(b"," + raw)
        if notes:
            parts.append(b',"replaced":' + encode.to_json(notes)[0])
        return b"".join(parts)

    def place(self, scope: Scope) -> bytes:
        """The fields that say where a record belongs, as JSON."""
        thread = threading.get_ident()
        return scope.fields if thread == self.thread else b',"thread":%d%b' % (thread, scope.fields)
