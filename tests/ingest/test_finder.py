"""An extractor that breaks costs what it would have found: the message, the execution and the call are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ingest
from ingest import finder
from ingest.extractors import Hit, extract_text
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
    "name", ["_extract_code", "_extract_text", "argument_files", "code_blocks", "extract_error", None]
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


def test_short_texts_are_looked_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that many runs are given, or a tool's result that a message repeats; a long text is not kept for that."""
    looked_at: list[str] = []

    def look(text: str) -> list[Hit]:
        looked_at.append(text)
        return extract_text(text)

    monkeypatch.setattr(finder, "_extract_text", finder.remembered(look, 8))
    short, long = "Read a.csv.", "Read b.csv. " + "x" * finder.CACHED_LENGTH
    for number in range(3):
        said = [{"role": "user", "name": "user", "content": text} for text in (short, long, "Go on")]
        (tmp_path / f"chat{number}.json").write_text(json.dumps(said), encoding="utf-8")
    tables = Tables(tmp_path / "out", ingest.run(tmp_path, tmp_path / "out"))
    assert looked_at.count(short) == 1
    assert looked_at.count(long) == 3
    assert tables.one("SELECT count(*) FROM files WHERE operation = 'mention'") == 6
