"""Executions, their costs and their stages: the views hold what happened, once, and the queries add up."""

import json
import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from math import comb
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import pytest

import queries
from queries.errors import QueryError
from tests.queries.database import Builder
from tests.queries.reading import answer, events_by_run, rows


def exceptions(traces: Path) -> set[Any]:
    """The ids of the exceptions that ended a turn: of an agent, not marked, nor those of an LLM call elsewhere."""
    events = sorted(rows(traces, "execution_events"), key=lambda event: (event["run_id"], event["execution_order"]))
    calls = {str(event["id"]): event["parent_event_id"] for event in events if event["event_type"] == "llm_call"}
    failed = {
        (event["run_id"], event["execution_order"] + 1): event["parent_event_id"]
        for event in events
        if event["event_type"] == "llm_call" and event["status"] == "failed"
    }
    return {
        event["id"]
        for event in events
        if (event["event_type"], event["event_subtype"] == "action") == ("error", False)
        and event["agent_name"]
        and calls.get((event["meta"] or {}).get("echo_of"), event["id"]) == event["id"]
        and failed.get((event["run_id"], event["execution_order"]), event["id"]) == event["id"]
    }


def test_an_execution_is_a_turn_or_what_led_to_none(traces: Path) -> None:
    """There are as many executions as turns, LLM calls without a parent and exceptions, each with an id of its own."""
    expected = exceptions(traces) | {
        event["id"]
        for event in rows(traces, "execution_events")
        if event["event_type"] == "agent_call" or (event["event_type"] == "llm_call" and not event["parent_event_id"])
    }
    executions = rows(traces, "agent_executions")
    assert Counter(row["id"] for row in executions) == Counter(list(expected))
    assert {row["status"] for row in executions} <= {"SUCCESS", "FAILED", "TIMEOUT", "RUNNING", "LLM_RESPONSE"}


def test_failures_belong_to_who_asked(traces: Path) -> None:
    """An execution failed where the latest code or tool call that its agent asked for failed, or its LLM call did."""
    expected = exceptions(traces)
    for events in events_by_run(traces, "agent_call", "llm_call", "code_exec", "tool_call").values():
        turns: dict[Any, Any] = {}
        for event in events:
            if event["event_type"] == "agent_call":
                turns[event["agent_name"]] = event["id"]
            if event["status"] != "failed" or event["event_subtype"] == "action":
                continue
            if event["event_type"] == "llm_call":
                expected.add(event["parent_event_id"] or event["id"])
            else:
                expected.add(turns.get(event["agent_name"]))
    failed = {row["id"] for row in rows(traces, "agent_executions") if row["status"] in ("FAILED", "TIMEOUT")}
    assert failed == expected - {None}
    assert {row["execution_id"] for row in answer(traces, "failed_executions")} == failed


def test_logs_hold_every_stage_once(traces: Path) -> None:
    """Each turn has INIT and COMPLETE, which an exception has, too; each LLM call one LLM_CALL; an execution's rows are
    numbered."""
    events = rows(traces, "execution_events")
    logs = rows(traces, "agent_execution_logs")
    stages = Counter(row["stage"] for row in logs)
    kinds = Counter(event["event_type"] for event in events)
    assert stages["INIT"] == stages["COMPLETE"] - len(exceptions(traces)) == kinds["agent_call"]
    assert stages["LLM_CALL"] == kinds["llm_call"]
    assert stages["SHOULD_RESPOND"] <= kinds["handoff"]
    assert len({row["id"] for row in logs}) == len(logs)
    numbers = defaultdict(list)
    for row in logs:
        numbers[row["execution_id"]].append(row["log_sequence"])
    assert all(sorted(found) == list(range(len(found))) for found in numbers.values())
    assert set(numbers) == {row["id"] for row in rows(traces, "agent_executions")}


def test_an_exception_ends_the_execution_of_who_was_chosen(tmp_path: Path) -> None:
    """Its agent failed, or ran out of time, and was not passed over; who was chosen and said nothing was chosen."""
    agents = [{"name": "group", "members": ["ann", "bob", "cyd", "dan"], "selection": "round_robin"}]
    builder = Builder()
    for run_id, error in (("raised", "ValueError"), ("late", "TimeoutError"), ("still", None)):
        run = builder.run(run_id, meta={"agents": agents})
        run.turn("ann")
        run.handoff("ann", "bob")
        if error:
            meta = {"error_type": error}
            run.event("error", "bob", error, status="failed", error_message=f"{error}: no", meta=meta)
    path = builder.write(tmp_path / "traces.duckdb")
    found = {(row["run_id"], row["agent_name"]): row for row in answer(path, "why_silent")}
    statuses = {"raised": "failed", "late": "timeout", "still": "chosen"}
    for run_id, status in statuses.items():
        told = [found[run_id, agent]["status"] for agent in ("ann", "bob", "cyd")]
        assert told == ["fired_successfully", status, "skipped"]
    assert found["late", "bob"]["error_message"] == "TimeoutError: no"
    failed = answer(path, "failed_executions")
    assert [(row["conversation_id"], row["status"]) for row in failed] == [("late", "TIMEOUT"), ("raised", "FAILED")]
    stages = answer(path, "stage_timeline", run_id="raised")
    assert [(row["agent_name"], row["stage"], row["level"]) for row in stages] == [
        ("ann", "INIT", "info"),
        ("ann", "COMPLETE", "info"),
        ("bob", "SHOULD_RESPOND", "info"),
        ("bob", "COMPLETE", "error"),
    ]


def test_an_exception_that_is_told_several_times_is_one_execution(tmp_path: Path) -> None:
    """An LLM call's exception leaves one chat after the other, and each tells of it."""
    builder = Builder()
    run = builder.run("r")
    call = run.llm("bob", None, in_turn=False)
    for agent in ("bob", "ann"):
        run.event("error", agent, "ValueError", status="failed", error_message="ValueError: no", meta={"echo_of": call})
    path = builder.write(tmp_path / "traces.duckdb")
    assert [row["agent_name"] for row in rows(path, "executions")] == ["bob"]
    assert [row["error_message"] for row in answer(path, "failed_executions")] == ["ValueError: no"]


