"""Journals made by hand: one truth per fact, whatever channels saw it."""

import json
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, event, logged, text, write_journal


def messages(tables: Any) -> list[tuple[Any, ...]]:
    rows = tables.sql("SELECT sender, recipient, content, source FROM messages ORDER BY message_order")
    return [tuple(row.values()) for row in rows]


def test_a_message_on_two_channels_is_one_row(runs: Path, ingested: Ingest) -> None:
    """AG2's logger tells of a message just before its event: one row that names both."""
    write_journal(runs, "r", logged("a", "b", "hi"), text("a", "b", "hi"))
    assert messages(ingested(runs)) == [("a", "b", "hi", "event+logger")]


def test_the_same_words_twice_are_two_messages(runs: Path, ingested: Ingest) -> None:
    """Equal messages in a row stay two, on one channel or on both."""
    both = [logged("a", "b", "same"), text("a", "b", "same")]
    write_journal(runs, "both", *both, *both)
    write_journal(runs, "logger", logged("a", "b", "same"), logged("a", "b", "same"))
    write_journal(runs, "event", text("a", "b", "same"), text("a", "b", "same"))
    counted = ingested(runs).sql("SELECT run_id, messages FROM runs ORDER BY 1")
    assert [r["messages"] for r in counted] == [2, 2, 2]


def test_what_one_channel_alone_saw_is_kept(runs: Path, ingested: Ingest) -> None:
    """A silent message has no event; a message without the logger has nothing else."""
    write_journal(runs, "r", logged("a", "b", "silent"), text("b", "a", "aloud"))
    assert messages(ingested(runs)) == [("a", "b", "silent", "logger"), ("b", "a", "aloud", "event")]


def test_a_group_chats_copies_are_no_messages(runs: Path, ingested: Ingest) -> None:
    """The manager passes each message on under its own name: the copies are left out, the next original is not."""

    def broadcast(author: str, content: str) -> list[Row]:
        copy = {"content": content, "name": author, "role": "user"}
        others = [n for n in "abc" if n != author]
        return [logged(author, "manager", content), *(logged("manager", other, copy) for other in others)]

    write_journal(runs, "r", *broadcast("a", "go"), *broadcast("b", "ok"), *broadcast("c", "ok"), *broadcast("b", "ok"))
    said = messages(ingested(runs))
    assert [(s, r, c) for s, r, c, _ in said] == [
        ("a", "manager", "go"),
        ("b", "manager", "ok"),
        ("c", "manager", "ok"),
        ("b", "manager", "ok"),
    ]


def test_a_saved_transcript_adds_only_what_the_journal_lacks(runs: Path, ingested: Ingest) -> None:
    """A message of the transcript that the journal has gets its name added; a new one stands in its place."""
    saved = [{"name": n, "role": "user", "content": c} for n, c in [("a", "1"), ("b", "2"), ("a", "3"), ("b", "4")]]
    write_journal(
        runs,
        "r",
        logged("a", "b", "1"),
        logged("a", "b", "3"),
        {"kind": "messages", "chat": "g", "messages": saved, "count": 4},
    )
    assert [(s, c, source) for s, _, c, source in messages(ingested(runs))] == [
        ("a", "1", "logger+transcript"),
        ("b", "2", "transcript"),
        ("a", "3", "logger+transcript"),
        ("b", "4", "transcript"),
    ]


def test_a_transcript_saved_twice_changes_nothing(runs: Path, ingested: Ingest) -> None:
    """Two transcripts with the same new message add it once."""
    saved = {"kind": "messages", "messages": [{"name": "a", "content": "x"}, {"name": "b", "content": "y"}]}
    write_journal(runs, "r", logged("a", "b", "x"), saved, saved)
    assert [(s, c) for s, _, c, _ in messages(ingested(runs))] == [("a", "x"), ("b", "y")]


