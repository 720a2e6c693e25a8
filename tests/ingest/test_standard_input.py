"""Standard input: what comes in is known again, and journals one after another stay runs of their own."""

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ingest
from tests.ingest.tables import Tables, logged, write_journal
from tests.ingest.test_compressed import run


def recorded(runs: Path, run_id: str, *said: str, end: bool = True) -> bytes:
    """The journal of a recording in which this is said."""
    messages = (logged("a", "b", text) for text in said)
    return write_journal(runs, run_id, *messages, end=end, start={"run_id": run_id}).read_bytes()


def send(content: bytes, out: Path) -> dict[str, Any]:
    """Ingest it from standard input, and give the summary."""
    done = run("-", "--out", out, "--json", stdin=content)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def said(out: Path) -> list[list[str]]:
    """What was said in each run."""
    tables = Tables(out, ingest.Summary(str(out)))
    query = "SELECT list(content ORDER BY message_order) AS said FROM messages GROUP BY run_id ORDER BY said"
    return [row["said"] for row in tables.sql(query)]


@pytest.mark.slow
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_journals_one_after_another_are_runs_of_their_own(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """`cat runs/*/journal.jsonl | ingest -`, also where one comes twice, and their folders are the same runs."""
    runs, out = tmp_path / "runs", tmp_path / "traces"
    journals = [recorded(runs, name, f"{name} says", "more") for name in ("one", "three", "two")]
    summary = send(pack(b"".join(journals) + journals[0]), out)
    assert (summary["new"], summary["sources"], summary["quarantine_rows"]) == (3, {"journal": 3}, 0)
    assert said(out) == [["one says", "more"], ["three says", "more"], ["two says", "more"]]
    again = send(b"".join(journals), out)
    assert (again["new"], again["updated"], again["unchanged"]) == (0, 1, 2)
    ingest.run([runs], str(out))
    assert len(said(out)) == 3


def test_a_journal_behind_one_that_was_cut_off(tmp_path: Path) -> None:
    """Its first record stands in the line that was cut off; of that the beginning alone is in quarantine."""
    runs, out = tmp_path / "runs", tmp_path / "traces"
    torn = recorded(runs, "one", "first", "second", end=False)[:-20]
    summary = send(torn + recorded(runs, "two", "third"), out)
    assert said(out) == [["first"], ["third"]]
    assert (summary["quarantine_rows"], summary["torn"]) == (1, 1)


def test_what_stands_before_the_first_record_makes_no_run_of_its_own(tmp_path: Path) -> None:
    """A line that can't be read, in front of a journal, is in quarantine; one that lost its own first record is one."""
    runs, out = tmp_path / "runs", tmp_path / "traces"
    one, two = recorded(runs, "one", "first"), recorded(runs, "two", "second")
    assert send(b'{"v": 1, "seq": 0, "ts": broken\n' + one, out)["new"] == 1
    assert send(one.split(b"\n", 1)[1] + two, out)["new"] == 2


def test_a_file_with_several_recordings_says_so(tmp_path: Path) -> None:
    """It is one run, with a line on ingest and check that names the way to take it apart."""
    runs, out = tmp_path / "runs", tmp_path / "traces"
    path = tmp_path / "in" / "two.jsonl"
    path.parent.mkdir()
    path.write_bytes(recorded(runs, "one", "first") + recorded(runs, "two", "second"))
    line = f"2 recordings stand in it and are read as one run; `ingest - < {path}` reads each as its own"
    assert ingest.run([path], str(out)).notes == [f"{path}: {line}"]
    assert f"  {line}" in run("check", path).stdout.splitlines()
    apart = tmp_path / "apart"
    assert send(path.read_bytes(), apart)["notes"] == []
    assert said(apart) == [["first"], ["second"]]


@pytest.mark.slow
def test_a_recording_that_grew_replaces_itself(tmp_path: Path) -> None:
    """It is known by its first record, whether it came in before, lies in a folder, or both by turns."""
    runs, out = tmp_path / "runs", tmp_path / "traces"
    journal = recorded(runs, "one", "first", "second")
    begun = b"".join(journal.splitlines(keepends=True)[:2])
    assert (send(begun, out)["new"], said(out)) == (1, [["first"]])
    grown = send(journal, out)
    assert (grown["new"], grown["updated"], said(out)) == (0, 1, [["first", "second"]])
    summary = ingest.run([runs], str(out))
    assert (summary.new, summary.updated, said(out)) == (0, 1, [["first", "second"]])
    assert any("is now one" in note for note in summary.notes)
    more = send(journal + begun, out)
    assert (more["new"], more["updated"], len(said(out))) == (0, 1, 1)
    assert Tables(out, ingest.run([runs], str(out))).sql("SELECT run_id FROM runs") == [{"run_id": "one"}]


def test_a_recording_that_comes_in_beside_its_folder_is_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read where its files are, whether it is in the tables by now or not; another one is read as it comes."""
    runs, out = tmp_path / "runs", tmp_path / "traces"
    sent = recorded(runs, "one", "first") + recorded(tmp_path / "away", "two", "second")
    for unchanged in (0, 2):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent)))
        summary = ingest.run(["-", runs], str(out))
        assert (summary.unchanged, summary.skipped, said(out)) == (unchanged, 1, [["first"], ["second"]])
        (line,) = summary.notes
        assert line.endswith(f": skipped, the same run is read from {runs / 'one' / 'journal.jsonl'}")


def test_what_is_sent_packed_is_what_it_is_unpacked(tmp_path: Path) -> None:
    """A run is named by its content, of whatever kind it is."""
    chat = json.dumps([{"role": "user", "name": "x", "content": "y"}]).encode()
    assert send(chat, tmp_path / "traces")["new"] == 1
    again = send(gzip.compress(chat), tmp_path / "traces")
    assert (again["new"], again["updated"], said(tmp_path / "traces")) == (0, 1, [["y"]])


def test_a_whole_last_line_is_not_cut_off(tmp_path: Path) -> None:
    """A transcript behind a journal is a value of its own, with an end of line or without: damage, to --strict too."""
    chat = json.dumps([{"role": "user", "name": "x", "content": "y"}]).encode()
    summary = send(recorded(tmp_path / "runs", "one", "first") + chat, tmp_path / "traces")
    assert (summary["quarantine_rows"], summary["torn"], summary["quarantined"]) == (1, 0, 1)
    tables = Tables(tmp_path / "traces", ingest.Summary(""))
    assert tables.one("SELECT error FROM quarantine") == "not a JSON object"


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\x1f\x8bgarbage", b'{"name": "x", "content": 1, "kind": 2}'])
def test_what_is_no_run_is_unusable_input(content: bytes, tmp_path: Path) -> None:
    """One line, exit code 2, and the tables are as they were."""
    done = run("-", "--out", tmp_path / "traces", stdin=content)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("ingest: standard input: ")
    with pytest.raises(FileNotFoundError):
        (tmp_path / "traces" / "traces.duckdb").stat()


def test_a_check_of_empty_standard_input(tmp_path: Path) -> None:
    """Unusable input, as it is to an ingest, also beside files."""
    path = tmp_path / "c.json"
    path.write_text('[{"role": "user", "name": "x", "content": "y"}]')
    for given in (["-"], ["-", path]):
        done = run("check", *given, stdin=b"")
        assert (done.exit_code, done.output) == (2, "ingest: standard input: empty\n")


def test_standard_input_that_is_closed(tmp_path: Path) -> None:
    """There is nothing to read, and one line says so."""
    command = f'"{sys.executable}" -m ingest - --out "{tmp_path / "traces"}" <&-'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("ingest: standard input is closed")


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no names of open files")
def test_the_name_of_a_pipe_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    """`ingest <(zcat x.jsonl.gz)`, as a shell passes it on: what is given is there, and what to do is said."""
    reading, writing = os.pipe()
    try:
        with pytest.raises(ingest.IngestError, match=f"^/dev/fd/{reading}: neither a file nor a folder; .* `-`$"):
            ingest.run(f"/dev/fd/{reading}", tmp_path / "traces")
    finally:
        os.close(reading)
        os.close(writing)
