"""Agents that talk to others by `send` while they make up a reply: that is a chat in their turn, told as such."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager
from autogen.agentchat import initiate_group_chat
from autogen.agentchat.group.patterns import DefaultPattern
from autogen.agents.experimental import ReasoningAgent

import capture
from sample_runs.scripted_llm import Request, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables
from tests.ingest.talkers import GO, QUIET, chat, raising, talker, turns
from tests.ingest.test_ag2_logs import LOGGERS, logging_to
from tests.ingest.test_nested_in_logs import told

pytestmark = pytest.mark.first(12)

PAUSE = 0.05


def replying(agent: ConversableAgent, reply: Callable[..., Any]) -> ConversableAgent:
    """An agent that makes its replies so."""
    agent.register_reply([ConversableAgent, None], reply, position=0)
    return agent


def consults(agent: ConversableAgent, expert: ConversableAgent) -> ConversableAgent:
    """An agent that asks another one before it says what that knows."""

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        time.sleep(PAUSE)
        recipient.send("what?", expert, request_reply=True)
        return True, f"{agent.name} knows"

    return replying(agent, reply)


def lasted(tables: Tables, agent: str) -> list[float]:
    """Milliseconds of an agent's turns that are in no other."""
    found = "SELECT duration_ms FROM execution_events WHERE event_type = 'agent_call' AND agent_name = ? AND depth = 0"
    return [row["duration_ms"] for row in tables.sql(f"{found} ORDER BY execution_order", agent)]


def in_hook(user: Any, lead: Any, expert: Any, llm: Any) -> None:
    """A hook asks before the reply is made."""

    def hook(messages: Any) -> Any:
        time.sleep(PAUSE)
        lead.send("what?", expert, True)
        return messages

    lead.register_hook("process_all_messages_before_reply", hook)


def before_sending(user: Any, lead: Any, expert: Any, llm: Any) -> None:
    """A hook asks when the reply is made and not yet sent."""

    def hook(sender: Any, message: Any, recipient: Any, silent: Any) -> Any:
        if recipient is not expert:
            time.sleep(PAUSE)
            sender.send("what?", expert, True)
        return message

    lead.register_hook("process_message_before_send", hook)


def in_reply(user: Any, lead: Any, expert: Any, llm: Any) -> None:
    """A function that makes no reply itself."""

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        time.sleep(PAUSE)
        recipient.send(message="what?", recipient=expert, request_reply=True)
        return False, None

    replying(lead, reply)


def in_a_reply(user: Any, lead: Any, expert: Any, llm: Any) -> None:
    """An asynchronous one."""

    async def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        await asyncio.sleep(PAUSE)
        await recipient.a_send("what?", expert, request_reply=True)
        return False, None

    replying(lead, reply)


def in_task(user: Any, lead: Any, expert: Any, llm: Any) -> None:
    """One that waits for a task."""

    async def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        await asyncio.sleep(PAUSE)
        await asyncio.gather(recipient.a_send("what?", expert, request_reply=True), asyncio.sleep(0))
        return False, None

    replying(lead, reply)


def in_thread(user: Any, lead: Any, expert: Any, llm: Any) -> None:
    """One that waits for a thread."""

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        time.sleep(PAUSE)
        thread = Thread(target=recipient.send, args=("what?", expert), kwargs={"request_reply": True})
        thread.start()
        thread.join()
        return False, None

    replying(lead, reply)


class Careful(ConversableAgent):
    """An agent of the user's that has a `send` of its own."""

    def send(self, message: Any, recipient: Any, request_reply: Any = None, silent: Any = False) -> Any:
        return super().send(message, recipient, request_reply, silent)

    async def a_send(self, message: Any, recipient: Any, request_reply: Any = None, silent: Any = False) -> Any:
        return await super().a_send(message, recipient, request_reply, silent)


def begin(user: Any, lead: Any) -> None:
    """A synchronous chat."""
    user.initiate_chat(lead, message="go", max_turns=2)


def a_begin(user: Any, lead: Any) -> None:
    """An asynchronous one."""
    asyncio.run(user.a_initiate_chat(lead, message="go", max_turns=2))