def test_what_happened_in_a_turn_points_at_it(runs: Path, ingested: Ingest) -> None:
    """LLM call, execution and written file hang on their turn, and each comes after it in order."""
    code = "```python\nopen('out.txt', 'w').write('1')\n```"
    llm = {"kind": "llm_call", "agent": "writer", "model": "m", "request": {"messages": []}, "base": None, "same": []}
    write_journal(
        runs,
        "r",
        {**llm, "response": {"choices": [{"message": {"content": code}}]}, "status": "ok", "completion_tokens": 7},
        logged("writer", "runner", code),
        event("generate_code_execution_reply", code_blocks=["python"], sender="writer", recipient="runner"),
        logged("runner", "writer", "exitcode: 0 (execution succeeded)\nCode output: fine"),
    )
    tables = ingested(runs)
    rows = tables.sql("SELECT * FROM execution_events ORDER BY execution_order")
    by_id = {r["id"]: r for r in rows}
    shape = [(r["event_type"], r["agent_name"], r["depth"]) for r in rows]
    assert shape == [
        ("agent_call", "writer", 0),
        ("llm_call", "writer", 1),
        ("handoff", "writer", 0),
        ("agent_call", "runner", 0),
        ("code_exec", "writer", 1),
        ("file_gen", "writer", 2),
    ]
    for row in rows:
        if row["depth"]:
            parent = by_id[row["parent_event_id"]]
            assert parent["depth"] == row["depth"] - 1
            assert parent["execution_order"] < row["execution_order"]
    assert [r["execution_order"] for r in rows] == list(range(len(rows)))
    assert tables.one("SELECT tokens FROM messages WHERE sender = 'writer'") == 7
    assert tables.one("SELECT executor FROM code_execs") == "runner"
    assert tables.one("SELECT duration_ms FROM code_execs") == 1.0


def test_a_tool_that_ran_is_one_call(runs: Path, ingested: Ingest) -> None:
    """Request, start, return, end and answer are one row, with the value that the tool returned."""
    call = {"id": "c1", "type": "function", "function": {"name": "t", "arguments": '{"x": 1}'}}
    ran = {"func_name": "t", "call_id": "c1", "arguments": {"x": 1}, "recipient": "box"}
    write_journal(
        runs,
        "r",
        logged("a", "box", {"content": None, "tool_calls": [call]}),
        event("execute_function", **ran),
        {"kind": "function_call", "agent": "box", "name": "t", "arguments": {"x": 1}, "result": {"y": 2}},
        event("executed_function", **ran, content="{'y': 2}", is_exec_success=True),
        logged(
            "box",
            "a",
            {"role": "tool", "content": "{'y': 2}", "tool_responses": [{"tool_call_id": "c1", "content": "{'y': 2}"}]},
        ),
    )
    tables = ingested(runs)
    (row,) = tables.sql("SELECT call_id, agent_name, executor, result, status, duration_ms FROM tool_calls")
    assert row == {
        "call_id": "c1",
        "agent_name": "a",
        "executor": "box",
        "result": '{"y":2}',
        "status": "completed",
        "duration_ms": 2.0,
    }
    (seen,) = tables.events("tool_call")
    assert seen["meta"]["tool_name"] == "t"
    assert seen["inputs"]["args_keys"] == ["x"]


