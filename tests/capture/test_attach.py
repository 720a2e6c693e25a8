"""What the recorder puts into AG2 is where this AG2 expects it, serves the user's own loggers, and is gone at close."""

import asyncio
import gc
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from autogen import runtime_logging
from autogen.agentchat import conversable_agent
from autogen.agentchat.conversable_agent import ConversableAgent
from autogen.coding import LocalCommandLineCodeExecutor
from autogen.io.base import IOStream
from autogen.io.thread_io_stream import AsyncThreadIOStream, ThreadIOStream
from autogen.logger.base_logger import BaseLogger
from autogen.oai.client import OpenAIWrapper

import capture
from tests.capture.agents import talker
from tests.capture.recorded import journal, of_kind

REPLACED: list[tuple[Any, str]] = [
    (IOStream, "_global_default"),
    (IOStream, "get_default"),
    (ThreadIOStream, "send"),
    (ThreadIOStream, "input"),
    (AsyncThreadIOStream, "send"),
    (AsyncThreadIOStream, "input"),
    (ConversableAgent, "_process_received_message"),
    (ConversableAgent, "__init__"),
    (conversable_agent, "log_event"),
    (conversable_agent, "logging_enabled"),
    (runtime_logging, "autogen_logger"),
    (runtime_logging, "is_logging"),
    (runtime_logging, "start"),
    (runtime_logging, "stop"),
    (ConversableAgent, "execute_function"),
    (ConversableAgent, "a_execute_function"),
    (ConversableAgent, "execute_code_blocks"),
    (ConversableAgent, "run_code"),
    (ConversableAgent, "initiate_chat"),
    (ConversableAgent, "a_initiate_chat"),
    (conversable_agent, "a_initiate_chats"),
    (OpenAIWrapper, "create"),
    (asyncio.BaseEventLoop, "create_task"),
    (threading.Thread, "start"),
    (ThreadPoolExecutor, "submit"),
]


class Memory(BaseLogger):
    """A user's logger that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def start(self) -> str:
        self.heard.append("start")
        return "session of mine"

    def stop(self) -> None:
        self.heard.append("stop")

    def get_connection(self) -> sqlite3.Connection | None:
        return None

    def log_event(self, source: Any, name: str, **kwargs: Any) -> None:
        self.heard.append(name)

    def log_new_agent(self, agent: Any, init_args: Any) -> None:
        self.heard.append(f"new {agent.name}")

    def log_chat_completion(self, *args: Any) -> None:
        self.heard.append("completion")

    def log_function_use(self, *args: Any) -> None:
        self.heard.append("function")

    def log_new_wrapper(self, *args: Any) -> None:
        self.heard.append("wrapper")

    def log_new_client(self, *args: Any) -> None:
        self.heard.append("client")


@pytest.fixture
def memory() -> Any:
    """A user's logger, and a clean AG2 afterwards."""
    before = (runtime_logging.autogen_logger, runtime_logging.is_logging)
    yield Memory()
    runtime_logging.autogen_logger, runtime_logging.is_logging = before


def say() -> None:
    """A message from one agent to another."""
    talker("a").initiate_chat(talker("b"), message="hi", max_turns=1)


@pytest.mark.few
@pytest.mark.parametrize(("owner", "name"), REPLACED, ids=lambda value: str(getattr(value, "__name__", value)))
def test_what_is_replaced_is_there_and_put_back(owner: Any, name: str) -> None:
    """A new AG2 that moves one of these breaks this test; a run replaces it, and its end puts the very same back."""
    before = vars(owner)[name]
    with capture.start("runs"):
        assert vars(owner)[name] is not before
        with capture.start("runs"):
            pass
        assert vars(owner)[name] is not before
    assert vars(owner)[name] is before


def test_agents_still_have_what_the_recorder_looks_at() -> None:
    """The attributes from which agents and their folders are described exist in this AG2."""
    with capture.start("runs") as run:
        agent = talker("a", system_message="Be brief.", description="an agent", code_execution_config={"work_dir": "w"})
        assert agent.silent is None
    described = of_kind(journal(run), "agent")[0]
    assert described["system_message"] == "Be brief."
    assert described["description"] == "an agent"
    assert described["class"] == "ConversableAgent"
    assert [folder.name for folder in run.agents.folders] == ["w"]


def test_a_logger_that_was_on_goes_on_receiving(memory: Memory) -> None:
    """A user's logger hears with the recorder exactly what it hears without, and is AG2's logger again afterwards."""
    runtime_logging.start(logger=memory)
    say()
    alone, memory.heard = memory.heard[1:], []
    with capture.start("runs", console=False) as run:
        say()
    assert memory.heard == alone
    assert runtime_logging.autogen_logger is memory
    assert runtime_logging.logging_enabled()
    assert len(of_kind(journal(run), "agent")) == 2


