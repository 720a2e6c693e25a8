"""What `run` takes, returns and refuses."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

import queries
from queries.errors import QueryError
from queries.execution import from_text
from tests.queries.database import START, Builder
from tests.queries.reading import told


def test_a_relation_comes_back(con: duckdb.DuckDBPyConnection) -> None:
    """The answer is a DuckDB relation: it can be fetched more than once, filtered, and turned into Arrow."""
    pytest.importorskip("pyarrow")
    relation = queries.run("tool_chains", con, min_count=3)
    assert isinstance(relation, duckdb.DuckDBPyRelation)
    rows = relation.fetchall()
    assert (["search", "read", "write"], 3, 4, 4, 1, None) in rows
    assert relation.filter("length = 3").fetchall() == rows[:1]
    assert queries.run("tool_chains", con).arrow().read_all().num_rows == len(rows)


def test_data_frames(con: duckdb.DuckDBPyConnection) -> None:
    """pandas and polars get the same rows as `fetchall`."""
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    relation = queries.run("agent_handoffs", con)
    rows = [row[:3] for row in relation.fetchall()]
    frame = relation.df()
    assert list(zip(frame["from_agent"], frame["to_agent"], frame["count"], strict=True)) == rows
    assert relation.pl().select("from_agent", "to_agent", "count").rows() == rows


def test_a_parameter_narrows_the_answer(con: duckdb.DuckDBPyConnection) -> None:
    """`run_id` restricts to one run; NULL, the default, means all; one that does not exist gives nothing."""
    assert queries.run("event_types", con, run_id="plot-1").fetchall()[0] == ("agent_call", 8, 0)
    assert queries.run("event_types", con, run_id=None).fetchall()[0] == ("agent_call", 33, 0)
    with pytest.warns(queries.QueryWarning, match="event_types: there is no run 'no such run'$"):
        assert queries.run("event_types", con, run_id="no such run").fetchall() == []


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        (
            "run_timeline",
            {"run_id": "plot_1"},
            "there is no run 'plot_1': did you mean 'plot-1' or 'plot-0' or 'plot-2'?",
        ),
        ("run_timeline", {"run_id": "ctio"}, "there is no run 'ctio': did you mean 'actions'?"),
        ("failed_executions", {"agent_name": "enginer"}, "there is no agent 'enginer': did you mean 'engineer'?"),
        (
            "failed_executions",
            {"agent_name": "engineer", "run_id": "actions"},
            "there is no agent 'engineer' in run 'actions'",
        ),
        ("run_overview", {"mode": "oneshot"}, "no run has the mode 'oneshot': did you mean 'one-shot'?"),
        ("stage_timeline", {"execution_id": "none"}, "there is no execution 'none'"),
        ("compare_runs", {"before": "2025*"}, "before='2025*': there are no such runs"),
        ("compare_runs", {"tag": "mode", "after": "oneshot"}, "after='oneshot': there are no such runs"),
        ("compare_runs", {"tag": "model", "after": "m"}, "after='m': there are no such runs"),
        ("why_silent", {"agent_name": "plannner"}, "there is no agent 'plannner': did you mean 'planner'?"),
    ],
)
def test_a_value_that_names_nothing_is_told(
    con: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, str], message: str
) -> None:
    """A run, agent, mode or execution that is not there is a warning with the nearest names, beside the answer."""
    with pytest.warns(queries.QueryWarning) as caught:
        queries.run(name, con, **parameters).fetchall()
    assert told(caught) == [f"{name}: {message}"]
    assert __file__ in [warning.filename for warning in caught]


def test_values_that_are_there_are_not_told(con: duckdb.DuckDBPyConnection, recwarn: pytest.WarningsRecorder) -> None:
    """Names that the data have, and an answer that is empty for another reason, give no warning."""
    queries.run("failed_executions", con, run_id="plot-1", agent_name="engineer").fetchall()
    queries.run("tool_chains", con, min_count=1000).fetchall()
    queries.run("compare_runs", con, before="plot-*", after="act*").fetchall()
    queries.run("compare_runs", con, tag="mode", before="one-shot").fetchall()
    queries.run("compare_runs", con, tag="model", before="gpt-test").fetchall()
    assert not recwarn.list


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("tool_chains", {"min_cout": 1}, "tool_chains has no parameter 'min_cout': it has run_id, min_length"),
        ("tool_chains", {"min_count": "2"}, "min_count must be BIGINT, not '2'"),
        ("tool_chains", {"min_count": 2.5}, "min_count must be BIGINT, not 2.5"),
        ("tool_chains", {"min_count": True}, "min_count must be BIGINT, not True"),
        ("tool_chains", {"min_count": 2**63}, "min_count must be BIGINT"),
        ("tool_chains", {"run_id": 7}, "run_id must be VARCHAR, not 7"),
        ("slow_executions", {"threshold_ms": float("nan")}, "threshold_ms must be DOUBLE, not nan"),
        ("slow_executions", {"threshold_ms": [1]}, r"threshold_ms must be DOUBLE, not \[1\]"),
        ("agent_variants", {"repeats": 1}, "repeats must be BOOLEAN, not 1"),
        ("agent_performance", {"period": "x'"}, "period must be one of hour, day, week, month, year, not"),
        ("frequent_subsequences", {"max_patterns": 0}, "max_patterns must be at least 1, not 0"),
        ("frequent_subsequences", {"max_patterns": -1}, "max_patterns must be at least 1, not -1"),
        ("cost", {}, "no query is named 'cost'"),
    ],
)
def test_wrong_use_is_one_clear_error(
    con: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, object], message: str
) -> None:
    """An unknown query or parameter and a value of the wrong type are errors that name it."""
    with pytest.raises(QueryError, match=message) as caught:
        queries.run(name, con, **parameters)
    assert "\n" not in str(caught.value)


def test_numbers_of_other_libraries(con: duckdb.DuckDBPyConnection) -> None:
    """numpy's numbers are numbers."""
    numpy = pytest.importorskip("numpy")
    assert queries.run("tool_chains", con, min_count=numpy.int64(3)).fetchall()
    assert queries.run("slow_executions", con, threshold_ms=numpy.float32(1)).fetchall()


