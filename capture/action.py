"""What the user marks around a piece of work: a step of the workflow, or a timed action. Sync and async alike."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from capture import active, encode, format
from capture.active import Scope

if TYPE_CHECKING:
    from capture.run import Run


class _Around(ABC):
    """Something with a beginning and an end, whose inside points at it."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.id = ""
        self._begun = 0
        self._outer: Scope | None = None
        self._scope: Scope = run.base

    def begin(self, kind: str, step_id: str | None = None, node_id: str | None = None) -> Scope:
        """Makes its scope the one in force, and returns the one around it."""
        around = self.run.scope()
        self.id = self.run.next_id(kind)
        self._outer = active.scope_here.get()
        self._scope = Scope(self.run, step_id or around.step_id, node_id or around.node_id, self.id, chat=around.chat)
        active.scope_here.set(self._scope)
        self._begun = time.perf_counter_ns()
        return around

    def end(self) -> int:
        """Puts the scope around it back in force, and returns nanoseconds since `begin`."""
        duration = time.perf_counter_ns() - self._begun
        active.scope_here.set(self._outer)
        return duration

    @abstractmethod
    def open(self) -> None:
        """Begins it."""

    @abstractmethod
    def finish(self, error: BaseException | None) -> None:
        """Ends it, with what went wrong."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(error)


class Step(_Around):
    """A step of the workflow: every record inside carries its `step_id` and `node_id`."""

    def __init__(self, run: "Run", step_id: str, node_id: str | None, name: str | None) -> None:
        super().__init__(run)
        self.step_id = step_id
        self.node_id = node_id
        self.name = name or step_id

    def __enter__(self) -> "Step":
        self.open()
        return self

    async def __aenter__(self) -> "Step":
        self.open()
        return self

    def open(self) -> None:
        """Begins the step."""
        around = self.begin("step", self.step_id, self.node_id)
        if self.run.is_open:
            place = Scope(self.run, self._scope.step_id, self._scope.node_id, around.parent, chat=around.chat)
            self.run.write(format.STEP_START, {"id": self.id, "name": self.name}, place)

    def finish(self, error: BaseException | None) -> None:
        """Ends the step."""
        duration = self.end()
        fields: dict[str, Any] = {"status": "completed" if error is None else "failed", "duration_ns": duration}
        if error is not None:
            fields["error"] = encode.error_fields(error)
        if self.run.is_open:
            self.run.write(format.STEP_END, fields, self._scope)


class Action(_Around):
    """A timed action: what happens inside points at it, its duration and failure are recorded when it ends."""

    def __init__(
        self, run: "Run", action_type: str, action_name: str, agent: str | None, details: Mapping[str, Any]
    ) -> None:
        super().__init__(run)
        self.action_type = action_type
        self.action_name = action_name
        self.agent = agent
        self.details = details
        self.result: Any = None
        self._around: Scope = run.base

    def set_result(self, result: Any) -> None:
        """Says what came out.

        Args:
            result: anything; it goes into the record as JSON.
        """
        self.result = result

    def __enter__(self) -> "Action":
        self.open()
        return self

    async def __aenter__(self) -> "Action":
        self.open()
        return self

    def open(self) -> None:
        """Begins the action."""
        self._around = self.begin("action")

    def finish(self, error: BaseException | None) -> None:
        """Ends the action, and records it."""
        duration = self.end()
        write_action(
            self.run,
            self._around,
            self.action_type,
            self.action_name,
            self.details,
            ident=self.id,
            agent=self.agent,
            result=self.result,
            error=error,
            duration_ns=duration,
        )


def write_action(
    run: "Run",
    scope: Scope,
    action_type: str,
    action_name: str,
    details: Mapping[str, Any],
    *,
    ident: str,
    agent: str | None,
    result: Any,
    error: BaseException | str | None,
    duration_ns: int | None,
) -> None:
    """Writes an action. Raises nothing but what interrupts the process."""
    if not run.is_open:
        return
    failed = error is not None or action_type == "error"
    fields: dict[str, Any] = {
        "id": ident,
        "action_type": action_type,
        "action_name": action_name,
        "details": details,
        "result": result,
        "status": "failed" if failed else "completed",
    }
    if isinstance(error, BaseException):
        fields["error"] = encode.error_fields(error)
    elif error is not None:
        fields["error"] = {"type": action_name, "message": error, "traceback": ""}
    if duration_ns is not None:
        fields["duration_ns"] = duration_ns
    run.write(format.ACTION, fields, scope, agent=agent)


def nanoseconds(milliseconds: Any) -> int | None:
    """A duration that the user gave, or None where it is no number."""
    try:
        return None if milliseconds is None else int(milliseconds * 1e6)
    except (TypeError, ValueError, OverflowError):
        return None
