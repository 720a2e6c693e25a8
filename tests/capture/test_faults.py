"""Faults that really happen: the agents' result is what it is without the recorder, and a loss is declared.

Disks that fill up, deleted folders, kills and forks in mid-write are in `test_journal.py`; objects that can't be
serialised are in `test_encode.py`.
"""

import json
import logging
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from autogen.events.agent_events import ExecutedFunctionEvent
from autogen.io.base import IOStream

import capture
from tests.capture.agents import talker
from tests.capture.recorded import Record, events, journal, of_kind

ROOT = Path(__file__).parents[2]


def talk(text: str = "x" * 1000) -> list[Any]:
    """A chat of six messages; what the agents made of it."""
    return list(talker("a").initiate_chat(talker("b"), message=text, max_turns=3).chat_history)


def texts(records: list[Record]) -> list[str]:
    """What was said, without the answers."""
    return [e["content"] for e in events(records, "text") if e["content"] != "hello"]


def declared(run: capture.Run, caplog: pytest.LogCaptureFixture) -> list[Record]:
    """The records of a run that lost some: the gaps in the journal say how many, and one warning was logged."""
    records = journal(run)
    lost = run.stats()["lost"]
    assert lost > 0
    assert sum(gap["lost"] for gap in of_kind(records, "gap")) == lost == records[-1]["stats"]["lost"]
    assert len([record for record in caplog.records if record.name == "capture"]) == 1
    return records


@contextmanager
def read_only_folder(folder: Path) -> Iterator[Any]:
    """A folder in which nobody can write, root included; what it gives ends that."""
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o555)
        yield lambda: folder.chmod(0o755)
        return
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", folder], capture_output=True).returncode:
        pytest.skip("root writes everywhere, and may not mount a read-only disk here")
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_read_only_folder_costs_records_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing can be written at first: the agents run, and when it can, the journal begins with what it lacks."""
    expected = talk()
    folder = tmp_path / "locked"
    with read_only_folder(folder) as unlock, caplog.at_level(logging.WARNING, "capture"):
        with capture.start(folder / "runs", console=False) as run:
            assert talk() == expected
            assert not (folder / "runs").exists()
            unlock()
            assert talk("after") == [{**expected[0], "content": "after"}, *expected[1:]]
        records = declared(run, caplog)
    assert [record["kind"] for record in records[:2]] == ["run_start", "gap"]
    assert texts(records) == ["after"]


def test_a_folder_deleted_in_mid_run_costs_what_was_in_it(caplog: pytest.LogCaptureFixture) -> None:
    """The agents notice nothing; a moment later a new journal is begun, and says how many records the old one had."""
    expected = talk()
    with caplog.at_level(logging.WARNING, "capture"), capture.start("runs", console=False) as run:
        talk("before")
        shutil.rmtree("runs")
        time.sleep(0.05)  # a write to a deleted file succeeds; the recorder looks every 20 ms
        assert talk() == expected
    assert texts(declared(run, caplog)) == ["x" * 1000]


@pytest.mark.parametrize("first", ["inner", "outer"])
def test_descriptors_closed_by_somebody_else_do_not_mix_runs_up(first: str) -> None:
    """Two runs whose descriptors are closed by code that closes all: each record is still in its own journal."""
    with (
        capture.start("runs", run_id="outer", files=False) as outer,
        capture.start("runs", run_id="inner", files=False) as inner,
    ):
        runs = {"outer": outer, "inner": inner}
        fds = [run.journal._fd for run in runs.values()]
        os.closerange(min(fds), max(fds) + 1)
        for name in (first, *sorted(runs.keys() - {first})) * 2:
            runs[name].log("success", name)
    for run in (outer, inner):
        assert [action["action_name"] for action in of_kind(journal(run), "action")] == [run.id] * 2


def test_a_number_that_somebody_elses_file_got_is_not_written_to(tmp_path: Path) -> None:
    """Where the descriptor's very number was given to another file, the recorder sees it when it next looks: that
    file stays as it is, open, and the records are in the journal."""
    with capture.start("runs", files=False) as run, (tmp_path / "other").open("wb") as other:
        run.log("success", "before")
        taken = os.dup2(other.fileno(), run.journal._fd)
        time.sleep(0.05)
        run.log("success", "after")
        run.close()
        assert os.fstat(taken).st_size == 0
        os.close(taken)
    assert [action["action_name"] for action in of_kind(journal(run), "action")] == ["before", "after"]


def test_a_process_forked_by_a_tool_leaves_the_journal_alone() -> None:
    """A tool that forks workers in the middle of a chat: its result is the same, and the journal is the parent's."""

    def work() -> list[str]:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return [history[0]["content"] for history in pool.map(talk, ["one", "two"])]

    expected = talk()
    with capture.start("runs", console=False) as run:
        with run.timed("tool_call", "Pool") as action:
            action.set_result(work())
        assert talk() == expected
    records = journal(run)
    assert of_kind(records, "action")[0]["result"] == ["one", "two"]
    assert texts(records) == ["x" * 1000]
    assert run.stats()["lost"] == 0


