"""Which of the calls that wait for their answer is meant, also where they are very many."""

import json
import random
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ingest import facts
from ingest.events import Event, Where
from ingest.finder import Finder
from ingest.messages import ToolRequest, ToolResponse
from ingest.runrows import RunRows
from ingest.tools import ToolLedger
from ingest.waiting import ENDED, RAN, REQUESTED, STARTED, ToolCall, Waiting
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, event, logged, write_journal

CHATS = 300


def asks(number: int) -> Row:
    """A message that asks for a call of an id that is the same in every chat."""
    function = {"name": "look", "arguments": json.dumps({"n": number})}
    return logged("a", "b", {"content": None, "tool_calls": [{"id": "call_0", "function": function}]})


def answers(number: int) -> Row:
    """The message that answers it."""
    return logged("b", "a", {"role": "tool", "tool_call_id": "call_0", "content": f"page {number}"})


@pytest.mark.few
@pytest.mark.parametrize("first", [{"in_chat": "chat-0"}, {}], ids=["all marked", "first not marked"])
def test_very_many_chats_with_equal_ids_have_their_own_results(first: Row, runs: Path, ingested: Ingest) -> None:
    """All of them ask before any is answered. The records of a chat that began while no other was on are not marked."""
    places = [first, *({"in_chat": f"chat-{n}"} for n in range(1, CHATS))]
    asked = [asks(n) | place for n, place in enumerate(places)]
    write_journal(runs, "r", *asked, *(answers(n) | place for n, place in enumerate(places)))
    rows = ingested(runs).sql("SELECT (arguments->>'n')::INTEGER AS n, result FROM tool_calls ORDER BY n")
    assert [tuple(row.values()) for row in rows] == [(n, f"page {n}") for n in range(CHATS)]


