"""Exceptions of real agents that end a turn: one failed execution, with what it cost, of who was to speak."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager

import capture
import ingest
from sample_runs.scripted_llm import Failure, ScriptedLLM
from tests.queries.reading import answer, rows


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Agents that ask their model and then raise, in a group, and at the same time as another whose model fails."""
    folder = tmp_path_factory.mktemp("exceptions")

    with ScriptedLLM(lambda asked: Failure(400, "no") if "You are bob" in str(asked.messages) else "No JSON.") as llm:

        def agent(name: str, raises: type[Exception] | None = None, wait: float = 0) -> ConversableAgent:
            made = ConversableAgent(name, f"You are {name}.", llm_config=llm.config("m"), human_input_mode="NEVER")

            def parse(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
                self.generate_oai_reply(messages, sender)
                raise raises("can't be parsed") if raises else AssertionError

            async def a_parse(self: Any, messages: Any = None, sender: Any = None, config: Any = None) -> Any:
                await asyncio.sleep(wait)
                return parse(self, messages, sender)

            if raises:
                made.register_reply([ConversableAgent, None], parse, position=0, ignore_async_in_sync_chat=True)
                made.register_reply([ConversableAgent, None], a_parse, position=0, ignore_async_in_sync_chat=True)
            return made

        def user() -> ConversableAgent:
            return ConversableAgent("user", llm_config=False, human_input_mode="NEVER")

        async def at_once() -> None:
            chats = [user().a_initiate_chat(agent("bob"), message="Go."), user().a_initiate_chat(late, message="Go.")]
            await asyncio.gather(*chats, return_exceptions=True)

        with capture.start(folder / "runs", run_id="group", console=False), suppress(TimeoutError):
            members = [user(), agent("ann", TimeoutError), agent("cyd")]
            group = GroupChat(members, [], max_round=4, speaker_selection_method="round_robin")
            manager = GroupChatManager(group, llm_config=False)
            members[0].initiate_chat(manager, message="Go.")
        late = agent("late", ValueError, 0.2)
        with capture.start(folder / "runs", run_id="at-once", console=False):
            asyncio.run(at_once())
    ingest.run([str(folder / "runs")], str(folder / "traces"))
    return folder / "traces"


def test_one_execution_has_the_call_and_the_exception(traces: Path) -> None:
    """Who asked its model and raised was chosen, ran out of time, and spent what the call cost in vain."""
    found = {row["agent_name"]: row for row in answer(traces, "why_silent", run_id="group")}
    assert {name: row["status"] for name, row in found.items()} == {
        "user": "fired_successfully",
        "ann": "timeout",
        "cyd": "skipped",
    }
    assert (found["ann"]["executions"], found["ann"]["failed"], found["ann"]["times_chosen"]) == (1, 1, 1)
    (failed,) = answer(traces, "failed_executions", agent_name="ann")
    assert (failed["status"], failed["error_message"]) == ("TIMEOUT", "can't be parsed")
    assert failed["error_traceback"].rstrip().endswith("TimeoutError: can't be parsed")
    (spent,) = (row for row in answer(traces, "cost_of_failures", run_id="group") if row["agent_name"] == "ann")
    assert spent["failed_tokens"] > 0
    stages = [row["stage"] for row in answer(traces, "stage_timeline", run_id="group") if row["agent_name"] == "ann"]
    assert stages == ["INIT", "SHOULD_RESPOND", "LLM_CALL", "COMPLETE"]


def test_failures_at_the_same_time_are_each_ones_own(traces: Path) -> None:
    """A model's failure, and the exception of an agent in another chat that comes right behind it."""
    found = answer(traces, "failed_executions")
    told = {row["agent_name"]: row["error_type"] for row in found if row["conversation_id"] == "at-once"}
    assert told == {"bob": "BadRequestError", "late": "ValueError"}
    assert sum(row["count"] for row in answer(traces, "errors", run_id="at-once")) == 2
    (run,) = (row for row in rows(traces, "runs") if row["run_id"] == "at-once")
    assert run["errors"] == 2


def test_how_long_a_turn_took_that_was_not_finished_is_not_known(traces: Path) -> None:
    """No zero is among the durations of an agent."""
    durations = {row["agent_name"]: row["duration_ms"] for row in rows(traces, "executions") if not row["is_turn"]}
    assert durations["ann"] is None or durations["ann"] > 0
