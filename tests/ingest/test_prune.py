"""`ingest prune`: old runs leave the tables and stay out of them until they are called back."""

import gzip
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

import ingest
from ingest.cli import main
from ingest.read import identify
from ingest.retention import moment
from ingest.snapshot import MEMORY, Room, Snapshot
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal
from tests.ingest.test_incremental import parquet_matches, state
from tests.ingest.test_missing import CHAT, ids

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400


def young(runs: Path, run_id: str) -> Path:
    """A journal of a run that began a minute ago."""
    path = write_journal(runs, run_id, logged("a", "b", "hi"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for number, line in enumerate(lines):
        line["ts"] = time.time_ns() - 60_000_000_000 + number
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def received(at: datetime) -> str:
    """A line of the log of AG2's file logger."""
    state = json.dumps({"message": "hi", "sender": "a", "valid": True})
    entry = {"source_id": 1, "source_name": "b", "event_name": "received_message", "json_state": state}
    return json.dumps({**entry, "timestamp": f"{at:%Y-%m-%d %H:%M:%S.%f}", "thread_id": 1}) + "\n"


def prune(out: Path, *arguments: str) -> dict[str, Any]:
    """Call the command, and give what it says to programs."""
    done = CliRunner().invoke(main, ["prune", "--out", str(out), "--json", *arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.slow
def test_old_runs_leave_every_table_and_stay_out(runs: Path, ingested: Ingest) -> None:
    """Neither a touch nor new lines nor `--force` bring them back; their files are as they were."""
    old = write_journal(runs, "old", logged("a", "b", "hi"))
    old.write_bytes(old.read_bytes() + b"broken\n")
    before = old.read_bytes()
    young(runs, "young")
    out = ingested(runs).out
    assert prune(out, "--older-than", "30d")["pruned"] == ["old"]
    assert old.read_bytes() == before
    os.utime(old)
    for force in (False, True):
        tables = ingested(runs, force=force)
        assert ids(tables) == ["young"]
        assert tables.summary.pruned == 1
        for table in ("journal", "messages", "execution_events", "quarantine"):
            assert tables.one(f"SELECT count(*) FROM {table} WHERE run_id = 'old'") == 0
        assert tables.one("SELECT count(*) FROM ingest.sources") == 1
        parquet_matches(tables)
    old.write_bytes(before + b"more\n")
    assert ids(ingested(runs)) == ["young"]


@pytest.mark.slow
def test_the_way_back(runs: Path, ingested: Ingest) -> None:
    """`--restore` lets the next ingest bring back the runs of such ids, and only those."""
    for name in ("a1", "a2", "b1"):
        write_journal(runs, name, logged("a", "b", "hi"))
    out = ingested(runs).out
    assert prune(out, "--older-than", "4w")["pruned"] == ["a1", "a2", "b1"]
    assert sorted(prune(out, "--restore", "a*")["restored"]) == ["a1", "a2"]
    tables = ingested(runs)
    assert ids(tables) == ["a1", "a2"]
    parquet_matches(tables)
    assert prune(out, "--restore", "*")["restored"] == ["b1"]
    assert ids(ingested(runs)) == ["a1", "a2", "b1"]


def test_a_dry_run_changes_nothing(runs: Path, ingested: Ingest) -> None:
    """It says which runs these are."""
    write_journal(runs, "old", logged("a", "b", "hi"))
    out = ingested(runs).out
    before = state(out)
    assert prune(out, "--older-than", "12h", "--dry-run")["pruned"] == ["old"]
    assert state(out) == before
    assert ids(ingested(runs)) == ["old"]


def test_a_transcript_is_as_old_as_its_file(runs: Path, ingested: Ingest) -> None:
    """It carries no time. Where the file is gone, the time of the ingest counts."""
    for name in ("old.json", "new.json", "gone.json"):
        (runs / name).write_text(CHAT)
    long_ago = time.time() - 10 * DAY
    os.utime(runs / "old.json", (long_ago, long_ago))
    os.utime(runs / "gone.json", (long_ago, long_ago))
    out = ingested(runs).out
    (runs / "gone.json").unlink()
    assert prune(out, "--older-than", "7d")["pruned"] == ["old.json"]
    assert ids(ingested(runs, force=True)) == ["gone.json", "new.json"]


@pytest.mark.parametrize("seconds", [316_500_000_000, -70_000_000_000, 10**18])
def test_a_time_of_change_that_is_no_date_is_not_old(
    seconds: int, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have times before the year 1 and behind the year 9999."""
    (runs / "odd.json").write_text(CHAT)
    out = ingested(runs).out
    looked = os.stat

    def stat(path: Any, **options: Any) -> Any:
        status = looked(path, **options)
        return SimpleNamespace(st_mtime=float(seconds)) if str(path).endswith("odd.json") else status

    monkeypatch.setattr("ingest.retention.os.stat", stat)
    assert prune(out, "--older-than", "1d")["kept"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_file_whose_name_is_no_text_is_as_old_as_it_is(runs: Path, ingested: Ingest) -> None:
    """It is found under its own name, and not under that which the tables have."""
    path = os.path.join(os.fsencode(runs), b"caf\xe9.json")
    with open(path, "w") as file:
        file.write(CHAT)
    os.utime(path, (1, 1))
    assert prune(ingested(runs).out, "--older-than", "1d")["pruned"] == ["caf\\udce9.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="TZ is not heard there")
def test_the_time_of_a_pruning_is_utc(runs: Path, ingested: Ingest) -> None:
    """As all times in the tables are, wherever the machine stands."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    tables = ingested(runs)
    command = [sys.executable, "-m", "ingest", "prune", "--older-than", "1d", "--out", tables.out]
    subprocess.run(command, env={**os.environ, "TZ": "Asia/Tokyo"}, cwd=ROOT, check=True, capture_output=True)
    pruned_at = tables.one("SELECT pruned_at FROM ingest.pruned")
    assert abs(pruned_at - datetime.now(timezone.utc).replace(tzinfo=None)) < timedelta(hours=1)


@pytest.mark.slow
def test_the_file_becomes_smaller(runs: Path, ingested: Ingest) -> None:
    """What was pruned takes no room, and what is left is as it was, views too."""
    for n in range(20):
        write_journal(runs, f"r{n}", *(logged("a", "b", f"{k} {os.urandom(2000).hex()}") for k in range(20)))
    young(runs, "young")
    tables = ingested(runs)
    before = (tables.out / "traces.duckdb").stat().st_size
    said = tables.sql("SELECT * FROM messages WHERE run_id = 'young'")
    assert len(prune(tables.out, "--older-than", "30d")["pruned"]) == 20
    assert (tables.out / "traces.duckdb").stat().st_size < before / 2
    tables = ingested(runs)
    assert tables.sql("SELECT * FROM messages") == said
    assert tables.one("SELECT count(*) FROM agent_executions") == 1
    assert {p.name for p in tables.out.iterdir()} == {".lock", "traces.duckdb", "parquet"}
    parquet_matches(tables)


def test_times_beyond_any_sense_are_compared_all_the_same(runs: Path, ingested: Ingest) -> None:
    """A journal may claim any moment."""
    for name, ts in (("never", 2**63 - 1), ("early", -(2**62)), ("none", None)):
        write_journal(runs, name, {**logged("a", "b", "hi"), "ts": ts})
        path = runs / name / "journal.jsonl"
        path.write_text(path.read_text().replace('"ts": 1700000000000000000', f'"ts": {json.dumps(ts)}'))
    pruned = prune(ingested(runs).out, "--older-than", "2024-01-01")["pruned"]
    assert "early" in pruned
    assert "never" not in pruned


def test_a_run_that_goes_on_is_never_old(runs: Path, ingested: Ingest) -> None:
    """Whenever it began."""
    path = young(runs, "r")
    lines = [json.loads(line) for line in path.read_text().splitlines()][:-1]
    lines[0]["ts"] -= 100 * DAY * 10**9
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tables = ingested(runs)
    assert tables.one("SELECT status FROM runs") == "running"
    assert prune(tables.out, "--older-than", "30d")["pruned"] == []


def test_a_run_is_as_old_as_its_last_record(runs: Path, ingested: Ingest) -> None:
    """Whenever it began: a log that an application adds to stays."""
    path = young(runs, "grows")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["ts"] -= 100 * DAY * 10**9
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_journal(runs, "old", logged("a", "b", "hi"))
    began, now = (datetime.now(timezone.utc) - timedelta(days=age) for age in (40, 0))
    for name, times in (("old.log", (began, began)), ("grows.log", (began, now))):
        (runs / name).write_text("".join(map(received, times)))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM runs WHERE started_at < now()::TIMESTAMP - INTERVAL 30 DAY") == 4
    assert prune(tables.out, "--older-than", "30d")["pruned"] == ["old", "old.log"]
    assert ids(ingested(runs)) == ["grows", "grows.log"]


def test_what_was_moved_stays_pruned(runs: Path, ingested: Ingest) -> None:
    """A journal is known by its first record, a transcript by all of it, wherever it is now."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    (runs / "x").mkdir()
    (runs / "x" / "chat.json").write_text(CHAT)
    os.utime(runs / "x" / "chat.json", (1, 1))
    out = ingested(runs / "r", runs / "x").out
    assert sorted(prune(out, "--older-than", "1w")["pruned"]) == ["chat.json", "r"]
    (runs / "r").rename(runs / "moved")
    (runs / "moved").rename(runs / "x" / "r")
    (runs / "y").mkdir()
    (runs / "x" / "chat.json").rename(runs / "y" / "chat.json")
    write_journal(runs / "y", "s", logged("a", "b", "hi"), start={"run_id": "s"})
    assert ids(ingested(runs / "x", runs / "y")) == ["s"]


@pytest.mark.slow
def test_a_renamed_file_stays_pruned(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renamed, and packed as well; another conversation comes in, and what is in the tables is not looked into."""
    (runs / "old.json").write_text(CHAT)
    os.utime(runs / "old.json", (1, 1))
    out = ingested(runs).out
    assert prune(out, "--older-than", "1w")["pruned"] == ["old.json"]
    (runs / "old.json").rename(runs / "new.json")
    (runs / "other.json").write_text(CHAT.replace('"y"', '"z"'))
    tables = ingested(runs)
    assert (ids(tables), tables.summary.pruned) == (["other.json"], 1)
    looked_into: list[str] = []
    monkeypatch.setattr("ingest.pruned.identify", lambda found: looked_into.append(found.run_id) or identify(found))
    (runs / "packed.json.gz").write_bytes(gzip.compress((runs / "new.json").read_bytes()))
    (runs / "new.json").unlink()
    assert ids(ingested(runs, force=True)) == ["other.json"]
    assert looked_into == ["packed.json.gz"]


def test_what_was_unpacked_beside_its_archive_stays_pruned(runs: Path, ingested: Ingest) -> None:
    """`gunzip -k`: the file is what the archive was."""
    packed = runs / "c.json.gz"
    packed.write_bytes(gzip.compress(CHAT.encode()))
    os.utime(packed, (1, 1))
    prune(ingested(runs).out, "--older-than", "1w")
    (runs / "c.json").write_text(CHAT)
    assert ids(ingested(runs, force=True)) == []


@pytest.mark.few
@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_sent_to_standard_input_stays_pruned(
    is_there: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its file is still there or not; another run comes in."""
    content = write_journal(runs, "old", logged("a", "b", "hi"), start={"run_id": "old"}).read_bytes()
    other = write_journal(runs.parent, "other", logged("a", "b", "yes"), start={"run_id": "other"}).read_bytes()
    prune(ingested(runs).out, "--older-than", "1w")
    if not is_there:
        (runs / "old").rename(runs.parent / "away")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content + other)))
    tables = ingested(Path("-"))
    assert (tables.one("SELECT list(content) FROM messages"), tables.summary.pruned) == (["yes"], 1)


@pytest.mark.slow
def test_another_run_in_the_place_of_a_pruned_one_comes_in(runs: Path, ingested: Ingest) -> None:
    """A folder that every night's run is written to: what tells them apart is the first record. The ones before stay
    out, also where they were moved away before, and each is pruned in its turn."""
    for night in ("one", "two", "three"):
        write_journal(runs, "nightly", logged("a", "b", night), start={"run_id": night})
        tables = ingested(runs, force=night == "two")
        assert tables.sql("SELECT run_id, content FROM messages") == [{"run_id": "nightly", "content": night}]
        prune(tables.out, "--older-than", "1w")
        for _ in range(2):
            assert ids(ingested(runs)) == []
        (runs / "nightly").rename(runs / night)
    assert ids(ingested(runs)) == []


@pytest.mark.slow
def test_what_changed_in_the_place_of_a_pruned_run_is_told(runs: Path, ingested: Ingest) -> None:
    """A transcript may be the one that grew, or another: it stays out, with a line. One that was only touched is what
    it was. A journal where a transcript was is another run."""
    paths = [runs / f"{n}.json" for n in range(6)]
    for path in paths:
        path.write_text(CHAT)
        os.utime(path, (1, 1))
    prune(ingested(runs).out, "--older-than", "1w")
    os.utime(paths[5])
    assert ingested(runs).summary.notes == []
    paths[0].write_text(CHAT.replace('"y"', '"z"'))
    said = "`ingest prune --restore` lets another run in"
    assert ingested(runs).summary.notes == [
        f"{paths[0]}: left out, its run was pruned, and it changed since; {said}",
    ]
    for path in paths[1:4]:
        path.write_text(CHAT.replace('"y"', '"z"'))
    paths[4].write_bytes(write_journal(runs.parent, "other", logged("a", "b", "hi")).read_bytes())
    tables = ingested(runs)
    assert tables.summary.notes == [
        f"{paths[0]}, {paths[1]}, {paths[2]} and 1 more: left out, their runs were pruned, and they changed since; "
        + said
    ]
    assert (ids(tables), tables.summary.pruned) == (["4.json"], 5)


def test_what_is_unchanged_in_its_place_is_not_looked_into(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp tells."""
    write_journal(runs, "a", logged("a", "b", "hi"))
    out = ingested(runs).out
    prune(out, "--older-than", "1w")
    monkeypatch.setattr("ingest.pruned.identify", lambda found: pytest.fail(found.path))
    assert ids(ingested(runs)) == []


@pytest.mark.slow
def test_pruned_runs_stay_out_of_tables_that_are_rebuilt(runs: Path, ingested: Ingest) -> None:
    """Tables of another version are built anew, and what was pruned is still known."""
    write_journal(runs, "old", logged("a", "b", "hi"))
    young(runs, "young")
    out = ingested(runs).out
    prune(out, "--older-than", "30d")
    with duckdb.connect(str(out / "traces.duckdb")) as con:
        con.execute("UPDATE ingest.version SET schema_version = 0")
    for _ in range(2):
        assert ids(ingested(runs)) == ["young"]
    assert prune(out, "--restore", "old")["restored"] == ["old"]


def test_pruned_files_that_are_gone_are_no_drops(runs: Path, ingested: Ingest) -> None:
    """`--drop-missing` has nothing to say of runs that are out already."""
    path = write_journal(runs, "old", logged("a", "b", "hi"))
    young(runs, "young")
    prune(ingested(runs).out, "--older-than", "30d")
    assert ingested(runs, drop_missing=True).summary.dropped == 0
    path.unlink()
    tables = ingested(runs, drop_missing=True)
    assert (tables.summary.dropped, ids(tables)) == (0, ["young"])


def test_ages_and_dates() -> None:
    """Hours, days, weeks, dates and times; UTC where no zone is named."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    for text, age in (("12h", timedelta(hours=12)), ("30d", timedelta(30)), ("4w", timedelta(28)), ("0d", timedelta())):
        assert abs(moment(text) - (now - age)) < timedelta(minutes=1)
    assert moment("2026-01-31") == datetime(2026, 1, 31)
    assert moment("2026-01-31T12:00:00+01:00") == datetime(2026, 1, 31, 11)


@pytest.mark.parametrize("text", ["", "d", "30", "30m", "-3d", "999999999999d", "30 d", "yesterday", "2026-13-01"])
def test_what_is_no_age_is_one_line(text: str, tmp_path: Path) -> None:
    """Exit code 2, and what to write instead."""
    done = CliRunner().invoke(main, ["prune", "--out", str(tmp_path), "--older-than", text])
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [f"ingest: {text}: no age; write 12h, 30d, 4w or a date such as 2026-01-31"]


@pytest.mark.parametrize("arguments", [[], ["--older-than", "1d", "--restore", "*"]])
def test_wrong_usage_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    """Either of the two options is needed."""
    done = CliRunner().invoke(main, ["prune", "--out", str(tmp_path), *arguments])
    assert (done.exit_code, done.stderr) == (2, "ingest: prune needs either --older-than or --restore\n")


def test_where_there_are_no_tables(tmp_path: Path) -> None:
    """One line, and nothing is made."""
    done = CliRunner().invoke(main, ["prune", "--out", str(tmp_path / "no"), "--older-than", "1d"])
    assert done.exit_code == 2
    assert "no tables there" in done.stderr
    assert not (tmp_path / "no").exists()


def test_the_report_for_people(runs: Path, tmp_path: Path) -> None:
    """The ids on standard output, the count beside it."""
    write_journal(runs, "old", logged("a", "b", "hi"))
    out = tmp_path / "traces"
    ingest.run([str(runs)], str(out))
    done = CliRunner().invoke(main, ["prune", "--out", str(out), "--older-than", "2024-01-01"])
    assert (done.stdout, done.stderr) == ("old\n", "older than 2024-01-01 00:00:00 UTC: 1 run pruned, 0 left\n")
    assert Tables(out, ingest.run([str(runs)], str(out))).summary.pruned == 1


@pytest.mark.slow
def test_pruning_goes_again_where_memory_is_too_little(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as much as it takes."""
    for run_id in ("old", "other"):
        write_journal(runs, run_id, *(logged("a", "b", f"{n}") for n in range(5)))
    young(runs, "young")
    tables = ingested(runs)
    tried: list[int | None] = []

    def begin(self: Snapshot, fresh: bool, room: Room | None = None) -> duckdb.DuckDBPyConnection:
        assert room is not None
        tried.append(room.memory)
        return began(self, fresh, replace(room, memory=room.memory and 1_000_000))

    began = Snapshot.begin
    monkeypatch.setattr(Snapshot, "begin", begin)
    assert prune(tables.out, "--older-than", "30d")["pruned"] == ["old", "other"]
    assert tried == [MEMORY, None]
    assert tables.one("SELECT count(*) FROM messages") == 1
    assert not (tables.out / ".staging").exists()
    parquet_matches(tables)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_prune_mends_what_one_left_that_was_killed(runs: Path, ingested: Ingest) -> None:
    """Between the database and the Parquet files: also where there is nothing to prune any more."""
    write_journal(runs, "old", logged("a", "b", "hi"))
    young(runs, "young")
    out = ingested(runs).out
    killed = (
        "import os, sys; from ingest import retention\n"
        "retention.settle = lambda *given: os.kill(os.getpid(), 9)\n"
        "retention.prune(sys.argv[1], '30d')"
    )
    assert subprocess.run([sys.executable, "-c", killed, out], check=False).returncode == -9
    assert prune(out, "--older-than", "30d")["pruned"] == []
    parquet_matches(Tables(out, ingest.Summary(str(out))))
    assert not (out / ".staging").exists()
