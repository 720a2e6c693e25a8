"""Everything that happened in a run of real agents is in the tables once, with its times and its place."""

import asyncio
import contextlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager, UserProxyAgent, register_function
from autogen.agentchat import a_initiate_group_chat, a_run_group_chat, initiate_group_chat, run_group_chat
from autogen.agentchat.group import AgentTarget, ContextVariables, ReplyResult, TerminateTarget
from autogen.agentchat.group.patterns import DefaultPattern, RoundRobinPattern
from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor

import capture
from sample_runs.scripted_llm import Call, Failure, Reply, Request, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.queries.reading import answer

pytestmark = pytest.mark.first(12)

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
ASKS: dict[str, Any] = {"message": "one asks", "max_turns": 1}


@pytest.mark.few
@pytest.mark.parametrize("silent", [False, True])
def test_tools_that_return_raise_or_never_ran(
    silent: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """One row a call: measured duration and traceback of those that ran, AG2's own words of those that did not."""
    spent: list[float] = []

    def divide(a: int, b: int) -> float:
        begun = time.perf_counter()
        time.sleep(0.02)
        spent.append((time.perf_counter() - begun) * 1000)
        return a / b

    replies = [
        Reply(calls=(Call("divide", {"a": 1, "b": 2}), Call("divide", {"a": 1, "b": 0}))),
        call("unknown_tool", x=1),
        Reply(calls=(Call("divide", '{"a": 1,'),)),
        Reply("Done."),
    ]
    llm = scripted_llm(replies)
    asker, worker = ConversableAgent("asker", llm_config=llm.config(), **QUIET), ConversableAgent("worker", **QUIET)
    register_function(divide, caller=asker, executor=worker, description="Divides.")
    with capture.start(runs, run_id="tools", console=False):
        worker.initiate_chat(asker, message="Divide.", max_turns=4, silent=silent)
    tables = ingested(runs)
    rows = tables.sql("SELECT * FROM tool_calls ORDER BY started_at")
    assert [(r["tool_name"], r["agent_name"], r["executor"], r["status"]) for r in rows] == [
        ("divide", "asker", "worker", "completed"),
        ("divide", "asker", "worker", "failed"),
        ("unknown_tool", "asker", "worker", "failed"),
        ("divide", "asker", "worker", "failed"),
    ]
    assert [r["result"] for r in rows[:2]] == ["0.5", "Error: division by zero"]
    assert len(spent) == 2
    for row, measured in zip(rows, spent, strict=False):
        assert measured - 1 <= row["duration_ms"] < measured + 500
    assert [r["error_message"] for r in rows[:3]] == [
        None,
        "division by zero",
        "Error: Function unknown_tool not found.",
    ]
    events = tables.events("tool_call")
    assert [json.loads(r["arguments"]) for r in rows[:2]] == [{"a": 1, "b": 2}, {"a": 1, "b": 0}]
    failed = next(e for e in events if e["id"] == rows[1]["event_id"])
    assert failed["meta"]["error_type"] == "ZeroDivisionError"
    assert "return a / b" in failed["meta"]["traceback"]
    assert len(events) == len(rows)


def _timed(code: str) -> str:
    """A message with a Python block."""
    return f"Run this:\n```python\n{code}\n```"


@pytest.mark.few
@pytest.mark.parametrize("kind", ["executor", "old"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_code_that_ran(kind: str, is_async: bool, runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """One row an execution: the code, its exit code and output, who wrote and who ran it, and its own duration."""
    codes = ["import time\ntime.sleep(0.3)\nprint('slept')", "raise SystemExit(3)", "print('last')"]
    work = tmp_path / "work"
    work.mkdir()
    config = {"executor": LocalCommandLineCodeExecutor(work_dir=work)} if kind == "executor" else {"use_docker": False}
    messages = iter([_timed(code) for code in codes])
    writer = ConversableAgent("writer", llm_config=False, **QUIET)
    writer.register_reply([ConversableAgent, None], lambda *_, **__: (True, next(messages, None)), position=0)
    runner = ConversableAgent(
        "runner",
        llm_config=False,
        code_execution_config=config | {"work_dir": str(work)} if kind == "old" else config,
        **QUIET,
    )
    with capture.start(runs, run_id="code", console=False):
        if is_async:
            asyncio.run(runner.a_initiate_chat(writer, message="Go.", max_turns=4))
        else:
            runner.initiate_chat(writer, message="Go.", max_turns=4)
        time.sleep(0.3)  # what a duration taken from the next record would hold
    tables = ingested(runs)
    rows = tables.sql("SELECT * FROM code_execs ORDER BY started_at")
    assert [r["code"].strip() for r in rows] == codes
    assert [(r["exit_code"], r["status"], r["agent_name"], r["executor"], r["language"]) for r in rows] == [
        (0, "completed", "writer", "runner", "python"),
        (3, "failed", "writer", "runner", "python"),
        (0, "completed", "writer", "runner", "python"),
    ]
    assert [r["output"].strip() for r in rows] == ["slept", "", "last"]
    assert rows[0]["duration_ms"] >= 300
    recorded = tables.sql("SELECT record->'started' AS s, record->'ended' AS e FROM journal WHERE kind = 'code_exec'")
    measured = sorted((int(r["e"]) - int(r["s"])) // 1000 / 1000 for r in recorded)
    assert sorted(r["duration_ms"] for r in rows) == pytest.approx(measured, abs=0.002)
    turns = {t["id"]: t["agent_name"] for t in tables.events("agent_call")}
    assert [turns[e["parent_event_id"]] for e in tables.events("code_exec")] == ["runner"] * 3


@pytest.mark.few
@pytest.mark.parametrize("kind", ["executor", "old"])
def test_an_executor_stops_at_a_language_that_it_does_not_take(
    kind: str, runs: Path, tmp_path: Path, ingested: Ingest
) -> None:
    """What comes after that block did not run, the block itself is not saved, and what came before went well."""
    work = tmp_path / "work"
    work.mkdir()
    config = {"executor": LocalCommandLineCodeExecutor(work_dir=work)} if kind == "executor" else {"use_docker": False}
    first, last = (f"open('{name}', 'w').write('1')" for name in ("before.txt", "after.txt"))
    settings = "# filename: settings.yaml\na: 1"
    message = f"```python\n{first}\n```\n```yaml\n{settings}\n```\n```python\n{last}\n```"
    runner = ConversableAgent(
        "runner",
        llm_config=False,
        code_execution_config=config | {"work_dir": str(work)} if kind == "old" else config,
        **QUIET,
    )
    with capture.start(runs, run_id="r", console=False, files=False):
        history = talker("writer").initiate_chat(runner, message=message, max_turns=1).chat_history
    assert history[1]["content"].endswith("unknown language yaml")
    assert [path.name for path in work.glob("*.*") if not path.name.startswith("tmp_code")] == ["before.txt"]
    (runs / "saved.json").write_text(json.dumps(history))
    tables = ingested(runs)
    for run_id in ("r", "saved.json"):
        rows = tables.sql("SELECT code, status FROM code_execs WHERE run_id = ?", run_id)
        assert sorted((r["code"].strip(), r["status"]) for r in rows) == [(settings, "failed"), (first, "failed")]
        (told,) = [event for event in tables.events("code_exec") if event["run_id"] == run_id]
        assert (told["meta"]["language"], told["error_message"]) == ("yaml", "unknown language yaml")
        files = tables.sql("SELECT file_path FROM files WHERE run_id = ? AND operation = 'write'", run_id)
        assert [r["file_path"] for r in files] == ["before.txt"]


def test_code_that_is_only_saved_reads_and_writes_nothing(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """AG2's command-line executors run no JavaScript, and no language that they are told not to."""
    work = tmp_path / "work"
    policies = {"sh": False}
    executor = LocalCommandLineCodeExecutor(work_dir=work, execution_policies=policies)
    runner = ConversableAgent("runner", llm_config=False, code_execution_config={"executor": executor}, **QUIET)
    blocks = {
        "javascript": "const fs = require('fs');\nfs.writeFileSync('never.json', fs.readFileSync('in.json'))",
        "sh": "# filename: tools/make.sh\necho 1 > never.txt",
        "python": "import csv\nopen('real.txt', 'w').write('1')",
    }
    (work / "tools").mkdir()
    message = "\n".join(f"```{language}\n{code}\n```" for language, code in blocks.items())
    with capture.start(runs, run_id="r", console=False, files=False):
        history = talker("writer").initiate_chat(runner, message=message, max_turns=1).chat_history
    assert sorted(p.name for p in work.rglob("*.*") if "tmp_code" not in p.name) == ["make.sh", "real.txt"]
    (runs / "saved.json").write_text(json.dumps(history))
    tables = ingested(runs)
    for run_id in ("r", "saved.json"):
        files = tables.sql("SELECT file_path FROM files WHERE run_id = ? AND operation <> 'mention' ORDER BY 1", run_id)
        assert [r["file_path"] for r in files] == ["real.txt", "tools/make.sh"]
        (told,) = [event["meta"] for event in tables.events("code_exec") if event["run_id"] == run_id]
        assert (told["files_written"], told["files_read"]) == (["tools/make.sh", "real.txt"], [])
        assert told["imports"] == ["csv"]


def test_a_block_that_installs_something_is_known_as_the_one_that_failed(
    runs: Path, tmp_path: Path, ingested: Ingest
) -> None:
    """AG2 makes pip silent in it, so the file that a traceback names has another MD5. Later blocks did not run."""
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    runner = ConversableAgent("runner", llm_config=False, code_execution_config={"executor": executor}, **QUIET)
    codes = ["open('before.txt', 'w').write('1')", "!pip install nothere\nimport nothere", "print('after')"]
    message = "\n".join(f"```python\n{code}\n```" for code in codes)
    with capture.start(runs, run_id="r", console=False, files=False):
        history = talker("writer").initiate_chat(runner, message=message, max_turns=1).chat_history
    (runs / "saved.json").write_text(json.dumps(history))
    tables = ingested(runs)
    for run_id in ("r", "saved.json"):
        rows = tables.sql("SELECT code, status FROM code_execs WHERE run_id = ?", run_id)
        assert sorted((r["code"], r["status"]) for r in rows) == sorted((code, "failed") for code in codes[:2])
        written = "SELECT file_path FROM files WHERE run_id = ? AND operation = 'write'"
        assert tables.one(written, run_id) == "before.txt"


def test_code_that_user_code_ran(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Code run without a message, by an agent and by an executor alone, and one whose executor raises."""

    class Broken(LocalCommandLineCodeExecutor):
        def execute_code_blocks(self, code_blocks: Any) -> Any:
            raise OSError("no such machine")

    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    runner = ConversableAgent("runner", llm_config=False, code_execution_config={"executor": executor}, **QUIET)
    broken = Broken(work_dir=tmp_path)
    sad = ConversableAgent("sad", llm_config=False, code_execution_config={"executor": broken}, **QUIET)
    before = vars(LocalCommandLineCodeExecutor)["execute_code_blocks"]
    with capture.start(runs, run_id="direct", console=False):
        assert runner.code_executor is executor
        executor.execute_code_blocks([CodeBlock(code="print(1)", language="python")])
        executor.execute_code_blocks([CodeBlock(code="echo 2", language="sh")])
        with pytest.raises(OSError, match="no such machine"):
            runner.initiate_chat(sad, message=_timed("print(3)"), max_turns=1)
    assert vars(LocalCommandLineCodeExecutor)["execute_code_blocks"] is before
    tables = ingested(runs)
    rows = tables.sql("SELECT code, exit_code, status, executor, output FROM code_execs ORDER BY started_at")
    assert [(r["code"], r["exit_code"], r["status"], r["executor"]) for r in rows] == [
        ("print(1)", 0, "completed", "runner"),
        ("echo 2", 0, "completed", "runner"),
        ("print(3)", None, "failed", "sad"),
    ]
    failed = tables.events("code_exec")[-1]
    assert failed["error_message"] == "no such machine"
    assert "no such machine" in failed["meta"]["traceback"]


@pytest.mark.parametrize("kind", ["sync", "async", "silent", "human", "pattern"])
def test_what_opens_a_chat_is_the_users(
    kind: str, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all that a human's proxy says, and a human's own words, whatever class of agent passes them on."""
    answers = iter(["and more", "exit"])
    monkeypatch.setattr("builtins.input", lambda *_: next(answers))
    user: ConversableAgent = UserProxyAgent("user", human_input_mode="NEVER", code_execution_config=False)
    if kind == "human":
        user = ConversableAgent("user", llm_config=False, human_input_mode="ALWAYS")
    user._default_auto_reply = "go on"
    helper = talker("helper")
    with capture.start(runs, run_id="r", console=False):
        if kind == "pattern":
            pattern = RoundRobinPattern(initial_agent=helper, agents=[helper])
            initiate_group_chat(pattern=pattern, messages="go", max_rounds=2)
        elif kind == "async":
            asyncio.run(user.a_initiate_chat(helper, message="go", max_turns=2))
        else:
            opening: Any = {"content": "go", "role": "user"} if kind == "human" else "go"
            user.initiate_chat(helper, message=opening, max_turns=2, silent=kind == "silent")
    rows = ingested(runs).sql("SELECT sender, role, content FROM messages ORDER BY message_order")
    assert len(rows) == (2 if kind == "pattern" else 4)
    assert [r["role"] for r in rows] == ["assistant" if r["sender"] == "helper" else "user" for r in rows]


def talker(name: str, says: str | None = None, **options: Any) -> ConversableAgent:
    """An agent without a model, that always says the same."""
    return ConversableAgent(name, llm_config=False, default_auto_reply=says or f"{name} says", **QUIET, **options)


def tree(tables: Any, *kinds: str) -> list[tuple[int, str, str | None, str | None]]:
    """Events in order: depth, agent, what was said or done, and what the parent said; a parent's depth is one less."""
    rows = tables.sql("SELECT * FROM execution_events ORDER BY execution_order")
    text = {r["id"]: json.loads(r["outputs"]).get("full_content") or r["event_type"] for r in rows}
    depths = {r["id"]: r["depth"] for r in rows}
    for row in rows:
        assert row["depth"] == (0 if row["parent_event_id"] is None else depths[row["parent_event_id"]] + 1)
    return [
        (r["depth"], r["agent_name"], text[r["id"]], text.get(r["parent_event_id"]))
        for r in rows
        if r["event_type"] in kinds
    ]


@pytest.mark.few
@pytest.mark.parametrize("form", ["sync", "async", "tasks"])
def test_a_nested_chat_is_below_the_turn_that_opened_it(
    form: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A chat in a chat in a chat: each turn below the one that opened its chat, LLM calls below their own turn."""
    llm = scripted_llm(["deep answer", "again"])
    user, lead, helper = talker("user"), talker("lead"), talker("helper")
    deep = ConversableAgent("deep", llm_config=llm.config(), **QUIET)
    tasks: Any = {"use_async": True} if form == "tasks" else {}
    for agent, inner, trigger, text in ((lead, helper, user, "inner?"), (helper, deep, lead, "deeper?")):
        chats = [{"recipient": inner, "message": text, "max_turns": 1, "chat_id": 1}]
        agent.register_nested_chats(chats, trigger, **tasks)
    with capture.start(runs, run_id="nested", console=False):
        if form == "sync":
            user.initiate_chat(lead, message="go", max_turns=1)
        else:
            asyncio.run(user.a_initiate_chat(lead, message="go", max_turns=1))
    tables = ingested(runs)
    assert tree(tables, "agent_call", "llm_call", "handoff") == [
        (0, "user", "go", None),
        (0, "user", "handoff", None),
        (0, "lead", "deep answer", None),
        (1, "lead", "inner?", "deep answer"),
        (1, "lead", "handoff", "deep answer"),
        (1, "helper", "deep answer", "deep answer"),
        (2, "helper", "deeper?", "deep answer"),
        (2, "helper", "handoff", "deep answer"),
        (2, "deep", "deep answer", "deep answer"),
        (3, "deep", "llm_call", "deep answer"),
    ]
    turns = {t["outputs"]["full_content"]: t for t in tables.events("agent_call") if t["depth"] == 0}
    assert turns["deep answer"]["meta"]["nested_chats"] == [{"recipient": "helper", "summary": "deep answer"}]
    assert tables.one("SELECT count(*) FROM messages") == 6


@pytest.mark.few
@pytest.mark.parametrize("form", ["sync", "async", "thread", "gather"])
def test_a_chat_that_a_tool_opens_is_below_the_tools_turn(
    form: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A tool that starts a chat, in its own thread or task or another one: the turns are below that of its runner."""
    llm = scripted_llm([call("ask"), "Thanks."])

    def ask() -> str:
        if form != "thread":
            return str(talker("one").initiate_chat(talker("two"), message="one asks", max_turns=1).summary)
        other = threading.Thread(target=talker("one").initiate_chat, args=(talker("two"),), kwargs=ASKS)
        other.start()
        other.join()
        return "two says"

    async def a_ask() -> str:
        one, two = talker("one"), talker("two")
        if form == "async":
            return str((await one.a_initiate_chat(two, **ASKS)).summary)
        results = await asyncio.gather(*(talker("one").a_initiate_chat(talker("two"), **ASKS) for _ in range(1)))
        return str(results[0].summary)

    model, runner = ConversableAgent("model", llm_config=llm.config(), **QUIET), talker("runner")
    tool = a_ask if form in ("async", "gather") else ask
    register_function(tool, caller=model, executor=runner, name="ask", description="Asks.")
    with capture.start(runs, run_id="tool", console=False):
        if form in ("async", "gather"):
            asyncio.run(runner.a_initiate_chat(model, message="go", max_turns=2))
        else:
            runner.initiate_chat(model, message="go", max_turns=2)
    assert tree(ingested(runs), "agent_call", "llm_call", "tool_call") == [
        (0, "runner", "go", None),
        (0, "model", "agent_call", None),
        (1, "model", "llm_call", "agent_call"),
        (0, "runner", "two says", None),
        (1, "model", "tool_call", "two says"),
        (1, "one", "one asks", "two says"),
        (1, "two", "two says", "two says"),
        (0, "model", "Thanks.", None),
        (1, "model", "llm_call", "Thanks."),
    ]


def test_a_group_inside_a_turn_of_a_group(runs: Path, ingested: Ingest) -> None:
    """The members' turns of the inner group are below the turn of the outer group's member that opened it."""
    inner = GroupChat([talker("x"), talker("y")], messages=[], max_round=3, speaker_selection_method="round_robin")
    outer_members: list[Any] = [talker("a"), talker("b"), talker("c")]
    outer = GroupChat(outer_members, messages=[], max_round=4, speaker_selection_method="round_robin")
    inner_manager = GroupChatManager(inner, name="inner", llm_config=False)
    manager = GroupChatManager(outer, name="outer", llm_config=False)
    chats = [{"sender": inner.agents[0], "recipient": inner_manager, "message": "in", "max_turns": 1}]
    outer_members[1].register_nested_chats(chats, trigger=manager)
    with capture.start(runs, run_id="groups", console=False):
        outer_members[0].initiate_chat(manager, message="out", max_turns=1)
    assert tree(ingested(runs), "agent_call") == [
        (0, "a", "out", None),
        (0, "b", "x says", None),
        (1, "x", "in", "x says"),
        (1, "y", "y says", "x says"),
        (1, "x", "x says", "x says"),
        (0, "c", "c says", None),
        (0, "a", "a says", None),
    ]


def test_steps_and_actions_in_each_other(runs: Path, ingested: Ingest) -> None:
    """Steps are passed over, actions are not: a turn is below the nearest action, however deep it is."""
    with capture.start(runs, run_id="steps", console=False) as run, run.step("outer", node_id="n1"):
        talker("a").initiate_chat(talker("b"), message="one", max_turns=1)
        deep = run.timed("decision", "first"), run.step("middle"), run.timed("decision", "second")
        with deep[0], deep[1], deep[2], run.step("inner", node_id="n2"):
            talker("c").initiate_chat(talker("d"), message="two", max_turns=1)
    tables = ingested(runs)
    assert tree(tables, "agent_call", "decision") == [
        (0, "a", "one", None),
        (0, "b", "b says", None),
        (2, "c", "two", "decision"),
        (2, "d", "d says", "decision"),
        (1, None, "decision", "decision"),
        (0, None, "decision", None),
    ]
    places = tables.sql("SELECT step_id, node_id FROM messages ORDER BY message_order")
    assert [tuple(p.values()) for p in places] == [("outer", "n1")] * 2 + [("inner", "n2")] * 2


def test_a_nested_chat_of_a_turn_that_never_ended(runs: Path, ingested: Ingest) -> None:
    """Where the agent raised, its nested chat is in a turn without words; the error once."""
    user, lead = talker("user"), talker("lead")

    def fail(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        talker("in").initiate_chat(talker("side"), message="hm", max_turns=1)
        raise RuntimeError("gave up")

    lead.register_reply([ConversableAgent, None], fail, position=0)
    with pytest.raises(RuntimeError, match="gave up"), capture.start(runs, run_id="cut", console=False):
        user.initiate_chat(lead, message="go", max_turns=1)
    tables = ingested(runs)
    assert tree(tables, "agent_call") == [
        (0, "user", "go", None),
        (0, "lead", "agent_call", None),
        (1, "in", "hm", "agent_call"),
        (1, "side", "side says", "agent_call"),
    ]
    assert [e["error_message"] for e in tables.events("error")] == ["gave up"]


def test_an_error_that_user_code_handles(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """A chat that fails is an error with its traceback although the program goes on; that of a `run` once, too."""
    llm = scripted_llm([Failure(500, "out of order")] * 2)
    model = ConversableAgent("model", llm_config=llm.config(), **QUIET)
    with capture.start(runs, run_id="handled", console=False):
        with pytest.raises(Exception, match="out of order"):
            talker("user").initiate_chat(model, message="one", max_turns=1)
        with pytest.raises(Exception, match="out of order"):
            list(model.run(message="two", max_turns=1).events)
    tables = ingested(runs)
    errors = tables.events("error")
    assert len(errors) == len(llm.requests) == 2
    assert all("out of order" in e["error_message"] and "Traceback" in e["meta"]["traceback"] for e in errors)
    assert tables.one("SELECT status FROM runs") == "completed"


def outcome(tables: Any) -> dict[str, Any]:
    """What the tables say of a run as a whole."""
    meta: dict[str, Any] = json.loads(tables.one("SELECT meta FROM runs"))
    return meta


@pytest.mark.few
@pytest.mark.parametrize("form", ["initiate_chat", "a_initiate_chat", "run", "a_run"])
def test_what_came_of_a_chat(form: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Summary, cost and each agent's usage are those that AG2 gave its caller."""
    llm = scripted_llm(["The answer. TERMINATE"])
    model, user = ConversableAgent("model", llm_config=llm.config(), **QUIET), talker("user")

    async def drain() -> Any:
        response = await model.a_run(message="Hi.", max_turns=1)
        await response.process()
        return await response.summary

    with capture.start(runs, run_id="outcome", console=False):
        if form == "initiate_chat":
            result: Any = user.initiate_chat(model, message="Hi.", max_turns=1)
        elif form == "a_initiate_chat":
            result = asyncio.run(user.a_initiate_chat(model, message="Hi.", max_turns=1))
        elif form == "run":
            result = model.run(message="Hi.", max_turns=1)
            result.process()
        else:
            summary = asyncio.run(drain())
    meta = outcome(ingested(runs))
    assert meta["summary"] == (summary if form == "a_run" else result.summary)
    assert "The answer." in meta["summary"]
    assert model.client is not None
    assert meta["usage"] == {
        "model": {"total": model.client.total_usage_summary, "actual": model.client.actual_usage_summary}
    }
    if form.endswith("initiate_chat"):
        assert meta["cost"] == result.cost
        assert meta["cost"]["usage_including_cached_inference"]["scripted-1"]["total_tokens"] > 0


@pytest.mark.few
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_what_came_of_chats_in_a_row(is_async: bool, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Each chat's outcome is kept, in order, and the run's summary is that of the last."""
    llm = scripted_llm(["First.", "Second."])
    user = talker("user")
    chats: list[dict[str, Any]] = [
        {
            "recipient": ConversableAgent(f"model{number}", llm_config=llm.config(), **QUIET),
            "message": "Go.",
            "max_turns": 1,
            "chat_id": number,
            "prerequisites": [number - 1] if number > 1 else [],
        }
        for number in (1, 2)
    ]
    with capture.start(runs, run_id="row", console=False):
        if is_async:
            results: Any = list(asyncio.run(user.a_initiate_chats(chats)).values())
        else:
            results = user.initiate_chats(chats)
    meta = outcome(ingested(runs))
    assert [c["summary"] for c in meta["chats"]] == [r.summary for r in results] == ["First.", "Second."]
    assert [c["cost"] for c in meta["chats"]] == [r.cost for r in results]
    assert [(c["sender"], c["recipient"]) for c in meta["chats"]] == [("user", "model1"), ("user", "model2")]
    assert meta["summary"] == "Second."


@pytest.mark.slow
@pytest.mark.parametrize("form", ["initiate", "a_initiate", "run", "a_run"])
def test_what_came_of_a_group(form: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Context variables as they are at the end, changed by a tool; each turn, handoff, call and tool once."""
    llm = scripted_llm({"You are triage": [call("note", word="stars")], "You are expert": ["Solved."]})
    noted: list[str] = []

    def note(word: str, context_variables: ContextVariables) -> ReplyResult:
        """Notes a word."""
        noted.append(word)
        context_variables["word"] = word
        return ReplyResult(message="noted", target=AgentTarget(expert), context_variables=context_variables)

    triage, expert = (
        ConversableAgent(n, system_message=f"You are {n}.", llm_config=llm.config(), functions=f, **QUIET)
        for n, f in (("triage", [note]), ("expert", []))
    )
    expert.handoffs.set_after_work(TerminateTarget())
    variables = ContextVariables({"topic": "sky"})
    pattern = DefaultPattern(initial_agent=triage, agents=[triage, expert], context_variables=variables)

    async def drain() -> None:
        await (await a_run_group_chat(pattern=pattern, messages="Look up.", max_rounds=6)).process()

    with capture.start(runs, run_id="group", console=False):
        if form == "initiate":
            initiate_group_chat(pattern=pattern, messages="Look up.", max_rounds=6)
        elif form == "a_initiate":
            asyncio.run(a_initiate_group_chat(pattern=pattern, messages="Look up.", max_rounds=6))
        elif form == "run":
            run_group_chat(pattern=pattern, messages="Look up.", max_rounds=6).process()
        else:
            asyncio.run(drain())
    tables = ingested(runs)
    meta = outcome(tables)
    assert meta["context_variables"] == {"topic": "sky", "word": "stars"}
    assert "Solved." in meta["summary"]
    assert meta["cost"]["usage_including_cached_inference"]["total_cost"] == pytest.approx(
        tables.one("SELECT sum(cost) FROM llm_calls")
    )
    assert noted == ["stars"]
    rows = tables.sql("SELECT tool_name, agent_name, status, arguments->>'word' AS word FROM tool_calls")
    assert [tuple(r.values()) for r in rows] == [("note", "triage", "completed", "stars")]
    assert tables.one("SELECT count(*) FROM llm_calls") == len(llm.requests) == 2
    said = tables.sql("SELECT sender, content FROM messages ORDER BY message_order")
    assert [(s["sender"], s["content"]) for s in said][-1] == ("expert", "Solved.")
    assert [s["content"] for s in said].count("Solved.") == 1
    handoffs = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert handoffs[-1][1] == "expert"
    assert tables.events("handoff")[-1]["meta"]["selection"] == "reply_result"
    called = {e["agent_name"]: e for e in tables.events("llm_call")}
    turns = {t["id"]: t["agent_name"] for t in tables.events("agent_call")}
    assert {name: turns[e["parent_event_id"]] for name, e in called.items()} == {"triage": "triage", "expert": "expert"}


@pytest.mark.few
@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_chats_at_once_of_agents_with_equal_names(
    form: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """In one run, in threads or tasks: each model call is below the turn that it made, however they interleave."""
    together = threading.Barrier(3)

    def answer(request: Request) -> str:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(timeout=5)  # so that all three chats are in the same place at once
        return f"answer to {request.messages[-1]['content']}"

    llm = scripted_llm(answer)

    def pair() -> tuple[ConversableAgent, ConversableAgent]:
        return talker("user"), ConversableAgent("model", llm_config=llm.config(), **QUIET)

    async def tasks() -> None:
        pairs = [pair() for _ in range(3)]
        await asyncio.gather(*(u.a_initiate_chat(m, message=f"q{n}", max_turns=1) for n, (u, m) in enumerate(pairs)))

    with capture.start(runs, run_id="once", console=False):
        if form == "tasks":
            asyncio.run(tasks())
        else:
            threads = []
            for number in range(3):
                user, model = pair()
                options = {"message": f"q{number}", "max_turns": 1}
                threads.append(threading.Thread(target=user.initiate_chat, args=(model,), kwargs=options))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    tables = ingested(runs)
    rows = tables.sql(
        "SELECT calls.outputs->>'content' AS made, turns.outputs->>'full_content' AS said, "
        "turns.inputs->>'sender' AS asker "
        "FROM execution_events AS calls LEFT JOIN execution_events AS turns ON turns.id = calls.parent_event_id "
        "WHERE calls.event_type = 'llm_call' ORDER BY 1"
    )
    assert [(r["made"], r["said"], r["asker"]) for r in rows] == [
        (f"answer to q{number}", f"answer to q{number}", "user") for number in range(3)
    ]
    assert len(tables.events("handoff")) == 3
    assert len(llm.requests) == 3


def test_the_error_that_ends_a_run_is_told_once(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """A chat in `run`'s own thread fails, AG2 sends the error as an event, raises it again, and the run ends."""
    llm = scripted_llm([Failure(500, "out of order")])
    model = ConversableAgent("model", llm_config=llm.config(), **QUIET)
    with pytest.raises(Exception, match="out of order"), capture.start(runs, run_id="once", console=False):
        list(model.run(message="Hi.", max_turns=1).events)
    tables = ingested(runs)
    assert len(tables.events("error")) == 1
    assert tables.one("SELECT status FROM runs") == "failed"
    assert tables.sql("SELECT status, agent_name FROM llm_calls") == [{"status": "failed", "agent_name": "model"}]


def test_what_a_human_was_asked(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompt and answer are with the turn that the answer became, and with the run where it became none."""
    asked: list[str] = []

    def answer(prompt: str = "") -> str:
        asked.append(prompt)
        return ["my answer", "exit"][len(asked) - 1]

    monkeypatch.setattr("builtins.input", answer)
    with capture.start(runs, run_id="human"):
        human = UserProxyAgent("human", human_input_mode="ALWAYS", code_execution_config=False)
        human.initiate_chat(talker("bot"), message="Hi.")
    tables = ingested(runs)
    turn = next(t for t in tables.events("agent_call") if t["outputs"]["full_content"] == "my answer")
    assert turn["meta"]["human_input"] == [{"prompt": asked[0], "answer": "my answer"}]
    assert outcome(tables)["human_input"] == [{"prompt": asked[1], "answer": "exit"}]


def test_an_interrupted_chat_is_no_error(runs: Path, ingested: Ingest) -> None:
    """Somebody presses Ctrl-C in a chat: the run is interrupted, and nothing failed."""
    agent = talker("a")

    def interrupt(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        raise KeyboardInterrupt

    agent.register_reply([ConversableAgent, None], interrupt, position=0)
    with pytest.raises(KeyboardInterrupt), capture.start(runs, run_id="stopped", console=False):
        talker("b").initiate_chat(agent, message="go", max_turns=1)
    assert ingested(runs).sql("SELECT status, errors FROM runs") == [{"status": "interrupted", "errors": 0}]


@pytest.mark.few
@pytest.mark.parametrize("around", [False, True])
def test_a_nested_chat_in_an_action_is_below_the_turn(around: bool, runs: Path, ingested: Ingest) -> None:
    """An action that is begun in the turn does not come between; one around the whole chat is above all of it."""
    lead = talker("lead")

    def reply(*args: Any, **kwargs: Any) -> tuple[bool, str]:
        run = capture.current()
        assert run is not None
        with run.timed("decision", "inside"), run.step("s"):
            talker("in").initiate_chat(talker("side"), message="hm", max_turns=1)
        return True, "done"

    lead.register_reply([ConversableAgent, None], reply, position=0)
    with (
        capture.start(runs, run_id="action", console=False) as run,
        run.timed("decision", "outside") if around else run.step("outside"),
    ):
        talker("user").initiate_chat(lead, message="go", max_turns=1)
    top = int(around)
    assert tree(ingested(runs), "agent_call") == [
        (top, "user", "go", "decision" if around else None),
        (top, "lead", "done", "decision" if around else None),
        (top + 1, "in", "hm", "done"),
        (top + 1, "side", "side says", "done"),
    ]


def test_a_file_that_a_turn_with_a_nested_chat_names_is_of_that_turn(runs: Path, ingested: Ingest) -> None:
    """The turn has its id from when it opened the chat, and so has what it mentions."""
    lead = talker("lead")

    def reply(*args: Any, **kwargs: Any) -> tuple[bool, str]:
        talker("in").initiate_chat(talker("side"), message="hm", max_turns=1)
        return True, "See `report.csv`."

    lead.register_reply([ConversableAgent, None], reply, position=0)
    with capture.start(runs, run_id="files", console=False):
        talker("user").initiate_chat(lead, message="go", max_turns=1)
    assert ingested(runs).sql(
        "SELECT file_path, agent_name FROM files JOIN (SELECT id AS event_id, agent_name FROM execution_events) "
        "USING (event_id)"
    ) == [{"file_path": "report.csv", "agent_name": "lead"}]


@pytest.mark.few
@pytest.mark.parametrize("saved", [False, True])
def test_a_chat_that_goes_on_in_the_next_run(
    saved: bool, runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """What was said, run and called before a run began is of the run before, and counts for nothing here."""
    script = ["```python\n1/0\n```", call("boom"), "paused", "```python\nprint('fine')\n```", "over"]
    llm, called = scripted_llm(script), []
    anna = ConversableAgent("anna", system_message="You are anna.", llm_config=llm.config(), **QUIET)
    bert = ConversableAgent("bert", llm_config=False, default_auto_reply="idle", **QUIET)
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)
    user = UserProxyAgent("user", code_execution_config={"executor": executor}, default_auto_reply="go", **QUIET)

    def boom() -> str:
        called.append(1)
        raise OSError("boom")

    register_function(boom, caller=anna, executor=user, description="fails")
    with capture.start(runs, run_id="first", console=False):
        user.initiate_chat(anna, message="one", max_turns=3)
        user.initiate_chat(bert, message="hello", max_turns=1)
    with capture.start(runs, run_id="second", console=False) as run:
        result = user.initiate_chat(anna, message="two", max_turns=2, clear_history=False)
        if saved:
            run.save_messages(result)
    with capture.start(runs, run_id="third", console=False):
        user.initiate_chat(bert, message="hello again", max_turns=1)
    assert (len(called), len(llm.requests), len(result.chat_history)) == (1, 5, 10)
    tables = ingested(runs)
    counts = tables.sql("SELECT messages, llm_calls, tool_calls, code_execs, errors FROM runs ORDER BY run_id")
    assert [tuple(row.values()) for row in counts] == [(8, 3, 1, 1, 2), (4, 2, 0, 1, 0), (2, 0, 0, 0, 0)]
    before = "SELECT content FROM messages WHERE run_id = ? AND internal ORDER BY message_order"
    told = [row["content"] for row in tables.sql(before, "second")]
    assert [text or "" for text in told] == [message["content"] or "" for message in result.chat_history[:6]]
    begins = "SELECT min(execution_order) FROM execution_events WHERE run_id = 'second' AND event_subtype <> 'earlier'"
    assert tables.one(begins) == 6
    handoffs = [h for h in tables.events("handoff") if h["run_id"] == "second"]
    assert [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in handoffs] == [
        ("user", "anna"),
        ("anna", "user"),
        ("user", "anna"),
    ]
    paths = {row["example"]: row["path"] for row in answer(tables.out, "agent_variants")}
    assert paths["second"] == ["user", "anna", "user", "anna"]


@pytest.mark.few
@pytest.mark.parametrize("side", ["input", "output"])
def test_what_a_guardrail_asks_is_of_its_agent(side: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Its call is in the turn that it checks; words that it puts in the place of an answer are no model's."""
    guardrails = pytest.importorskip("autogen.agentchat.group.guardrails")
    if not hasattr(guardrails, "GuardrailCheckResult"):
        pytest.skip("guardrails of AG2 0.10 want a response that Pydantic can't describe")

    def script(request: Request) -> str:
        if "guardrail" in request.system:
            return json.dumps({"activated": side == "output", "justification": "bad"})
        return f"{request.system} speaks"

    llm = scripted_llm(script)
    a, b = (ConversableAgent(n, system_message=n, llm_config=llm.config(), **QUIET) for n in ("alice", "bob"))
    about = {"name": "polite", "condition": "rude", "target": AgentTarget(b), "activation_message": "withheld"}
    getattr(a, f"register_{side}_guardrail")(guardrails.LLMGuardrail(llm_config=a.llm_config, **about))
    a.handoffs.set_after_work(AgentTarget(b))
    b.handoffs.set_after_work(TerminateTarget())
    with capture.start(runs, run_id="r", console=False):
        initiate_group_chat(DefaultPattern(initial_agent=a, agents=[a, b]), messages="start", max_rounds=8)
    assert len(llm.requests) == 3
    tables = ingested(runs)
    turns = {turn["agent_name"]: turn["id"] for turn in tables.events("agent_call")}
    calls = tables.events("llm_call")
    assert sorted((call["event_subtype"], call["agent_name"]) for call in calls) == [
        ("call", "alice"),
        ("call", "bob"),
        ("guardrail", "alice"),
    ]
    assert all(call["parent_event_id"] == turns[call["agent_name"]] for call in calls)
    assert [call["meta"]["guardrail"] for call in calls if call["event_subtype"] == "guardrail"] == ["polite"]
    tokens = dict(tables.sql("SELECT sender, tokens FROM messages")[n].values() for n in range(3))
    assert (tokens["alice"] is None, tokens["bob"] is None) == (side == "output", False)
    (shown,) = tables.sql("SELECT llm_response FROM agent_executions WHERE agent_name = 'alice'")
    assert "alice speaks" in str(shown["llm_response"])


@pytest.mark.few
@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        (["p3"], ("p3", "auto")),
        (["p2 or p3", "p3"], ("p3", "auto")),
        (["p2 or p3", "p3 and p2"], ("p2", "fallback")),
        ([call("look", x=1), call("look", x=1)], ("p2", "fallback")),
        (["nobody", ""], ("p2", "fallback")),
    ],
)
def test_whether_a_model_chose_the_speaker(
    answers: list[Any], chosen: tuple[str, str], runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """To AG2 an answer with several names, or with none, is no choice: in the end it takes the next agent."""
    llm = scripted_llm([*answers, "I speak"])
    members = [ConversableAgent(name, llm_config=llm.config(), **QUIET) for name in ("p1", "p2", "p3")]
    group = GroupChat(
        members, [], max_round=2, speaker_selection_method="auto", max_retries_for_selecting_speaker=len(answers) - 1
    )
    with capture.start(runs, run_id="r", console=False):
        members[0].initiate_chat(GroupChatManager(group, llm_config=llm.config()), message="go")
    assert [message["name"] for message in group.messages] == ["p1", chosen[0]]
    (row,) = ingested(runs).sql("SELECT chosen, selection FROM selections")
    assert (row["chosen"], row["selection"]) == chosen


def test_what_is_sent_after_a_chat_answers_nothing_in_it(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """The call that sums up the chat is of no later turn, and the pause before the next message nobody's work."""
    llm = scripted_llm(["one", "a summary", "two"])
    user, anna = (ConversableAgent(name, llm_config=llm.config(), **QUIET) for name in ("user", "anna"))
    with capture.start(runs, run_id="r", console=False):
        user.initiate_chat(anna, message="first", max_turns=1, summary_method="reflection_with_llm")
        time.sleep(0.3)
        user.send("second", anna, request_reply=False)
        anna.send(anna.generate_reply(sender=user), user, request_reply=False)
    tables = ingested(runs)
    found = tables.sql(
        "SELECT agent_name, is_turn, llm_calls, duration_ms < 300 AS quick FROM executions ORDER BY 1, 2"
    )
    assert [tuple(row.values())[:3] for row in found] == [
        *[("anna", True, 1)] * 2,
        ("user", False, 1),
        *[("user", True, 0)] * 2,
    ]
    (second,) = tables.sql("SELECT duration_ms FROM execution_events WHERE inputs->>'message' = 'second'")
    assert (second["duration_ms"] or 0) < 250
