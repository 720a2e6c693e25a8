"""Chats within each other in AG2's own logs, which do not say where one begins: told as in the journal of the run."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager

import capture
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables
from tests.ingest.test_ag2_logs import LOGGERS, asks, logging_to, model_of_the_user

pytestmark = pytest.mark.first(2)

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}


def talker(name: str) -> ConversableAgent:
    """An agent without a model."""
    return ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} speaks", **QUIET)


def told(tables: Tables, run_id: str) -> list[tuple[Any, ...]]:
    """Who said what in which chat, how deep, and in which turn, in order; then who handed over to whom."""
    turns = tables.sql(
        """
        SELECT sender, recipient, content, said.chat, depth, (
            SELECT min(o.message_order) FROM messages o WHERE o.run_id = said.run_id AND o.event_id = parent_event_id
        ) AS inside
        FROM messages said JOIN execution_events turn ON turn.id = said.event_id AND turn.run_id = said.run_id
        WHERE said.run_id = ? ORDER BY message_order
        """,
        run_id,
    )
    moves = [(h["chat"], h["depth"], *h["inputs"].values()) for h in tables.events("handoff") if h["run_id"] == run_id]
    return [*(tuple(turn.values()) for turn in turns), *moves]


def opens(how: str, other: ConversableAgent, next_one: ConversableAgent, turns: int) -> Callable[..., Any]:
    """A reply function that opens a chat, or two, by itself or by a helper of its own."""

    def reply(recipient: ConversableAgent, messages: Any, sender: ConversableAgent, config: Any) -> Any:
        if sender in (other, next_one):
            return False, None
        opener = talker("helper") if how == "helper" else recipient
        opener.initiate_chat(other, message=f"in {recipient.name}", max_turns=turns)
        if how == "two":
            recipient.initiate_chat(next_one, message=f"then {recipient.name}", max_turns=1)
        return how != "deny", f"{recipient.name} knows"

    return reply


def converse(seed: int, hows: list[str]) -> None:
    """Chats of agents, some of which open others for a reply, which may do the same."""
    rnd = random.Random(seed)
    agents = [talker(name) for name in "abcdefg"]
    for place, agent in enumerate(agents[:5]):
        other, next_one = rnd.sample(agents[place + 1 :], 2)
        if rnd.random() < 0.5:
            continue
        how, turns = rnd.choice(hows), rnd.choice([1, 2])
        if how == "nested":
            chats = [{"recipient": other, "message": "nested", "max_turns": turns}]
            agent.register_nested_chats(
                chats, trigger=lambda sender, other=other: sender is not other, position=rnd.choice([0, 2])
            )
        else:
            function = opens(how, other, next_one, turns)
            agent.register_reply([ConversableAgent, None], function, position=rnd.choice([0, 2]))
    for number in range(3):
        sender, recipient = rnd.sample(agents, 2)
        sender.initiate_chat(recipient, message=f"go {number}", max_turns=rnd.choice([1, 2, 3]))


@pytest.mark.few
@pytest.mark.filterwarnings("ignore:Repetitive recipients")
@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 52), marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("kind", "hows"), [("file", ["nested", "one", "two", "helper"]), ("sqlite", ["nested", "one", "two"])]
)
def test_trees_of_chats_are_told_as_in_the_journal(
    kind: str,
    hows: list[str],
    seeds: range,
    tmp_path: Path,
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    ingested: Ingest,
) -> None:
    """Random ones: each turn is in the same chat, as deep and inside the same turn, and takes over from the same."""
    logs = tmp_path / "logs"
    for seed in seeds:
        folder = logs / f"{seed:03}"
        folder.mkdir(parents=True)
        with logging_to(folder, kind, monkeypatch), capture.start(runs, run_id=folder.name, console=False):
            converse(seed, hows)
    tables = ingested(runs, logs)
    journals = [told(tables, f"{seed:03}") for seed in seeds]
    names = [row["run_id"] for row in tables.sql("SELECT run_id FROM runs WHERE source_format LIKE 'ag2%' ORDER BY 1")]
    assert len(names) == len(seeds)
    for name, journal in zip(names, journals, strict=True):
        assert told(tables, name) == journal, name
    assert max(turn[4] for journal in journals for turn in journal if len(turn) == 6) > 1


@pytest.mark.parametrize("kind", LOGGERS)
def test_a_chat_in_a_reply_that_is_the_first_to_be_told(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """A function that is asked first opens it: nothing tells before that anybody is asked for a reply."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, boss, friend = talker("user"), talker("boss"), talker("friend")
        boss.register_reply([ConversableAgent, None], opens("one", friend, friend, 1), position=0)
        user.initiate_chat(boss, message="go", max_turns=2)
    tables = ingested(runs, log)
    assert told(tables, log.name) == told(tables, "r")
    chats = tables.sql("SELECT chat FROM messages WHERE run_id = ? ORDER BY message_order", log.name)
    assert [row["chat"] for row in chats] == [0, 1, 1, 0, 0, 2, 2, 0]
    outer = [e["meta"]["nested_chats"] for e in tables.events("agent_call") if "nested_chats" in e["meta"]]
    assert [[chat["recipient"] for chat in chats] for chats in outer] == [["friend"]] * 4


