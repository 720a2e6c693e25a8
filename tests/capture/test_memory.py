"""A run may last for days: what the recorder holds does not grow with it, and it keeps nobody's objects alive."""

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autogen import ConversableAgent, GroupChat, GroupChatManager, register_function

import capture
from capture import agents, llm
from sample_runs.scripted_llm import Reply, Request, call
from tests.capture.agents import talker, thinker
from tests.capture.recorded import journal, of_kind
from tests.conftest import StartLLM

ROOM = 8192
"""Bytes by which two looks may differ: counters that got longer, a container that was just resized."""


def held() -> int:
    """Bytes that code of the recorder allocated and that are still there."""
    gc.collect()
    ours = tracemalloc.Filter(True, str(Path(capture.__file__).parent / "*"))
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([ours]).traces)


def growth(work: Callable[[], None], before: int, after: int) -> int:
    """Bytes that the recorder holds more after `after` times of work than after `before` times."""
    tracemalloc.start()
    try:
        for _ in range(before):
            work()
        first = held()
        for _ in range(after - before):
            work()
        return held() - first
    finally:
        tracemalloc.stop()


def answer(request: Request) -> Reply:
    """A model that calls a tool once, and is done."""
    return call("add", a=1, b=2) if request.messages[-1]["role"] == "user" else Reply("done")


def asks_a_model(config: dict[str, Any]) -> tuple[ConversableAgent, ConversableAgent]:
    """A chat of four messages with two LLM calls and a tool call, between agents that are made for it."""

    def add(a: int, b: int) -> int:
        return a + b

    model = thinker("model", config)
    user = talker("user", "", is_termination_msg=lambda message: message.get("content") == "done")
    register_function(add, caller=model, executor=user, description="adds")
    user.initiate_chat(model, message="please", max_turns=3)
    return model, user


@pytest.mark.slow
def test_memory_does_not_grow_with_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 messages leave no more behind than 1,000 do, with steps and actions, old agents and short-lived ones."""
    monkeypatch.setattr(agents, "PAIRS", 4)  # lowered, so that the table is full at the first look
    old = talker("old"), talker("other")

    def work() -> None:
        with run.step("step"), run.timed("tool_call", "Read", file_path="x") as action:
            old[0].initiate_chat(old[1], message="x" * 500, max_turns=25)
            talker("a").initiate_chat(talker("b"), message="y" * 500, max_turns=20, silent=True)
            talker("c").initiate_chat(talker("d"), message="z", max_turns=5)
            action.set_result(list(range(100)))

    with capture.start("runs", console=False) as run:
        assert growth(work, 10, 50) < ROOM
    records = journal(run)
    messages = [r for r in of_kind(records, "event") if r["event"]["type"] == "text"] + of_kind(records, "message")
    assert len(messages) >= 50 * 100


@pytest.mark.slow
def test_memory_does_not_grow_with_calls(scripted_llm: StartLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do LLM calls and tool calls of short-lived agents with clients of their own."""
    monkeypatch.setattr(agents, "PAIRS", 4)
    server = scripted_llm(answer)

    def work() -> None:
        asks_a_model(server.config())

    with capture.start("runs", console=False) as run:
        assert growth(work, 20, 80) < ROOM
    assert len(server.requests) == len(of_kind(journal(run), "llm_call")) == 160


@pytest.mark.slow
def test_memory_does_not_grow_with_agents(scripted_llm: StartLLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents of ever new names, each with a model, leave no more behind the more there were."""
    for module, name in ((agents, "PAIRS"), (agents, "HEARD"), (agents, "NAMES"), (llm, "AGENTS")):
        monkeypatch.setattr(module, name, 4)  # lowered, so that all are full at the first look
    server = scripted_llm(lambda request: Reply("done"))
    numbers = iter(range(1000))

    def work() -> None:
        number = next(numbers)
        model, user = thinker(f"model_{number}", server.config()), talker(f"user_{number}", "")
        user.initiate_chat(model, message="please", max_turns=2, silent=number % 2 == 0)

    with capture.start("runs", console=False):
        assert growth(work, 8, 24) < ROOM


def test_nothing_of_the_users_is_kept_alive(scripted_llm: StartLLM) -> None:
    """While the run is on, agents that nobody else holds are gone, with their clients, tools and messages."""
    server = scripted_llm(answer)
    with capture.start("runs", console=False) as run:
        model, user = asks_a_model(server.config())
        function = next(iter(user.function_map.values()))
        gone: list[weakref.ref[Any]] = [weakref.ref(thing) for thing in (model, user, model.client, function)]
        del model, user, function
        gc.collect()
        assert [reference() for reference in gone] == [None] * 4
        assert capture.current() is run


def test_group_chats_are_kept_up_to_a_number() -> None:
    """Their messages are saved at the end, so the latest are held until then, and no more than those."""
    made: list[weakref.ref[Any]] = []
    with capture.start("runs", console=False) as run:
        for _ in range(agents.CHATS + 8):
            pair: list[Any] = [talker("a"), talker("b")]
            chat = GroupChat(pair, messages=[], max_round=2, speaker_selection_method="round_robin")
            manager = GroupChatManager(chat, llm_config=False, name="manager")
            pair[0].initiate_chat(manager, message="hi")
            made.append(weakref.ref(manager))
            del pair, chat, manager
        gc.collect()
        assert len(run.agents.chats) == agents.CHATS
        assert sum(reference() is not None for reference in made) <= agents.CHATS
    assert len(of_kind(journal(run), "messages")) == agents.CHATS
