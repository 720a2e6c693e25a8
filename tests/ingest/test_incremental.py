"""Ingesting again: what did not change is not read, what changed is replaced, and readers see one or the other."""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

import ingest
from ingest import retention
from ingest.schema import TABLES
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal

ROOT = Path(__file__).resolve().parents[2]


def killed(*_: object) -> None:
    """What a worker does when the system kills it."""
    os.kill(os.getpid(), signal.SIGKILL)


def state(out: Path) -> dict[str, tuple[int, int]]:
    """Every file of a traces folder with its inode and time."""
    return {
        str(p.relative_to(out)): (p.stat().st_ino, p.stat().st_mtime_ns)
        for p in out.rglob("*")
        if p.is_file() and p.name != ".lock"
    }


def parquet_matches(tables: Tables) -> None:
    """Each Parquet table has the rows of the DuckDB table, and nothing else lies there."""
    for name, table in TABLES.items():
        columns = ", ".join(f'"{c.name}"::VARCHAR' for c in table.columns)
        glob = f"read_parquet('{tables.out}/parquet/{name}/**/*.parquet', hive_partitioning = false)"
        ours = f"SELECT {columns} FROM {table.stored} EXCEPT ALL SELECT {columns} FROM {glob}"
        assert tables.one(f"SELECT count(*) FROM ({ours})") == 0
        assert tables.one(f"SELECT count(*) FROM {glob}") == tables.one(f"SELECT count(*) FROM {table.stored}")
    assert {p.suffix for p in (tables.out / "parquet").rglob("*") if p.is_file()} == {".parquet"}
    assert {p.name for p in tables.out.iterdir()} == {".lock", "traces.duckdb", "parquet"}


def test_an_unchanged_folder_changes_nothing(runs: Path, ingested: Ingest) -> None:
    """The second ingest reads no run and touches no file."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    (runs / "t.json").write_text(json.dumps([{"role": "user", "name": "x", "content": "y"}]))
    first = ingested(runs)
    before = state(first.out)
    second = ingested(runs)
    assert (second.summary.unchanged, second.summary.new, second.summary.updated) == (2, 0, 0)
    assert state(second.out) == before
    parquet_matches(second)


def test_a_run_that_grew_is_replaced(runs: Path, ingested: Ingest) -> None:
    """Its rows are there once, and those of other runs are as they were."""
    write_journal(runs, "still", logged("a", "b", "hi"))
    path = write_journal(runs, "grows", logged("a", "b", "one"), end=False)
    assert ingested(runs).one("SELECT status FROM runs WHERE run_id = 'grows'") == "interrupted"
    with path.open("a") as file:
        file.write(json.dumps({"v": 1, "seq": 2, "ts": 1, **logged("b", "a", "two")}) + "\n")
        file.write(json.dumps({"v": 1, "seq": 3, "ts": 2, "kind": "run_end", "status": "completed"}) + "\n")
    tables = ingested(runs)
    assert (tables.summary.updated, tables.summary.unchanged) == (1, 1)
    assert tables.sql("SELECT run_id, status, messages FROM runs ORDER BY 1") == [
        {"run_id": "grows", "status": "completed", "messages": 2},
        {"run_id": "still", "status": "completed", "messages": 1},
    ]
    assert tables.one("SELECT count(*) FROM messages") == 3
    parquet_matches(tables)


def test_a_transcript_keeps_its_id_when_it_grows(runs: Path, ingested: Ingest) -> None:
    """The id comes from the path, not from the content."""
    chat = [{"role": "user", "name": "x", "content": "1"}]
    (runs / "deep").mkdir()
    for n in (1, 2):
        (runs / "deep" / "t.json").write_text(json.dumps(chat * n))
        assert ingested(runs).sql("SELECT run_id, messages FROM runs") == [{"run_id": "deep/t.json", "messages": n}]


def test_a_saved_transcript_or_file_beside_a_journal_is_no_run(runs: Path, ingested: Ingest) -> None:
    """Nothing inside a run's folder is a run of its own."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    for place in ("saved.json", "files/data.json", "files/deep/journal.jsonl"):
        path = runs / "r" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('[{"role": "user", "name": "x", "content": "1"}]')
    assert ingested(runs).sql("SELECT run_id FROM runs") == [{"run_id": "r"}]


