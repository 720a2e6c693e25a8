"""What happened in a run, and where in it: the plain values that its rows are made of."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Where:
    """Where in a run a record stands.

    Attributes:
        key: names the record within its run: its `seq`, or what else is unique.
        position: sorts it among the records of the run.
        time: UTC microseconds since 1970, or None in a transcript.
    """

    key: str
    position: int
    time: int | None
    thread: str = ""
    step_id: str | None = None
    node_id: str | None = None
    parent: str | None = None
    """The event around it that is no turn of its own chat: a marked action, or the turn that opened the chat."""
    action: str | None = None
    """The marked action or the call around it, also where the chat that it is in was opened there."""
    chat: str | None = None
    """The chat that it belongs to, where several are going on at once."""
    talk: str = ""
    """The chat that it belongs to, also where others only came before; '' outside of any."""

    def at(self, position: int) -> "Where":
        """The same at another position."""
        return Where(  # `replace` takes three times as long
            self.key,
            position,
            self.time,
            self.thread,
            self.step_id,
            self.node_id,
            self.parent,
            self.action,
            self.chat,
            self.talk,
        )


UNSPOKEN = "unspoken"
"""Subtype of a turn without a message: an exception ended it, or, where it opened nested chats, silence or the run."""


@dataclass(slots=True)
class Event:
    """A row of `execution_events` in the making. Times are UTC microseconds."""

    id: str
    type: str
    subtype: str
    where: Where
    agent: str | None
    status: str
    started: int | None
    ended: int | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    error: str | None
    meta: dict[str, Any]
    length: int = 0
    """Characters of its texts, once it waits for its turn to end."""

    def light(self, inputs: dict[str, Any], meta: dict[str, Any]) -> "Event":
        """The same with these inputs, this `meta`, no outputs and no error, to be held."""
        return Event(
            self.id,
            self.type,
            self.subtype,
            self.where,
            self.agent,
            self.status,
            self.started,
            self.ended,
            inputs,
            {},
            None,
            meta,
        )

    @property
    def duration_ms(self) -> float | None:
        """Milliseconds between start and end, where both are known."""
        return milliseconds(self.started, self.ended)


def milliseconds(started: int | None, ended: int | None) -> float | None:
    """Milliseconds between two times in microseconds; None where one is missing or they run backwards."""
    if started is None or ended is None or ended < started:
        return None
    return (ended - started) / 1000
