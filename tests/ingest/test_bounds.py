"""Work, memory and disk grow as a run does, whatever its records claim."""

import json
import signal
import sys
import tracemalloc
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import Mock

import pytest

from ingest import code, reached, tools, written
from ingest.discover import discover
from ingest.events import Where
from ingest.facts import Said
from ingest.messages import parse_message
from ingest.read import Report, read_run
from ingest.relayed import Relayed
from ingest.rows import Row as Values
from ingest.runrows import RunRows
from ingest.said import MAX_HISTORIES, MessageLedger
from ingest.schema import TABLES
from ingest.sources import ag2_events
from ingest.talk import Talk, Talks
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, event, logged, write_journal

EVENT = [column.name for column in TABLES["execution_events"].columns]


@contextmanager
def no_hang() -> Iterator[None]:
    """What is done in it ends: where time grew with its square, it would take ten minutes."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it takes too long")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def work(do: Callable[[], object]) -> int:
    """The steps that Python takes for it, which are the same however busy the machine is."""
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        nonlocal steps
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        steps += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        do()
    finally:
        sys.settrace(before)
    return steps


def grows_alike(runs: Path, records: Callable[[int], Iterable[Row]], table: str, few: int, **start: Any) -> bool:
    """Whether a run of twice as many records is about twice the work."""
    steps = []
    for number in (few, 2 * few):
        write_journal(runs, "r", *records(number), **start)
        steps.append(work(partial(rows_of, runs, table)))
    return steps[1] < 2.4 * steps[0]


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
    with no_hang():
        message = parse_message({"role": " (-> ab" * 150_000, "content": "hi"})
    assert message.sender is not None
    named = parse_message({"role": "Orchestrator (-> WebSurfer)", "content": "hi"})
    assert (named.sender, named.recipient) == ("Orchestrator", "WebSurfer")
    assert parse_message({"role": "Orchestrator (thought)", "content": "hi"}).sender == "Orchestrator"


def test_a_blank_beginning_is_no_event() -> None:
    """A megabyte of blanks, which may be those before or behind a bracket."""
    with no_hang():
        assert not ag2_events.recognise(b" " * 1_000_000)
    assert ag2_events.recognise(b' [ {"type": "text", "content": {"uuid": "1"}}]')


def test_the_block_that_failed_is_looked_for_in_one_pass(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks, and an output that names none of them: it is looked through once, and not for each."""
    hashed = Mock(wraps=reached._md5)
    monkeypatch.setattr(reached, "_md5", hashed)
    said = "".join(map(block, range(100)))
    write_journal(runs, "r", logged("writer", "runner", said), ran('"' * 1000, 1))
    (execution,) = [row for row in rows_of(runs, "execution_events") if "code_exec" in row]
    assert "failed" in execution
    assert hashed.call_count == 0