def run(user: Any, lead: Any) -> None:
    """One in the background."""
    user.run(lead, message="go", max_turns=2).process()


def a_run(user: Any, lead: Any) -> None:
    """An asynchronous one in the background."""

    async def main() -> None:
        await (await user.a_run(lead, message="go", max_turns=2)).process()

    asyncio.run(main())


CASES: list[Any] = [
    (in_reply, begin, ConversableAgent),
    (in_reply, run, ConversableAgent),
    (in_reply, begin, Careful),
    (in_hook, begin, ConversableAgent),
    (in_hook, a_begin, ConversableAgent),
    (before_sending, begin, ConversableAgent),
    (in_thread, begin, ConversableAgent),
    (in_a_reply, a_begin, ConversableAgent),
    (in_a_reply, a_run, ConversableAgent),
    (in_a_reply, a_begin, Careful),
    (in_task, a_begin, ConversableAgent),
]


@pytest.mark.few
@pytest.mark.parametrize(("asks", "begins", "kind"), CASES, ids=lambda value: value.__name__)
def test_who_asks_by_send_opens_a_chat_in_its_turn(
    asks: Any, begins: Any, kind: Any, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Its messages are one deeper, once each; the model's call is in the expert's turn; the outer turn is whole."""
    llm = scripted_llm(lambda request: f"answer {request.number}")
    user, lead = talker("user"), kind("lead", llm_config=False, default_auto_reply="so", **QUIET)
    expert = ConversableAgent("expert", llm_config=llm.config(), **QUIET)
    asks(user, lead, expert, llm)
    with capture.start(runs, run_id="r", console=False):
        begins(user, lead)
    tables = ingested(runs)
    first, second = (request.number for request in llm.requests)
    assert told(tables, "r") == [
        ("user", "lead", "go", 0, 0, None),
        ("lead", "expert", "what?", 1, 1, 3),
        ("expert", "lead", f"answer {first}", 1, 1, 3),
        ("lead", "user", "so", 0, 0, None),
        ("user", "lead", "user says", 0, 0, None),
        ("lead", "expert", "what?", 2, 1, 7),
        ("expert", "lead", f"answer {second}", 2, 1, 7),
        ("lead", "user", "so", 0, 0, None),
        (0, 0, "user", "lead"),
        (1, 1, "lead", "expert"),
        (0, 0, "lead", "user"),
        (0, 0, "user", "lead"),
        (2, 1, "lead", "expert"),
    ]
    assert min(lasted(tables, "lead")) >= PAUSE * 1000
    calls = tables.sql(
        "SELECT turn.agent_name, call.depth FROM execution_events call JOIN execution_events turn "
        "ON turn.id = call.parent_event_id WHERE call.event_type = 'llm_call'"
    )
    assert [tuple(call.values()) for call in calls] == [("expert", 2)] * 2
    opened = [turn["meta"]["nested_chats"] for turn in tables.events("agent_call") if "nested_chats" in turn["meta"]]
    assert [[chat["recipient"] for chat in chats] for chats in opened] == [["expert"]] * 2


@pytest.mark.parametrize("is_async", [False, True])
def test_a_tool_that_asks_by_send(is_async: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """It does so in the turn of who runs it, also in the thread that AG2 starts for an asynchronous one. An interim
    word to that agent, of who called the tool, is in the call.
    """
    llm = scripted_llm([call("ask"), "done"])
    user, model, expert = talker("user"), ConversableAgent("model", llm_config=llm.config(), **QUIET), talker("expert")

    def ask() -> str:
        model.send("a moment", user, request_reply=False)
        user.send("what?", expert, request_reply=True)
        return str(user.last_message(expert)["content"])

    async def a_ask() -> str:
        await model.a_send("a moment", user, request_reply=False)
        await user.a_send("what?", expert, request_reply=True)
        return str(user.last_message(expert)["content"])

    tool = a_ask if is_async else ask
    model.register_for_llm(name="ask", description="asks")(tool)
    user.register_for_execution(name="ask")(tool)
    with capture.start(runs, run_id="r", console=False):
        user.initiate_chat(model, message="go", max_turns=2)
    tables = ingested(runs)
    said = [row[:2] + row[3:5] for row in told(tables, "r") if len(row) == 6]
    assert said == [
        ("user", "model", 0, 0),
        ("model", "user", 0, 0),
        ("model", "user", 0, 2),
        ("user", "expert", 1, 1),
        ("expert", "user", 1, 1),
        ("user", "model", 0, 0),
        ("model", "user", 0, 0),
    ]
    assert tables.sql("SELECT tool_name, agent_name, executor, result FROM tool_calls") == [
        {"tool_name": "ask", "agent_name": "model", "executor": "user", "result": "expert says"}
    ]


@pytest.mark.few
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("in_a_thread", [False, True])
def test_an_interim_word_to_who_asked_opens_no_chat(
    is_async: bool, in_a_thread: bool, runs: Path, ingested: Ingest
) -> None:
    """A word to somebody else does, though no reply is asked for; what follows it belongs there."""
    user, lead, other = talker("user"), talker("lead"), talker("other")

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        def say() -> None:
            recipient.send("wait", sender, request_reply=False)
            recipient.send("by the way", other, False)
            recipient.send("what?", other, True)

        if in_a_thread:
            thread = Thread(target=say)
            thread.start()
            thread.join()
        else:
            say()
        return True, "done"

    async def a_reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        async def say() -> None:
            await recipient.a_send("wait", sender, request_reply=False)
            await recipient.a_send("by the way", other)
            await recipient.a_send("what?", other, request_reply=True)

        await (asyncio.create_task(say()) if in_a_thread else say())
        return True, "done"

    replying(lead, a_reply if is_async else reply)
    with capture.start(runs, run_id="r", console=False):
        chat(user, lead, is_async, **GO)
    assert told(ingested(runs), "r") == [
        ("user", "lead", "go", 0, 0, None),
        ("lead", "user", "wait", 0, 0, None),
        ("lead", "other", "by the way", 1, 1, 5),
        ("lead", "other", "what?", 1, 1, 5),
        ("other", "lead", "other says", 1, 1, 5),
        ("lead", "user", "done", 0, 0, None),
        (0, 0, "user", "lead"),
        (1, 1, "lead", "other"),
    ]


def test_a_reasoning_agent(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """AG2's own asks a thinker and a grader by `send`: all of that is in its turn, and every call in one of theirs."""

    def think(request: Request) -> str:
        if "Rate:" in str(request.messages[-1]["content"]):
            return "**Rating**: 4"
        return "REFLECTION:\nok\n\n**Possible Options:**\nOption 1: do it\nOption 2: TERMINATE"

    llm = scripted_llm(think)
    how = {"method": "beam_search", "beam_size": 1, "max_depth": 2}
    lead = ReasoningAgent("lead", llm_config=llm.config(), reason_config=how, **QUIET)
    with capture.start(runs, run_id="r", console=False):
        talker("user").initiate_chat(lead, message="prove it", max_turns=1)
    tables = ingested(runs)
    said = [row for row in told(tables, "r") if len(row) == 6]
    assert [row[:2] for row in said if row[4] == 0] == [("user", "lead"), ("lead", "user")]
    inner = [row for row in said if row[4] == 1]
    assert {row[0] for row in inner} == {"lead", "tot_thinker", "tot_grader"}
    assert {row[5] for row in inner} == {len(said) - 1}
    assert len(inner) == 2 * len(llm.requests) > 4
    assert [row[3] for row in inner[::2]] == list(range(1, len(llm.requests) + 1))
    calls = tables.sql(
        "SELECT call.agent_name, call.depth, turn.agent_name AS turn FROM execution_events call "
        "JOIN execution_events turn ON turn.id = call.parent_event_id WHERE call.event_type = 'llm_call'"
    )
    assert len(calls) == len(llm.requests)
    assert all(row["depth"] == 2 and row["agent_name"] == row["turn"] for row in calls)
    spent = tables.one("SELECT sum(duration_ms) FROM execution_events WHERE event_type = 'llm_call'")
    assert lasted(tables, "lead")[0] >= spent
    assert [(row[0], row[2:]) for row in told(tables, "r") if len(row) == 4 and row[1] == 0] == [(0, ("user", "lead"))]


class Manager(GroupChatManager):
    """A manager that runs the group by itself."""

    def __init__(self, group: GroupChat, **options: Any) -> None:
        super().__init__(group, **options)
        self.register_reply([ConversableAgent, None], type(self).lead, config=group, position=0)

    def lead(self, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
        message = messages[-1]
        for member in config.agents:
            if member is not sender:
                self.send(message, member, request_reply=False, silent=True)
        for member in config.agents[1:]:
            reply = member.generate_reply(sender=self)
            member.send(reply, self, request_reply=False)
        return True, None


@pytest.mark.few
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_member_that_asks_by_send_and_what_its_manager_says(
    own: bool, is_async: bool, runs: Path, ingested: Ingest
) -> None:
    """The member's chat is in its turn; what the manager says to the members, and they to it, is not in any."""
    a, b, expert = talker("a"), talker("b"), talker("expert")
    consults(b, expert)
    group = GroupChat([a, b], messages=[], max_round=2, speaker_selection_method="round_robin", send_introductions=True)
    manager = (Manager if own else GroupChatManager)(group, llm_config=False)
    with capture.start(runs, run_id="r", console=False):
        chat(a, manager, is_async, **GO)
    tables = ingested(runs)
    said = [row[:2] + row[3:5] for row in told(tables, "r") if len(row) == 6 and row[0] != "chat_manager"]
    assert said == [
        ("a", "chat_manager", 0, 0),
        ("b", "expert", 1, 1),
        ("expert", "b", 1, 1),
        ("b", "chat_manager", 0, 0),
    ]
    assert {row[3] for row in told(tables, "r") if len(row) == 6 and row[0] == "chat_manager"} <= {0}
    assert [row for row in told(tables, "r") if len(row) == 4] == [(0, 0, "a", "b"), (1, 1, "b", "expert")]
    assert lasted(tables, "b")[0] >= PAUSE * 1000


def test_a_function_that_selects_speakers_asks_by_send(runs: Path, ingested: Ingest) -> None:
    """In a turn of the manager's, as one that opens a chat with `initiate_chat`."""
    a, b, expert = talker("a"), talker("b"), talker("expert")

    def select(last: Any, group: Any) -> Any:
        manager.send("who?", expert, request_reply=True)
        return b

    group = GroupChat([a, b], messages=[], max_round=2, speaker_selection_method=select)
    manager = GroupChatManager(group, name="boss", llm_config=False)
    with capture.start(runs, run_id="r", console=False):
        a.initiate_chat(manager, **GO)
    assert turns(ingested(runs)) == [
        (0, "a", "message", "completed", None),
        (0, "boss", "unspoken", "completed", None),
        (1, "boss", "message", "completed", "boss"),
        (1, "expert", "message", "completed", "boss"),
        (0, "b", "message", "completed", None),
    ]


def test_who_is_asked_by_send_and_does_so_itself(runs: Path, ingested: Ingest) -> None:
    """A chat in a chat in a turn; and one that is begun with `initiate_chat` in there."""
    lead, middle, last = talker("lead"), talker("middle"), talker("last")
    consults(lead, consults(middle, last))

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        recipient.initiate_chat(talker("end"), message="and?", max_turns=1)
        return True, "fine"

    replying(last, reply)
    with capture.start(runs, run_id="r", console=False):
        talker("user").initiate_chat(lead, **GO)
    said = [row for row in told(ingested(runs), "r") if len(row) == 6]
    assert [row[:2] + row[3:5] for row in said] == [
        ("user", "lead", 0, 0),
        ("lead", "middle", 1, 1),
        ("middle", "last", 2, 2),
        ("last", "end", 3, 3),
        ("end", "last", 3, 3),
        ("last", "middle", 2, 2),
        ("middle", "lead", 1, 1),
        ("lead", "user", 0, 0),
    ]


@pytest.mark.parametrize("is_caught", [False, True])
def test_an_exception_that_leaves_such_a_chat(is_caught: bool, runs: Path, ingested: Ingest) -> None:
    """Who raised has failed, and with it the turn that it was in. Of one that is caught nothing tells."""
    lead, expert = talker("lead"), raising("expert")

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        with suppress(*[ValueError] * is_caught):
            recipient.send("what?", expert, request_reply=True)
        return True, "no idea"

    replying(lead, reply)
    with suppress(ValueError), capture.start(runs, run_id="r", console=False):
        talker("user").initiate_chat(lead, **GO)
    assert turns(ingested(runs)) == [
        (0, "user", "message", "completed", None),
        (0, "lead", "message", "completed", None) if is_caught else (0, "lead", "unspoken", "failed", None),
        (1, "lead", "message", "completed", "lead"),
        *(
            []
            if is_caught
            else [(1, "expert", "unspoken", "failed", "lead"), (2, "expert", "error", "failed", "expert")]
        ),
    ]


def test_two_that_are_asked_at_once(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Whatever comes first, each answer and each call of a model is in the chat with who was asked."""
    llm = scripted_llm(lambda request: str(request.messages[-1]["content"]) + "!")
    user, lead = talker("user"), talker("lead")
    experts = [ConversableAgent(name, llm_config=llm.config(), **QUIET) for name in ("a", "b", "c")]

    async def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        asking = [recipient.a_send(f"{expert.name}?", expert, request_reply=True) for expert in experts]
        await asyncio.gather(*asking)
        return True, "done"

    replying(lead, reply)
    with capture.start(runs, run_id="r", console=False):
        asyncio.run(user.a_initiate_chat(lead, message="go", max_turns=1))
    tables = ingested(runs)
    said = [row for row in told(tables, "r") if len(row) == 6]
    assert [row[:5] for row in said if row[4] == 0] == [("user", "lead", "go", 0, 0), ("lead", "user", "done", 0, 0)]
    inner = sorted(row[3:5] + row[:3] for row in said if row[4] == 1)
    assert inner == [
        row
        for number, name in enumerate(("a", "b", "c"), 1)
        for row in ((number, 1, name, "lead", f"{name}?!"), (number, 1, "lead", name, f"{name}?"))
    ]
    calls = tables.sql(
        "SELECT turn.agent_name AS turn, call.agent_name FROM execution_events call JOIN execution_events turn "
        "ON turn.id = call.parent_event_id WHERE call.event_type = 'llm_call' AND call.depth = 2 ORDER BY 1"
    )
    assert [tuple(call.values()) for call in calls] == [("a", "a"), ("b", "b"), ("c", "c")]


def test_a_group_that_is_asked_by_send(runs: Path, ingested: Ingest) -> None:
    """All that its members say is in the turn of who asked them."""
    lead, a, b = talker("lead"), talker("a"), talker("b")
    group = GroupChat([a, b], messages=[], max_round=3, speaker_selection_method="round_robin")
    consults(lead, GroupChatManager(group, name="boss", llm_config=False))
    with capture.start(runs, run_id="r", console=False):
        talker("user").initiate_chat(lead, **GO)
    assert [row[:2] + row[3:5] for row in told(ingested(runs), "r") if len(row) == 6] == [
        ("user", "lead", 0, 0),
        ("lead", "boss", 1, 1),
        ("a", "boss", 1, 1),
        ("b", "boss", 1, 1),
        ("lead", "user", 0, 0),
    ]


@pytest.mark.parametrize("words", ["hm?", {"content": "hm?", "name": "lead"}])
def test_who_asks_itself(words: Any, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Each time is a chat of its own, in which the model is called, also where AG2's log and an event tell of it."""
    llm = scripted_llm(["one", "two", "done"])
    lead = ConversableAgent("lead", llm_config=llm.config(), **QUIET)

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        if sender is not recipient:
            recipient.send(words, recipient, request_reply=True)
            recipient.send(words, recipient, request_reply=True)
        return False, None

    replying(lead, reply)
    with capture.start(runs, run_id="r", console=False):
        talker("user").initiate_chat(lead, **GO)
    tables = ingested(runs)
    assert [row[:5] for row in told(tables, "r") if len(row) == 6] == [
        ("user", "lead", "go", 0, 0),
        ("lead", "lead", "hm?", 1, 1),
        ("lead", "lead", "one", 1, 1),
        ("lead", "lead", "hm?", 2, 1),
        ("lead", "lead", "two", 2, 1),
        ("lead", "user", "done", 0, 0),
    ]
    calls = tables.sql("SELECT depth FROM execution_events WHERE event_type = 'llm_call' ORDER BY execution_order")
    assert sorted(call["depth"] for call in calls) == [1, 2, 2]


def test_very_many_that_are_asked_and_say_nothing(runs: Path, ingested: Ingest) -> None:
    """A few are known at once, so that a journal of any size takes time as it is long; no word is lost."""
    lead, count = talker("lead"), 300
    crowd = [talker(f"x{number}") for number in range(count)]

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        for expert in crowd:
            recipient.send("psst", expert, request_reply=False)
        return True, "done"

    replying(lead, reply)
    with capture.start(runs, run_id="r", console=False):
        talker("user").initiate_chat(lead, **GO)
    tables = ingested(runs)
    said = [row[:2] + row[3:5] for row in told(tables, "r") if len(row) == 6]
    inner = [("lead", f"x{number}", number + 1, 1) for number in range(count)]
    assert said == [("user", "lead", 0, 0), *inner, ("lead", "user", 0, 0)]
    opened = [len(turn["meta"].get("nested_chats", ())) for turn in tables.events("agent_call")]
    assert opened == [0, count, *[0] * count]


@pytest.mark.parametrize("kind", LOGGERS)
def test_the_same_in_ag2s_logs(
    kind: str, tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """Each turn is in the same chat, as deep and inside the same turn, and takes over from the same."""
    with logging_to(tmp_path, kind, monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        user, lead, a, b = map(talker, ("user", "lead", "a", "b"))
        user.initiate_chat(consults(lead, a), message="go", max_turns=2)
        group = GroupChat([a, b], messages=[], max_round=3, speaker_selection_method="round_robin")
        consults(b, talker("c"))
        user.initiate_chat(GroupChatManager(group, llm_config=False), message="and you", max_turns=1)
    tables = ingested(runs, log)
    assert told(tables, log.name) == (journal := told(tables, "r"))
    assert {turn[3:5] for turn in journal if len(turn) == 6} == {(0, 0), (1, 1), (2, 1), (3, 0), (4, 1)}


def test_who_is_had_to_ask_in_the_turn_of_another(runs: Path, ingested: Ingest) -> None:
    """A reply function may have the agent that asked for the reply say something, too."""
    user, lead, expert = talker("user"), talker("lead"), talker("expert")

    def reply(recipient: Any, messages: Any, sender: Any, config: Any) -> tuple[bool, Any]:
        user.send("what?", expert, request_reply=True)
        return True, "done"

    replying(lead, reply)
    with capture.start(runs, run_id="r", console=False):
        user.initiate_chat(lead, message="go", max_turns=2)
    again = [
        (0, "lead", "message", "completed", None),
        (1, "user", "message", "completed", "lead"),
        (1, "expert", "message", "completed", "lead"),
    ]
    go = (0, "user", "message", "completed", None)
    assert turns(ingested(runs)) == [go, *again, go, *again]


@pytest.mark.parametrize("asker", ["a", "helper"])
def test_a_tool_of_a_group_that_has_somebody_ask(
    asker: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """It is the turn of who runs the tool, whether the one that asks is of the group or not."""
    llm = scripted_llm([call("ask"), "done"])
    agents = {name: talker(name) for name in ("helper", "expert")}

    def ask() -> str:
        agents[asker].send("what?", agents["expert"], request_reply=True)
        return "answer"

    agents["a"] = ConversableAgent("a", llm_config=llm.config(), functions=[ask], **QUIET)
    pattern = DefaultPattern(initial_agent=agents["a"], agents=[agents["a"]], user_agent=None)
    with capture.start(runs, run_id="r", console=False):
        initiate_group_chat(pattern=pattern, messages="go", max_rounds=4)
    assert turns(ingested(runs)) == [
        (0, "_User", "message", "completed", None),
        (0, "a", "message", "completed", None),
        (0, "_Group_Tool_Executor", "message", "completed", None),
        (1, asker, "message", "completed", "_Group_Tool_Executor"),
        (1, "expert", "message", "completed", "_Group_Tool_Executor"),
        (0, "a", "message", "completed", None),
    ]
