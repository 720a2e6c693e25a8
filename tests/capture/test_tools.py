"""Tools that AG2 runs stand in the journal with what they returned or raised, and when. AG2 stays as it was."""

import asyncio
import time
from typing import Any

import pytest
from autogen import ConversableAgent, register_function

import capture
from sample_runs.scripted_llm import Call, Reply, ScriptedLLM, call
from tests.capture.agents import talker, thinker
from tests.capture.recorded import journal, of_kind
from tests.conftest import StartLLM


class Division:
    """A tool in two forms, with a counter of its own."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.spent_ns: list[int] = []

    def divide(self, a: int, b: int) -> float:
        """Divides."""
        self.asked.append((a, b))
        begun = time.perf_counter_ns()
        time.sleep(0.01)
        self.spent_ns.append(time.perf_counter_ns() - begun)
        return a / b

    async def divide_later(self, a: int, b: int) -> float:
        """Divides."""
        await asyncio.sleep(0.01)
        return self.divide(a, b)


def chat(llm: ScriptedLLM, is_async: bool, in_loop: bool) -> tuple[capture.Run, Division]:
    """A model asks for a division that works, one that raises, a tool that is unknown, and sends bad JSON."""
    division = Division()
    # plain functions, as AG2 takes them
    if in_loop:

        async def divide(a: int, b: int) -> float:
            return await division.divide_later(a, b)
    else:

        def divide(a: int, b: int) -> float:  # type: ignore[misc]
            return division.divide(a, b)

    asker, worker = thinker("asker", llm.config()), talker("worker")
    register_function(divide, caller=asker, executor=worker, description="Divides.")
    before = dict(worker._function_map)
    with capture.start("runs", console=False) as run:
        if is_async:
            asyncio.run(worker.a_initiate_chat(asker, message="Divide.", max_turns=4))
        else:
            worker.initiate_chat(asker, message="Divide.", max_turns=4)
        assert worker._function_map == before
    return run, division


@pytest.mark.parametrize("in_loop", [False, True], ids=["function", "coroutine"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_tool_is_recorded_once_whether_it_returns_or_raises(
    is_async: bool, in_loop: bool, scripted_llm: StartLLM
) -> None:
    """Arguments, call id, result or exception with traceback, times around its own; none for refused calls."""
    replies: list[str | Reply] = [
        Reply(calls=(Call("divide", {"a": 1, "b": 2}), Call("divide", {"a": 1, "b": 0}))),
        call("unknown_tool"),
        Reply(calls=(Call("divide", '{"a": 1,'),)),
        "Done. TERMINATE",
    ]
    llm = scripted_llm(replies)
    run, division = chat(llm, is_async, in_loop)
    calls = of_kind(journal(run), "function_call")
    answered = [m["tool_call_id"] for m in llm.requests[-1].messages if m["role"] == "tool"]
    assert division.asked == [(1, 2), (1, 0)]
    assert [(c["name"], c["agent"], c["call_id"], c["arguments"], c["result"], c["status"]) for c in calls] == [
        ("divide", "worker", answered[0], {"a": 1, "b": 2}, 0.5, "ok"),
        ("divide", "worker", answered[1], {"a": 1, "b": 0}, None, "error"),
    ]
    assert (calls[1]["error"]["type"], calls[1]["error"]["message"]) == ("ZeroDivisionError", "division by zero")
    assert "return a / b" in calls[1]["error"]["traceback"]
    assert all(c["ended"] - c["started"] >= spent for c, spent in zip(calls, division.spent_ns, strict=True))


def test_legacy_functions_are_recorded() -> None:
    """A function of a `function_map`, which AG2 does not wrap and its logger never tells of."""

    def fail(word: str) -> str:
        raise ValueError(f"no {word}")

    request = {"content": None, "function_call": {"name": "fail", "arguments": '{"word": "way"}'}}
    asker, worker = talker("asker"), talker("worker", function_map={"fail": fail})
    with capture.start("runs", console=False) as run:
        asker.initiate_chat(worker, message=request, max_turns=1)
    (record,) = of_kind(journal(run), "function_call")
    assert (record["name"], record["arguments"], record["call_id"]) == ("fail", {"word": "way"}, None)
    assert (record["status"], record["error"]["message"]) == ("error", "no way")


def test_a_tool_that_is_interrupted_is_recorded() -> None:
    """What ends the program inside a tool is in the tool's record too, and goes on its way."""

    def stop() -> str:
        raise KeyboardInterrupt

    worker = talker("worker", function_map={"stop": stop})
    with pytest.raises(KeyboardInterrupt), capture.start("runs", console=False) as run:
        worker.execute_function({"name": "stop", "arguments": "{}"})
    (record,) = of_kind(journal(run), "function_call")
    assert (record["status"], record["error"]["type"]) == ("error", "KeyboardInterrupt")


def test_a_tool_may_change_its_agents_tools() -> None:
    """What a tool registers while it runs is registered, and AG2's class is as it was afterwards."""
    worker = talker("worker")

    def learn() -> str:
        worker.register_function({"later": lambda: "new"})
        return str(sorted(worker.function_map))

    worker.register_function({"learn": learn})
    with capture.start("runs", console=False):
        assert worker.execute_function({"name": "learn", "arguments": "{}"})[1]["content"] == "['later', 'learn']"
        assert worker.execute_function({"name": "later", "arguments": "{}"})[1]["content"] == "new"
    assert "_function_map" not in vars(ConversableAgent)
    assert worker.can_execute_function(["learn", "later"])


def test_tools_of_tools_are_each_recorded() -> None:
    """A tool that has another agent run a tool: two records, the inner one first, each with its own result."""
    inner = talker("inner", function_map={"double": lambda n: 2 * n})
    outer = talker("outer")

    def twice(n: int) -> Any:
        return inner.execute_function({"name": "double", "arguments": f'{{"n": {n}}}'})[1]["content"] * 10

    outer.register_for_execution()(twice)
    with capture.start("runs", console=False) as run:
        outer.execute_function({"name": "twice", "arguments": '{"n": 3}'})
    calls = of_kind(journal(run), "function_call")
    assert [(c["agent"], c["name"], c["result"]) for c in calls] == [("inner", "double", 6), ("outer", "twice", 60)]
