"""The tables that are made from others: executions, selections, findings."""

import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

import ingest.derived
import ingest.pipeline as pipeline
import queries
from ingest.schema import TABLES

SAMPLES = Path(__file__).parents[2] / "sample_runs"
DERIVED = [table for table in TABLES.values() if table.derived]


def contents(out: Path) -> dict[str, list[Any]]:
    """All rows of the derived tables."""
    con = queries.connect(out)
    return {table.name: sorted(con.execute(f"SELECT * FROM {table.name}").fetchall(), key=repr) for table in DERIVED}


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample runs, ingested at once."""
    out = tmp_path_factory.mktemp("derived") / "traces"
    pipeline.run(SAMPLES, out)
    return out


@pytest.mark.slow
def test_runs_do_not_depend_on_each_other(traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether runs come in some at a time, or are looked at one by one, they become the same rows."""
    monkeypatch.setattr(ingest.derived, "BATCH", 1)
    pipeline.run(SAMPLES, tmp_path / "alone")
    monkeypatch.undo()
    runs = tmp_path / "runs"
    runs.mkdir()
    shutil.copy(SAMPLES / "chat_history_step_3.json", runs)
    for number, journal in enumerate(sorted(SAMPLES.glob("*/journal.jsonl"))):
        if number % 6 == 0:
            pipeline.run(runs, tmp_path / "traces")
        shutil.copytree(journal.parent, runs / journal.parent.name)
    pipeline.run(runs, tmp_path / "traces")
    whole = contents(traces)
    assert all(whole.values())
    assert contents(tmp_path / "alone") == whole
    assert contents(tmp_path / "traces") == whole


def test_executions_are_what_the_events_say(traces: Path) -> None:
    """By another way than SQL: which there are, what each answers, and what its LLM calls took and cost."""
    con = queries.connect(traces)
    cursor = con.execute(
        "SELECT run_id, id::VARCHAR AS id, parent_event_id::VARCHAR AS parent, event_type, agent_name, chat, meta, "
        "inputs->>'sender' AS sender, depth, duration_ms FROM execution_events ORDER BY run_id, execution_order"
    )
    names = [column[0] for column in cursor.description or ()]
    events = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    costs = dict(
        con.execute("SELECT event_id::VARCHAR, if(cached, 0, cost) FROM llm_calls WHERE cost IS NOT NULL").fetchall()
    )
    answered: dict[str, str | None] = {}
    calls: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    last: dict[tuple[Any, ...], tuple[str | None, str | None]] = {}
    for event in events:
        if event["event_type"] == "llm_call":
            calls[event["parent"] or event["id"]].append(event)
        if event["event_type"] != "agent_call" and event["id"] not in calls:
            continue
        chat = (event["run_id"], event["chat"], event["parent"])
        is_internal = "internal" in json.loads(event["meta"])
        any_turn, turn = last.get(chat, (None, None))
        is_opening = event["event_type"] == "agent_call" and event["depth"] > 0 and event["sender"] is None
        answered[event["id"]] = event["parent"] if is_opening else any_turn if is_internal else turn
        if event["event_type"] == "agent_call":
            last[chat] = (event["id"], turn if is_internal else event["id"])

    executions = con.execute("SELECT id::VARCHAR, answered_id::VARCHAR, llm_ms, cost FROM executions").fetchall()
    assert len(executions) == len(answered) > 100
    assert {id: answered_id for id, answered_id, *_ in executions} == answered
    for id, _, llm_ms, cost in executions:
        timed = [call["duration_ms"] for call in calls[id] if call["duration_ms"] is not None]
        assert llm_ms == (pytest.approx(sum(timed)) if timed else None)
        spent = [costs[call["id"]] for call in calls[id] if call["id"] in costs]
        assert cost == (pytest.approx(sum(spent)) if spent else None)


def test_selections_are_the_choices_that_handoffs_and_requests_tell(traces: Path) -> None:
    """Each choice of a speaker in a group chat is one, and its candidates are those that AG2 named in its request."""
    con = queries.connect(traces)
    handoffs = con.execute(
        "SELECT id, inputs->>'to_agent' FROM execution_events WHERE event_type = 'handoff' "
        "AND (meta->>'reason') = 'group_chat_selection'"
    ).fetchall()
    chosen = dict(con.execute("SELECT event_id, chosen FROM selections").fetchall())
    assert handoffs
    assert {id: chosen[id] for id, _ in handoffs} == dict(handoffs)
    asked = con.execute("SELECT chosen, candidates FROM selections WHERE candidates IS NOT NULL").fetchall()
    assert asked
    requests = con.execute(
        "SELECT outputs->>'full_content' FROM execution_events WHERE agent_name = 'checking_agent'"
    ).fetchall()
    for _, candidates in asked:
        assert any(all(f"'{name}'" in text for name in json.loads(candidates)) for (text,) in requests)


@pytest.mark.slow
def test_a_run_that_fails_alike_again_and_again_is_looked_at_in_linear_time(tmp_path: Path) -> None:
    """Twenty thousand equal failures, which would be 400 million pairs."""
    with (tmp_path / "failing.jsonl").open("w") as file:
        for number in range(20_000):
            call = {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            file.write(json.dumps({"role": "assistant", "name": "a", "content": None, "tool_calls": [call]}) + "\n")
            file.write(json.dumps({"role": "tool", "tool_call_id": f"c{number}", "content": "Error: no such thing"}))
            file.write("\n")
    pipeline.run(tmp_path, tmp_path / "traces")
    con = queries.connect(tmp_path / "traces")
    failed = con.execute("SELECT count(*) FROM executions WHERE failed_stage IS NOT NULL").fetchall()
    assert failed == [(20_000,)]
    assert con.execute("SELECT count(*), sum(failed) FROM findings").fetchall() == [(20_000, 20_000)]
