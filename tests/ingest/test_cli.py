"""The command `ingest`, as a batch job and a person use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from ingest.cli import _tell, main
from ingest.summary import Summary
from tests.benchmarks.corpus import RUN_EVENTS, write_corpus
from tests.ingest.tables import logged, write_journal

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: object) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where tables go."""
    return tmp_path / "traces"


def test_the_job_needs_no_verb(runs: Path, out: Path) -> None:
    """`ingest runs/` says what it did on stderr, and nothing on stdout."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    result = run(runs, "--out", out)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "1 run read (1 new, 0 changed), 0 unchanged, 0 files skipped: 1 journal" in result.stderr
    assert "3 lines = 3 in journal + 0 in quarantine" in result.stderr


def test_a_file_of_which_nothing_can_be_read_is_no_run(runs: Path, out: Path) -> None:
    """What is in quarantine of it does not make it a run that was read."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    (runs / "t.json").write_text('[{"role": "user", "content": "x"')
    result = run(runs, "--out", out)
    assert "1 run read (1 new, 0 changed), 0 unchanged, 1 file skipped: 1 journal" in result.stderr
    assert "4 lines = 3 in journal + 1 in quarantine" in result.stderr


def test_json_is_for_programs(runs: Path, out: Path) -> None:
    """The summary on stdout is one JSON object."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    (runs / "x.json").write_text("{}")
    summary = json.loads(run(runs, "--out", out, "--json").stdout)
    assert (summary["new"], summary["skipped"], summary["sources"]) == (1, 1, {"journal": 1})
    assert summary["lines"] == summary["journal_rows"] + summary["quarantine_rows"] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminals")
@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_sees_how_far_it_is(quiet: bool, runs: Path, out: Path) -> None:
    """A bar, of bytes read; nothing of it where nothing is to be said."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    ours, theirs = os.openpty()
    try:
        command = [sys.executable, "-m", "ingest", str(runs), "--out", str(out), *["--quiet"] * quiet]
        subprocess.run(command, stderr=theirs, stdin=subprocess.DEVNULL, check=True, cwd=ROOT)
        os.write(theirs, b"end")
        seen = ""
        while not seen.endswith("end"):
            seen += os.read(ours, 4096).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert ("reading" in seen and "100%" in seen and "1 run read" in seen) is not quiet
    assert not quiet or seen == "end"


