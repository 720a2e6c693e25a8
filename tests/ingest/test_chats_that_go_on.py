"""Chats that go on with a former one (`clear_history=False`): in the tables both are one, as in a saved transcript."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager, register_function
from autogen.agentchat import initiate_group_chat
from autogen.agentchat.group.patterns import RoundRobinPattern
from autogen.coding import LocalCommandLineCodeExecutor

import capture
import queries
from sample_runs.scripted_llm import Reply, Request, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables
from tests.ingest.test_ag2_logs import LOGGERS, logging_to

pytestmark = pytest.mark.first(3)

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
FAILS, WORKS = "```python\nimport nomodule\n```", "```python\nprint('fine')\n```"


def talker(name: str) -> ConversableAgent:
    """An agent without a model."""
    return ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} speaks", **QUIET)


def runner(folder: Path) -> ConversableAgent:
    """An agent that runs code, until it hears that it is over."""
    return ConversableAgent(
        "runner",
        llm_config=False,
        code_execution_config={"executor": LocalCommandLineCodeExecutor(work_dir=folder)},
        is_termination_msg=lambda message: "TERMINATE" in str(message.get("content")),
        **QUIET,
    )


def answers(tables: Tables, name: str, *columns: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Columns of the rows of a named query."""
    relation = queries.run(name, queries.connect(tables.out), **parameters)
    places = [relation.columns.index(column) for column in columns]
    return sorted(tuple(row[place] for place in places) for row in relation.fetchall())


def said(tables: Tables) -> list[tuple[str, str, int]]:
    """Who said what in which chat, in order."""
    rows = tables.sql("SELECT sender, content, chat FROM messages ORDER BY message_order")
    return [(row["sender"], row["content"], row["chat"]) for row in rows]


def moves(tables: Tables) -> list[tuple[str, str]]:
    """Who handed over to whom, in order."""
    return [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]


