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


def call(agent: str | None, **fields: Any) -> Row:
    """An LLM call, failed where an error is given."""
    failed = {"status": "error"} if "error" in fields else {"status": "ok", "response": {}}
    return {"kind": "llm_call", "agent": agent, "request": {}, **failed, **fields}


def chat(*records: Row, error: Row | None = None) -> list[Row]:
    """A chat with these records, which the error ends."""
    end = {"status": "failed", "error": error, "agent": "a"} if error else {"status": "completed"}
    return [{"kind": "chat_start", "id": "c"}, *records, {"kind": "chat_end", "ends": "c", **end}]


def test_the_exception_of_a_failed_call_is_no_second_failure(runs: Path, ingested: Ingest) -> None:
    """Its turn ended by it, with the call in it, also where another thread made that, or the agent speaks later."""
    records = [logged("b", "a", "go"), call("a", error=REFUSED, thread="pool")]
    write_journal(runs, "alone", *chat(*records, error=REFUSED))
    write_journal(runs, "spoke", *chat(*records, error=REFUSED), logged("a", "b", "sorry"))
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, errors FROM runs ORDER BY 1") == [
        {"run_id": "alone", "errors": 1},
        {"run_id": "spoke", "errors": 1},
    ]
    errors, calls = tables.events("error"), tables.events("llm_call")
    turns = [turn["id"] for turn in tables.events("agent_call") if turn["event_subtype"] == "unspoken"]
    assert [c["parent_event_id"] for c in calls] == [e["parent_event_id"] for e in errors] == turns
    assert [e["meta"]["echo_of"] for e in errors] == [str(c["id"]) for c in calls]
    assert [c["meta"]["echoed_by"] for c in calls] == [str(e["id"]) for e in errors]
    assert [e["depth"] for e in (*calls, *errors)] == [1] * 4


def test_an_exception_that_no_call_raised_is_a_failure(runs: Path, ingested: Ingest) -> None:
    """After a call that failed otherwise, and after one that was tried again and did not fail."""
    other = {"type": "ValueError", "message": "no data"}
    write_journal(runs, "other", *chat(call("a", error=REFUSED), error=other))
    write_journal(runs, "again", *chat(call("a", error=REFUSED), call("a"), error=REFUSED))
    tables = ingested(runs)
    assert [row["errors"] for row in tables.sql("SELECT errors FROM runs")] == [2, 2]
    turns = [turn["id"] for turn in tables.events("agent_call")]
    assert [e["parent_event_id"] for e in tables.events("error")] == turns


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


def ended_by(chat_id: str, error: Row, **fields: Any) -> Row:
    """The end of a chat by an exception."""
    return {"kind": "chat_end", "ends": chat_id, "status": "failed", "error": error, **fields}


DOWN = {"type": "RuntimeError", "message": "service down"}
FAILED = {"kind": "run_end", "status": "failed", "error": DOWN}


def test_equal_exceptions_of_chats_at_once_are_as_many(runs: Path, ingested: Ingest) -> None:
    """Each ended the turn of its own agent, and the one that ends the run is one of them."""
    starts: list[Row] = []
    for n in range(3):
        place = {"in_chat": f"c{n}"} if n else {}
        starts += [{"kind": "chat_start", "id": f"c{n}"}, {**logged("user", f"worker{n}", "go"), **place}]
    ends = [ended_by(f"c{n}", DOWN, agent=f"worker{n}") for n in range(3)]
    write_journal(runs, "r", *starts, *ends, FAILED, end=False)
    tables = ingested(runs)
    assert [(e["agent_name"], e["chat"]) for e in tables.events("error")] == [(f"worker{n}", n) for n in range(3)]
    assert tables.one("SELECT errors FROM runs") == 3
    con = queries.connect(tables.out)
    silent = queries.run("why_silent", con).select("agent_name, status").fetchall()
    assert set(silent) == {("user", "fired_successfully"), *((f"worker{n}", "failed") for n in range(3))}


def test_calls_that_fail_at_once_have_their_own_exceptions(runs: Path, ingested: Ingest) -> None:
    """Agents of one name in several chats, whose calls failed with the same words."""
    records: list[Row] = []
    for n in range(3):
        place = {"in_chat": f"c{n}"} if n else {}
        records += [{"kind": "chat_start", "id": f"c{n}"}, {**logged("user", "a", "go"), **place}]
        records.append({**call("a", error=REFUSED), **place})
    ends = [ended_by(f"c{n}", REFUSED, agent="a") for n in (2, 0, 1)]
    write_journal(runs, "r", *records, *ends)
    tables = ingested(runs)
    chats = {str(event["id"]): event["chat"] for event in tables.events("llm_call")}
    errors = tables.events("error")
    assert len(errors) == 3
    assert all(chats[error["meta"]["echo_of"]] == error["chat"] for error in errors)


