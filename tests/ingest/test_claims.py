"""Saved transcripts of chats with the same words: each is told of, and none twice."""

from pathlib import Path

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent

import capture
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
