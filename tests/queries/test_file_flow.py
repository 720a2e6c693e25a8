"""Files: every write and every read counts, as a loop over the events of each run finds them."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.queries.database import Builder
from tests.queries.reading import answer, events_by_run


def plain(path: str) -> str:
    return re.sub(r"^(\./)+", "", path)


def is_written(event: dict[str, Any]) -> bool:
    """What code that failed was to write is not."""
    return event["status"] == "completed"


def test_files_written(traces: Path) -> None:
    """A file was written as often as an event says so, by all whose code or tool it was."""
    writes: Counter[str] = Counter()
    agents: defaultdict[str, set[str]] = defaultdict(set)
    for events in events_by_run(traces, "file_gen").values():
        for event in filter(is_written, events):
            path = plain(event["outputs"]["file_path"])
            writes[path] += 1
            agents[path] |= {event["agent_name"]} - {None}
    found = answer(traces, "files_written")
    assert {row["file_path"]: row["writes"] for row in found} == writes
    assert {row["file_path"]: row["agents"] or [] for row in found} == {path: sorted(agents[path]) for path in writes}


def test_file_flow(traces: Path) -> None:
    """Each time that code reads a file, it flows from the last write of its path before that in the run."""
    expected = []
    for run, events in events_by_run(traces, "file_gen", "code_exec").items():
        last: dict[str, dict[str, Any]] = {}
        for event in events:
            if event["event_type"] == "file_gen":
                if is_written(event):
                    last[plain(event["outputs"]["file_path"])] = event
                continue
            for path in set(event["meta"]["files_read"]) - set(event["meta"].get("files_read_back", ())):
                if write := last.get(plain(path)):
                    between = event["execution_order"] - write["execution_order"]
                    expected.append(
                        (run, plain(path), write["agent_name"], event["agent_name"], event["status"], between)
                    )
    names = ("run_id", "file_path", "written_by", "read_by", "read_status", "events_between")
    found = [
        tuple(plain(v) if n == "file_path" else v for n, v in row.items() if n in names)
        for row in answer(traces, "file_flow")
    ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_code_that_failed_may_not_have_read(tmp_path: Path) -> None:
    """A flow to code that failed says so."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    run.code("a", "open('d.csv', 'w')", writes=("d.csv",))
    for exit_code in (1, 0):
        run.turn("b")
        run.code("b", "import nothing\nopen('d.csv')", reads=("d.csv",), exit_code=exit_code)
    found = answer(builder.write(tmp_path / "traces.duckdb"), "file_flow")
    assert [(row["written_by"], row["read_by"], row["read_status"]) for row in found] == [
        ("a", "b", "failed"),
        ("a", "b", "completed"),
    ]


def test_a_file_that_is_written_and_read_again(tmp_path: Path) -> None:
    """Two writers and three readers of one path are three flows, each from the last writer, however it is spelt."""
    builder = Builder()
    run = builder.run("r")
    for agent, does in (("maker", "w"), ("first", "r"), ("second", "r"), ("fixer", "w"), ("first", "r")):
        run.turn(agent)
        path = ("./data.csv" if agent == "fixer" else "data.csv",)
        run.code(agent, f"{does}()", writes=path if does == "w" else (), reads=path if does == "r" else ())
    database = builder.write(tmp_path / "traces.duckdb")
    flows = [(row["written_by"], row["read_by"], row["file_path"]) for row in answer(database, "file_flow")]
    assert flows == [
        ("maker", "first", "data.csv"),
        ("maker", "second", "data.csv"),
        ("fixer", "first", "./data.csv"),
    ]
    (row,) = answer(database, "files_written")
    assert (row["file_path"], row["writes"], row["agents"]) == ("data.csv", 2, ["fixer", "maker"])


def test_what_was_not_written_does_not_flow(tmp_path: Path) -> None:
    """What failed code was to write is not taken for a write."""
    builder = Builder()
    run = builder.run("r")
    code = run.code("a", "write()", "ValueError: x", 1)
    run.event("file_gen", "a", "created", parent_event_id=code, status="failed", outputs={"file_path": "a.csv"})
    run.event("file_gen", "a", "created", parent_event_id=code, outputs={"file_path": "a.py"})
    run.code("b", "read()", reads=("a.csv", "a.py", "never.csv"))
    database = builder.write(tmp_path / "traces.duckdb")
    assert [row["file_path"] for row in answer(database, "file_flow")] == ["a.py"]
    assert [row["file_path"] for row in answer(database, "files_written")] == ["a.py"]


def test_a_whole_path_is_the_same_file(tmp_path: Path) -> None:
    """What is written below the run's folder may be read by its whole path, where that folder is known."""
    builder = Builder()
    for run_id, cwd in (("known", "/data/run"), ("unknown", None)):
        run = builder.run(run_id, cwd=cwd)
        run.turn("coder")
        run.code("coder", "w", writes=("coding/x.txt",))
        run.code("reader", "r", reads=("/data/run/coding/x.txt",))
    found = answer(builder.write(tmp_path / "traces.duckdb"), "file_flow")
    assert [(row["run_id"], row["file_path"], row["read_by"]) for row in found] == [("known", "coding/x.txt", "reader")]