def test_one_exception_is_one_whatever_comes_between(runs: Path, ingested: Ingest) -> None:
    """Of a nested chat, the chat around it, an action, a step and the run, with other records between."""
    printed = {"kind": "print", "text": "it failed"}
    write_journal(
        runs,
        "r",
        {"kind": "step_start", "id": "step-1", "name": "plan"},
        {"kind": "chat_start", "id": "c1", "parent": "action-2"},
        logged("user", "b", "go"),
        {"kind": "chat_start", "id": "c2", "turn_of": "b", "parent": "action-2"},
        {**logged("b", "c", "do it"), "in_chat": "c2"},
        ended_by("c2", DOWN, agent="c", parent="action-2"),
        printed,
        ended_by("c1", DOWN, agent="c", parent="action-2"),
        printed,
        {
            "kind": "action",
            "id": "action-2",
            "action_type": "tool_call",
            "action_name": "plan",
            "status": "failed",
            "error": DOWN,
            "parent": "step-1",
        },
        printed,
        {"kind": "step_end", "parent": "step-1", "status": "failed", "error": DOWN},
        FAILED,
        end=False,
    )
    tables = ingested(runs)
    (error,) = tables.events("error")
    assert (error["agent_name"], error["chat"]) == ("c", 1)
    assert tables.one("SELECT errors FROM runs") == 1
    found = queries.run("errors", queries.connect(tables.out)).select("event_type, count").fetchall()
    assert found == [("error", 1)]


def test_what_the_user_raises_is_no_fault_of_an_agent(runs: Path, ingested: Ingest) -> None:
    """Its LLM call failed long before, in a chat that is over."""
    mine = {"type": "ValueError", "message": "mine"}
    write_journal(
        runs,
        "r",
        *chat(logged("b", "a", "go"), call("a", error=REFUSED), error=REFUSED),
        {"kind": "chat_start", "id": "d"},
        logged("b", "c", "go"),
        {"kind": "chat_end", "ends": "d", "status": "completed"},
        {"kind": "step_start", "id": "step-1", "name": "own work"},
        {"kind": "step_end", "parent": "step-1", "status": "failed", "error": mine},
    )
    tables = ingested(runs)
    assert [event["agent_name"] for event in tables.events("error")] == ["a", None]
    assert tables.one("SELECT count(*) FROM executions WHERE failed_stage IS NOT NULL") == 1


def test_a_call_of_no_agent_stays_an_execution(runs: Path, ingested: Ingest) -> None:
    """The user's code asked a model, and raised something afterwards."""
    write_journal(runs, "r", call(None), FAILED, end=False)
    assert ingested(runs).sql("SELECT agent_name, status FROM executions") == [
        {"agent_name": None, "status": "SUCCESS"}
    ]


def test_the_tries_of_a_turn_are_one_execution(runs: Path, ingested: Ingest) -> None:
    """A list of configurations of which none answered: the turn failed once, with as many calls."""
    tries = [call("a", error=REFUSED, invocation="i", model=f"m{n}") for n in range(3)]
    write_journal(runs, "r", *chat(logged("b", "a", "go"), *tries, error=REFUSED))
    tables = ingested(runs)
    assert tables.sql(
        "SELECT agent_name, status, failed_stage, error_type, llm_calls FROM executions WHERE NOT is_turn"
    ) == [
        {
            "agent_name": "a",
            "status": "FAILED",
            "failed_stage": "LLM_CALL",
            "error_type": "BadRequestError",
            "llm_calls": 3,
        }
    ]


def test_a_turn_that_an_exception_ended_holds_no_later_chat(runs: Path, ingested: Ingest) -> None:
    """It had opened a nested chat, that is in it; what its agent says in the next chat is another turn."""
    write_journal(
        runs,
        "r",
        {"kind": "chat_start", "id": "c1"},
        logged("user", "b", "go"),
        {"kind": "chat_start", "id": "c2", "turn_of": "b"},
        {**logged("b", "c", "inner"), "in_chat": "c2"},
        ended_by("c2", DOWN, agent="c"),
        ended_by("c1", DOWN, agent="c"),
        {"kind": "chat_start", "id": "c3"},
        logged("user", "b", "again"),
        logged("b", "user", "later"),
        {"kind": "chat_end", "ends": "c3", "status": "completed"},
    )
    events = ingested(runs).events("agent_call")
    turns = {event["inputs"].get("message") or event["event_subtype"]: event for event in reversed(events)}
    assert turns["inner"]["parent_event_id"] == turns["unspoken"]["id"]
    assert (turns["unspoken"]["agent_name"], turns["unspoken"]["status"]) == ("b", "failed")
    assert "nested_chats" not in turns["later"]["meta"]


