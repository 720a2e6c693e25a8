"""Agents whose reply is made by a function of the user's, which may ask a model by itself."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import (
    Agent,
    ConversableAgent,
    GroupChat,
    GroupChatManager,
    OpenAIWrapper,
    register_function,
    runtime_logging,
)

import capture
from sample_runs.scripted_llm import Reply, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.talkers import GO, QUIET, chat

pytestmark = pytest.mark.first(4)


@pytest.mark.few
@pytest.mark.parametrize("is_async", [False, True])
def test_a_model_that_a_reply_function_asks_is_asked_by_its_agent(
    is_async: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Its call, tokens and cost are of the turn that it makes; AG2 does not say who asked."""
    llm = scripted_llm(["the answer"])
    wrapper = OpenAIWrapper(**llm.config())
    custom, user = (
        ConversableAgent("custom", llm_config=False, **QUIET),
        ConversableAgent("user", llm_config=False, **QUIET),
    )

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, str]:
        return True, wrapper.create(messages=messages).choices[0].message.content

    custom.register_reply([Agent, None], reply, position=0)
    with capture.start(runs, run_id="r", console=False):
        chat(user, custom, is_async, **GO)
    tables = ingested(runs)
    assert len(llm.requests) == 1
    (turn,) = tables.sql("SELECT llm_calls, total_tokens FROM executions WHERE agent_name = 'custom'")
    assert turn == {"llm_calls": 1, "total_tokens": tables.one("SELECT total_tokens FROM runs")}
    assert turn["total_tokens"] > 0


def test_a_model_that_a_tool_asks_is_asked_by_the_tool(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Who runs the tool has no call of its own."""
    llm = scripted_llm([call("ask"), "said to the tool", Reply("done")])
    wrapper = OpenAIWrapper(**llm.config())
    asker, runner = (
        ConversableAgent("asker", llm_config=llm.config(), **QUIET),
        ConversableAgent("runner", llm_config=False, **QUIET),
    )

    def ask() -> str:
        return str(wrapper.create(messages=[{"role": "user", "content": "hi"}]).choices[0].message.content)

    register_function(ask, caller=asker, executor=runner, description="Asks.")
    with capture.start(runs, run_id="r", console=False):
        runner.initiate_chat(asker, message="go", max_turns=2)
    tables = ingested(runs)
    agents = tables.sql("SELECT agent_name FROM llm_calls ORDER BY started_at")
    assert [row["agent_name"] for row in agents] == ["asker", None, "asker"]
    tool, parent = tables.one("SELECT event_id FROM tool_calls"), "SELECT parent_event_id FROM execution_events"
    assert tables.one(f"{parent} WHERE event_type = 'llm_call' AND agent_name IS NULL") == tool


def test_a_reply_in_another_ones_name_is_one_message(runs: Path, ingested: Ingest) -> None:
    """AG2 saves the name that a message brings along in place of its sender's, also of who opens a chat."""
    relay, user = (
        ConversableAgent("relay", llm_config=False, **QUIET),
        ConversableAgent("user", llm_config=False, default_auto_reply="and?", **QUIET),
    )

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, dict[str, str]]:
        return True, {"content": f"answer {len(messages)}", "name": "expert"}

    relay.register_reply([Agent, None], reply, position=0)
    with capture.start(runs, run_id="r", console=False) as run:
        run.save_messages(user.initiate_chat(relay, message={"content": "go", "name": "customer"}, max_turns=2))
    said = ingested(runs).sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in said] == [
        ("user", "go"),
        ("relay", "answer 1"),
        ("user", "and?"),
        ("relay", "answer 3"),
    ]
    assert all(m["source"].endswith("+transcript") for m in said)


def test_a_reply_in_another_ones_name_is_the_members_in_a_group(runs: Path, ingested: Ingest) -> None:
    """There AG2 puts the speaker's name in its place."""
    first, relay = (
        ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} says", **QUIET)
        for name in ("first", "relay")
    )

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        return True, messages[-1]

    relay.register_reply([Agent, None], reply, position=0)
    group = GroupChat([first, relay], [], max_round=4, speaker_selection_method="round_robin")
    manager = GroupChatManager(group, llm_config=False, **QUIET)
    with capture.start(runs, run_id="r", console=False) as run:
        first.initiate_chat(manager, message="go")
        run.save_messages(group)
    said = ingested(runs).sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in said] == [(m["name"], m["content"]) for m in group.messages]
    assert all(m["source"].endswith("+transcript") for m in said)


