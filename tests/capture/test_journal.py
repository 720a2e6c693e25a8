"""The journal file under faults that really happen: nothing is raised, nothing torn, and losses are declared."""

import itertools
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import orjson
import pytest
from autogen.events.agent_events import TextEvent
from autogen.io.base import IOStream

import capture
import capture.journal
from capture.journal import Journal
from tests.capture.agents import talker
from tests.capture.recorded import check, events, journal, of_kind

fcntl = pytest.importorskip("fcntl", reason="no file locks on this system")
ROOT = Path(__file__).parents[2]


def say(text: str) -> list[Any]:
    """A message and its answer; what the agents made of it."""
    return list(talker("a").initiate_chat(talker("b"), message=text, max_turns=1).chat_history)


def lines(run: capture.Run) -> list[bytes]:
    """The lines of a journal, as they are."""
    return (run.path / "journal.jsonl").read_bytes().splitlines()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the recorder logged; AG2 logs its events too."""
    return [record.getMessage() for record in caplog.records if record.name == "capture"]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file may grow beyond this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_record_is_in_the_file_before_the_call_returns() -> None:
    """After each message, its record can be read, whole."""
    with capture.start("runs", console=False) as run:
        for number in range(5):
            say(f"number {number}")
            assert f"number {number}" in [e["content"] for e in events(journal(run), "text")]


def test_a_full_disk_costs_records_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """The agents' result is the same, one warning is logged, a torn line is ended, a `gap` says what is missing."""
    expected = say("x" * 1000)
    with caplog.at_level(logging.WARNING, "capture"), capture.start("runs", console=False) as run:
        say("before")
        with file_size_limit((run.path / "journal.jsonl").stat().st_size + 300):
            assert say("x" * 1000) == expected
            assert say("y" * 1000)[0]["content"] == "y" * 1000
        say("after")
    whole = [orjson.loads(line) for line in lines(run) if line.endswith(b"}")]
    torn = [line for line in lines(run) if not line.endswith(b"}")]
    check(whole)
    gap = of_kind(whole, "gap")
    assert len(torn) == 1
    assert len(gap) == 1
    assert gap[0]["lost"] == run.stats()["lost"] == whole[-1]["stats"]["lost"] > 0
    assert "File too large" in gap[0]["reason"]
    assert "after" in [e["content"] for e in events(whole, "text")]
    assert len(warnings(caplog)) == 1


def test_a_deleted_folder_is_made_again(caplog: pytest.LogCaptureFixture) -> None:
    """What was in it is lost and declared; the new journal begins with `run_start`, and the agents notice nothing."""
    with caplog.at_level(logging.WARNING, "capture"), capture.start("runs", console=False) as run:
        say("before")
        written = run.stats()["events"]
        shutil.rmtree("runs")
        run.journal.check()
        assert say("after")[0]["content"] == "after"
    records = journal(run)
    assert records[1]["kind"] == "gap"
    assert records[1]["lost"] == written - 1 == run.stats()["lost"]
    assert "after" in [e["content"] for e in events(records, "text")]
    assert len(warnings(caplog)) == 1


