"""Answers do not depend on the order in which the rows lie, to the last digit."""

import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

import queries
from tests.queries.database import Builder

NAMED = "select schema_name, table_name from duckdb_tables() where database_name = current_database()"


def shuffled(path: Path, folder: Path) -> Path:
    """A copy of a database whose tables have their rows in another order."""
    copy = folder / "traces.duckdb"
    shutil.copyfile(path, copy)
    with duckdb.connect(copy) as con:
        for schema, table in con.execute(NAMED).fetchall():
            con.execute(f"create temp table rows_of as from {schema}.{table} order by hash(rowid)")
            con.execute(f"delete from {schema}.{table}")
            con.execute(f"insert into {schema}.{table} from rows_of")
            con.execute("drop table rows_of")
    return copy


def answers(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What every query answers about all runs, or the latest."""
    with queries.connect(path) as con:
        return {name: queries.run(name, con).fetchall() for name in queries.names()}


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs with costs and times whose sums differ in the last digits with the order in which they are added."""
    builder, chance = Builder(), random.Random(2)
    for number in range(30):
        run = builder.run(f"r{number}", cost=chance.random() / 7, duration_ms=chance.random() * 1e4)
        run.turn("user", "Do it.")
        for agent in chance.choices(["a", "b", "c"], k=6):
            for _ in range(3):
                run.llm(agent, cost=chance.random() / 30, duration_ms=chance.random() * 3e3)
            run.turn(agent)
            run.tool(agent, "search", duration_ms=chance.random() * 100)
            run.action("tool_call", "Read", agent=agent, duration_ms=chance.random() * 100)
    return builder.write(tmp_path_factory.mktemp("uneven") / "traces.duckdb")


@pytest.mark.slow
@pytest.mark.parametrize("source", ["uneven", "sample_traces"])
def test_the_order_of_rows_does_not_matter(source: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each query gives the same rows, in the same order."""
    path: Path = request.getfixturevalue(source)
    path = path / "traces.duckdb" if path.is_dir() else path
    before, after = answers(path), answers(shuffled(path, tmp_path))
    assert [name for name in before if before[name] != after[name]] == []