def test_an_exception_is_one_where_no_record_tells_what_begins(runs: Path, ingested: Ingest) -> None:
    """Starts of chats and steps may be left out, or lost: there the same words are the same exception."""
    write_journal(
        runs,
        "r",
        logged("user", "b", "go"),
        {**logged("b", "c", "inner"), "in_chat": "c2"},
        ended_by("c2", DOWN, agent="c", in_chat="c1"),
        ended_by("c1", DOWN, agent="c", parent="step-1"),
        {"kind": "step_end", "parent": "step-1", "status": "failed", "error": DOWN},
        FAILED,
        end=False,
    )
    assert ingested(runs).one("SELECT errors FROM runs") == 1


def test_an_exception_that_was_caught_inside_is_another(runs: Path, ingested: Ingest) -> None:
    """A nested chat ends well after an action in it failed; the step around it then fails with equal words."""
    action = {"kind": "action", "id": "a", "action_type": "work", "action_name": "f", "status": "failed"}
    write_journal(
        runs,
        "r",
        {"kind": "step_start", "id": "step-1", "name": "plan"},
        {"kind": "chat_start", "id": "c1", "parent": "step-1"},
        {"kind": "chat_start", "id": "c2", "turn_of": "b", "parent": "step-1"},
        {**action, "error": DOWN, "in_chat": "c2", "parent": "step-1"},
        {"kind": "chat_end", "ends": "c2", "status": "completed", "parent": "step-1"},
        {"kind": "chat_end", "ends": "c1", "status": "completed", "parent": "step-1"},
        {"kind": "step_end", "parent": "step-1", "status": "failed", "error": DOWN},
    )
    assert ingested(runs).one("SELECT errors FROM runs") == 2


def test_the_event_of_an_exception_is_that_of_its_chat(runs: Path, ingested: Ingest) -> None:
    """Two chats at once fail with equal words, and each has an event; a step that failed so before has none."""
    told = {"kind": "event", "event": {"type": "error", "content": {"error": DOWN}}}
    write_journal(
        runs,
        "two",
        {"kind": "chat_start", "id": "c1"},
        {"kind": "chat_start", "id": "c2"},
        ended_by("c1", DOWN),
        ended_by("c2", DOWN),
        told,
        told,
    )
    write_journal(
        runs,
        "step",
        {"kind": "step_start", "id": "step-1", "name": "s"},
        {"kind": "step_end", "parent": "step-1", "status": "failed", "error": DOWN},
        told,
    )
    errors = {row["run_id"]: row["errors"] for row in ingested(runs).sql("SELECT run_id, errors FROM runs")}
    assert errors == {"two": 2, "step": 2}


def test_who_was_spoken_to_and_said_nothing_was_invoked(runs: Path, ingested: Ingest) -> None:
    """As far as a run tells that was cut off while its model was at work; who was only made was not."""
    said = [logged("user", "coder", "write it")]
    agents = [{"kind": "agent", "name": name, "class": "ConversableAgent"} for name in ("user", "coder", "idle")]
    write_journal(runs, "r", *agents, {"kind": "chat_start", "id": "c"}, *said, end=False)
    relation = queries.run("why_silent", queries.connect(ingested(runs).out))
    found = dict(relation.project("agent_name, status").fetchall())
    assert found == {"user": "fired_successfully", "coder": "chosen", "idle": "never_invoked"}


def test_no_number_of_tokens_breaks_the_queries(runs: Path, ingested: Ingest) -> None:
    """Two calls whose tokens no BIGINT holds together: what can be none is none."""
    endless = [call("a", model="m", completion_tokens=2**63 - 1, prompt_tokens=5) for _ in range(2)]
    write_journal(runs, "r", *chat(*endless))
    con = queries.connect(ingested(runs).out)
    for name in ("cost_by_model", "cost_by_agent", "cost_by_step"):
        assert queries.run(name, con).fetchall(), name
    assert con.execute("SELECT prompt_tokens, completion_tokens FROM runs").fetchone() == (10, 0)
