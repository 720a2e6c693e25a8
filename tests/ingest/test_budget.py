"""What an ingest takes of a machine: the cores that it may use, and less than a gigabyte of memory."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ingest import budget, workers
from ingest.found import Found
from ingest.read import Report
from tests.benchmarks.bench_ingest import measured
from tests.benchmarks.corpus import write_corpus
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal

ROOT = Path(__file__).resolve().parents[2]

MANY_CORES = """
import os
os.sched_getaffinity = lambda process: set(range(64))
if __name__ == "__main__":
    from ingest.__main__ import main
    main()
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the cores of a process and its memory")


def named(share: list[Found], staging: str, name: str) -> list[Report]:
    """Tells which worker it was."""
    return [Report(found, skipped=str(os.getpid())) for found in share]


def alone(share: list[Found], staging: str, name: str) -> list[Report]:
    """A worker that can't be at work beside another one."""
    with open(os.path.join(staging, "at work"), "x"):
        time.sleep(0.3)
    os.remove(os.path.join(staging, "at work"))
    return [Report(found, skipped="tried") for found in share]


@linux
def test_only_the_cores_that_a_process_may_use_count() -> None:
    """As with `taskset`, or in a container that has some of them."""
    script = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); from ingest import budget"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; print(budget.cores())"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == 1


@linux
@pytest.mark.slow
def test_many_cores_take_no_more_than_a_gigabyte(tmp_path: Path) -> None:
    write_corpus(tmp_path / "runs", 64_000)
    script = tmp_path / "many.py"
    script.write_text(MANY_CORES)
    took = measured(sys.executable, str(script), str(tmp_path / "runs"), "--out", str(tmp_path / "traces"), "--quiet")
    assert 400 < took.memory < 1000, "megabytes; with fewer it is not many workers that were measured"


@pytest.mark.parametrize(("name", "together"), [("journal.jsonl", 2), ("journal.jsonl.gz", 1)])
def test_so_many_read_at_once_as_memory_allows(name: str, together: int) -> None:
    """A packed run may be much larger than its file."""
    run = Found(f"/runs/a/{name}", "a", "/runs/a", "", 100_000_000)
    share = [run, Found("/runs/b/journal.jsonl", "b", "/runs/b", "", 1000)]
    assert budget.held(share) == budget.held([run]), "one after the other"
    room = budget.MEMORY - 2 * budget.WORKER
    assert (2 * budget.held(share) <= room) == (together == 2)


def test_long_runs_are_read_one_after_the_other(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no memory for several of them; short ones still are beside them."""
    for number in range(4):
        write_journal(runs, f"run{number}", logged("a", "b", "word " * 1000))
    size = max(path.stat().st_size for path in runs.glob("*/journal.jsonl"))
    monkeypatch.setattr("ingest.workers.ALONE_BYTES", 0)
    monkeypatch.setattr("ingest.workers.SHARE_FILES", 1)
    monkeypatch.setattr("ingest.budget.cores", lambda: 2)
    monkeypatch.setattr("ingest.budget.HELD", (budget.MEMORY - 2 * budget.WORKER) / size * 0.6)
    monkeypatch.setattr("ingest.workers.read_share", alone)
    assert ingested(runs).summary.skipped == 4


@pytest.mark.parametrize(("held", "is_new"), [(0, False), (budget.WORKER + 1, True)])
def test_a_worker_that_held_a_long_run_reads_no_other(
    held: int, is_new: bool, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps a part of what it held. Another one takes its place when it is gone, and leaves nothing behind."""
    found = [Found(f"/runs/{n}/journal.jsonl", str(n), f"/runs/{n}", "", 10_000_000) for n in range(6)]
    monkeypatch.setattr("ingest.workers.SHARE_FILES", 1)
    monkeypatch.setattr("ingest.budget.cores", lambda: 2)
    monkeypatch.setattr("ingest.budget.held", lambda share: held)
    monkeypatch.setattr("ingest.workers.read_share", named)
    processes: list[Any] = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            processes.append(self)
            assert sum(process.returncode is None for process in processes) <= 2

    monkeypatch.setattr("ingest.workers.subprocess.Popen", Recorded)
    reports = workers.read_all(found, str(runs / "staging"), lambda done, total: None)
    assert all(process.returncode is not None for process in processes)
    assert (len({report.skipped for report in reports}) == len(found)) == is_new
