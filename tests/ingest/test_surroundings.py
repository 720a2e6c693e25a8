"""Where the command is started: in folders that are gone, closed, or hold files of others; without output or memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingest import workers
from ingest.found import IngestError
from tests.ingest.tables import logged, write_journal

ROOT = Path(__file__).resolve().parents[2]

COMMAND = """
import sys, ingest.workers
ingest.workers.ALONE_BYTES = 0
from ingest.__main__ import main
main()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is not limited so")
posix = pytest.mark.skipif(os.name != "posix", reason="elsewhere a current folder can't be removed or closed")


def with_workers(runs: Path, out: Path, script: Path, *before: str) -> "subprocess.CompletedProcess[str]":
    """The command as it is installed, a script in a folder of its own. `before` are commands of the shell."""
    script.parent.mkdir()
    script.write_text(COMMAND)
    command = [sys.executable, str(script), str(runs), "--out", str(out)]
    shell = " && ".join([*before, 'exec "$@"'])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", shell, "bash", *command], env=environment, capture_output=True, text=True, timeout=60
    )


def said(done: "subprocess.CompletedProcess[str]") -> tuple[int, str]:
    """The exit code, and the first line."""
    return done.returncode, done.stderr.split("\n")[0]


READ = (0, "1 run read (1 new, 0 changed), 0 unchanged, 0 files skipped: 1 journal")


@posix
def test_nothing_in_the_current_folder_is_run(runs: Path, tmp_path: Path) -> None:
    """Agents write modules called as they like; workers take none of them for Python's."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    here = tmp_path / "coding"
    here.mkdir()
    for name in sys.stdlib_module_names:
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'a').write({name!r}); raise SystemExit")
    done = with_workers(runs, tmp_path / "traces", tmp_path / "bin" / "ingest", f"cd '{here}'")
    assert said(done) == READ
    assert not (tmp_path / "run").exists()


@posix
@pytest.mark.parametrize("closing", ["rmdir", "chmod 000"])
def test_the_current_folder_need_not_be_there(closing: str, runs: Path, tmp_path: Path) -> None:
    """Nor one that the user can enter, as it is where root does `su` for a job."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    here = tmp_path / "here"
    here.mkdir()
    before = (f"cd '{here}'", f"{closing} '{here}'")
    done = with_workers(runs, tmp_path / "traces", tmp_path / "bin" / "ingest", *before)
    if here.exists():
        here.chmod(0o700)
    assert said(done) == READ


@posix
@pytest.mark.parametrize("command", [[], ["check"]])
def test_without_standard_output_there_is_no_answer_for_programs(
    command: list[str], runs: Path, tmp_path: Path
) -> None:
    write_journal(runs, "r", logged("a", "b", "hi"))
    shell = f"cd '{ROOT}'; exec '{sys.executable}' -m ingest \"$@\" >&-"
    arguments = [*command, str(runs), *([] if command else ["--out", str(tmp_path / "traces")]), "--json"]
    done = subprocess.run(["bash", "-c", shell, "bash", *arguments], stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "ingest: there is no standard output to write to\n")
    assert not (tmp_path / "traces").exists()


@linux
def test_what_can_not_be_loaded_is_one_line(runs: Path, tmp_path: Path) -> None:
    """As where a limit leaves too little memory for the libraries."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    done = subprocess.run(
        ["bash", "-c", 'ulimit -v 100000; exec "$@"', "bash", sys.executable, "-m", "ingest", str(runs), "--out", "t"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("ingest: can't be loaded: ")
    assert done.stderr.count("\n") == 1


def test_what_is_no_folder_of_modules_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Python does it: people put paths there that are no strings, or None."""
    monkeypatch.setattr(sys, "path", [*sys.path, None, tmp_path, 3])
    with workers._starting() as (start, _):
        worker = start()
        worker.send((os.getpid,))
        assert worker.recv() != os.getpid()


def test_a_worker_that_can_not_load_its_task_ends() -> None:
    """So that it is not waited for."""
    with workers._starting() as (start, _):
        worker = start()
        worker.send_bytes(b"cno_such_module\nread\n.")  # as pickle names a function
        assert worker.poll(30)
        with pytest.raises(EOFError):
            worker.recv()


@linux
def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a user may have no more of them."""
    monkeypatch.setattr("ingest.workers.spawn.get_executable", lambda: str(ROOT))  # a folder
    with workers._starting() as (start, _), pytest.raises(IngestError, match="no process can be started to read with"):
        start()