def test_an_output_is_not_repeated_for_thousands_of_blocks(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one execution have it, as long as that does not fill the disk; its event has it always."""
    monkeypatch.setattr("ingest.runrows.MAX_REPEATED", 1_000_000)
    write_journal(runs, "r", logged("writer", "runner", "".join(map(block, range(500)))), ran("x" * 100_000))
    rows = rows_of(runs, "code_execs")
    assert [len(row[7] or "") for row in rows] == [100_000] * 11 + [0] * 489
    (execution,) = [row for row in rows_of(runs, "execution_events") if "code_exec" in row]
    assert "x" * 100_000 in execution[16]


def test_code_is_not_repeated_for_thousands_of_executions(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other code that comes later is stored all the same."""
    monkeypatch.setattr("ingest.runrows.MAX_REPEATED", 1_000_000)
    said = "open('a.csv', 'w')\n#" + "x" * 100_000
    ends = [ran("KeyError: 'a'", n % 2) for n in range(50)]
    write_journal(
        runs, "r", logged("writer", "runner", block(said)), *ends, logged("writer", "runner", block(1)), ran(".")
    )
    rows = rows_of(runs, "code_execs")
    executions = [dict(zip(EVENT, row, strict=True)) for row in rows_of(runs, "execution_events") if "code_exec" in row]
    assert len({row[4] for row in rows[:50]}) == 1, "the hash is there"
    assert sum('"alike":true' in execution["meta"] for execution in executions) == 24, "it is compared all the same"
    assert "not_understood" not in str(rows_of(runs, "runs"))
    codes = [json.loads(execution["inputs"])["code"] for execution in executions]
    for stored in ([row[3] for row in rows], codes):
        assert stored[0] == said
        assert stored[-1] == "1"
    assert sum(len(code or "") for code in [*(row[3] for row in rows), *codes]) <= 1_000_000 + 2 * len(said) + 2


def test_code_up_to_blocks_that_failed_is_not_repeated_without_end(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message of many blocks, of which another one fails each time: what was run is another part of it."""
    monkeypatch.setattr("ingest.runrows.MAX_REPEATED", 100_000)
    codes = [f"# {n} " + "x" * 1000 for n in range(100)]
    ends = [ran(f'File "tmp_code_{reached._md5(text)}.py"', 1) for text in codes]
    write_journal(runs, "r", logged("writer", "runner", "".join(map(block, codes))), *ends)
    executions = [dict(zip(EVENT, row, strict=True)) for row in rows_of(runs, "execution_events") if "code_exec" in row]
    stored = [json.loads(execution["inputs"])["code"] for execution in executions]
    rows = rows_of(runs, "code_execs")
    assert len(rows) == sum(range(1, 101))
    assert {row[3] for row in rows} == {*codes, None}, "a block that is run for the first time is stored"
    assert sum(len(text or "") for text in [*stored, *(row[3] for row in rows)]) <= 100_000 + 2 * len("".join(codes))


def test_code_that_each_record_has_is_stored_each_time(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes tables no larger than the journal is, so nothing need be known of it."""
    monkeypatch.setattr("ingest.runrows.MAX_REPEATED", 0)
    blocks = [{"language": "python", "code": "a = 1"}]
    write_journal(runs, "r", *[{"kind": "code_exec", "agent": "runner", "blocks": blocks, "exit_code": 0}] * 3)
    assert [row[3] for row in rows_of(runs, "code_execs")] == ["a = 1"] * 3


def test_fields_of_requests_are_not_repeated_without_end(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of tools that each call has; what is left out is told."""
    monkeypatch.setattr("ingest.runrows.MAX_REPEATED", 100_000)
    call = {"kind": "llm_call", "agent": "a", "model": "m", "status": "ok", "response": {"choices": []}}
    first = call | {"request": {"tools": "x" * 30_000, "messages": []}}
    later = [call | {"request": {"n": n, "messages": []}, "base": n, "same": ["tools"]} for n in range(1, 10)]
    write_journal(runs, "r", first, *later)
    tables = ingested(runs)
    requests = tables.sql(
        "SELECT request, meta FROM llm_calls JOIN execution_events ON id = event_id ORDER BY execution_order"
    )
    assert ["tools" in json.loads(row["request"]) for row in requests] == [True] * 4 + [False] * 6
    assert ["request_incomplete" in json.loads(row["meta"]) for row in requests] == [False] * 4 + [True] * 6
    assert [json.loads(row["request"]).get("n") for row in requests] == [None, *range(1, 10)]


def test_code_that_is_run_again_is_looked_at_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message with code, and many that say that it was run."""
    looked_at = Mock(wraps=code._normal_hash)
    monkeypatch.setattr(code, "_normal_hash", looked_at)
    write_journal(runs, "r", logged("writer", "runner", block("a = 1")), *map(ran, map(str, range(50))))
    assert len(rows_of(runs, "code_execs")) == 50
    assert looked_at.call_count == 1


def test_code_that_was_run_is_compared_with_hashes_that_are_made_once(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many messages of several blocks, and code that is none of it."""
    hashed = Mock(wraps=written.code_hash)
    monkeypatch.setattr(written, "code_hash", hashed)
    said = [logged("writer", "runner", "".join(block(f"{n} + {m}") for m in range(3))) for n in range(50)]
    blocks = [{"language": "python", "code": "1"}] * 3
    write_journal(runs, "r", *said, *[{"kind": "code_exec", "agent": "runner", "blocks": blocks, "exit_code": 0}] * 30)
    assert len(rows_of(runs, "code_execs")) == 30 * 3
    assert hashed.call_count < 50 * 3 + 4 * 30 * 3, "of what was written once, and of what was run a few times"


def test_code_that_waits_to_be_run_is_bounded_by_its_length(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of long messages with code few are held; the latest one is, whatever its length."""
    monkeypatch.setattr("ingest.written.MAX_CODE", 2_000_000)
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


def test_names_of_tools_that_ran_are_not_looked_through(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools of many names that are over, and functions that return, of which nothing tells which tool they are."""
    for name in ("MOST", "REMEMBERED"):
        monkeypatch.setattr(tools, name, 16)

    def records(number: int) -> Iterator[Row]:
        for n in range(number):
            call = {"func_name": f"f{n}", "call_id": f"c{n}", "recipient": "b"}
            yield event("execute_function", arguments="{}", **call)
            yield event("executed_function", content="x", is_exec_success=True, **call)
        for n in range(number):
            yield {"kind": "function_call", "agent": f"b{n}", "name": "g", "status": "ok"}

    assert grows_alike(runs, records, "tool_calls", 300)


def test_where_an_executor_works_is_found_among_many_saved_files(runs: Path) -> None:
    """Its folder is one of a container, or of this machine, in which something was saved."""
    ran = {"kind": "code_exec", "agent": "b", "exit_code": 0, "work_dir": "/w/x", "output": ""}

    def records(number: int) -> Iterator[Row]:
        for n in range(number):
            yield ran | {"blocks": [{"language": "python", "code": f"open('o{n}.csv', 'w')"}]}
        for n in range(number):
            yield {"kind": "file", "path": f"data/d{n}.csv", "size": 1}

    assert grows_alike(runs, records, "files", 300, start={"cwd": "/home/me"})


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


def test_how_groups_choose_speakers_is_asked_of_some_agents(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many agents, and choices of speakers that name no group."""
    monkeypatch.setattr("ingest.turns.MAX_AGENTS", 10)

    def records(number: int) -> Iterator[Row]:
        for n in range(number):
            yield {"kind": "agent", "name": f"a{n}", "class": "X"}
        for n in range(number):
            yield event("group_chat_run_chat", speaker=f"a{n}")

    assert grows_alike(runs, records, "execution_events", 300)


@pytest.mark.parametrize("kind", ["action", "step_start"])
def test_each_event_of_a_long_chain_is_looked_at_once(kind: str, runs: Path) -> None:
    """Actions inside each other take work by their number, and so do actions inside of steps inside each other."""

    def records(number: int) -> Iterator[Row]:
        link = {"kind": kind, "action_type": "decision"}
        yield link | {"id": "x-0"}
        yield from (link | {"id": f"x-{n}", "parent": f"x-{n - 1}"} for n in range(1, number))
        yield from [{"kind": "action", "parent": f"x-{number - 1}", "action_type": "success"}] * number

    assert grows_alike(runs, records, "execution_events", 300)


@pytest.mark.parametrize("nested", [False, True])
def test_of_chats_that_never_end_few_are_held(nested: bool, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost of those that are given up, nor of the one in which something goes on all the while."""
    monkeypatch.setattr("ingest.talk.MAX_TALKS", 8)
    held = []

    def counting(self: Talks, where: Where, at: Callable[..., Talk] = Talks.at) -> Talk:
        held.append(len(self))
        return at(self, where)

    monkeypatch.setattr(Talks, "at", counting)
    call = {"kind": "llm_call", "agent": "c", "model": "m", "status": "ok", "response": {"choices": []}}
    records: list[Row] = [logged("a", "b", "asks") | {"in_chat": "main"}]
    for n in range(40):
        if nested:
            records.append({"kind": "chat_start", "id": f"c{n}", "turn_of": "b", "in_chat": "main"})
        records.append(logged("b", "c", f"hi {n}") | {"in_chat": f"c{n}"})
        records.append(call | {"in_chat": f"c{n}"})
        records.append(call | {"agent": "b", "in_chat": "main"})
    records.append(logged("b", "a", "answers") | {"in_chat": "main"})
    write_journal(runs, "r", *records, end=False)
    events = [dict(zip(EVENT, row, strict=True)) for row in rows_of(runs, "execution_events")]
    assert max(held) <= 9
    of_kind = Counter((e["event_type"], e["agent_name"]) for e in events if e["event_type"] == "llm_call")
    assert of_kind == {("llm_call", "c"): 40, ("llm_call", "b"): 40}
    (answer,) = [e["id"] for e in events if e["event_type"] == "agent_call" and "answers" in str(e["outputs"])]
    assert (
        Counter(
            e["parent_event_id"] == answer for e in events if e["agent_name"] == "b" and e["event_type"] == "llm_call"
        )[True]
        == 40
    )


def test_of_chats_in_which_nothing_happened_the_first_ones_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ones whenever a run is read, whatever their names."""
    monkeypatch.setattr("ingest.talk.MAX_TALKS", 30)
    ended: list[Talk] = []
    talks = Talks(None, ended.append)
    begun = [talks[f"chat {n}"] for n in range(31)]
    assert ended == begun[:15]


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
