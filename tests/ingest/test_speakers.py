"""Who asked for a tool and who ran it, in histories of two that do not name them; nobody where it is not sure."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.speakers import MAX_WAITING
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import Agent, ConversableAgent, GroupChat, GroupChatManager, register_function

import capture
from sample_runs.scripted_llm import Call, Reply
from tests.conftest import StartLLM

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
Message = dict[str, Any]


def request(call_id: str | None, name: str | None = None) -> Message:
    """A message that asks for `look`; in the legacy form without an id."""
    function = {"name": "look", "arguments": "{}"}
    asked = {"function_call": function} if call_id is None else {"tool_calls": [{"id": call_id, "function": function}]}
    return {"role": "assistant", "content": None, **({"name": name} if name else {}), **asked}


def answer(call_id: str | None, name: str | None = None) -> Message:
    """The answer to it, in the shape of AG2 where it has a name, else in that of OpenAI's API."""
    if call_id is None:
        return {"role": "function", "name": "look", "content": "seen"}
    if name is None:
        return {"role": "tool", "tool_call_id": call_id, "content": "seen"}
    return {"role": "tool", "name": name, "content": "seen", "tool_responses": [answer(call_id)]}


def said(name: str, role: str) -> Message:
    """A message of words."""
    return {"role": role, "name": name, "content": f"{name} says"}


OWN, OTHER = said("runner", "assistant"), said("asker", "user")


def senders(tables: Tables) -> list[str | None]:
    """Of all messages, in order."""
    return [row["sender"] for row in tables.sql("SELECT sender FROM messages ORDER BY message_order")]