class Interrupts:
    """Is interrupted, by a real Ctrl-C, while it is being serialised."""

    def __repr__(self) -> str:
        signal.raise_signal(signal.SIGINT)
        return "never"


class Recurses:
    """Has no end."""

    def __repr__(self) -> str:
        return f"<{self}>"

    def __getattr__(self, name: str) -> Any:
        return getattr(self, name + "_")


def executed(content: Any) -> ExecutedFunctionEvent:
    """An event with any object in it."""
    return ExecutedFunctionEvent(
        func_name="f", call_id="1", arguments={}, content=content, recipient=talker("a"), is_exec_success=True
    )


class Console(IOStream):
    """Remembers what it got."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def send(self, message: Any) -> None:
        self.got.append(message)


def test_ctrl_c_while_an_event_is_serialised_arrives_and_is_declared(caplog: pytest.LogCaptureFixture) -> None:
    """The KeyboardInterrupt reaches the agent, the event is counted as lost, and what follows is recorded."""
    console: Any = Console()
    with (
        caplog.at_level(logging.WARNING, "capture"),
        IOStream.set_default(console),
        capture.start("runs", files=False) as run,
    ):
        with pytest.raises(KeyboardInterrupt):
            IOStream.get_default().send(executed(Interrupts()))
        expected = executed("after")
        IOStream.get_default().send(expected)
    assert console.got == [expected]
    assert [e["content"] for e in events(declared(run, caplog), "executed_function")] == ["after"]


def test_an_event_that_recurses_without_end_is_recorded() -> None:
    """What can't be shown is named, the stream behind gets the object itself, and nothing is lost."""
    console: Any = Console()
    sent = executed(Recurses())
    with IOStream.set_default(console), capture.start("runs", files=False) as run:
        IOStream.get_default().send(sent)
    assert console.got == [sent]
    assert "Recurses" in events(journal(run), "executed_function")[0]["content"]
    assert run.stats()["lost"] == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_at_any_moment_of_a_chat_leaves_the_recorder_in_order() -> None:
    """Hundreds of real signals, anywhere in chats: each arrives, and a chat after them is recorded as one before."""

    def kinds(records: list[Record]) -> Counter[str]:
        """What a chat left, but for what it says of records and agents of chats that were interrupted before."""
        found = [record.get("event", record).get("type", record["kind"]) for record in records]
        assert found.count("agent") >= 2
        return Counter(kind for kind in found if kind not in ("agent", "gap"))

    def one() -> tuple[list[Any], Counter[str]]:
        begin = len(journal(run))
        history = talk()
        return history, kinds(journal(run)[begin:])

    rng, caught = random.Random(0), 0
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with capture.start("runs", console=False, files=False) as run:
            before = one()
            for _ in range(300):
                try:
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0001, 0.003))
                    for _ in range(20):  # Python ignores one that comes while it calls a finalizer
                        talk()
                except KeyboardInterrupt:
                    caught += 1
            assert one() == before
    finally:
        signal.signal(signal.SIGALRM, old)
    assert caught > 200
    assert sum(gap["lost"] for gap in of_kind(journal(run), "gap")) == run.stats()["lost"]


SHUTDOWN = """
import atexit, sys
sys.path.insert(0, {root!r})
from tests.capture.agents import talker
import logging; logging.disable()

def talk(text):
    chat = talker("a").initiate_chat(talker("b"), message=text, max_turns=1)
    print([m["content"] for m in chat.chat_history])

class Last:
    def __del__(self):
        talk("finalizer")

atexit.register(talk, "exit handler, registered first, so run last")
{start}
atexit.register(talk, "exit handler, registered last, so run first")
talk("main")
last = Last()
kept = sys.modules["keep"] = last
"""


