"""Models behind OpenAI's Responses API, and AG2's clients of its second version: the rows of chat completions."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent

import capture
import queries
from ingest.answers import answer, tokens
from ingest.messages import plain_text
from sample_runs.scripted_llm import Call, Reply, ScriptedLLM, Step
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import write_journal
from tests.ingest.test_ag2_logs import LOGGERS, logging_to

SAID = "The sum is 5. I saved it in result.txt. TERMINATE"
SCRIPT: list[Step] = [
    Reply(calls=(Call("add", {"a": 2, "b": 3}),), usage=(11, 7)),  # AG2 0.14 fails on text beside a call
    Reply(SAID, usage=(23, 5)),
]
COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
APIS = ["responses", "responses_v2", "openai_v2", "openai"]


def chat(llm: ScriptedLLM, api: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let a model behind this API add two numbers. Gives what the tool was asked."""
    # AG2 0.14's SQLite logger fails on a `base_url` in the configuration
    monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
    config = llm.config(api_type=api)
    del config["config_list"][0]["base_url"]
    del config["config_list"][0]["price"], config["config_list"][0]["max_retries"]  # the new clients fail on them
    assistant = ConversableAgent("assistant", llm_config=config, human_input_mode="NEVER")
    user = ConversableAgent(
        "user", human_input_mode="NEVER", is_termination_msg=lambda m: "TERMINATE" in str(m.get("content"))
    )
    asked: list[tuple[int, int]] = []

    def add(a: int, b: int) -> int:
        asked.append((a, b))
        return a + b

    assistant.register_for_llm(name="add", description="adds")(add)
    user.register_for_execution(name="add")(add)
    user.initiate_chat(assistant, message="2 + 3?", max_turns=3)
    return asked


