"""What the README says that earlier systems' parts are called here: its example runs, and the tables answer."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

import capture
import ingest
import queries
from tests.capture.agents import talker
from tests.readme import README, ROOT

EXAMPLE = next(
    block
    for block in re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    if 'timed("tool_call", "Fetch"' in block
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tables of the example, which is run as it stands."""
    folder = tmp_path_factory.mktemp("marking")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AG2_CAPTURE")}
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLE],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "'lost': 0" in done.stdout
    assert "us_per_event" in done.stdout
    ingest.run([str(folder / "runs")], str(folder / "traces"))
    return queries.connect(folder / "traces")


def column(con: Any, sql: str) -> list[Any]:
    """The values of a query's only column."""
    return [value for (value,) in con.execute(sql).fetchall()]


def test_the_context_is_on_every_action(tables: Any) -> None:
    """Step and node, as a block and until changed."""
    sql = "SELECT meta->>'action_name', step_id, node_id FROM execution_events"
    rows = tables.execute(sql).fetchall()
    assert {row[0]: row[1:] for row in rows} == {
        **dict.fromkeys(("Fetch", "Write", "select_agent"), ("step_1", "engineer")),
        **dict.fromkeys(("ImportError", "Bash", "task_completed"), ("step_2", "executor")),
    }


def test_actions_have_types_agents_parameters_results_and_errors(tables: Any) -> None:
    """Tool calls, a decision, an error and a success, with what went in and what came out."""
    rows = tables.execute("SELECT action_name, action_type, agent_name, action_details FROM agent_actions").fetchall()
    assert {name: (kind, agent) for name, kind, agent, _ in rows} == {
        "Fetch": ("tool_call", "engineer"),
        "Write": ("tool_call", "engineer"),
        "select_agent": ("decision", None),
        "ImportError": ("error", "executor"),
        "Bash": ("tool_call", "executor"),
        "task_completed": ("success", "executor"),
    }
    details = {name: json.loads(text) for name, _, _, text in rows}
    assert details["Fetch"] == {"url": "https://example.org/a.csv", "result": {"status": 200}}
    assert details["Write"] == {"file_path": "a.csv", "result": {"bytes": 5}}
    assert details["select_agent"] == {"chosen": "executor", "score": 0.93}
    assert details["ImportError"] == {"error_message": "No module named 'healpy'"}
    assert details["Bash"] == {"command": "make", "result": {"exit_code": 0}}


def test_timed_actions_time_themselves_and_others_say_how_long(tables: Any) -> None:
    """Sync and async ones have a duration of their own; `duration_ms` is taken as given."""
    times = dict(tables.execute("SELECT action_name, duration_ms FROM agent_actions").fetchall())
    assert times["Fetch"] > 0
    assert times["Write"] > 0
    assert times["Bash"] == 30


def test_correlation_project_and_debug_mode_are_on_every_action(tables: Any) -> None:
    """The run is the correlation, and what `start` was given stands beside it."""
    facts = "correlation_id, project_name, project_path, debug_mode, working_directory IS NOT NULL"
    run_id, session = tables.execute("SELECT run_id, session_id FROM runs").fetchone()
    assert tables.execute(f"SELECT DISTINCT {facts} FROM agent_actions").fetchall() == [
        (run_id, "survey", "/data/survey", True, True)
    ]
    assert session == "s-1"


def test_performance_statistics_are_in_the_journal_too(tables: Any) -> None:
    """What `run.stats()` says at the end is the last record's."""
    (stats,) = column(tables, "SELECT record->>'$.stats' FROM journal WHERE kind = 'run_end'")
    assert json.loads(stats).keys() == {"events", "bytes", "lost", "us_per_event"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ("-text,-message,-messages", {"agent_call", "handoff", "file_gen"}),
        ("-action", {"decision"}),
        ("-file", {"file_gen"}),
    ],
)
def test_switches_leave_types_out(switch: str, gone: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A type that is switched off has no rows, nor has what is told from it: handoffs, files that nobody mentions."""
    monkeypatch.chdir(tmp_path)

    def types(folder: str) -> set[str]:
        with capture.start(folder, console=False) as run:
            talker("a").initiate_chat(talker("b"), message="I write made.txt", max_turns=1)
            Path("made.txt").write_text(folder)
            run.log("decision", "stop")
        ingest.run([folder], f"{folder}_traces")
        return set(column(queries.connect(f"{folder}_traces"), "SELECT DISTINCT event_type FROM execution_events"))

    everything = types("all")
    monkeypatch.setenv("AG2_CAPTURE_EVENTS", switch)
    assert everything - types("some") == gone
    assert {"agent_call", "decision", "file_gen"} <= everything
