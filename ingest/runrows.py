"""The rows of all tables of one run, and the events that most of them hang on."""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from operator import itemgetter
from typing import Any

from ingest.chains import Chains
from ingest.events import Event, Where, milliseconds
from ingest.failures import Failures
from ingest.lines import encode
from ingest.rows import Row, Same, TableRows, rank
from ingest.schema import TABLES

_COLUMNS = [column.name for column in TABLES["execution_events"].columns]
_ID, _PARENT, _DEPTH, _SUBTYPE, _AGENT, _META = (
    _COLUMNS.index(name) for name in ("id", "parent_event_id", "depth", "event_subtype", "agent_name", "meta")
)

PREVIEW = 500
"""Characters of a `*_preview` field and of `inputs.message`; the whole text stands beside it."""


CALL, SINGLE, GUARDRAIL = "call", "single", "guardrail"
"""Subtypes of LLM calls: of a turn, or of one around its chat; of none; of a turn that a guardrail checks by it."""

_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The digit of a UUID that says how it is made, with the two bits that are free in it."""

_FREE_PARTS = itemgetter(slice(13, 16), 16, slice(17, 20), slice(20, 32))
"""Of 32 hex digits those of a UUID that follow its version; the second is the one above."""

_CHANNELS = {"event": 1, "logger": 2, "transcript": 4}
_SOURCES = ["+".join(name for name, bit in _CHANNELS.items() if bits & bit) for bits in range(8)]


_Place = tuple[str | None, int]
"""Where something stands that happened inside of other events: in which, and how deep below it all."""

_NOWHERE: _Place = (None, 0)
_ENDLESS: _Place = (None, -1)
"""In none; in events that are said to be inside each other."""


def id_digits(run_id: str) -> str:
    """The 12 digits that the UUIDs of all that is in a run begin with. `ingest.of_run` in views.sql has the same.

    So the UUIDs of a run are neighbours, and DuckDB, which knows the lowest and the highest of those that it reads
    together, reads few others to find them. Of texts, such as run ids, it knows the first eight characters.
    """
    return hashlib.md5(run_id.encode(), usedforsecurity=False).hexdigest()[:12]


def storage_order(run_id: str) -> tuple[bytes, str]:
    """How runs follow each other in the tables.

    It is by what DuckDB knows of the rows that it reads together: of run ids the first eight bytes, and of UUIDs all.
    So the runs of one day lie together, and among them each run where its UUIDs belong.
    """
    return run_id.encode()[:8], id_digits(run_id)


MAX_REPEATED = 1024**3
"""Characters that a run's rows have of what stands in earlier ones of them, such as code that ran again. A few MB of
records could fill the disk with it."""


class RunRows:
    """Collects the rows of one run.

    Args:
        run_id: the run.
        session_id: may be set later, up to `chunks`.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        digits = id_digits(run_id)
        self._id_begins = f"{digits[:8]}-{digits[8:]}-3"
        self._hashed = hashlib.md5(f"{run_id}\0".encode("utf-8", "surrogatepass"), usedforsecurity=False)
        self.session_id: str | None = None
        self.tables = {name: TableRows(table) for name, table in TABLES.items()}
        self._events = self.tables["execution_events"]
        self._channels = bytearray()
        """For each message the channels that had it, a bit each."""
        self._repeated = 0
        self.requests = Chains()
        """The LLM calls that have messages."""
        self.failures = Failures()
        self._positions = array("q")
        self._named: dict[str, int] = {}
        """How many actions and calls have each of the ids that names give; a name that comes once is of one."""
        self._around: dict[str, str | None] = {}
        self._happened: dict[str, int] = {}
        """Of the events that others happened in: their depths in their own chats."""
        self._turns: dict[str, str | None] = {}
        """Of them the turns, with who speaks."""
        self._inside: dict[str, list[int]] = {}
        self._message_positions = array("q")
        self._talks: defaultdict[str, int] = defaultdict(count().__next__)
        """The number of each chat, in the order in which they come."""
        self._requesting = array("q")

    def may_repeat(self, length: int) -> bool:
        """Whether a text of such a length, that an earlier row of the run has, is stored once more."""
        self._repeated += length
        return self._repeated <= MAX_REPEATED

    def id(self, kind: str, key: str) -> str:
        """A UUID that is the same whenever this run is read again, and begins as all UUIDs of the run do."""
        hashed = self._hashed.copy()  # faster than to begin anew
        hashed.update(f"{kind}\0{key}".encode("utf-8", "surrogatepass"))
        middle, variant, rest, end = _FREE_PARTS(hashed.hexdigest())
        # what `str(uuid.UUID(hex=..., version=3))` gives, in a third of the time
        return f"{self._id_begins}{middle}-{_VARIANT[variant]}{rest}-{end}"

    def named_id(self, name: str) -> str:
        """The id of what a record calls an action or a call of this name: of several with that name the first."""
        return self.id("action", name)

    def new_named_id(self, name: str) -> str:
        """The id of an action or a call of this name that comes now."""
        first = self.named_id(name)
        times = self._named[first] = self._named.get(first, 0) + 1
        return first if times == 1 else self.id("repeated action", f"{times} {name}")

    def event(
        self,
        kind: str,
        subtype: str,
        where: Where,
        key: str = "",
        event_id: str | None = None,
        *,
        agent: str | None = None,
        status: str = "completed",
        started: int | None = None,
        ended: int | None = None,
        inputs: dict[str, Any] | None = None,
        outputs: dict[str, Any] | None = None,
        error: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Event:
        """A new event of this type. `key` tells apart several of one type that one record makes, or it has an id."""
        event_id = event_id or self.id(kind, where.key + key)
        event = Event(
            event_id,
            kind,
            subtype,
            where,
            agent,
            status,
            started,
            ended,
            {} if inputs is None else inputs,
            {} if outputs is None else outputs,
            error,
            {} if meta is None else meta,
        )
        if self.failures.may_raise(event):
            self.holds(event.id)
        return event

    def add(self, table: str, *row: Any, size: int | None = None) -> None:
        """Add a row to a table: its values without `run_id`, in the order of the columns. `size`: see `TableRows`."""
        values = [self.run_id, *row]
        if table == "files":  # the seed's `files` has its own id first
            values[:2] = values[1::-1]
        self.tables[table].add(values, size)

    def around(self, event_id: str, outer: str | None) -> None:
        """An event that others happen in, which may be added after them: `outer` is the one around it."""
        self._around.setdefault(event_id, outer if outer != event_id else None)

    def holds(self, event_id: str) -> None:
        """Something happens in an event that is not added yet, so that what is around that one is needed."""
        self._inside.setdefault(event_id, [])

    def add_event(self, event: Event, parent: str | None = None, depth: int = 0) -> None:
        """Add an event.

        Args:
            event: the event; those inside `event.where.parent` go below that.
            parent: the event of the same chat whose child it is.
            depth: how many events of its chat are above it.
        """
        self.failures.take(event)
        where = event.where
        if where.parent is not None and where.parent != event.id:
            self._inside.setdefault(where.parent, []).append(len(self._positions))
        if event.id in self._around or event.id in self._inside:
            self._happened[event.id] = depth
            if event.type == "agent_call":
                self._turns[event.id] = event.agent
            self._around[event.id] = where.parent if where.parent != event.id else None
        self._positions.append(where.position)
        inputs, outputs, meta = encode(event.inputs), encode(event.outputs), encode(event.meta)
        self._events.add(
            [
                event.id,
                self.run_id,
                None,
                where.node_id,
                where.step_id,
                parent,
                depth,
                event.type,
                event.subtype,
                None,
                event.agent,
                event.status,
                event.started,
                event.ended,
                milliseconds(event.started, event.ended),
                inputs,
                outputs,
                event.error,
                meta,
                event.started,
                event.ended,
                self._talks[where.talk],
            ],
            len(inputs)
            + len(outputs)
            + len(meta)
            + len(event.error or "")
            + len(event.agent or "")
            + len(where.node_id or "")
            + len(where.step_id or ""),
        )

    def add_llm_call(self, request: int | None, chain: int | None, *row: Any) -> None:
        """Add a row of `llm_calls`: its values from `event_id` on without `chain` and `call_number`.

        Args:
            request: the call in `requests`; None where it has no messages.
            chain: the chain that it stands in.
        """
        self._requesting.append(-1 if request is None else request)
        self.add("llm_calls", *row, chain, None)

    def add_message(self, channel: str, where: Where, event_id: str, internal: bool, *row: Any) -> int:
        """Add a row of `messages`.

        Args:
            channel: who told of it.
            where: where it stands.
            event_id: its turn.
            internal: whether it is AG2's own.
            row: its values from `sender` to `timestamp`.

        Returns:
            The message's index, for `heard`.
        """
        self._message_positions.append(where.position)
        self.tables["messages"].add([self.run_id, event_id, None, *row, None, self._talks[where.talk], internal])
        self._channels.append(_CHANNELS[channel])
        return len(self._channels) - 1

    def heard(self, index: int, channel: str) -> None:
        """Note a further channel that had a message."""
        self._channels[index] |= _CHANNELS[channel]

    def chunks(self) -> Iterator[tuple[str, list[Row], int]]:
        """Give the rows of all tables as (table, rows, length of their texts), once."""
        numbers, firsts, lasts = self.requests.numbered()
        late: dict[str, dict[str, Any]] = {
            "llm_calls": {"call_number": [None if call < 0 else numbers[call] for call in self._requesting]},
            "llm_messages": {"first_call": firsts, "last_call": lasts},
            "execution_events": {
                "execution_order": rank(self._positions),
                "session_id": Same(self.session_id),
            },
            "messages": {
                "message_order": rank(self._message_positions),
                "source": [_SOURCES[channels] for channels in self._channels],
            },
        }
        places = self._places()
        for name, rows in self.tables.items():
            number = 0
            for chunk, size in rows.chunks(**late.get(name, {})):
                if name == "execution_events" and places:
                    self._put_inside(chunk, number, places)
                if name == "execution_events" and self.failures.told_later:
                    self._tell_later(chunk)
                number += len(chunk)
                yield name, chunk, size

    def _tell_later(self, chunk: list[Row]) -> None:
        """Put into `meta`, which is text by then, what was learnt of events after they were added."""
        for row in chunk:
            fields = self.failures.told_later.get(row[_ID])
            if fields:
                row[_META] = f"{row[_META][:-1]}{',' if row[_META] != '{}' else ''}{encode(fields)[1:]}"

    def _places(self) -> dict[int, tuple[str, int]]:
        """For rows that happened inside other events the nearest of these, and how deep below it they are.

        Where an event never came, the one around it counts.
        """
        known: dict[str, _Place] = {}
        places: dict[int, tuple[str, int]] = {}
        for inner, numbers in self._inside.items():
            nearest, depth = self._place(inner, known)
            if nearest is not None:
                places.update(dict.fromkeys(numbers, (nearest, depth)))
        return places

    def _place(self, inner: str, known: dict[str, _Place]) -> _Place:
        """The place of what happened inside of an event.

        Args:
            inner: the event.
            known: the places inside of events, to which those of the events around this one are added: of a long
                chain of events inside each other each is looked at once.
        """
        chain: dict[str, None] = {}
        event: str | None = inner
        while event is not None and event not in known and event not in chain:
            chain[event] = None
            event = self._around.get(event)
        place: _Place = _NOWHERE if event is None else known.get(event, _ENDLESS)
        for event in reversed(chain):
            if place != _ENDLESS and event in self._happened:
                place = event, place[1] + self._happened[event] + 1
            known[event] = place
        return place

    def _put_inside(self, chunk: list[Row], first: int, places: dict[int, tuple[str, int]]) -> None:
        """Put rows, of which the first has that number, below the events that they happened in."""
        for number, row in enumerate(chunk, first):
            if number in places:
                event, depth = places[number]
                row[_DEPTH] += depth
                row[_PARENT] = row[_PARENT] or event
                # an agent that was asked inside a chat of the turn, and did not speak there, is another one
                if row[_SUBTYPE] == SINGLE and event in self._turns and row[_AGENT] in (None, self._turns[event]):
                    row[_SUBTYPE] = CALL


def preview(text: str | None) -> str | None:
    """The first 500 characters."""
    return text[:PREVIEW] if text is not None else None