def test_a_call_id_that_comes_again_is_a_new_call(runs: Path, ingested: Ingest) -> None:
    """A cached answer repeats its ids."""
    call = {"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}
    once = [
        logged("a", "b", {"content": None, "tool_calls": [call]}),
        logged("b", "a", {"role": "tool", "content": "1", "tool_responses": [{"tool_call_id": "c", "content": "1"}]}),
    ]
    write_journal(runs, "r", *once, *once)
    assert ingested(runs).one("SELECT count(*) FROM tool_calls WHERE status = 'completed'") == 2


def test_a_tool_refused_by_ag2_failed(runs: Path, ingested: Ingest) -> None:
    """AG2 runs nothing for a tool that it does not know, and says so in the event."""
    call = {"id": "c", "type": "function", "function": {"name": "nope", "arguments": "{}"}}
    refused = {"func_name": "nope", "call_id": "c", "arguments": {}, "recipient": "b"}
    write_journal(
        runs,
        "r",
        logged("a", "b", {"content": None, "tool_calls": [call]}),
        event("executed_function", **refused, content="Error: Function nope not found.", is_exec_success=False),
    )
    (row,) = ingested(runs).sql("SELECT status, error_message FROM tool_calls")
    assert row == {"status": "failed", "error_message": "Error: Function nope not found."}


def test_code_that_was_running_when_the_run_was_cut_off_is_pending(runs: Path, ingested: Ingest) -> None:
    """An execution that nothing was heard of again has its code, and no exit code."""
    started = event("generate_code_execution_reply", code_blocks=["python"], sender="a", recipient="b")
    write_journal(runs, "r", logged("a", "b", "```python\n1/0\n```"), started, end=False)
    (row,) = ingested(runs).sql("SELECT code, exit_code, status FROM code_execs")
    assert row == {"code": "1/0", "exit_code": None, "status": "pending"}


def test_requests_are_rebuilt_from_their_differences(runs: Path, ingested: Ingest) -> None:
    """A request that continues another is whole in llm_calls."""
    first = {"model": "m", "tools": [1], "messages": [{"role": "system", "content": "s"}]}
    second = {"model": "m", "messages": [{"role": "user", "content": "u"}]}
    call = {"kind": "llm_call", "agent": "a", "response": {}, "status": "ok"}
    write_journal(
        runs,
        "r",
        {**call, "request": first, "base": None, "base_messages": 0, "same": []},
        {**call, "request": second, "base": 1, "base_messages": 1, "same": ["tools"]},
    )
    rows = ingested(runs).sql("SELECT request FROM llm_calls ORDER BY started_at, event_id")
    whole = [json.loads(r["request"]) for r in rows]
    assert {"model": "m", "tools": [1], "messages": [*first["messages"], *second["messages"]]} in whole


def test_requests_are_whole_whatever_their_conversation_did(runs: Path, ingested: Ingest) -> None:
    """It grew, was cut short, went on from an earlier point, was replaced; each message is stored once."""
    call = {"kind": "llm_call", "agent": "a", "response": {}, "status": "ok"}
    rebuilt: dict[int, list[Any]] = {}
    stored = 0

    def next_call(seq: int, base: int | None, kept: int, *new: Any) -> dict[str, Any]:
        nonlocal stored
        stored += len(new)
        rebuilt[seq] = [*rebuilt.get(base or 0, [])[:kept], *new]
        return {**call, "request": {"messages": list(new)}, "base": base, "base_messages": kept, "same": []}

    steps = [
        (None, 0, "s", "1", "2"),
        (1, 3, "3", "4"),  # grows
        (2, 5),  # is sent again
        (3, 4, "5"),  # its last message is replaced
        (2, 2, {"role": "user", "content": None}),  # goes on from an earlier point
        (4, 5, "6"),
        (6, 0, "t"),  # is replaced
        (1, 1, "7"),
        (8, 99, "8"),  # says that it keeps more than there is
        (5, 3, "9"),
        (2, 3, "10", "11"),
        (None, 0),  # has no message at all
    ]
    write_journal(runs, "r", *(next_call(seq, *step) for seq, step in enumerate(steps, 1)))
    tables = ingested(runs)
    rows = tables.sql("SELECT request FROM llm_calls ORDER BY started_at")
    assert [json.loads(r["request"]) for r in rows] == [{"messages": m} for m in rebuilt.values()]
    assert tables.one("SELECT count(*) FROM llm_messages") == stored


@pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="DuckDB 1.5 does not look into views for it")
def test_requests_cost_nothing_where_they_are_not_asked_for(runs: Path, ingested: Ingest) -> None:
    """The messages are not read for sums over calls; those of one run are found by the run."""
    call = {"kind": "llm_call", "agent": "a", "response": {}, "status": "ok"}
    for run_id in "rs":
        write_journal(runs, run_id, {**call, "request": {"messages": ["hi"]}, "base": None, "base_messages": 0})
    tables = ingested(runs)

    def plan(query: str) -> str:
        return str(tables.sql(f"EXPLAIN {query}")[0]["explain_value"])

    assert "llm_messages" not in plan("SELECT model, sum(cost) FROM llm_calls GROUP BY 1")
    assert "llm_messages" in plan("SELECT request FROM llm_calls")
    assert plan("SELECT request FROM llm_calls WHERE run_id = 'r'").count("run_id = 'r'") == 3


