"""Memory: what an ingest takes does not grow with the journal; a run that can't be read to its end leaves nothing."""

import gc
import json
import random
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ingest import rows, stage, wide
from ingest.assemble import Assembler
from ingest.events import Event
from ingest.retention import prune
from ingest.runrows import RunRows
from ingest.sql import execute_within
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal

ROOT = Path(__file__).resolve().parents[2]

MEASURED = """
import re, resource, sys, ingest
ingest.run([sys.argv[1]], sys.argv[2])
own = int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
print((own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024)
"""
"""Megabytes of this process and of the largest of its workers, each at its worst moment. Not `ru_maxrss` of its own:
that begins with what the process had that started it, which is pytest with all it has run so far."""

CHECKED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "ingest", "check", sys.argv[1]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""
"""Megabytes of a process that reads these runs and stores nothing."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux tells it")


def megabytes(runs: Path, out: Path) -> int:
    """The memory that an ingest of these runs takes."""
    script = out.parent / "measured.py"
    script.write_text(MEASURED)
    command = [sys.executable, str(script), str(runs), str(out)]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_run_that_fails_while_it_is_read_leaves_no_rows(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do others suffer, and it is read again the next time."""
    write_journal(runs, "bad", *(logged("a", "b", f"message {n}") for n in range(5000)))
    write_journal(runs, "good", logged("a", "b", "hi"))
    finish = Assembler.finish

    def fail(self: Assembler, *arguments: Any) -> Any:
        if self.rows.run_id == "bad":
            raise RuntimeError("a mistake")
        return finish(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Assembler, "finish", fail)
        tables = ingested(runs)
        assert tables.sql("SELECT DISTINCT run_id FROM journal") == [{"run_id": "good"}]
        assert any("a mistake" in note for note in tables.summary.notes)
    assert ingested(runs).one("SELECT count(*) FROM journal WHERE run_id = 'bad'") == 5002


@linux
@pytest.mark.slow
def test_a_conversation_repeated_by_every_request_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """A thousand calls, each with all that was said before, are 2.7 MB of journal and would be 1.2 GB of requests."""
    call = {"kind": "llm_call", "agent": "a", "model": "m", "status": "ok", "response": {"choices": []}}
    text = "word " * 240
    calls = [
        {
            **call,
            "request": {
                "messages": [{"role": "user", "content": f"{n} {text}"}, {"role": "assistant", "content": text}]
            },
            "base": n or None,
            "base_messages": 2 * n,
        }
        for n in range(1000)
    ]
    write_journal(tmp_path / "runs", "long", *calls)
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 700


@linux
@pytest.mark.slow
def test_a_large_journal_is_ingested_in_bounded_memory(tmp_path: Path) -> None:
    """150 MB in one run take less than a gigabyte."""
    folder = tmp_path / "runs" / "large"
    folder.mkdir(parents=True)
    with (folder / "journal.jsonl").open("w") as file:
        for n in range(60_000):
            record = {
                "v": 1,
                "seq": n,
                "ts": 1_700_000_000_000_000_000 + n,
                **logged("ab"[n % 2], "ba"[n % 2], f"{n} " * 400),
            }
            file.write(json.dumps(record) + "\n")
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 1000


@linux
@pytest.mark.slow
def test_long_messages_take_memory_by_their_length_and_not_by_their_number(tmp_path: Path) -> None:
    """Of 300 MB in messages of 50 kB, as tools return them, less than a gigabyte is held at any moment."""
    words = [f"{n:07}" for n in range(10_000, 16_250)]
    for run in range(6):
        random.Random(run).shuffle(words)
        messages = (logged("ab"[n % 2], "ba"[n % 2], f"{n} " + " ".join(words)) for n in range(1000))
        write_journal(tmp_path / "runs", f"long-{run}", *messages)
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 1000


@linux
@pytest.mark.slow
def test_messages_of_a_megabyte_take_no_more_memory_than_others(tmp_path: Path) -> None:
    """400 MB in one run, all of it fewer rows than DuckDB handles at a time."""
    words = [f"{n:07}" for n in range(125_000)]
    messages = []
    for n in range(400):
        random.Random(n).shuffle(words)
        messages.append(logged("ab"[n % 2], "ba"[n % 2], " ".join(words)))
    write_journal(tmp_path / "runs", "wide", *messages)
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 1000


@linux
@pytest.mark.slow
def test_a_saved_transcript_of_which_the_journal_has_nothing_takes_little_memory(tmp_path: Path) -> None:
    """Of 300,000 messages, 30 MB, their words are held while they are looked for, and not the objects they came in."""
    chance, words = random.Random(1), "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split()
    folder = write_journal(tmp_path / "runs", "saved", {"kind": "messages", "path": "messages-1.json"}).parent
    messages = (
        {"content": f"{n} {' '.join(chance.choices(words, k=8))}", "role": "user", "name": "ab"[n % 2]}
        for n in range(300_000)
    )
    (folder / "messages-1.json").write_text(json.dumps(list(messages)))
    command = [sys.executable, "-c", CHECKED, str(tmp_path / "runs")]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 300


