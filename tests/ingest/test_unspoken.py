"""Turns with nested chats that end in no message: an exception came, the agent said nothing, or the run was cut off."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager

import capture
from sample_runs.scripted_llm import Failure
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables
from tests.queries.reading import answer

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
IN_CHAT: dict[str, Any] = {"message": "hm", "max_turns": 1}
GO: dict[str, Any] = {"message": "go", "max_turns": 1}


def talker(name: str) -> ConversableAgent:
    """An agent without a model."""
    return ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} says", **QUIET)


def raising(name: str) -> ConversableAgent:
    """An agent whose reply is an exception."""
    agent = talker(name)

    def fail(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        raise ValueError("out of ideas")

    agent.register_reply([ConversableAgent, None], fail, position=0)
    return agent


def asks(agent: ConversableAgent, asked: ConversableAgent) -> ConversableAgent:
    """This agent opens a chat with another one for each of its replies, and has nothing to say after it."""

    def ask(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        talker(f"{agent.name}'s").initiate_chat(asked, **IN_CHAT)
        return True, None

    agent.register_reply([ConversableAgent, None], ask, position=0)
    return agent


def turns(tables: Tables) -> list[tuple[Any, ...]]:
    """Turns and exceptions in order: depth, agent, subtype, status, and whose turn it is in."""
    rows = tables.sql(
        """
        SELECT event.depth, event.agent_name, event.event_type, event.event_subtype, event.status,
            outer_one.agent_name AS inside
        FROM execution_events AS event LEFT JOIN execution_events AS outer_one ON outer_one.id = event.parent_event_id
        WHERE event.event_type IN ('agent_call', 'error') ORDER BY event.execution_order
        """
    )
    return [
        (
            r["depth"],
            r["agent_name"],
            r["event_subtype"] if r["event_type"] == "agent_call" else "error",
            r["status"],
            r["inside"],
        )
        for r in rows
    ]


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
        (2, "deep", "error", "failed", "side"),
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
    assert found["side"] == (1, "side", "error", "failed", "bad")
