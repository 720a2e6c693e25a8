"""Events that users save from `run()`: what a journal of the same run tells, they tell as well."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent
from autogen.coding import LocalCommandLineCodeExecutor

import capture
from sample_runs.scripted_llm import Call, Reply
from tests.conftest import StartLLM
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}

TOLD = {
    "messages": "SELECT sender, recipient, content FROM messages ORDER BY message_order",
    "tools": "SELECT tool_name, call_id, status, result, agent_name, executor FROM tool_calls ORDER BY call_id",
    "code": "SELECT code, exit_code, output, agent_name, executor FROM code_execs ORDER BY code",
    "errors": "SELECT errors FROM runs",
}


@pytest.fixture
def events(runs: Path, tmp_path: Path, scripted_llm: StartLLM) -> list[dict[str, Any]]:
    """The events of a run with a tool that raises, one that does not, and code; a journal of it is in `runs`."""
    calls = Call("look", {"key": "a"}), Call("look", {"key": "b"})
    replies = iter([Reply(calls=calls), Reply("```python\nprint(6 * 7)\n```"), Reply("done")])
    llm = scripted_llm(lambda request: next(replies))

    def look(key: str) -> str:
        """Looks something up."""
        if key == "b":
            raise KeyError(key)
        return f"value of {key}"

    engineer = ConversableAgent("engineer", llm_config=llm.config(), **QUIET)
    config = {"executor": LocalCommandLineCodeExecutor(work_dir=tmp_path / "work")}
    runner = ConversableAgent("runner", llm_config=False, code_execution_config=config, **QUIET)
    engineer.register_for_llm(description="look something up")(look)
    runner.register_for_execution()(look)
    with capture.start(runs, run_id="journal"):
        response = runner.run(engineer, message="go", max_turns=3)
        saved = [event.model_dump() for event in response.events]
    return json.loads(json.dumps(saved, default=str))  # type: ignore[no-any-return]


def told(tables: Tables) -> dict[str, Any]:
    """What the tables tell of the run."""
    return {name: tables.sql(query) for name, query in TOLD.items()}


@pytest.mark.few
@pytest.mark.parametrize("shape", ["lines", "list", "indented list"])
def test_saved_events_tell_what_the_journal_tells(
    shape: str, events: list[dict[str, Any]], runs: Path, tmp_path: Path, ingested: Ingest
) -> None:
    """Messages, tools, code and errors are the same, and every event is a row of `journal` as it was."""
    expected = told(ingested(runs))
    assert expected["tools"][1]["status"] == "failed"
    assert expected["code"][0]["output"].strip() == "42"
    folder = tmp_path / "saved"
    folder.mkdir()
    lines = "".join(json.dumps(event) + "\n" for event in events)
    text = lines if shape == "lines" else json.dumps(events, indent=2 if shape == "indented list" else None)
    (folder / "events.jsonl").write_text(text)
    tables = ingested(folder, drop_missing=True, force=True)
    assert tables.summary.sources == {"ag2_events": 1}
    rows = tables.sql("SELECT record FROM journal WHERE run_id = 'events.jsonl' ORDER BY seq")
    assert [json.loads(row["record"]) for row in rows] == events
    of_events = {name: tables.sql(query.replace(" FROM ", ", run_id FROM ", 1)) for name, query in TOLD.items()}
    for name, found in of_events.items():
        kept = [{k: v for k, v in row.items() if k != "run_id"} for row in found if row["run_id"] == "events.jsonl"]
        assert (name, kept) == (name, expected[name])


def test_a_line_that_is_no_event_is_in_quarantine(
    events: list[dict[str, Any]], tmp_path: Path, ingested: Ingest
) -> None:
    """And one that was cut off is torn."""
    folder = tmp_path / "saved"
    folder.mkdir()
    lines = [json.dumps(events[0]), "[1]", json.dumps(events[1])[:40]]
    (folder / "events.jsonl").write_text("\n".join(lines))
    tables = ingested(folder)
    assert [row["line"] for row in tables.sql("SELECT line FROM quarantine ORDER BY line")] == [2, 3]
    assert (tables.summary.journal_rows, tables.summary.torn) == (1, 1)


def test_a_list_of_events_that_breaks_off(events: list[dict[str, Any]], tmp_path: Path, ingested: Ingest) -> None:
    """What is no event in it is in quarantine, and so is the last one, which was cut off."""
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "events.json").write_text(json.dumps([events[0], None, events[1], events[2]])[:-9])
    tables = ingested(folder)
    assert [row["line"] for row in tables.sql("SELECT line FROM quarantine ORDER BY line")] == [2, 4]
    assert (tables.summary.journal_rows, tables.summary.torn, tables.summary.sources) == (2, 1, {"ag2_events": 1})
