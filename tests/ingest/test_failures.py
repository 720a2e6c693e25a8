"""`runs.errors` counts failures: what is told of one several times is one."""

import contextlib
import json
from pathlib import Path
from typing import Any

import capture
import queries
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, logged, write_journal

REFUSED = {"type": "BadRequestError", "message": "Error code: 400"}


def call(agent: str, **fields: Any) -> Row:
    """An LLM call, failed where an error is given."""
    failed = {"status": "error"} if "error" in fields else {"status": "ok", "response": {}}
    return {"kind": "llm_call", "agent": agent, "request": {}, **failed, **fields}


def chat(*records: Row, error: Row | None = None) -> list[Row]:
    """A chat with these records, which the error ends."""
    end = {"status": "failed", "error": error, "agent": "a"} if error else {"status": "completed"}
    return [{"kind": "chat_start", "id": "c"}, *records, {"kind": "chat_end", "ends": "c", **end}]


def test_the_exception_of_a_failed_call_is_no_second_failure(runs: Path, ingested: Ingest) -> None:
    """It stands below the call that raised it, also where the call belongs to a turn or another thread made it."""
    records = [logged("b", "a", "go"), call("a", error=REFUSED, thread="pool")]
    write_journal(runs, "alone", *chat(*records, error=REFUSED))
    write_journal(runs, "spoke", *chat(*records, error=REFUSED), logged("a", "b", "sorry"))
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, errors FROM runs ORDER BY 1") == [
        {"run_id": "alone", "errors": 1},
        {"run_id": "spoke", "errors": 1},
    ]
    errors, calls = tables.events("error"), tables.events("llm_call")
    assert [e["parent_event_id"] for e in errors] == [c["id"] for c in calls]
    assert [e["meta"]["echo_of"] for e in errors] == [str(c["id"]) for c in calls]
    assert [c["meta"]["echoed_by"] for c in calls] == [str(e["id"]) for e in errors]
    assert [e["depth"] for e in errors] == [c["depth"] + 1 for c in calls]


def test_an_exception_that_no_call_raised_is_a_failure(runs: Path, ingested: Ingest) -> None:
    """After a call that failed otherwise, and after one that was tried again and did not fail."""
    other = {"type": "ValueError", "message": "no data"}
    write_journal(runs, "other", *chat(call("a", error=REFUSED), error=other))
    write_journal(runs, "again", *chat(call("a", error=REFUSED), call("a"), error=REFUSED))
    tables = ingested(runs)
    assert [row["errors"] for row in tables.sql("SELECT errors FROM runs")] == [2, 2]
    assert [e["parent_event_id"] for e in tables.events("error")] == [None, None]


def test_the_exception_of_a_call_of_which_ag2_logged_that_it_failed(runs: Path, ingested: Ingest) -> None:
    """It is not known what the call raised, but the exception that follows is of the same agent."""
    failed = call("a") | {"status": "error", "response": "error_code:None, config 0 failed"}
    write_journal(runs, "r", *chat(failed, error=REFUSED))
    assert ingested(runs).one("SELECT errors FROM runs") == 1


def test_each_attempt_that_fails_counts(runs: Path, ingested: Ingest) -> None:
    """Two calls with the same words, and the exception of the last."""
    write_journal(runs, "r", *chat(call("a", error=REFUSED), call("a", error=REFUSED), error=REFUSED))
    assert ingested(runs).one("SELECT errors FROM runs") == 2


def test_code_that_could_not_be_run_is_one_failure(runs: Path, ingested: Ingest) -> None:
    """Its executor raised, and so the chat ended."""
    error = {"type": "TimeoutError", "message": "no kernel"}
    ran = {"kind": "code_exec", "agent": "b", "blocks": [{"language": "python", "code": "1"}], "error": error}
    write_journal(runs, "r", *chat(logged("a", "b", "```python\n1\n```"), ran, error=error))
    tables = ingested(runs)
    assert len(tables.events("error")) == 1
    assert tables.one("SELECT errors FROM runs") == 1


