"""Rows of any content: what a source claims in its JSON fields never makes a view or a query fail."""

import csv
import json
from io import StringIO
from pathlib import Path

import duckdb
import pytest

import queries
from queries.execution import execute
from queries.formats import FORMATS
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
    assert len(views) == 9
    for (view,) in views:
        assert con.execute(f"select * from {view}").fetchall()


NAME = "a'\";--\x1b[2J\x00\x9b|<img src=x>\r\n`[c](d)` $run_id {0} %s \u202edcba\u200b"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs in which every name and text is made to do harm."""
    builder = Builder()
    for number in range(2):
        run = builder.run(f"{NAME}{number}", task=NAME, mode=NAME, tags={NAME: NAME}, meta={"agents": [{"name": NAME}]})
        run.node_id = NAME
        for speaker in (NAME, "b", NAME, "b", NAME, "b", NAME):
            run.handoff(run.speaker or NAME, speaker, selection=NAME)
            run.turn(speaker, NAME, step_id=NAME)
            run.llm(speaker, NAME, model=NAME, tool_calls=[NAME], response_quality_score=0.1, duration_ms=1e4)
            run.tool(speaker, NAME, {NAME: NAME}, status="failed", duration_ms=1.0)
            run.tool(speaker, NAME, {NAME: NAME})
            run.code(speaker, f"import a, b\n{NAME}", f"{NAME}Error: {NAME}", 1, writes=(NAME,))
            run.code(speaker, "import a\nimport b\n" + NAME, NAME, language=NAME)
            run.action("error", NAME, {NAME: NAME}, agent=speaker, status="failed", error_message=NAME)
    return builder.write(tmp_path_factory.mktemp("named") / "traces.duckdb")


@pytest.mark.parametrize("name", queries.names())
def test_names_made_to_do_harm_are_only_shown(name: str, named: Path) -> None:
    """Each query prints such names in each format: a line a row, nothing that a terminal acts on, nothing lost."""
    result = execute(queries.find(name), queries.connect(named), {})
    names, kinds = zip(*((str(column[0]), str(column[1])) for column in result.description or []), strict=True)
    rows = result.fetchall()
    text = {}
    for form, write in FORMATS.items():
        out = StringIO()
        write(list(names), list(kinds), rows, out)
        text[form] = out.getvalue()
    for form in ("table", "md", "json"):
        assert all(character.isprintable() or character == "\n" for character in text[form])
    assert len(json.loads(text["json"])) == len(rows)
    assert len(list(csv.reader(StringIO(text["csv"].replace("\x00", "0"), newline="")))) == len(rows) + 1
    assert text["table"].count("\n") == text["md"].count("\n") == len(rows) + 2
    assert "<img" not in text["md"]


def test_such_names_are_found_again(named: Path) -> None:
    """A run and an agent of such names can be asked for, and nothing else happens."""
    con = queries.connect(named)
    rows = queries.run("agent_interactions", con, run_id=f"{NAME}1").fetchall()
    assert [row[:2] for row in rows] == [(NAME, 4), ("b", 3)]
    assert queries.run("failed_executions", con, agent_name=NAME).fetchall()
    assert con.execute("select count(*) from runs").fetchall() == [(2,)]


def test_numbers_that_are_none(hostile: Path) -> None:
    """A length or an exit code that is no number is NULL."""
    con = queries.connect(hostile)
    assert isinstance(queries.run("tool_usage", con), duckdb.DuckDBPyRelation)
    assert {row["exit_code"] for row in answer(hostile, "code_outcomes")} == {None, 7}