def test_a_choice_stands_before_the_call_that_failed(tmp_path: Path) -> None:
    """Of who was chosen and whose LLM call led to no turn, the timeline tells how it was chosen."""
    builder = Builder()
    run = builder.run("r")
    run.turn("ann")
    run.handoff("ann", "bob")
    run.llm("bob", None, in_turn=False, status="failed")
    stages = answer(builder.write(tmp_path / "traces.duckdb"), "stage_timeline", run_id="r")
    assert [row["stage"] for row in stages if row["agent_name"] == "bob"] == ["SHOULD_RESPOND", "LLM_CALL"]


def test_call_chains_hold_every_call_once(traces: Path) -> None:
    """Each turn, LLM call, tool call and execution of code is one call, and what is inside a turn points at it.

    So is a turn that an exception ended before its agent had said anything.
    """
    executions = {row["id"]: row for row in rows(traces, "executions")}
    calls = {
        event["id"]: event
        for event in rows(traces, "execution_events")
        if event["event_type"] in ("agent_call", "llm_call", "tool_call", "code_exec")
        or (event["event_type"] == "error" and event["id"] in executions)
    }
    chains = rows(traces, "agent_call_chains")
    assert Counter(row["child_execution_id"] for row in chains) == Counter(list(calls))
    for row in chains:
        call = calls[row["child_execution_id"]]
        if call["event_type"] == "error":
            raised = executions[call["id"]]
            found = row["call_type"], row["child_agent"], row["status"], row["parent_execution_id"], row["call_depth"]
            assert found == ("agent_call", call["agent_name"], "failed", raised["answered_id"], raised["depth"])
            continue
        parent = call["parent_event_id"]
        assert parent is None or row["parent_execution_id"] == parent


def failure(event: dict[str, Any]) -> str | None:
    """What went wrong in an execution of code or an error, without the error's type."""
    if event["status"] != "failed" or event["event_type"] not in ("code_exec", "error"):
        return None
    return re.sub(r"^[\w.]+: ", "", event["error_message"]) if event["error_message"] else None


def test_actions_have_a_row_each(traces: Path) -> None:
    """Each action is one row of one of the four types, but for failures that another error tells of."""
    expected: Counter[Any] = Counter()
    for events in events_by_run(traces, "tool_call", "code_exec", "handoff", "decision", "error", "success").values():
        for place, event in enumerate(events):
            others = [e for e in events[place + 1 :] if failure(e) == failure(event)]
            earlier = [e for e in events[:place] if failure(e) == failure(event)]
            told_later = event["event_type"] == "code_exec" and others and others[0]["event_type"] == "error"
            is_echo = (
                event["event_type"] == "error"
                and event["event_subtype"] != "action"
                and earlier
                and earlier[-1]["event_type"] == "error"
            )
            if failure(event) is None or not (told_later or is_echo):
                expected[event["id"]] += 1
    actions = rows(traces, "agent_actions")
    assert Counter(row["id"] for row in actions) == expected
    assert {row["action_type"] for row in actions} <= {"tool_call", "decision", "error", "success"}
    assert all(row["action_name"] for row in actions)


def test_a_failure_is_one_error(tmp_path: Path) -> None:
    """Code that failed counts once where another error tells of it; two exceptions with the same words are two."""
    builder = Builder()
    run = builder.run("marked")
    for _ in range(2):
        run.turn("engineer")
        code = run.code("engineer", "import x", "ModuleNotFoundError: No module named 'x'", 1)
    failure = builder.rows["execution_events"][-1]
    run.action("error", "ImportError", agent="engineer", status="failed", error_message="No module named 'x'")
    failure["meta"] |= {"echoed_by": builder.rows["execution_events"][-1]["id"]}
    builder.rows["execution_events"][-1]["meta"] |= {"echo_of": code}
    run = builder.run("raised")
    for _ in range(2):
        run.event("error", "writer", "ValueError", status="failed", error_message="ValueError: bad")
    path = builder.write(tmp_path / "traces.duckdb")
    assert [(row["action_name"], row["error_count"]) for row in answer(path, "action_errors", run_id="marked")] == [
        ("ImportError", 1),
        ("ModuleNotFoundError", 1),
    ]
    assert [row["error_count"] for row in answer(path, "action_errors", run_id="raised")] == [2]
    assert [row["count"] for row in answer(path, "errors", run_id="raised")] == [2]
    assert [row["count"] for row in answer(path, "errors", run_id="marked")] == [2]


def test_marked_actions_keep_their_details(database: Path) -> None:
    """The details of a marked action are the user's, with the result beside them."""
    actions = {row["action_name"]: row for row in rows(database, "agent_actions") if row["correlation_id"] == "actions"}
    assert json.loads(actions["select_agent"]["action_details"]) == {"chosen": "engineer"}
    assert json.loads(actions["Read"]["action_details"]) == {"file_path": "x", "result": {"n": 1}}
    assert actions["Read"]["project_name"] == "cmb"
    assert (actions["done"]["action_type"], actions["select_agent"]["action_type"]) == ("success", "decision")


INTERNAL = ("checking_agent", "speaker_selection_agent")


