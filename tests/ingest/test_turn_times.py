"""A turn is as long as its agent took: choosing the speaker, the one before and another process are not in it."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent, GroupChat, GroupChatManager

import capture
from sample_runs.scripted_llm import Reply, Request, ScriptedLLM
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables
from tests.ingest.test_ag2_logs import logging_to

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
CHOOSING = 0.2
"""Seconds that the model takes to choose who speaks next."""
CHOSEN = ("red", "red", "blue", "red")


def script(request: Request) -> Reply:
    """Whoever speaks agrees at once; the choice of the speaker takes its time."""
    if "select the next role" in request.system.lower() or "role_play" in json.dumps(request.body):
        time.sleep(CHOOSING)
        return Reply(CHOSEN[len([m for m in request.messages if m.get("name") in CHOSEN])])
    return Reply("I agree")


def config_of(llm: ScriptedLLM, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The model without its address: AG2 0.14's SQLite logger fails on a `base_url` in the configuration."""
    monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
    config = llm.config()
    del config["config_list"][0]["base_url"]
    return config


def talk(config: dict[str, Any]) -> GroupChat:
    """A group chat of which a model chooses the speakers."""
    members: list[Any] = [
        ConversableAgent(n, llm_config=config, description=n, **QUIET) for n in ("admin", "red", "blue")
    ]
    chat = GroupChat(
        agents=members,
        messages=[],
        max_round=5,
        speaker_selection_method="auto",
        allow_repeat_speaker=True,
    )
    manager = GroupChatManager(groupchat=chat, llm_config=config)
    members[0].initiate_chat(manager, message="Talk.")
    return chat


@pytest.mark.slow
@pytest.mark.parametrize("recorder", ["journal", "file", "sqlite"])
def test_choosing_the_speaker_is_in_no_members_turn(
    recorder: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turns of one chat in its thread follow each other: none begins before the one before it ended."""
    config = config_of(scripted_llm(script), monkeypatch)
    if recorder == "journal":
        with capture.start(runs, run_id="r", console=False):
            chat = talk(config)
    else:
        with logging_to(runs, recorder, monkeypatch):
            chat = talk(config)
    turns = ingested(runs).events("agent_call")
    said = [t["agent_name"] for t in turns if not t["meta"].get("internal")]
    assert said == [m["name"] for m in chat.messages] == ["admin", *CHOSEN]
    for before, turn in pairwise(turns):
        assert before["timestamp"] <= before["completed_at"] <= turn["timestamp"] <= turn["completed_at"]
    chosen = [t for t in turns if t["agent_name"] == "speaker_selection_agent"]
    assert len(chosen) == len(CHOSEN)
    assert all(t["duration_ms"] >= CHOOSING * 1000 for t in chosen)


def told(tables: Tables) -> list[tuple[Any, ...]]:
    """Turns and handoffs in order."""
    rows = [*tables.events("agent_call"), *tables.events("handoff")]
    rows.sort(key=lambda row: row["execution_order"])
    return [
        (row["event_type"], row["agent_name"], row["inputs"].get("sender"), row["inputs"].get("to_agent"))
        for row in rows
    ]


@pytest.mark.few
@pytest.mark.parametrize("recorder", ["file", "sqlite"])
def test_sessions_in_one_log_are_conversations_apart(
    recorder: str, runs: Path, ingested: Ingest, scripted_llm: StartLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second session tells the same as the first: nobody of the first was asked, spoke or handed over."""
    config = config_of(scripted_llm(lambda request: "the answer"), monkeypatch)
    for _ in range(2):
        with logging_to(runs, recorder, monkeypatch):
            model = ConversableAgent("model", llm_config=config, **QUIET)
            user = ConversableAgent("user", llm_config=False, **QUIET)
            user.initiate_chat(model, message="Go.", max_turns=1)
    tables = ingested(runs)
    rows = told(tables)
    assert rows[: len(rows) // 2] == rows[len(rows) // 2 :]
    assert [row for row in rows if row[0] == "handoff"] == [("handoff", "user", None, "model")] * 2
    turns = tables.events("agent_call")
    assert [t["agent_name"] for t in turns] == ["user", "model"] * 2
    assert turns[2]["timestamp"] == turns[2]["completed_at"] > turns[1]["completed_at"]
    calls = {e["parent_event_id"] for e in tables.events("llm_call")}
    assert calls == {turns[1]["id"], turns[3]["id"]}