@pytest.mark.slow
@pytest.mark.parametrize("api", APIS)
def test_tokens_answers_and_quality_are_told(
    api: str, scripted_llm: StartLLM, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens as the server counted them, text and calls as it gave them, and a verdict on each response."""
    llm = scripted_llm(SCRIPT)
    with capture.start(runs, run_id="r", console=False, files=False):
        assert chat(llm, api, monkeypatch) == [(2, 3)]
    assert [r.path for r in llm.requests] == ["/v1/chat/completions" if "openai" in api else "/v1/responses"] * 2

    tables = ingested(runs)
    calls = tables.sql("SELECT * FROM llm_calls ORDER BY started_at")
    assert [(c["prompt_tokens"], c["completion_tokens"], c["total_tokens"]) for c in calls] == [
        (11, 7, 18),
        (23, 5, 28),
    ]
    assert [(c["response_valid"], c["response_quality_score"]) for c in calls] == [(True, 1.0)] * 2
    (run,) = tables.sql("SELECT prompt_tokens, completion_tokens, total_tokens FROM runs")
    assert run == {"prompt_tokens": 34, "completion_tokens": 12, "total_tokens": 46}

    outputs = [
        json.loads(row["outputs"])
        for row in tables.sql(
            "SELECT outputs FROM execution_events WHERE event_type = 'llm_call' ORDER BY execution_order"
        )
    ]
    assert [output["content"] for output in outputs] == [None, SAID]
    (called,) = outputs[0]["tool_calls"]
    assert json.loads(called["function"]["arguments"]) == {"a": 2, "b": 3}
    (call,) = tables.sql("SELECT call_id, tool_name, agent_name, executor, result FROM tool_calls")
    assert call == {
        "call_id": called["id"], "tool_name": "add", "agent_name": "assistant", "executor": "user", "result": "5"
    }  # fmt: skip

    con = queries.connect(tables.out)
    told = queries.run("llm_responses", con, run_id="r").fetchall()
    assert [row[2] and json.loads(row[2]) for row in told] == [SAID, None]
    assert all(SAID in row for (row,) in con.execute(
        "SELECT llm_response FROM agent_executions WHERE agent_name = 'assistant' ORDER BY call_sequence DESC LIMIT 1"
    ).fetchall())  # fmt: skip


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
@pytest.mark.parametrize("api", ["responses", "responses_v2"])
def test_ag2s_own_logs_tell_the_same(
    api: str, kind: str, scripted_llm: StartLLM, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Tokens and texts also from the files of AG2's runtime loggers."""
    llm = scripted_llm(SCRIPT)
    with logging_to(runs, kind, monkeypatch):
        chat(llm, api, monkeypatch)
    calls = ingested(runs).sql(
        "SELECT total_tokens, outputs->>'content' AS said FROM llm_calls "
        "JOIN execution_events ON id = event_id ORDER BY started_at"
    )
    assert [(c["total_tokens"], c["said"]) for c in calls] == [(18, None), (28, SAID)]


def item(**fields: Any) -> dict[str, Any]:
    """A response of the Responses API with one item."""
    return {"output": [fields], "status": "completed"}


def test_answers_of_any_shape_are_read_or_left() -> None:
    """Refusals, filters, built-in tools and odd values."""
    refusal = {"type": "refusal", "refusal": "I can't."}
    for response in (
        {"choices": [{"message": {"refusal": "I can't."}}]},
        {"choices": [{"finish_reason": "content_filter"}]},
        item(type="message", content=[refusal]),
        {"output": [], "status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        {"messages": [{"content": [refusal]}]},
    ):
        told = answer(response)
        assert told is not None
        assert told.declined

    shell = {"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}
    told = answer(item(**shell))
    assert told is not None
    assert (told.content, told.tool_calls, told.declined) == (None, [shell], False)
    assert "ls" in plain_text([shell])

    for odd in (None, 1, "error_code:429", [], {}, {"choices": None}, {"output": 1}, {"messages": {}}):
        assert answer(odd) is None
        assert tokens(odd) == dict.fromkeys(COUNTS)
    for odd in (
        {"choices": [1]},
        {"output": [1, None, {"type": 7}]},
        {"messages": [1]},
        {"messages": [{"content": 3}]},
    ):
        told = answer(odd)
        assert told is not None
        assert (told.content, told.tool_calls) == (None, None)


def test_what_says_more_is_believed() -> None:
    """Lists that are empty, text where blocks are usual, counts under either name, and no sum."""
    for response in (
        {"choices": [], **item(type="message", content="hello")},
        {"output": [], "messages": [{"content": [{"type": "text", "text": "hello"}]}]},
    ):
        told = answer(response)
        assert told is not None
        assert told.content == "hello"
    usage = {"prompt_tokens": None, "input_tokens": 7, "output_tokens": 3}
    assert tokens({"usage": usage}) == dict(zip(COUNTS, (7, 3, None), strict=True))


def test_a_sum_that_nobody_gave_is_made(runs: Path, ingested: Ingest) -> None:
    """A run has no fewer tokens than its prompts."""
    response = {"output": [], "usage": {"input_tokens": 7, "output_tokens": 3}}
    write_journal(runs, "r", {"kind": "llm_call", "agent": "a", "status": "ok", "response": response})
    assert ingested(runs).sql("SELECT prompt_tokens, total_tokens FROM runs") == [
        {"prompt_tokens": 7, "total_tokens": 10}
    ]


def test_a_call_of_the_legacy_form_is_a_call(runs: Path, ingested: Ingest) -> None:
    """What a model asks for by `function_call` costs as what it asks for by `tool_calls`, alone or beside them."""
    legacy = {"content": None, "function_call": {"name": "old", "arguments": "{}"}}
    beside = legacy | {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "new", "arguments": "{}"}}]}
    calls = [
        {"kind": "llm_call", "agent": "a", "request": {}, "cost": 0.4, "total_tokens": 8, "response": response}
        for response in ({"choices": [{"message": message}]} for message in (legacy, beside))
    ]
    write_journal(runs, "r", *calls)
    with queries.connect(ingested(runs).out) as con:
        found = queries.run("cost_by_tool", con).fetchall()
    assert [(row[0], row[1], row[3], row[4]) for row in found] == [("old", 2, 12.0, 0.6), ("new", 1, 4.0, 0.2)]
