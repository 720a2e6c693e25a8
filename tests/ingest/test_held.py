"""What a run makes ingest hold is bounded by its length, not only by its number, and what is left out is told."""

import json
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ingest.conversations import MAX_ALIKE, Chat, find_repeated
from ingest.discover import discover
from ingest.read import Report, read_run
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, event, logged, text, write_journal
from tests.ingest.test_bounds import work

LENGTH = 100_000
"""Characters of each long value."""


def long(number: int) -> str:
    """A text like no other."""
    return f"{number}".ljust(LENGTH, "x")


def asks(number: int) -> Row:
    """A message that asks for a call, which nobody answers."""
    function = {"name": "f", "arguments": json.dumps({"x": long(number)})}
    call = {"id": f"c{number}", "type": "function", "function": function}
    return logged("a", "b", {"role": "assistant", "content": None, "tool_calls": [call]})


def calls(number: int) -> Row:
    """A call of a model by an agent that says nothing."""
    message = {"role": "assistant", "content": long(number)}
    answer = {"request": {"messages": []}, "response": {"choices": [{"message": message}]}}
    return {"kind": "llm_call", "agent": "a", "model": "m", "status": "ok"} | answer


def ended(number: int, **begun: str) -> list[Row]:
    """A chat that is over, which began so."""
    begins = {"kind": "chat_start", "id": f"c{number}", "recipient": "b", **begun}
    return [begins, {"kind": "chat_end", "ends": f"c{number}", "status": "completed", "summary": long(number)}]


def block(number: int) -> Row:
    """An executor of the old kind begins a block, and never ends."""
    return event("execute_code_block", code=long(number), language="text", code_count=number, recipient="b")


def ran(number: int) -> Row:
    """Code was run that no message reports."""
    blocks = [{"language": "text", "code": "x"}]
    return {"kind": "code_exec", "agent": "b", "blocks": blocks, "exit_code": 0, "output": long(number)}


def failed(number: int) -> Row:
    """A call of a model that raised."""
    error = {"type": "E", "message": "no", "traceback": long(number)}
    return {"kind": "llm_call", "agent": "a", "model": "m", "status": "error", "error": error}


def called(number: int, name: str | None, arguments: Any, answer: str) -> list[Row]:
    """A call that its answer follows; the event that its function is over, which AG2_CAPTURE_EVENTS may leave out, does
    not. Without a name it is only asked for."""
    call = f"c{number}"
    if name is None:
        begun = event("execute_function", func_name="f", call_id=call, arguments=arguments, recipient="b")
    else:
        function = {"name": name, "arguments": json.dumps(arguments)}
        asked = {"role": "assistant", "content": None, "tool_calls": [{"id": call, "function": function}]}
        begun = logged("a", "b", asked)
    return [begun, logged("b", "a", {"role": "tool", "tool_call_id": call, "content": answer})]


def other_answers(number: int) -> list[Row]:
    """A call that nobody asked for is over, and another agent answers it."""
    over = {"arguments": {}, "content": long(number), "is_exec_success": True, "recipient": "b"}
    answer = {"role": "tool", "tool_call_id": f"c{number}", "content": "ok"}
    return [event("executed_function", func_name="f", call_id=f"c{number}", **over), logged("c", "a", answer)]


def fails(number: int) -> list[Row]:
    """Code that writes a file fails, and says much."""
    code = f"```python\nopen('{number}.txt', 'w').write('x')\n```"
    output = f"Traceback (most recent call last):\nValueError: {long(number)}"
    return [logged("a", "b", code), logged("b", "a", f"exitcode: 1 (execution failed)\nCode output: {output}")]


MANY: dict[str, Callable[[int], Row | list[Row]]] = {
    "requests": lambda n: calls(0) | {"request": {"messages": [], "tools": long(n)}},
    "answers of models": calls,
    "calls asked for": asks,
    "calls begun": lambda n: event("execute_function", func_name="f", call_id=f"c{n}", arguments=long(n)),
    "agents": lambda n: {"kind": "agent", "name": f"a{n}", "class": "C", "description": long(n)},
    "human input": lambda n: {"kind": "input", "prompt": "?", "answer": long(n)},
    "chats": lambda n: ended(n, sender="a"),
    "blocks": block,
    "executions": ran,
    "answers of models in chats": lambda n: calls(n) | {"in_chat": f"c{n}"},
    "executions of many agents": lambda n: ran(n) | {"agent": f"b{n}"},
    "failed calls of models": failed,
    "calls begun and answered": lambda n: called(n, None, {"x": long(n)}, "ok"),
    "calls over and answered": other_answers,
    "files that tools write": lambda n: called(n, "write_file", {"path": f"{n}.txt", "content": long(n)}, "ok"),
    "errors of code that writes": fails,
    "ids of calls": lambda n: event("execute_function", func_name="f", call_id=long(n), arguments={}),
    "nested chats in a turn that is not over": lambda n: ended(n, turn_of="a"),
    "recordings": lambda n: {"kind": "run_start", "run_id": long(n)},
    "names": lambda n: text(long(n), "b", "hi"),
    "paths": lambda n: {"kind": "file", "path": long(n)},
}