def test_quiet_says_nothing(runs: Path, out: Path) -> None:
    """Not even of what was skipped."""
    (runs / "x.json").write_text("{}")
    result = run(runs, "--out", out, "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_strict_fails_on_quarantine_but_not_on_a_torn_line(runs: Path, out: Path) -> None:
    """A line that is still being written is nothing to wake anybody for."""
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    with path.open("a") as file:
        file.write('{"v": 1, "se')
    assert run(runs, "--out", out, "--strict").exit_code == 0
    with path.open("a") as file:
        file.write("\n")
    assert run(runs, "--out", out, "--strict").exit_code == 1
    assert run(runs, "--out", out).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere"], "ingest: nowhere: no such file or folder"),
        (["nowhere", "--json"], "ingest: nowhere: no such file or folder"),
        (["check", "nowhere"], "ingest: nowhere: no such file or folder"),
        ([""], "ingest: an empty path: no such file or folder"),
        (
            ["prune", "--older-than", "\u0663d"],
            "ingest: \u0663d: no age; write 12h, 30d, 4w or a date such as 2026-01-31",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [line]


def test_an_out_that_is_a_file_is_one_line(runs: Path, tmp_path: Path) -> None:
    """The message says what to do."""
    file = tmp_path / "file"
    file.write_text("x")
    result = run(runs, "--out", file)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"ingest: {file}: can't be the folder of tables, File exists; choose another with --out"
    ]


def test_an_out_with_a_folder_in_the_database_s_place_is_one_line(runs: Path, out: Path) -> None:
    """The message says what to do."""
    (out / "traces.duckdb").mkdir(parents=True)
    result = run(runs, "--out", out)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith("Is a directory); move it away")


def test_named_files_that_are_no_runs_are_unusable_input(runs: Path, out: Path) -> None:
    """As the same bytes on standard input are, and at every try; below a folder, and beside a run, they are skipped."""
    odd, other, chat = runs / "odd.csv", runs / "odd.json", runs / "chat.json"
    odd.write_text("a,b\n1,2\n")
    other.write_text("{}")
    chat.write_text('[{"role": "user", "name": "x", "content": "y"}]')
    reason = "no journal, transcript or log of AG2"
    for _ in range(2):
        result = run(odd, "--out", out, "--quiet")
        assert (result.exit_code, result.stderr) == (2, f"ingest: {odd}: {reason}; the tables are as they were\n")
        assert run(other, "--out", out).exit_code == 2
        result = run(odd, other, "--out", out)
        assert (result.exit_code, result.stderr.splitlines()) == (
            2,
            [
                f"{odd}: {reason}",
                f"{other}: {reason}",
                "ingest: none of the 2 files is a run; the tables are as they were",
            ],
        )
        for given in ([runs], [odd, chat], [odd, other, chat]):
            assert run(*given, "--out", out).exit_code == 0
    chat.write_text("{}")
    assert run(chat, "--out", out).exit_code == 2
    with duckdb.connect(str(out / "traces.duckdb"), read_only=True) as con:
        assert con.execute("SELECT run_id FROM runs").fetchall() == [("chat.json",)]


def test_a_named_file_that_belongs_to_a_run_is_unusable_input(runs: Path, out: Path) -> None:
    """A line says which run that is."""
    saved = write_journal(runs, "r", logged("a", "b", "hi")).with_name("saved.json")
    saved.write_text("[]")
    result = run(saved, "--out", out)
    line = f"ingest: {saved}: it belongs to the run in {saved.parent}; give that folder"
    for done in (result, run("check", saved)):
        assert (done.exit_code, done.stderr.splitlines()) == (2, [line])


def test_an_out_whose_name_is_no_text_is_one_line(runs: Path, tmp_path: Path) -> None:
    """Neither DuckDB nor Arrow opens such a path."""
    command = [sys.executable, "-m", "ingest", str(runs), "--out", os.fsencode(tmp_path) + b"/\xff"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=60)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.endswith("the folder's name is no UTF-8, which DuckDB can't open; choose another --out")


@pytest.mark.parametrize(
    "name", ["s3://bucket/traces", "http://host/traces", "file:traces", "md:traces", "a:b", "~/traces", "what?", "a\\b"]
)
def test_an_out_that_libraries_take_for_another_is_one_line(
    name: str, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written elsewhere, such as to a bucket or the home folder, and nothing is made here."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    monkeypatch.chdir(tmp_path)
    result = run(runs, "--out", name)
    (line,) = result.stderr.splitlines()
    assert (result.exit_code, line.endswith("; choose another --out")) == (2, True)
    assert name in line
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize("folders", ["host=worker-1/status=nightly", "run_id=5", "date=2026-01-01/kind=x"])
def test_folders_named_like_columns_are_folders(folders: str, runs: Path, out: Path) -> None:
    """As a data lake has them. What they say is no value of a row."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    result = run(runs, "--out", out / folders)
    assert (result.exit_code, "3 lines = 3 in journal" in result.stderr) == (0, True)
    with duckdb.connect(str(out / folders / "traces.duckdb"), read_only=True) as con:
        assert con.execute("SELECT run_id, host, status FROM runs").fetchall() == [("r", "elsewhere", "completed")]
        assert con.execute("SELECT DISTINCT run_id, status FROM execution_events").fetchall() == [("r", "completed")]
        assert con.execute("SELECT count(*) FROM journal WHERE kind = 'x'").fetchone() == (0,)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["2>&-", "2>&1 | true", "2>/dev/full", ">&- 2>&- <&-"])
def test_the_job_is_done_whoever_listens(shell: str, runs: Path, out: Path) -> None:
    """What is said meanwhile is not what the job is for."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    (runs / "odd.json").write_text("{}")
    command = f"set -o pipefail; '{sys.executable}' -m ingest '{runs}' --out '{out}' {shell}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, timeout=60, capture_output=True)
    assert done.returncode == 0
    with duckdb.connect(str(out / "traces.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM messages").fetchone() == (1,)


@pytest.mark.few
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
@pytest.mark.parametrize(
    "command",
    [
        "{runs} --out {out} --json",
        "check {runs}",
        "prune --out {out} --older-than 1d",
        "--help",
        "check --help",
        "--version",
    ],
)
def test_standard_output_that_is_full(command: str, runs: Path, out: Path) -> None:
    """It is named, and not the folder of tables."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    run(runs, "--out", out)
    command = f"'{sys.executable}' -m ingest {command.format(runs=runs, out=out)} >/dev/full"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, timeout=60, capture_output=True, text=True)
    line = "ingest: standard output: No space left on device"
    assert (done.returncode, done.stderr.splitlines()) == (2, [line])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")
@pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
def test_a_lock_that_is_no_file_is_one_line(make: str, runs: Path, out: Path) -> None:
    """The message says what to do."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    out.mkdir()
    getattr(os, make)(out / ".lock")
    result = run(runs, "--out", out)
    line = f"ingest: {out}: can't be written to, .lock in it is no ordinary file; move it away"
    assert (result.exit_code, result.stderr.splitlines()) == (2, [line])


def test_the_sources_are_counted_by_their_names() -> None:
    """Of journals and transcripts there are several; other names stay what they are."""
    said: list[str] = []
    _tell(Summary(out="traces", sources={"journal": 2, "ag2_events": 2, "transcript": 1}), said.append)
    assert said[0].endswith(": 2 ag2_events, 2 journals, 1 transcript")


def test_an_unknown_option_is_wrong_usage(runs: Path) -> None:
    """click says so, with exit code 2."""
    assert run(runs, "--fast").exit_code == 2
    assert run().exit_code == 2


def test_check_reports_and_writes_nothing(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Per file: source, status, records, and every unreadable line with its place."""
    monkeypatch.chdir(tmp_path)
    path = write_journal(runs, "r", logged("a", "b", "hi"), {"kind": "gap", "lost": 2, "reason": "disk full"})
    good = run("check", runs)
    assert good.exit_code == 1  # records are missing
    assert f"{path}: journal, completed, 4 records, 2 lost" in good.stdout
    (runs / "x.json").write_text("{}")
    path.write_bytes(path.read_bytes().replace(b'"kind": "gap"', b'"kind": "gap'))
    result = run("check", runs)
    assert result.exit_code == 1
    offset = sum(len(line) for line in path.read_bytes().splitlines(keepends=True)[:2])
    assert f"line 3, byte {offset}" in result.stdout
    assert f"{runs / 'x.json'}: no run" in result.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["runs"]
    reports = [json.loads(line) for line in run("check", runs, "--json").stdout.splitlines()]
    assert [r["source"] for r in reports] == [None, "journal"]


def test_check_of_sound_runs_succeeds(runs: Path) -> None:
    """Exit code 0."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    assert run("check", runs).exit_code == 0


def test_python_m_ingest_is_the_same(runs: Path, out: Path) -> None:
    """So it works where scripts are not on the PATH."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    done = subprocess.run(
        [sys.executable, "-m", "ingest", str(runs), "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert json.loads(done.stdout)["new"] == 1


@pytest.mark.slow
def test_workers_print_nothing(tmp_path: Path) -> None:
    """Enough for several processes, and none of the libraries in them has a word for the user when they end."""
    write_corpus(tmp_path / "runs", 2 * RUN_EVENTS)
    quiet = [sys.executable, "-m", "ingest", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--quiet"]
    script = f"import sys, ingest.workers; ingest.workers.ALONE_BYTES = 0; sys.argv = {quiet[2:]!r}\n"
    script += "from ingest.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("", "")


def test_every_option_has_help() -> None:
    """And the README names every command."""
    for command in main.commands.values():
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help


def test_the_version_is_told_where_nothing_is_installed(tmp_path: Path) -> None:
    """A checkout that only runs knows its version from its own `pyproject.toml`."""
    script = """
import sys
from importlib import metadata
known = metadata.version
def version(name):
    if name == "ag2-journal": raise metadata.PackageNotFoundError(name)
    return known(name)
metadata.version = version
sys.argv = ["ingest", "--version"]
from ingest.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    project = (ROOT / "pyproject.toml").read_text()
    assert done.stdout.split()[-1] in project
    assert done.stdout.startswith("ingest, version ")
