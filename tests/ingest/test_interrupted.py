"""Signals, pipes that nobody reads on, and several ingests in one process."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import ingest
from ingest import workers
from tests.benchmarks.corpus import RUN_EVENTS, write_corpus
from tests.ingest.tables import Tables, logged, write_journal

ROOT = Path(__file__).resolve().parents[2]

WITH_WORKERS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored, as in what a script starts with &
from ingest.stopped import until_stopped
def load():
    print("begun", file=sys.stderr, flush=True)
    import ingest.workers
    ingest.workers.ALONE_BYTES = 0
    from ingest.cli import main
    return main
until_stopped(load)
"""

WHILE_LOADING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, *rest):
        if name == "duckdb":
            os.kill(os.getpid(), signal.SIGINT)
            print("loading goes on", file=sys.stderr)
sys.meta_path.insert(0, Finder())
from ingest.__main__ import main
main()
"""

SEVERAL_AT_ONCE = """
import os, signal
from ingest.stopped import SIGNALS, until_stopped
numbers = [getattr(signal, name) for name in SIGNALS]
for number in numbers:
    signal.signal(number, signal.SIG_DFL)
def job():
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    for number in numbers:
        os.kill(os.getpid(), number)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    finally:
        for number in numbers:
            os.kill(os.getpid(), number)
        print("cleaned up", flush=True)
until_stopped(lambda: job)
"""

THREADS = """
import sys, threading
import ingest, ingest.workers
ingest.workers.ALONE_BYTES = 0
main = sys.modules["__main__"]
failed = []
def job(n):
    try:
        assert ingest.run([sys.argv[1]], f"{sys.argv[2]}-{n}").new == 4
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=job, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert sys.modules["__main__"] is main
assert not failed, failed
"""

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def started(*arguments: object) -> "subprocess.Popen[str]":
    """The command with workers, in a group of processes of its own, as a shell starts it."""
    command = [sys.executable, "-c", WITH_WORKERS, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )


@pytest.mark.few
@posix
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, 0),
        (signal.SIGINT, 0.6),
        pytest.param(signal.SIGINT, 1.5, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.slow),
        (signal.SIGHUP, 1),
    ],
)
def test_a_signal_ends_it_with_one_line(number: signal.Signals, moment: float, tmp_path: Path) -> None:
    """At any moment: a terminal's go to all processes of a group, others to the first one. Nothing half made stays."""
    if signal.getsignal(number) is signal.SIG_IGN:  # as under nohup, and whoever is started inherits it
        signal.signal(number, signal.SIG_DFL)
    many = 8 if moment < 1 else 30  # more than is read and stored by then
    write_corpus(tmp_path / "runs", many * RUN_EVENTS)
    out = tmp_path / "traces"
    with started(tmp_path / "runs", "--out", out, "--quiet") as process:
        assert process.stderr
        assert process.stderr.readline() == "begun\n"
        time.sleep(moment)
        if number != signal.SIGTERM:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        said, complained = process.communicate(timeout=60)
    assert said == ""
    assert complained.splitlines() == ["ingest: interrupted; the tables are whole, and the next ingest does the rest"]
    assert process.returncode == 128 + number
    if out.exists():
        assert {path.name for path in out.iterdir()} <= {".lock", "traces.duckdb", "parquet"}
    tables = Tables(out, ingest.run(tmp_path / "runs", out))
    assert tables.one("SELECT count(*) FROM runs") == many


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_only_the_first_of_many_signals_counts(number: signal.Signals, tmp_path: Path) -> None:
    """While all is cleaned up, and while the interpreter ends."""
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
    write_corpus(tmp_path / "runs", 8 * RUN_EVENTS)
    with started(tmp_path / "runs", "--out", tmp_path / "traces", "--quiet") as process:
        assert process.stderr
        assert process.stderr.readline() == "begun\n"
        time.sleep(0.6)
        while process.poll() is None:
            process.send_signal(number)
            time.sleep(0.001)
        complained = process.stderr.read()
    assert complained.splitlines() == ["ingest: interrupted; the tables are whole, and the next ingest does the rest"]
    assert process.returncode == 128 + number
    assert {path.name for path in (tmp_path / "traces").glob("*")} <= {".lock"}


@posix
def test_signals_that_come_at_once_are_one() -> None:
    """As a terminal that is closed and a system that shuts down send different ones."""
    done = subprocess.run([sys.executable, "-c", SEVERAL_AT_ONCE], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "cleaned up\n"
    assert done.stderr == "ingest: interrupted; the tables are whole, and the next ingest does the rest\n"
    assert done.returncode == 128 + min(signal.SIGINT, signal.SIGHUP), "Python hears of them by their numbers"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell what a process has open")
def test_processes_that_are_killed_at_once_leave_no_semaphores(tmp_path: Path) -> None:
    """These have names in the system, where nobody would be left to remove them."""
    write_corpus(tmp_path / "runs", 30 * RUN_EVENTS)
    with started(tmp_path / "runs", "--out", tmp_path / "traces", "--quiet") as process:
        about = Path(f"/proc/{process.pid}")
        children = about / "task" / str(process.pid) / "children"
        while len(children.read_text().split()) < 2:
            time.sleep(0.01)
        time.sleep(0.3)
        assert "/dev/shm/" not in (about / "maps").read_text()
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@posix
def test_a_signal_while_the_program_is_loaded_is_heard_afterwards(tmp_path: Path) -> None:
    """Modules in C need not be ready for an exception while they are being imported."""
    command = [sys.executable, "-c", WHILE_LOADING, str(tmp_path), "--out", str(tmp_path / "traces")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.stderr.splitlines() == [
        "loading goes on",
        "ingest: interrupted; the tables are whole, and the next ingest does the rest",
    ]
    assert done.returncode == 128 + signal.SIGINT
    assert not (tmp_path / "traces").exists()


@pytest.mark.slow
@posix
def test_a_signal_that_is_ignored_stays_ignored(runs: Path, tmp_path: Path) -> None:
    """`nohup ingest runs/` outlives its terminal."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    command = ["nohup", sys.executable, "-c", f"{WITH_WORKERS}", str(runs), "--out", str(tmp_path / "traces")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 0


@posix
def test_a_reader_that_has_enough_is_no_fault(runs: Path) -> None:
    """`ingest check runs | head -1` says nothing on stderr."""
    for n in range(2000):
        (runs / f"{n}-{'x' * 100}.json").write_text("{}")
    with started("check", runs) as process:
        assert process.stdout
        assert process.stderr
        assert "no run" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "begun\n"
    assert process.returncode == 141


@pytest.mark.slow
def test_ingests_in_threads_of_one_process(tmp_path: Path) -> None:
    """Each into a folder of its own; none waits for ever, and the user's `__main__` is in its place afterwards."""
    write_corpus(tmp_path / "runs", 4 * RUN_EVENTS)
    for attempt in range(2):
        command = [sys.executable, "-c", THREADS, str(tmp_path / "runs"), str(tmp_path / f"out{attempt}")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_workers_have_started(number: signal.Signals) -> None:
    """Also one that another thread takes, of which this one hears."""
    heard: list[int] = []
    before = signal.signal(number, lambda number, frame: heard.append(number))
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with workers._without_interrupts():
            os.kill(os.getpid(), number)
            time.sleep(0.1)
            assert heard == []
        assert heard == [number]
    finally:
        done.set()
        other.join()
        signal.signal(number, before)
