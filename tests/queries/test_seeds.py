"""The SQL of the documents of the replaced systems runs word for word, and the named queries answer the same.

The documents are not part of this repository; where they are not beside it, these tests are skipped.
"""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

import queries

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
STATEMENT = re.compile(r"^(?:WITH|SELECT)\b.*?;", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"'(?:<run_id>|<your_run_id>|abc-123)'")

NAMED: list[tuple[str, list[tuple[str, list[int] | None]]]] = [
    (
        "000_*.txt",
        [
            ("code_executions", [1, 2, 3, 4, 5, 6]),
            ("file_generation", [1, 2, 3, 4, 5]),
            ("agent_interactions", [0, 1, 2, 3]),
            ("tool_usage", None),
            ("code_patterns", None),
            ("tool_sequences", None),
            ("file_templates", None),
            ("event_types", [0, 1]),
            ("file_capture", [1, 2, 3]),
            ("node_coverage", None),
            ("code_outcomes", [3, 6, 7]),
        ],
    ),
    ("001_*.txt", [("event_types", [0, 1]), ("file_capture", [1, 2, 3]), ("code_imports", [1, 2, 3])]),
    ("002_*.txt", []),
    ("003_*.txt", [("llm_responses", None)]),
    (
        "004_*.txt",
        [("action_trace", None), ("action_statistics", None), ("action_errors", None), ("agent_activity", None)],
    ),
]
"""Which named query answers each SELECT of a document, in order, and which of its columns are those of the SELECT."""

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason=f"the documents are not at {SEEDS}")


def statements(pattern: str) -> list[str]:
    """The SELECTs of a document, word for word."""
    (document,) = SEEDS.glob(pattern)
    return STATEMENT.findall(document.read_text(encoding="utf-8", errors="replace"))


def cases() -> list[Any]:
    if not SEEDS.is_dir():
        return []
    return [
        pytest.param(sql, name, columns, id=f"{pattern[:3]}-{number}-{name}")
        for pattern, answers in NAMED
        for number, (sql, (name, columns)) in enumerate(zip(statements(pattern), answers, strict=True))
    ]


def test_there_are_nineteen() -> None:
    """The documents hold 19 SELECTs: 11, 3, 0, 1 and 4."""
    assert [len(statements(pattern)) for pattern, _ in NAMED] == [11, 3, 0, 1, 4]


@pytest.mark.parametrize(("sql", "name", "columns"), cases())
@pytest.mark.parametrize("source", ["sample_traces", "database"])
def test_a_select_runs_word_for_word_and_the_named_query_agrees(
    source: str, sql: str, name: str, columns: list[int] | None, request: pytest.FixtureRequest
) -> None:
    """A SELECT of the documents, placeholders filled in with each run, returns rows, and the named query the same."""
    if duckdb.__version__.startswith("1.") and re.search(r"AND \w+->>'\w+' IS NOT NULL", sql):
        pytest.skip("DuckDB 1 reads `a AND b->>'c' IS NOT NULL` as `(a AND b)->>'c' IS NOT NULL`")
    con = queries.connect(request.getfixturevalue(source))
    runs = [row[0] for row in con.execute("select run_id from runs").fetchall()]
    found = 0
    for run_id in runs if PLACEHOLDER.search(sql) else [None]:
        rows = con.execute(PLACEHOLDER.sub(f"'{run_id}'", sql)).fetchall()
        found += len(rows)
        answer = queries.run(name, con, **({"run_id": run_id} if run_id else {})).fetchall()
        if columns is not None:
            answer = [tuple(row[place] for place in columns) for row in answer]
        rows = [tuple(map(rounded, row)) for row in rows]
        if "DISTINCT" in sql:  # the documents leave the order inside these lists open
            answer, rows = [list(map(ordered, row)) for row in answer], [list(map(ordered, row)) for row in rows]
        assert sorted(map(repr, map(list, answer))) == sorted(map(repr, map(list, rows)))
    assert found


def rounded(cell: Any) -> Any:
    """A mean as the queries give it, the same with any number of threads; any other value as it is."""
    return round(cell, 6) if isinstance(cell, float) else cell


def ordered(cell: Any) -> Any:
    """A list, or a text that lists something, in alphabetical order; any other value as it is."""
    listed = cell.split(", ") if isinstance(cell, str) else cell
    return sorted(listed) if isinstance(listed, list) else cell