def test_of_very_many_unanswered_calls_the_first_are_given_up(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a call without a result in the turn that asked for it, once; what comes for it later stands alone. The
    one that is answered in time is in the turn that answers."""
    monkeypatch.setattr("ingest.tools.MAX_WAITING", 3)
    asked = [asks(n) | {"in_chat": f"chat-{n}"} for n in range(8)]
    late, in_time = (answers(n) | {"in_chat": f"chat-{n}"} for n in (1, 6))
    begun = [event("execute_function", func_name="look", call_id=f"own-{n}", recipient="b") for n in range(5)]
    write_journal(runs, "r", *asked, late, in_time, *begun)
    tables = ingested(runs)
    rows = tables.sql("SELECT coalesce(arguments->>'n', call_id) AS n, status, result FROM tool_calls ORDER BY n")
    pending = [(str(n), "pending", None) for n in (0, 1, 2, 3, 4, 5, 7)]
    own = [(f"own-{n}", "pending", None) for n in range(5)]
    expected = [*pending, ("6", "completed", "page 6"), ("call_0", "completed", "page 1"), *own]
    assert [tuple(row.values()) for row in rows] == sorted(expected)
    query = "SELECT count(*) FROM execution_events AS c JOIN execution_events AS t ON c.parent_event_id = t.id "
    assert tables.one(query + "WHERE c.event_type = 'tool_call' AND (t.outputs->'tool_calls') IS NOT NULL") == 7


@pytest.mark.few
@pytest.mark.parametrize(
    ("asked_in", "answered_in", "is_answer"),
    [("one", "two", False), ("one", None, True), (None, "two", True), ("one", "one", True)],
)
def test_an_answer_is_of_another_chat_only_where_the_records_do_not_tell(
    asked_in: str | None, answered_in: str | None, is_answer: bool, runs: Path, ingested: Ingest
) -> None:
    """A record without the name of its chat may be of any."""
    write_journal(runs, "r", asks(1) | {"in_chat": asked_in}, answers(1) | {"in_chat": answered_in})
    rows = ingested(runs).sql("SELECT arguments->>'n' AS n, result FROM tool_calls ORDER BY n")
    apart = [("1", None), (None, "page 1")]
    assert [tuple(row.values()) for row in rows] == ([("1", "page 1")] if is_answer else apart)


class Counted(Where):
    """A place that counts how often anything of any such place is asked for."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        """The attribute."""
        Counted.looks += 1
        return super().__getattribute__(name)


@pytest.mark.few
@pytest.mark.parametrize("form", ["in order", "out of order", "threads", "answered only"])
def test_calls_of_a_message_without_ids_are_not_looked_through(form: str) -> None:
    """3,000 calls end out of order, or each in a thread of its own: each has its result, after a few looks."""
    calls, positions = range(3000), count(1)
    ledger = ToolLedger(RunRows("r"), Finder(lambda *_: None))

    def where(number: int = 0) -> Where:
        position = next(positions)
        return Counted(str(position), position, position, f"thread {number}" if form == "threads" else "")

    for n in calls:
        ledger.requested(ToolRequest(None, "look", json.dumps({"n": n})), "a", "turn", where(), n)
    Counted.looks = 0
    if form != "answered only":
        for n in calls:
            ledger.started(facts.ToolStarted(None, "look", {"n": n}, "b"), where(n))
        for n in random.Random(1).sample(calls, len(calls)) if form == "out of order" else calls:
            ledger.ended(facts.ToolEnded(None, "look", {"n": n}, f"page {n}", False, "b"), where(n))
    for n in calls:
        event = ledger.answered(ToolResponse(None, "look", f"page {n}"), "b", where())
        assert isinstance(event, Event)
        assert (event.inputs["args"], event.outputs["result"]) == ({"n": n}, f"page {n}")
    assert Counted.looks < 100 * len(calls)


def rule(calls: list[ToolCall], where: Where, states: tuple[str, ...], arguments: Any) -> ToolCall | None:
    """The call that is meant, of all in the order in which they were heard of."""

    def is_told_apart(call: ToolCall) -> bool:
        chats = {call.where.chat, where.chat}
        return call.where.talk != where.talk and len(chats) == 2 and None not in chats

    def closeness(call: ToolCall) -> tuple[bool, ...]:
        here = call.where.talk == where.talk, call.where.thread == where.thread
        return *here, arguments is None or call.arguments == arguments, call.state != REQUESTED

    may_be = [call for call in calls if call.state in states and not is_told_apart(call)]
    closest = max(map(closeness, may_be), default=None)
    equal = [call for call in may_be if closeness(call) == closest]
    return next((call for call in equal if call.turn == equal[-1].turn), None)


@pytest.mark.parametrize("seed", range(20))
def test_the_call_that_is_meant_is_found_as_the_rule_says(seed: int) -> None:
    """Whatever calls begin to wait, go on, get arguments and are answered."""
    any_of = random.Random(seed)
    waiting, calls, heard_of, turn = Waiting(), list[ToolCall](), 0, 0

    def where() -> Where:
        talk, chat = any_of.choice("xyz"), any_of.choice([None, "x", "y"])
        return Where("", 0, None, any_of.choice("st"), chat=chat, talk=talk)

    for _ in range(400):
        chance = any_of.random()
        if chance < 0.3:
            turn += 1
            here, asked = where(), any_of.choice([f"turn {turn}", None])
            for number in range(any_of.choice([1, 1, 2, 4]) if asked else 1):
                order = heard_of - number + 1, -number
                heard_of += 1
                arguments = any_of.choice([None, {}, {"n": 1, "m": [2]}])
                calls.append(ToolCall(None, "look", here, "", order, turn=asked, arguments=arguments))
                waiting.put(calls[-1])
        elif chance < 0.5 and calls:
            call = any_of.choice(calls)
            call.state, call.where = any_of.choice([STARTED, ENDED]), where()
            call.arguments = call.arguments if call.arguments is not None else any_of.choice([None, {}])
            waiting.put(call)
        else:
            states = any_of.choice([(STARTED,), (REQUESTED,), (RAN, REQUESTED)])
            here, arguments = where(), any_of.choice([None, {}, {"m": [2], "n": 1}])
            found = waiting.nearest(here, states, arguments)
            all_states = (STARTED, ENDED, REQUESTED) if RAN in states else states
            assert found is rule(calls, here, all_states, arguments)
            if found is not None and any_of.random() < 0.6:
                waiting.drop(found)
                calls.remove(found)
    assert heard_of > 50
