"""Time, memory and disk grow as a run does, whatever its records claim."""

import time
import tracemalloc
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.discover import discover
from ingest.events import Where
from ingest.facts import Said
from ingest.messages import parse_message
from ingest.read import Report, read_run
from ingest.relayed import Relayed
from ingest.rows import Row as Values
from ingest.runrows import RunRows
from ingest.said import MAX_HISTORIES, MessageLedger
from ingest.sources import ag2_events
from ingest.talk import Talk
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, event, logged, write_journal

PATIENCE = 6
"""Seconds of a processor. Each of these runs takes less than two, and took ten or more where time grew with its
square."""


@contextmanager
def soon() -> Iterator[None]:
    """What is done in it does not take long."""
    began = time.process_time()
    yield
    assert time.process_time() - began < PATIENCE


def rows_of(runs: Path, table: str) -> list[Values]:
    """The rows that the only run there has in a table."""
    (found,) = discover([str(runs)], "", print)
    return [row for name, rows, _ in read_run(found, Report(found)) if name == table for row in rows]


def block(code: object) -> str:
    """A block of Python."""
    return f"```python\n{code}\n```\n"


def ran(output: str, exit_code: int = 0) -> Row:
    """What an executor says of the code that it has run."""
    return logged("runner", "writer", f"exitcode: {exit_code} (execution done)\nCode output: {output}")


def test_a_long_role_of_many_beginnings_is_looked_at_once() -> None:
    """It may name speaker and addressee, as Magentic-One's do."""
    with soon():
        message = parse_message({"role": " (-> ab" * 30_000, "content": "hi"})
    assert message.sender is not None
    named = parse_message({"role": "Orchestrator (-> WebSurfer)", "content": "hi"})
    assert (named.sender, named.recipient) == ("Orchestrator", "WebSurfer")
    assert parse_message({"role": "Orchestrator (thought)", "content": "hi"}).sender == "Orchestrator"


def test_a_blank_beginning_is_no_event() -> None:
    """64 kB of blanks, which may be those before or behind a bracket."""
    began = time.process_time()
    assert not ag2_events.recognise(b" " * 65_536)
    assert time.process_time() - began < 1
    assert ag2_events.recognise(b' [ {"type": "text", "content": {"uuid": "1"}}]')


def test_the_block_that_failed_is_looked_for_in_one_pass(runs: Path) -> None:
    """Many blocks, and an output that names none of them."""
    said = "".join(map(block, range(10_000)))
    write_journal(runs, "r", logged("writer", "runner", said), ran('"' * 1_000_000, 1))
    with soon():
        (execution,) = [row for row in rows_of(runs, "execution_events") if "code_exec" in row]
    assert "failed" in execution


