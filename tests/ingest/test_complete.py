"""Everything that happened in a run of real agents is in the tables once, with its times and its place."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, register_function
from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor

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


def _timed(code: str) -> str:
    """A message with a Python block."""
    return f"Run this:\n```python\n{code}\n```"


@pytest.mark.parametrize("kind", ["executor", "old"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_code_that_ran(kind: str, is_async: bool, runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """One row an execution: the code, its exit code and output, who wrote and who ran it, and its own duration."""
    codes = ["import time\ntime.sleep(0.3)\nprint('slept')", "raise SystemExit(3)", "print('last')"]
    work = tmp_path / "work"
    work.mkdir()
    config = {"executor": LocalCommandLineCodeExecutor(work_dir=work)} if kind == "executor" else {"use_docker": False}
    messages = iter([_timed(code) for code in codes])
    writer = ConversableAgent("writer", llm_config=False, **QUIET)
    writer.register_reply([ConversableAgent, None], lambda *_, **__: (True, next(messages, None)), position=0)
    runner = ConversableAgent(
        "runner",
        llm_config=False,
        code_execution_config=config | {"work_dir": str(work)} if kind == "old" else config,
        **QUIET,
    )
    with capture.start(runs, run_id="code", console=False):
        if is_async:
            asyncio.run(runner.a_initiate_chat(writer, message="Go.", max_turns=4))
        else:
            runner.initiate_chat(writer, message="Go.", max_turns=4)
        time.sleep(0.3)  # what a duration taken from the next record would hold
    tables = ingested(runs)
    rows = tables.sql("SELECT * FROM code_execs ORDER BY started_at")
    assert [r["code"].strip() for r in rows] == codes
    assert [(r["exit_code"], r["status"], r["agent_name"], r["executor"], r["language"]) for r in rows] == [
        (0, "completed", "writer", "runner", "python"),
        (3, "failed", "writer", "runner", "python"),
        (0, "completed", "writer", "runner", "python"),
    ]
    assert [r["output"].strip() for r in rows] == ["slept", "", "last"]
    assert rows[0]["duration_ms"] >= 300
    recorded = tables.sql("SELECT record->'started' AS s, record->'ended' AS e FROM journal WHERE kind = 'code_exec'")
    measured = sorted((int(r["e"]) - int(r["s"])) // 1000 / 1000 for r in recorded)
    assert sorted(r["duration_ms"] for r in rows) == pytest.approx(measured, abs=0.002)
    turns = {t["id"]: t["agent_name"] for t in tables.events("agent_call")}
    assert [turns[e["parent_event_id"]] for e in tables.events("code_exec")] == ["runner"] * 3


def test_code_that_user_code_ran(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Code run without a message, by an agent and by an executor alone, and one whose executor raises."""

    class Broken(LocalCommandLineCodeExecutor):
        def execute_code_blocks(self, code_blocks: Any) -> Any:
            raise OSError("no such machine")

    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    runner = ConversableAgent("runner", llm_config=False, code_execution_config={"executor": executor}, **QUIET)
    broken = Broken(work_dir=tmp_path)
    sad = ConversableAgent("sad", llm_config=False, code_execution_config={"executor": broken}, **QUIET)
    before = vars(LocalCommandLineCodeExecutor)["execute_code_blocks"]
    with capture.start(runs, run_id="direct", console=False):
        assert runner.code_executor is executor
        executor.execute_code_blocks([CodeBlock(code="print(1)", language="python")])
        executor.execute_code_blocks([CodeBlock(code="echo 2", language="sh")])
        with pytest.raises(OSError, match="no such machine"):
            runner.initiate_chat(sad, message=_timed("print(3)"), max_turns=1)
    assert vars(LocalCommandLineCodeExecutor)["execute_code_blocks"] is before
    tables = ingested(runs)
    rows = tables.sql("SELECT code, exit_code, status, executor, output FROM code_execs ORDER BY started_at")
    assert [(r["code"], r["exit_code"], r["status"], r["executor"]) for r in rows] == [
        ("print(1)", 0, "completed", "runner"),
        ("echo 2", 0, "completed", "runner"),
        ("print(3)", None, "failed", "sad"),
    ]
    failed = tables.events("code_exec")[-1]
    assert failed["error_message"] == "no such machine"
    assert "no such machine" in failed["meta"]["traceback"]
