"""Calls of tools in the shapes that other programs than AG2 write."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import Ingest


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