def test_a_failed_call_says_what_was_raised(runs: Path, ingested: Ingest) -> None:
    """Type and message of the exception, its traceback in the event; where it was not recorded, what AG2 logged."""
    call = {"kind": "llm_call", "agent": "a", "request": {}, "base": None, "same": [], "status": "error"}
    coded = {**call, "response": "error_code:None, config 0 failed"}
    error = {"type": "InternalServerError", "message": "the disk is full", "traceback": "Traceback: create"}
    nameless = {"type": "KeyboardInterrupt", "message": "", "traceback": ""}
    write_journal(runs, "r", coded, {**coded, "error": error}, {**call, "response": "", "error": nameless})
    tables = ingested(runs)
    said = ["error_code:None, config 0 failed", "InternalServerError: the disk is full", "KeyboardInterrupt"]
    rows = tables.sql("SELECT error_message, status, response FROM llm_calls ORDER BY started_at")
    assert [(row["error_message"], row["status"]) for row in rows] == [(words, "failed") for words in said]
    assert json.loads(rows[1]["response"]) == coded["response"]
    events = tables.events("llm_call")
    assert [event["error_message"] for event in events] == said
    assert [event["meta"].get("error_type") for event in events] == [None, "InternalServerError", "KeyboardInterrupt"]
    assert events[1]["meta"]["traceback"] == "Traceback: create"


def test_an_agent_is_as_it_was_described_last(runs: Path, ingested: Ingest) -> None:
    """Tools registered during the run and a changed system message are what `meta.agents` has."""
    first = {"kind": "agent", "name": "a", "class": "ConversableAgent", "tools": [], "system_message": "one"}
    again = {**first, "tools": ["late"], "system_message": "two"}
    write_journal(runs, "r", first, {**first, "name": "b"}, again)
    agents = json.loads(ingested(runs).one("SELECT meta->'agents' FROM runs"))
    assert [(a["name"], a["tools"], a["system_message"]) for a in agents] == [("a", ["late"], "two"), ("b", [], "one")]


def test_who_spoke_next_and_why_is_a_handoff(runs: Path, ingested: Ingest) -> None:
    """A selection in a group chat, and a reply in a chat of two."""
    manager = {"kind": "agent", "name": "m", "class": "GroupChatManager", "members": ["a", "b"], "selection": "auto"}
    write_journal(
        runs,
        "r",
        manager,
        logged("a", "m", "1"),
        event("group_chat_run_chat", speaker="b", silent=False),
        logged("b", "m", "2"),
        logged("a", "m", "3"),
    )
    handoffs = ingested(runs).events("handoff")
    assert [(h["inputs"]["from_agent"], h["inputs"]["to_agent"], h["meta"]["reason"]) for h in handoffs] == [
        ("a", "b", "group_chat_selection"),
        ("b", "a", "reply"),
    ]
    assert handoffs[0]["meta"]["selection"] == "auto"


def test_steps_and_actions_keep_their_place(runs: Path, ingested: Ingest) -> None:
    """A turn inside a marked action points at the action; one inside a step has the step's id and no parent."""
    write_journal(
        runs,
        "r",
        {"kind": "step_start", "id": "s1", "name": "one", "step_id": "one"},
        {**logged("a", "b", "in a step"), "step_id": "one", "parent": "s1"},
        {**logged("b", "a", "in an action"), "step_id": "one", "parent": "x1"},
        {"kind": "action", "id": "x1", "action_type": "decision", "action_name": "choose", "details": {"n": 1}},
    )
    tables = ingested(runs)
    (action,) = tables.events("decision")
    assert action["inputs"] == {"n": 1}
    turns = {t["outputs"]["full_content"]: t for t in tables.events("agent_call")}
    assert (turns["in a step"]["step_id"], turns["in a step"]["parent_event_id"]) == ("one", None)
    assert turns["in an action"]["parent_event_id"] == action["id"]


