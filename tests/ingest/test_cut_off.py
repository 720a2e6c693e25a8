"""Turns that are cut off, late answers of models, and failures of tools and chats at once: each once, in its place."""

import asyncio
import contextvars
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager, register_function

import capture
from sample_runs.scripted_llm import Call, Failure, Reply
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.talkers import GO, IN_CHAT, QUIET, asks, raising, talker, turns
from tests.queries.reading import answer

pytestmark = pytest.mark.first(6)


def warm(agent: ConversableAgent) -> ConversableAgent:
    """This agent has asked its model once, which takes longest the first time."""
    agent.generate_reply([{"role": "user", "content": "warm up"}])
    return agent


def is_warming(request: Any) -> bool:
    """Whether that is asked."""
    return bool(request.messages[-1]["content"] == "warm up")


def interrupt() -> None:
    """What a key does, a moment later."""
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    time.sleep(5)


@pytest.mark.few
@pytest.mark.parametrize("where", ["reply", "model", "tool", "group"])
def test_who_was_at_work_when_the_run_was_interrupted(
    where: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Its turn is told of, with what it had done; the manager that chose it was not at work any more."""

    def script(request: Any) -> Any:
        if where == "model":
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(1)
        return Reply(calls=(Call("wait", {}),)) if where == "tool" else "fine"

    llm = scripted_llm(script)
    user = talker("user")
    lead = talker("lead") if where in ("reply", "group") else ConversableAgent("lead", llm_config=llm.config(), **QUIET)

    def wait() -> str:
        interrupt()
        return "waited"

    if where == "tool":
        register_function(wait, caller=lead, executor=user, description="waits")
    elif where != "model":
        lead.register_reply([ConversableAgent, None], lambda *given, **options: (True, wait()), position=0)
    recipient: Any = lead
    if where == "group":

        def choose(last: Any, group: GroupChat) -> Any:
            talker("in").initiate_chat(talker("side"), **IN_CHAT)
            return lead

        group = GroupChat([user, talker("b"), lead], messages=[], max_round=4, speaker_selection_method=choose)
        recipient = GroupChatManager(group, name="boss", llm_config=False)
    with suppress(KeyboardInterrupt), capture.start(runs, run_id="key", console=False):
        user.initiate_chat(recipient, message="go", max_turns=2)
    tables = ingested(runs)
    pending = [turn for turn in turns(tables) if turn[3] == "pending"]
    assert pending == [(0, "user" if where == "tool" else "lead", "unspoken", "pending", None)]
    (execution,) = tables.sql("SELECT * FROM executions WHERE NOT is_turn AND agent_name <> 'boss'")
    assert execution["duration_ms"] >= 190
    if where == "model":
        assert (execution["status"], execution["error_type"]) == ("FAILED", "KeyboardInterrupt")
        assert execution["failed_stage"] == "LLM_CALL"
        (first,) = answer(tables.out, "suspects")
        assert (first["agent_name"], first["suspicion"]) == ("lead", "the run ended with it")
    else:
        assert execution["status"] == "LLM_RESPONSE"
    told = {row["agent_name"]: row["status"] for row in answer(tables.out, "why_silent", run_id="key")}
    assert told["lead"] == {"model": "failed", "tool": "failed"}.get(where, "chosen")


def test_who_was_silent_before_an_interruption_was_not_at_work(runs: Path, ingested: Ingest) -> None:
    """It had opened a nested chat and said nothing; that turn was over."""
    quiet, lead = asks(talker("quiet"), talker("side")), talker("lead")

    async def run() -> None:
        async def wait(*given: Any, **options: Any) -> tuple[bool, Any]:
            quiet_turn = talker("user").a_initiate_chat(quiet, **GO)
            await quiet_turn
            await asyncio.sleep(5)
            return True, "waited"

        lead.register_reply([ConversableAgent, None], wait, position=0, ignore_async_in_sync_chat=True)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(talker("user").a_initiate_chat(lead, **GO), 0.5)
        await talker("second").a_initiate_chat(talker("third"), **GO)

    with capture.start(runs, run_id="cancelled", console=False):
        asyncio.run(run())
    found = [(depth, agent, status) for depth, agent, _, status, _ in turns(ingested(runs))]
    assert found == [
        (0, "user", "completed"),
        (0, "lead", "pending"),
        (1, "user", "completed"),
        (1, "quiet", "completed"),
        (2, "quiet's", "completed"),
        (2, "side", "completed"),
        (0, "second", "completed"),
        (0, "third", "completed"),
    ]


@pytest.mark.few
@pytest.mark.parametrize("tries", [1, 3])
def test_the_call_of_a_cancelled_turn_is_its_own(
    tries: int, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """AG2 waits for the model in a thread, which goes on when the chat is given up; the next try asks again."""
    asked: list[float] = []

    def script(request: Any) -> Reply:
        if is_warming(request):
            return Reply("warm")
        asked.append(time.time())
        time.sleep(0.6)
        return Reply(f"answer {len(asked)}", usage=(100, 100))

    agent, user = warm(ConversableAgent("agent", llm_config=scripted_llm(script).config(), **QUIET)), talker("user")

    async def run() -> None:
        for number in range(tries):
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(user.a_initiate_chat(agent, **GO), 10 if number == 2 else 0.3)
        await asyncio.sleep(1)

    with capture.start(runs, run_id="tries", console=False):
        asyncio.run(run())
    assert len(asked) == tries
    tables = ingested(runs)
    found = tables.sql("""
        SELECT x.status, is_turn, llm_calls, total_tokens, chat, epoch(started_at) AS began, x.duration_ms
        FROM executions AS x JOIN execution_events AS e USING (id) WHERE x.agent_name = 'agent'
        ORDER BY x.execution_order
    """)
    cut_off = {"status": "LLM_RESPONSE", "is_turn": False}
    wanted = [cut_off] * min(tries, 2) + [{"status": "SUCCESS", "is_turn": True}] * (tries == 3)
    assert [{name: row[name] for name in ("status", "is_turn")} for row in found] == wanted
    assert all((row["llm_calls"], row["total_tokens"]) == (1, 200) for row in found)
    assert [row["chat"] for row in found] == list(range(tries))
    for row, at in zip(found, asked, strict=True):
        assert row["began"] <= at <= row["began"] + row["duration_ms"] / 1000
    chain = [row["call_depth"] for row in answer(tables.out, "call_chain", run_id="tries")]
    assert chain == [0, 0, 1] * tries


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups of exceptions came with Python 3.11")
@pytest.mark.few
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_group_of_exceptions_is_those_in_it(is_nested: bool, runs: Path, ingested: Ingest) -> None:
    """Chats at once in a `TaskGroup`: what fails there counts once each, and the group is none beside them."""

    async def both() -> None:
        together = asyncio.Barrier(2)

        def failing(name: str) -> Any:
            agent = talker(name)

            async def reply(*given: Any, **options: Any) -> Any:
                await together.wait()
                raise ValueError(name)

            agent.register_reply([ConversableAgent, None], reply, position=0, ignore_async_in_sync_chat=True)
            return talker(f"{name}'s").a_initiate_chat(agent, **IN_CHAT)

        async with asyncio.TaskGroup() as group:
            group.create_task(failing("one"))
            group.create_task(failing("two"))

    lead = talker("lead")

    async def ask(*given: Any, **options: Any) -> Any:
        await both()

    lead.register_reply([ConversableAgent, None], ask, position=0, ignore_async_in_sync_chat=True)
    raised: list[BaseException] = []
    try:
        with capture.start(runs, run_id="group", console=False):
            asyncio.run(talker("user").a_initiate_chat(lead, **GO) if is_nested else both())
    except BaseExceptionGroup as group:  # noqa: F821
        raised = list(group.exceptions)
    assert len(raised) == 2
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    assert [(row["error_type"], row["count"]) for row in answer(tables.out, "errors")] == [("ValueError", 2)]
    failed = {row["agent_name"] for row in answer(tables.out, "failed_executions")}
    assert failed == ({"one", "two", "lead"} if is_nested else {"one", "two"})


@pytest.mark.few
@pytest.mark.parametrize("how", ["agent", "client", "marked", "async"])
def test_a_model_that_fails_in_a_tool_and_with_it_the_tool_are_one_failure(
    how: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The tool asks a model outside of any chat, and does not catch what that raises."""
    llm = scripted_llm(
        {"worker": [Reply(calls=(Call("ask", {}),)), "done"], "expert": [Failure(400, "no"), Failure(400, "no")]}
    )
    worker, expert = (
        ConversableAgent(name, f"You are {name}.", llm_config=llm.config(), **QUIET) for name in ("worker", "expert")
    )
    user = talker("user")
    words: Any = [{"role": "user", "content": "x"}]
    system: Any = [{"role": "system", "content": "You are expert."}]

    def ask() -> str:
        with suppress(Exception):
            expert.generate_reply(words)
        if how == "client":
            return str(expert.client.create(messages=system + words))
        with run.timed("decision", "look") if how == "marked" else nullcontext():
            return str(expert.generate_reply(words))

    async def a_ask() -> str:
        with suppress(Exception):
            await expert.a_generate_reply(words)
        return str(await expert.a_generate_reply(words))

    register_function(a_ask if how == "async" else ask, caller=worker, executor=user, name="ask", description="asks")
    with capture.start(runs, run_id="tool", console=False) as run:
        if how == "async":
            asyncio.run(user.a_initiate_chat(worker, message="go", max_turns=2))
        else:
            user.initiate_chat(worker, message="go", max_turns=2)
    assert [request.system.split()[-1] for request in llm.requests] == ["worker.", "expert.", "expert.", "worker."]
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    counted = {row["event_type"]: row["count"] for row in answer(tables.out, "errors")}
    assert counted == {"llm_call": 1, "tool_call": 1}


def test_a_choice_of_a_speaker_that_fails_is_ag2s_own(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Its turn is marked as that of any choice, and it was AG2's other agent that asked."""
    llm = scripted_llm([Failure(400, "no")])
    members: list[Any] = [talker("a"), talker("b"), talker("c")]
    group = GroupChat(members, messages=[], max_round=3)
    with suppress(Exception), capture.start(runs, run_id="choice", console=False):
        members[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=llm.config()), **GO)
    tables = ingested(runs)
    (turn,) = tables.sql(
        "SELECT agent_name, meta->>'internal' AS mark FROM execution_events WHERE status = 'failed' "
        "AND event_subtype = 'unspoken'"
    )
    assert turn == {"agent_name": "speaker_selection_agent", "mark": "true"}
    chain = answer(tables.out, "call_chain", run_id="choice")
    assert [row["caller"] for row in chain if row["callee"] == "speaker_selection_agent"] == ["checking_agent"]


def test_who_was_asked_by_code_was_not_chosen(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """A member of a group whose model only answers another member's reply function."""
    llm = scripted_llm(["some words"])
    asked = ConversableAgent("asked", llm_config=llm.config(), **QUIET)
    asker = talker("asker")
    asker.register_reply(
        [ConversableAgent, None],
        lambda *given, **options: (True, str(asked.generate_reply([{"role": "user", "content": "x"}]))),
        position=0,
    )
    group = GroupChat(
        [talker("a"), asker, asked], messages=[], max_round=2, speaker_selection_method=lambda last, group: asker
    )
    with capture.start(runs, run_id="asked", console=False):
        group.agents[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=False), **GO)
    assert len(llm.requests) == 1
    told = {row["agent_name"]: row for row in answer(ingested(runs).out, "why_silent", run_id="asked")}
    assert (told["asked"]["status"], told["asked"]["executions"], told["asked"]["chosen_instead"]) == (
        "skipped",
        1,
        ["asker"],
    )


@pytest.mark.few
@pytest.mark.parametrize("end", ["timeout", "key"])
def test_a_turn_that_is_cut_off_in_a_nested_chat_is_in_it(
    end: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """It is as deep as the words with which the chat was opened, and answers them."""
    side, lead = talker("side"), talker("lead")

    async def wait(*given: Any, **options: Any) -> tuple[bool, str]:
        if end == "key":
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(5)
        return True, "late"

    async def ask(*given: Any, **options: Any) -> tuple[bool, str]:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(talker("in").a_initiate_chat(side, **IN_CHAT), 0.3)
        return True, "no answer in time"

    side.register_reply([ConversableAgent, None], wait, position=0, ignore_async_in_sync_chat=True)
    lead.register_reply([ConversableAgent, None], ask, position=0, ignore_async_in_sync_chat=True)
    with suppress(KeyboardInterrupt), capture.start(runs, run_id="nested", console=False):
        asyncio.run(talker("user").a_initiate_chat(lead, **GO))
    tables = ingested(runs)
    (cut_off,) = [turn for turn in turns(tables) if turn[1] == "side"]
    assert cut_off[:4] == (1, "side", "unspoken", "pending")
    (call,) = [row for row in answer(tables.out, "call_chain", run_id="nested") if row["callee"] == "side"]
    assert (call["caller"], call["call_depth"]) == ("in", 1)


def test_the_late_answer_of_a_cancelled_turn_is_its_last_call(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The first model of the list failed before, and the turn did not."""

    def script(request: Any) -> Any:
        if is_warming(request):
            return "warm"
        if request.body["model"] == "broken":
            return Failure(400, "no")
        time.sleep(0.8)
        return Reply("late", usage=(10, 11))

    good = scripted_llm(script).config()["config_list"]
    config = {"config_list": [{**good[0], "model": "broken"}, *good]}
    agent = warm(ConversableAgent("agent", llm_config=config, **QUIET))

    async def run() -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(talker("user").a_initiate_chat(agent, **GO), 0.4)
        await asyncio.sleep(0.6)
        await talker("second").a_initiate_chat(talker("third"), **GO)

    with capture.start(runs, run_id="late", console=False):
        asyncio.run(run())
    tables = ingested(runs)
    (execution,) = tables.sql(
        "SELECT status, failed_stage, llm_calls, call_id FROM executions WHERE agent_name = 'agent'"
    )
    calls = tables.sql("SELECT id, status FROM execution_events WHERE event_type = 'llm_call' ORDER BY execution_order")
    assert [call["status"] for call in calls] == ["failed", "completed"]
    assert tuple(execution.values()) == ("LLM_RESPONSE", None, 2, calls[1]["id"])
    assert tables.one("SELECT min(execution_order) FROM execution_events WHERE agent_name = 'second'") == 4


def test_a_call_that_the_run_did_not_wait_for_is_pending(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Nobody knows what came of it: it is no failure, and has no quality."""

    def script(request: Any) -> Any:
        time.sleep(0 if is_warming(request) else 1)
        return "late"

    agent = warm(ConversableAgent("agent", llm_config=scripted_llm(script).config(), **QUIET))

    async def run() -> None:
        with capture.start(runs, run_id="over", console=False), suppress(asyncio.TimeoutError):
            await asyncio.wait_for(talker("user").a_initiate_chat(agent, **GO), 0.3)

    asyncio.run(run())
    tables = ingested(runs)
    (call,) = tables.sql("SELECT status, error_message, response, response_valid FROM llm_calls")
    assert call == {"status": "pending", "error_message": None, "response": None, "response_valid": None}
    (execution,) = tables.sql("SELECT status, current_stage FROM executions WHERE agent_name = 'agent'")
    assert execution == {"status": "LLM_RESPONSE", "current_stage": "LLM_CALL"}
    assert tables.one("SELECT errors FROM runs") == 0
    assert answer(tables.out, "failed_executions") == answer(tables.out, "poor_responses", threshold=1) == []


@pytest.mark.few
@pytest.mark.parametrize("error", [AssertionError, KeyboardInterrupt, SystemExit, ValueError])
@pytest.mark.parametrize("words", ["", "no rows"])
def test_an_exception_without_words_counts_as_one_with_some(
    words: str, error: type[BaseException], runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """It leaves what the user marked in a tool, and then the tool; its text is the name of its type."""
    llm = scripted_llm([Reply(calls=(Call("load", {}),)), "done"])
    worker, user = ConversableAgent("worker", llm_config=llm.config(), **QUIET), talker("user")

    def load() -> str:
        with run.timed("tool_call", "load"):
            raise error(words) if words else error

    register_function(load, caller=worker, executor=user, description="loads")
    with suppress(BaseException), capture.start(runs, run_id="words", console=False) as run:
        user.initiate_chat(worker, message="go", max_turns=2)
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 1
    (told,) = answer(tables.out, "errors")
    assert (told["event_type"], told["error_type"], told["count"]) == ("tool_call", error.__name__, 1)
    assert tables.sql("SELECT error_message FROM tool_calls") == [{"error_message": words or error.__name__}]
    (usage,) = answer(tables.out, "tool_usage")
    assert usage["usage_count"] == 1


def test_a_summary_of_a_chat_that_is_over_was_not_cut_off(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """The model's call for it led to no words of its own, and the run was interrupted later."""
    llm = scripted_llm(lambda request: "some words")
    agent, lead = ConversableAgent("agent", llm_config=llm.config(), **QUIET), talker("lead")
    lead.register_reply([ConversableAgent, None], lambda *given, **options: (True, str(interrupt())), position=0)
    with suppress(KeyboardInterrupt), capture.start(runs, run_id="sum", console=False):
        talker("user").initiate_chat(agent, message="go", max_turns=1, summary_method="reflection_with_llm")
        talker("user").initiate_chat(lead, **GO)
    assert len(llm.requests) == 2
    found = ingested(runs).sql("SELECT status, is_turn, llm_calls FROM executions ORDER BY execution_order")
    assert [tuple(row.values()) for row in found] == [
        ("SUCCESS", True, 0),
        ("SUCCESS", True, 1),
        ("SUCCESS", False, 1),
        ("SUCCESS", True, 0),
        ("LLM_RESPONSE", False, 0),
    ]


def wrapped(agent: ConversableAgent) -> ConversableAgent:
    """As a tool for tracing does it: between AG2 and the agent's reply stands another function."""
    reply = agent.generate_reply
    agent.generate_reply = lambda *given, **options: reply(*given, **options)  # type: ignore[method-assign]
    return agent


class Leads(GroupChatManager):
    """A manager with a loop of its own."""

    def lead(self, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        """Asks the second member."""
        speaker = self._groupchat.agents[1]
        speaker.send(speaker.generate_reply([{"role": "user", "content": "x"}], sender=self), self, request_reply=False)
        return True, None


@pytest.mark.few
@pytest.mark.parametrize("end", ["raises", "opens"])
@pytest.mark.parametrize("how", ["wrapped", "own loop"])
def test_a_member_is_asked_however_its_manager_does_it(how: str, end: str, runs: Path, ingested: Ingest) -> None:
    """Its turn is no part of the manager's."""
    side = talker("side")
    member = raising("member") if end == "raises" else talker("member")
    if end == "opens":
        nested = {
            "sender": talker("in"),
            "recipient": side,
            "message": "hm",
            "max_turns": 1,
            "summary_method": "last_msg",
        }
        member.register_nested_chats([nested], trigger=lambda sender: True)
    user = talker("user")
    chat = GroupChat(
        [user, wrapped(member) if how == "wrapped" else member],
        messages=[],
        max_round=2,
        speaker_selection_method="round_robin",
    )
    boss = (GroupChatManager if how == "wrapped" else Leads)(chat, name="boss", llm_config=False)
    if how == "own loop":
        boss.register_reply([ConversableAgent, None], Leads.lead, position=0)
    with suppress(ValueError), capture.start(runs, run_id="asked", console=False):
        user.initiate_chat(boss, **GO)
    tables = ingested(runs)
    found = [turn for turn in turns(tables) if turn[1] in ("member", "boss")]
    if end == "raises":
        assert [turn[:4] for turn in found if turn[2] != "error"] == [(0, "member", "unspoken", "failed")]
    else:
        assert [turn[:3] for turn in found] == [(0, "member", "message")]
        (opening,) = tables.sql(
            "SELECT o.agent_name FROM execution_events e JOIN execution_events o ON o.id = "
            "e.parent_event_id WHERE e.agent_name = 'in' AND e.event_type = 'agent_call'"
        )
        assert opening == {"agent_name": "member"}


@pytest.mark.few
@pytest.mark.parametrize("where", ["tool", "thread"])
def test_an_equal_exception_of_another_chat_ends_no_call(
    where: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A tool has failed, and AG2 will say so; before it does, a chat in the next tool or another thread fails alike."""
    llm = scripted_llm([Reply(calls=(Call("first", {}), Call("second", {}))), "done"])
    worker, user = ConversableAgent("worker", llm_config=llm.config(), **QUIET), talker("user")
    other = talker("other")

    def fail(*given: Any, **options: Any) -> Any:
        raise ValueError("no network")

    def first() -> str:
        return str(fail())

    def ask() -> None:
        with suppress(ValueError):
            talker("in").initiate_chat(other, **IN_CHAT)

    def second() -> str:
        if where == "tool":
            ask()
        else:
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
        return "fine"

    other.register_reply([ConversableAgent, None], fail, position=0)
    for tool in (first, second):
        register_function(tool, caller=worker, executor=user, description="does it")
    with capture.start(runs, run_id="alike", console=False):
        user.initiate_chat(worker, message="go", max_turns=2)
    tables = ingested(runs)
    assert tables.sql("SELECT tool_name, status FROM tool_calls ORDER BY 1") == [
        {"tool_name": "first", "status": "failed"},
        {"tool_name": "second", "status": "completed"},
    ]
    assert tables.one("SELECT errors FROM runs") == 2
    assert sorted(row["event_type"] for row in answer(tables.out, "errors")) == ["error", "tool_call"]


def test_who_outlives_the_timeout_of_its_nested_chat_is_done(runs: Path, ingested: Ingest) -> None:
    """It says nothing after it, and its own chat ends as it should."""
    lead, side = talker("lead"), talker("side")

    async def wait(*given: Any, **options: Any) -> tuple[bool, str]:
        await asyncio.sleep(5)
        return True, "late"

    async def ask(*given: Any, **options: Any) -> tuple[bool, None]:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(talker("in").a_initiate_chat(side, **IN_CHAT), 0.2)
        return True, None

    side.register_reply([ConversableAgent, None], wait, position=0, ignore_async_in_sync_chat=True)
    lead.register_reply([ConversableAgent, None], ask, position=0, ignore_async_in_sync_chat=True)
    with capture.start(runs, run_id="done", console=False):
        asyncio.run(talker("user").a_initiate_chat(lead, **GO))
    found = {turn[1]: turn[3] for turn in turns(ingested(runs)) if turn[2] == "unspoken"}
    assert found == {"lead": "completed", "side": "pending"}


@pytest.mark.few
@pytest.mark.parametrize("what", ["summary_method", "message"])
def test_who_is_interrupted_in_a_chat_for_words_of_another_is_in_that(what: str, runs: Path, ingested: Ingest) -> None:
    """A summary or an opening that a function makes up, which opens a chat for it: one turn is cut off, not two."""
    side = talker("side")
    side.register_reply([ConversableAgent, None], lambda *given, **options: (True, str(interrupt())), position=0)

    def make(*given: Any, **options: Any) -> str:
        return str(talker("in").initiate_chat(side, **IN_CHAT).summary)

    with suppress(KeyboardInterrupt), capture.start(runs, run_id="words", console=False):
        talker("user").initiate_chat(talker("lead"), **{**GO, what: make})
    tables = ingested(runs)
    assert [turn[1] for turn in turns(tables) if turn[3] == "pending"] == ["side"]
    assert tables.one("SELECT count(*) FROM executions WHERE agent_name = 'side'") == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups of exceptions came with Python 3.11")
def test_a_group_of_words_that_were_caught_before_is_a_failure(runs: Path, ingested: Ingest) -> None:
    """The user's own group has nothing to do with the chat."""
    with suppress(BaseException), capture.start(runs, run_id="group", console=False) as run:
        with suppress(ValueError):
            talker("user").initiate_chat(raising("lead"), **GO)
        with run.timed("tool_call", "load"):
            raise ExceptionGroup("both", [ValueError("out of ideas")])  # noqa: F821
    tables = ingested(runs)
    assert tables.one("SELECT errors FROM runs") == 2
    assert {row["error_type"] for row in answer(tables.out, "errors")} == {"ValueError", "ExceptionGroup"}


def test_a_member_that_was_spoken_to_elsewhere_was_chosen(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Not by its group, but in a chat of two, where its model's answer was thrown away."""
    asked = ConversableAgent("asked", llm_config=scripted_llm(["some words"]).config(), **QUIET)

    def nothing(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        self.generate_oai_reply(messages, sender)
        return True, None

    asked.register_reply([ConversableAgent, None], nothing, position=0)
    members: list[Any] = [talker("a"), talker("b"), asked]
    group = GroupChat(members, messages=[], max_round=2, speaker_selection_method=lambda last, group: members[1])
    with capture.start(runs, run_id="two", console=False):
        members[0].initiate_chat(GroupChatManager(group, name="boss", llm_config=False), **GO)
        talker("user").initiate_chat(asked, **GO)
    told = {row["agent_name"]: row["status"] for row in answer(ingested(runs).out, "why_silent", run_id="two")}
    assert told["asked"] == "chosen"


def test_what_another_thread_marks_ends_no_idle_stretch(runs: Path, ingested: Ingest) -> None:
    """An action outside of any chat belongs to the last turn only where that was in its thread."""
    a, b, last = talker("a"), talker("b"), talker("last")
    turn, marked, over = threading.Event(), threading.Event(), threading.Event()

    def reply(*given: Any, **options: Any) -> tuple[bool, str]:
        turn.set()
        marked.wait(5)
        marked.clear()
        return True, "thanks"

    def wait(*given: Any, **options: Any) -> tuple[bool, str]:
        turn.set()
        return over.wait(5), "at last"

    b.register_reply([ConversableAgent, None], reply, position=0)
    last.register_reply([ConversableAgent, None], wait, position=0)
    with capture.start(runs, run_id="marks", console=False) as run:

        def at_once(chat: Callable[[], Any]) -> threading.Thread:
            thread = threading.Thread(target=contextvars.copy_context().run, args=(chat,))
            thread.start()
            assert turn.wait(5)
            return thread

        chats = [at_once(lambda: talker("first").initiate_chat(last, **GO))]  # so that the next one is named
        turn.clear()
        chats.append(at_once(lambda: a.initiate_chat(b, message="thanks", max_turns=4)))
        for _ in range(4):
            assert turn.wait(5)
            turn.clear()
            with run.timed("tool_call", "poll"):
                pass
            marked.set()
        over.set()
        for chat in chats:
            chat.join()
    (stretch,) = answer(ingested(runs).out, "alternations")
    assert (stretch["agents"], stretch["turns"]) == (["a", "b"], 8)


@pytest.mark.few
@pytest.mark.parametrize("order", ["each after the other", "both at once"])
def test_failing_models_in_marked_actions_of_tools_count_once_each(
    order: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Two calls of one tool, whose model fails with the same words."""
    llm = scripted_llm(
        {
            "worker": [Reply(calls=(Call("ask", {"x": 1}), Call("ask", {"x": 2}))), "done"],
            "expert": [Failure(400, "no"), Failure(400, "no")],
        }
    )
    worker, expert = (
        ConversableAgent(name, f"You are {name}.", llm_config=llm.config(), **QUIET) for name in ("worker", "expert")
    )
    user, together = talker("user"), threading.Barrier(2)

    async def ask(x: int) -> str:
        with run.timed("tool_call", "look"):
            try:
                return str(await expert.a_generate_reply([{"role": "user", "content": "x"}]))
            finally:
                if order == "both at once":
                    await asyncio.to_thread(together.wait, 5)

    register_function(ask, caller=worker, executor=user, description="asks")
    if order != "both at once":
        together.abort()
    with capture.start(runs, run_id="marked", console=False) as run, suppress(threading.BrokenBarrierError):
        asyncio.run(user.a_initiate_chat(worker, message="go", max_turns=2))
    tables = ingested(runs)
    assert len(llm.requests) == 4
    assert tables.one("SELECT errors FROM runs") == sum(row["count"] for row in answer(tables.out, "errors")) == 2
