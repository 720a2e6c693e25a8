"""What `connect` opens, and that it stands in nobody's way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import queries
from ingest.schema import TABLES
from queries.connection import ATTACHED
from queries.errors import QueryError
from tests.queries.database import Builder


def count(con: duckdb.DuckDBPyConnection, table: str = "runs") -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])


def build(path: Path, runs: int) -> Path:
    builder = Builder()
    for number in range(runs):
        builder.run(f"run-{number}").turn("a")
    return builder.write(path)


def test_folder_and_file_open_the_same(database: Path) -> None:
    """The traces folder and the database in it are two names for the same thing."""
    assert count(queries.connect(database)) == count(queries.connect(str(database.parent))) == 5


def test_nothing_can_be_changed(database: Path) -> None:
    """INSERT, UPDATE, DELETE, DROP and CREATE all fail on the tables."""
    con = queries.connect(database)
    for statement in (
        "insert into runs (run_id) values ('x')",
        "update runs set run_id = 'x'",
        "delete from runs",
        "drop table runs",
        "create table other (a integer)",
    ):
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute(statement)
    assert count(con) == 5


def test_a_new_snapshot_is_seen_by_the_next_connection(tmp_path: Path) -> None:
    """A reader keeps its snapshot while a new file is renamed over it; the next connection sees the new one."""
    build(tmp_path / "traces.duckdb", 1)
    before = queries.connect(tmp_path)
    assert count(before) == 1
    os.replace(build(tmp_path / "new.duckdb", 2), tmp_path / "traces.duckdb")
    after = queries.connect(tmp_path)
    assert (count(before), count(after)) == (1, 2)


def test_a_reader_does_not_block_a_writer(tmp_path: Path) -> None:
    """While this process reads a snapshot, another one builds the next beside it and renames it."""
    build(tmp_path / "traces.duckdb", 1)
    con = queries.connect(tmp_path)
    script = (
        "import duckdb, os, sys; new = sys.argv[1] + '/new'; con = duckdb.connect(new);"
        "con.execute('create table runs as select 1 as run_id'); con.close();"
        "os.replace(new, sys.argv[1] + '/traces.duckdb')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert count(con) == 1


def test_a_quote_in_the_path(tmp_path: Path) -> None:
    """A folder whose name holds a quote is opened like any other."""
    folder = tmp_path / "o'clock; drop"
    folder.mkdir()
    build(folder / "traces.duckdb", 3)
    assert count(queries.connect(folder)) == 3


def rounded(rows: duckdb.DuckDBPyRelation) -> list[list[object]]:
    """All rows; a sum of fractions depends on their order in its last digits."""
    return [[round(v, 9) if isinstance(v, float) else v for v in row] for row in rows.fetchall()]


def to_parquet(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """All tables as Parquet files, some of them partitioned."""
    for name, table in TABLES.items():
        target = folder / name / ("date=2026-03-01" if name != "runs" else ".")
        target.mkdir(parents=True)
        file = str(target / "part.parquet").replace("'", "''")
        con.execute(f"copy (select * from {table.stored}) to '{file}' (format parquet)")


def test_a_parquet_folder_alone(database: Path, tmp_path: Path) -> None:
    """Without a database file the Parquet files, partitioned or not, give the same answers, and can't be changed."""
    expected = queries.connect(database)
    to_parquet(expected, tmp_path / "parquet")
    con = queries.connect(tmp_path)
    for name in queries.names():
        assert rounded(queries.run(name, con)) == rounded(queries.run(name, expected))
    assert count(con, "quarantine") == 0
    with pytest.raises(duckdb.Error):
        con.execute("insert into quarantine (run_id) values ('x')")
    assert count(queries.connect(tmp_path / "parquet")) == 5


def test_a_parquet_folder_that_is_not_whole_says_so(database: Path, tmp_path: Path) -> None:
    """A folder from which tables are missing is an error that names them, not a database without rows."""
    to_parquet(queries.connect(database), tmp_path)
    for name in ("messages", "files"):
        shutil.rmtree(tmp_path / name)
    with pytest.raises(QueryError, match="is not whole, it has no Parquet files of messages, files: ingest again"):
        queries.connect(tmp_path)