def test_the_tables_are_no_source(tmp_path: Path, ingested: Ingest) -> None:
    """`ingest .` with the tables inside does not read the tables."""
    out = tmp_path / "traces"
    out.mkdir()
    (out / "t.json").write_text('[{"role": "user", "name": "x", "content": "1"}]')
    assert ingested(tmp_path).summary.found == 0


def test_two_runs_of_one_name_are_two_runs(runs: Path, ingested: Ingest) -> None:
    """Folders of the same name in different places keep their own rows, whichever way they are ingested."""
    write_journal(runs / "x", "r", logged("a", "b", "first"))
    write_journal(runs / "y", "r", logged("a", "b", "second"))
    tables = ingested(runs)
    assert sorted(m["content"] for m in tables.sql("SELECT content FROM messages")) == ["first", "second"]
    ids = tables.sql("SELECT run_id FROM runs ORDER BY 1")
    assert len(ids) == 2
    assert ids[0] == {"run_id": "r"}
    assert ingested(runs / "y").summary.unchanged == 1
    assert ingested(runs / "x" / "r", runs / "y").sql("SELECT run_id FROM runs ORDER BY 1") == ids


def test_a_run_that_was_moved_is_still_one(runs: Path, ingested: Ingest) -> None:
    """Its old path is gone, so its name is free."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    ingested(runs)
    (runs / "archive").mkdir()
    (runs / "r").rename(runs / "archive" / "r")
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM runs") == 1
    assert "archive" in tables.one("SELECT source_path FROM runs")


def test_a_reader_keeps_its_snapshot_and_never_blocks(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """A process that holds the file open sees what it saw; a new reader sees the new rows."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = ingested(runs).out
    script = f"""
import duckdb, sys
con = duckdb.connect({str(out / "traces.duckdb")!r}, read_only=True)
print(con.execute("SELECT count(*) FROM runs").fetchone()[0], flush=True)
sys.stdin.readline()
print(con.execute("SELECT count(*) FROM runs").fetchone()[0], flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdin is not None
        assert reader.stdout.readline() == "1\n"
        write_journal(runs, "b", logged("a", "b", "hi"))
        assert ingested(runs).one("SELECT count(*) FROM runs") == 2
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "1\n"


def test_parquet_that_was_damaged_is_mended(runs: Path, ingested: Ingest) -> None:
    """Files that are missing are written again and files that do not belong are removed."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = ingested(runs).out
    next((out / "parquet" / "messages").rglob("*.parquet")).unlink()
    (out / "parquet" / "messages" / "date=unknown" / "0123456789ab.parquet.unfinished").parent.mkdir(exist_ok=True)
    (out / "parquet" / "messages" / "date=unknown" / "0123456789ab.parquet.unfinished").write_bytes(b"half")
    (out / ".staging").mkdir()
    (out / ".traces.duckdb.new").write_bytes(b"half")
    parquet_matches(ingested(runs, force=True))


def test_tables_of_another_version_are_built_anew(runs: Path, ingested: Ingest) -> None:
    """One line says so, another where those of its runs are that are not there to be read again."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    gone = write_journal(runs, "gone", logged("a", "b", "hi"))
    out = ingested(runs).out
    gone.unlink()
    with duckdb.connect(str(out / "traces.duckdb")) as con:
        con.execute("UPDATE ingest.version SET schema_version = 0")
    tables = ingested(runs)
    kept = out / "traces.duckdb.v0"
    assert [note.split("; ")[0] for note in tables.summary.notes] == [
        f"{out / 'traces.duckdb'}: made by another version of this package",
        f"{kept}: the former tables as they were, kept for 1 run whose files can't be read again",
    ]
    assert tables.one("SELECT count(*) FROM runs") == 1
    with duckdb.connect(str(kept), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    kept.unlink()
    parquet_matches(tables)


@pytest.mark.parametrize("content", [b"precious", b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database_is_left_alone(content: bytes, runs: Path, tmp_path: Path) -> None:
    """It may be somebody's: one clear error, and it is as it was. DuckDB loads nothing to open it with."""
    out = tmp_path / "traces"
    out.mkdir()
    (out / "traces.duckdb").write_bytes(content)
    with pytest.raises(ingest.IngestError, match="not a DuckDB database") as raised:
        ingest.run([str(runs)], str(out))
    assert "extension" not in str(raised.value)
    assert (out / "traces.duckdb").read_bytes() == content


