"""Chats at once in AG2's own logs: calls and code belong to who asked for them and who ran them, as both ends tell."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent
from autogen.coding import LocalCommandLineCodeExecutor

import capture
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.test_ag2_logs import LOGGERS, QUIET, asks, logging_to, model_of_the_user

CHATS = 3
REPORT = "exitcode: 0 (execution succeeded)\nCode output: "


@pytest.mark.few
@pytest.mark.parametrize("same_result", [False, True])
@pytest.mark.parametrize("kind", LOGGERS)
def test_equal_calls_have_their_own_executors(
    kind: str, same_result: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """A tool without arguments in three chats at once: the return names who ran it, and the request whom it asked."""
    ran: list[int] = []

    async def chat(number: int) -> None:
        async def now() -> str:
            await asyncio.sleep(0.02 * (number + 1))
            ran.append(number)
            return "now" if same_result else f"now {number}"

        asker, runner = (ConversableAgent(f"{n}{number}", llm_config=False, **QUIET) for n in ("asker", "runner"))
        made = model_of_the_user([asks((f"c{number}", "now")), "done"])
        asker.register_reply([ConversableAgent, None], made)
        runner.register_for_execution(name="now")(now)
        await runner.a_initiate_chat(asker, message="go", max_turns=2)

    async def all_chats() -> None:
        await asyncio.gather(*map(chat, range(CHATS)))

    with logging_to(tmp_path, kind, monkeypatch) as log:
        asyncio.run(all_chats())
    rows = ingested(log).sql("SELECT call_id, agent_name, executor, result FROM tool_calls ORDER BY call_id")
    assert [(row["call_id"], row["agent_name"], row["executor"], row["result"]) for row in rows] == [
        (f"c{n}", f"asker{n}", f"runner{n}", "now" if same_result else f"now {n}") for n in sorted(ran)
    ]


@pytest.mark.few
@pytest.mark.parametrize("kind", LOGGERS)
def test_code_is_that_of_who_is_told_what_it_printed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest
) -> None:
    """All code of three threads is written before any of it runs; a database does not tell threads."""
    everybody = Barrier(CHATS)

    def chat(number: int) -> None:
        config = {"executor": LocalCommandLineCodeExecutor(work_dir=tmp_path / str(number))}
        writer = ConversableAgent(f"writer{number}", llm_config=False, **QUIET)
        runner = ConversableAgent(f"runner{number}", llm_config=False, code_execution_config=config, **QUIET)
        made = model_of_the_user([f"```python\nprint('by {number}')\n```", "done"])
        writer.register_reply([ConversableAgent, None], made)

        def wait(recipient: Any, messages: Any = None, sender: Any = None, config: Any = None) -> tuple[bool, Any]:
            everybody.wait(timeout=30)
            return False, None

        runner.register_reply([ConversableAgent, None], wait)
        runner.initiate_chat(writer, message="go", max_turns=2)

    with logging_to(tmp_path, kind, monkeypatch) as log, ThreadPoolExecutor(CHATS) as pool:
        list(pool.map(chat, range(CHATS)))
    rows = ingested(log).sql("SELECT code, output, agent_name, executor FROM code_execs ORDER BY code")
    assert [(row["code"], row["output"].strip(), row["agent_name"], row["executor"]) for row in rows] == [
        (f"print('by {n}')", f"by {n}", f"writer{n}", f"runner{n}") for n in range(CHATS)
    ]


def test_calls_of_asynchronous_chats_in_threads_are_in_their_own_turns(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """As in the journal: a pool's threads make them, for agents of one name in chats at once, and for those after."""
    config = scripted_llm(lambda request: f"answer to {request.messages[-1]['content']}").config()

    def chat(number: int) -> None:
        model = ConversableAgent("model", llm_config=config, **QUIET)
        user = ConversableAgent("user", llm_config=False, default_auto_reply=f"more {number}", **QUIET)
        asyncio.run(user.a_initiate_chat(model, message=f"go {number}", max_turns=3))

    with logging_to(tmp_path, "file", monkeypatch) as log, capture.start(runs, run_id="r", console=False):
        threads = [Thread(target=copy_context().run, args=(chat, number)) for number in range(CHATS + 2)]
        for thread in threads[:CHATS]:
            thread.start()
        for thread in threads[:CHATS]:
            thread.join()
        for thread in threads[CHATS:]:
            thread.start()
            thread.join()
    tables = ingested(runs, log)
    query = """
        SELECT call.outputs->>'content', turn.outputs->>'full_content', turn.chat = call.chat
        FROM execution_events call LEFT JOIN execution_events turn
        ON turn.id = call.parent_event_id AND turn.run_id = call.run_id
        WHERE call.event_type = 'llm_call' AND call.run_id = ? ORDER BY 1, 2
    """
    logged, journal = ([tuple(row.values()) for row in tables.sql(query, name)] for name in (log.name, "r"))
    words = [f"answer to {word} {number}" for number in range(CHATS + 2) for word in ("go", "more", "more")]
    assert logged == journal == [(word, word, True) for word in sorted(words)]


def test_code_in_an_output_is_run_by_another_executor(runs: Path, ingested: Ingest) -> None:
    """What an executor prints may be code, which is the latest for the next one."""
    inner = "print(40 + 2)"
    history = [
        {"role": "user", "name": "ann", "content": "```python\nprint(report)\n```"},
        {"role": "user", "name": "one", "content": f"{REPORT}\n```python\n{inner}\n```"},
        {"role": "user", "name": "two", "content": f"{REPORT}42"},
    ]
    (runs / "chat.json").write_text(json.dumps(history))
    rows = ingested(runs).sql("SELECT code, agent_name, executor FROM code_execs ORDER BY executor")
    assert [(row["code"], row["agent_name"], row["executor"]) for row in rows] == [
        ("print(report)", "ann", "one"),
        (inner, "one", "two"),
    ]