@pytest.mark.few
@pytest.mark.parametrize("opens_chat", [True, False])
@pytest.mark.parametrize("channel", ["journal", "file", "sqlite"])
def test_what_an_agent_passes_on_to_another_is_a_message(
    channel: Any, opens_chat: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the name of who said it first, as have those that the manager of a group says again. This is none."""
    monkeypatch.chdir(runs)
    if channel == "journal":
        capture.start("runs", run_id="r", console=False)
    else:
        runtime_logging.start(logger_type=channel, config={"filename": "a.log", "dbname": "a.db"})
    try:
        front, expert, user = (
            ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} says", **QUIET)
            for name in ("front", "expert", "user")
        )

        def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
            if opens_chat:
                front.initiate_chat(expert, message=messages[-1], max_turns=1)
            else:
                front.send(messages[-1], expert, request_reply=True)
            return True, front.last_message(expert)

        front.register_reply(user, reply, position=0)
        user.initiate_chat(front, message="go", max_turns=1)
    finally:
        runtime_logging.stop()
        if run := capture.current():
            run.close()
    said = ingested(runs).sql("SELECT sender, recipient, content FROM messages ORDER BY message_order")
    assert [tuple(m.values()) for m in said] == [
        ("user", "front", "go"),
        ("front", "expert", "go"),
        ("expert", "front", "expert says"),
        ("front", "user", "expert says"),
    ]


class Boss(GroupChatManager):
    """A manager of a class that AG2 does not know."""


@pytest.mark.parametrize("channel", ["file", "sqlite"])
def test_a_manager_of_the_users_own_class_says_again_what_was_said(
    channel: Any, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that was made before the log began AG2 tells the class alone."""
    monkeypatch.chdir(runs)
    members = [ConversableAgent(name, llm_config=False, default_auto_reply=name, **QUIET) for name in ("a", "b", "c")]
    group = GroupChat(members, [], max_round=4, speaker_selection_method="round_robin")
    boss = Boss(group, name="boss", llm_config=False, **QUIET)
    runtime_logging.start(logger_type=channel, config={"filename": "a.log", "dbname": "a.db"})
    try:
        members[0].initiate_chat(boss, message="go")
    finally:
        runtime_logging.stop()
    said = ingested(runs).sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in said] == [(m["name"], m["content"]) for m in group.messages]


@pytest.mark.parametrize("saves", [False, True])
def test_what_an_agent_says_in_another_name_is_one_message(saves: bool, runs: Path, ingested: Ingest) -> None:
    """A saved history names the author that the reply names; whoever that is, nobody of that name has said it."""
    user = ConversableAgent("user", llm_config=False, default_auto_reply="and?", **QUIET)
    lead = ConversableAgent("lead", llm_config=False, **QUIET)

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        return True, {"content": "so", "name": "user" if len(messages) > 2 else "alias"}

    lead.register_reply([Agent, None], reply, position=0)
    with capture.start(runs, run_id="r", console=False) as run:
        result = user.initiate_chat(lead, message="go", max_turns=3)
        if saves:
            run.save_messages(result)
    who = {"assistant": "user", "user": "lead"}
    history = [(who[message["role"]], message["content"]) for message in result.chat_history]
    said = ingested(runs).sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in said] == history
    assert all(("transcript" in m["source"]) == saves for m in said)


@pytest.mark.parametrize("saved", ["changed", "as said"])
def test_words_that_a_hook_changes_in_the_history_are_one_message(saved: str, runs: Path, ingested: Ingest) -> None:
    """As AG2's Teachability does: what was said counts. The other agent's history has it as it was."""
    user, lead = (
        ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} says", **QUIET)
        for name in ("user", "lead")
    )
    user.register_hook("process_last_received_message", lambda content: f"{content}\n# Memories\nnone")
    with capture.start(runs, run_id="r", console=False) as run:
        result = user.initiate_chat(lead, message="go", max_turns=4)
        run.save_messages(result if saved == "changed" else lead.chat_messages[user])
        user.initiate_chat(lead, message="again", max_turns=2)
    assert any("Memories" in message["content"] for message in result.chat_history)
    said = ingested(runs).sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [(m["sender"], m["content"]) for m in said] == [
        ("user", "go"),
        *[("lead", "lead says"), ("user", "user says")] * 3,
        ("lead", "lead says"),
        *[("user", "again"), ("lead", "lead says"), ("user", "user says"), ("lead", "lead says")],
    ]
    assert [m["source"] for m in said] == ["event+transcript"] * 8 + ["event"] * 4


@pytest.mark.parametrize("is_between", [False, True])
def test_a_history_of_another_chat_that_began_alike_is_kept(is_between: bool, runs: Path, ingested: Ingest) -> None:
    """What stands in it in the places of a run's messages is no other form of these."""
    user = ConversableAgent("user", llm_config=False, default_auto_reply="and?", **QUIET)
    lead = ConversableAgent("lead", llm_config=False, **QUIET)
    answers = iter(["one", "same", "two", "same"] if is_between else ["one", "two", "three", "four"])
    lead.register_reply([Agent, None], lambda *args, **kwargs: (True, next(answers)), position=0)
    before = [*user.initiate_chat(lead, message="go", max_turns=2).chat_history]
    with capture.start(runs, run_id="r", console=False) as run:
        result = user.initiate_chat(lead, message="go", max_turns=2)
        run.save_messages(before)
        run.save_messages(result)
    said = ingested(runs).sql("SELECT content FROM messages")
    contents = {message["content"] for message in [*before, *result.chat_history]}
    assert {m["content"] for m in said} == contents
