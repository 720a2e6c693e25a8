"""Databases that the tests of the queries share."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import queries
from tests.queries.database import Builder

ROOT = Path(__file__).parents[2]
SAMPLE_RUNS = ROOT / "sample_runs"
REAL_TRANSCRIPTS = ROOT.parent / "shared" / "real_transcripts"


def ingest(source: Path, out: Path) -> Path:
    """The traces folder that `ingest` makes of the runs in `source`."""
    command = [sys.executable, "-m", "ingest", str(source), "--out", str(out), "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return out


@pytest.fixture(scope="session")
def sample_traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ingest` makes of the recorded sample runs."""
    return ingest(SAMPLE_RUNS, tmp_path_factory.mktemp("sample") / "traces")


@pytest.fixture(scope="session")
def real_traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ingest` makes of transcripts of real agents, which are not part of this repository."""
    if not REAL_TRANSCRIPTS.is_dir():
        pytest.skip(f"the transcripts are not at {REAL_TRANSCRIPTS}")
    return ingest(REAL_TRANSCRIPTS, tmp_path_factory.mktemp("real") / "traces")


@pytest.fixture(scope="session", params=["sample_runs", "real_transcripts", "by_hand"])
def traces(request: pytest.FixtureRequest) -> Path:
    """Each of the databases that answers are checked on, one after the other."""
    fixtures = {"sample_runs": "sample_traces", "real_transcripts": "real_traces", "by_hand": "database"}
    path: Path = request.getfixturevalue(fixtures[request.param])
    return path


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and no row."""
    return Builder().write(tmp_path_factory.mktemp("empty") / "traces.duckdb")


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five small runs with code, tools, files, failures, language models and marked actions."""
    builder = Builder()
    for number in range(4):
        run = builder.run(f"plot-{number}", mode="one-shot", task="plot a sine wave", total_tokens=30)
        run.node_id = "step_1"
        run.turn("user", "Plot a sine wave.")
        run.handoff("user", "engineer")
        run.turn("engineer", "```python\nimport numpy\nimport matplotlib\n```")
        run.llm("engineer", "Here is the code.", duration_ms=100 + number)
        code = "import numpy\nimport matplotlib\n"
        failed = run.code("engineer", code, "ModuleNotFoundError: No module named 'numpy'", 1)
        run.turn("executor", "exitcode: 1 (execution failed)")
        run.turn("engineer", "```sh\npip install numpy matplotlib\n```")
        run.code("engineer", "pip install numpy matplotlib", "ok", language="sh")
        run.turn("executor", "exitcode: 0 (execution succeeded)")
        run.turn("engineer", "```python\nimport numpy\nimport matplotlib\nplot()\n```")
        run.code("engineer", f"{code}plot()\n", "saved", writes=("sine.png",), fixes=failed)
        run.node_id = "step_2"
        run.turn("assistant", "I look it up.", has_tool_calls=True)
        run.llm("assistant", "I look it up.", tokens=(100, 20), cost=0.05)
        run.tool("assistant", "search", {"query": "sine"})
        run.tool("assistant", "read", {"path": "sine.txt"}, status="failed" if number == 0 else "completed")
        run.tool("assistant", "write", {"path": "report.md"})
        run.turn("user", "TERMINATE")
    run = builder.run("actions", status="failed", mode="planning-control", task="decide", meta={"project": "cmb"})
    run.turn("planner", "I decide.")
    run.action("decision", "select_agent", {"chosen": "engineer"}, agent="planner", duration_ms=3.0)
    run.action("tool_call", "Read", {"file_path": "x"}, agent="planner", duration_ms=12.0, outputs={"result": {"n": 1}})
    run.action("success", "done", agent="planner")
    run.event("error", "planner", "llm", status="failed", error_message="RuntimeError: boom", meta={})
    run.llm("planner", None, in_turn=False, duration_ms=9000.0)
    return builder.write(tmp_path_factory.mktemp("traces") / "traces.duckdb")


@pytest.fixture(scope="module")
def con(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to `database`."""
    connection = queries.connect(database)
    yield connection
    connection.close()
