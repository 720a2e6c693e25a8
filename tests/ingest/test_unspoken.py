"""Turns that end in no message: an exception came, or, with nested chats, the agent said nothing, or was cut off."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager, register_function
from autogen.coding import LocalCommandLineCodeExecutor

import capture
from sample_runs.scripted_llm import Call, Failure, Reply
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.talkers import GO, IN_CHAT, QUIET, asks, raising, talker, turns
from tests.queries.reading import answer

pytestmark = pytest.mark.first(6)


def in_between(agent: ConversableAgent, end: Callable[[], Any], first: Callable[..., Any] = lambda *given: None) -> Any:
    """This agent does something, holds a nested chat, and replies with what `end` gives, or raises it."""

    def reply(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        first(self, messages, sender)
        talker("in").initiate_chat(talker("side"), **IN_CHAT)
        said = end()
        if isinstance(said, Exception):
            raise said
        return True, said

    agent.register_reply([ConversableAgent, None], reply, position=0)
    return agent


def test_an_exception_that_comes_from_chats_in_chats(runs: Path, ingested: Ingest) -> None:
    """It ended each turn on its way out, is one failure, and each chat is in the turn that opened it."""
    with pytest.raises(ValueError, match="out of ideas"), capture.start(runs, run_id="deep", console=False):
        talker("user").initiate_chat(asks(talker("lead"), asks(talker("side"), raising("deep"))), **GO)
    tables = ingested(runs)
    assert turns(tables) == [
        (0, "user", "message", "completed", None),
        (0, "lead", "unspoken", "failed", None),
        (1, "lead's", "message", "completed", "lead"),
        (1, "side", "unspoken", "failed", "lead"),
        (2, "side's", "message", "completed", "side"),
        (2, "deep", "unspoken", "failed", "side"),
        (3, "deep", "error", "failed", "deep"),
    ]
    assert tables.one("SELECT errors FROM runs") == 1
    assert tables.one("SELECT messages FROM runs") == 3
    chain = answer(tables.out, "call_chain", run_id="deep")
    assert [(row["call_depth"], row["caller"], row["callee"], row["status"]) for row in chain] == [
        (0, None, "user", "completed"),
        (0, "user", "lead", "failed"),
        (1, "lead", "lead's", "completed"),
        (1, "lead's", "side", "failed"),
        (2, "side", "side's", "completed"),
        (2, "side's", "deep", "failed"),
    ]
    failed = answer(tables.out, "failed_executions")
    assert {(row["agent_name"], row["status"], row["error_type"], row["error_message"]) for row in failed} == {
        (name, "FAILED", "ValueError", "out of ideas") for name in ("lead", "side", "deep")
    }
    assert all(row["error_traceback"].rstrip().endswith("ValueError: out of ideas") for row in failed)
    assert [row["count"] for row in answer(tables.out, "errors")] == [1]
    stages = [row for row in answer(tables.out, "stage_timeline", run_id="deep") if row["agent_name"] == "lead"]
    assert [(row["stage"], row["level"], row["error_message"]) for row in stages] == [
        ("INIT", "info", None),
        ("COMPLETE", "error", "out of ideas"),
    ]


def test_an_exception_of_the_opener_itself(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Its model fails after the nested chat was over: one execution, with the call that came before, too."""
    llm = scripted_llm(["A plan.", Failure(400, "no")])
    lead = ConversableAgent("lead", llm_config=llm.config(), **QUIET)

    def plan(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        self.generate_oai_reply(messages, sender)
        talker("in").initiate_chat(talker("side"), **IN_CHAT)
        return self.generate_oai_reply([{"role": "user", "content": "And now?"}], sender)  # type: ignore[no-any-return]

    lead.register_reply([ConversableAgent, None], plan, position=0)
    with suppress(Exception), capture.start(runs, run_id="own", console=False):
        talker("user").initiate_chat(lead, **GO)
    assert len(llm.requests) == 2
    tables = ingested(runs)
    assert turns(tables) == [
        (0, "user", "message", "completed", None),
        (0, "lead", "unspoken", "failed", None),
        (1, "in", "message", "completed", "lead"),
        (1, "side", "message", "completed", "lead"),
        (1, "lead", "error", "failed", "lead"),
    ]
    (execution,) = tables.sql("SELECT * FROM executions WHERE agent_name = 'lead'")
    assert (execution["status"], execution["failed_stage"], execution["llm_calls"]) == ("FAILED", "LLM_CALL", 2)
    assert execution["error_type"] == "BadRequestError"
    assert tables.one("SELECT errors FROM runs") == 1
    performance = {row["agent_name"]: row for row in answer(tables.out, "agent_performance")}
    assert performance["lead"]["success_rate"] == 0
    assert (performance["in"]["success_rate"], performance["side"]["success_rate"]) == (1, 1)


def test_who_says_nothing_after_its_nested_chat(runs: Path, ingested: Ingest) -> None:
    """The turn is there without words, so that the chat has its place; its agent was asked and did not speak."""
    with capture.start(runs, run_id="silent", console=False):
        talker("user").initiate_chat(asks(talker("lead"), talker("side")), **GO)
    tables = ingested(runs)
    assert turns(tables) == [
        (0, "user", "message", "completed", None),
        (0, "lead", "unspoken", "completed", None),
        (1, "lead's", "message", "completed", "lead"),
        (1, "side", "message", "completed", "lead"),
    ]
    told = {row["agent_name"]: row["status"] for row in answer(tables.out, "why_silent", run_id="silent")}
    assert (told["lead"], told["side"]) == ("chosen", "fired_successfully")
    said = {row["agent_name"]: row["message_count"] for row in answer(tables.out, "agent_interactions")}
    assert said == {"user": 1, "lead's": 1, "side": 1}


KILLED = """
import sys
import time
from pathlib import Path
import capture
from tests.ingest.test_unspoken import ConversableAgent, GO, asks, kill, talker
side = talker("side")
side.register_reply([ConversableAgent, None], kill, position=0)
capture.start(Path(sys.argv[1]), run_id="cut", console=False)
talker("user").initiate_chat(asks(talker("lead"), side), **GO)
"""


def kill(*args: Any, **kwargs: Any) -> Any:
    """A reply in the midst of which the process dies."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_run_that_was_cut_off_in_a_nested_chat(runs: Path, ingested: Ingest) -> None:
    """The chat is in the turn that opened it, which is neither a success nor a failure."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", KILLED, runs], env={**os.environ, "PYTHONPATH": str(root)})
    assert done.returncode == -signal.SIGKILL
    tables = ingested(runs)
    assert turns(tables) == [
        (0, "user", "message", "completed", None),
        (0, "lead", "unspoken", "pending", None),
        (1, "lead's", "message", "completed", "lead"),
    ]
    assert tables.one("SELECT status FROM executions WHERE agent_name = 'lead'") == "LLM_RESPONSE"
    told = {row["agent_name"]: row["status"] for row in answer(tables.out, "why_silent", run_id="cut")}
    assert (told["lead"], told["side"]) == ("chosen", "chosen")
    stages = [row["stage"] for row in answer(tables.out, "stage_timeline", run_id="cut") if row["agent_name"] == "lead"]
    assert stages == ["INIT"]


