"""A message is one row, however often AG2 tells of it, and no message is taken for a copy of another."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager
from autogen.agentchat import initiate_group_chat
from autogen.agentchat.group import TerminateTarget
from autogen.agentchat.group.patterns import DefaultPattern

import capture
from sample_runs.scripted_llm import Reply, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest

QUIET: dict[str, Any] = {"human_input_mode": "NEVER", "llm_config": False}
SENT: dict[str, list[tuple[Any, bool]]] = {
    "plain": [("same", False), ("same", False), ("same", True), ("other", False)],
    "equal": [("same", True), ("same", False), ("same", True), ("same", True), ("same", False)],
    "objects": [({"content": "m", "k": 1}, False), ({"content": "m", "k": 1}, True), ("m", False)],
    "mixed": [("m", True), ("m", False), ("m", True), ({"content": "m", "k": 2}, False), ("m", True)],
    "surrogate": [("same", False), ("same", True), ("lone \ud800 x", False), ({"content": "lone \ud800 y"}, False)],
    "template": [({"content": lambda context: f"made of {context['word']}", "context": {"word": "sand"}}, False)],
}
"""Messages from one agent to another: what is sent, and whether silently."""


def old(journal: Path) -> None:
    """Makes of a journal one of a recorder that did not say whether an event follows a message."""
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    for record in records:
        record.pop("silent", None)
    journal.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.mark.few
@pytest.mark.parametrize("case", SENT)
def test_every_message_sent_is_a_row(case: str, runs: Path, ingested: Ingest) -> None:
    """Silent messages and others in any order, with equal words or not: as many rows as were sent, in order."""
    a, b = ConversableAgent("a", **QUIET), ConversableAgent("b", **QUIET)
    with capture.start(runs, console=False):
        for message, silent in SENT[case]:
            a.send(message, b, request_reply=False, silent=silent)
    rows = ingested(runs).sql("SELECT content, source FROM messages ORDER BY message_order")
    assert len(rows) == len(SENT[case])
    for row, (message, silent) in zip(rows, SENT[case], strict=True):
        content = message.get("content") if isinstance(message, dict) else message
        if isinstance(content, str) and content.isascii():
            assert row["content"] == content
        assert ("event" in row["source"]) is not silent


@pytest.mark.few
@pytest.mark.parametrize("is_old", [False, True])
def test_a_question_after_a_silent_message(is_old: bool, runs: Path, ingested: Ingest) -> None:
    """Background told silently, then the question itself: both are rows, in journals that say less as well."""
    a, b = ConversableAgent("a", **QUIET), ConversableAgent("b", default_auto_reply="ok", **QUIET)
    with capture.start(runs, run_id="r", console=False):
        a.send("background", b, request_reply=False, silent=True)
        a.initiate_chat(b, message="the question", max_turns=1, clear_history=False)
        a.send({"content": "more", "extra": 1}, b, request_reply=False)
    if is_old:
        old(runs / "r" / "journal.jsonl")
    rows = ingested(runs).sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [tuple(row.values()) for row in rows] == [
        ("a", "background", "logger"),
        ("a", "the question", "event"),
        ("b", "ok", "event"),
        ("a", "more", "event+logger"),
    ]


def test_the_recorder_says_whether_an_event_follows(runs: Path) -> None:
    """A `message` record is silent, or the record after it is the event of the same message."""
    a, b = ConversableAgent("a", **QUIET), ConversableAgent("b", **QUIET)
    with capture.start(runs, run_id="r", console=False):
        for message, silent in SENT["mixed"]:
            a.send(message, b, request_reply=False, silent=silent)
    records = [json.loads(line) for line in (runs / "r" / "journal.jsonl").read_text().splitlines()]
    said = [(r["kind"], r.get("silent")) for r in records if r["kind"] in ("message", "event")]
    expected = [("message", True), ("event", None), ("message", True), ("message", False), ("event", None)]
    assert said == [*expected, ("message", True)]


def _group(*names: str) -> tuple[GroupChat, GroupChatManager, list[ConversableAgent]]:
    """A round robin of three messages, in which everybody says their name."""
    agents = [ConversableAgent(name, default_auto_reply=name.upper(), **QUIET) for name in names]
    group = GroupChat(agents, messages=[], max_round=3, speaker_selection_method="round_robin")
    return group, GroupChatManager(group, llm_config=False), agents


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("silent", [False, True])
def test_a_resumed_group_repeats_nothing(is_async: bool, silent: bool, runs: Path, ingested: Ingest) -> None:
    """A group chat that goes on in the same run: its history, that AG2 hands round again, has its rows already."""
    group, manager, (a, _) = _group("a", "b")
    with capture.start(runs, run_id="r", console=False):
        a.initiate_chat(manager, message="go", silent=silent)
        if is_async:
            last, message = asyncio.run(manager.a_resume(messages=list(group.messages)))
        else:
            last, message = manager.resume(messages=list(group.messages))
        last.initiate_chat(manager, message=message, clear_history=False, silent=silent)
    tables = ingested(runs)
    said = tables.sql("SELECT sender, content FROM messages ORDER BY message_order")
    expected = [("a", "go"), ("b", "B"), ("a", "A"), ("b", "B"), ("a", "A")]
    assert [tuple(row.values()) for row in said] == expected == [(m["name"], m["content"]) for m in group.messages]
    moves = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert moves == [("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")]


@pytest.mark.few
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("saved", [False, True])
def test_a_group_that_is_resumed_in_another_run(is_async: bool, saved: bool, runs: Path, ingested: Ingest) -> None:
    """A group chat that goes on in a later run, twice: its history is there, each message once, and is no turn."""
    group, manager, (a, _) = _group("a", "b")
    a.initiate_chat(manager, message="go")
    history = [{"role": "user", "name": "a", "content": text} for text in ("same", "same")] + group.messages
    with capture.start(runs, run_id="r", console=False) as run:
        for _ in range(2):
            if is_async:
                last, message = asyncio.run(manager.a_resume(messages=history))
            else:
                last, message = manager.resume(messages=list(history))
            last.initiate_chat(manager, message=message, clear_history=False)
            history = list(group.messages)
        if saved:
            run.save_messages(group)
    tables = ingested(runs)
    rows = tables.sql("SELECT sender, content, recipient, internal FROM messages ORDER BY message_order")
    assert [(row["sender"], row["content"]) for row in rows] == [(m["name"], m["content"]) for m in group.messages]
    assert {row["recipient"] for row in rows} == {"chat_manager"}
    assert [row["content"] for row in rows if row["internal"]] == ["same", "same", "go", "B"]
    turns = tables.events("agent_call")
    assert [turn["event_subtype"] for turn in turns] == ["earlier"] * 4 + ["message"] * 5
    moves = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert moves == [("a", "b"), ("b", "a")] * 2
    assert tables.one("SELECT messages FROM runs") == 5


@pytest.mark.parametrize("silent", [None, False])
def test_words_of_the_history_that_are_said_again_are_said_now(
    silent: bool | None, runs: Path, ingested: Ingest
) -> None:
    """The message that goes on with the chat may say what was said before; a history handed over twice is one."""
    group, manager, agents = _group("a", "b")
    for agent in agents:
        agent.silent = silent
    words = [("a", "continue"), ("b", "yes"), ("a", "continue"), ("b", "yes"), ("a", "continue")]
    history = [{"role": "user", "name": name, "content": text} for name, text in words]
    with capture.start(runs, run_id="r", console=False):
        for _ in range(2):
            last, message = manager.resume(messages=[dict(m) for m in history])
        last.initiate_chat(manager, message=message, clear_history=False)
    rows = ingested(runs).sql("SELECT sender, content, internal FROM messages ORDER BY message_order")
    said = [(row["sender"], row["content"]) for row in rows]
    assert said == [(m["name"], m["content"]) for m in group.messages] == [*words, ("b", "B"), ("a", "A")]
    assert [row["internal"] for row in rows] == [True] * 4 + [False] * 3


@pytest.mark.few
@pytest.mark.parametrize("saved", [False, True])
def test_a_group_that_a_pattern_resumes(saved: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """What the user adds to a chat of an earlier run is said now, once; what was called in that run is not of this."""
    llm = scripted_llm([call("look", what="x"), Reply("one speaks"), Reply("again one")])
    seen: list[str] = []

    def look(what: str) -> str:
        """Looks."""
        seen.append(what)
        return "seen"

    def begun(messages: Any) -> Any:
        one = ConversableAgent("one", llm_config=llm.config(), functions=[look], human_input_mode="NEVER")
        pattern = DefaultPattern(initial_agent=one, agents=[one], group_after_work=TerminateTarget())
        return initiate_group_chat(pattern, messages=messages, max_rounds=4)[0]

    history = begun("start").chat_history
    with capture.start(runs, run_id="r", console=False) as run:
        result = begun([*history, {"role": "user", "content": "again"}])
        if saved:
            run.save_messages(result)
    tables = ingested(runs)
    rows = tables.sql("SELECT content, internal FROM messages ORDER BY message_order")
    assert [row["content"] for row in rows if row["internal"]] == ["start", None, "seen", "one speaks"]
    assert len(history) == 4
    assert [row["content"] for row in rows if not row["internal"]] == ["again", "again one"]
    assert (seen, tables.sql("SELECT * FROM tool_calls")) == (["x"], [])


def test_a_history_is_marked_where_it_is_handed_round(runs: Path) -> None:
    """Of what a manager tells in silence, introductions and copies of what was just said are no history."""
    agents = [ConversableAgent(name, default_auto_reply=name.upper(), **QUIET) for name in ("a", "b", "c")]
    group = GroupChat(agents, messages=[], max_round=3, speaker_selection_method="round_robin", send_introductions=True)
    manager = GroupChatManager(group, llm_config=False)
    with capture.start(runs, run_id="r", console=False):
        agents[0].initiate_chat(manager, message="go")
        last, message = manager.resume(messages=[dict(m) for m in group.messages])
        last.initiate_chat(manager, message=message, clear_history=False)
    records = [json.loads(line) for line in (runs / "r" / "journal.jsonl").read_text().splitlines()]
    handed = [(r["message"]["content"], r["recipient"]) for r in records if "resumed" in r]
    assert handed == [("go", to) for to in ("chat_manager", "b", "c")] + [
        ("B", to) for to in ("a", "chat_manager", "c")
    ]


def test_a_message_to_oneself(runs: Path, ingested: Ingest) -> None:
    """What an agent says to itself is one message, though AG2's history of it has two."""
    a = ConversableAgent("a", **QUIET)
    with capture.start(runs, run_id="1", console=False):
        a.send("note", a, request_reply=False)
        a.send("note", a, request_reply=False, silent=True)
    with capture.start(runs, run_id="2", console=False):  # what was said before it is in the history
        a.send("later", a, request_reply=False)
    rows = ingested(runs).sql("SELECT run_id, sender, content FROM messages ORDER BY run_id, message_order")
    assert [tuple(row.values()) for row in rows] == [
        *[("1", "a", "note")] * 2,
        *[("2", "a", "note")] * 2,
        ("2", "a", "later"),
    ]