def test_an_exception_is_one_error(runs: Path, ingested: Ingest) -> None:
    """It leaves a step and then the run: one error row, and the run has failed."""
    error = {"type": "ValueError", "message": "boom", "traceback": "..."}
    write_journal(
        runs,
        "r",
        {"kind": "step_end", "id": "s", "status": "failed", "error": error},
        {"kind": "run_end", "status": "failed", "error": {**error, "traceback": "longer"}},
        end=False,
    )
    tables = ingested(runs)
    assert [(e["error_message"], e["meta"]["error_type"]) for e in tables.events("error")] == [("boom", "ValueError")]
    assert tables.one("SELECT status FROM runs") == "failed"


def test_what_was_lost_is_counted(runs: Path, ingested: Ingest) -> None:
    """A gap says how many records are missing, and so do numbers missing in seq."""
    path = write_journal(runs, "r", {"kind": "gap", "lost": 5, "reason": "disk full"}, logged("a", "b", "x"))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2] + lines[3:]))  # seq 2 is gone
    assert ingested(runs).one("SELECT lost_events FROM runs") == 6


def test_unknown_kinds_events_and_fields_are_kept_raw(runs: Path, ingested: Ingest) -> None:
    """A later recorder may write what this package does not know."""
    write_journal(runs, "r", {"kind": "hologram", "x": 1}, event("brand_new", y=2), {**logged("a", "b", "hi"), "z": 3})
    tables = ingested(runs)
    assert tables.one("SELECT record->>'x' FROM journal WHERE kind = 'hologram'") == "1"
    assert tables.one("SELECT record->'event'->'content'->>'y' FROM journal WHERE kind = 'event'") == "2"
    assert tables.one("SELECT record->>'z' FROM journal WHERE kind = 'message'") == "3"
    assert tables.one("SELECT count(*) FROM quarantine") == 0


def test_a_journal_of_a_later_version_is_read_with_a_warning(runs: Path, ingested: Ingest) -> None:
    """What is known of it is read."""
    write_journal(runs, "r", {**logged("a", "b", "hi"), "v": 9})
    tables = ingested(runs)
    assert [c for _, _, c, _ in messages(tables)] == ["hi"]
    assert any("version 9" in note for note in tables.summary.notes)


def test_records_of_odd_shape_do_not_stop_the_run(runs: Path, ingested: Ingest) -> None:
    """Known kinds with lists, numbers and nulls where objects belong: each is in journal, the rest of the run too."""
    odd: list[Any] = [None, 7, "x", [], {}, [[]], {"a": {}}]
    records: list[Row] = []
    for kind in (
        "message",
        "event",
        "llm_call",
        "function_call",
        "agent",
        "messages",
        "action",
        "file",
        "gap",
        "input",
    ):
        for value in odd:
            keys = ("message", "event", "request", "response", "name", "messages", "details", "path", "lost", "error")
            records.append({"kind": kind, **dict.fromkeys(keys, value), "agent": value, "sender": value})
            records.append({"kind": kind, "event": {"type": "text", "content": {"content": value, "sender": value}}})
    records.append(logged("a", "b", "still here"))
    write_journal(runs, "r", *records)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM journal") == len(records) + 2
    assert tables.one("SELECT count(*) FROM messages WHERE content = 'still here'") == 1


def test_a_human_is_quoted_on_the_turn(runs: Path, ingested: Ingest) -> None:
    """What a human was asked and answered stands on the turn that came of it."""
    write_journal(runs, "r", {"kind": "input", "prompt": "Go on?", "answer": "yes"}, logged("human", "a", "yes"))
    (turn,) = ingested(runs).events("agent_call")
    assert turn["meta"]["human_input"] == [{"prompt": "Go on?", "answer": "yes"}]


def test_both_ingests_of_a_run_give_the_same_ids(runs: Path, ingested: Ingest) -> None:
    """Ids are made from the run and its records."""
    write_journal(runs, "r", logged("a", "b", "hi"), logged("b", "a", "ho"))
    first = ingested(runs).sql("SELECT id FROM execution_events ORDER BY execution_order")
    assert ingested(runs, force=True).sql("SELECT id FROM execution_events ORDER BY execution_order") == first