def test_tables_of_an_older_ingest_say_so(database: Path, tmp_path: Path) -> None:
    """Tables that lack a column are one line that says what to do, as Parquet and as a database."""
    expected = queries.connect(database)
    to_parquet(expected, tmp_path / "parquet")
    file = tmp_path / "parquet" / "llm_calls" / "date=2026-03-01" / "part.parquet"
    expected.execute(f"copy (select * exclude (chain) from ingest.llm_calls) to '{file}' (format parquet)")
    with pytest.raises(QueryError, match="of an older version of ingest: ingest again") as caught:
        queries.connect(tmp_path)
    assert "\n" not in str(caught.value)
    with duckdb.connect(str(tmp_path / "traces.duckdb")) as con:
        con.execute("create table runs (run_id varchar); create table execution_events (run_id varchar)")
    for name in ("tool_chains", "cost_by_agent", "action_errors"):
        with pytest.raises(QueryError, match=f"{name} failed: the tables are of an older version of ingest") as caught:
            queries.run(name, queries.connect(tmp_path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pq[1]", "a*b", "what?", "[!x]", "o'clock"])
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_folder_whose_name_is_a_pattern(database: Path, tmp_path: Path, name: str) -> None:
    """Characters of a pattern in a folder's name stand for themselves: that folder is read, and no other."""
    to_parquet(queries.connect(database), tmp_path / name)
    to_parquet(queries.connect(database), tmp_path / "axb")
    assert count(queries.connect(tmp_path / name)) == 5


def test_sql_that_is_not_trusted_can_be_shut_in(database: Path, tmp_path: Path) -> None:
    """A connection writes and reads other files, until `enable_external_access` is off; its tables are still read."""
    to_parquet(queries.connect(database), tmp_path / "parquet")
    other = tmp_path / "other.csv"
    for source in (database, tmp_path / "parquet"):
        con = queries.connect(source)
        con.execute(f"copy (select 1 as a) to '{other}'")
        assert con.execute(f"select a from '{other}'").fetchall() == [(1,)]
        con.execute("set enable_external_access = false")
        for statement in (
            f"copy (select 2 as a) to '{other}'",
            f"select a from '{other}'",
            f"attach '{tmp_path / 'new.duckdb'}' as new",
            "set enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(statement)
        assert other.read_text() == "a\n1\n"
        assert queries.run("event_types", con).fetchall()
    assert not (tmp_path / "new.duckdb").exists()


def test_what_is_no_traces_folder_says_so(database: Path, tmp_path: Path) -> None:
    """A missing folder, an empty one, a file of another kind and a broken Parquet file are each one clear line."""
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "lite.db").write_bytes(b"SQLite format 3\0" + bytes(4080))  # DuckDB loads nothing to open it with
    to_parquet(queries.connect(database), tmp_path / "broken")
    (tmp_path / "broken" / "runs" / "part.parquet").write_text("hello")
    (tmp_path / "empty").mkdir()
    for path, message in (
        ("missing", "there is no such folder"),
        ("empty", "it holds no traces.duckdb"),
        ("text.txt", "can't be opened"),
        ("lite.db", "can't be opened: .*not a valid DuckDB database"),
        ("broken", "can't be read"),
    ):
        with pytest.raises(QueryError, match=message) as caught:
            queries.connect(tmp_path / path)
        assert "\n" not in str(caught.value)


def test_views_are_found_without_a_word_on_where(database: Path) -> None:
    """Who attaches the file himself asks its views under the name he gave it."""
    con = duckdb.connect()
    con.execute(f"attach '{database}' as mine (read_only)")
    for (view,) in con.execute(
        "select schema_name || '.' || view_name from duckdb_views() where not internal and database_name = 'mine'"
    ).fetchall():
        con.execute(f"select count(*) from mine.{view}")


def test_what_does_not_fit_into_memory_is_the_users_alone(database: Path, tmp_path: Path) -> None:
    """It goes to the system's folder for such files, not to the current one, and is gone with the process."""
    script = """
import os, queries, stat, sys
con = queries.connect(sys.argv[1])
con.execute("set memory_limit = '50MB'")
con.execute("create temp table t as select random() as x, repeat(uuid()::varchar, 9) as y from range(400000)")
folder = con.execute("select current_setting('temp_directory')").fetchone()[0]
outer = os.path.dirname(folder)
print(outer, len(os.listdir(folder)), oct(stat.S_IMODE(os.stat(outer).st_mode)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(database)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    folder, files, mode = done.stdout.split()
    assert Path(folder).parent == tmp_path
    assert int(files) > 0
    assert mode == "0o700"
    assert not Path(folder).exists()


@pytest.mark.parametrize("sql", [None, "create table orders (id integer)", "create table runs (id integer)"])
def test_a_database_of_something_else_is_none(sql: str | None, tmp_path: Path) -> None:
    """A file that ingest did not make is one line that says so, given itself or by its folder."""
    file = tmp_path / "traces.duckdb"
    with duckdb.connect(str(file)) as con:
        if sql is not None:
            con.execute(sql)
    for path in (file, tmp_path):
        with pytest.raises(QueryError, match=r"is no database that ingest made.*: give the folder that") as caught:
            queries.connect(path)
        assert "\n" not in str(caught.value)


def test_a_cursor_that_does_not_see_the_tables_is_told_so(database: Path) -> None:
    """DuckDB begins each cursor at the database in memory."""
    cursor = queries.connect(database).cursor()
    with pytest.raises(QueryError, match=r"a cursor does not see the tables: execute 'use \w+' on it first"):
        queries.run("run_overview", cursor)
    cursor.execute(f"use {ATTACHED}")
    assert queries.run("run_overview", cursor).fetchall()