def test_workers_read_what_one_process_reads(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spread over processes, and tables over threads, the rows are the same, in DuckDB and in Parquet."""
    for n in range(6):
        write_journal(runs, f"r{n}", *(logged("a", "b", f"{n} {k}") for k in range(20)))
    out = [tmp_path / "one", tmp_path / "many"]
    summaries = [ingest.run([str(runs)], str(out[0]))]
    monkeypatch.setattr("ingest.workers.ALONE_BYTES", 0)
    monkeypatch.setattr("ingest.workers.SHARE_FILES", 2)
    monkeypatch.setattr("ingest.store.LARGE", 0)
    summaries.append(ingest.run([str(runs)], str(out[1])))
    query = "SELECT * EXCLUDE (ingested_at) FROM runs ORDER BY run_id"
    one, many = (Tables(o, s) for o, s in zip(out, summaries, strict=True))
    assert one.sql(query) == many.sql(query)
    query = "SELECT * FROM execution_events ORDER BY run_id, execution_order"
    assert one.sql(query) == many.sql(query)
    for table in ("runs", "execution_events", "messages", "journal"):
        count = f"SELECT count(*) FROM read_parquet('{{}}/parquet/{table}/*/*.parquet')"
        assert {o: one.one(count.format(o)) for o in out} == dict.fromkeys(
            out, one.one(f"SELECT count(*) FROM {table}")
        )


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_snapshot(runs: Path, tmp_path: Path) -> None:
    """Killed at forty moments of an ingest: the tables are the old or the new ones, and the next ingest cleans up."""
    for n in range(40):
        write_journal(runs, f"r{n}", *(logged("a", "b", f"{n} {k}") for k in range(50)))
    out = tmp_path / "traces"
    command = [sys.executable, "-m", "ingest", str(runs), "--out", str(out), "--quiet"]
    ingest.run([str(runs)], str(out))
    began = time.monotonic()
    subprocess.run([*command, "--force"], check=True, cwd=ROOT)
    takes = time.monotonic() - began
    seen = set()
    for k in range(40):
        path = write_journal(runs, f"r{k}", *(logged("a", "b", f"changed {k} {n}") for n in range(50 + k)))
        os.utime(path)
        with subprocess.Popen([*command, "--force"], cwd=ROOT) as process:
            time.sleep(1.5 * takes * k / 40)
            process.send_signal(signal.SIGKILL)
        with duckdb.connect() as con:
            con.execute(f"ATTACH '{out}/traces.duckdb' AS t (READ_ONLY)")
            counts = con.execute(
                "SELECT count(*), sum(messages), (SELECT count(*) FROM t.messages) FROM t.runs"
            ).fetchone()
        assert counts is not None
        assert counts[0] == 40
        assert counts[1] == counts[2]
        seen.add(counts[1])
    assert len(seen) > 1, "no kill came late enough to leave the new tables"
    summary = ingest.run([str(runs)], str(out))
    parquet_matches(Tables(out, summary))


@pytest.mark.slow
def test_kills_of_first_ingests_updates_and_prunes(runs: Path, tmp_path: Path) -> None:
    """At random moments: what tables there are hold whole runs, and the next ingest leaves nothing else behind."""
    chance = random.Random(1)
    for n in range(300):
        write_journal(runs, f"r{n:03d}", *(logged("a", "b", f"{n} {k} " + "x" * 500) for k in range(60)))
    out = tmp_path / "traces"
    ingesting = [sys.executable, "-m", "ingest", str(runs), "--out", str(out), "--quiet"]
    pruning = [sys.executable, "-m", "ingest", "prune", "--out", str(out), "--older-than", "2024-01-01"]
    began = time.monotonic()
    subprocess.run(ingesting, check=True, cwd=ROOT)
    takes = time.monotonic() - began
    shutil.rmtree(out)
    for k in range(60):
        if k % 6 == 0:
            shutil.rmtree(out, ignore_errors=True)  # the next ones are ingests into nothing
        for n in chance.sample(range(300), 3):
            path = runs / f"r{n:03d}" / "journal.jsonl"
            path.write_text(path.read_text().replace('"hi"', '"ho"') + json.dumps({"v": 1, "kind": "print"}) + "\n")
        prunes = k % 6 == 4 and (out / "traces.duckdb").exists()
        with subprocess.Popen(pruning if prunes else ingesting, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.3, 1.2 * takes))
            process.send_signal(signal.SIGKILL)
        if (out / "traces.duckdb").exists():
            with duckdb.connect() as con:
                con.execute(f"ATTACH '{out}/traces.duckdb' AS t (READ_ONLY)")
                counts = con.execute(
                    "SELECT count(*), sum(messages), (SELECT count(*) FROM t.messages) FROM t.runs"
                ).fetchone()
            assert counts is not None
            assert counts[0] in (300, 0), "neither all runs nor, after a prune, none"
            assert (counts[1] or 0) == counts[2]
        if k % 6 in (2, 5):
            parquet_matches(Tables(out, ingest.run([str(runs)], str(out))))


def test_two_ingests_at_once_take_turns(runs: Path, tmp_path: Path) -> None:
    """The second one waits and says so; the tables hold what both were given."""
    for n in range(150):
        write_journal(runs / "one", f"a{n:03d}", *(logged("a", "b", f"{n} {k}") for k in range(20)))
        write_journal(runs / "two", f"b{n:03d}", *(logged("a", "b", f"{n} {k}") for k in range(20)))
    out = tmp_path / "traces"
    command = [sys.executable, "-m", "ingest", "--out", str(out)]
    first, second = (
        subprocess.Popen([*command, str(runs / name)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    )
    said = [first.communicate()[1], second.communicate()[1]]
    assert (first.returncode, second.returncode) == (0, 0), said
    tables = Tables(out, ingest.run([str(runs / "one"), str(runs / "two")], str(out)))
    assert tables.summary.unchanged == 300
    assert tables.one("SELECT count(*) FROM messages") == 300 * 20
    parquet_matches(tables)


def test_an_ingest_waits_for_another_one(runs: Path, tmp_path: Path) -> None:
    """For as long as the folder is held, and says that it waits."""
    fcntl = pytest.importorskip("fcntl")
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = tmp_path / "traces"
    out.mkdir()
    command = [sys.executable, "-m", "ingest", str(runs), "--out", str(out)]
    with (out / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert "another ingest is at work here, waiting for it" in waiting.stderr.readline()
            assert not (out / "traces.duckdb").exists()
            fcntl.flock(lock, fcntl.LOCK_UN)
            waiting.communicate()
    assert waiting.returncode == 0
    assert (out / "traces.duckdb").exists()


def test_a_worker_that_is_killed_is_one_line(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does it when memory runs out: the tables are as they were."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    write_journal(runs, "b", logged("a", "b", "hi"))
    monkeypatch.setattr("ingest.workers.ALONE_BYTES", 0)
    monkeypatch.setattr("ingest.workers.SHARE_FILES", 1)
    monkeypatch.setattr("ingest.workers.read_share", killed)
    monkeypatch.setattr("ingest.budget.cores", lambda: 2)
    with pytest.raises(ingest.IngestError, match="a worker process was killed"):
        ingest.run([str(runs)], str(tmp_path / "traces"))
    assert sorted(p.name for p in (tmp_path / "traces").iterdir()) == [".lock"]


DUCKDB_1 = """
import duckdb, sys, queries
assert duckdb.__version__.startswith("1.")
con = queries.connect(sys.argv[1])
for (view,) in con.execute("SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal").fetchall():
    print(view, len(con.execute(f"SELECT * FROM {view}").fetchall()))
for name in queries.names():
    print(name, len(queries.run(name, con).fetchall()))
"""


@pytest.mark.slow
def test_duckdb_1_answers_from_the_file(ingested: Ingest) -> None:
    """The last DuckDB before 2 reads the file, all views in it, and all named queries on them, with as many rows."""
    python = os.environ.get("DUCKDB_1_PYTHON")
    if not python:
        pytest.skip("set DUCKDB_1_PYTHON to a Python that has duckdb<2; .ci/run does")
    root = Path(__file__).parents[2]
    out = ingested(root / "sample_runs").out
    environment = {**os.environ, "PYTHONPATH": str(root)}
    told = [
        subprocess.run([program, "-c", script, out], capture_output=True, text=True, check=True, env=environment).stdout
        for program, script in ((python, DUCKDB_1), (sys.executable, DUCKDB_1.replace('"1."', '"2."')))
    ]
    assert told[0] == told[1]
    assert "main.agent_executions" in told[0]
    assert "suspects" in told[0]


def test_nothing_is_stored_with_a_function_that_duckdb_1_lacks(runs: Path, ingested: Ingest) -> None:
    """What it does not know makes the view an error there: the slow test above finds it, but seldom runs."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    tables = ingested(runs)
    stored = tables.sql(
        "SELECT view_name AS name, sql FROM duckdb_views() WHERE NOT internal"
        " UNION ALL SELECT function_name, macro_definition FROM duckdb_functions() WHERE NOT internal"
    )
    assert len(stored) > 10
    assert [row["name"] for row in stored if '"if"(' in row["sql"]] == []


def test_what_somebody_else_put_there_stays(runs: Path, tmp_path: Path) -> None:
    """`--out` may be a folder with other things in it, also in its `parquet`; a link there is refused."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out, lake = tmp_path / "data", tmp_path / "lake"
    mine = [
        out / "parquet" / "mine" / "results.parquet",
        out / "parquet" / "messages" / "notes.txt",
        lake / "s.parquet",
    ]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"precious")
    ingest.run([str(runs)], str(out))
    ingest.run([str(runs)], str(out), force=True)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "parquet").symlink_to(lake)
    with pytest.raises(ingest.IngestError, match="is a link"):
        ingest.run([str(runs)], str(linked))
    assert [path.read_bytes() for path in mine] == [b"precious"] * 3


@pytest.mark.slow
def test_a_reader_that_could_write_is_not_in_the_way(runs: Path, ingested: Ingest) -> None:
    """DuckDB's own shell opens the file for writing and locks it; the ingest goes on."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = ingested(runs).out
    opened = f"con = duckdb.connect({str(out / 'traces.duckdb')!r})"
    script = f"import duckdb, sys; {opened}; print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"1\n"
        assert ingest.run([str(runs)], str(out)).unchanged == 1
        write_journal(runs, "b", logged("a", "b", "hi"))
        assert ingest.run([str(runs)], str(out)).new == 1
        shell.communicate()
    assert ingested(runs).one("SELECT count(*) FROM runs") == 2
    with duckdb.connect(str(out / "traces.duckdb")):  # and so does a notebook that ingests
        assert ingest.run([str(runs)], str(out)).unchanged == 2


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_the_database_keeps_its_permissions(runs: Path, ingested: Ingest) -> None:
    """Those that its owner gave it, whatever the next ingest's or prune's file would have."""
    for n, mode in enumerate((0o640, 0o604)):
        write_journal(runs, f"r{n}", logged("a", "b", "hi"))
        database = ingested(runs).out / "traces.duckdb"
        database.chmod(mode)
        write_journal(runs, "grows", *[logged("a", "b", "hi")] * (n + 1))
        ingested(runs)
        assert database.stat().st_mode & 0o777 == mode
    retention.prune(str(database.parent), "1d")
    assert database.stat().st_mode & 0o777 == mode


def test_a_file_that_can_not_be_read_now_is_read_later(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tables have of it stays, and it is tried again although it did not change."""
    path = write_journal(runs, "a", logged("a", "b", "hi"))
    write_journal(runs, "b", logged("a", "b", "ho"))
    ingested(runs)
    os.utime(path)

    def refuse(name: str) -> object:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("ingest.read.open_regular", refuse)
        tables = ingested(runs)
        assert tables.sql("SELECT run_id FROM runs ORDER BY 1") == [{"run_id": "a"}, {"run_id": "b"}]
        assert any("Permission denied" in note for note in tables.summary.notes)
    assert ingested(runs).summary.updated == 1


@pytest.mark.slow
def test_a_new_file_takes_no_other_runs_place(runs: Path, ingested: Ingest) -> None:
    """A transcript of the same name in another folder is another run, also where the first is gone from disk."""
    for day, word in (("day1", "monday"), ("day2", "tuesday")):
        (runs / day).mkdir()
        (runs / day / "chat.json").write_text(json.dumps([{"role": "user", "name": "x", "content": word}]))
        ingested(runs / day)
        (runs / day / "chat.json").unlink()
    (runs / "day3").mkdir()
    (runs / "day3" / "chat.json").write_text('{"a": "config"}')
    said = ingested(runs / "day3").sql("SELECT content FROM messages ORDER BY 1")
    assert [s["content"] for s in said] == ["monday", "tuesday"]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_names_that_are_no_utf_8_are_escaped(runs: Path, ingested: Ingest) -> None:
    """They are ingested like others, and known again."""
    odd = os.fsencode(runs) + b"/caf\xe9"
    os.mkdir(odd)
    write_journal(Path(os.fsdecode(odd)), "r", logged("a", "b", "hi"))
    with open(odd + b"/\xe9.json", "w") as file:
        json.dump([{"role": "user", "name": "x", "content": "y"}], file)
    tables = ingested(runs)
    assert [r["run_id"] for r in tables.sql("SELECT run_id FROM runs ORDER BY 1")] == ["caf\\udce9/\\udce9.json", "r"]
    assert ingested(runs).summary.unchanged == 2


def test_tables_inside_a_run_are_no_part_of_it(runs: Path) -> None:
    """`ingest runs/r --out runs/r/traces` reads the run once."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    out = runs / "r" / "traces"
    assert ingest.run([str(runs / "r")], str(out)).new == 1
    assert ingest.run([str(runs / "r")], str(out)).unchanged == 1


@pytest.mark.slow
def test_a_day_with_much_in_it_has_several_files(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that grew costs the writing of its own range of runs; runs come and go, and each row is in one file."""
    monkeypatch.setattr("ingest.parts.PART_RECORDS", 30)
    for n in range(0, 40, 2):
        write_journal(runs, f"r{n:02d}", *(logged("a", "b", f"{n} {k}") for k in range(4)))
    tables = ingested(runs)
    parquet_matches(tables)
    before = state(tables.out)
    folder = tables.out / "parquet" / "messages"
    assert len(list(folder.rglob("*.parquet"))) == 4
    write_journal(runs, "r20", *(logged("a", "b", f"more {k}") for k in range(9)))
    tables = ingested(runs)
    parquet_matches(tables)
    kept = [name for name, file in state(tables.out).items() if before.get(name) == file and "/messages/" in name]
    assert len(kept) == 3
    for n in (1, 19, 20, 39, 41):
        write_journal(runs, f"r{n:02d}", *(logged("a", "b", f"late {n} {k}") for k in range(n)))
        tables = ingested(runs)
        parquet_matches(tables)
    for path in sorted(runs.glob("r*"))[:12]:
        (path / "journal.jsonl").unlink()
    parquet_matches(ingested(runs, drop_missing=True))
    next(folder.rglob("*.parquet")).unlink()
    write_journal(runs, "r00", logged("a", "b", "first again"))
    parquet_matches(ingested(runs))
    ranges = [
        tables.sql(f"SELECT min(run_id) AS low, max(run_id) AS high FROM '{path}'")[0]
        for path in sorted(folder.rglob("*.parquet"))
    ]
    ranges.sort(key=lambda r: str(r["low"]))
    assert all(one["high"] < two["low"] for one, two in itertools.pairwise(ranges))


@pytest.mark.parametrize("keep", [0.0, *(pytest.param(share, marks=pytest.mark.slow) for share in (0.5, 0.99))])
def test_a_parquet_file_that_was_cut_off_is_written_again(keep: float, runs: Path, ingested: Ingest) -> None:
    """As a full disk or a copy that broke off leaves it; it is told by its end."""
    write_journal(runs, "r", *(logged("a", "b", f"hi {n}") for n in range(50)))
    tables = ingested(runs)
    for table in ("messages", "runs"):
        file = next((tables.out / "parquet" / table).rglob("*.parquet"))
        with file.open("rb+") as opened:
            opened.truncate(int(file.stat().st_size * keep))
    parquet_matches(ingested(runs))


def test_one_path_is_one_path(runs: Path, tmp_path: Path) -> None:
    """A string is not a list of letters, and a `Path` is as good."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    assert ingest.run(str(runs), tmp_path / "traces").new == 1
    assert ingest.run(runs, tmp_path / "traces").unchanged == 1
    assert ingest.run([runs], str(tmp_path / "traces")).unchanged == 1
