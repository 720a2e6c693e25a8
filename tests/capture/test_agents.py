"""Agents are described as they were when they acted, and as they were in the end."""

import asyncio
import threading
import time
from pathlib import Path

from autogen import register_function
from autogen.coding import LocalCommandLineCodeExecutor

import capture
from sample_runs.scripted_llm import call
from tests.capture.agents import talker, thinker
from tests.capture.recorded import Record, journal, of_kind
from tests.conftest import StartLLM


def described(run: capture.Run, name: str) -> list[Record]:
    """The descriptions of an agent, in order."""
    return [record for record in of_kind(journal(run), "agent") if record["name"] == name]


def test_what_is_given_to_an_agent_later_is_described_at_the_end(scripted_llm: StartLLM) -> None:
    """A tool registered after the first turn and a changed system message are in a second description."""
    llm = scripted_llm(["Hello.", call("late", x=1), "Done. TERMINATE"])

    def late(x: int) -> str:
        return "L"

    with capture.start("runs", console=False) as run:
        model, user = thinker("model", llm.config()), talker("user")
        user.initiate_chat(model, message="Hello?", max_turns=1)
        model.update_system_message("You are another one.")
        register_function(late, caller=model, executor=user, description="Is late.")
        user.initiate_chat(model, message="Go.", max_turns=2)
    assert "late" in str(llm.requests[1].body["tools"])
    first, last = described(run, "model")
    assert (first["tools"], last["tools"]) == ([], ["late"])
    assert (first["system_message"], last["system_message"]) == ("You are model.", "You are another one.")
    assert [record["tools"] for record in described(run, "user")] == [[], ["late"]]


def test_agents_that_stay_as_they_are_are_described_once(scripted_llm: StartLLM) -> None:
    """Also where they act in several chats, were made before the run, or never acted."""
    llm = scripted_llm(["One.", "Two."])
    model, user = thinker("model", llm.config()), talker("user")
    with capture.start("runs", console=False) as run:
        silent = talker("silent")
        for text in ("One?", "Two?"):
            user.initiate_chat(model, message=text, max_turns=1)
    assert [len(described(run, name)) for name in ("model", "user", silent.name)] == [1, 1, 1]


def test_a_working_folder_given_later_is_looked_into(tmp_path: Path) -> None:
    """An executor that an agent gets after its first turn: what it made is saved."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with capture.start("runs", console=False) as run:
        runner = talker("runner")
        talker("user").initiate_chat(runner, message="Hello?", max_turns=1)
        runner._code_execution_config = {"executor": LocalCommandLineCodeExecutor(work_dir=elsewhere)}
        (elsewhere / "out.txt").write_text("made")
    assert [Path(record["path"]).name for record in of_kind(journal(run), "file")] == ["out.txt"]
    assert described(run, "runner")[-1]["work_dir"] == str(elsewhere)


def test_agents_made_for_the_next_run_are_not_of_the_one_that_is_on() -> None:
    """Jobs at once, each of which makes its agents and then starts its run: in threads, and as tasks."""
    turn = threading.Barrier(2)

    def of_thread(name: str) -> None:
        agents = [talker(f"{name}_a"), talker(f"{name}_b")]
        with capture.start("runs", run_id=name, console=False):
            turn.wait()  # the next one makes its agents meanwhile
            agents[0].initiate_chat(agents[1], message="hi", max_turns=1)
            turn.wait()

    async def of_task(name: str, begin: asyncio.Event, begun: asyncio.Event) -> None:
        await begin.wait()
        agents = [talker(f"{name}_a"), talker(f"{name}_b")]
        async with capture.start("runs", run_id=name, console=False):
            begun.set()
            await asyncio.sleep(0.05)
            await agents[0].a_initiate_chat(agents[1], message="hi", max_turns=1)

    async def tasks() -> None:
        begin, begun, after = asyncio.Event(), asyncio.Event(), asyncio.Event()
        begin.set()
        await asyncio.gather(of_task("t1", begin, begun), of_task("t2", begun, after))

    first = threading.Thread(target=of_thread, args=("x",))
    first.start()
    while not any(Path("runs").glob("x/journal.jsonl")):
        time.sleep(0.01)
    second = threading.Thread(target=of_thread, args=("y",))
    second.start()
    for thread in (first, second):
        thread.join()
    asyncio.run(tasks())
    for name in ("x", "y", "t1", "t2"):
        found = {record["name"] for record in of_kind(journal(Path("runs") / name), "agent")}
        assert found == {f"{name}_a", f"{name}_b"}