@pytest.mark.few
@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("is_old", [False, True])
def test_a_journal_tells_what_its_transcript_tells(
    is_old: bool, between: bool, runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A failure in the first part is fixed in the second, also with another chat between; in a journal of a recorder
    that did not say that the chat goes on, they are two chats."""
    llm = scripted_llm([FAILS, "I give up. TERMINATE", WORKS, "Done. TERMINATE"])
    coder, user = ConversableAgent("coder", llm_config=llm.config(), **QUIET), runner(tmp_path)
    with capture.start(runs, run_id="r", console=False):
        user.initiate_chat(coder, message="Import it.")
        if between:
            talker("x").initiate_chat(talker("y"), message="Hello.", max_turns=1)
        result = user.initiate_chat(coder, message="Again.", clear_history=False)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "t.json").write_text(json.dumps(result.chat_history))
    journal = runs / "r" / "journal.jsonl"
    if is_old:
        records = [json.loads(line) for line in journal.read_text().splitlines()]
        for record in records:
            record.pop("goes_on_with", None)
        journal.write_text("".join(json.dumps(record) + "\n" for record in records))
    tables = ingested(runs, tmp_path / "saved")
    found = [
        [
            answers(tables, "agent_handoffs", "from_agent", "to_agent", "count", run_id=run_id),
            answers(
                tables, "failures_and_fixes", "failed_by", "fixed_by", "failed_input", "fixed_input", run_id=run_id
            ),
            answers(tables, "alternations", "agents", "turns", "succeeded", "failed", run_id=run_id),
        ]
        for run_id in ("r", "t.json")
    ]
    handoffs, fixes, _ = found[1]
    assert handoffs == [("coder", "runner", 3), ("runner", "coder", 4)]
    assert [fix[:2] for fix in fixes] == [("coder", "coder")]
    other = [row for row in found[0][0] if row[0] in "xy"]
    assert len(other) == between
    found[0][0] = [row for row in found[0][0] if row not in other]
    assert (found[0] == found[1]) is not is_old
    number = "SELECT count(DISTINCT chat) FROM execution_events WHERE run_id = 'r'"
    assert tables.one(number) == 1 + between + is_old
    chats = json.loads(tables.one("SELECT meta->'chats' FROM runs WHERE run_id = 'r'"))
    goes_on = [chat.get("goes_on_with") for chat in chats]
    assert goes_on == [*([None] * (1 + between)), None if is_old else "chat-1"]


def test_chats_at_once_go_on_with_their_own(runs: Path, ingested: Ingest) -> None:
    """Tasks with agents of the same names, each with a chat in three parts, all of which take their time."""
    under_way: list[int] = []

    async def work(number: int) -> None:
        a, b = talker("a"), talker("b")

        async def reply(*args: Any, **kwargs: Any) -> tuple[bool, str]:
            under_way.append(number)
            await asyncio.sleep(0.02 + 0.005 * number)
            return True, "yes"

        b.register_reply([ConversableAgent, None], reply, position=0)
        for part in range(3):
            await a.a_initiate_chat(b, message=f"{number} {part}", max_turns=1, clear_history=part == 0)

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(3)))

    with capture.start(runs, run_id="r", console=False):
        asyncio.run(main())
    assert under_way[:3] == [0, 1, 2]
    tables = ingested(runs)
    opened = [(text, chat) for sender, text, chat in said(tables) if sender == "a"]
    chat_of = {text.split()[0]: chat for text, chat in opened}
    assert sorted(chat_of.values()) == [0, 1, 2]
    assert len(opened) == 9
    assert all(chat_of[text.split()[0]] == chat for text, chat in opened)
    assert sorted(moves(tables)) == [("a", "b")] * 9 + [("b", "a")] * 6


def test_a_nested_chat_is_one_of_its_own(runs: Path, ingested: Ingest) -> None:
    """An agent that asks another in each turn, and keeps their history: each chat is in the turn that opened it."""
    user, lead, helper = talker("user"), talker("lead"), talker("helper")
    chats = [{"recipient": helper, "message": "Well?", "max_turns": 1, "clear_history": False}]
    lead.register_nested_chats(chats, trigger=user)
    with capture.start(runs, run_id="r", console=False):
        user.initiate_chat(lead, message="one", max_turns=1)
        user.initiate_chat(lead, message="two", max_turns=1, clear_history=False)
    tables = ingested(runs)
    assert {chat for sender, text, chat in said(tables) if sender == "user"} == {0}
    inner = [turn for turn in tables.events("agent_call") if turn["depth"] == 1]
    assert [(turn["agent_name"], turn["chat"]) for turn in inner] == [
        *(("lead", 1), ("helper", 1)),
        *(("lead", 2), ("helper", 2)),
    ]
    assert [turn["inputs"]["sender"] for turn in inner] == [None, "lead"] * 2
    rows = tables.sql("SELECT answered_id FROM executions WHERE depth = 1 AND agent_name = 'lead'")
    assert None not in [row["answered_id"] for row in rows]
    assert len({turn["parent_event_id"] for turn in inner}) == 2


@pytest.mark.parametrize("is_marked", [False, True])
def test_a_part_in_an_action_of_its_own_answers_nothing_outside(is_marked: bool, runs: Path, ingested: Ingest) -> None:
    """Each part of a chat in an action that the user marked: the same chat, whose turns are in their actions."""
    a, b = talker("a"), talker("b")
    with capture.start(runs, run_id="r", console=False) as run:
        for number in range(2):
            with run.timed("tool_call", f"part {number}") if is_marked else run.step(f"part {number}"):
                a.initiate_chat(b, message="go", max_turns=1, clear_history=False)
    tables = ingested(runs)
    assert [chat for _, _, chat in said(tables)] == [0] * 4
    assert moves(tables) == [("a", "b"), *([] if is_marked else [("b", "a")]), ("a", "b")]
    turns = [(turn["depth"], turn["inputs"]["sender"]) for turn in tables.events("agent_call")]
    assert turns == [(int(is_marked), sender) for sender in (None, "a", None if is_marked else "b", "a")]


@pytest.mark.parametrize("resumed", [False, True])
def test_a_group_goes_on(resumed: bool, runs: Path, ingested: Ingest) -> None:
    """The chat of a group, resumed or with a further message: one chat, with a handoff between its parts."""
    members = [talker(name) for name in "abc"]
    group = GroupChat(members, messages=[], max_round=3, speaker_selection_method="round_robin")
    manager = GroupChatManager(group, llm_config=False)
    with capture.start(runs, run_id="r", console=False):
        members[0].initiate_chat(manager, message="go")
        if resumed:
            last, message = manager.resume(messages=list(group.messages))
        else:
            last, message = members[0], "on"
        last.initiate_chat(manager, message=message, clear_history=False)
    tables = ingested(runs)
    assert said(tables) == [(message["name"], message["content"], 0) for message in group.messages]
    speakers = [message["name"] for message in group.messages]
    assert moves(tables) == list(pairwise(speakers))


@pytest.mark.parametrize("kind", LOGGERS)
def test_a_pattern_goes_on_with_its_history(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """AG2 takes the name of the user that it made out of the history, and has the manager say the words again."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False) as run:
        members = [talker(name) for name in "ab"]
        messages: list[dict[str, Any]] = []
        for words in ("go", "on"):  # a third time AG2 refuses
            messages.append({"role": "user", "content": words})
            pattern = RoundRobinPattern(initial_agent=members[0], agents=members)
            result, _, _ = initiate_group_chat(pattern, messages=messages, max_rounds=3)
            run.save_messages(result)
            messages = list(result.chat_history)
    tables = ingested(runs, log)
    spoken = [("a", "a speaks"), ("b", "b speaks")]
    expected = [("_User", "go"), *spoken, ("chat_manager", "on"), *spoken]
    for source in ("journal", LOGGERS[kind][1]):
        rows = tables.sql(
            """
            SELECT sender, content, internal FROM messages WHERE run_id = (
                SELECT run_id FROM runs WHERE source_format = ?
            ) ORDER BY message_order
            """,
            source,
        )
        assert [(row["sender"], row["content"]) for row in rows] == expected, source
        assert not any(row["internal"] for row in rows), source


def test_a_call_that_was_left_is_answered_when_the_chat_goes_on(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A tool that raises what ends the chat, and is called again in the next part: a failure, and its fix."""
    ran: list[int] = []

    def script(request: Request) -> Reply:
        return Reply("Done.") if request.messages[-1]["role"] == "tool" else call("look", x=len(ran))

    def look(x: int) -> str:
        """Looks."""
        ran.append(x)
        if len(ran) == 1:
            raise ValueError("not yet")
        return "seen"

    llm = scripted_llm(script)
    asker, worker = ConversableAgent("asker", llm_config=llm.config(), **QUIET), talker("worker")
    register_function(look, caller=asker, executor=worker, description="looks")
    with capture.start(runs, run_id="r", console=False):
        for _ in range(2):
            worker.initiate_chat(asker, message="Look.", max_turns=2, clear_history=False)
    tables = ingested(runs)
    assert len(ran) == 2
    assert answers(tables, "failures_and_fixes", "failed_by", "fixed_by", "kind") == [("asker", "asker", "tool")]
