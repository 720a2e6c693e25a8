"""What a journal or a transcript says twice has happened once."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, event, logged, text, write_journal

TABLES = ("execution_events", "messages", "llm_calls", "tool_calls", "code_execs", "files")
CODE = "```python\nopen('a.txt', 'w').write('1')\n```"
SAID = [
    text("user", "coder", "Go."),
    {"kind": "llm_call", "agent": "coder", "request": {"messages": [{"role": "user", "content": "Go."}]}},
    text("coder", "user", CODE),
    event("generate_code_execution_reply", sender="coder", recipient="user", code_blocks=["python"]),
    logged("user", "coder", "exitcode: 0 (execution succeeded)\nCode output: done"),
    {"kind": "action", "action_type": "decision", "action_name": "stop", "id": "a1", "status": "completed"},
]


def rows(tables: Tables, run_id: str) -> dict[str, list[Any]]:
    """What the tables say of a run, without its id and the ids made of it."""
    told = {}
    for table in TABLES:
        columns = "* EXCLUDE (run_id, id)" if table in ("execution_events", "files") else "* EXCLUDE (run_id)"
        found = tables.sql(f"SELECT {columns} FROM {table} WHERE run_id = ?", run_id)
        told[table] = [{k: v for k, v in row.items() if not k.endswith("event_id")} for row in found]
    return told


@pytest.mark.few
@pytest.mark.parametrize("form", ["behind", "each", "twice"])
def test_lines_that_stand_there_twice_are_told_once(form: str, runs: Path, ingested: Ingest) -> None:
    """A journal appended to itself, or with each line doubled: all lines are kept, the facts are those of one."""
    lines = write_journal(runs, "one", *SAID).read_text().splitlines(keepends=True)
    doubled = {"behind": lines * 2, "each": [line for line in lines for _ in range(2)], "twice": lines * 3}[form]
    (runs / "two").mkdir()
    (runs / "two" / "journal.jsonl").write_text("".join(doubled))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM journal WHERE run_id = 'two'") == len(doubled)
    repeated = tables.sql("SELECT (meta->>'repeated_lines')::INT AS n FROM runs ORDER BY run_id")
    assert [row["n"] for row in repeated] == [None, len(doubled) - len(lines)]
    told = rows(tables, "two")
    assert all(told[table] for table in TABLES if table != "tool_calls")
    normal = json.dumps(rows(tables, "one"), default=str)
    for one, two in zip(_ids(tables, "one"), _ids(tables, "two"), strict=True):
        normal = normal.replace(one, two)
    assert json.loads(normal) == json.loads(json.dumps(told, default=str))
    assert tables.one("SELECT count(*) - count(DISTINCT id) FROM execution_events") == 0
    counts = "SELECT messages, llm_calls, code_execs, files, lost_events, status FROM runs WHERE run_id = ?"
    assert tables.sql(counts, "two") == tables.sql(counts, "one")


def _ids(tables: Tables, run_id: str) -> list[str]:
    """The ids of a run's events, in order."""
    found = tables.sql("SELECT id FROM execution_events WHERE run_id = ? ORDER BY execution_order", run_id)
    return [str(row["id"]) for row in found]


def test_another_record_with_the_same_number_is_kept(runs: Path, ingested: Ingest) -> None:
    """A number that comes again with other contents is a fact of its own, and only what is the same is left out."""
    path = write_journal(runs, "r", text("a", "b", "one"), end=False)
    line = path.read_text().splitlines(keepends=True)[-1]
    other = line.replace('"one"', '"two"')
    path.write_text(path.read_text() + other + line)
    tables = ingested(runs)
    said = tables.sql("SELECT content FROM messages ORDER BY message_order")
    assert sorted(row["content"] for row in said) == ["one", "two"]
    assert tables.one("SELECT count(*) FROM journal") == 4


def test_numbers_with_gaps_are_known_again(runs: Path, ingested: Ingest) -> None:
    """Lines of which some are lost, twice: what is there is told once."""
    path = write_journal(runs, "r", *[text("a", "b", f"m{number}") for number in range(9)])
    lines = path.read_text().splitlines(keepends=True)[::3]
    path.write_text("".join(lines * 2))
    tables = ingested(runs)
    assert [row["content"] for row in tables.sql("SELECT content FROM messages ORDER BY message_order")] == [
        "m2",
        "m5",
        "m8",
    ]


def _call(call_id: str, name: str) -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}
    return {"role": "assistant", "name": "bot", "content": "", "tool_calls": [call]}


def _answer(call_id: str, content: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_an_answer_that_comes_twice_is_one_call(runs: Path, ingested: Ingest) -> None:
    """Both messages are there, and one call."""
    (runs / "t.json").write_text(json.dumps([_call("1", "f"), _answer("1", "a"), _answer("1", "a")]))
    tables = ingested(runs)
    calls = tables.sql("SELECT tool_name, result, status FROM tool_calls")
    assert calls == [{"tool_name": "f", "result": "a", "status": "completed"}]
    assert tables.one("SELECT count(*) FROM execution_events WHERE event_type = 'tool_call'") == 1
    assert tables.one("SELECT count(*) FROM messages") == 3


def test_an_id_that_is_used_again_is_another_call(runs: Path, ingested: Ingest) -> None:
    """Two calls with one id and equal answers are two; another answer to one call says which tool it is of."""
    chat = [_call("1", "f"), _answer("1", "a"), _call("1", "g"), _answer("1", "a"), _answer("1", "b")]
    (runs / "t.json").write_text(json.dumps(chat))
    rows = ingested(runs).sql(
        "SELECT tool_name, result FROM tool_calls JOIN execution_events AS e ON e.id = event_id "
        "ORDER BY execution_order"
    )
    assert [tuple(row.values()) for row in rows] == [("f", "a"), ("g", "a"), ("g", "b")]
