"""Rows of any content: what a source claims in its JSON fields never makes a view or a query fail."""

from pathlib import Path

import duckdb
import pytest

import queries
from tests.queries.database import Builder
from tests.queries.reading import answer

EVENT_TYPES = (
    "agent_call",
    "llm_call",
    "tool_call",
    "code_exec",
    "file_gen",
    "handoff",
    "decision",
    "error",
    "success",
    "of a kind unknown",
)
NAMES = (
    "imports",
    "agents",
    "tool_calls",
    "result",
    "args",
    "full_content",
    "exit_code",
    "result_length",
    "language",
    "tool_name",
    "from_agent",
    "to_agent",
    "action",
    "internal",
    "error_type",
    "model",
    "choices",
    "messages",
    "content",
)
VALUES = (
    None,
    "null",
    "true",
    "7",
    "-1e400",
    '"text with \\u0000 and \\u001b[2J"',
    "[]",
    "{}",
    '[[["deep"]], null, 1]',
    '{"name": ["x"], "members": "none", "function": 3}',
    "99999999999999999999999999",
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which every JSON field of every type of event holds every kind of value, or nothing."""
    builder = Builder()
    for number, value in enumerate(VALUES):
        whole = "{" + ", ".join(f'"{name}": {value}' for name in NAMES) + "}" if value else None
        for fields in (whole, value):
            run = builder.run(f"run-{number}-{fields is whole}", meta=fields, tags=fields, status=value)
            for event_type in EVENT_TYPES:
                for status in ("completed", "failed", "pending", None):
                    event_id = run.event(
                        event_type, "a\x00'", "s", inputs=fields, outputs=fields, meta=fields, status=status
                    )
                    builder.rows["llm_calls"].append(
                        {"run_id": run.run_id, "event_id": event_id, "request": fields, "response": fields}
                    )
            run.event("agent_call", None, "message", inputs=None, outputs=None, meta=None, timestamp=None)
    return builder.write(tmp_path_factory.mktemp("hostile") / "traces.duckdb")


@pytest.mark.parametrize("name", queries.names())
def test_a_query_bears_any_content(name: str, hostile: Path) -> None:
    """Each query answers on rows whose JSON holds anything at all, over all runs and for one run."""
    answer(hostile, name)
    if any(parameter.name == "run_id" for parameter in queries.find(name).parameters):
        answer(hostile, name, run_id="run-8-True")


def test_a_view_bears_any_content(hostile: Path) -> None:
    """Each view can be read as a whole."""
    con = queries.connect(hostile)
    views = con.execute(
        "select schema_name || '.' || view_name from duckdb_views() where not internal and database_name = 'traces'"
    ).fetchall()
    assert len(views) == 7
    for (view,) in views:
        assert con.execute(f"select * from {view}").fetchall()


def test_numbers_that_are_none(hostile: Path) -> None:
    """A length or an exit code that is no number is NULL."""
    con = queries.connect(hostile)
    assert isinstance(queries.run("tool_usage", con), duckdb.DuckDBPyRelation)
    assert {row["exit_code"] for row in answer(hostile, "code_outcomes")} == {None, 7}
