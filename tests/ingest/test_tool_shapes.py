"""Calls of tools in the shapes that other programs than AG2 write."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import Ingest


@pytest.mark.few
@pytest.mark.parametrize("key", ["arguments", "args", "input"])
def test_a_call_may_name_its_tool_beside_its_id(key: str, runs: Path, ingested: Ingest) -> None:
    """Its name and arguments are those of the call, which has its answer by the id."""
    messages: list[dict[str, Any]] = [
        {"role": "user", "name": "u", "content": "go"},
        {"role": "assistant", "name": "w", "content": None, "tool_calls": [{"id": "k1", "name": "add", key: {"a": 1}}]},
        {"role": "tool", "tool_call_id": "k1", "content": "3"},
    ]
    (runs / "chat.json").write_text(json.dumps(messages))
    tables = ingested(runs)
    (call,) = tables.sql("SELECT call_id, tool_name, agent_name, arguments, result FROM tool_calls")
    assert (call["call_id"], call["tool_name"], call["agent_name"], call["result"]) == ("k1", "add", "w", "3")
    assert json.loads(call["arguments"]) == {"a": 1}
    record = tables.one("SELECT record FROM journal WHERE seq = 1")
    assert json.loads(record) == messages[1]


@pytest.mark.few
@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        ("Error: boom", "ToolError"),
        ([{"type": "text", "text": "Error: boom"}], "ToolError"),
        ("Traceback (most recent call last):\n  File 'a.py', line 1, in f\nKeyError: 'x'", "KeyError"),
        ("KeyError: 'x'", "KeyError"),
        ("requests.exceptions.HTTPError: 404", "HTTPError"),
        ("Error executing tool look_up: boom", None),
        (
            "exitcode: 1 (execution failed)\nCode output: Traceback (most recent call last):\nValueError: x",
            "ValueError",
        ),
        ("USER INTERRUPTED", None),  # a human refused the call
        ("The line is USER INTERRUPTED", ""),
        ("exitcode: 0 (execution succeeded)\nCode output: 1", ""),
        ("Errors: 0", ""),
        ("No KeyError: 'x' was found", ""),
        ("The documentation says that KeyError: is raised", ""),
        ('{"error": "no such city"}', ""),  # an ordinary value, as AG2 counts
        (None, ""),
    ],
)
def test_an_answer_may_tell_that_its_tool_raised(
    answer: Any, error_type: str | None, runs: Path, ingested: Ingest
) -> None:
    """Where nothing but the answer is there to tell."""
    call = {"id": "k1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "name": "w", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "k1", "content": answer},
    ]
    (runs / "chat.json").write_text(json.dumps(messages))
    (call,) = ingested(runs).sql(
        "SELECT tool_calls.status, tool_calls.error_message, meta->>'error_type' AS error_type "
        "FROM tool_calls, execution_events WHERE id = event_id"
    )
    assert call["status"] == ("completed" if error_type == "" else "failed")
    assert call["error_type"] == (error_type or None)
    assert (call["error_message"] is None) == (error_type == "")


def test_of_an_answer_alone_nobody_knows_the_tool(runs: Path, ingested: Ingest) -> None:
    """The history begins behind the call."""
    (runs / "chat.json").write_text(json.dumps([{"role": "tool", "tool_call_id": "k1", "content": "Saved to a.csv"}]))
    tables = ingested(runs)
    (call,) = tables.sql("SELECT tool_name, agent_name, result, status FROM tool_calls")
    assert tuple(call.values()) == (None, None, "Saved to a.csv", "completed")
    assert tables.sql("SELECT file_path FROM files")[0]["file_path"] == "a.csv"