def without_internal(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the rows that are not of AG2's own agents, that choose the next speaker."""
    return [row for row in found if row["agent_name"] not in INTERNAL]


@pytest.mark.parametrize("period", ["day", "year"])
def test_performance(traces: Path, period: str) -> None:
    """Counts, rates, mean and median are those of Python's statistics over the executions of an agent."""
    executions = defaultdict(list)
    for row in without_internal(rows(traces, "agent_executions")):
        day = row["created_at"] and row["created_at"].replace(hour=0, minute=0, second=0, microsecond=0)
        start = day and (day if period == "day" else day.replace(month=1, day=1))
        executions[row["agent_name"], start].append(row)
    found = answer(traces, "agent_performance", period=period)
    assert {(row["agent_name"], row["period_start"]) for row in found} == set(executions)
    for row in found:
        own = executions[row["agent_name"], row["period_start"]]
        durations = [e["duration_ms"] for e in own if e["duration_ms"] is not None]
        succeeded = [e for e in own if e["status"] == "SUCCESS"]
        assert (row["executions"], row["succeeded"]) == (len(own), len(succeeded))
        assert row["success_rate"] == pytest.approx(len(succeeded) / len(own))
        assert row["mean_ms"] == (pytest.approx(mean(durations)) if durations else None)
        assert row["median_ms"] == (pytest.approx(median(durations)) if durations else None)
        assert not durations or min(durations) <= row["p95_ms"] <= max(durations)
    calls = without_internal(rows(traces, "llm_calls"))
    assert sum(row["total_tokens"] or 0 for row in found) == sum(call["total_tokens"] or 0 for call in calls)
    assert sum(row["cost"] or 0 for row in found) == pytest.approx(sum(call["cost"] or 0 for call in calls))


def test_costs_add_up(traces: Path) -> None:
    """Cut by agent, by model or by step, calls, tokens and cost sum up to those of all LLM calls."""
    calls = rows(traces, "llm_calls")
    for name in ("cost_by_agent", "cost_by_model", "cost_by_step"):
        found = answer(traces, name)
        assert sum(row["calls"] for row in found) == len(calls)
        assert sum(row["total_tokens"] or 0 for row in found) == sum(call["total_tokens"] or 0 for call in calls)
        assert sum(row["cost"] or 0 for row in found) == pytest.approx(sum(call["cost"] or 0 for call in calls))
    shares = [row["cost_share"] for row in answer(traces, "cost_by_agent") if row["cost_share"] is not None]
    assert not shares or sum(shares) == pytest.approx(1)
    of_failures = answer(traces, "cost_of_failures")
    assert sum(row["cost"] or 0 for row in of_failures) == pytest.approx(sum(call["cost"] or 0 for call in calls))
    assert all(row["failed_cost"] <= (row["cost"] or 0) for row in of_failures)


def test_cached_calls_cost_nothing(tmp_path: Path) -> None:
    """What AG2's cache answered counts as a call, but neither its tokens nor its price are spent, in any sum."""
    builder = Builder()
    run = builder.run("r", cost=0.3, total_tokens=15)
    run.turn("a")
    run.llm("a", cost=0.3, tokens=(10, 5), tool_calls=["read"])
    run.code("a", "1/0", "ZeroDivisionError: division by zero", 1)
    run.turn("b")
    run.llm("b", cost=0.4, tokens=(20, 10), tool_calls=["read"], cached=True)
    run.code("b", "1/0", "ZeroDivisionError: division by zero", 1)
    path = builder.write(tmp_path / "traces.duckdb")
    for name in ("cost_by_agent", "cost_by_model", "cost_by_step", "cost_by_tool", "agent_performance", "statistics"):
        found = answer(path, name)
        assert sum(row["cost"] for row in found) == pytest.approx(0.3)
        assert sum(row["total_tokens"] for row in found) == 15
    of_agents = {row["agent_name"]: row for row in answer(path, "cost_by_agent")}
    assert [of_agents["b"][name] for name in ("calls", "cached", "prompt_tokens", "cost_share")] == [1, 1, 0, 0]
    of_failures = {row["agent_name"]: row for row in answer(path, "cost_of_failures")}
    columns = ("failed", "cost", "failed_cost", "failed_tokens", "share_of_all")
    assert [of_failures["a"][name] for name in columns] == [1, 0.3, 0.3, 15, 1]
    assert [of_failures["b"][name] for name in columns] == [1, 0, 0, 0, 0]
    assert [(row["cost"], row["cached"]) for row in answer(path, "llm_interactions")] == [(0.3, False), (0.4, True)]
    assert sum(row["cost"] for row in rows(path, "agent_executions")) == pytest.approx(0.3)
    assert sum(row["total_cost"] for row in rows(path, "agent_performance_metrics")) == pytest.approx(0.3)


def test_metrics_count_every_call_of_an_execution(tmp_path: Path) -> None:
    """Also those before the last one of a turn, failed ones among them."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    run.llm("a", None, tokens=(0, 0), cost=0.0, duration_ms=300.0)
    run.llm("a", tokens=(10, 5), cost=0.1)
    run.llm("a", tokens=(20, 5), cost=0.2, duration_ms=200.0)
    (found,) = rows(builder.write(tmp_path / "traces.duckdb"), "agent_performance_metrics")
    columns = ("total_executions", "llm_calls", "total_tokens", "total_cost", "avg_llm_latency_ms")
    assert tuple(found[name] for name in columns) == (1, 3, 40, 0.3, 200.0)


def test_sums_of_money_have_no_stray_digits(tmp_path: Path) -> None:
    """A sum is the same in whatever order its parts are added: 0.1 + 0.2 is 0.3."""
    builder = Builder()
    run = builder.run("r")
    for cost in (0.1, 0.2):
        run.turn("a")
        run.llm("a", cost=cost, tool_calls=["read"])
    path = builder.write(tmp_path / "traces.duckdb")
    names = ("agent", "model", "step", "tool")
    found = [answer(path, name) for name in (*(f"cost_by_{name}" for name in names), "cost_of_failures")]
    found += [answer(path, "statistics"), answer(path, "agent_performance")]
    assert [[row["cost"] for row in part] for part in found] == [[0.3]] * 7


def test_agents_that_choose_speakers_are_apart(tmp_path: Path) -> None:
    """AG2's own agents are no executions to judge, but what they cost is spent."""
    builder = Builder()
    run = builder.run("r")
    run.turn("ann")
    run.turn("checking_agent", "Select from ['ann'].", meta={"internal": True})
    run.turn("speaker_selection_agent", "ann", meta={"internal": True})
    run.llm("speaker_selection_agent", "ann", cost=0.2)
    run.turn("ann")
    path = builder.write(tmp_path / "traces.duckdb")
    assert [(row["agent_name"], row["executions"]) for row in answer(path, "agent_performance")] == [("ann", 2)]
    (asked,) = answer(path, "agent_performance", agent_name="speaker_selection_agent")
    assert (asked["executions"], asked["cost"]) == (1, 0.2)
    (statistics,) = answer(path, "statistics")
    assert (statistics["executions"], statistics["llm_calls"], statistics["cost"]) == (2, 1, 0.2)
    assert {row["agent_name"]: row["is_internal"] for row in answer(path, "agent_interactions")} == {
        "ann": False,
        "checking_agent": True,
        "speaker_selection_agent": True,
    }
    assert [row["agent_name"] for row in answer(path, "why_silent")] == ["ann"]
    (asked,) = answer(path, "why_silent", agent_name="speaker_selection_agent")
    assert asked["status"] == "fired_successfully"
    assert sum(row["cost"] or 0 for row in answer(path, "cost_by_agent")) == 0.2
    assert sum(row["cost"] or 0 for row in answer(path, "cost_of_failures")) == 0.2


@pytest.mark.few
@pytest.mark.parametrize(
    ("error", "is_timeout"),
    [
        ("KeyError: 'timeout'", False),
        ("KeyError: 'timed out'", False),
        ("ValueError: timeout must be a positive number", False),
        ("TypeError: f() got an unexpected keyword argument 'timeout'", False),
        ("ConnectionError: HTTPConnectionPool(host='x', port=80): Read timed out.", True),
        ("ValueError: Pip install timed out", True),
        ("TimeoutError: the server did not answer", True),
        ("Error: the read operation timed out", True),
        ("ERROR: Timeout waiting for output from code block: x", True),
        ("Navigation timeout of 30000 ms exceeded", True),
        ("504 Gateway Time-out", True),
        ("InternalServerError: Error code: 504 - {'error': {'message': 'gateway'}}", True),
        ("APIStatusError: Error code: 408 - {'error': {'message': 'x'}}", True),
        ("InternalServerError: Error code: 500 - {'error': {'message': '504'}}", False),
        ("Timeout", True),
    ],
)
def test_a_timeout_is_told_by_type_and_statement(tmp_path: Path, error: str, is_timeout: bool) -> None:
    """The class of the error decides where it is known; else what the message states, not the mere word."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    run.code("a", "wait()", error, 1)
    (row,) = answer(builder.write(tmp_path / "traces.duckdb"), "failed_executions")
    assert row["status"] == ("TIMEOUT" if is_timeout else "FAILED")


def test_cost_of_a_tool_is_that_of_the_call_that_asked_for_it(tmp_path: Path) -> None:
    """A call that asks for two tools counts for each with half of its cost."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    run.llm("a", cost=0.4, tokens=(30, 10), tool_calls=["read", "write"])
    run.llm("a", cost=0.1, tokens=(5, 5), tool_calls=["read"])
    run.llm("a", cost=0.7)
    found = answer(builder.write(tmp_path / "traces.duckdb"), "cost_by_tool")
    assert [(row["tool"], row["requests"], row["llm_calls"], row["total_tokens"]) for row in found] == [
        ("read", 2, 2, 30),
        ("write", 1, 1, 20),
    ]
    assert [row["cost"] for row in found] == pytest.approx([0.3, 0.2])


def test_statistics(traces: Path) -> None:
    """Totals are those of the tables; of the last hour, there is nothing in old recordings."""
    executions = without_internal(rows(traces, "agent_executions"))
    (found,) = answer(traces, "statistics")
    assert found["runs"] == len(rows(traces, "runs"))
    assert found["executions"] == len(executions)
    assert found["succeeded"] + found["failed"] + found["timed_out"] <= found["executions"]
    assert found["total_tokens"] == (sum(c["total_tokens"] or 0 for c in rows(traces, "llm_calls")) or None)
    (recent,) = answer(traces, "statistics", hours=0.000001)
    assert (recent["runs"], recent["executions"], recent["success_rate"]) == (0, 0, None)


@pytest.fixture(scope="module")
def statuses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs in which executions end in every way that there is."""
    builder = Builder()
    ended = builder.run("ended")
    ended.turn("coder")
    ended.code("coder", "while True: pass", "Timeout", exit_code=124)
    ended.turn("caller")
    ended.tool("caller", "fetch", status="failed")
    ended.turn("silent_model")
    ended.llm("silent_model", None)
    ended.turn("lucky")
    ended.llm("lucky", None)
    ended.llm("lucky", "second try")
    ended.turn("fixer")
    ended.code("fixer", "1/0", "ZeroDivisionError: division by zero", 1)
    running = builder.run("running", status="running")
    running.turn("waiting")
    running.tool("waiting", "slow", status="pending")
    cut = builder.run("cut", status="interrupted")
    cut.turn("user")
    cut.llm("answered", "hello", in_turn=False, is_open=True)
    cut.llm("summary", "hello", in_turn=False)
    return builder.write(tmp_path_factory.mktemp("statuses") / "traces.duckdb")


def test_statuses_and_stages(statuses: Path) -> None:
    """Time-outs, failed tools, failed models, second tries, waiting and cut-off executions are told apart."""
    found = {row["agent_name"]: (row["status"], row["current_stage"]) for row in rows(statuses, "agent_executions")}
    assert found == {
        "coder": ("TIMEOUT", "POST_PROCESS"),
        "caller": ("FAILED", "POST_PROCESS"),
        "silent_model": ("FAILED", "LLM_CALL"),
        "lucky": ("SUCCESS", "COMPLETE"),
        "fixer": ("FAILED", "POST_PROCESS"),
        "waiting": ("RUNNING", "POST_PROCESS"),
        "user": ("SUCCESS", "COMPLETE"),
        "answered": ("LLM_RESPONSE", "LLM_PARSE"),
        "summary": ("SUCCESS", "COMPLETE"),
    }


def test_the_exception_tells_why_a_call_failed(tmp_path: Path) -> None:
    """A failed LLM call has the type, message and traceback of the exception that follows it, and may be a timeout."""
    builder = Builder()
    for name, error in (("limited", "RateLimitError"), ("slow", "APITimeoutError"), ("apart", "ValueError")):
        run = builder.run(name)
        run.turn("user")
        run.llm("writer", None, in_turn=False)
        if name == "apart":
            run.turn("user")
        meta = {"error_type": error, "traceback": f"Traceback: {error}"}
        run.event("error", "writer", error, status="failed", error_message=f"{error}: no", meta=meta)
    path = builder.write(tmp_path / "traces.duckdb")
    found = {row["conversation_id"]: row for row in answer(path, "failed_executions")}
    columns = ("status", "stage", "error_type", "error_message", "error_traceback")
    assert {run: tuple(row[name] for name in columns) for run, row in found.items()} == {
        "limited": ("FAILED", "LLM_CALL", "RateLimitError", "RateLimitError: no", "Traceback: RateLimitError"),
        "slow": ("TIMEOUT", "LLM_CALL", "APITimeoutError", "APITimeoutError: no", "Traceback: APITimeoutError"),
        "apart": ("FAILED", "LLM_CALL", None, "error_code:500", None),
    }


def test_the_share_of_failed_work_adds_up(traces: Path) -> None:
    """The agents' shares of all cost that failed work took add up to the share of the whole."""
    found = answer(traces, "cost_of_failures")
    cost = sum(row["cost"] or 0 for row in found)
    if not cost:
        assert {row["share_of_all"] for row in found} == {None}
        return
    assert sum(row["share_of_all"] for row in found) == pytest.approx(sum(row["failed_cost"] for row in found) / cost)


def test_failed_code_without_a_class_of_error_is_named_as_code(tmp_path: Path) -> None:
    """What an executor refuses to run raises nothing; the action is named after what it is."""
    builder = Builder()
    run = builder.run("refused")
    run.turn("engineer", "I run it.")
    run.code("engineer", "{}", "unknown language toml", 1, language="toml")
    path = builder.write(tmp_path / "traces.duckdb")
    (action,) = (row for row in rows(path, "agent_actions") if row["action_type"] == "error")
    assert action["action_name"] == "code_exec"


def test_llm_data_of_an_execution(statuses: Path) -> None:
    """An execution shows its last LLM call; the interactions show all of them."""
    lucky = next(row for row in rows(statuses, "agent_executions") if row["agent_name"] == "lucky")
    assert '"content":"second try"' in lucky["llm_response"]
    interactions = answer(statuses, "llm_interactions", execution_id=str(lucky["id"]))
    assert [row["status"] for row in interactions] == ["failed", "completed"]
    assert all(row["prompt"] == '[{"role":"user","content":"do it"}]' for row in interactions)


def test_slow_executions(database: Path) -> None:
    """Only executions above the threshold come back, with the model's part of the time."""
    (row,) = answer(database, "slow_executions")
    assert (row["agent_name"], row["duration_ms"], row["llm_latency_ms"], row["overhead_ms"]) == (
        "planner",
        9000.0,
        9000.0,
        0.0,
    )
    assert answer(database, "slow_executions", threshold_ms=9000) == []


def test_stage_timeline_of_one_execution(sample_traces: Path) -> None:
    """The stages of an execution come as they happened: its code ran after the words that asked for it."""
    run = "20260115T090000Z-missing-module"
    execution = next(
        row
        for row in rows(sample_traces, "agent_executions")
        if row["conversation_id"] == run and row["agent_name"] == "engineer" and row["status"] == "FAILED"
    )
    found = answer(sample_traces, "stage_timeline", execution_id=str(execution["id"]))
    assert [row["stage"] for row in found] == ["INIT", "SHOULD_RESPOND", "LLM_CALL", "COMPLETE", "POST_PROCESS"]
    assert [row["level"] for row in found] == ["info", "info", "info", "info", "error"]
    assert found[4]["error_message"] == "ModuleNotFoundError: No module named 'fake_module'"


@pytest.mark.parametrize("name", ["stage_timeline", "llm_interactions"])
def test_an_execution_is_found_whatever_run_is_named(sample_traces: Path, name: str) -> None:
    """The run that is named, or the latest, makes no difference where an execution is named."""
    run = "20260115T090000Z-missing-module"
    of_run = answer(sample_traces, name, run_id=run)
    chosen = of_run[0]["execution_id"]
    found = answer(sample_traces, name, execution_id=str(chosen))
    assert found == [row for row in of_run if row["execution_id"] == chosen]
    other = "20260112T090000Z-one-shot-north"
    assert answer(sample_traces, name, execution_id=str(chosen), run_id=other) == found
    assert answer(sample_traces, name, execution_id="no execution", run_id=run) == []


@pytest.mark.parametrize(("name", "column"), [("stage_timeline", "created_at"), ("run_timeline", "timestamp")])
def test_timelines_never_run_backwards(sample_traces: Path, name: str, column: str) -> None:
    """What began later stands later, in every recorded run."""
    for run in rows(sample_traces, "runs"):
        times = [row[column] for row in answer(sample_traces, name, run_id=run["run_id"]) if row[column]]
        assert times == sorted(times)
        assert times or run["started_at"] is None


def test_a_turn_without_words_tells_the_tools_that_it_called(sample_traces: Path) -> None:
    """A request for a tool has no characters to count."""
    found = answer(sample_traces, "stage_timeline", run_id="20260112T090000Z-one-shot-north")
    said = [row["message"] for row in found if row["stage"] == "COMPLETE"]
    assert said[1] == "called describe_station"
    assert all(re.match(r"said \d+ characters|called \w", message) for message in said)


def test_a_turn_of_no_words_and_no_tools_tells_nothing(tmp_path: Path) -> None:
    """The timeline says `calls` only where there is something called."""
    builder = Builder()
    run = builder.run("r")
    run.turn("ann", "")
    run.turn("ann", "", has_tool_calls=True)
    builder.rows["execution_events"][-1]["outputs"] = {"tool_calls": [{"function": {"name": "read"}}]}
    found = answer(builder.write(tmp_path / "traces.duckdb"), "run_timeline")
    assert [row["what"] for row in found] == [None, "calls read"]


def test_slow_work_is_told_with_who_asked_for_it(tmp_path: Path) -> None:
    """The time is the executor's, the failure the author's: the row of the one names the other."""
    builder = Builder()
    run = builder.run("r")
    run.turn("coder", "code", duration_ms=2.0)
    run.turn("executor", "Timeout", duration_ms=9000.0)
    run.code("coder", "sleep()", "Timeout", 124)
    run.tool("coder", "wait")
    (row,) = answer(builder.write(tmp_path / "traces.duckdb"), "slow_executions")
    assert (row["agent_name"], row["status"]) == ("executor", "SUCCESS")
    assert row["work"] == ["python for coder: failed", "wait for coder: completed"]


def test_call_chain_of_a_run(database: Path) -> None:
    """The calls of a run come in order, each with caller and callee."""
    found = answer(database, "call_chain", run_id="plot-0")
    assert [(row["caller"], row["callee"], row["call_depth"]) for row in found[:5]] == [
        (None, "user", 0),
        ("user", "engineer", 0),
        ("engineer", "gpt-test", 1),
        ("engineer", "executor", 1),
        ("engineer", "executor", 0),
    ]


def test_the_last_hours(tmp_path: Path) -> None:
    """`hours` leaves out what is older, and what carries no time; without it all of it is there."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    builder = Builder()
    for name, began in (("new", now - timedelta(minutes=30)), ("old", now - timedelta(hours=3)), ("timeless", None)):
        run = builder.run(name, started_at=began)
        run.turn(f"agent of {name}", timestamp=began, duration_ms=9000.0)
        run.llm(f"agent of {name}", None, response_quality_score=0.1, started_at=began)
    path = builder.write(tmp_path / "traces.duckdb")
    for query, column in (
        ("run_overview", "run_id"),
        ("failed_executions", "conversation_id"),
        ("slow_executions", "conversation_id"),
        ("poor_responses", "run_id"),
        ("agent_performance", "agent_name"),
    ):
        assert {row[column].removeprefix("agent of ") for row in answer(path, query, hours=1)} == {"new"}
        assert {row[column].removeprefix("agent of ") for row in answer(path, query, hours=4)} == {"new", "old"}
        assert len(answer(path, query)) == 3
    assert [answer(path, "statistics", hours=hours)[0]["runs"] for hours in (1, 4, None)] == [1, 2, 3]


@pytest.fixture(scope="module")
def group_chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A group chat with a member that is never chosen and one whose model fails."""
    agents = [
        {"name": "manager", "members": ["planner", "coder", "critic"], "selection": "auto"},
        {"name": "planner"},
        {"name": "coder"},
        {"name": "critic"},
        {"name": "outsider"},
    ]
    builder = Builder()
    run = builder.run("chat", meta={"agents": agents})
    run.turn("planner")
    for speaker in ("coder", "planner", "coder"):
        run.handoff(run.speaker or "", speaker)
        run.turn(speaker)
    run.llm("broken", None, in_turn=False)
    builder.run("other").turn("coder")
    return builder.write(tmp_path_factory.mktemp("chat") / "traces.duckdb")


def test_why_an_agent_was_silent(group_chat: Path) -> None:
    """A member that was passed over, an agent outside of the chat, a failed one and an unknown one are told apart."""
    found = {row["agent_name"]: row for row in answer(group_chat, "why_silent", run_id="chat")}
    assert {name: row["status"] for name, row in found.items()} == {
        "planner": "fired_successfully",
        "coder": "fired_successfully",
        "critic": "skipped",
        "outsider": "never_invoked",
        "broken": "failed",
    }
    critic = found["critic"]
    assert (critic["in_chat"], critic["times_chosen"], critic["others_chosen"]) == (True, 0, 3)
    assert (critic["chosen_instead"], critic["selection"]) == (["coder", "planner"], ["auto"])
    assert (found["coder"]["times_chosen"], found["coder"]["others_chosen"]) == (2, 1)
    assert found["outsider"]["others_chosen"] == 0
    assert found["broken"]["error_message"] == "error_code:500"
    (manager,) = answer(group_chat, "why_silent", run_id="chat", agent_name="manager")
    assert (manager["status"], manager["in_chat"], manager["others_chosen"]) == ("manager", True, 3)
    assert (manager["chosen_instead"], manager["selection"]) == (["coder", "planner"], ["auto"])
    with pytest.warns(queries.QueryWarning, match="there is no agent 'nobody'"):
        unknown = answer(group_chat, "why_silent", agent_name="nobody")
    assert [row["status"] for row in unknown] == ["never_invoked"] * 2


def test_a_manager_that_is_a_member_of_another_group(tmp_path: Path) -> None:
    """It is told of as a member: who was chosen in its own group was not chosen instead of it."""
    agents = [
        {"name": "outer", "members": ["ann", "inner"], "selection": "auto"},
        {"name": "inner", "members": ["bob", "cyd"], "selection": "auto"},
    ]
    builder = Builder()
    run = builder.run("r", meta={"agents": agents})
    for speaker in ("ann", "bob", "cyd"):
        if run.speaker:
            run.handoff(run.speaker, speaker)
        run.turn(speaker)
    path = builder.write(tmp_path / "traces.duckdb")
    found = {row["agent_name"]: row for row in answer(path, "why_silent")}
    assert found.keys() == {"ann", "bob", "cyd", "inner"}
    assert (found["inner"]["status"], found["inner"]["others_chosen"]) == ("skipped", 0)
    (outer,) = answer(path, "why_silent", agent_name="outer")
    assert (outer["status"], outer["others_chosen"]) == ("manager", 0)


def test_poor_responses(tmp_path: Path) -> None:
    """Responses below the threshold come back, the poorest first; those that were never rated do not."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    for quality in (0.9, 0.5, 0.2, None):
        run.llm("a", response_quality_score=quality, response_validation_errors=["empty"])
    path = builder.write(tmp_path / "traces.duckdb")
    assert [row["quality"] for row in answer(path, "poor_responses")] == [0.2, 0.5]
    assert [row["quality"] for row in answer(path, "poor_responses", threshold=1)] == [0.2, 0.5, 0.9]


def numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a comparison without the words for the sets."""
    return {name: value for name, value in row.items() if name not in ("before_set", "after_set")}


def test_two_sets_of_runs(tmp_path: Path) -> None:
    """Means, difference and standard error are those of Python's statistics, and few runs are never clear."""
    before, after = [1.0, 2.0, 3.0, 2.0, 1.5, 2.5], [5.0, 6.0, 7.0, 6.5, 5.5, 5.0]
    builder = Builder()
    for side, costs in (("old", before), ("new", after)):
        for number, cost in enumerate(costs):
            builder.run(f"{side}-{number}", cost=cost, tags={"prompt": side}).turn("a")
    path = builder.write(tmp_path / "traces.duckdb")
    by_name = answer(path, "compare_runs", before="old-*", after="new-*")
    by_tag = answer(path, "compare_runs", tag="prompt", before="old", after="new")
    assert list(map(numbers, by_name)) == list(map(numbers, by_tag))
    cost = next(row for row in by_name if row["metric"] == "cost")
    assert (cost["before_mean"], cost["after_mean"]) == (mean(before), round(mean(after), 10))
    assert cost["difference"] == round(mean(after) - mean(before), 10)
    assert cost["standard_error"] == pytest.approx((stdev(before) ** 2 / 6 + stdev(after) ** 2 / 6) ** 0.5)
    assert cost["is_clear"]
    few = answer(path, "compare_runs", before="old-[01]", after="new-*")
    assert not any(row["is_clear"] for row in few)
    assert next(row for row in few if row["metric"] == "cost")["before_runs"] == 2


def test_a_share_of_all_or_nothing_is_compared(tmp_path: Path) -> None:
    """Where one set always succeeds and the other never, the difference is clear only with enough runs to tell."""
    for runs, is_clear in ((3, False), (8, True)):
        builder = Builder()
        for number in range(runs):
            builder.run(f"old-{number}", status="failed", mode="plan")
            builder.run(f"new-{number}", status="completed", mode="one-shot")
        path = builder.write(tmp_path / f"{runs}.duckdb")
        completed = answer(path, "compare_runs", before="old-*", after="new-*", min_runs=2)[0]
        assert (completed["metric"], completed["difference"], completed["is_clear"]) == ("completed", 1, is_clear)
        assert completed["p_value"] == pytest.approx(2 / comb(2 * runs, runs))
        by_mode = answer(path, "compare_runs", tag="mode", before="plan", min_runs=2)[0]
        assert numbers(by_mode) == numbers(completed)


def test_a_period_that_is_none(database: Path) -> None:
    """A value outside of those that a parameter lists is refused before anything runs."""
    with pytest.raises(QueryError, match="period must be one of hour, day, week, month, year, not 'fortnight'"):
        queries.run("agent_performance", queries.connect(database), period="fortnight")


def test_candidates_are_those_that_the_selecting_agent_was_asked_about(tmp_path: Path) -> None:
    """Who could not be chosen was not passed over, where no request tells it is unknown, and a fallback is named."""
    builder = Builder()
    members = ["ann", "the_boss", "cyd"]
    for run_id, ask in (("asked", True), ("silent", False)):
        run = builder.run(run_id, meta={"agents": [{"name": "chat", "members": members}]})
        run.turn("ann")
        for names, answer_given, chosen in (
            (["ann", "the_boss"], "I choose the boss.", "the_boss"),
            (["ann", "the_boss"], "Nobody.", "ann"),
            (["ann", "the_boss", "cyd"], "ann", "ann"),
        ):
            if ask:
                run.turn("checking_agent", f"Select the next role from {names} to play. Only the role.")
                run.turn("speaker_selection_agent", "?")
                run.turn("checking_agent", f"You didn't choose. The only names are {members}.")
                run.turn("speaker_selection_agent", answer_given)
            run.handoff("ann", chosen)
            run.turn(chosen)
    path = builder.write(tmp_path / "traces.duckdb")
    found = {row["agent_name"]: row for row in answer(path, "why_silent", run_id="asked")}
    cyd, boss = found["cyd"], found["the_boss"]
    assert (cyd["status"], cyd["is_candidate"], cyd["others_chosen"], cyd["times_passed_over"]) == (
        "skipped",
        True,
        3,
        1,
    )
    assert (boss["is_candidate"], boss["times_passed_over"], boss["selection"]) == (True, 2, ["auto", "fallback"])
    (cyd,) = answer(path, "why_silent", run_id="silent", agent_name="cyd")
    assert (cyd["is_candidate"], cyd["others_chosen"], cyd["times_passed_over"]) == (None, 3, None)
    assert cyd["selection"] == ["auto"]


ODD_NAMES = [
    ["line\nbreak", "tab\there", "return\r", "bell\x07", "nul\0inside", "zero\u200bwidth", "ü", "字 🙂"],
    ["back\\slash", "\\n", "\\x41", "\\\\", "\\\n", "o'n\"e", '"quoted"', "it's", "\\'"],
]


@pytest.mark.parametrize("members", ODD_NAMES)
def test_candidates_have_their_own_names(tmp_path: Path, members: list[str]) -> None:
    """Whatever Python writes in place of a line break, a control character, a quote or a backslash."""
    builder = Builder()
    run = builder.run("r", meta={"agents": [{"name": "chat", "members": members}]})
    run.turn("checking_agent", f"Read it. Then select the next role from {members} to play. Only the role.")
    run.turn("speaker_selection_agent", members[0])
    run.turn(members[0])
    path = builder.write(tmp_path / "traces.duckdb")
    (selection,) = rows(path, "selections")
    assert json.loads(selection["candidates"]) == members
    assert {row["agent_name"] for row in answer(path, "why_silent") if row["is_candidate"]} == set(members)


def test_who_never_was_a_candidate(tmp_path: Path) -> None:
    """Where every request leaves an agent out, it is known not to have been a candidate."""
    builder = Builder()
    run = builder.run("r", meta={"agents": [{"name": "chat", "members": ["ann", "bob", "cyd"]}]})
    run.turn("ann")
    run.turn("checking_agent", "Select the next role from ['ann', 'bob'] to play.")
    run.turn("speaker_selection_agent", "bob")
    run.handoff("ann", "bob")
    run.turn("bob")
    (cyd,) = answer(builder.write(tmp_path / "traces.duckdb"), "why_silent", agent_name="cyd")
    assert (cyd["is_candidate"], cyd["others_chosen"], cyd["times_passed_over"]) == (False, 1, 0)


def test_a_choice_that_keeps_the_speaker_is_a_choice(tmp_path: Path) -> None:
    """It makes no handoff, but who was asked about it was passed over; names may have brackets and quotes."""
    builder = Builder()
    members = ["ann", "review[bot]", "o'n\"e", "back\\slash", "mute"]
    run = builder.run("r", meta={"agents": [{"name": "chat", "members": members}]})
    for number, speaker in enumerate(("ann", "ann", "ann", "review[bot]")):
        if number:
            run.turn(
                "checking_agent", f"Read it [all]. Then select the next role from {members} to play. Only the role."
            )
            run.turn("speaker_selection_agent", speaker)
        if number == 3:
            run.handoff("ann", speaker)
        run.turn(speaker)
    path = builder.write(tmp_path / "traces.duckdb")
    found = {row["agent_name"]: row for row in answer(path, "why_silent")}
    assert {
        name: (row["times_chosen"], row["others_chosen"], row["times_passed_over"]) for name, row in found.items()
    } == {
        "ann": (2, 1, 1),
        "review[bot]": (1, 2, 2),
        "o'n\"e": (0, 3, 3),
        "back\\slash": (0, 3, 3),
        "mute": (0, 3, 3),
    }
    assert all(row["is_candidate"] for row in found.values())


def test_what_the_user_marks_after_a_failed_call_is_not_its_exception(tmp_path: Path) -> None:
    """A step that fails right after an LLM call has its own message, and the call keeps what AG2 logged."""
    builder = Builder()
    run = builder.run("r", status="failed")
    run.turn("ann")
    run.llm("writer", None, in_turn=False)
    run.action("error", "janitor's round", status="failed", error_message="disk full", agent="janitor")
    path = builder.write(tmp_path / "traces.duckdb")
    (failed,) = answer(path, "failed_executions")
    assert (failed["agent_name"], failed["error_message"]) == ("writer", "error_code:500")
    told = {row["agent_name"]: row["error"] for row in answer(path, "suspects")}
    assert (told["writer"], told["janitor"]) == ("error_code:500", "disk full")


def test_a_turn_whose_tool_never_answered_did_not_succeed(tmp_path: Path) -> None:
    """In a run that goes on the tool is at work; in one that was cut off the model's answer is all that there is."""
    builder = Builder()
    for status in ("running", "interrupted", "completed"):
        run = builder.run(status, status=status)
        run.turn("ann", has_tool_calls=True)
        run.tool("ann", "search", status="pending")
    path = builder.write(tmp_path / "traces.duckdb")
    found = {row["run_id"]: (row["status"], row["current_stage"]) for row in rows(path, "executions")}
    assert found == {
        "running": ("RUNNING", "POST_PROCESS"),
        "interrupted": ("LLM_RESPONSE", "POST_PROCESS"),
        "completed": ("SUCCESS", "COMPLETE"),
    }


def test_events_of_one_id_are_no_more_executions(tmp_path: Path) -> None:
    """A journal may repeat the id of a call: a failure that is there twice is one execution's failure, once."""
    builder = Builder()
    run = builder.run("r")
    run.turn("ann", has_tool_calls=True)
    first = run.tool("ann", "search", status="failed")
    run.tool("ann", "search", status="failed")
    builder.rows["execution_events"][-1]["id"] = first
    path = builder.write(tmp_path / "traces.duckdb")
    assert len(rows(path, "executions")) == 1
    assert len(answer(path, "failed_executions")) == 1


def test_nobody_is_skipped_where_no_choice_was_made(tmp_path: Path) -> None:
    """AG2's choice of the first speaker failed: no member was chosen, and none instead of another."""
    agents = [{"name": "group", "members": ["ann", "bob"], "selection": "auto"}]
    builder = Builder()
    run = builder.run("r", status="failed", meta={"agents": agents})
    run.turn("user")
    run.event("error", "speaker_selection_agent", "Timeout", status="failed", error_message="no choice", meta={})
    path = builder.write(tmp_path / "traces.duckdb")
    found = {row["agent_name"]: row for row in answer(path, "why_silent")}
    assert [(found[name]["status"], found[name]["error_message"]) for name in ("ann", "bob")] == [
        ("never_invoked", "no choice")
    ] * 2
    assert found["user"]["status"] == "fired_successfully"


def test_only_a_journal_tells_how_a_run_ended(tmp_path: Path) -> None:
    """Runs of saved chats are not compared by what chats do not tell: how they ended, and calls of a model."""
    builder = Builder()
    for number in range(4):
        builder.run(
            f"{'old' if number % 2 else 'new'}-{number}", source_format="transcript", llm_calls=0, messages=number
        )
    found = answer(builder.write(tmp_path / "traces.duckdb"), "compare_runs", before="old-*", after="new-*", min_runs=2)
    compared = {row["metric"]: (row["before_runs"], row["after_runs"]) for row in found}
    assert compared["completed"] == compared["llm_calls"] == (0, 0)
    assert compared["messages"] == (2, 2)


def test_a_choice_that_failed_is_told_where_none_was_made(tmp_path: Path) -> None:
    """Where others were chosen before or after, a member is skipped, and it is no fault of its own."""
    agents = [{"name": "group", "members": ["ann", "bob", "cyd"], "selection": "auto"}]
    builder = Builder()
    run = builder.run("r", meta={"agents": agents})
    run.turn("ann")
    run.event("error", "speaker_selection_agent", "Timeout", status="failed", error_message="no choice", meta={})
    run.handoff("ann", "bob")
    run.turn("bob")
    found = {row["agent_name"]: row for row in answer(builder.write(tmp_path / "traces.duckdb"), "why_silent")}
    assert (found["cyd"]["status"], found["cyd"]["error_message"]) == ("skipped", None)
