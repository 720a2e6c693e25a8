"""What a group's manager says itself, and what only listeners hear, is there once, saved transcript or not."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager, runtime_logging
from autogen.agentchat import initiate_group_chat
from autogen.agentchat.group import AgentTarget, TerminateTarget
from autogen.agentchat.group.patterns import DefaultPattern

import capture
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables
from tests.queries.reading import answer

pytestmark = pytest.mark.first(4)

QUIET: dict[str, Any] = {"human_input_mode": "NEVER", "llm_config": False}
CODE = "```python\nprint('ran')\n```"


def group(*agents: ConversableAgent, rounds: int = 6) -> tuple[GroupChat, GroupChatManager]:
    """A round robin that begins with an introduction of its members."""
    chat = GroupChat(
        list(agents), messages=[], max_round=rounds, speaker_selection_method="round_robin", send_introductions=True
    )
    return chat, GroupChatManager(chat, llm_config=False)


def members(*names: str, says: str | None = None) -> list[ConversableAgent]:
    """Agents without a model, each of which always says the same."""
    return [ConversableAgent(name, default_auto_reply=says or f"{name} says", **QUIET) for name in names]


def told(tables: Tables) -> list[tuple[Any, ...]]:
    """Sender, content and channels of every message."""
    rows = tables.sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    return [tuple(row.values()) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("says", [None, "same words"])
@pytest.mark.parametrize("saved", ["group", "manager", "result"])
def test_a_group_that_is_introduced(saved: str, says: str | None, runs: Path, ingested: Ingest) -> None:
    """Each message once, whichever history is saved, and the introduction once for all members."""
    chat, manager = group(*(agents := members("x", "y", "z", says=says)))
    with capture.start(runs, run_id="r", console=False) as run:
        result = agents[0].initiate_chat(manager, message=says or "hello")
        run.save_messages({"group": chat, "manager": manager, "result": result}[saved])
    rows = told(ingested(runs))
    assert [row[:2] for row in rows if row[0] != manager.name] == [(m["name"], m["content"]) for m in chat.messages]
    assert [row[1] for row in rows if row[0] == manager.name] == [chat.introductions_msg()]
    assert {source for sender, _, source in rows if sender != manager.name} == {"event+transcript"}


def test_code_of_a_group_that_is_introduced(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """What ran once is there once."""
    boss, coder = members("boss")[0], members("coder", says=CODE)[0]
    config: Any = {"work_dir": str(tmp_path), "use_docker": False}
    runner = ConversableAgent("runner", code_execution_config=config, **QUIET)
    chat, manager = group(boss, coder, runner)
    with capture.start(runs, run_id="r", console=False) as run:
        boss.initiate_chat(manager, message="go")
        run.save_messages(chat)
    tables = ingested(runs)
    replies = [m for m in chat.messages if m["content"].startswith("exitcode: 0")]
    assert tables.one("SELECT count(*) FROM code_execs") == len(replies) == 2
    assert tables.one("SELECT count(*) FROM messages") == len(chat.messages) + 1


def test_a_manager_that_reports(runs: Path, ingested: Ingest) -> None:
    """The manager says something itself after the chat: the group's messages are still those of its transcript."""
    x, y, outer = members("x", "y", "outer")
    chat = GroupChat([x, y], messages=[], max_round=3, speaker_selection_method="round_robin")
    manager = GroupChatManager(chat, llm_config=False)
    with capture.start(runs, run_id="r", console=False) as run:
        outer.initiate_chat(manager, message="go")
        manager.send("the report", outer, request_reply=False)
        run.save_messages(chat)
    assert told(ingested(runs)) == [
        *[(m["name"], m["content"], "event+transcript") for m in chat.messages],
        (manager.name, "the report", "event"),
    ]