def test_a_logger_that_was_off_hears_nothing(memory: Memory) -> None:
    """A logger that the user had stopped stays stopped."""
    runtime_logging.start(logger=memory)
    runtime_logging.stop()
    memory.heard.clear()
    with capture.start("runs", console=False):
        say()
    assert memory.heard == []
    assert not runtime_logging.logging_enabled()


def test_a_logger_that_starts_in_the_run_does_not_end_it(memory: Memory) -> None:
    """`runtime_logging.start` and `stop` inside a run serve the user's logger, and the recording goes on."""
    with capture.start("runs", console=False) as run:
        assert runtime_logging.start(logger=memory) == "session of mine"
        say()
        runtime_logging.stop()
        heard = list(memory.heard)
        talker("c").initiate_chat(talker("d"), message="hi", max_turns=1, silent=True)
    assert heard[0] == "start"
    assert heard[-1] == "stop"
    assert heard.count("received_message") == 2
    assert memory.heard == heard
    assert runtime_logging.autogen_logger is memory
    assert not runtime_logging.logging_enabled()
    assert [m["recipient"] for m in of_kind(journal(run), "message")] == ["d", "c"]


def test_what_others_replaced_in_the_run_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tool that wraps the same function during the run keeps working after it."""
    calls = []
    original = vars(IOStream)["get_default"]
    try:
        with capture.start("runs", console=False):
            inner = IOStream.get_default

            def outer() -> Any:
                calls.append(1)
                return inner()

            IOStream.get_default = staticmethod(outer)  # type: ignore[method-assign, assignment]
            say()
        seen = len(calls)
        assert not isinstance(IOStream.get_default(), capture.JournalStream)
        assert len(calls) == seen + 1 > 1
    finally:
        IOStream.get_default = original  # type: ignore[method-assign]


def test_what_stands_before_attributes_of_agents_is_where_this_ag2_reads_them(tmp_path: Path) -> None:
    """An agent keeps its tools and its executor in attributes that the recorder's stand in front of, and only then."""
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    agent = talker("a", function_map={"f": str}, code_execution_config={"executor": executor})
    for name, held in (("_function_map", {"f": str}), ("_code_executor", executor)):
        assert vars(agent)[name] == held
        assert name not in vars(ConversableAgent)
        with capture.start("runs", console=False):
            agent.execute_function({"name": "f", "arguments": "{}"})  # from the first one on the map is watched
            assert name in vars(ConversableAgent)
            assert getattr(agent, name) is vars(agent)[name]
            setattr(agent, name, vars(agent)[name])
            assert not hasattr(talker("b"), "_code_executor")
        assert name not in vars(ConversableAgent)
        assert vars(agent)[name] == held


@pytest.mark.skipif(not (3, 11) <= sys.version_info < (3, 13), reason="other Pythons do not tell")
def test_agents_keep_the_fast_form_of_their_attributes() -> None:
    """What is recorded of agents made before and during a run, and of their chat, is not read from `__dict__`: objects
    of which that was ever asked for are slow ever after."""

    def is_fast(agent: Any) -> bool:
        """Whether the attributes are still in the object itself."""
        return not any(type(held) is dict and "_oai_messages" in held for held in gc.get_referents(agent))

    early = talker("early")
    with capture.start("runs", console=False):
        late = talker("late")
        early.initiate_chat(late, message="hi", max_turns=2)
        assert is_fast(early)
        assert is_fast(late)
    assert is_fast(early)
    assert is_fast(late)
    vars(early)
    assert not is_fast(early)


def test_a_wrapper_that_outlives_a_run_does_not_double_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracing library that wraps AG2 during one run: in the next run everything is there once, and then put back."""
    original = ConversableAgent._process_received_message
    with capture.start("runs", console=False):
        ours = ConversableAgent._process_received_message

        def traced(self: Any, *args: Any) -> Any:
            return ours(self, *args)

        ConversableAgent._process_received_message = traced  # type: ignore[method-assign]
    try:
        for _ in range(2):
            with capture.start("runs", console=False) as run:
                talker("a").initiate_chat(talker("b"), message="hi", max_turns=1, silent=True)
            assert [record["message"] for record in of_kind(journal(run), "message")] == ["hi", "hello"]
        assert ConversableAgent._process_received_message is traced
    finally:
        ConversableAgent._process_received_message = ours  # type: ignore[method-assign]
    with capture.start("runs", console=False):
        pass
    assert ConversableAgent._process_received_message is original
