"""Saved transcripts of chats with the same words: each is told of, and none twice."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, register_function

import capture
from sample_runs.scripted_llm import Call, Failure, Reply
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest

SAID = [("boss", "Review it."), ("alice", "LGTM")]


@pytest.mark.slow
@pytest.mark.parametrize("events", ["", "-text,-message"])
@pytest.mark.parametrize("when", ["after each", "at the end", "after each and at the end"])
def test_transcripts_of_equal_chats(
    events: str, when: str, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two chats with one agent and one with another are three, also where nothing but transcripts tells of them."""
    monkeypatch.setenv("AG2_CAPTURE_EVENTS", events)
    boss, alice, carol = (
        ConversableAgent(name, llm_config=False, human_input_mode="NEVER", default_auto_reply="LGTM")
        for name in ("boss", "alice", "carol")
    )
    with capture.start(str(runs), console=False) as run:
        results = []
        for reviewer in (alice, alice, carol):
            results.append(boss.initiate_chat(reviewer, message="Review it.", max_turns=1))
            if when.startswith("after"):
                run.save_messages(results[-1])
        if when.endswith("end"):
            run.save_messages(results)
    rows = ingested(runs).sql("SELECT sender, content, source FROM messages ORDER BY message_order")
    assert [(row["sender"], row["content"]) for row in rows] == [*SAID, *SAID, SAID[0], ("carol", "LGTM")]
    assert {row["source"] for row in rows} == {"transcript" if events else "event+transcript"}


def test_a_transcript_that_is_saved_again_as_it_grows_is_one(runs: Path, ingested: Ingest) -> None:
    """Whether it is whole each time, or its beginning was forgotten."""
    said = [{"role": "user", "name": "ab"[n % 2], "content": f"message {n}"} for n in range(8)]
    with capture.start(str(runs)) as run:
        for part in (said[:3], said[:6], said[2:], said):
            run.save_messages(part)
    contents = ingested(runs).sql("SELECT content FROM messages ORDER BY message_order")
    assert [row["content"] for row in contents] == [message["content"] for message in said]


@pytest.mark.few
@pytest.mark.parametrize("end", ["at a call", "with an error", "with words"])
@pytest.mark.parametrize("sides", ["u", "a", "ua"])
def test_who_only_asked_for_tools_is_known_by_the_calls(
    end: str, sides: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM
) -> None:
    """AG2 saves who asks for tools without a name: a chat that has no other words of it counts once all the same."""
    last: list[Any] = {"at a call": [], "with an error": [Failure(400, "no")], "with words": ["done"]}[end]
    llm = scripted_llm([Reply(calls=(Call("look", {}),)), Reply(calls=(Call("look", {}),)), *last])
    asker = ConversableAgent("asker", llm_config=llm.config(), human_input_mode="NEVER")
    user = ConversableAgent("user", llm_config=False, human_input_mode="NEVER")
    looked: list[int] = []

    def look() -> str:
        looked.append(1)
        return "seen"

    register_function(look, caller=asker, executor=user, description="looks")
    with capture.start(runs, run_id="r", console=False) as run:
        with suppress(Exception):
            user.initiate_chat(asker, message="go", max_turns=2 + len(last))
        run.save_messages(user.chat_messages[asker]) if "u" in sides else None
        run.save_messages(asker.chat_messages[user]) if "a" in sides else None
        said = len(user.chat_messages[asker])
    (row,) = ingested(runs).sql("SELECT messages, tool_calls FROM runs")
    assert (row["messages"], row["tool_calls"]) == (said, 2)
    assert len(looked) == (1 if end == "at a call" else 2)