@linux
@pytest.mark.slow
def test_long_errors_are_not_gathered(tmp_path: Path) -> None:
    """Of 2,000 LLM calls that fail with 100 kB of error each, the tables made from others hold no copy."""
    words = [f"{n:07}" for n in range(12_500)]
    calls = []
    for n in range(2000):
        random.Random(n).shuffle(words)
        error = {"type": "RateLimitError", "message": " ".join(words), "traceback": ""}
        calls.append({"kind": "llm_call", "agent": "a", "model": "m", "status": "error", "error": error})
    write_journal(tmp_path / "runs", "failed", *calls)
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 1000


@pytest.fixture
def hundredth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of 10 kB are as wide as those of a megabyte are."""
    monkeypatch.setattr(wide, "WIDE", wide.WIDE // 100)
    monkeypatch.setattr(stage, "GROUP_BYTES", stage.GROUP_BYTES // 100)
    monkeypatch.setattr(rows, "CHUNK_BYTES", rows.CHUNK_BYTES // 100)


@pytest.mark.slow
@pytest.mark.usefixtures("hundredth")
def test_wide_rows_are_stored_as_others_are(runs: Path, ingested: Ingest) -> None:
    """All of them, in their order, whatever came before them or comes after, in the database and in Parquet."""
    texts = {run: [f"{run} {n} " + "x" * 10_000 for n in range(30)] for run in ("b", "d")}
    short = {run: [f"{run} {n}" for n in range(3000)] for run in ("a", "c", "e")}

    def write(run: str, contents: list[str]) -> None:
        write_journal(runs, run, *(logged("xy"[n % 2], "yx"[n % 2], text) for n, text in enumerate(contents)))

    for run in ("a", "b", "c"):
        write(run, (texts | short)[run])
    ingested(runs)
    for run in ("d", "e"):
        write(run, (texts | short)[run])
    texts["b"] += ["one more"]
    write("b", texts["b"])
    tables = ingested(runs)
    for run, contents in (texts | short).items():
        query = "SELECT content FROM messages WHERE run_id = ? ORDER BY {}"
        assert [row["content"] for row in tables.sql(query.format("message_order"), run)] == contents
        assert [row["content"] for row in tables.sql(query.format("rowid"), run)] == contents
        assert tables.one("SELECT count(*) FROM journal WHERE run_id = ?", run) == len(contents) + 2
    assert tables.one("SELECT count(*) FROM messages") == 9061
    assert tables.one("SELECT count(*) FROM journal WHERE run_id IS NULL") == 0
    files = list((tables.out / "parquet" / "messages").rglob("*.parquet"))
    assert sum(pq.read_metadata(file).num_rows for file in files) == 9061
    assert {file for file in files if pq.read_table(file, columns=["content"])["content"].null_count} == set()


@pytest.mark.slow
@pytest.mark.usefixtures("hundredth")
def test_a_little_every_night_is_no_wide_vector(runs: Path, ingested: Ingest) -> None:
    """Ingests whose rows are not wide by themselves do not fill one vector together; those of short rows do."""
    for night in range(8):
        write_journal(runs, f"long-{night}", *(logged("a", "b", f"{n} " + "x" * 10_000) for n in range(12)))
        write_journal(runs, f"short-{night}", logged("a", "b", "hi"))
        tables = ingested(runs)
    assert tables.one("SELECT max(n) FROM (SELECT count(*) AS n FROM messages GROUP BY rowid // 2048)") <= 2 * 13
    assert tables.one("SELECT count(*) FROM (SELECT DISTINCT rowid // 2048 FROM runs)") == 1
    assert tables.one("SELECT count(*) FROM messages") == 8 * 13
    assert prune(str(tables.out), "2040-01-01").pruned == [
        f"{kind}-{night}" for kind in ("short", "long") for night in range(8)
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("hundredth")
def test_wide_rows_stay_few_in_a_vector(runs: Path, ingested: Ingest) -> None:
    """Also when later ingests write the database anew, and when others are pruned."""
    old = write_journal(runs, "old", logged("a", "b", "hi"))
    old.write_text(old.read_text().replace('"ts": 17', '"ts": 16'))
    write_journal(runs, "wide", *(logged("a", "b", f"{n} " + "x" * 10_000) for n in range(60)))
    ingested(runs)
    write_journal(runs, "new", logged("a", "b", "hi"))
    tables = ingested(runs)
    vectors = "SELECT max(n) FROM (SELECT count(*) AS n FROM journal WHERE run_id = 'wide' GROUP BY rowid // 2048)"
    assert tables.one(vectors) < 30
    pruned = prune(str(tables.out), "2022-01-01")
    assert pruned.pruned == ["old"]
    assert tables.one(vectors) < 30
    assert tables.one("SELECT count(*) FROM messages") == 61
    assert tables.one("SELECT count(*) FROM duckdb_views() WHERE NOT internal") > 0


@pytest.mark.slow
def test_derived_tables_of_one_long_run_are_made_in_little_memory(runs: Path, ingested: Ingest, tmp_path: Path) -> None:
    """What DuckDB holds of its turns it can put aside: of 300,000 it had to hold more than 160 MB."""
    count, word = 300_000, '{"v":1,"seq":%d,"ts":%d,"kind":"event","event":{"type":"text","content":%s}}\n'
    content = '{"content":"w","sender":"a%d","recipient":"a%d"}'
    (runs / "long").mkdir(parents=True)
    with (runs / "long" / "journal.jsonl").open("w") as file:
        file.writelines(word % (n, n + 1, content % (n % 2, (n + 1) % 2)) for n in range(count))
    tables = ingested(runs)
    given = {"run_ids": ["long"], "low": "0" * 32, "high": "f" * 32}
    for name in ("executions", "selections", "findings"):
        statement = resources.files("ingest.derived").joinpath(f"{name}.sql").read_text(encoding="utf-8")
        with duckdb.connect() as con:
            con.execute(f"ATTACH '{tables.out}/traces.duckdb' AS t (READ_ONLY)")
            con.execute("USE t")
            con.execute("SET threads = 1")
            con.execute("SET memory_limit = '120MB'")
            con.execute(f"SET temp_directory = '{tmp_path}/spill'")
            query = statement[statement.index("\nwith\n") :]
            con.execute(f"CREATE TEMP TABLE made AS {query}", given)
            assert con.execute("SELECT count(*) FROM made").fetchone() == (tables.one(f"SELECT count(*) FROM {name}"),)
    assert tables.one("SELECT count(*) FROM executions") == count


@pytest.mark.usefixtures("hundredth")
def test_wide_values_of_runs_are_stored(runs: Path, ingested: Ingest) -> None:
    """Of `runs` itself, which is filled before all other tables."""
    for n in range(40):
        write_journal(runs, f"{n:02}", start={"task": f"{n} " + "x" * 10_000})
    tables = ingested(runs)
    assert [row["task"][:2].strip() for row in tables.sql("SELECT task FROM runs ORDER BY run_id")] == [
        str(n) for n in range(40)
    ]


def test_a_statement_for_which_memory_is_too_little_goes_again_alone() -> None:
    """In as much as it takes; what comes after it has the limit again."""
    statement = "INSERT INTO filled SELECT length(string_agg(repeat($letter, 1000), '')) FROM range(100000)"
    with duckdb.connect() as con:
        con.execute("CREATE TABLE filled (length BIGINT)")
        con.execute("SET temp_directory = ''")
        con.execute("SET memory_limit = '64MiB'")
        limit = con.execute("SELECT current_setting('memory_limit')").fetchone()
        with pytest.raises(duckdb.OutOfMemoryException):
            con.execute(statement, {"letter": "x"})
        execute_within(con, statement, {"letter": "x"})
        assert con.execute("SELECT * FROM filled").fetchall() == [(100_000_000,)]
        assert con.execute("SELECT current_setting('memory_limit')").fetchone() == limit
        con.execute("BEGIN")
        with pytest.raises(duckdb.OutOfMemoryException):
            execute_within(con, statement, {"letter": "x"})


@pytest.mark.filterwarnings("always")
def test_what_was_spilled_is_let_go_when_it_has_been_read(recwarn: pytest.WarningsRecorder) -> None:
    """Its file is closed then, and not when nobody knows it any more."""
    gc.collect()
    recwarn.clear()  # what other tests have left
    spill = rows.Spill()
    spill.append("a")
    assert list(spill) == ["a"]
    del spill
    gc.collect()
    assert [warning.category for warning in recwarn] == []


def test_of_written_files_no_events_are_held_until_their_rows_are_made(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may leave hundreds of thousands of files behind; each has its event before any of them has its row."""
    held: list[int] = []
    add = RunRows.add

    def counting(self: RunRows, table: str, *row: Any) -> None:
        if table == "files" and not held:
            held.append(sum(isinstance(thing, Event) for thing in gc.get_objects()))
        add(self, table, *row)

    monkeypatch.setattr(RunRows, "add", counting)
    write_journal(runs, "one", *({"kind": "file", "path": f"out/{n}.txt", "size": n} for n in range(500)))
    assert ingested(runs).one("SELECT count(*) FROM files") == 500
    assert held[0] < 100
