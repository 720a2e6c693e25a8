"""The files of the library are in order: headers, parameters, columns."""

import re
from pathlib import Path

import duckdb
import pytest

import queries
from queries.errors import QueryError
from queries.library import TYPES, parse

SQL = Path(queries.__file__).parent / "sql"
FILES = sorted(SQL.rglob("*.sql"))


def test_every_file_is_a_query() -> None:
    """Each file one folder below `sql` is a query of its own name, and no file lies elsewhere."""
    assert len(FILES) >= 25
    assert sorted(path.stem for path in FILES) == sorted(queries.names())
    assert all(path.parent.parent == SQL for path in FILES)
    assert "show" not in queries.names()


@pytest.mark.parametrize("name", queries.names())
def test_a_header_says_everything(name: str) -> None:
    """A query has a question of one sentence, typed parameters that its SQL uses, and columns with a meaning."""
    query = queries.find(name)
    body = "\n".join(line for line in query.sql.splitlines() if not line.startswith("--"))
    assert query.question.endswith("?")
    assert query.question.count("?") == 1
    assert ". " not in query.question
    assert {parameter.name for parameter in query.parameters} == set(re.findall(r"\$([a-z_]+)", body))
    for parameter in query.parameters:
        assert parameter.doc
        assert parameter.default is None or isinstance(parameter.default, TYPES[parameter.type])
        assert not parameter.choices or parameter.default in (None, *parameter.choices)
    assert all(query.columns.values())


@pytest.mark.parametrize("name", queries.names())
def test_a_query_answers_without_parameters_on_an_empty_database(name: str, empty_database: Path) -> None:
    """Each query runs with its defaults where there is no run at all, and returns no row but totals."""
    con = queries.connect(empty_database)
    relation = queries.run(name, con)
    assert list(relation.columns) == list(queries.find(name).columns)
    assert len(relation.fetchall()) <= 1


@pytest.mark.parametrize("name", queries.names())
def test_a_query_returns_the_columns_it_declares(name: str, con: duckdb.DuckDBPyConnection) -> None:
    """On real rows each query runs with its defaults and returns exactly the declared columns, in order."""
    relation = queries.run(name, con)
    assert list(relation.columns) == list(queries.find(name).columns)
    relation.fetchall()


@pytest.mark.filterwarnings("ignore::queries.QueryWarning")
@pytest.mark.parametrize("name", queries.names())
def test_hostile_values_are_only_data(name: str, con: duckdb.DuckDBPyConnection) -> None:
    """Whatever a text parameter holds, nothing but the comparison with it happens."""
    hostile = "x'; drop table runs; --\x00\"$run_id</b>"
    texts = [p.name for p in queries.find(name).parameters if p.type == "VARCHAR" and not p.choices]
    before = con.execute("select count(*) from runs").fetchall()
    assert len(queries.run(name, con, **dict.fromkeys(texts, hostile)).fetchall()) <= 1 or not texts
    assert con.execute("select count(*) from runs").fetchall() == before


def test_unknown_query_suggests_the_nearest() -> None:
    """A name with a slip is answered with the name that was probably meant."""
    with pytest.raises(QueryError, match="no query is named 'tool_chain': did you mean tool_chains"):
        queries.find("tool_chain")
    with pytest.raises(QueryError, match="`queries` lists them"):
        queries.find("zzzzzzzzzz")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1", "needs a question and columns"),
        ("-- What?\nselect 1", "needs a question and columns"),
        ("-- What?\n--\n-- Parameters\n--   x TEXT = NULL  a\n--\n-- Columns\n--   a  b\nselect 1", "not a parameter"),
        ("-- What?\n--\n-- Parameters\n--   x BIGINT = 'a'  b\n--\n-- Columns\n--   a  b\nselect 1", "no BIGINT"),
        ("-- What?\n--\n-- Columns\n--   A\nselect 1", "not a column"),
    ],
)
def test_a_header_out_of_order_is_refused(sql: str, message: str) -> None:
    """A file whose header can't be understood is an error that names the file and the line."""
    with pytest.raises(ValueError, match=message):
        parse("x", "y", sql)


def test_defaults_are_typed() -> None:
    """Defaults come out of the header as values of their type, and long lines may be continued."""
    query = parse(
        "x",
        "y",
        "-- What is it?\n--\n-- Parameters\n--   a VARCHAR = 'b c'  text\n--   d DOUBLE = 5  number\n"
        "--   e BOOLEAN = true  either\n--      or\n--   f BIGINT = NULL  none\n--\n-- Columns\n--   a  meaning\n"
        "select 1",
    )
    assert [(p.name, p.default) for p in query.parameters] == [("a", "b c"), ("d", 5.0), ("e", True), ("f", None)]
    assert query.parameters[2].doc == "either or"