@pytest.mark.few
@pytest.mark.parametrize("kind", MANY)
def test_what_waits_is_bounded_by_its_length(kind: str, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 long values that nothing follows few are held, and all records are there."""
    for module in ("llm", "tools", "agents", "turns", "chats", "acts", "open_turns"):
        monkeypatch.setattr(f"ingest.{module}.MAX_HELD", 4 * LENGTH)
    for module in ("code", "written"):
        monkeypatch.setattr(f"ingest.{module}.MAX_CODE", 4 * LENGTH)
    monkeypatch.setattr("ingest.rows.CHUNK_BYTES", LENGTH)
    records = [record for n in range(200) for record in _list(MANY[kind](n))]
    write_journal(runs, "r", *records, end=False)
    (found,) = discover([str(runs)], "", print)
    report = Report(found)
    tracemalloc.start()
    try:
        deque(read_run(found, report), maxlen=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 120 * LENGTH  # of failures the last 64 are remembered by their words
    assert report.records == len(records) + 1


def test_calls_that_wait_for_too_long_are_pending(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a row; the last ones still get the answers that come then, and other answers are of no known call."""
    monkeypatch.setattr("ingest.tools.MAX_HELD", 10 * LENGTH)
    number = 30
    answers = [{"role": "tool", "tool_call_id": f"c{n}", "content": "done"} for n in (number - 1, 0)]
    write_journal(runs, "r", *map(asks, range(number)), *(logged("b", "a", answer) for answer in answers))
    rows = ingested(runs).sql("SELECT call_id, status, arguments->>'x' AS x FROM tool_calls ORDER BY started_at")
    assert [row["x"] for row in rows] == [*map(long, range(number)), None]
    assert [row["status"] for row in rows] == ["pending"] * (number - 1) + ["completed"] * 2


def test_what_is_said_of_agents_is_held_as_far_as_it_goes(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is described again and again counts once; what is left out is counted."""
    monkeypatch.setattr("ingest.agents.MAX_HELD", 10 * LENGTH + 1000)
    again = [{"kind": "agent", "name": "again", "class": "C", "description": long(n)} for n in range(10)]
    new = [{"kind": "agent", "name": f"a{n}", "class": "C", "description": long(n)} for n in range(20)]
    write_journal(runs, "r", *again, *new)
    meta = json.loads(ingested(runs).one("SELECT meta FROM runs"))
    told = {agent["name"]: agent["description"] for agent in meta["agents"] if agent}
    assert told == {"again": long(9)} | {f"a{n}": long(n) for n in range(9)}
    assert meta["agents_left_out"] == 11


def test_groups_that_are_not_held_any_more_take_no_room(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of very many groups whose managers have one name the latest takes the place of another."""
    monkeypatch.setattr("ingest.agents.MAX_NAMESAKES", 5)
    monkeypatch.setattr("ingest.agents.MAX_HELD", 8 * LENGTH)
    groups = [{"kind": "agent", "name": "m", "class": "C", "members": [long(n)]} for n in range(20)]
    write_journal(runs, "r", *groups)
    meta = json.loads(ingested(runs).one("SELECT meta FROM runs"))
    assert [agent["members"] for agent in meta["agents"]] == [[long(n)] for n in (0, 1, 2, 3, 19)]
    assert "agents_left_out" not in meta


def test_what_waits_for_longest_belongs_to_no_turn(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever did it; what an agent's word has ended waits no more and takes no room."""
    monkeypatch.setattr("ingest.acts.MAX_HELD", 5 * LENGTH)
    waits = [calls(n) | {"agent": f"a{n}"} for n in range(4)]
    words = [logged(agent, "b", agent) for agent in ("a3", "a0", "a1")]
    write_journal(runs, "r", *waits, words[0], *map(calls, range(4, 6)), *words[1:])
    rows = ingested(runs).sql("""
        SELECT child.agent_name, parent.agent_name AS parent
        FROM execution_events AS child LEFT JOIN execution_events AS parent ON parent.id = child.parent_event_id
        WHERE child.event_type = 'llm_call' ORDER BY child.execution_order
    """)
    parents = [row["parent"] for row in rows]
    assert [row["agent_name"] for row in rows] == [*(row["agent"] for row in waits), "a", "a"]
    assert parents == [None, "a1", None, "a3", None, None]


def test_what_is_long_of_a_written_file_is_told_all_the_same(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file has the arguments of the tool that wrote it; code has none."""
    monkeypatch.setattr("ingest.rows.CHUNK_BYTES", LENGTH)
    wrote = [{"path": f"{n}.txt", "content": long(n)} for n in range(3)]
    code = [
        logged("a", "b", "```python\nopen('x.txt', 'w')\n```"),
        logged("b", "a", "exitcode: 0 (execution succeeded)"),
    ]
    records = [called(n, "write_file", arguments, "ok") for n, arguments in enumerate(wrote)]
    write_journal(runs, "r", *records[0], *code, *records[1], *records[2])
    told = [(row["inputs"]["tool"], row["inputs"]["tool_args"]) for row in ingested(runs).events("file_gen")]
    assert sorted(told, key=str) == sorted([(None, None), *(("write_file", a) for a in wrote)], key=str)


def test_too_much_human_input_is_left_out_of_the_tables(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in `journal`, and the run says so."""
    monkeypatch.setattr("ingest.turns.MAX_HELD", 11 * LENGTH)
    asked = [{"kind": "input", "prompt": "?", "answer": long(n)} for n in range(11)]
    write_journal(runs, "r", *asked, logged("a", "b", "hi"))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM journal WHERE kind = 'input'") == len(asked)
    (turn,) = tables.events("agent_call")
    assert len(turn["meta"]["human_input"]) == len(asked) - 1
    assert "more of what humans" in tables.one("SELECT meta->>'not_understood' FROM runs")


@pytest.mark.parametrize("field", ["sender", "recipient"])
def test_what_is_too_long_for_a_name_is_none(field: str, runs: Path, ingested: Ingest) -> None:
    """A message of nobody: the record is there, and the run says so. What may be long is no name."""
    short = {"sender": "a" * 4096, "recipient": "b"}
    write_journal(runs, "r", logged(**short, message="x" * 5000), logged(**{**short, field: "c" * 4097}, message="y"))
    tables = ingested(runs)
    assert [row["sender"] for row in tables.sql("SELECT sender FROM messages")] == ["a" * 4096]
    assert tables.one("SELECT count(*) FROM journal WHERE kind = 'message'") == 2
    assert f"{field} of 4,097 characters" in tables.one("SELECT meta->>'not_understood' FROM runs")


@pytest.mark.parametrize(
    ("bound", "record", "what"),
    [
        ("chats.MAX_UNDER_WAY", lambda n: {"kind": "chat_start", "id": f"c{n}", "turn_of": "a"}, "5 chats are under"),
        (
            "code.MAX_OPEN",
            lambda n: event("generate_code_execution_reply", code_blocks=["sh"], sender="a", recipient=f"b{n}"),
            "5 executions are under way",
        ),
        (
            "code.MAX_OPEN",
            lambda n: event("execute_code_block", code="1", language="sh", code_count=0, recipient=f"b{n}"),
            "5 executions are under way",
        ),
        ("files.MAX_SAVED", lambda n: {"kind": "file", "path": f"f{n}"}, "5 files"),
    ],
)
def test_what_never_ends_is_held_as_far_as_it_goes(
    bound: str, record: Callable[[int], Row], what: str, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the rest there are the records, and the run says so."""
    monkeypatch.setattr(f"ingest.{bound}", 5)
    write_journal(runs, "r", *map(record, range(5)), *map(record, range(5)), end=False)
    assert ingested(runs).one("SELECT meta->>'not_understood' FROM runs") is None, "known ones come again"
    write_journal(runs, "r", *map(record, range(8)), logged("a", "b", "hi"), end=False)
    tables = ingested(runs)
    notes = json.loads(tables.one("SELECT meta->>'not_understood' FROM runs"))
    assert [f"more than {what}" in note for note in notes] == [True] * 3
    assert tables.one("SELECT count(*) FROM journal") == 10
    assert tables.one("SELECT count(*) FROM messages") == 1


def test_long_arguments_of_failed_calls_are_compared_by_their_hash(runs: Path, ingested: Ingest) -> None:
    """Whatever the order of the names, without DuckDB reading them again."""

    def failed(name: str, arguments: Any) -> Iterable[Row]:
        call = {"func_name": "f", "call_id": name, "recipient": "b"}
        yield event("execute_function", arguments=arguments, **call)
        yield event("executed_function", arguments=arguments, content="Error: no", is_exec_success=False, **call)

    given = [{"x": 1, "y": [2]}, {"y": [2], "x": 1}, {"x": 1, "y": [3]}, "x"]
    write_journal(runs, "r", *(record for n, some in enumerate(given) for record in failed(f"c{n}", some)))
    first, other_order, other, no_object = (call["meta"]["args_hash"] for call in ingested(runs).events("tool_call"))
    assert first == other_order
    assert len({first, other, no_object}) == 3


def test_very_many_alike_conversations_are_compared_with_some() -> None:
    """Of the same words, and none of them another one of the file: work grows as their number."""

    def chats(number: int) -> list[Chat]:
        messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        return [Chat(str(n), messages, {"chat_id": n}) for n in range(number)]

    few, many = chats(5 * MAX_ALIKE), chats(10 * MAX_ALIKE)
    steps = [work(lambda chats=some: find_repeated(chats)) for some in (few, many)]  # type: ignore[misc]
    assert steps[1] < 2.4 * steps[0]
    assert not any(chat.repeated for chat in many)


def _list(value: Row | list[Row]) -> list[Row]:
    return value if isinstance(value, list) else [value]
