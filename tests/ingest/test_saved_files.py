"""Which file of several is meant: what the recorder saved is joined with what made it, and with nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest import roots
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal

DONE = "exitcode: 0 (execution succeeded)\nCode output: ok"
START = {"cwd": "/home/u/proj"}


def saved(run: Path, path: str, content: str) -> dict[str, Any]:
    """A copy that the recorder made, and its record."""
    copy = run / "files" / path.lstrip("/")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(content)
    return {"kind": "file", "path": path, "size": len(content), "sha256": "ab", "copy": f"files/{path.lstrip('/')}"}


def files(tables: Tables, operation: str) -> dict[str, str | None]:
    """Path to content."""
    query = "SELECT file_path, file_content FROM files WHERE operation = ? ORDER BY file_path"
    return {row["file_path"]: row["file_content"] for row in tables.sql(query, operation)}


def ran(code: str, *results: dict[str, Any]) -> list[dict[str, Any]]:
    return [logged("coder", "exe", f"```python\n{code}\n```"), logged("exe", "coder", DONE), *results]


def test_a_file_elsewhere_is_another_file(runs: Path, ingested: Ingest) -> None:
    """A file of the same name in a folder outside has neither the content nor the row of the run's own."""
    code = (
        "import pandas as pd, shutil\nold = pd.read_csv('/data/archive/results.csv')\n"
        "old.to_csv('results.csv')\nshutil.copy('results.csv', '/backup/2026/results.csv')"
    )
    own = saved(runs / "r", "results.csv", "new data")
    write_journal(runs, "r", *ran(code, own), start=START)
    tables = ingested(runs)
    assert files(tables, "read") == {"/data/archive/results.csv": None, "results.csv": "new data"}
    assert files(tables, "write") == {"/backup/2026/results.csv": None, "results.csv": "new data"}


def test_an_absolute_path_in_the_working_folder_is_the_saved_file(runs: Path, ingested: Ingest) -> None:
    """Also as it is called inside AG2's container."""
    code = "a.to_csv('/home/u/proj/out/a.csv')\nb.to_csv('/workspace/b.csv')"
    records = [saved(runs / "r", "out/a.csv", "a"), saved(runs / "r", "coding/b.csv", "b")]
    write_journal(runs, "r", *ran(code, *records), start=START)
    assert list(files(ingested(runs), "write").values()) == ["a", "b"]


def test_a_file_is_joined_with_the_tool_that_was_told_to_write_it(runs: Path, ingested: Ingest) -> None:
    """By its arguments, whatever it answers; a call that fails has written nothing."""
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments) in enumerate(
            [("write_file", {"path": "tool.md"}), ("read_file", {"path": "in.md"}), ("write_file", {"path": "no.md"})]
        )
    ]
    answers = [{"tool_call_id": f"c{n}", "content": text} for n, text in enumerate(("ok", "text", "Error: full"))]
    write_journal(
        runs,
        "r",
        logged("coder", "exe", {"role": "assistant", "content": None, "tool_calls": calls}),
        logged("exe", "coder", {"role": "tool", "content": "", "tool_responses": answers}),
        saved(runs / "r", "tool.md", "written"),
        start=START,
    )
    tables = ingested(runs)
    assert files(tables, "write") == {"tool.md": "written"}
    assert files(tables, "read") == {"in.md": None}
    (call, *_), (made, *_) = tables.events("tool_call"), tables.events("file_gen")
    assert (made["parent_event_id"], made["agent_name"]) == (call["id"], "coder")
    assert call["outputs"]["files_generated"] == ["tool.md"]


def test_files_of_one_execution_stand_in_the_order_of_its_code(runs: Path, ingested: Ingest) -> None:
    """Each once, where it is written first."""
    code = "\n".join(f"a.to_csv('{name}.csv')" for name in ("first", "second", "third", "first"))
    write_journal(runs, "r", *ran(code))
    made = [made["outputs"]["file_path"] for made in ingested(runs).events("file_gen")]
    assert made == ["first.csv", "second.csv", "third.csv"]


def test_code_that_an_executor_saved_is_known_however_much_was_run_since(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is of the last execution of that code."""
    monkeypatch.setattr("ingest.rows.CHUNK_ROWS", 2)
    codes = ["print(1)", "print(2)", "print(1)", *(f"print({n})" for n in range(3, 8))]
    copies = [saved(runs / "r", "coding/first.py", "print(1)"), saved(runs / "r", "coding/last.py", "print(7)")]
    write_journal(runs, "r", *[record for code in codes for record in ran(code)], *copies, start=START)
    query = (
        "SELECT f.file_path, f.method, w.inputs->>'code' AS code, count(l.id) AS later FROM files AS f "
        "JOIN execution_events AS e ON e.id = f.event_id JOIN execution_events AS w ON w.id = e.parent_event_id "
        "LEFT JOIN execution_events AS l ON l.event_type = 'code_exec' AND (l.inputs->>'code') = (w.inputs->>'code') "
        "AND l.execution_order > w.execution_order WHERE f.operation = 'write' GROUP BY ALL ORDER BY 1"
    )
    assert [tuple(row.values()) for row in ingested(runs).sql(query)] == [
        ("coding/first.py", "executor", "print(1)", 0),
        ("coding/last.py", "executor", "print(7)", 0),
    ]


def test_of_more_texts_than_are_held_all_are_there(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are too much for memory are read again, for the event and for the row."""
    monkeypatch.setattr(roots, "MAX_HELD", 5)
    texts = {"a.csv": "1234", "b.csv": "56789", "found.txt": "and more"}
    copies = [saved(runs / "r", path, text) for path, text in texts.items()]
    write_journal(runs, "r", *ran("a.to_csv('a.csv')\nb.to_csv('b.csv')", *copies), start=START)
    tables = ingested(runs)
    assert files(tables, "write") == texts
    query = "SELECT outputs->>'file_path' AS path, outputs->>'file_content' AS text FROM execution_events "
    written = tables.sql(query + "WHERE event_type = 'file_gen'")
    assert {row["path"]: row["text"] for row in written} == texts


def test_long_files_of_several_runs_stand_in_several_parquet_files(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is sorted in memory: what its rows hold counts, and not only how long the journals are."""
    monkeypatch.setattr("ingest.parts.PART_RECORDS", 100)
    for name in ("r1", "r2", "r3", "r4"):
        copy = saved(runs / name, "long.txt", "word " * 20_000)
        write_journal(runs, name, *ran("open('long.txt', 'w').write(text)", copy), start=START)
    tables = ingested(runs)
    assert list(files(tables, "write").values()) == ["word " * 20_000]
    assert len(list(tables.out.glob("parquet/files/date=*/*.parquet"))) > 1
