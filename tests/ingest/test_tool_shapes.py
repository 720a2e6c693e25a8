"""Calls and answers of tools in the shapes that other programs than AG2 write."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables

Data = dict[str, Any]

USER: Data = {"role": "user", "name": "x", "content": "go"}
CALLS = [{"id": f"k{n}", "type": "function", "function": {"name": name, "arguments": "{}"}} for n, name in
         enumerate(("add", "sub", "add"))]  # fmt: skip
ASKED: Data = {"role": "assistant", "name": "w", "content": None, "tool_calls": CALLS}
ANSWERS: list[Data] = [
    {"role": "tool", "name": name, "content": said} for name, said in (("sub", "S"), ("add", "A"), ("add", "B"))
]
RESULTS = "SELECT call_id, tool_name, agent_name, executor, result, status FROM tool_calls ORDER BY result"


def write(runs: Path, shape: str, messages: list[Data]) -> None:
    """The messages in one of the ways in which they are read."""
    if shape == "lines":
        (runs / "t.jsonl").write_text("\n".join(map(json.dumps, messages)))
    elif shape == "chats":
        (runs / "t.json").write_text(json.dumps({"a": messages, "b": [USER]}))
    elif shape == "broken":
        (runs / "t.json").write_text(json.dumps(messages)[:-1])
    else:
        (runs / "t.json").write_text(json.dumps(messages))


def rows(tables: Tables) -> list[tuple[Any, ...]]:
    assert tables.one("SELECT count(*) FROM quarantine WHERE error NOT LIKE 'the list breaks off%'") == 0
    return [tuple(row.values()) for row in tables.sql(RESULTS)]


@pytest.mark.few
@pytest.mark.parametrize("shape", ["list", "lines", "chats", "broken"])
@pytest.mark.parametrize("ids", [True, False])
def test_an_answer_without_an_id_may_name_its_tool(ids: bool, shape: str, runs: Path, ingested: Ingest) -> None:
    """The name is no speaker, and each answer is that of the first call of its tool that has none."""
    calls = [call if ids else {**call, "id": None} for call in CALLS]
    write(runs, shape, [USER, {**ASKED, "tool_calls": calls}, *ANSWERS, {**USER, "content": "thanks"}])
    tables = ingested(runs)
    assert rows(tables) == [
        ("k0" if ids else None, "add", "w", None, "A", "completed"),
        ("k2" if ids else None, "add", "w", None, "B", "completed"),
        ("k1" if ids else None, "sub", "w", None, "S", "completed"),
    ]
    said = {row["sender"] for row in tables.sql("SELECT DISTINCT sender FROM messages")}
    assert said == {"x", "w", None}
    assert {row["agent"] for row in tables.sql("SELECT DISTINCT agent FROM journal")} == said
    records = [json.loads(row["record"]) for row in tables.sql("SELECT record FROM journal WHERE kind = 'message'")]
    assert all(answer in records for answer in ANSWERS)
    assert {row["role"] for row in tables.sql("SELECT role FROM messages WHERE sender IS NULL")} == {"tool"}


@pytest.mark.few
@pytest.mark.parametrize(
    ("before", "answer"),
    [
        ([], {"role": "tool", "name": "runner", "content": "S"}),
        ([{**USER, "name": "sub"}], {"role": "tool", "name": "sub", "content": "S"}),
        (
            [],
            {
                "role": "tool",
                "name": "sub",
                "content": "S",
                "tool_responses": [{"tool_call_id": "k1", "role": "tool", "content": "S"}],
            },
        ),
    ],
    ids=["no tool's name", "a speaker", "ids inside"],
)
def test_the_name_of_an_agent_is_a_speaker(before: list[Data], answer: Data, runs: Path, ingested: Ingest) -> None:
    """AG2 names the agent who ran a tool: it is believed where no tool or a speaker has that name, or ids are there."""
    write(runs, "list", [USER, *before, ASKED, answer])
    said = ingested(runs).sql("SELECT sender FROM messages WHERE role = 'tool'")
    assert [row["sender"] for row in said] == [answer["name"]]


@pytest.mark.few
@pytest.mark.parametrize("key", ["arguments", "args", "input"])
@pytest.mark.parametrize("as_text", [True, False])
def test_flat_calls(as_text: bool, key: str, runs: Path, ingested: Ingest) -> None:
    """Name and arguments beside the id."""
    given: Any = json.dumps({"a": 1}) if as_text else {"a": 1}
    asked = {**ASKED, "tool_calls": [{"id": "k1", "name": "add", key: given}]}
    write(runs, "list", [USER, asked, {"role": "tool", "name": "x", "tool_call_id": "k1", "content": "3"}])
    tables = ingested(runs)
    assert [row[:3] + row[4:] for row in rows(tables)] == [("k1", "add", "w", "3", "completed")]
    assert json.loads(tables.one("SELECT arguments FROM tool_calls")) == {"a": 1}
    names = tables.one("SELECT outputs->>'$.tool_calls[*].function.name' FROM execution_events WHERE agent_name = 'w' "
                       "AND event_type = 'agent_call'")  # fmt: skip
    assert names == ["add"]


ITEMS: list[Data] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"type": "function_call", "call_id": "q1", "id": "fc_1", "name": "add", "arguments": '{"a": 1}'},
    {"type": "custom_tool_call", "call_id": "q2", "name": "run", "input": "ls"},
    {"type": "function_call_output", "call_id": "q1", "output": "7"},
    {"type": "custom_tool_call_output", "call_id": "q2", "output": "8"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "7"}]},
]


@pytest.mark.few
@pytest.mark.parametrize("shape", ["list", "lines", "chats", "broken"])
def test_items_of_the_responses_api(shape: str, runs: Path, ingested: Ingest) -> None:
    """Calls and outputs are messages; what a model thought is none, and no fault."""
    write(runs, shape, ITEMS)
    tables = ingested(runs)
    assert rows(tables) == [
        ("q1", "add", None, None, "7", "completed"),
        ("q2", "run", None, None, "8", "completed"),
    ]
    assert [row["role"] for row in tables.sql("SELECT role FROM messages ORDER BY message_order LIMIT 6")] == [
        "user",
        "assistant",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]
    journal = tables.sql("SELECT kind, record FROM journal ORDER BY seq LIMIT 7")
    assert [json.loads(row["record"]) for row in journal] == ITEMS
    assert [row["kind"] for row in journal] == ["message", "reasoning", *["message"] * 5]


@pytest.mark.parametrize("odd", [{"call_id": 1}, {"call_id": "q", "name": None}, {}])
def test_items_of_unknown_shape_are_in_quarantine(odd: Data, runs: Path, ingested: Ingest) -> None:
    """As anything else that is no message."""
    write(runs, "list", [USER, {"type": "function_call", **odd}, {"type": ["function_call"]}, USER])
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM quarantine") == 2
    assert tables.one("SELECT count(*) FROM messages") == 2


def test_items_alone_are_no_chat(runs: Path, ingested: Ingest) -> None:
    """A response without a message may be anything."""
    (runs / "t.json").write_text(json.dumps({"output": ITEMS[1:3], "name": "x", "content": 1}))
    assert ingested(runs).one("SELECT count(*) FROM runs") == 0


def test_both_sides_of_a_chat_with_items_count_once(runs: Path, ingested: Ingest) -> None:
    """Items do not hide that a conversation goes on with another."""
    (runs / "t.jsonl").write_text("\n".join(json.dumps({"messages": ITEMS[:n]}) for n in (2, 5, 7)))
    assert ingested(runs).one("SELECT count(*) FROM messages") == 6