@pytest.mark.parametrize("kind", LOGGERS)
def test_chats_that_a_tool_opens(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """They are in the turn of the agent that runs it, and its answer is in the chat in which it was asked for."""

    def ask(question: str) -> str:
        helper, expert = talker("helper"), talker("expert")
        return str(helper.initiate_chat(expert, message=question, max_turns=2).summary)

    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, model = talker("user"), talker("model")
        user.register_for_execution()(ask)
        wanted = asks(("a", "1"), ("b", "2"))
        for call in wanted["tool_calls"]:
            call["function"] = {"name": "ask", "arguments": '{"question": "why?"}'}
        model.register_reply([ConversableAgent, None], model_of_the_user([wanted, "done"]))
        user.initiate_chat(model, message="go", max_turns=2)
    tables = ingested(runs, log)
    assert told(tables, log.name) == told(tables, "r")
    assert len({row[3] for row in told(tables, "r") if len(row) == 6}) == 3


@pytest.mark.parametrize("kind", LOGGERS)
def test_chats_after_each_other_are_in_none(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Not where the one before ended with a word to who opens the next, nor where who was asked has raised."""

    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no")

    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, others = talker("user"), [talker(f"other{number}") for number in range(25)]
        for other in others:
            user.initiate_chat(other, message="go", max_turns=1)
        broken = talker("broken")
        broken.register_reply([ConversableAgent, None], fails, position=0)
        for other in others[:2]:
            with pytest.raises(RuntimeError):
                user.initiate_chat(broken, message="go", max_turns=1)
            broken.initiate_chat(other, message="help", max_turns=1)
    tables = ingested(runs, log)
    assert {row["depth"] for row in tables.events("agent_call")} == {0}
    assert told(tables, log.name) == told(tables, "r")


def group_of(*members: ConversableAgent) -> GroupChatManager:
    """The manager of a group in which each speaks once."""
    group = GroupChat([*members], messages=[], max_round=len(members), speaker_selection_method="round_robin")
    return GroupChatManager(group, llm_config=False)


@pytest.mark.parametrize("kind", LOGGERS)
def test_groups_after_each_other_and_in_a_reply(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Each is a chat of its own, also where its manager is called as the one before; in a reply it is nested."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, boss, a, b = map(talker, ("user", "boss", "a", "b"))
        user.initiate_chat(a, message="one", max_turns=1)
        user.initiate_chat(group_of(user, a, b), message="two")
        user.initiate_chat(group_of(user, b, a), message="three")
        team = group_of(a, b)

        def ask_team(recipient: ConversableAgent, messages: Any, sender: Any, config: Any) -> Any:
            return True, str(recipient.initiate_chat(team, message="what?").summary)

        boss.register_reply([ConversableAgent, None], ask_team, position=0)
        user.initiate_chat(boss, message="four", max_turns=2)
    tables = ingested(runs, log)
    assert told(tables, log.name) == (journal := told(tables, "r"))
    assert {turn[3:5] for turn in journal if len(turn) == 6} == {(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (5, 1)}


@pytest.mark.parametrize("kind", LOGGERS)
def test_what_follows_a_tool_request_that_nobody_runs(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """A chat that ends with one is over; the next is another."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, model, other = map(talker, ("user", "model", "other"))
        model.register_reply([ConversableAgent, None], model_of_the_user([asks(("a", "look"))]))
        user.initiate_chat(model, message="one", max_turns=1)
        user.initiate_chat(other, message="two", max_turns=1)
        other.initiate_chat(user, message="three", max_turns=1)
    tables = ingested(runs, log)
    assert told(tables, log.name) == (journal := told(tables, "r"))
    assert [turn[3] for turn in journal if len(turn) == 6] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("kind", LOGGERS)
def test_asynchronous_chats_after_others(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """AG2 does not log who is asked for a reply in them. Answers in them are answers all the same."""

    def look() -> str:
        return "seen"

    async def twice() -> None:
        await user.a_initiate_chat(model, message="two", max_turns=3)
        await user.a_initiate_chat(other, message="three", max_turns=2)
        await user.a_initiate_chat(group_of(user, other, model), message="four")

    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, model, other = map(talker, ("user", "model", "other"))
        user.register_for_execution()(look)
        words = ["fine", asks(("a", "look")), *["good"] * 9]
        model.register_reply([ConversableAgent, None], model_of_the_user(words))
        user.initiate_chat(model, message="one", max_turns=1)
        asyncio.run(twice())
        other.initiate_chat(user, message="five", max_turns=2)
        user.initiate_chat(other, message="six", max_turns=1)
    tables = ingested(runs, log)
    assert told(tables, log.name) == (journal := told(tables, "r"))
    assert len({turn[3] for turn in journal if len(turn) == 6}) == 6