def test_parallel_calls_of_one_tool_keep_their_results(runs: Path, ingested: Ingest) -> None:
    """Two calls of a tool at once, the first to start returns first: each has its own result."""

    def ran(kind: str, n: str, **more: Any) -> Row:
        return event(kind, func_name="price", call_id=n, arguments={"of": n}, recipient="box", **more)

    def returned(n: str) -> Row:
        about = {"agent": "box", "name": "price", "arguments": {"of": n}}
        return {"kind": "function_call", **about, "result": {"price": n}}

    calls = [
        {"id": n, "type": "function", "function": {"name": "price", "arguments": json.dumps({"of": n})}} for n in "ab"
    ]
    write_journal(
        runs,
        "r",
        logged("x", "box", {"content": None, "tool_calls": calls}),
        ran("execute_function", "a"),
        ran("execute_function", "b"),
        returned("a"),
        ran("executed_function", "a", content="{'price': 'a'}"),
        returned("b"),
        ran("executed_function", "b", content="{'price': 'b'}"),
    )
    rows = ingested(runs).sql("SELECT call_id, result FROM tool_calls ORDER BY 1")
    assert [tuple(r.values()) for r in rows] == [("a", '{"price":"a"}'), ("b", '{"price":"b"}')]


def test_an_action_without_an_end_is_no_parent(runs: Path, ingested: Ingest) -> None:
    """A run that was killed inside a marked action: its turns stand alone, with what happened in them below."""
    llm = {"kind": "llm_call", "agent": "a", "request": {}, "response": {}, "status": "ok", "parent": "x1"}
    write_journal(runs, "r", llm, {**logged("a", "b", "hi"), "parent": "x1"}, end=False)
    rows = ingested(runs).sql("SELECT event_type, depth, parent_event_id, id FROM execution_events ORDER BY 1")
    assert [(r["event_type"], r["depth"]) for r in rows] == [("agent_call", 0), ("llm_call", 1)]
    assert rows[0]["parent_event_id"] is None
    assert rows[1]["parent_event_id"] == rows[0]["id"]


def _chat(name: str, sender: str, recipient: str, **more: Any) -> Row:
    return {"kind": "chat_start", "id": name, "sender": sender, "recipient": recipient, **more}


def _depths_that_are_not_their_parents(runs: Path, ingested: Ingest, *records: Row) -> list[Row]:
    write_journal(runs, "one", *records, end=False)
    return ingested(runs).sql(
        "SELECT inner_one.event_type, inner_one.depth, outer_one.depth AS around FROM execution_events AS inner_one "
        "JOIN execution_events AS outer_one ON outer_one.id = inner_one.parent_event_id "
        "WHERE inner_one.depth <> outer_one.depth + 1"
    )


def test_a_call_that_runs_in_another_chat_is_as_deep_as_its_turn(runs: Path, ingested: Ingest) -> None:
    """A call is asked for in a chat and begun in a nested one, and nobody answers: it is below the turn that asked."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    begun = event("execute_function", func_name="f", call_id="c", arguments={}, recipient="e")
    wrong = _depths_that_are_not_their_parents(
        runs,
        ingested,
        _chat("outer", "a", "b"),
        text("b", "x", "is it right?"),
        logged("d", "e", {"content": None, "role": "assistant", "tool_calls": [call]}),
        begun,
    )
    assert wrong == []


def test_chats_out_of_order_are_as_deep_as_their_turns(runs: Path, ingested: Ingest) -> None:
    """The record of a nested chat stands before that of the chat that it is in."""
    wrong = _depths_that_are_not_their_parents(
        runs,
        ingested,
        _chat("inner", "x", "y", in_chat="middle", turn_of="b"),
        _chat("middle", "a", "b", in_chat="outer", turn_of="a"),
        text("x", "y", "how?") | {"in_chat": "inner"},
        text("b", "a", "so") | {"in_chat": "middle"},
    )
    assert wrong == []


def test_the_same_error_on_another_day_is_another_error(runs: Path, ingested: Ingest) -> None:
    """Three steps fail with the same words, each caught: three errors."""
    failed = {"kind": "step_end", "status": "failed", "error": {"type": "ValueError", "message": "no data"}}
    start = {"kind": "step_start", "id": "s", "name": "s"}
    write_journal(runs, "r", *[start, failed] * 3)
    tables = ingested(runs)
    assert len(tables.events("error")) == tables.one("SELECT errors FROM runs") == 3


def test_code_belongs_to_who_wrote_the_block(runs: Path, ingested: Ingest) -> None:
    """A later message that only mentions three backticks is not where the code came from."""
    write_journal(
        runs,
        "r",
        logged("coder", "m", "```python\nprint('right')\n```"),
        logged("reviewer", "m", "A block opens with ``` and closes with it. Run it."),
        event("generate_code_execution_reply", code_blocks=["python"], sender="m", recipient="runner"),
        logged("runner", "m", "exitcode: 0 (execution succeeded)\nCode output: right"),
    )
    (row,) = ingested(runs).sql("SELECT agent_name, code FROM code_execs")
    assert row == {"agent_name": "coder", "code": "print('right')"}


def test_an_exit_code_that_a_model_made_up_is_no_execution(runs: Path, ingested: Ingest) -> None:
    """Where AG2's events are recorded, they tell what was executed."""
    fake = "exitcode: 0 (execution succeeded)\nCode output: I believe it worked"
    write_journal(runs, "r", text("a", "b", "```python\n1\n```"), text("b", "a", fake))
    assert ingested(runs).one("SELECT count(*) FROM code_execs") == 0