def test_a_member_of_a_group_is_chosen_and_fails_in_its_nested_chat(runs: Path, ingested: Ingest) -> None:
    """Its choice is told, by that turn."""
    members: list[Any] = [talker("a"), asks(talker("b"), raising("side")), talker("c")]
    group = GroupChat(members, messages=[], max_round=4, speaker_selection_method="round_robin")
    manager = GroupChatManager(group, name="boss", llm_config=False)
    with suppress(ValueError), capture.start(runs, run_id="group", console=False):
        members[0].initiate_chat(manager, **GO)
    tables = ingested(runs)
    told = {row["agent_name"]: row for row in answer(tables.out, "why_silent", run_id="group")}
    assert {name: (row["status"], row["times_chosen"]) for name, row in told.items()} == {
        "a": ("fired_successfully", 0),
        "b": ("failed", 1),
        "b's": ("fired_successfully", 0),
        "c": ("skipped", 0),
        "side": ("failed", 0),
    }
    assert tables.one("SELECT errors FROM runs") == 1


def test_chats_at_once_of_which_one_fails(runs: Path, ingested: Ingest) -> None:
    """Each turn ends as its own chat does."""

    def opener(name: str, asked: ConversableAgent) -> ConversableAgent:
        agent = talker(name)

        async def ask(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
            await asyncio.sleep(0.05)
            await talker(f"{name}'s").a_initiate_chat(asked, **IN_CHAT)
            return True, f"{name} is done"

        agent.register_reply([ConversableAgent, None], ask, position=0, ignore_async_in_sync_chat=True)
        return agent

    async def both() -> None:
        chats = [
            talker("one").a_initiate_chat(opener("good", talker("fine")), **GO),
            talker("two").a_initiate_chat(opener("bad", raising("side")), **GO),
        ]
        await asyncio.gather(*chats, return_exceptions=True)

    with capture.start(runs, run_id="both", console=False):
        asyncio.run(both())
    found = {row[1]: row for row in turns(ingested(runs))}
    assert found["good"] == (0, "good", "message", "completed", None)
    assert found["fine"] == (1, "fine", "message", "completed", "good")
    assert found["bad"] == (0, "bad", "unspoken", "failed", None)
    assert found["bad's"] == (1, "bad's", "message", "completed", "bad")
    assert found["side"] == (2, "side", "error", "failed", "side")


def test_who_was_silent_and_is_asked_again(runs: Path, ingested: Ingest) -> None:
    """Each time is a turn of its own, and who raises later ends none of them."""
    said = iter([None, None, "at last"])
    with capture.start(runs, run_id="again", console=False):
        talker("user").initiate_chat(in_between(talker("lead"), lambda: next(said)), message="go", max_turns=3)
    with suppress(ValueError), capture.start(runs, run_id="other", console=False):
        raising("user").initiate_chat(in_between(talker("lead"), lambda: None), message="go", max_turns=2)
    tables = ingested(runs)
    of_lead = [(depth, subtype, status) for depth, agent, subtype, status, _ in turns(tables) if agent == "lead"]
    assert of_lead == [
        (0, "unspoken", "completed"),
        (0, "unspoken", "completed"),
        (0, "message", "completed"),
        (0, "unspoken", "completed"),
    ]
    places = tables.sql(
        "SELECT turn.execution_order AS n FROM execution_events said JOIN execution_events turn"
        " ON turn.id = said.parent_event_id WHERE said.agent_name = 'in' AND said.run_id = 'again'"
        " AND said.event_type = 'agent_call' ORDER BY said.execution_order"
    )
    assert len({row["n"] for row in places}) == len(places) == 3
    caller = {row["callee"]: row["caller"] for row in answer(tables.out, "call_chain", run_id="again")}
    assert caller["lead"] == "user"


def test_an_exception_that_is_no_agents(runs: Path, ingested: Ingest) -> None:
    """The chat's summary fails after a silent turn: the agent did what it was to do."""

    def no_summary(*args: Any) -> str:
        raise ValueError("no summary")

    with suppress(ValueError), capture.start(runs, run_id="summary", console=False):
        lead = in_between(talker("lead"), lambda: None)
        talker("user").initiate_chat(lead, summary_method=no_summary, **GO)
    tables = ingested(runs)
    assert [row[1:4] for row in turns(tables)][1::3] == [
        ("lead", "unspoken", "completed"),
        (None, "error", "failed"),
    ]


def test_a_reply_that_is_asked_for_outside_of_any_chat(runs: Path, ingested: Ingest) -> None:
    """It was given, and a chat that fails later has nothing to do with it."""
    with suppress(ValueError), capture.start(runs, run_id="direct", console=False):
        lead = in_between(talker("lead"), lambda: "here")
        assert lead.generate_reply(messages=[{"role": "user", "content": "x"}], sender=talker("u")) == "here"
        talker("user").initiate_chat(raising("other"), **GO)
    status = {row[1]: row[3] for row in turns(ingested(runs))}
    assert (status["lead"], status["other"]) == ("completed", "failed")


def test_a_function_that_selects_speakers_opens_chats(runs: Path, ingested: Ingest) -> None:
    """They are in turns of the manager, to which nobody answers, and which a member's exception does not end."""

    def select(last: Any, group: Any) -> Any:
        talker("in").initiate_chat(talker("side"), **IN_CHAT)
        return group.agents[len(group.messages) % 3]

    members: list[Any] = [talker("a"), talker("b"), raising("c")]
    group = GroupChat(members, messages=[], max_round=4, speaker_selection_method=select)
    manager = GroupChatManager(group, name="boss", llm_config=False)
    with suppress(ValueError), capture.start(runs, run_id="select", console=False):
        members[0].initiate_chat(manager, **GO)
    tables = ingested(runs)
    found = [(agent, subtype, status) for depth, agent, subtype, status, _ in turns(tables) if depth == 0]
    assert found == [
        ("a", "message", "completed"),
        ("boss", "unspoken", "completed"),
        ("b", "message", "completed"),
        ("boss", "unspoken", "completed"),
        ("c", "unspoken", "failed"),
    ]
    chain = [row for row in answer(tables.out, "call_chain", run_id="select") if row["call_depth"] == 0]
    assert [(row["callee"], row["caller"]) for row in chain if row["callee"] != "boss"] == [
        ("a", None),
        ("b", "a"),
        ("c", "b"),
    ]
    times = tables.sql("SELECT timestamp, completed_at FROM execution_events WHERE agent_name = 'boss'")
    inner = tables.sql("SELECT timestamp FROM execution_events WHERE agent_name = 'in' AND event_type = 'agent_call'")
    for turn, said in zip(times, inner, strict=True):
        assert turn["timestamp"] <= said["timestamp"] <= turn["completed_at"]


def test_an_interrupted_chat_is_no_success(runs: Path, ingested: Ingest) -> None:
    """Whoever pressed the key: the turn was not over."""
    side = talker("side")

    def stop(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    side.register_reply([ConversableAgent, None], stop, position=0)
    with suppress(KeyboardInterrupt), capture.start(runs, run_id="stopped", console=False):
        talker("user").initiate_chat(asks(talker("lead"), side), **GO)
    tables = ingested(runs)
    assert turns(tables)[1] == (0, "lead", "unspoken", "pending", None)
    assert tables.one("SELECT status FROM executions WHERE agent_name = 'lead'") == "LLM_RESPONSE"


@pytest.mark.few
@pytest.mark.parametrize("end", ["raises", "silent"])
def test_what_an_agent_ran_itself_is_in_its_turn(end: str, runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Code of a message, and a tool that no message asked for, before and after the nested chat."""
    runner = ConversableAgent(
        "runner",
        llm_config=False,
        code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=tmp_path)},
        **QUIET,
    )
    calls = [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    runner.register_function({"look": lambda: "seen"})

    def after() -> Any:
        runner.generate_tool_calls_reply([{"role": "assistant", "content": "", "tool_calls": calls}])
        return ValueError("too much") if end == "raises" else None

    def before(self: Any, messages: Any, sender: Any) -> None:
        self._generate_code_execution_reply_using_executor(messages, sender)

    in_between(runner, after, before)
    with suppress(ValueError), capture.start(runs, run_id=end, console=False):
        talker("user").initiate_chat(runner, message="```python\nprint(1)\n```", max_turns=1)
    tables = ingested(runs)
    (turn,) = tables.sql("SELECT id, status, duration_ms FROM execution_events WHERE event_subtype = 'unspoken'")
    assert turn["status"] == ("failed" if end == "raises" else "completed")
    made = tables.sql(
        "SELECT * FROM execution_events WHERE event_type IN ('code_exec', 'tool_call') ORDER BY event_type"
    )
    assert [row["event_type"] for row in made] == ["code_exec", "tool_call"]
    assert all((row["parent_event_id"], row["depth"]) == (turn["id"], 1) for row in made)
    assert turn["duration_ms"] >= max(row["duration_ms"] or 0 for row in made)


class Broken(LocalCommandLineCodeExecutor):
    """It has lost its disk."""

    def execute_code_blocks(self, code_blocks: Any) -> Any:
        """Fails."""
        raise OSError("disk gone")


def test_an_executor_that_raises_after_a_nested_chat(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """One execution of the agent that ran the code, though the exception stands below that."""
    settings = {"executor": Broken(work_dir=tmp_path)}
    runner = ConversableAgent("runner", llm_config=False, code_execution_config=settings, **QUIET)

    def reply(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
        talker("in").initiate_chat(talker("side"), **IN_CHAT)
        return self._generate_code_execution_reply_using_executor(messages, sender)

    runner.register_reply([ConversableAgent, None], reply, position=0)
    with suppress(OSError), capture.start(runs, run_id="broken", console=False):
        talker("user").initiate_chat(runner, message="```python\nprint(1)\n```", max_turns=1)
    tables = ingested(runs)
    assert tables.sql("SELECT status, error_type FROM executions WHERE agent_name = 'runner'") == [
        {"status": "FAILED", "error_type": "OSError"}
    ]
    assert tables.one("SELECT errors FROM runs") == 1


def test_calls_and_chats_in_other_threads(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """An asynchronous agent asks its model in a pool, opens its chat in a thread, and raises."""
    llm = scripted_llm(["A plan."])
    lead = ConversableAgent("lead", llm_config=llm.config(), **QUIET)

    async def plan(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        await self.a_generate_oai_reply(messages, sender)
        await asyncio.to_thread(talker("in").initiate_chat, talker("side"), **IN_CHAT)
        raise ValueError("after all")

    lead.register_reply([ConversableAgent, None], plan, position=0, ignore_async_in_sync_chat=True)
    with suppress(ValueError), capture.start(runs, run_id="threads", console=False):
        asyncio.run(talker("user").a_initiate_chat(lead, **GO))
    assert len(llm.requests) == 1
    tables = ingested(runs)
    assert tables.sql("SELECT status, is_turn, llm_calls FROM executions WHERE agent_name = 'lead'") == [
        {"status": "FAILED", "is_turn": False, "llm_calls": 1}
    ]
    (first, *_) = answer(tables.out, "suspects")
    assert (first["agent_name"], first["suspicion"]) == ("lead", "the run ended with it")


def test_nested_chats_at_once_that_fail(runs: Path, ingested: Ingest) -> None:
    """Each exception counts once, also the first of them, by which the turn ends when all are over."""
    lead = talker("lead")

    async def ask(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        async def fail(name: str, wait: float) -> None:
            await asyncio.sleep(wait)
            raise ValueError(name)

        def failing(name: str, wait: float) -> Any:
            agent = talker(name)

            async def reply(*args: Any, **kwargs: Any) -> Any:
                await fail(name, wait)

            agent.register_reply([ConversableAgent, None], reply, position=0, ignore_async_in_sync_chat=True)
            return talker(f"{name}'s").a_initiate_chat(agent, **IN_CHAT)

        ended = await asyncio.gather(failing("one", 0.01), failing("two", 0.1), return_exceptions=True)
        raise ended[0]  # type: ignore[misc]

    lead.register_reply([ConversableAgent, None], ask, position=0, ignore_async_in_sync_chat=True)
    with suppress(ValueError), capture.start(runs, run_id="both", console=False):
        asyncio.run(talker("user").a_initiate_chat(lead, **GO))
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    assert [row["count"] for row in answer(tables.out, "errors")] == [2]
    assert tables.sql("SELECT status FROM executions WHERE agent_name = 'lead'") == [{"status": "FAILED"}]


def test_an_exception_ends_a_turn_that_began_when_its_agent_was_asked(runs: Path, ingested: Ingest) -> None:
    """Without nested chats too: when it began, how long it took, and what it answers are known."""
    lead = talker("lead")

    def fail(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        time.sleep(0.3)
        raise ValueError("out of time")

    lead.register_reply([ConversableAgent, None], fail, position=0)
    with suppress(ValueError), capture.start(runs, run_id="slow", console=False):
        talker("user").initiate_chat(lead, **GO)
    tables = ingested(runs)
    (execution,) = answer(tables.out, "slow_executions", threshold_ms=250)
    assert (execution["agent_name"], execution["status"]) == ("lead", "FAILED")
    assert 300 <= execution["duration_ms"] < 5000
    asked = tables.one("SELECT timestamp FROM messages WHERE content = 'go'")
    (failed,) = answer(tables.out, "failed_executions")
    assert failed["created_at"] == execution["created_at"] == asked
    chain = answer(tables.out, "call_chain", run_id="slow")
    assert [(row["caller"], row["callee"], row["status"]) for row in chain] == [
        (None, "user", "completed"),
        ("user", "lead", "failed"),
    ]
    assert chain[1]["duration_ms"] == execution["duration_ms"]
    stages = [
        row["stage"] for row in answer(tables.out, "stage_timeline", run_id="slow") if row["agent_name"] == "lead"
    ]
    assert stages == ["INIT", "COMPLETE"]


def test_a_model_that_fails_in_a_nested_group(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Its call is one deeper than its turn, and behind it."""
    llm = scripted_llm({"one": ["fine"], "two": [Failure(400, "no")]})
    members: list[Any] = [
        ConversableAgent(name, f"You are {name}.", llm_config=llm.config(), **QUIET) for name in ("one", "two")
    ]
    group = GroupChat(members, messages=[], max_round=4, speaker_selection_method="round_robin")
    outer = talker("outer")
    inner = GroupChatManager(group, name="inner", llm_config=False)
    outer.register_nested_chats(
        [{"sender": members[0], "recipient": inner, "message": "in", "max_turns": 1}], trigger=lambda sender: True
    )
    with suppress(Exception), capture.start(runs, run_id="group", console=False):
        talker("user").initiate_chat(outer, **GO)
    chain = answer(ingested(runs).out, "call_chain", run_id="group")
    assert [(row["call_depth"], row["caller"], row["callee"]) for row in chain if row["status"] == "failed"] == [
        (0, "user", "outer"),
        (1, "one", "two"),
        (2, "two", "scripted-1"),
    ]


def test_who_only_opened_its_nested_chat_did_not_speak(runs: Path, ingested: Ingest) -> None:
    """AG2's own nested chats begin with words of the agent that opens them, which are no reply."""
    members: list[Any] = [talker("a"), talker("b"), talker("c")]
    chats = [{"recipient": raising("side"), "message": "hm", "max_turns": 1}]
    members[1].register_nested_chats(chats, trigger=lambda sender: True)
    group = GroupChat(members, messages=[], max_round=4, speaker_selection_method="round_robin")
    with suppress(ValueError), capture.start(runs, run_id="own", console=False):
        members[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=False), **GO)
    told = {row["agent_name"]: row for row in answer(ingested(runs).out, "why_silent", run_id="own")}
    assert {name: row["status"] for name, row in told.items()} == {
        "a": "fired_successfully",
        "b": "failed",
        "c": "skipped",
        "side": "failed",
    }
    assert told["b"]["error_message"] == "out of ideas"


@pytest.mark.few
@pytest.mark.parametrize("said", ["", "  ", None])
def test_an_empty_reply_is_none(said: str | None, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Whether the model answers without words, or its answer is thrown away: the agent was chosen, and that is all."""
    llm = scripted_llm(["thrown away" if said is None else said])
    quiet = ConversableAgent("quiet", llm_config=llm.config(), **QUIET)

    def nothing(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        self.generate_oai_reply(messages, sender)
        return True, None

    if said is None:
        quiet.register_reply([ConversableAgent, None], nothing, position=0)
    group = GroupChat([talker("a"), quiet], messages=[], max_round=3, speaker_selection_method="round_robin")
    with capture.start(runs, run_id="quiet", console=False):
        group.agents[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=False), **GO)
    assert len(llm.requests) == 1
    told = {row["agent_name"]: row["status"] for row in answer(ingested(runs).out, "why_silent", run_id="quiet")}
    assert told == {"a": "fired_successfully", "quiet": "chosen"}


def test_an_equal_failure_that_was_caught_before_is_another(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """An overloaded model fails an agent of a nested chat, which is caught, and then an agent of the chat itself."""
    llm = scripted_llm(lambda request: Failure(400, "overloaded"))
    helper, last = (
        ConversableAgent(name, f"You are {name}.", llm_config=llm.config(), **QUIET) for name in ("helper", "last")
    )
    first = talker("first")

    def catch(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        with suppress(Exception):
            talker("in").initiate_chat(helper, **IN_CHAT)
        return True, "never mind"

    first.register_reply([ConversableAgent, None], catch, position=0)
    group = GroupChat([talker("a"), first, last], messages=[], max_round=4, speaker_selection_method="round_robin")
    with suppress(Exception), capture.start(runs, run_id="models", console=False):
        group.agents[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=False), **GO)
    assert len(llm.requests) == 2
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    failed = answer(tables.out, "failed_executions")
    assert sorted((row["agent_name"], row["stage"]) for row in failed) == [("helper", "LLM_CALL"), ("last", "LLM_CALL")]
    assert all("Traceback" in row["error_traceback"] for row in failed)
    told = {row["agent_name"]: row["status"] for row in answer(tables.out, "why_silent", run_id="models")}
    assert (told["helper"], told["last"], told["first"]) == ("failed", "failed", "fired_successfully")


def test_each_of_two_equal_failures_has_its_own_traceback(runs: Path, ingested: Ingest) -> None:
    """An action that the user marked failed and was caught; then a turn ends in equal words."""
    first = talker("first")
    with suppress(ValueError), capture.start(runs, run_id="action", console=False) as run:

        def act(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
            with suppress(ValueError), run.timed("tool_call", "act"):
                raise ValueError("out of ideas")
            return True, "fine"

        first.register_reply([ConversableAgent, None], act, position=0)
        members: list[Any] = [talker("a"), first, raising("last")]
        group = GroupChat(members, messages=[], max_round=4, speaker_selection_method="round_robin")
        members[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=False), **GO)
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    (failed,) = answer(tables.out, "failed_executions")
    assert failed["agent_name"] == "last"
    assert "in fail" in failed["error_traceback"]
    assert "in act" not in failed["error_traceback"]


def failing_hook(agent: ConversableAgent) -> ConversableAgent:
    """What this agent says never gets out."""

    def check(sender: Any, message: Any, recipient: Any, silent: bool) -> Any:
        raise ValueError("not to be said")

    agent.register_hook("process_message_before_send", check)
    return agent


@pytest.mark.few
@pytest.mark.parametrize("chat", ["two", "group", "async"])
def test_a_hook_that_raises_ends_the_turn_of_who_was_about_to_speak(
    chat: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Its model has answered, and nobody was told."""
    llm = scripted_llm(["fine"])
    lead = failing_hook(ConversableAgent("lead", llm_config=llm.config(), **QUIET))
    user = talker("user")
    group = GroupChat([user, lead], messages=[], max_round=3, speaker_selection_method="round_robin")
    with suppress(ValueError), capture.start(runs, run_id="hook", console=False):
        if chat == "async":
            asyncio.run(user.a_initiate_chat(lead, **GO))
        else:
            user.initiate_chat(lead if chat == "two" else GroupChatManager(group, name="boss", llm_config=False), **GO)
    assert len(llm.requests) == 1
    tables = ingested(runs)
    assert turns(tables)[-2][:4] == (0, "lead", "unspoken", "failed")
    assert tables.sql("SELECT agent_name, status, error_type, llm_calls FROM executions WHERE NOT is_turn") == [
        {"agent_name": "lead", "status": "FAILED", "error_type": "ValueError", "llm_calls": 1}
    ]
    assert tables.one("SELECT errors FROM runs") == 1
    told = {row["agent_name"]: row["status"] for row in answer(tables.out, "why_silent", run_id="hook")}
    assert told["lead"] == "failed"


def test_a_reply_that_is_no_message_ends_the_turn(runs: Path, ingested: Ingest) -> None:
    """AG2 raises where it is to be sent."""
    lead = talker("lead")
    lead.register_reply([ConversableAgent, None], lambda *given, **options: (True, {"no": "message"}), position=0)
    with suppress(ValueError), capture.start(runs, run_id="odd", console=False):
        talker("user").initiate_chat(lead, **GO)
    tables = ingested(runs)
    assert turns(tables)[-2][:4] == (0, "lead", "unspoken", "failed")
    assert tables.one("SELECT errors FROM runs") == 1


class Deaf(ConversableAgent):
    """Can't hear."""

    def _process_received_message(self, message: Any, sender: Any, silent: bool) -> None:
        raise ValueError("deaf")


def test_who_cannot_take_a_message_in_has_no_turn(runs: Path, ingested: Ingest) -> None:
    """It was not asked for a reply, and who sent the message has had its turn."""
    group = GroupChat(
        [talker("a"), talker("b")],
        messages=[],
        max_round=3,
        speaker_selection_method="round_robin",
        send_introductions=True,
    )
    boss = GroupChatManager(group, name="boss", llm_config=False)
    deaf = Deaf("deaf", llm_config=False, **QUIET)
    for recipient in (deaf, boss):
        group.agents[-1] = deaf
        with suppress(ValueError), capture.start(runs, run_id=f"to-{recipient.name}", console=False):
            talker("user").initiate_chat(recipient, **GO)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM execution_events WHERE event_subtype = 'unspoken'") == 0
    assert [row["errors"] for row in tables.sql("SELECT errors FROM runs")] == [1, 1]


def test_asking_another_agent_for_a_reply_is_a_part_of_the_turn(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The other agent's model fails, or it opens a chat; the turn is that of the agent which AG2 had asked."""
    llm = scripted_llm([Failure(400, "no")])
    lead, other = talker("lead"), ConversableAgent("other", llm_config=llm.config(), **QUIET)
    side = talker("side")

    def ask(*given: Any, **options: Any) -> tuple[bool, Any]:
        asks(talker("opener"), side).generate_reply([{"role": "user", "content": "x"}])
        return True, other.generate_reply([{"role": "user", "content": "x"}])

    lead.register_reply([ConversableAgent, None], ask, position=0)
    with suppress(Exception), capture.start(runs, run_id="ask", console=False):
        talker("user").initiate_chat(lead, **GO)
    assert len(llm.requests) == 1
    tables = ingested(runs)
    assert [turn[:4] for turn in turns(tables) if turn[2] != "error"] == [
        (0, "user", "message", "completed"),
        (0, "lead", "unspoken", "failed"),
        (1, "opener's", "message", "completed"),
        (1, "side", "message", "completed"),
    ]
    assert tables.one("SELECT errors FROM runs") == 1
    (call,) = tables.events("llm_call")
    assert (call["agent_name"], call["status"]) == ("other", "failed")
    told = {row["agent_name"]: row["status"] for row in answer(tables.out, "why_silent", run_id="ask")}
    assert told == {
        "user": "fired_successfully",
        "lead": "failed",
        "opener": "never_invoked",
        "opener's": "fired_successfully",
        "side": "fired_successfully",
        "other": "failed",
    }


class Quits(BaseException):
    """No `Exception`, and none of Python's own."""


def test_a_tool_that_raises_what_ag2_does_not_catch_is_one_failure(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Also where the exception is the user's own."""
    llm = scripted_llm(lambda request: Reply(calls=(Call("leave", {}),)))

    def leave() -> str:
        raise Quits("no licence")

    worker, user = ConversableAgent("worker", llm_config=llm.config(), **QUIET), talker("user")
    register_function(leave, caller=worker, executor=user, description="leaves")
    with suppress(Quits), capture.start(runs, run_id="quits", console=False):
        user.initiate_chat(worker, message="go", max_turns=2)
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 1
    assert [(row["event_type"], row["count"]) for row in answer(tables.out, "errors")] == [("tool_call", 1)]
