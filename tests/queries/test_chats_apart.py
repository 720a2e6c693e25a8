"""Several chats in one run, one after the other or at once: nobody answers who spoke in another one."""

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent

import capture
import ingest
from sample_runs.scripted_llm import ScriptedLLM
from tests.queries.reading import answer


@pytest.fixture(scope="module", params=["in a row", "at once"])
def traces(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four questions by new users to new assistants, twice to and fro."""
    folder = tmp_path_factory.mktemp("chats")

    with ScriptedLLM(lambda asked: f"Answer to {asked.messages[-1]['content']}") as llm:

        def agent(name: str) -> ConversableAgent:
            return ConversableAgent(name, f"You are {name}.", llm_config=llm.config("m"), human_input_mode="NEVER")

        async def at_once() -> None:
            await asyncio.gather(
                *(agent("user").a_initiate_chat(agent("assistant"), message=f"{n}?", max_turns=2) for n in range(4))
            )

        with capture.start(folder / "runs", run_id="r", console=False):
            if request.param == "at once":
                asyncio.run(at_once())
            else:
                for n in range(4):
                    agent("user").initiate_chat(agent("assistant"), message=f"{n}?", max_turns=2)
    ingest.run([str(folder / "runs")], str(folder / "traces"))
    return folder / "traces"


def test_handoffs(traces: Path) -> None:
    """Within each chat alone."""
    found = {(row["from_agent"], row["to_agent"]): row["count"] for row in answer(traces, "agent_handoffs")}
    assert found == {("user", "assistant"): 8, ("assistant", "user"): 4}


def test_sequences_and_alternations(traces: Path) -> None:
    """No sequence is longer than a chat; four chats of four turns are no stretch of sixteen."""
    sequences = answer(traces, "agent_sequences", min_length=4, max_length=16, min_count=1)
    assert [(row["agents"], row["count"]) for row in sequences] == [(["user", "assistant"] * 2, 4)]
    assert answer(traces, "alternations") == []
    assert [row["turns"] for row in answer(traces, "alternations", min_turns=4)] == [4] * 4


def test_the_turn_that_is_answered(traces: Path) -> None:
    """Each opening answers nobody, and every other turn the one before it in its chat."""
    calls = [row for row in answer(traces, "call_chain", run_id="r") if row["call_type"] == "agent_call"]
    callers = [(row["caller"], row["callee"]) for row in calls]
    assert sorted(callers, key=str) == sorted(
        [(None, "user"), ("user", "assistant"), ("assistant", "user"), ("user", "assistant")] * 4, key=str
    )
    for row in calls:
        if row["caller"] is not None:
            said, heard = row["data_returned"], row["data_passed"]
            assert str(said).removeprefix('{"full_content":"Answer to ') == str(heard).removeprefix('{"full_content":"')