@pytest.mark.slow
@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("form", ["tools", "legacy"])
def test_a_history_of_two_says_who_asked_and_who_ran(
    form: str, saved: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """AG2's own history, in a file or beside the journal: the agents are those of whom the journal tells."""
    llm = scripted_llm([Reply(calls=(Call("look", {}), Call("look", {}))), Reply(calls=(Call("look", {}),)), "Done."])
    ran: list[str] = []

    def look() -> str:
        ran.append("look")
        return "seen"

    asker = ConversableAgent("asker", llm_config=llm.config(), **QUIET)
    runner = ConversableAgent("runner", llm_config=False, **QUIET)
    if form == "tools":
        register_function(look, caller=asker, executor=runner, description="Looks.")
    else:
        runner.register_function({"look": look})
        replies = iter([request(None), request(None), "Done."])
        asker.register_reply([Agent, None], lambda *_, **__: (True, next(replies)), position=0)
    with capture.start(runs, run_id="r", console=False) as run:
        result = runner.initiate_chat(asker, message="Go.", max_turns=3)
        run.save_messages(result)
    if not saved:
        (runs / "r" / "journal.jsonl").unlink()
        (runs / "r" / "history.json").write_text(json.dumps(result.chat_history))
    assert None in {m.get("name") for m in result.chat_history}
    tables = ingested(runs if saved else runs / "r" / "history.json")
    assert senders(tables) == ["runner", "asker"] * 3
    calls = tables.sql("SELECT agent_name, executor FROM tool_calls")
    assert calls == [{"agent_name": "asker", "executor": "runner"}] * len(ran)
    events = tables.events("agent_call") + tables.events("handoff")
    events.sort(key=lambda e: e["execution_order"])
    assert [(e["event_type"], e["agent_name"]) for e in events] == [
        ("agent_call", "runner"),
        *[("handoff", "runner"), ("agent_call", "asker"), ("handoff", "asker"), ("agent_call", "runner")] * 2,
        ("handoff", "runner"),
        ("agent_call", "asker"),
    ]


UNSURE: dict[str, list[Message]] = {
    "only one is named": [OWN, request("1"), answer("1", "runner")],
    "a third speaks": [OWN, request("1"), answer("1", "runner"), OTHER, said("boss", "user")],
    "all are heard as users": [said("runner", "user"), request("1"), answer("1", "runner"), OTHER],
    "words without a name": [OWN, request("1"), answer("1", "runner"), {"role": "assistant", "content": "x"}, OTHER],
    "no turns": [OWN, OWN, request(None), answer(None), OTHER, OWN],
}
"""Chats in which it is not sure who asked."""


@pytest.mark.few
@pytest.mark.parametrize("case", UNSURE)
def test_nobody_is_named_where_it_is_not_sure(case: str, runs: Path, ingested: Ingest) -> None:
    """What the messages do not say stays open."""
    chat = UNSURE[case]
    (runs / "t.json").write_text(json.dumps(chat))
    tables = ingested(runs)
    named = [m.get("name") if m["role"] != "function" else None for m in chat]
    assert senders(tables) == named
    assert tables.sql("SELECT agent_name FROM tool_calls") == [{"agent_name": None}]


@pytest.mark.parametrize("ids", [("1", "2"), (None, None)])
def test_a_tool_of_a_program_is_run_by_no_agent(ids: tuple[str | None, ...], runs: Path, ingested: Ingest) -> None:
    """In the shape of OpenAI's API the assistant asks, and the program around it answers, not the user."""
    person, bot = said("person", "user"), said("bot", "assistant")
    chat = [{"role": "system", "content": "Be brief."}, person]
    for call_id in ids:
        chat += [request(call_id), answer(call_id)]
    (runs / "t.json").write_text(json.dumps([*chat, bot, person, bot]))
    tables = ingested(runs)
    assert senders(tables) == [None, "person", "bot", None, "bot", None, "bot", "person", "bot"]
    assert tables.sql("SELECT agent_name, executor FROM tool_calls") == [{"agent_name": "bot", "executor": None}] * 2


def test_several_answers_are_one_turn(runs: Path, ingested: Ingest) -> None:
    """Two answers in messages of their own do not shift the turns."""
    asks = request("1")
    asks["tool_calls"].append({**asks["tool_calls"][0], "id": "2"})
    again = request("3")
    chat = [said("person", "user"), asks, answer("1"), answer("2"), again, answer("3"), said("bot", "assistant")]
    (runs / "t.json").write_text(json.dumps(chat))
    tables = ingested(runs)
    assert senders(tables) == ["person", "bot", None, None, "bot", None, "bot"]


def test_who_is_asked_for_a_tool_runs_it_although_nobody_takes_turns(runs: Path, ingested: Ingest) -> None:
    """The answer has a name, so the other one asked."""
    chat = [OWN, OWN, request("1"), answer("1", "runner"), OTHER]
    (runs / "t.json").write_text(json.dumps(chat))
    assert senders(ingested(runs)) == ["runner", "runner", "asker", "runner", "asker"]


@pytest.mark.slow
def test_a_chat_longer_than_what_waits_is_told_in_order(runs: Path, ingested: Ingest) -> None:
    """Its messages are all there, in order, as they say themselves."""
    chat = [OWN, request("1"), answer("1", "runner"), OTHER] + [OWN, OTHER] * (MAX_WAITING // 2)
    (runs / "t.json").write_text(json.dumps(chat))
    assert senders(ingested(runs)) == [m.get("name") for m in chat]


@pytest.mark.few
@pytest.mark.parametrize("in_group", [False, True])
def test_words_that_a_safeguard_blocks(in_group: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """AG2 puts others in their place, under the role of a function's answer: that is no tool call, nor another turn."""
    safeguards = pytest.importorskip("autogen.agentchat.group.safeguards")
    secrets = iter(["my secret123"])
    server = scripted_llm(lambda request: next(secrets, "fine") if "anna" in request.system else "fine")
    anna, bert = (
        ConversableAgent(n, system_message=f"You are {n}.", llm_config=server.config(), **QUIET)
        for n in ("anna", "bert")
    )
    about = {"check_method": "regex", "pattern": r"secret\d+", "violation_response": "block"}
    rule = {"message_source": "anna", "message_destination": "bert", "activation_message": "BLOCKED", **about}
    policy = {"inter_agent_safeguards": {"agent_transitions": [rule]}}
    with capture.start(runs, run_id="r", console=False) as run:
        if in_group:
            chat = GroupChat([bert, anna], messages=[], max_round=5, speaker_selection_method="round_robin")
            manager = GroupChatManager(chat, llm_config=False)
            safeguards.apply_safeguard_policy(groupchat_manager=manager, policy=policy)
            bert.initiate_chat(manager, message="hi")
            history = chat.messages
        else:
            safeguards.apply_safeguard_policy(agents=[anna, bert], policy=policy)
            history = bert.initiate_chat(anna, message="hi", max_turns=2).chat_history
        run.save_messages(history)
    (runs / "saved.json").write_text(json.dumps(history), encoding="utf-8")
    assert any("BLOCKED" in str(m.get("content")) for request in server.requests for m in request.messages)
    tables = ingested(runs)
    for run_id in ("r", "saved.json"):
        spoke = tables.sql("SELECT sender FROM messages WHERE run_id = ? ORDER BY message_order", run_id)
        assert [row["sender"] for row in spoke] == ["bert", "anna"] * (len(history) // 2) + ["bert"] * in_group
        assert tables.one("SELECT tool_calls FROM runs WHERE run_id = ?", run_id) == 0


def test_a_function_is_answered_whoever_bears_its_name(runs: Path, ingested: Ingest) -> None:
    """An agent named as its function, and a history that was cut before the request: these are answers of functions."""
    asked = request(None, "anna")
    histories = {
        "same": [said("look", "assistant"), asked, answer(None), said("anna", "user")],
        "cut": [{"role": "system", "content": "Be kind."}, answer(None), said("anna", "user")],
    }
    for name, history in histories.items():
        (runs / f"{name}.json").write_text(json.dumps(history), encoding="utf-8")
    call = {"function_call": {"name": "look", "arguments": "{}"}, "content": None}
    reply = {"role": "function", "name": "look", "content": "seen"}
    write_journal(
        runs, "live", logged("look", "anna", "go"), logged("anna", "look", call), logged("look", "anna", reply)
    )
    tables = ingested(runs)
    calls = tables.sql("SELECT run_id, tool_name, status, result FROM tool_calls ORDER BY run_id")
    assert [tuple(row.values()) for row in calls] == [
        (name, "look", "completed", "seen") for name in ("cut.json", "live", "same.json")
    ]


def test_a_legacy_function_in_a_group_is_answered_once(runs: Path, ingested: Ingest) -> None:
    """The manager passes the answer on, which has the function's name: that is who ran it speaking, once."""
    chat_of = [
        logged("third", "boss", "go"),
        logged("boss", "asker", {"content": "go", "name": "third"}),
        logged("asker", "boss", {"content": None, "function_call": {"name": "look", "arguments": "{}"}}),
        logged("runner", "boss", {"role": "function", "name": "look", "content": "seen"}),
        logged("boss", "asker", {"role": "function", "name": "look", "content": "seen"}),
        logged("boss", "third", {"role": "function", "name": "look", "content": "seen"}),
    ]
    boss = {"kind": "agent", "name": "boss", "class": "GroupChatManager", "members": ["third", "asker", "runner"]}
    write_journal(runs, "r", boss, *chat_of)
    tables = ingested(runs)
    assert senders(tables) == ["third", "asker", "runner"]
    assert [tuple(r.values()) for r in tables.sql("SELECT tool_name, executor FROM tool_calls")] == [("look", "runner")]