def test_blocks_after_the_one_that_failed_did_not_run(runs: Path, ingested: Ingest) -> None:
    """The traceback names the file of the block that raised; the executor stopped there."""
    from hashlib import md5

    codes = ["print(1)", "1 / 0", "print(3)"]
    blocks = "\n".join(f"```python\n{code}\n```" for code in codes)
    output = f'Traceback\n  File "/w/tmp_code_{md5(codes[1].encode()).hexdigest()}.py", line 1\nZeroDivisionError: x'
    write_journal(
        runs,
        "r",
        logged("a", "b", blocks),
        logged("b", "a", f"exitcode: 1 (execution failed)\nCode output: {output}"),
    )
    rows = ingested(runs).sql("SELECT code FROM code_execs")
    assert [r["code"] for r in rows] == codes[:2]


def test_two_executors_that_write_a_file_of_one_name(runs: Path, ingested: Ingest) -> None:
    """Each code's file is the one in its own executor's folder."""

    def wrote(where: str) -> list[Row]:
        code = f"```python\nopen('result.txt', 'w').write('{where}')\n```"
        return [
            {"kind": "agent", "name": f"runner_{where}", "work_dir": where},
            logged(f"coder_{where}", f"runner_{where}", code),
            logged(f"runner_{where}", f"coder_{where}", "exitcode: 0 (execution succeeded)\nCode output: "),
        ]

    saved = [
        {"kind": "file", "path": f"{w}/result.txt", "size": 5, "copy": f"files/{w}/result.txt"}
        for w in ("north", "south")
    ]
    write_journal(runs, "r", *wrote("north"), *wrote("south"), *saved)
    for where in ("north", "south"):
        (runs / "r" / "files" / where).mkdir(parents=True)
        (runs / "r" / "files" / where / "result.txt").write_text(where)
    tables = ingested(runs)
    written = {f["agent_name"]: f["outputs"]["file_content"] for f in tables.events("file_gen")}
    assert written == {"coder_north": "north", "coder_south": "south"}
    assert len(tables.sql("SELECT id FROM files WHERE operation = 'write'")) == 2