def test_a_chat_in_which_one_side_is_silent(runs: Path, ingested: Ingest) -> None:
    """Who only listens in the chat that was saved has spoken in another one before."""
    a, b, c = members("a", "b", "c")
    with capture.start(runs, run_id="r", console=False) as run:
        b.initiate_chat(c, message="elsewhere", max_turns=1)
        a.send("please stop", c, request_reply=False)
        a.send("please stop", b, request_reply=False)
        run.save_messages(a.chat_messages[b])
    assert told(ingested(runs)) == [
        ("b", "elsewhere", "event"),
        ("c", "c says", "event"),
        ("a", "please stop", "event"),
        ("a", "please stop", "event+transcript"),
    ]


def test_equal_words_to_somebody_else_are_no_part_of_the_chat(runs: Path, ingested: Ingest) -> None:
    """The beginning of a saved chat was before the run, in which the same was said to another agent."""
    a, b, c = members("a", "b", "c")
    a.initiate_chat(b, message="hello", max_turns=1)
    with capture.start(runs, run_id="r", console=False) as run:
        a.initiate_chat(c, message="hello", max_turns=1)
        result = a.initiate_chat(b, message="more", max_turns=1, clear_history=False)
        run.save_messages(result)
    rows = told(ingested(runs))
    assert len(rows) == 2 + len(result.chat_history) == 6
    assert rows.count(("a", "hello", "event")) == 1
    assert rows.count(("a", "hello", "transcript")) == 1


def test_what_a_manager_says_twice_to_a_member_is_two_messages(runs: Path, ingested: Ingest) -> None:
    """To each of two members the same, twice: two messages. The same words later, after others: a third."""
    x, y = members("x", "y")
    _, manager = group(x, y)
    with capture.start(runs, run_id="r", console=False):
        x.send("here", manager, request_reply=False)
        for _ in range(2):
            for member in (x, y):
                manager.send("attention", member, request_reply=False)
        x.send("yes?", manager, request_reply=False)
        manager.send("attention", y, request_reply=False)
    said = [row[:2] for row in told(ingested(runs))]
    twice = [(manager.name, "attention")] * 2
    assert said == [("x", "here"), *twice, ("x", "yes?"), (manager.name, "attention")]


def test_who_is_no_manager_says_the_same_to_two(runs: Path, ingested: Ingest) -> None:
    """An agent that tells two others the same has sent two messages."""
    a, b, c = members("a", "b", "c")
    with capture.start(runs, run_id="r", console=False):
        a.send("hello", b, request_reply=False)
        a.send("hello", c, request_reply=False)
    rows = ingested(runs).sql("SELECT recipient FROM messages ORDER BY message_order")
    assert [row["recipient"] for row in rows] == ["b", "c"]


