"""Memory: what an ingest takes does not grow with the journal; a run that can't be read to its end leaves nothing."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.assemble import Assembler
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal

ROOT = Path(__file__).resolve().parents[2]

MEASURED = """
import re, resource, sys, ingest
ingest.run([sys.argv[1]], sys.argv[2])
own = int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
print((own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024)
"""
"""Megabytes of this process and of the largest of its workers, each at its worst moment. Not `ru_maxrss` of its own:
that begins with what the process had that started it, which is pytest with all it has run so far."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux tells it")


def megabytes(runs: Path, out: Path) -> int:
    """The memory that an ingest of these runs takes."""
    script = out.parent / "measured.py"
    script.write_text(MEASURED)
    command = [sys.executable, str(script), str(runs), str(out)]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_run_that_fails_while_it_is_read_leaves_no_rows(
    runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do others suffer, and it is read again the next time."""
    write_journal(runs, "bad", *(logged("a", "b", f"message {n}") for n in range(5000)))
    write_journal(runs, "good", logged("a", "b", "hi"))
    finish = Assembler.finish

    def fail(self: Assembler, *arguments: Any) -> Any:
        if self.rows.run_id == "bad":
            raise RuntimeError("a mistake")
        return finish(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Assembler, "finish", fail)
        tables = ingested(runs)
        assert tables.sql("SELECT DISTINCT run_id FROM journal") == [{"run_id": "good"}]
        assert any("a mistake" in note for note in tables.summary.notes)
    assert ingested(runs).one("SELECT count(*) FROM journal WHERE run_id = 'bad'") == 5002


@linux
@pytest.mark.slow
def test_a_conversation_repeated_by_every_request_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """A thousand calls, each with all that was said before, are 2.7 MB of journal and would be 1.2 GB of requests."""
    call = {"kind": "llm_call", "agent": "a", "model": "m", "status": "ok", "response": {"choices": []}}
    text = "word " * 240
    calls = [
        {
            **call,
            "request": {
                "messages": [{"role": "user", "content": f"{n} {text}"}, {"role": "assistant", "content": text}]
            },
            "base": n or None,
            "base_messages": 2 * n,
        }
        for n in range(1000)
    ]
    write_journal(tmp_path / "runs", "long", *calls)
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 700


@linux
@pytest.mark.slow
def test_a_large_journal_is_ingested_in_bounded_memory(tmp_path: Path) -> None:
    """150 MB in one run take less than a gigabyte."""
    folder = tmp_path / "runs" / "large"
    folder.mkdir(parents=True)
    with (folder / "journal.jsonl").open("w") as file:
        for n in range(60_000):
            record = {
                "v": 1,
                "seq": n,
                "ts": 1_700_000_000_000_000_000 + n,
                **logged("ab"[n % 2], "ba"[n % 2], f"{n} " * 400),
            }
            file.write(json.dumps(record) + "\n")
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 1000


@linux
@pytest.mark.slow
def test_long_messages_take_memory_by_their_length_and_not_by_their_number(tmp_path: Path) -> None:
    """Of 300 MB in messages of 50 kB, as tools return them, less than a gigabyte is held at any moment."""
    words = [f"{n:07}" for n in range(10_000, 16_250)]
    for run in range(6):
        random.Random(run).shuffle(words)
        messages = (logged("ab"[n % 2], "ba"[n % 2], f"{n} " + " ".join(words)) for n in range(1000))
        write_journal(tmp_path / "runs", f"long-{run}", *messages)
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 1000
