"""The IOStream that records: everything that AG2 sends, prints and asks, on its way to the stream behind it."""

import logging
import os
from threading import get_ident
from time import perf_counter_ns
from typing import Any

from autogen.io.base import IOStream

from capture import active, encode, format
from capture.active import Scope
from capture.launch import start
from capture.run import Run

log = logging.getLogger("capture")

OWN = frozenset({"run", "forward"})
"""Attributes of a recording stream itself."""


class JournalStream(IOStream):
    """An IOStream that records into a journal and passes everything on.

    The bare form: `IOStream.set_global_default(capture.JournalStream("runs"))`. It starts a run, exactly as
    `capture.start` does and with the same arguments; `stream.run` is that run.

    Args:
        dir: where run folders are made; None takes `AG2_CAPTURE_DIR`, or `runs`.
        **options: those of `capture.start`.

    Attributes:
        run: the run that the bare form started, or None.
        forward: the stream that everything is passed on to.

    Raises:
        CaptureError: as `capture.start`.
    """

    run: Run | None = None
    forward: Any

    def __init__(self, dir: str | os.PathLike[str] | None = None, **options: Any) -> None:
        self.run = start(dir, **options)
        self.forward = behind(IOStream.get_default())

    def send(self, message: Any) -> None:
        """Records an event and passes it on."""
        scope = active.scope() if self.run is None else self._scope()
        if scope is None:
            self.forward.send(message)
            return
        record_event(scope, message)
        if scope.run.console or self.forward is not scope.run.default_stream:
            self.forward.send(message)

    def print(self, *objects: Any, sep: str | None = " ", end: str | None = "\n", flush: bool = False) -> None:
        """Records a print and passes it on."""
        scope = self._scope()
        if scope is not None:
            record_print(scope, objects, sep, end)
        if self._passes_on(scope):
            self.forward.print(*objects, sep=sep, end=end, flush=flush)

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        """Asks the human through the stream behind, and records prompt and answer; never a password."""
        answer: str = self.forward.input(prompt, password=True) if password else self.forward.input(prompt)
        scope = self._scope()
        if scope is not None:
            record_input(scope, prompt, password, answer)
        return answer

    def close(self) -> None:
        """Ends the run that the bare form started."""
        if self.run is not None:
            self.run.close()

    def __getattr__(self, name: str) -> Any:
        """Whatever else the stream behind can do: user code may look for its own stream's methods."""
        if name == "forward":
            raise AttributeError(name)
        return getattr(self.forward, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """As reading: what user code sets on the stream that it got, it sets on its own."""
        user = self._users()
        if user is None or name in OWN:
            super().__setattr__(name, value)
        else:
            setattr(user, name, value)

    def __delattr__(self, name: str) -> None:
        user = self._users()
        if user is None or name in OWN:
            super().__delattr__(name)
        else:
            delattr(user, name)

    def __eq__(self, other: object) -> bool:
        user = self._users()
        return self is other if user is None else bool(user == behind(other))

    def __hash__(self) -> int:
        user = self._users()
        return object.__hash__(self) if user is None else hash(user)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """Of the same kind as the user's stream, whose methods it has."""
        user = self._users()
        return type(self) if user is None else user.__class__

    def _users(self) -> Any:
        """The user's stream that this one stands in front of; None for the bare form, which is the user's own."""
        return None if self.run is not None else self.__dict__.get("forward")

    def _scope(self) -> Scope | None:
        scope = active.scope()
        if self.run is not None and self.run.is_open and (scope is None or scope is scope.run.stray):
            return self.run.base
        return scope

    def _passes_on(self, scope: Scope | None) -> bool:
        return scope is None or scope.run.console or self.forward is not scope.run.default_stream


class AsyncJournalStream(JournalStream):
    """The same over a stream whose `input` is a coroutine."""

    async def input(self, prompt: str = "", *, password: bool = False) -> str:  # type: ignore[override]
        """Asks the human through the stream behind, and records prompt and answer; never a password."""
        if password:
            answer: str = await self.forward.input(prompt, password=True)
        else:
            answer = await self.forward.input(prompt)
        scope = self._scope()
        if scope is not None:
            record_input(scope, prompt, password, answer)
        return answer


def behind(stream: Any) -> Any:
    """The stream that a recording stream passes on to; any other as it is."""
    while isinstance(stream, JournalStream):
        stream = stream.forward
    return stream


def record_event(scope: Scope, event: Any) -> None:
    """Writes an `event` record. Raises nothing but what interrupts the process."""
    run = scope.run
    begun = perf_counter_ns() if next(run.is_timed) else 0
    data = b""
    try:
        if run.skip and ("event" in run.skip or getattr(event, "type", None) in run.skip):
            return
        try:
            data = event.__pydantic_serializer__.to_json(event)
        except Exception:
            data, replaced = encode.event_to_json(event)
            run.write(format.EVENT, {}, scope, raw=b'"event":' + data, replaced=_under("$.event", replaced))
        else:
            head = scope.event if get_ident() == run.thread else active.EVENT % run.place(scope)
            run.journal.append(head, data)
    except Exception as error:
        failed(run, error)
    except BaseException as error:
        if not data:
            failed(run, error)
        if not encode.is_panic(error):
            raise
    if begun:
        run.spent_ns += perf_counter_ns() - begun
        run.events_timed += 1


def record_print(scope: Scope, objects: tuple[Any, ...], sep: str | None, end: str | None) -> None:
    """Writes a `print` record; None as separator or line end means the usual one, as it does to Python's `print`."""
    try:
        text = (" " if sep is None else str(sep)).join(map(str, objects)) + ("\n" if end is None else str(end))
        scope.run.write(format.PRINT, {"text": text}, scope)
    except Exception as error:
        failed(scope.run, error)


def record_input(scope: Scope, prompt: str, password: bool, answer: Any) -> None:
    """Writes an `input` record."""
    try:
        if password and scope.run.mask is not None and isinstance(answer, str):
            scope.run.mask.learn([answer])
        fields = {"prompt": prompt, "password": password, "answer": None if password else answer}
        scope.run.write(format.INPUT, fields, scope)
    except Exception as error:
        failed(scope.run, error)


def failed(run: Run, error: BaseException) -> None:
    """Counts a record that could not be made, and says so."""
    run.journal.miss(f"{type(error).__name__}: {error}")


def _under(path: str, replaced: encode.Replaced) -> encode.Replaced:
    return [{**note, "path": path + note["path"][1:]} for note in replaced]
