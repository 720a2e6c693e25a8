"""Chats inside of chats: who speaks after whom, in the order in which the words were said."""

import datetime
from pathlib import Path

import pytest

from tests.queries.database import START, Builder
from tests.queries.reading import answer, rows


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with nested chats: a turn comes before what happened in it, and is over after it."""
    builder = Builder()
    run = builder.run("nested")
    seconds = iter(range(0, 100, 2))

    def at() -> dict[str, datetime.datetime]:
        return {"completed_at": START + datetime.timedelta(seconds=next(seconds))}

    boss = at()
    asks, thinks, answers, done = at(), at(), at(), at()
    run.turn("boss", **boss)
    outer = run.turn("outer", **done)
    run.turn("outer", "think", parent_event_id=outer, depth=1, **asks)
    run.turn_id = outer
    tool = run.tool("outer", "ask")
    inner = run.turn("inner", parent_event_id=tool, depth=2, **answers)
    run.turn("deepest", parent_event_id=inner, depth=3, **thinks)
    run.turn("boss", **at())
    run.turn("outer", **at())
    return builder.write(tmp_path_factory.mktemp("nested") / "traces.duckdb")


SAID = ["boss", "outer", "deepest", "inner", "outer", "boss", "outer"]


def test_the_way_through_a_nested_chat(nested: Path) -> None:
    """The path of a run tells a nested chat before the words of the turn that it was held in."""
    (variant,) = answer(nested, "agent_variants")
    assert (variant["path"], variant["turns"]) == (SAID, 7)
    assert answer(nested, "agent_variants", repeats=False)[0]["path"] == SAID
    (sequence,) = answer(nested, "agent_sequences", min_length=7, max_length=7, min_count=1)
    assert sequence["agents"] == SAID


def test_handoffs_of_a_nested_chat(nested: Path) -> None:
    """A handoff goes from each who spoke to the next who did, and never takes less than no time."""
    found = {
        (row["from_agent"], row["to_agent"]): (row["count"], row["median_ms"])
        for row in answer(nested, "agent_handoffs")
    }
    assert found == {
        ("boss", "outer"): (2, 2000.0),
        ("outer", "deepest"): (1, 2000.0),
        ("deepest", "inner"): (1, 2000.0),
        ("inner", "outer"): (1, 2000.0),
        ("outer", "boss"): (1, 2000.0),
    }
    assert answer(nested, "agent_handoffs", run_id="nested") == answer(nested, "agent_handoffs")


def test_patterns_of_agents_in_a_nested_chat(nested: Path) -> None:
    """Subsequences of agents and alternations take the turns in the order of the path."""
    found = answer(nested, "frequent_subsequences", kind="agent", min_count=1, min_length=7, max_length=7)
    assert [row["steps"] for row in found] == [SAID]
    (pair,) = answer(nested, "alternations", min_turns=3, idle=False)
    assert (pair["agents"], pair["turns"]) == (["boss", "outer"], 3)


def test_nobody_alternates_with_who_spoke_in_between(tmp_path: Path) -> None:
    """Two agents of a nested chat alternate, though the turn that it was held in was numbered before theirs."""
    builder = Builder()
    run = builder.run("r")
    run.turn("boss")
    outer = run.turn("outer")
    for agent in ("asker", "inner", "asker", "inner"):
        run.turn(agent, "hm", parent_event_id=outer)
    run.turn("boss")
    run.turn("outer", "end")
    (pair,) = answer(builder.write(tmp_path / "traces.duckdb"), "alternations", min_turns=4)
    assert (pair["agents"], pair["turns"], pair["distinct_messages"]) == (["asker", "inner"], 4, 1)


def test_the_parent_of_a_turn_is_the_turn_that_it_answers(tmp_path: Path) -> None:
    """Parents are of the same chat, never AG2's own agents or who spoke in a nested chat; names and ids agree."""
    builder = Builder()
    run = builder.run("r")
    boss = run.turn("boss", "go")
    run.turn("checking_agent", "who?", meta={"internal": True})
    run.turn("speaker_selection_agent", "outer", meta={"internal": True})
    outer = run.turn("outer", "thought")
    run.speaker = None
    opening = run.turn("outer", "think", parent_event_id=outer)
    run.turn("inner", "thinking", parent_event_id=outer)
    run.turn("boss", "go on")
    path = builder.write(tmp_path / "traces.duckdb")
    found = [
        (row["child_agent"], row["parent_agent"], str(row["parent_execution_id"]), row["data_passed"])
        for row in sorted(rows(path, "agent_call_chains"), key=lambda row: row["call_sequence"])
        if not row["child_agent"].endswith("_agent")
    ]
    assert found == [
        ("boss", None, "None", None),
        ("outer", "boss", boss, '{"full_content": "go"}'),
        ("outer", "outer", outer, None),
        ("inner", "outer", opening, '{"full_content": "think"}'),
        ("boss", "outer", outer, '{"full_content": "thought"}'),
    ]
    executions = [row for row in rows(path, "agent_executions") if not row["agent_name"].endswith("_agent")]
    executions.sort(key=lambda row: row["call_sequence"])
    assert [(row["agent_name"], str(row["parent_execution_id"]), row["input_data"]) for row in executions] == [
        (child, parent, passed) for child, _, parent, passed in found
    ]
    returned = [row["data_returned"] for row in answer(path, "call_chain") if row["callee"] == "inner"]
    assert returned == ['{"full_content": "thinking"}']


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """A handoff that would have taken less than no time counts, and its time is not known."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    run.turn("b", completed_at=START - datetime.timedelta(hours=1))
    (row,) = answer(builder.write(tmp_path / "traces.duckdb"), "agent_handoffs")
    assert (row["count"], row["median_ms"]) == (1, None)


def test_events_that_hold_each_other(tmp_path: Path) -> None:
    """Parents that go in a circle, or are not there, end in an answer."""
    builder = Builder()
    run = builder.run("r")
    first = run.turn("a")
    second = run.turn("b", parent_event_id=first)
    builder.rows["execution_events"][0].update(parent_event_id=second, depth=1)
    run.turn("c", parent_event_id="00000000-0000-0000-0000-000000000000")
    path = builder.write(tmp_path / "traces.duckdb")
    assert sorted(answer(path, "agent_variants")[0]["path"]) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["tool_chains", "agent_sequences"])
def test_lengths_end_at_the_longest_run(database: Path, name: str) -> None:
    """However long a chain may be, none is longer than a run."""
    assert answer(database, name, max_length=2**63 - 1) == answer(database, name, max_length=100)
    assert answer(database, name, min_length=2**63 - 1, max_length=2**63 - 1) == []
