"""The ids of all that is in a run begin alike, so that DuckDB finds a run by them: `ingest.of_run` in views.sql."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

import queries
from ingest import pipeline, workers
from ingest.found import Found, shown
from ingest.runrows import RunRows, id_digits
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Row, Tables, event, logged, text, write_journal

SAMPLES = Path(__file__).resolve().parents[2] / "sample_runs"
REAL = Path(__file__).resolve().parents[3] / "shared" / "real_transcripts"
VIEWS = Path(pipeline.__file__).with_name("views.sql")
NAMES = ["r", "", "a'b", "Ünïcode 字 🙂", "with\nline", "nul\0inside", "%_$1", "x" * 5000, shown("\udc80.json")]


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    """A connection that has the macro."""
    con = duckdb.connect()
    con.execute("create schema ingest")
    con.execute(next(text for text in VIEWS.read_text().split(";\n") if "macro ingest.of_run" in text))
    return con


@pytest.mark.parametrize("run_id", NAMES)
def test_sql_finds_the_ids_that_python_makes(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Those of the run, and of no other."""
    rows = RunRows(run_id)
    ids = [rows.id("agent_call", str(number)) for number in range(300)]
    asked = "select count(*) from (select unnest($ids)::uuid as id) where ingest.of_run($of, id, $asked)"
    assert con.execute(asked, {"ids": ids, "of": run_id, "asked": run_id}).fetchall() == [(300,)]
    assert con.execute(asked, {"ids": ids, "of": run_id, "asked": run_id + "!"}).fetchall() == [(0,)]
    others = [RunRows(f"{run_id}{number}").id("agent_call", "0") for number in range(300)]
    assert con.execute(asked, {"ids": others, "of": run_id, "asked": run_id}).fetchall() == [(0,)]
    assert len({*ids, *others}) == 600
    assert {one.replace("-", "")[:12] for one in ids} == {id_digits(run_id)}


def write_runs(runs: Path) -> None:
    """Journals of two days, whose names are in another order than the digits that their ids begin with."""
    for day in ("20260101", "20260102"):
        for number in range(12):
            write_journal(runs, f"{day}T{number}", logged("a", "b", "```python\nopen('x', 'w')\n```"))


def places(tables: Tables, table: str, column: str) -> list[tuple[str, str]]:
    """Of each row of a table, in the order in which they are stored, the day of its run and how its id begins."""
    rows = tables.sql(f"select run_id, replace({column}::varchar, '-', '') as id from {table} order by rowid")
    return [(row["run_id"][:8], row["id"][:12]) for row in rows]