@pytest.mark.slow
def test_agents_that_talk_while_the_interpreter_shuts_down_are_as_without_the_recorder(tmp_path: Path) -> None:
    """Exit handlers before and after the run's end, and finalizers: the same output, the same exit code, no loss."""
    outcomes = []
    for start in ("", "import capture; capture.start('runs', run_id='r')"):
        done = subprocess.run(
            [sys.executable, "-c", SHUTDOWN.format(root=str(ROOT), start=start)], capture_output=True, text=True
        )
        outcomes.append((done.returncode, done.stdout, done.stderr))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][:1] == (0,)
    records = journal(Path("runs/r"))
    assert texts(records) == ["main", "exit handler, registered last, so run first"]
    assert (records[-1]["status"], records[-1]["stats"]["lost"]) == ("completed", 0)


GIGABYTE = """
import os, resource, sys
sys.path.insert(0, {root!r})
from autogen.io.base import IOStream
import capture
from tests.capture.test_faults import Console, executed

event = executed(["x" * 1_000_000] * 1000)
console = Console()
IOStream.set_global_default(console)
run = capture.start("runs", run_id="r", files=False)
if {limit}:
    resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
IOStream.get_default().send(event)
run.log("success", "after")
run.close()
assert console.got == [event]
print("the agent went on")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "limit",
    [
        0,
        2 << 30,
    ],
    ids=["enough memory", "2 GB of memory"],
)
def test_an_event_of_a_gigabyte_is_cut_or_declared(limit: int) -> None:
    """A small object that is a gigabyte as JSON: the stream behind gets it, and the record is cut, or a gap says so."""
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if memory < 8 << 30:
        pytest.skip("needs 8 GB of free memory")
    script = GIGABYTE.format(root=str(ROOT), limit=limit)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "the agent went on\n", done.stderr[-2000:]
    records = journal(Path("runs/r"))
    cut = [r for r in of_kind(records, "event") if "too large" in str(r.get("replaced"))]
    assert len(cut) + sum(gap["lost"] for gap in of_kind(records, "gap")) == 1
    assert of_kind(records, "action")[0]["action_name"] == "after"


LITTLE_MEMORY = """
import os, resource, sys
sys.path.insert(0, {root!r})
import capture
from autogen.io.base import IOStream
from tests.capture.agents import talker

run = capture.start("runs", run_id="r", console=False, files=False)
a, b = talker("a"), talker("b")
used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (used + (400 << 20),) * 2)
big = "x" * (80 << 20)
run.log("success", "log", x=[big] * 4)
IOStream.get_default().print(big)
a.send({{"content": "hi", "data": [big] * 10}}, b, request_reply=False, silent=True)
run.save_messages([{{"content": big}}] * 4)
del big
run.log("success", "after")
run.close()
print("the agent went on")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_large_things_and_little_memory_do_not_end_the_process() -> None:
    """A serialiser that runs out of memory would kill the process: what is too large is not given to it, but named."""
    done = subprocess.run([sys.executable, "-c", LITTLE_MEMORY.format(root=str(ROOT))], capture_output=True, text=True)
    assert done.stdout == "the agent went on\n", done.stderr[-2000:]
    records = journal(Path("runs/r"))
    large = {r["kind"] for r in records if "too large" in str(r.get("replaced"))}
    assert large == {"action", "print", "message", "messages"}
    assert of_kind(records, "action")[-1]["action_name"] == "after"


@pytest.mark.slow
def test_ctrl_c_during_close_leaves_ag2_alone_and_the_next_run_whole() -> None:
    """Real signals at any moment of `close`: AG2 is as before at the latest when the next run ends, and that one has
    everything."""
    before = {name: vars(IOStream)[name] for name in ("get_default", "_global_default")}
    expected = None
    rng, caught = random.Random(1), 0
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for _ in range(60):
            run = capture.start("runs", console=False, files=False)
            talk()
            try:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.00001, 0.002))
                run.close()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                caught += 1
            with capture.start("runs", console=False, files=False) as later:
                talk()
            kinds = [record["kind"] for record in journal(later)]
            expected = expected or kinds
            assert kinds == expected
            assert {name: vars(IOStream)[name] for name in before} == before
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert caught


def test_a_journal_that_somebody_cut_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """Records that another program cut off the file are declared as lost, and the next ones are whole."""
    with caplog.at_level(logging.WARNING, "capture"), capture.start("runs", files=False) as run:
        run.log("success", "one")
        os.truncate(run.path / "journal.jsonl", run.stats()["bytes"] - 10)
        time.sleep(0.05)
        run.log("success", "two")
    lines = [line for line in (run.path / "journal.jsonl").read_bytes().splitlines() if line.endswith(b"}")]
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["run_start", "gap", "action", "run_end"]
    assert run.stats()["lost"] == 1
    assert len(caplog.records) == 1