@pytest.mark.parametrize("name", [":memory:", "traces.duckdb"])
def test_a_missing_table_is_named(name: str, tmp_path: Path) -> None:
    """A database of something else gives an error that names the table, whatever its own name is."""
    with (
        duckdb.connect(name if name == ":memory:" else str(tmp_path / name)) as con,
        pytest.raises(QueryError, match=r"tool_chains needs a table .*execution_events"),
    ):
        queries.run("tool_chains", con)


def test_any_connection_with_the_tables_will_do(database: Path) -> None:
    """`run` takes a connection to the file itself as well."""
    with duckdb.connect(str(database), read_only=True) as con:
        assert queries.run("event_types", con).fetchall()


def test_the_latest_run(tmp_path: Path) -> None:
    """Where all runs together make no sense, the run that started last is meant; runs without a time come first."""
    builder = Builder()
    for run_id, started_at in (("b", START), ("c", START + timedelta(hours=1)), ("a", START), ("z", None)):
        builder.run(run_id, started_at=started_at).turn(f"agent of {run_id}")
    con = queries.connect(builder.write(tmp_path / "traces.duckdb"))
    assert [row[3] for row in queries.run("run_timeline", con).fetchall()] == ["agent of c"]
    assert [row[3] for row in queries.run("run_timeline", con, run_id="z").fetchall()] == ["agent of z"]


def test_values_as_typed() -> None:
    """Text from a command line becomes a value of the parameter's type."""
    chains, variants, slow = map(queries.find, ("tool_chains", "agent_variants", "slow_executions"))
    assert from_text(chains, {"min_count": "3", "run_id": "3"}) == {"min_count": 3, "run_id": "3"}
    assert from_text(variants, {"repeats": "No"}) == {"repeats": False}
    assert from_text(slow, {"threshold_ms": "1e3"}) == {"threshold_ms": 1000.0}
    with pytest.raises(QueryError, match="min_count must be BIGINT, not 'many'"):
        from_text(chains, {"min_count": "many"})


def test_the_latest_run_by_name(tmp_path: Path) -> None:
    """It is understood in any case of letters, by every query that takes a run, and wins over a run of that name."""
    builder = Builder()
    for run_id, started_at in (("a", START + timedelta(hours=1)), ("b", START), ("latest", START)):
        builder.run(run_id, started_at=started_at).turn(f"agent of {run_id}")
    con = queries.connect(builder.write(tmp_path / "traces.duckdb"))
    for word in ("latest", "LATEST", "Latest"):
        assert [row[3] for row in queries.run("run_timeline", con, run_id=word).fetchall()] == ["agent of a"]
        assert queries.run("agent_interactions", con, run_id=word).fetchall()[0][0] == "agent of a"
    with pytest.warns(queries.QueryWarning, match="there is no agent 'b' in run 'a'"):
        queries.run("failed_executions", con, run_id="latest", agent_name="b").fetchall()


def test_all_runs_by_name(con: duckdb.DuckDBPyConnection, recwarn: pytest.WarningsRecorder) -> None:
    """`all` is all runs for every query that can show them, and one clear error for one that can't."""
    for name in queries.names():
        for parameter in queries.find(name).parameters:
            if parameter.name != "run_id":
                continue
            if parameter.is_latest:
                with pytest.raises(
                    QueryError, match=f"{name} is about one run: run_id must be the id of one, or latest"
                ):
                    queries.run(name, con, run_id="all")
            else:
                assert queries.run(name, con, run_id="All").fetchall() == queries.run(name, con).fetchall()
    assert not recwarn.list