def test_a_file_that_failed_code_did_not_write_is_no_failure_of_its_own(runs: Path, ingested: Ingest) -> None:
    """The execution that was to write it is."""
    code = "```python\n1/0\nopen('a.txt', 'w').write('1')\nopen('b.txt', 'w').write('2')\n```"
    answer = "exitcode: 1 (execution failed)\nCode output: ZeroDivisionError: division by zero"
    write_journal(runs, "r", logged("a", "b", code), logged("b", "a", answer))
    tables = ingested(runs)
    assert [e["status"] for e in tables.events("file_gen")] == ["failed", "failed"]
    assert tables.one("SELECT errors FROM runs") == 1


def test_a_tool_request_without_words_has_none(runs: Path, ingested: Ingest) -> None:
    """In the history of a pattern chat its content is the text 'None'. Who says the word says it."""
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    request = {"role": "assistant", "name": "a", "content": "None", "tool_calls": calls}
    said = {"role": "user", "name": "b", "content": "None"}
    (runs / "chat.json").write_text(json.dumps([request, said]))
    write_journal(runs, "journal", logged("a", "b", request | {"content": None}), logged("b", "a", said))
    tables = ingested(runs)
    contents = "SELECT content FROM messages WHERE run_id = ? ORDER BY message_order"
    assert [row["content"] for row in tables.sql(contents, "chat.json")] == [None, "None"]
    assert tables.sql(contents, "chat.json") == tables.sql(contents, "journal")
    turn = tables.events("agent_call")[0]
    assert (turn["inputs"]["message"], turn["meta"]["content_length"]) == ("", 0)


def test_a_failure_that_the_user_marks_is_one(runs: Path, ingested: Ingest) -> None:
    """Code that failed and was marked, with its error type or without, also after its repair; others are others."""

    def ran(exit_code: int, output: str) -> list[Row]:
        return [
            logged("a", "b", "```python\nf()\n```"),
            logged("b", "a", f"exitcode: {exit_code} ()\nCode output: {output}"),
        ]

    def mark(name: str, message: str) -> Row:
        action = {"kind": "action", "action_type": "error", "action_name": name, "status": "failed"}
        return action | {"id": f"{name} {message}", "error": {"type": name, "message": message, "traceback": ""}}

    missing, gone = "ModuleNotFoundError: No module named 'x'", "requests.exceptions.HTTPError: gone"
    records = [
        *ran(1, missing),
        *ran(0, "ok"),
        *(mark(name, missing) for name in ("ImportError", "ModuleNotFoundError", "E")),
    ]
    records += [*ran(1, gone), mark("HTTPError", "gone"), mark("HTTPError", "another")]
    write_journal(runs, "r", *records)
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 5
    codes = [code["id"] for code in tables.events("code_exec") if code["status"] == "failed"]
    echoes = [mark["meta"].get("echo_of") for mark in tables.events("error")]
    assert echoes == [str(codes[0]), None, None, str(codes[1]), None]
    with queries.connect(tables.out) as con:
        assert sum(row[-1] for row in queries.run("action_errors", con).fetchall()) == 5
        assert sum(row[3] for row in queries.run("errors", con).fetchall()) == 5


def test_equal_exceptions_that_were_caught_are_several(runs: Path, ingested: Ingest) -> None:
    """Five steps that fail with the same words are five failures, for every query; one that leaves two steps is one."""
    with capture.start(runs, console=False) as run:
        for number in range(5):
            with contextlib.suppress(ConnectionError), run.step("outer"), run.step(f"page_{number}"):
                raise ConnectionError("host is down")
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 5
    with queries.connect(tables.out) as con:
        assert [row[-1] for row in queries.run("action_errors", con).fetchall()] == [5]
        assert [row[3] for row in queries.run("errors", con).fetchall()] == [5]


def test_what_the_user_marks_after_a_failed_call_counts(runs: Path, ingested: Ingest) -> None:
    """It is no exception of that call, where it says something else."""
    mark = {"kind": "action", "action_type": "error", "action_name": "Gave up", "status": "failed", "id": "action-1"}
    write_journal(runs, "r", call("a", error=REFUSED), mark | {"details": {"message": "three tries were enough"}})
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    with queries.connect(tables.out) as con:
        assert sum(row[3] for row in queries.run("errors", con).fetchall()) == 2
