"""`run`, `a_run` and the group chats' forms of them send to streams of their own; they are recorded all the same."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from autogen.agentchat import a_run_group_chat, run_group_chat
from autogen.agentchat.group import (
    AgentTarget,
    ContextVariables,
    OnCondition,
    StringLLMCondition,
    TerminateTarget,
)
from autogen.agentchat.group.patterns import DefaultPattern, RoundRobinPattern
from autogen.events.agent_events import InputRequestEvent

import capture
from sample_runs.scripted_llm import Failure, ScriptedLLM, call
from tests.capture.agents import thinker
from tests.capture.recorded import events, journal, of_kind, rebuilt_requests

StartLLM = Callable[..., ScriptedLLM]


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def types(run: capture.Run) -> list[str]:
    """The types of a run's events, in order."""
    return [r["event"]["type"] for r in of_kind(journal(run), "event")]


def test_run_is_recorded(scripted_llm: StartLLM) -> None:
    """`run` with a tool: the journal has exactly the events that the user got, in order, and the LLM calls."""
    llm = scripted_llm([call("add", a=1, b=2), "3 TERMINATE"])
    with capture.start("runs") as run:
        response = thinker("model", llm.config()).run(message="Add.", tools=[_tool()], max_turns=3)
        got = [event.type for event in response.events]
    records = journal(run)
    assert got == types(run)
    assert "run_completion" in got
    assert list(rebuilt_requests(records).values()) == [request.body for request in llm.requests]
    assert events(records, "executed_function")[0]["content"] == "3"
    assert not any("attributed" in record for record in records)


def test_a_failing_run_is_recorded_with_its_error(scripted_llm: StartLLM) -> None:
    """The error that ends a `run` stands in the journal with its traceback, although AG2 can't serialise it."""
    llm = scripted_llm([Failure(500, "out of order")])
    with capture.start("runs") as run:
        response = thinker("model", llm.config()).run(message="Hi.", max_turns=1)
        with pytest.raises(Exception, match="out of order"):
            list(response.events)
    error = events(journal(run), "error")[0]["error"]
    assert "out of order" in error["message"]
    assert "Traceback" in error["traceback"]


def test_a_run_is_recorded_in_an_event_loop(scripted_llm: StartLLM) -> None:
    """`a_run` sends to an async stream; its events and LLM calls are recorded."""
    llm = scripted_llm(["Hello. TERMINATE"])

    async def main() -> tuple[capture.Run, list[str]]:
        async with capture.start("runs") as run:
            response = await thinker("model", llm.config()).a_run(message="Hi.", max_turns=2)
            return run, [event.type async for event in response.events]

    run, got = asyncio.run(main())
    assert got == types(run)
    assert len(of_kind(journal(run), "llm_call")) == len(llm.requests)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_pattern_chat_is_recorded(scripted_llm: StartLLM, is_async: bool) -> None:
    """`run_group_chat` and `a_run_group_chat`: events as the user gets them, LLM calls as the server got them."""
    llm = scripted_llm({"You are maker": ["An idea."], "You are critic": ["A flaw."]})
    agents = [thinker("maker", llm.config()), thinker("critic", llm.config())]
    options: Any = {
        "pattern": RoundRobinPattern(initial_agent=agents[0], agents=agents),
        "messages": "An idea, please.",
        "max_rounds": 3,
    }

    async def drain() -> list[str]:
        response = await a_run_group_chat(**options)
        return [event.type async for event in response.events]

    with capture.start("runs") as run:
        got = asyncio.run(drain()) if is_async else [event.type for event in run_group_chat(**options).events]
    records = journal(run)
    assert got == types(run)
    said = {e["content"] for e in events(records, "text")}
    assert {"An idea.", "A flaw."} <= said
    assert list(rebuilt_requests(records).values()) == [request.body for request in llm.requests]


def test_handoffs_are_recorded(scripted_llm: StartLLM) -> None:
    """A handoff that the model chose and one after work: who to whom; the context variables stand at the end."""
    llm = scripted_llm(
        {"You are triage": [call("transfer_to_expert_1")], "You are expert": ["Solved."], "You are closer": ["Bye."]}
    )
    triage, expert, closer = (thinker(name, llm.config()) for name in ("triage", "expert", "closer"))
    triage.handoffs.add_llm_condition(
        OnCondition(target=AgentTarget(expert), condition=StringLLMCondition(prompt="hard questions"))
    )
    expert.handoffs.set_after_work(AgentTarget(closer))
    closer.handoffs.set_after_work(TerminateTarget())
    pattern = DefaultPattern(
        initial_agent=triage, agents=[triage, expert, closer], context_variables=ContextVariables({"topic": "stars"})
    )
    with capture.start("runs") as run:
        response = run_group_chat(pattern=pattern, messages="A hard one.", max_rounds=10)
        got = [event.type for event in response.events]
    records = journal(run)
    assert got == types(run)
    chosen = events(records, "on_condition_l_l_m_transition")
    assert [(e["source_agent"], e["transition_target"]["agent_name"]) for e in chosen] == [("triage", "expert")]
    after = events(records, "after_works_transition")
    assert (after[0]["source_agent"], after[0]["transition_target"]["agent_name"]) == ("expert", "closer")
    assert events(records, "run_completion")[0]["context_variables"]["data"] == {"topic": "stars"}
    assert list(rebuilt_requests(records).values()) == [request.body for request in llm.requests]


def test_questions_of_a_run_are_recorded(scripted_llm: StartLLM) -> None:
    """A human who is asked through `run`'s own stream is in the journal, with the answer."""
    llm = scripted_llm(["What else?"])
    with capture.start("runs") as run:
        response = thinker("model", llm.config()).run(message="Hi.", user_input=True, max_turns=2)
        for event in response.events:
            if isinstance(event, InputRequestEvent):
                event.content.respond("exit")  # type: ignore[attr-defined]
    records = journal(run)
    assert [i["answer"] for i in of_kind(records, "input")] == ["exit"]
    assert len(events(records, "input_request")) == 1


def test_two_runs_at_once_keep_their_events_apart(scripted_llm: StartLLM) -> None:
    """Two tasks with an `a_run` each, whose LLM calls share a thread pool: every record is in its own journal."""
    llm = scripted_llm(lambda request: request.messages[-1]["content"] + " back")

    async def work(name: str) -> capture.Run:
        async with capture.start("runs", run_id=name) as run:
            for number in range(3):
                response = await thinker(f"model_{name}", llm.config()).a_run(message=f"{name} {number}", max_turns=1)
                await asyncio.sleep(0)
                async for _ in response.events:
                    pass
            return run

    async def main() -> list[capture.Run]:
        return await asyncio.gather(*(work(name) for name in ("x", "y", "z")))

    for run in asyncio.run(main()):
        records = journal(run)
        calls = of_kind(records, "llm_call")
        assert [c["agent"] for c in calls] == [f"model_{run.id}"] * 3
        assert {e["content"][0] for e in events(records, "text")} == {run.id}
        assert not any("attributed" in record for record in records)


def _tool() -> Any:
    from autogen.tools import tool

    return tool(description="Adds two numbers.")(add)