def test_a_folder_that_cannot_be_made_costs_the_recording_only(caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be written at all, the agents run, everything is counted as lost, and one warning says why."""
    Path("runs").mkdir()
    Path("runs/taken").write_text("")
    with caplog.at_level(logging.WARNING, "capture"), capture.start("runs/taken/deeper", console=False) as run:
        assert say("hi")[0]["content"] == "hi"
    assert run.stats()["events"] == 0
    assert run.stats()["lost"] > 0
    assert len(warnings(caplog)) == 1


def test_a_descriptor_closed_by_somebody_else_is_replaced() -> None:
    """Code that closes descriptors it does not own costs no record, and gets none into the files it opens next."""
    with capture.start("runs", console=False) as run:
        say("before")
        os.closerange(run.journal._fd, run.journal._fd + 1)
        with open("other", "w+") as other:
            say("after")
            other.seek(0)
            assert other.read() == ""
    texts = [e["content"] for e in events(journal(run), "text")]
    assert {"before", "after"} <= set(texts)
    assert run.stats()["lost"] == 0


def test_the_journal_is_locked_while_the_run_is_on() -> None:
    """A reader tells a running run from an interrupted one by the lock."""

    def is_locked() -> bool:
        with (run.path / "journal.jsonl").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
            return False

    with capture.start("runs") as run:
        assert is_locked()
    assert not is_locked()


def test_a_forked_child_writes_nothing_into_its_parents_journal() -> None:
    """The child's agents run unrecorded, it can have a run of its own, and the parent's goes on, still locked."""
    with capture.start("runs", console=False) as run:
        say("parent before")
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                say("child")
                assert capture.current() is None
                with capture.start("runs", run_id="child", console=False):
                    say("child's own")
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        with (run.path / "journal.jsonl").open("rb") as file, pytest.raises(OSError, match="temporarily unavailable"):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        say("parent after")
    assert {e["content"] for e in events(journal(run), "text")} == {"parent before", "parent after", "hello"}
    assert "child's own" in [e["content"] for e in events(journal(Path("runs/child")), "text")]


@pytest.mark.slow
def test_a_child_that_exits_normally_leaves_the_journal_alone(tmp_path: Path) -> None:
    """A forked child that runs its exit handlers ends no run of its parent's."""
    script = (
        "import os, sys, capture\n"
        f"run = capture.start({str(tmp_path)!r}, run_id='r')\n"
        "pid = os.fork()\n"
        "if pid == 0: sys.exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "run.log('success', 'parent')\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert [r["kind"] for r in journal(tmp_path / "r")] == ["run_start", "action", "run_end"]


def test_ctrl_c_inside_a_write_neither_tears_nor_doubles_a_record() -> None:
    """A real signal inside hundreds of writes: the exception arrives, every line is whole, `seq` has no gap."""
    over = threading.Event()
    caught = 0

    def interrupt() -> None:
        while not over.wait(0.001):
            os.kill(os.getpid(), signal.SIGUSR1)

    def handler(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code.co_filename == capture.journal.__file__:
                raise KeyboardInterrupt
            frame = frame.f_back

    old = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=interrupt)
    try:
        with capture.start("runs", files=False) as run:
            thread.start()
            for number in range(5000):
                try:
                    run.log("success", str(number))
                except KeyboardInterrupt:
                    caught += 1
            over.set()
            thread.join()
    finally:
        over.set()
        signal.signal(signal.SIGUSR1, old)
    names = [int(r["action_name"]) for r in of_kind(journal(run), "action")]
    assert caught > 0
    assert names == sorted(set(names))
    assert len(names) >= 5000 - caught


def test_a_signal_handler_may_record_inside_a_write(tmp_path: Path) -> None:
    """A record that is made while another is being written comes after it, and none is lost."""
    book = Journal(tmp_path / "r" / "journal.jsonl", b'"kind":"run_start"')
    book.open()
    write = os.write

    def reentrant(fd: int, data: bytes) -> int:
        if b"outer" in data:
            book.append(b'"kind":"print","text":"inner"')
        return write(fd, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", reentrant)
        book.append(b'"kind":"print","text":"outer"')
    book.close()
    records = journal(tmp_path / "r")
    assert [r.get("text") for r in records] == [None, "outer", "inner"]


def test_a_partial_write_is_finished(tmp_path: Path) -> None:
    """Where the kernel takes only a part of a line, the rest follows."""
    book = Journal(tmp_path / "r" / "journal.jsonl", b'"kind":"run_start"')
    write = os.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
        for number in range(3):
            assert book.append(b'"kind":"print","text":"%d"' % number) == number + 1
    book.close()
    assert [r.get("text") for r in journal(tmp_path / "r")] == [None, "0", "1", "2"]
    assert book.lost == 0


def test_many_threads_write_whole_lines_without_gaps() -> None:
    """Eight threads at once: every record is there, whole and numbered."""
    with capture.start("runs", console=False) as run:

        def work(name: str) -> None:
            for number in range(200):
                run.log("success", f"{name} {number}")

        threads = [threading.Thread(target=work, args=(str(n),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    actions = of_kind(journal(run), "action")
    assert sorted(a["action_name"] for a in actions) == sorted(f"{t} {n}" for t in range(8) for n in range(200))
    assert len({a["thread"] for a in actions}) <= 8


def test_kill_9_loses_no_acknowledged_record(tmp_path: Path) -> None:
    """A process that is killed in mid-run has lost nothing that it had sent, and at most its last line is torn."""
    script = (
        "import sys, capture\n"
        "from autogen.events.agent_events import TextEvent\n"
        "from autogen.io.base import IOStream\n"
        f"run = capture.start({str(tmp_path)!r}, run_id='r', console=False)\n"
        "n = 0\n"
        "while True:\n"
        "    IOStream.get_default().send(TextEvent(content=f'{n} ' + 'x' * 5000, sender='a', recipient='b'))\n"
        "    sys.stdout.write(f'{n}\\n'); sys.stdout.flush(); n += 1\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(500):
        process.stdout.readline()
    process.kill()
    acknowledged = 499
    for line in process.stdout:
        if line.endswith(b"\n"):
            acknowledged = int(line)
    process.wait()
    whole = (tmp_path / "r" / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    records = [orjson.loads(line) for line in whole]
    check(records)
    sent = [int(e["content"].split()[0]) for e in events(records, "text")]
    assert sent == list(range(len(sent)))
    assert sent[-1] >= acknowledged


@pytest.mark.slow
def test_two_hundred_kills_lose_no_acknowledged_record() -> None:
    """Killed at any moment, a run has all that was acknowledged, and at most its last line is torn."""
    for kill in range(200):
        name = f"k{kill}"
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                capture.start("runs", run_id=name, console=False)
                for number in itertools.count():
                    text = f"{number} " + "x" * (number * 37 % 5000)
                    IOStream.get_default().send(TextEvent(content=text, sender="a", recipient="b"))
                    os.write(writer, b"%d\n" % number)
            finally:
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            pipe.readline()
            time.sleep(kill % 20 / 1000)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            acknowledged = [int(line) for line in pipe if line.endswith(b"\n")]
        whole = (Path("runs") / name / "journal.jsonl").read_bytes().split(b"\n")[:-1]
        records = [orjson.loads(line) for line in whole]
        check(records)
        sent = [int(e["content"].split()[0]) for e in events(records, "text")]
        assert sent == list(range(len(sent)))
        assert sent[-1] >= max(acknowledged, default=0)


@pytest.mark.slow
def test_an_enormous_event_is_cut_and_the_agent_goes_on() -> None:
    """A message of 100 MB is over the limit of 64 MB: its record has size and hash, and the agents have all of it."""
    text = "x" * 100_000_000
    with capture.start("runs", console=False) as run:
        assert say(text)[0]["content"] == text
        say("after")
    records = journal(run)
    assert "100000000 bytes" in next(r for r in records if "replaced" in r)["replaced"][0]["reason"]
    assert "after" in [e["content"] for e in events(records, "text")]
    assert run.stats()["lost"] == 0


def test_a_small_disk_that_fills_up_costs_records_and_nothing_else(tmp_path: Path) -> None:
    """On a file system of 64 kB the run goes on when it is full, and says what it lost when there is room again."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        with capture.start(disk, console=False) as run:
            (disk / "ballast").write_bytes(b"x" * 30_000)
            for number in range(10):
                assert say(f"{number} " + "x" * 9000)[0]["content"].startswith(str(number))
            assert run.stats()["lost"] > 0
            (disk / "ballast").unlink()
            say("after")
        records = [orjson.loads(line) for line in lines(run) if line.endswith(b"}")]
        check(records)
        assert sum(g["lost"] for g in of_kind(records, "gap")) == run.stats()["lost"]
        assert "after" in [e["content"] for e in events(records, "text")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_stream_that_raises_still_raises() -> None:
    """What the user's own stream does stays what it was: its exception reaches the agent, and the event is recorded."""

    class Broken(IOStream):
        def send(self, message: Any) -> None:
            raise OSError("the console is gone")

    with IOStream.set_default(Broken()), capture.start("runs") as run, pytest.raises(OSError, match="console"):  # type: ignore[arg-type]
        say("hi")
    assert [e["content"] for e in events(journal(run), "text")] == ["hi"]