@pytest.mark.few
@pytest.mark.parametrize("share", [1, workers.SHARE_FILES])
def test_runs_are_stored_in_the_order_of_their_ids(
    runs: Path, ingested: Ingest, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Day by day, however many worker tasks read them."""
    monkeypatch.setattr(workers, "SHARE_FILES", share)
    write_runs(runs)
    tables = ingested(runs)
    for table, column in (("execution_events", "id"), ("messages", "event_id")):
        stored = places(tables, table, column)
        assert len(set(stored)) == 24
        assert stored == sorted(stored)
    assert {run for _, run in places(tables, "messages", "event_id")} == {
        id_digits(row["run_id"]) for row in tables.sql("select run_id from runs")
    }


def test_reports_come_by_path(tmp_path: Path) -> None:
    """In whatever order the files are read."""
    found = []
    for number in range(9):
        path = tmp_path / f"{number}.json"
        path.write_text("{}")
        found.append(Found(str(path), f"{number}.json", None, "", 2))
    reports = workers.read_all(found, str(tmp_path / "staging"), lambda done, total: None)
    assert [report.found.path for report in reports] == [f.path for f in found]


def test_every_row_of_a_run_is_found_by_its_ids(ingested: Ingest) -> None:
    """In each table that has ids of events, and over Parquet files as well."""
    tables = ingested(SAMPLES)
    for folder in (tables.out, tables.out / "parquet"):
        with queries.connect(folder) as con:
            for table in ("execution_events", "messages", "ingest.llm_calls", "tool_calls", "code_execs", "files"):
                column = "id" if table in ("execution_events", "files") else "event_id"
                found = f"select count(*), count(*) filter (where ingest.of_run(run_id, {column}, run_id)) from {table}"
                ((rows, of_their_run),) = con.execute(found).fetchall()
                assert rows == of_their_run > 0


def repeating(runs: Path, name: str) -> tuple[Path, list[bytes]]:
    """A copy of a sample run in which all actions and calls have one id: its journal and that one's lines."""
    shutil.copytree(SAMPLES / name, runs / name)
    journal = runs / name / "journal.jsonl"
    records = [json.loads(line) for line in journal.read_bytes().splitlines()]
    named = [record for record in records if record["kind"] in ("action", "function_call")]
    assert len(named) >= 4
    for record in named:
        record["id"] = "action-2"
    return journal, [json.dumps(record).encode() + b"\n" for record in records]


def ids(tables: Tables) -> dict[str, list[tuple[str, str]]]:
    """The ids of all rows of each table that has an id for each, with something that tells the rows apart."""
    with queries.connect(tables.out) as con:
        return {
            table: con.execute(f"select {column}::varchar, {told}::varchar from {table} order by all").fetchall()
            for table, column, told in (
                ("execution_events", "id", "(timestamp, event_type, inputs)"),
                ("messages", "event_id", "content"),
                ("ingest.llm_calls", "event_id", "started_at"),
                ("tool_calls", "event_id", "(call_id, arguments)"),
                ("files", "id", "(file_path, operation)"),
                ("executions", "id", "started_at"),
                ("selections", "event_id", "chosen"),
                ("findings", "event_id", "signs"),
                ("agent_executions", "id", "output_data"),
            )
        }


@pytest.mark.few
@pytest.mark.parametrize("name", ["20260113T100000Z-tool-chain-week-1", "20260114T090000Z-planning-control"])
def test_ids_are_unique_where_a_journal_repeats_them(runs: Path, ingested: Ingest, tmp_path: Path, name: str) -> None:
    """The first has the id that the name gives. All keep theirs when the journal grows, or is read again."""
    journal, lines = repeating(runs, name)
    last = max(number for number, line in enumerate(lines) if b'"action-2"' in line)
    journal.write_bytes(b"".join(lines[:last]))
    before = ids(ingested(runs))
    journal.write_bytes(b"".join(lines))
    after = ids(ingested(runs))
    for table, found in after.items():
        assert len({row_id for row_id, _ in found}) == len(found), table
        assert table == "findings" or set(before[table]) <= set(found), table
    assert RunRows(name).named_id("action-2") in dict(after["execution_events"])
    turns = ingested(runs).one("select count(*) from execution_events where event_type = 'agent_call'")
    assert len(after["agent_executions"]) == len(after["executions"]) == turns > 0
    again = tmp_path / "again"
    pipeline.run([str(runs)], str(again))
    assert ids(Tables(again, ingested(runs).summary)) == after


def test_what_is_in_a_repeated_action_stands_below_the_first(runs: Path, ingested: Ingest) -> None:
    """Those inside say only the name."""
    action = {"kind": "action", "id": "action-1", "action_type": "decision", "action_name": "x", "status": "ok"}
    inside = {"kind": "action", "id": "action-2", "parent": "action-1", "action_type": "decision", "action_name": "y"}
    write_journal(runs, "r", inside, action, action | {"details": {"n": 2}}, inside | {"details": {"n": 2}})
    events = ingested(runs).events("decision")
    first = next(e for e in events if e["meta"]["action_name"] == "x" and not e["inputs"])
    assert {e["parent_event_id"] for e in events if e["meta"]["action_name"] == "y"} == {first["id"]}
    assert len({e["id"] for e in events}) == 4


@pytest.mark.few
@pytest.mark.parametrize("kind", ["action", "step_start"])
def test_each_event_of_a_long_chain_has_its_depth(kind: str, runs: Path, ingested: Ingest) -> None:
    """Steps are no events."""
    many = 1000
    chain: list[Row] = [{"kind": kind, "id": "x-0", "action_type": "decision"}]
    chain += [chain[0] | {"id": f"x-{n}", "parent": f"x-{n - 1}"} for n in range(1, many)]
    last = {"kind": "action", "parent": f"x-{many - 1}", "action_type": "success"}
    write_journal(runs, "r", *chain, *[last] * many)
    events = ingested(runs).events("success")
    assert len(events) == many
    assert {e["depth"] for e in events} == {many if kind == "action" else 0}


def test_ids_of_tool_calls_do_not_depend_on_when_they_are_answered(runs: Path, ingested: Ingest) -> None:
    """Calls that wait for their answers, are begun, and are answered in another order than they were asked in."""
    calls = [{"id": n, "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in ("1", "2", "3")]
    records = [
        *(logged("a", "b", {"content": None, "tool_calls": [call]}) for call in calls),
        event("execute_function", func_name="f", call_id="3", arguments={}, recipient="b"),
        *(logged("b", "a", {"role": "tool", "tool_call_id": n, "content": "done"}) for n in ("2", "3", "1")),
    ]
    seen: list[dict[str, str]] = []
    for known in range(3, len(records) + 1):
        write_journal(runs, "r", *records[:known])
        rows = ingested(runs).sql("SELECT call_id, event_id::VARCHAR AS event_id FROM tool_calls")
        seen.append({row["call_id"]: row["event_id"] for row in rows})
    assert seen[0].keys() == {"1", "2", "3"}
    assert seen == [seen[0]] * len(seen)


def test_nothing_is_inside_itself(runs: Path, ingested: Ingest) -> None:
    """Whatever a journal claims of parents, the way up from an event ends."""
    call = {"kind": "function_call", "name": "f", "arguments": {}, "result": 1, "status": "ok"}
    action = {"kind": "action", "action_type": "decision", "action_name": "x", "status": "ok"}
    records = [
        call | {"id": "c1", "parent": "c1"},
        *(action | {"id": own, "parent": other} for own, other in (("a1", "a2"), ("a2", "a1"), ("a3", "a3"))),
        action | {"id": "a4", "parent": "a2"},
    ]
    write_journal(runs, "r", *records)
    rows = ingested(runs).sql("SELECT id, parent_event_id FROM execution_events")
    events = {row["id"]: row["parent_event_id"] for row in rows}
    assert len(events) == 5
    for event_id in events:
        above = set()
        while event_id is not None:
            assert event_id not in above
            above.add(event_id)
            event_id = events.get(event_id)


@pytest.mark.few
@pytest.mark.parametrize("folder", [SAMPLES, REAL], ids=["samples", "real"])
def test_what_points_at_an_event_finds_it(folder: Path, ingested: Ingest) -> None:
    """In every table each column with the id of an event holds that of one that is there."""
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    tables = ingested(folder)
    pointing = [
        ("execution_events", "parent_event_id"),
        *((name, "event_id") for name in ("messages", "llm_calls", "tool_calls", "code_execs", "files")),
        *(("executions", column) for column in ("id", "answered_id", "call_id")),
        *((name, "event_id") for name in ("selections", "findings")),
    ]
    for table, column in pointing:
        lost = f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM execution_events)"
        assert tables.one(lost) == 0, (table, column)
    orders = "SELECT count(*) FROM {} AS told ANTI JOIN execution_events AS events ON events.run_id = told.run_id AND "
    for table, column in (("executions", "error_order"), ("executions", "failure_order"), ("findings", "error_order")):
        query = orders.format(table) + f"events.execution_order = told.{column} WHERE {column} IS NOT NULL"
        assert tables.one(query) == 0, (table, column)


def test_a_chat_that_some_of_its_records_name_ends_once(runs: Path, ingested: Ingest) -> None:
    """No recorder writes that of the only chat. Its turns that were cut off have ids of their own all the same."""
    write_journal(
        runs,
        "r",
        {"kind": "chat_start", "id": "c", "sender": "a", "recipient": "b"},
        text("a", "b", "go"),
        {"kind": "llm_call", "agent": "b", "response": {"choices": []}, "in_chat": "c"},
        {"kind": "chat_end", "ends": "c", "status": "interrupted", "agent": "b"},
    )
    assert ingested(runs).one("SELECT count(*) - count(DISTINCT id) FROM execution_events") == 0
