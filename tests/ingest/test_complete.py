"""Everything that happened in a run of real agents is in the tables once, with its times and its place."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, register_function

import capture
from sample_runs.scripted_llm import Call, Reply, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}


@pytest.mark.parametrize("silent", [False, True])
def test_tools_that_return_raise_or_never_ran(
    silent: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """One row a call: measured duration and traceback of those that ran, AG2's own words of those that did not."""
    spent: list[float] = []

    def divide(a: int, b: int) -> float:
        begun = time.perf_counter()
        time.sleep(0.02)
        spent.append((time.perf_counter() - begun) * 1000)
        return a / b

    replies = [
        Reply(calls=(Call("divide", {"a": 1, "b": 2}), Call("divide", {"a": 1, "b": 0}))),
        call("unknown_tool", x=1),
        Reply(calls=(Call("divide", '{"a": 1,'),)),
        Reply("Done."),
    ]
    llm = scripted_llm(replies)
    asker, worker = ConversableAgent("asker", llm_config=llm.config(), **QUIET), ConversableAgent("worker", **QUIET)
    register_function(divide, caller=asker, executor=worker, description="Divides.")
    with capture.start(runs, run_id="tools", console=False):
        worker.initiate_chat(asker, message="Divide.", max_turns=4, silent=silent)
    tables = ingested(runs)
    rows = tables.sql("SELECT * FROM tool_calls ORDER BY started_at")
    assert [(r["tool_name"], r["agent_name"], r["executor"], r["status"]) for r in rows] == [
        ("divide", "asker", "worker", "completed"),
        ("divide", "asker", "worker", "failed"),
        ("unknown_tool", "asker", "worker", "failed"),
        ("divide", "asker", "worker", "failed"),
    ]
    assert [r["result"] for r in rows[:2]] == ["0.5", "Error: division by zero"]
    assert len(spent) == 2
    for row, measured in zip(rows, spent, strict=False):
        assert measured - 1 <= row["duration_ms"] < measured + 500
    assert [r["error_message"] for r in rows[:3]] == [
        None,
        "division by zero",
        "Error: Function unknown_tool not found.",
    ]
    events = tables.events("tool_call")
    assert [json.loads(r["arguments"]) for r in rows[:2]] == [{"a": 1, "b": 2}, {"a": 1, "b": 0}]
    failed = next(e for e in events if e["id"] == rows[1]["event_id"])
    assert failed["meta"]["error_type"] == "ZeroDivisionError"
    assert "return a / b" in failed["meta"]["traceback"]
    assert len(events) == len(rows)
