"""What an ingest passes over, it names, and a name can't pass for more than a name."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import ingest
from ingest import text
from ingest.cli import main
from ingest.discover import discover
from ingest.found import IngestError, gone, on_disk, printable, shown
from ingest.stage import read_share
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables, logged, write_journal
from tests.ingest.test_incremental import parquet_matches, state
from tests.ingest.test_missing import CHAT, ids
from tests.ingest.test_prune import prune

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534

AS_NOBODY = """
import os, sys
import pyarrow.parquet, importlib.resources
import ingest.check, ingest.pipeline, ingest.workers
from ingest.cli import main
warm, arguments = sys.argv[1], sys.argv[2:]
ingest.run([warm], warm + "/traces")  # whatever is imported when it is needed: nobody may not read the libraries
if os.getuid() == 0:
    os.setuid(int(os.environ["NOBODY"]))
main(arguments)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may go into."""
    folder = Path(tempfile.mkdtemp(dir="/tmp")).resolve()
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


def close(shared: Path, mode: int, *closed: Path) -> None:
    """All in the folder is nobody's, and of these paths nobody has but these rights."""
    if os.getuid() == 0:
        for path in (shared, *shared.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    for path in closed:
        path.chmod(mode)


def as_nobody(warm: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """The command, run by nobody; `warm` holds a run that root may read before."""
    environment = {**os.environ, "NOBODY": str(NOBODY), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", AS_NOBODY, str(warm), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_folders_that_can_be_listed_and_not_entered(shared: Path, tmp_path: Path) -> None:
    """A run, a transcript and the copies of a run in such folders are a line each, and the rest is read."""
    warm = tmp_path / "warm"
    write_journal(warm, "w", logged("a", "b", "hi"))
    runs, out = shared / "runs", shared / "traces"
    for name in ("closed", "half", "open"):
        write_journal(runs, name, logged("a", "b", "hi"))
    (runs / "half" / "files").mkdir()
    (runs / "loose").mkdir()
    out.mkdir()
    for path in (runs / "half" / "files" / "a", runs / "half" / "files" / "b", runs / "loose" / "x.json"):
        path.write_text(CHAT)
    close(shared, 0o444, runs / "closed", runs / "half" / "files", runs / "loose")
    for arguments, code in (((runs, "--out", out), 0), ((runs, "--out", out, "--strict"), 1), (("check", runs), 1)):
        done = as_nobody(warm, *arguments)
        assert done.returncode == code, done.stderr
        told = [line for line in done.stderr.splitlines() if "skipped, Permission denied" in line]
        assert [line.split(":")[0] for line in told] == [
            str(runs / "closed" / "journal.jsonl"),
            str(runs / "half" / "files" / "a"),
            str(runs / "loose" / "x.json"),
        ]
    assert ids(Tables(out, ingest.Summary(str(out)))) == ["half", "open"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_what_can_not_be_read_among_what_is_given(shared: Path, tmp_path: Path) -> None:
    """As `ingest runs/*` gives it: a line each, and the rest is read. By itself it is unusable input."""
    warm = tmp_path / "warm"
    write_journal(warm, "w", logged("a", "b", "hi"))
    runs, out = shared / "runs", shared / "traces"
    closed, file, whole = runs / "closed", runs / "file.json", runs / "whole"
    for name in ("closed", "whole"):
        write_journal(runs, name, logged("a", "b", "hi"))
    file.write_text(CHAT)
    out.mkdir()
    close(shared, 0, closed, file)

    def call(*arguments: object) -> tuple[int, list[str]]:
        done = as_nobody(warm, *arguments)
        said = done.stderr.splitlines()
        return done.returncode, said if done.returncode else [line for line in said if "Permission denied" in line]

    told = [f"{closed}: skipped, Permission denied", f"{file}: skipped, can't be read: Permission denied"]
    assert call(closed, file, whole, "--out", out) == (0, told)
    assert ids(Tables(out, ingest.Summary(str(out)))) == ["whole"]
    assert call("check", closed, whole) == (1, told[:1])
    for given in ([closed], [file], [closed, file]):
        line = f"ingest: {', '.join(map(str, given))}: can't be read, Permission denied"
        assert call(*given, "--out", out) == call("check", *given) == (2, [line])


@pytest.mark.skipif(sys.platform != "linux", reason="paths have other bounds there")
def test_a_path_that_is_too_long(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line, and the rest is read, by the ingest and by the check."""
    (runs / "ok.json").write_text(CHAT)
    monkeypatch.chdir(runs)
    length = len(str(runs))
    while length < 4096 - 200:
        os.mkdir("d" * 99)
        os.chdir("d" * 99)
        length += 100
    os.mkdir("e" * (4080 - length))
    os.chdir("e" * (4080 - length))
    Path("f" * 40 + ".json").write_text(CHAT)
    os.chdir(runs)
    tables = ingested(runs)
    assert ids(tables) == ["ok.json"]
    assert [note.split(": ")[-1] for note in tables.summary.notes] == ["skipped, File name too long"]
    result = CliRunner().invoke(main, ["check", str(runs)])
    assert result.exit_code == 1
    assert "ok.json: transcript, completed, 1 records" in result.stdout


def test_the_folder_that_one_is_in_is_checked(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check has no tables, so no folder is left out."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    monkeypatch.chdir(runs)
    assert CliRunner().invoke(main, ["check", "."]).stdout.startswith(f"{runs / 'r' / 'journal.jsonl'}: journal, ")


def test_pipes_and_sockets_are_named(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also one in a journal's place, and then nothing beside it is a run; other names are nobody's concern."""
    write_journal(runs, "good", logged("a", "b", "hi"))
    (runs / "odd").mkdir()
    for name in ("pipe.json", "pipe.txt", "odd/journal.jsonl"):
        os.mkfifo(runs / name)
    (runs / "odd" / "saved.json").write_text(CHAT)
    monkeypatch.chdir(runs)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.json")
        tables = ingested(runs)
    assert sorted(tables.summary.notes) == [
        f"{runs / name}: skipped, it is no ordinary file" for name in ("odd/journal.jsonl", "pipe.json", "socket.json")
    ]
    assert ids(tables) == ["good"]


@pytest.mark.few
@pytest.mark.parametrize("above", ["", "Dear diary,\n", None], ids=["empty", "a diary", "a link to nothing"])
def test_a_file_called_journal_above_is_no_run(above: str | None, runs: Path, ingested: Ingest, tmp_path: Path) -> None:
    """What lies below it is found, and stays where its folder is given later."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    if above is None:
        (tmp_path / "journal.jsonl").symlink_to("nowhere")
    else:
        (tmp_path / "journal.jsonl").write_text(above)
    assert ids(ingested(runs)) == ["r"]
    assert "r" in ids(ingested(tmp_path, drop_missing=True))


def test_a_folder_within_a_run_is_unusable(runs: Path, ingested: Ingest) -> None:
    """Where nothing else is given, the line says what to give."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    (path.parent / "files").mkdir()
    with pytest.raises(ingest.IngestError, match=r"files: it belongs to the run in .*/r; give that folder"):
        ingested(path.parent / "files")


def test_what_lies_in_a_run_s_folder_is_no_run_where_it_is_given(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ingest runs/*/*`: its saved transcript and its `files/` have a line, by the ingest and by the check; a file of
    which the user says what it is is read. Each folder above is looked at once."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    (path.parent / "files").mkdir()
    saved = path.parent / "m-messages-1.json"
    for place in (saved, path.parent / "files" / "c.json"):
        place.write_text(CHAT)
    write_journal(path.parent / "files", "copied", logged("a", "b", "hi"))
    given = [*sorted(path.parent.iterdir()), path.parent / "files" / "copied" / "journal.jsonl"]
    looked_at: list[str] = []
    look = ingest.discover._has_records
    monkeypatch.setattr("ingest.discover._has_records", lambda place: looked_at.append(place) or look(place))
    tables = ingested(*given)
    assert looked_at
    assert len(looked_at) == len(set(looked_at))
    assert ids(tables) == ["r"]
    lines = [f"{place}: skipped, it belongs to the run in {path.parent}" for place in given if place != path]
    assert tables.summary.notes == lines
    assert CliRunner().invoke(main, ["check", *map(str, given)]).stderr.splitlines() == lines
    assert ids(ingested(runs, path.parent / "files")) == ["r"]
    assert ids(ingested(saved, source="transcript")) == [saved.name, "r"]


EVIL = "evil\n1000 runs read (1000 new)\x1b[2J\u202e"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such names")
def test_a_name_can_not_forge_a_line(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Neither in notes, errors and lists of runs nor in the summary; the tables have the name as it is."""
    write_journal(runs, EVIL, logged("a", "b", "hi"))
    (runs / f"{EVIL}.json").write_text("{}")
    (runs / f"{EVIL}.jsonl").symlink_to(runs / "nowhere")
    out = tmp_path / f"{EVIL}-traces"

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert "\n1000 runs" not in result.output
        assert "\x1b" not in result.output
        assert "\u202e" not in result.output
        assert "Traceback" not in result.output
        return result.output

    shown_as = "evil\\n1000 runs read (1000 new)\\x1b[2J\\u202e"
    assert said(str(runs), "--out", str(out)).count(shown_as) == 3
    assert said("check", str(runs)).count(shown_as) == 3
    assert said(str(runs / f"{EVIL}-none"), "--out", str(out)).count(shown_as) == 1
    assert said("prune", "--older-than", "1d", "--out", str(out)).count(shown_as) == 1
    assert said("prune", "--restore", "x", "--out", str(out)).count(shown_as) == 1
    tables = ingested(runs)
    assert not any("\n" in note for note in tables.summary.notes)
    assert ids(tables) == [EVIL]
    assert prune(tables.out, "--older-than", "1d")["pruned"] == [EVIL]


@pytest.mark.slow
def test_a_transcript_beyond_any_size_is_refused(runs: Path, ingested: Ingest) -> None:
    """Its size alone tells; a line says so, at every look, and the rest is read."""
    (runs / "ok.json").write_text(CHAT)
    with (runs / "big.json").open("w") as file:
        file.write('[{"role": "user", "content": "x"}')
        file.truncate(64 * 1024**3)
    reason = f"{64 * 1024**3:,} bytes or more; of a transcript at most {text.MAX_TEXT:,} are read"
    tables = ingested(runs)
    assert tables.summary.notes == [f"{runs / 'big.json'}: skipped, {reason}"]
    assert ids(tables) == ["ok.json"]
    assert ingested(runs).summary.notes == [f"{runs / 'big.json'}: still damaged, {reason}"]
    result = CliRunner().invoke(main, ["check", str(runs)])
    assert result.exit_code == 1
    assert f"{runs / 'big.json'}: no run, {reason}" in result.stdout


def test_want_of_memory_has_a_reason(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error without words is given some, by the ingest and by the check, which goes on."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    monkeypatch.setattr("ingest.assemble.Assembler", no_memory)
    reason = "could not be ingested: it takes more memory than there is"
    assert ingested(runs).summary.notes == [f"{runs / 'r' / 'journal.jsonl'}: skipped, {reason}"]
    result = CliRunner().invoke(main, ["check", str(runs)])
    assert (result.exit_code, result.stdout) == (1, f"{runs / 'r' / 'journal.jsonl'}: no run, {reason}\n")


def no_memory(*_: object, **__: object) -> object:
    """What Python does when there is none left."""
    raise MemoryError


LIMITED = """
import resource, sys
import ingest
limit, runs, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # as a full disk: no file may become larger
from ingest.cli import main
main([runs, "--out", out])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("room", [50_000, -100_000, 2_000_000])
def test_after_a_full_disk_nothing_half_built_stays(room: int, runs: Path, tmp_path: Path) -> None:
    """Neither of a first ingest nor of an update: the old tables are there, whole, and nothing beside them."""
    out = tmp_path / "traces"

    def fails(limit: int) -> None:
        command = [sys.executable, "-c", LIMITED, str(limit), str(runs), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr

    for n in range(8):
        write_journal(runs, f"old{n}", *(logged("a", "b", os.urandom(2000).hex()) for _ in range(100)))
    fails(300_000)
    assert [p.name for p in out.rglob("*") if p.is_file()] == [".lock"]
    tables = Tables(out, ingest.run([str(runs)], str(out)))
    before = state(out)
    for n in range(8):
        write_journal(runs, f"new{n}", *(logged("a", "b", os.urandom(2000).hex()) for _ in range(200)))
    fails((out / "traces.duckdb").stat().st_size + room)
    assert state(out) == before
    parquet_matches(tables)


FULL = """
import resource, sys
import ingest
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))  # as a full disk: no file may become larger
from ingest.cli import main
if __name__ == "__main__":
    main(sys.argv[1:])
"""
NOT_WRITTEN = "temporary files can't be written there, "


def on_a_full_disk(*arguments: str, sent: bytes = b"") -> "subprocess.CompletedProcess[str]":
    """The command `ingest` where no file may become longer than 500,000 bytes."""
    command = [sys.executable, "-c", FULL, *arguments]
    done = subprocess.run(command, input=sent, capture_output=True, cwd=ROOT)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.few
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("what", ["journal", "transcript", "database", "standard input"])
def test_a_full_disk_is_no_fault_of_the_file_that_is_read(what: str, runs: Path) -> None:
    """One line says where temporary files can't be written, whatever they are for, and the check ends."""
    long, sent = "x" * 3_000_000, b""
    if what == "journal":
        write_journal(runs, "r", logged("a", "b", long))
    elif what == "transcript":
        (runs / "t.json").write_text(json.dumps([{"role": "user", "content": long * 6}]))
    elif what == "database":
        with closing(sqlite3.connect(runs / "a.db")) as con:
            con.execute("CREATE TABLE events AS SELECT ? AS json_state", [long])
            con.commit()
    else:
        sent = CHAT.encode() + b" " * 1_000_000
    done = on_a_full_disk("check", "-" if sent else str(runs), sent=sent)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith(f"ingest: {tempfile.gettempdir()}: {NOT_WRITTEN}")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("count", [1, 2], ids=["read here", "read by workers"])
def test_a_full_disk_takes_no_run_from_the_tables(count: int, runs: Path, tmp_path: Path) -> None:
    """Of the run that grew and can't be read the tables have what they had."""
    out = tmp_path / "traces"
    write_journal(runs, "r0", logged("a", "b", "hi"))
    ingest.run(runs, out)
    before = state(out)
    for n in range(count):
        write_journal(runs, f"r{n}", logged("a", "b", "x" * 3_000_000))
    done = on_a_full_disk(str(runs), "--out", str(out))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(f"ingest: {out}")
    assert NOT_WRITTEN in line
    assert line.endswith("; the tables are as they were")
    assert state(out) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_prune_on_a_full_disk_says_that_nothing_was_changed(runs: Path, tmp_path: Path) -> None:
    """As an ingest does."""
    out = tmp_path / "traces"
    write_journal(runs, "r", logged("a", "b", "hi"))
    ingest.run(runs, out)
    before = state(out)
    done = on_a_full_disk("prune", "--older-than", "1d", "--out", str(out))
    line = f"ingest: {out / 'traces.duckdb'}: can't be copied, File too large; the tables are as they were"
    assert (done.returncode, done.stderr.splitlines(), state(out)) == (2, [line], before)


def test_rows_that_can_not_be_staged_are_no_fault_of_the_file(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not passed over: nothing else could be staged either."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    staging = runs.parent / "staging"
    staging.mkdir()
    (staging / "journal").write_bytes(b"in the way of the table's folder")
    monkeypatch.setattr("ingest.stage.GROUP_BYTES", 1)
    with pytest.raises(IngestError, match=NOT_WRITTEN):
        read_share(discover([str(runs)], "", print), str(staging), "0")


def test_paths_as_tables_have_them_are_found_on_disk(tmp_path: Path) -> None:
    """Names that are no UTF-8, and names that only look like such a name."""
    for name in (b"caf\xe9", rb"caf\udce9"):
        path = os.fsencode(tmp_path) + b"/" + name
        text = shown(os.fsdecode(path))
        assert gone(text)
        with open(path, "w"):
            assert not gone(text)
        assert on_disk(text) == os.fsdecode(path)
        os.remove(path)
    assert gone(str(tmp_path / "none" / "x"))
    assert not gone("x" * 5000)  # nobody can look


def test_what_is_printable() -> None:
    """Words of all languages are as they are."""
    assert printable("Grüße, 世界 🙂 a\tb\x00\udce9") == "Grüße, 世界 🙂 a\\tb\\x00\\udce9"


def test_a_large_database_of_others_is_not_copied(runs: Path, ingested: Ingest) -> None:
    """Each of these has holes that would take more than the disk has."""
    (runs / "cache.db").write_bytes(b"SQLite format 3\0")
    with closing(sqlite3.connect(runs / "other.db")) as con:
        con.execute("CREATE TABLE x (id INTEGER)")
    for name in ("cache.db", "other.db"):
        os.truncate(runs / name, 4 << 40)
    (runs / "t.json").write_text(json.dumps([{"role": "user", "content": "hi"}]))
    assert ingested(runs).one("SELECT count(*) FROM messages") == 1


def test_a_name_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    """Nor does a folder of tables that is the folder of runs."""
    out = tmp_path / "traces"
    for given in (tmp_path / "nothere", out):
        done = CliRunner().invoke(main, [str(given), "--out", str(out)])
        assert (done.exit_code, out.exists()) == (2, False)


def test_the_folder_of_tables_is_no_source(runs: Path, tmp_path: Path) -> None:
    """Where it is the folder of runs, the user named the wrong one, and nothing is written. Beside others, as
    `ingest runs/* --out runs/traces` names it, it is passed over; below a folder that is given without a line."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    link = tmp_path / "link"
    link.symlink_to(runs)
    for given, out in (([runs], runs), ([runs, runs], runs), ([runs], link), ([link], runs)):
        done = CliRunner().invoke(main, [*map(str, given), "--out", str(out)])
        line = f"ingest: {out}: the folder of tables is no source; choose another with --out"
        assert (done.exit_code, done.stderr.splitlines()) == (2, [line])
        assert [path.name for path in runs.iterdir()] == ["r"]
    out = runs / "traces"
    assert ingest.run(runs, out).notes == ingest.run(runs, out).notes == []
    summary = ingest.run(sorted(runs.iterdir()), out)
    assert (summary.unchanged, summary.notes) == (1, [f"{out}: skipped, it is the folder of tables"])