def test_a_scratch_script_of_ag2_is_no_written_file(runs: Path, ingested: Ingest) -> None:
    """Only that of code that failed is ever named, by its traceback; it is kept, as what was mentioned."""
    script = f"tmp_code_{'0a' * 16}.py"
    code = "```python\nimport missing\nopen('a.csv', 'w')\n```"
    failed = (
        f'exitcode: 1 (execution failed)\nCode output: Traceback\n  File "/w/{script}", line 1\nImportError: missing'
    )
    saved = {"kind": "file", "path": f"w/{script}", "size": 14, "copy": f"files/w/{script}"}
    write_journal(runs, "r", logged("coder", "runner", code), logged("runner", "coder", failed), saved)
    (runs / "r" / "files" / "w").mkdir(parents=True)
    (runs / "r" / "files" / "w" / script).write_text("import missing")
    tables = ingested(runs)
    assert tables.sql("SELECT operation, file_content FROM files WHERE file_name LIKE 'tmp_code%'") == [
        {"operation": "mention", "file_content": "import missing"}
    ]
    assert tables.one("SELECT files FROM runs") == 0
    assert [e["status"] for e in tables.events("file_gen")] == ["failed"]


def test_a_file_is_one_row_however_it_is_spelt(runs: Path, ingested: Ingest) -> None:
    """With a point before it, a folder entered and left, or from the root."""
    code = (
        "```python\nimport pandas as pd\npd.DataFrame().to_csv('./out.csv')\npd.read_csv('out.csv')\n"
        "open('data/../out.csv', 'a')\nopen('/work/out.csv', 'a')\nopen('other/out.csv', 'a')\n```"
    )
    done = "exitcode: 0 (execution succeeded)\nCode output: done"
    told = [
        logged("coder", "runner", code),
        logged("runner", "coder", done),
        logged("coder", "runner", "See ./out.csv."),
    ]
    write_journal(runs, "r", *told, start={"cwd": "/work"})
    written = ingested(runs).sql("SELECT operation, file_path FROM files ORDER BY ALL")
    assert [tuple(row.values()) for row in written] == [
        ("mention", "./out.csv"),
        ("read", "out.csv"),
        ("write", "./out.csv"),
        ("write", "other/out.csv"),
    ]


def test_code_that_failed_before_it_wrote_has_not_written(runs: Path, ingested: Ingest) -> None:
    """The file that is there at the end is that of the code that succeeded; where none did, the failed code made it."""

    def tried(name: str, exit_code: int) -> list[Row]:
        outcome = "failed" if exit_code else "succeeded"
        return [
            logged("coder", "runner", f"```python\nopen('{name}', 'w').write('x')\n```"),
            logged("runner", "coder", f"exitcode: {exit_code} (execution {outcome})\nCode output: "),
        ]

    saved = [{"kind": "file", "path": name, "size": 1, "sha256": "0" * 64} for name in ("a.txt", "b.txt")]
    write_journal(runs, "r", *tried("a.txt", 1), *tried("a.txt", 0), *tried("b.txt", 1), *saved)
    written = [(e["outputs"]["file_path"], e["status"]) for e in ingested(runs).events("file_gen")]
    assert written == [("a.txt", "failed"), ("a.txt", "completed"), ("b.txt", "completed")]


def test_more_calls_than_a_turn_holds_are_executions(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest of those that wait for their agent to speak belong to no turn, and are not lost for that."""
    monkeypatch.setattr("ingest.acts.MAX_CHILDREN", 3)
    llm = {"kind": "llm_call", "agent": "a", "request": {}, "response": {}, "status": "ok"}
    write_journal(runs, "spoken", *[llm] * 5, logged("a", "b", "hi"))
    write_journal(runs, "silent", *[llm] * 5)
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, is_turn, count(*) AS n FROM executions GROUP BY ALL ORDER BY ALL") == [
        {"run_id": "silent", "is_turn": False, "n": 5},
        {"run_id": "spoken", "is_turn": False, "n": 2},
        {"run_id": "spoken", "is_turn": True, "n": 1},
    ]


@pytest.mark.parametrize(
    ("age", "status"), [(60, "running"), (7200, "interrupted"), (-60, "running"), (-86_400 * 365, "interrupted")]
)
def test_of_another_machine_s_journal_the_age_of_its_last_record_tells(
    age: int, status: str, runs: Path, ingested: Ingest
) -> None:
    """Whether it is still being written; a clock that is far ahead tells nothing."""
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    now = (time.time_ns() - age * 10**9) // 10**6
    path.write_text(path.read_text().replace("1700000000000", str(now)).replace("1700000000001", str(now + 1)))
    assert ingested(runs).one("SELECT status FROM runs") == status
