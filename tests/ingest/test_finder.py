"""An extractor that breaks costs what it would have found: the message, the execution and the call are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ingest
from ingest import finder
from tests.ingest.tables import Tables

CALLS = [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"path": "a.txt"}'}}]
MESSAGES = [
    {"role": "user", "name": "user", "content": "Draw it, see a.txt."},
    {"role": "assistant", "name": "coder", "content": "```python\nopen('b.txt', 'w')\n```"},
    {"role": "user", "name": "executor", "content": "exitcode: 1 (execution failed)\nCode output: ValueError: c.txt"},
    {"role": "assistant", "name": "coder", "content": "Look first.", "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "c1", "name": "executor", "content": "Error: d.txt is not there"},
]


@pytest.mark.few
@pytest.mark.parametrize(
    "name", ["_extract_code", "extract_text", "argument_files", "code_blocks", "extract_error", None]
)
def test_a_broken_extractor_costs_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    """Whichever it is: all messages, the call and the run are there, and the run says what was not looked for."""

    def broken(*given: object) -> None:
        raise ZeroDivisionError("no such case")

    if name:
        broken.__name__ = name.removeprefix("_")
        monkeypatch.setattr(finder, name, broken)
    source = tmp_path / "chat.json"
    source.write_text(json.dumps(MESSAGES), encoding="utf-8")
    tables = Tables(tmp_path / "out", ingest.run(source, tmp_path / "out"))
    assert tables.one("SELECT count(*) FROM messages") == len(MESSAGES)
    assert tables.one("SELECT status FROM tool_calls") == "failed"
    assert tables.one("SELECT count(*) FROM code_execs") == 1
    told = json.loads(tables.one("SELECT coalesce(meta->'not_understood', '[]') FROM runs"))
    assert [line.partition("(")[2].partition(")")[0] for line in told][:1] == ([broken.__name__] if name else [])
    assert all(line.endswith("ZeroDivisionError: no such case") for line in told)
    assert any("ZeroDivisionError" in note for note in tables.summary.notes) == bool(name)