def test_an_empty_value_as_typed_is_none() -> None:
    """An empty value stands for a default that is none, and is an error where the default is something else."""
    chains, timeline = map(queries.find, ("tool_chains", "run_timeline"))
    assert from_text(chains, {"run_id": ""}) == {"run_id": None}
    assert from_text(timeline, {"run_id": ""}) == {"run_id": None}
    with pytest.raises(QueryError, match="min_count must be BIGINT, not ''"):
        from_text(chains, {"min_count": ""})


def test_all_of_a_kind(con: duckdb.DuckDBPyConnection) -> None:
    """Where a parameter narrows by default, `all` takes that away."""
    for name, parameter, values in (
        ("code_executions", "status", ("completed", "failed", "pending")),
        ("action_statistics", "action_type", ("tool_call", "decision", "error", "success")),
    ):
        parts = [queries.run(name, con, **{parameter: value}).fetchall() for value in values]
        assert len(queries.run(name, con, **{parameter: "all"}).fetchall()) == sum(map(len, parts))
        assert sum(map(bool, parts)) >= 2


@pytest.mark.parametrize("form", ["traces.duckdb", "a foreign connection", "parquet"])
def test_rows_that_wait_to_be_fetched(database: Path, sample_traces: Path, form: str) -> None:
    """Rows of an earlier statement that were not fetched yet do not keep a query from its answer."""
    if form == "a foreign connection":
        con = duckdb.connect(str(database), read_only=True)
    else:
        con = queries.connect(database if form == "traces.duckdb" else sample_traces / "parquet")
    expected = queries.run("event_types", con).fetchall()
    con.execute("select * from execution_events").fetchone()
    relation = queries.run("event_types", con)
    assert relation.fetchall() == expected
    assert queries.run("run_timeline", con).fetchall()


@pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1 drops such rows, whatever runs next")
def test_rows_that_wait_are_kept(con: duckdb.DuckDBPyConnection) -> None:
    """They can be fetched after the query as before."""
    con.execute("select run_id from runs").fetchone()
    queries.run("event_types", con).fetchall()
    assert len(con.fetchall()) == 4


def test_a_path_in_place_of_a_connection(database: Path) -> None:
    """`run` opens what it is given a path of; anything else is one clear error."""
    expected = queries.run("event_types", queries.connect(database)).fetchall()
    for path in (database, str(database.parent)):
        assert queries.run("event_types", path).fetchall() == expected
    with pytest.raises(QueryError, match="'nowhere' is no traces folder"):
        queries.run("event_types", "nowhere")
    with pytest.raises(QueryError, match="takes a connection or a path as its second argument, not NoneType"):
        queries.run("event_types", None)  # type: ignore[arg-type]


def test_a_closed_connection(database: Path) -> None:
    """What DuckDB says of a connection that can't be used is an error of this package, in one line."""
    con = queries.connect(database)
    con.close()
    with pytest.raises(QueryError, match=r"event_types failed: .*closed") as caught:
        queries.run("event_types", con)
    assert "\n" not in str(caught.value)


def test_text_that_is_none(con: duckdb.DuckDBPyConnection) -> None:
    """Bytes of a command line that are no UTF-8 are one clear error."""
    with pytest.raises(QueryError, match=r"tool_chains: run_id is no text in UTF-8: 'a\\udcff'"):
        queries.run("tool_chains", con, run_id="a\udcff")


def test_nothing_is_like_an_empty_name(con: duckdb.DuckDBPyConnection) -> None:
    """A run or an agent with an empty name is not there, and none is suggested in its place."""
    for name, parameter, message in (
        ("tool_chains", "run_id", "tool_chains: there is no run ''"),
        ("failed_executions", "agent_name", "failed_executions: there is no agent ''"),
    ):
        with pytest.warns(queries.QueryWarning) as caught:
            assert queries.run(name, con, **{parameter: ""}).fetchall() == []
        assert told(caught) == [message]


def test_the_quality_of_an_interaction(tmp_path: Path) -> None:
    """What was sent and what came back stands beside what the checks say of it."""
    builder = Builder()
    run = builder.run("r")
    run.turn("a")
    quality = {
        "response_valid": False,
        "response_quality_score": 0.14,
        "response_validation_errors": ["empty"],
        "response_warnings": ["too_short"],
    }
    run.llm("a", **quality)
    relation = queries.run("llm_interactions", builder.write(tmp_path / "traces.duckdb"))
    (row,) = relation.fetchall()
    found = dict(zip(relation.columns, row, strict=True))
    assert {name: found[name] for name in quality} == {
        "response_valid": False,
        "response_quality_score": 0.14,
        "response_validation_errors": '["empty"]',
        "response_warnings": '["too_short"]',
    }
