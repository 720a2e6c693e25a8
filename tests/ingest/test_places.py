"""Where things stand in the tables: what was marked in a tool, who spoke before whom, whose call a result is of."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, register_function
from autogen.coding import CodeBlock, LocalCommandLineCodeExecutor
from openai import BadRequestError

import capture
from sample_runs.scripted_llm import Failure, Reply, call
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.test_complete import talker, tree

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
CHATS = 5


def _asks_by_the_same_id(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Asks for a call of the same id in each chat, with the chat's own number; then says the same in each."""
    if messages[-1]["role"] == "tool":
        return {"content": "The end."}
    function = {"name": "job", "arguments": json.dumps({"number": int(messages[-1]["content"].split()[-1])})}
    return {"content": None, "tool_calls": [{"id": "same", "type": "function", "function": function}]}


@pytest.mark.few
@pytest.mark.parametrize("is_async", [False, True], ids=["threads", "tasks"])
def test_calls_of_equal_ids_in_chats_at_once(is_async: bool, runs: Path, ingested: Ingest) -> None:
    """Chats at once between agents of equal names, whose calls have equal ids: each has its own result and turn."""
    running = threading.Barrier(CHATS, timeout=30)

    def chat(number: int) -> tuple[ConversableAgent, ConversableAgent, str]:
        asker, worker = talker("asker"), talker("worker")
        asker.register_reply(
            [ConversableAgent, None], lambda _, messages, *__, **___: (True, _asks_by_the_same_id(messages)), position=0
        )

        async def a_job(number: int) -> str:
            await asyncio.sleep(0.3 - 0.05 * number)
            return f"result {number}"

        def job(number: int) -> str:
            running.wait()
            time.sleep(0.3 - 0.05 * number)
            return f"result {number}"

        worker.register_function({"job": a_job if is_async else job})
        return worker, asker, f"do {number}"

    def one(number: int) -> None:
        worker, asker, message = chat(number)
        worker.initiate_chat(asker, message=message, max_turns=2)

    async def a_one(number: int) -> None:
        worker, asker, message = chat(number)
        await worker.a_initiate_chat(asker, message=message, max_turns=2)

    async def all_of_them() -> None:
        await asyncio.gather(*(a_one(number) for number in range(CHATS)))

    with capture.start(runs, run_id="r", console=False):
        if is_async:
            asyncio.run(all_of_them())
        else:
            threads = [threading.Thread(target=one, args=(number,)) for number in range(CHATS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    tables = ingested(runs)
    rows = tables.sql("SELECT * FROM tool_calls ORDER BY arguments->>'number'")
    assert [json.loads(r["arguments"])["number"] for r in rows] == list(range(CHATS))
    turns = {t["id"]: t["inputs"]["message"] for t in tables.events("agent_call")}
    parents = {e["id"]: e["parent_event_id"] for e in tables.events("tool_call")}
    recorded = tables.sql("SELECT record FROM journal WHERE kind = 'function_call'")
    spent = {
        r["arguments"]["number"]: (r["ended"] // 1000 - r["started"] // 1000) / 1000
        for r in (json.loads(row["record"]) for row in recorded)
    }
    for number, row in enumerate(rows):
        assert (row["call_id"], row["result"], row["status"]) == ("same", f"result {number}", "completed")
        assert row["duration_ms"] == pytest.approx(spent[number], abs=0.002)
        assert turns[parents[row["event_id"]]] == f"result {number}"


@pytest.mark.few
@pytest.mark.parametrize("form", ["sync", "async", "sync in async"])
def test_what_is_marked_in_a_tool_is_below_its_call(
    form: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """Actions in a tool point at the call, what is in those at them; what is marked after it does not."""
    llm = scripted_llm([call("look", x=1), Reply("Done.")])
    asker, worker = ConversableAgent("asker", llm_config=llm.config(), **QUIET), talker("worker")
    with capture.start(runs, run_id="r", console=False) as run:

        def mark() -> str:
            with run.timed("tool_call", "Inner"), run.step("inside"):
                run.log("decision", "deep")
            run.log("decision", "choose")
            run.context(step_id="later")
            return "seen"

        def look(x: int) -> str:
            return mark()

        async def a_look(x: int) -> str:
            await asyncio.sleep(0)
            return mark()

        tool: Callable[..., Any] = a_look if form == "async" else look
        register_function(tool, caller=asker, executor=worker, name="look", description="Looks.")
        with run.timed("work", "outer"):
            if form == "sync":
                worker.initiate_chat(asker, message="go", max_turns=2)
            else:
                asyncio.run(worker.a_initiate_chat(asker, message="go", max_turns=2))
        run.log("success", "after")
    tables = ingested(runs)
    tree(tables)
    events = {e["id"]: e for e in tables.sql("SELECT * FROM execution_events")}
    places = {}
    for event in events.values():
        meta = json.loads(event["meta"])
        if "action" in meta or event["event_type"] == "tool_call":
            around = events.get(event["parent_event_id"])
            above = json.loads(around["meta"]).get("action_name", around["event_type"]) if around else None
            name = meta.get("action_name") or meta.get("tool_name")
            places[name] = (event["depth"], above, event["step_id"] if name == "deep" else None)
    assert places == {
        "outer": (0, None, None),
        "look": (2, "agent_call", None),
        "Inner": (3, "tool_call", None),
        "deep": (4, "Inner", "inside"),
        "choose": (3, "tool_call", None),
        "after": (0, None, None),
    }


def test_a_step_that_a_tool_sets_stays(runs: Path, ingested: Ingest) -> None:
    """`Run.context` in a tool holds after it, as it does everywhere else; a step around it ends with the tool."""
    worker = talker("worker")
    with capture.start(runs, run_id="r", console=False) as run:

        def look(x: int) -> str:
            run.context(step_id="set", node_id="by_tool")
            return "seen"

        worker.register_function({"look": look})
        with run.step("around"):
            worker.execute_function({"name": "look", "arguments": '{"x": 1}'})
            run.log("decision", "then")
        run.log("decision", "outside")
    events = ingested(runs).events("decision")
    assert [(e["meta"]["action_name"], e["step_id"], e["node_id"]) for e in events] == [
        ("then", "set", "by_tool"),
        ("outside", None, None),
    ]
    assert [(e["parent_event_id"], e["depth"]) for e in events] == [(None, 0)] * 2


def test_the_error_of_a_reply_names_the_agent(runs: Path, ingested: Ingest) -> None:
    """A reply function that raises ends the chat with an error of the agent whose reply it was."""
    user, broken = talker("user"), talker("broken")

    def fail(recipient: Any, **_: Any) -> Any:
        raise RuntimeError("no reply today")

    broken.register_reply([ConversableAgent, None], fail, position=0)
    with capture.start(runs, run_id="r", console=False), pytest.raises(RuntimeError):
        user.initiate_chat(broken, message="go", max_turns=1)
    errors = ingested(runs).events("error")
    assert [(e["agent_name"], e["error_message"]) for e in errors] == [("broken", "no reply today")]


def test_no_handoff_from_one_chat_to_the_next(runs: Path, ingested: Ingest) -> None:
    """Who opens a chat takes over from nobody, whoever spoke last in the chat before it, unless the chat goes on."""
    user, first, second = talker("user"), talker("first"), talker("second")
    with capture.start(runs, run_id="r", console=False):
        user.initiate_chat(first, message="one", max_turns=1)
        user.initiate_chat(first, message="two", max_turns=1, clear_history=False)
        second.initiate_chat(user, message="three", max_turns=1)
        user.initiate_chats([{"recipient": agent, "message": "four", "max_turns": 1} for agent in (first, second)])
    tables = ingested(runs)
    moves = [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")]
    assert moves == [
        *(("user", "first"), ("first", "user"), ("user", "first")),
        *(("second", "user"), ("user", "first"), ("user", "second")),
    ]
    turns = tables.events("agent_call")
    assert [t["inputs"]["sender"] for t in turns] == [
        *(None, "user", "first", "user"),
        *(None, "second"),
        *(None, "user") * 2,
    ]
    assert {t["duration_ms"] for t in turns if t["inputs"]["sender"] in (None, "first")} == {0.0}


def test_code_that_a_tool_runs_is_below_its_call(
    runs: Path, tmp_path: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """A tool with an executor of its own, that no agent has: the code has a row, below the call, and no author."""
    llm = scripted_llm([call("direct", code="print(1 + 1)"), Reply("Done.")])
    asker, worker = ConversableAgent("asker", llm_config=llm.config(), **QUIET), talker("worker")
    executor = LocalCommandLineCodeExecutor(work_dir=tmp_path)

    def direct(code: str) -> str:
        return executor.execute_code_blocks([CodeBlock(code=code, language="python")]).output

    register_function(direct, caller=asker, executor=worker, description="Runs code.")
    before = vars(LocalCommandLineCodeExecutor)["execute_code_blocks"]
    with capture.start(runs, run_id="r", console=False):
        worker.initiate_chat(asker, message="Have ```python\nprint('another')\n``` seen.", max_turns=2)
    assert vars(LocalCommandLineCodeExecutor)["execute_code_blocks"] is before
    tables = ingested(runs)
    rows = tables.sql("SELECT code, exit_code, output, agent_name, executor FROM code_execs")
    assert [(r["code"], r["exit_code"], r["output"].strip(), r["agent_name"], r["executor"]) for r in rows] == [
        ("print(1 + 1)", 0, "2", None, None)
    ]
    assert tree(tables, "code_exec") == [(2, None, "code_exec", "tool_call")]


@pytest.mark.few
@pytest.mark.parametrize("kind", ["old", "executor"])
def test_code_run_by_hand_has_no_author(kind: str, runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Code that the user has an agent run is nobody's; what the agent then runs of a message is its author's."""
    config: dict[str, Any] = {"use_docker": False, "work_dir": str(tmp_path)}
    if kind == "executor":
        config = {"executor": LocalCommandLineCodeExecutor(work_dir=tmp_path)}
    runner = ConversableAgent("runner", llm_config=False, code_execution_config=config, **QUIET)
    writer = talker("writer", "Run:\n```python\nprint('written')\n```")

    def by_hand(number: int) -> None:
        if kind == "old":
            runner.execute_code_blocks([("python", f"print({number})")])
        else:
            runner.code_executor.execute_code_blocks([CodeBlock(code=f"print({number})", language="python")])

    with capture.start(runs, run_id="r", console=False):
        writer.send("Just ```python\nprint('seen')\n``` said.", runner, request_reply=False)
        by_hand(1)
        by_hand(2)
        runner.initiate_chat(writer, message="go", max_turns=2)
        if kind == "old":  # AG2 leaves a setting behind that it then refuses
            runner._code_execution_config.pop("last_n_messages", None)
        by_hand(3)
    rows = ingested(runs).sql(
        "SELECT code, exit_code, output, agent_name, executor FROM code_execs ORDER BY started_at"
    )
    assert [(r["code"].strip(), r["exit_code"], r["output"].strip(), r["agent_name"]) for r in rows] == [
        ("print(1)", 0, "1", None),
        ("print(2)", 0, "2", None),
        ("print('written')", 0, "written", "writer"),
        ("print(3)", 0, "3", None),
    ]
    assert {r["executor"] for r in rows} == {"runner"}


def test_a_model_that_is_asked_in_an_action_and_in_no_turn_is_an_execution(
    runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """The action around the call is no turn that it could be of; in a turn of the same action it is of that."""
    llm = scripted_llm([Reply("A title."), Reply("An answer."), Failure(400)])
    writer = ConversableAgent("writer", llm_config=llm.config(), **QUIET)
    with capture.start(runs, run_id="r", console=False) as run, run.timed("work", "outer"):
        writer.generate_reply(messages=[{"role": "user", "content": "Name it."}])
        talker("user").initiate_chat(writer, message="go", max_turns=1)
        with suppress(BadRequestError), run.timed("work", "inner"):
            writer.generate_reply(messages=[{"role": "user", "content": "Once more."}])
    tables = ingested(runs)
    calls = tables.sql(
        "SELECT event_subtype, parent.event_type AS parent FROM execution_events AS call "
        "JOIN (SELECT id, event_type FROM execution_events) AS parent ON parent.id = call.parent_event_id "
        "WHERE call.event_type = 'llm_call' ORDER BY call.execution_order"
    )
    assert [tuple(call.values()) for call in calls] == [("single", "work"), ("call", "agent_call"), ("single", "work")]
    executions = tables.sql(
        "SELECT agent_name, is_turn, status, call_id IS NULL AS silent FROM executions ORDER BY execution_order"
    )
    assert [tuple(execution.values()) for execution in executions] == [
        ("writer", False, "SUCCESS", False),
        ("user", True, "SUCCESS", True),
        ("writer", True, "SUCCESS", False),
        ("writer", False, "FAILED", False),
    ]
    assert len(tables.sql("SELECT * FROM agent_execution_logs WHERE stage = 'LLM_CALL'")) == len(llm.requests) == 3


def test_a_model_that_a_tool_asks_is_an_execution(runs: Path, ingested: Ingest, scripted_llm: StartLLM) -> None:
    """Whether or not the user marked it: it is no call of the turn that asked for the tool, nor of the tool's."""
    llm = scripted_llm([call("look"), Reply("One."), Reply("Two."), Reply("Done.")])
    asker, worker = ConversableAgent("asker", llm_config=llm.config(), **QUIET), talker("worker")
    helper = ConversableAgent("helper", llm_config=llm.config(), **QUIET)
    with capture.start(runs, run_id="r", console=False) as run:

        def look() -> str:
            helper.generate_reply(messages=[{"role": "user", "content": "first"}])
            with run.timed("work", "inner"):
                helper.generate_reply(messages=[{"role": "user", "content": "second"}])
            return "seen"

        register_function(look, caller=asker, executor=worker, name="look", description="Looks.")
        worker.initiate_chat(asker, message="go", max_turns=2)
    tables = ingested(runs)
    assert len(llm.requests) == 4
    calls = tables.sql(
        "SELECT agent_name, event_subtype FROM execution_events WHERE event_type = 'llm_call' ORDER BY execution_order"
    )
    assert sorted(tuple(call.values()) for call in calls) == [("asker", "call")] * 2 + [("helper", "single")] * 2
    assert tables.one("SELECT count(*) FROM executions WHERE agent_name = 'helper' AND NOT is_turn") == 2