@pytest.mark.few
@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_an_introduction_in_the_logs_of_ag2(
    kind: Any, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one message there as well."""
    monkeypatch.chdir(runs)
    key = "filename" if kind == "file" else "dbname"
    runtime_logging.start(logger_type=kind, config={key: f"log.{'log' if kind == 'file' else 'db'}"})
    try:
        chat, manager = group(*(agents := members("x", "y", "z")))
        agents[0].initiate_chat(manager, message="hello")
    finally:
        runtime_logging.stop()
    said = [row[:2] for row in told(ingested(runs))]
    assert sorted(said) == sorted(
        [*[(m["name"], m["content"]) for m in chat.messages], (manager.name, chat.introductions_msg())]
    )


def test_an_introduction_of_members_with_a_model_in_a_log_of_ag2(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch, scripted_llm: StartLLM
) -> None:
    """The file logger does not write who is in such a group. It is no turn all the same, nor is it in what a member
    has of the chat; the same words of somebody who is no manager are one."""
    monkeypatch.chdir(runs)
    config: dict[str, Any] = {
        "llm_config": scripted_llm(lambda request: "fine").config(),
        "human_input_mode": "NEVER",
    }
    runtime_logging.start(logger_type="file", config={"filename": "log.log"})
    try:
        chat, manager = group(*(agents := [ConversableAgent(name, **config) for name in "xyz"]), rounds=3)
        agents[0].initiate_chat(manager, message="hello")
        members("w")[0].initiate_chat(members("v")[0], message=chat.introductions_msg(), max_turns=1)
    finally:
        runtime_logging.stop()
    (runs / "saved.json").write_text(json.dumps(agents[1].chat_messages[manager]))
    tables = ingested(runs)
    said = tables.sql("SELECT sender, internal FROM messages WHERE content ^@ 'Hello everyone'")
    assert sorted(tuple(row.values()) for row in said) == [(manager.name, True), (manager.name, True), ("w", False)]
    assert manager.name not in {name for h in tables.events("handoff") for name in h["inputs"].values()}


def test_an_introduction_is_no_turn(runs: Path, ingested: Ingest) -> None:
    """Who speaks after whom is what the group's own list says, in every query, also where the group is resumed."""
    chat, manager = group(*(agents := members("x", "y")), rounds=4)
    with capture.start(runs, run_id="r", console=False):
        agents[0].initiate_chat(manager, message="hello")
        first = [m["name"] for m in chat.messages]
        manager.resume(messages=chat.messages)
        agents[0].initiate_chat(manager, message="once more", clear_history=False)
    tables = ingested(runs)
    handoffs = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert manager.name not in {name for pair in handoffs for name in pair}
    path = tables.sql("SELECT agent_name FROM ingest.turns ORDER BY place")
    assert first == [row["agent_name"] for row in path[: len(first)]]
    announced = tables.sql("SELECT sender, internal FROM messages WHERE internal")
    assert {row["sender"] for row in announced} == {manager.name}
    assert manager.name not in {row["agent_name"] for row in answer(tables.out, "why_silent")}
    assert manager.name not in {row["callee"] for row in answer(tables.out, "call_chain")}


def test_a_function_that_chooses_is_no_speaker(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """AG2 has the manager tell the chosen agent something in the function's name; who spoke before hands over to it."""
    functions = pytest.importorskip("autogen.agentchat.group.targets.function_target")
    server = scripted_llm(lambda request: request.system.split(".")[0] + " speaks")
    a, b = (ConversableAgent(n, system_message=n, llm_config=server.config(), human_input_mode="NEVER") for n in "ab")

    def pick(output: str, context: Any) -> Any:
        return functions.FunctionTargetResult(
            messages=[functions.FunctionTargetMessage(content="a hint", msg_target=b)], target=AgentTarget(b)
        )

    a.handoffs.set_after_work(functions.FunctionTarget(pick))
    b.handoffs.set_after_work(TerminateTarget())
    with capture.start(runs, run_id="r", console=False):
        result, _, _ = initiate_group_chat(
            DefaultPattern(initial_agent=a, agents=[a, b]), messages="start", max_rounds=8
        )
    assert [m.get("name") for m in result.chat_history][1:] == ["a", "b"]
    assert any("a hint" in str(m.get("content")) for m in server.requests[-1].messages)
    tables = ingested(runs)
    handoffs = [(h["inputs"]["to_agent"], h["meta"]["selection"]) for h in tables.events("handoff")]
    assert handoffs == [("a", "group_transition"), ("b", "after_works")]
    assert [tuple(r.values()) for r in tables.sql("SELECT sender, recipient FROM messages WHERE internal")] == [
        ("chat_manager", "b")
    ]
    assert [len(row["path"]) for row in answer(tables.out, "agent_variants")] == [3]


def test_what_a_manager_says_aloud_is_a_turn(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """It has a member of its group run something, and thanks another: that is no announcement of AG2's."""
    x, y = members("x", "y")
    config: Any = {"work_dir": str(tmp_path), "use_docker": False}
    runner = ConversableAgent("runner", code_execution_config=config, **QUIET)
    chat = GroupChat([x, y, runner], messages=[], max_round=3, speaker_selection_method="round_robin")
    manager = GroupChatManager(chat, llm_config=False, name="chief")
    with capture.start(runs, run_id="r", console=False):
        x.initiate_chat(manager, message="go")
        manager.initiate_chat(runner, message=CODE, max_turns=1)
        manager.send("Thank you, x.", x, request_reply=False)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM messages WHERE internal") == 0
    assert [(r["agent_name"], r["executor"]) for r in tables.sql("SELECT agent_name, executor FROM code_execs")] == [
        ("chief", "runner")
    ]
    handoffs = {(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")}
    assert ("chief", "runner") in handoffs