def test_an_output_is_not_repeated_for_thousands_of_blocks(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one execution have it, as long as that does not fill the disk; its event has it always."""
    monkeypatch.setattr("ingest.code.MAX_REPEATED", 1_000_000)
    write_journal(runs, "r", logged("writer", "runner", "".join(map(block, range(500)))), ran("x" * 100_000))
    rows = rows_of(runs, "code_execs")
    assert [len(row[7] or "") for row in rows] == [100_000] * 11 + [0] * 489
    (execution,) = [row for row in rows_of(runs, "execution_events") if "code_exec" in row]
    assert "x" * 100_000 in execution[16]


def test_code_that_is_run_again_is_looked_at_once(runs: Path) -> None:
    """A long message with code, and many that say that it was run."""
    said = block("\n".join(f"a{n} = [{n}, 'b']" for n in range(20_000)))
    write_journal(runs, "r", logged("writer", "runner", said), *map(ran, map(str, range(50))))
    with soon():
        assert len(rows_of(runs, "code_execs")) == 50


def test_code_that_was_run_is_compared_with_what_was_written_in_no_time(runs: Path) -> None:
    """Many messages of many blocks, and code that is none of it."""
    said = [logged("writer", "runner", "".join(block(f"{n} + {m}") for m in range(300))) for n in range(256)]
    blocks = [{"language": "python", "code": "1"}] * 300
    write_journal(runs, "r", *said, *[{"kind": "code_exec", "agent": "runner", "blocks": blocks, "exit_code": 0}] * 130)
    with soon():
        assert len(rows_of(runs, "code_execs")) == 130 * 300


def test_code_that_waits_to_be_run_is_bounded_by_its_length(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of long messages with code few are held; the latest one is, whatever its length."""
    monkeypatch.setattr("ingest.code.MAX_CODE", 2_000_000)
    length = 1_000_000
    said = [logged("writer", "runner", block(f"# {n}" + "x" * length)) for n in range(60)]
    write_journal(runs, "r", *said, ran("done"))
    tracemalloc.start()
    try:
        (execution,) = rows_of(runs, "code_execs")
        assert tracemalloc.get_traced_memory()[1] < 30 * length
    finally:
        tracemalloc.stop()
    assert execution[3].startswith("# 59x")


def test_names_of_tools_that_ran_are_not_looked_through(runs: Path) -> None:
    """Tools of many names that are over, and functions that return, of which nothing tells which tool they are."""
    records: list[Row] = []
    for n in range(12_000):
        call = {"func_name": f"f{n}", "call_id": f"c{n}", "recipient": "b"}
        records.append(event("execute_function", arguments="{}", **call))
        records.append(event("executed_function", content="x", is_exec_success=True, **call))
    returned = [{"kind": "function_call", "agent": f"b{n}", "name": "g", "status": "ok"} for n in range(4_000)]
    write_journal(runs, "r", *records, *returned)
    with soon():
        assert len(rows_of(runs, "tool_calls")) == 16_000


def test_where_an_executor_works_is_found_among_many_saved_files(runs: Path) -> None:
    """Its folder is one of a container, or of this machine, in which something was saved."""
    code = {"kind": "code_exec", "agent": "b", "exit_code": 0, "work_dir": "/w/x", "output": ""}
    written = [code | {"blocks": [{"language": "python", "code": f"open('o{n}.csv', 'w')"}]} for n in range(11_000)]
    saved = [{"kind": "file", "path": f"data/d{n}.csv", "size": 1} for n in range(11_000)]
    write_journal(runs, "r", *written, *saved, start={"cwd": "/home/me"})
    with soon():
        assert len(rows_of(runs, "files")) == 22_000


@pytest.mark.parametrize("folder", ["/w/x", "/w/x2"])
def test_a_folder_beside_that_of_the_run_is_one_of_this_machine(folder: str, runs: Path) -> None:
    """Where something was saved in it, and not in one whose name only begins alike: then it may be a container's."""
    code = {"kind": "code_exec", "agent": "b", "exit_code": 0, "work_dir": "/w/x", "output": ""}
    written = code | {"blocks": [{"language": "python", "code": "open('o.csv', 'w')"}]}
    saved = [{"kind": "file", "path": f"{place}/o.csv", "size": 7} for place in ("/w", folder)]
    write_journal(runs, "r", written, *saved, start={"cwd": "/home/me"})
    paths = sorted(row[4] for row in rows_of(runs, "files"))
    assert paths == sorted(["o.csv", "/w/o.csv"] + ["/w/x2/o.csv"] * (folder == "/w/x2"))


def test_histories_of_groups_that_never_go_on_are_forgotten() -> None:
    """Each of many threads is given one, and each message would be compared with all of them."""
    talk, messages = Talk(), MessageLedger(RunRows("r"), {}, Relayed({}))
    for n in range(200):
        said = Said(parse_message(f"{n}", "boss", "a"), "logger", None, 0)
        messages.resumed(said, 0, Where(f"{n}", n, None, f"thread {n}"), talk)
    assert list(talk.histories) == [f"thread {n}" for n in range(200 - MAX_HISTORIES, 200)]


def test_how_groups_choose_speakers_is_asked_of_some_agents(runs: Path) -> None:
    """Many agents, and choices of speakers that name no group."""
    agents = [{"kind": "agent", "name": f"a{n}", "class": "X"} for n in range(22_000)]
    chosen = [event("group_chat_run_chat", speaker=f"a{n}") for n in range(22_000)]
    write_journal(runs, "r", *agents, *chosen)
    with soon():
        rows_of(runs, "execution_events")


def test_missing_transcripts_are_named_as_far_as_a_run_tells_them(runs: Path, ingested: Ingest) -> None:
    """Of very many the first ones, so that their names do not fill the memory."""
    saved = [{"kind": "messages", "path": f"{n}" + "x" * 900} for n in range(12_000)]
    write_journal(runs, "r", *saved)
    (found,) = discover([str(runs)], "", print)
    tracemalloc.start()
    try:
        deque(read_run(found, Report(found)), maxlen=0)
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()
    assert ingested(runs).one("SELECT json_array_length(meta->'transcripts_missing') FROM runs") == 20
