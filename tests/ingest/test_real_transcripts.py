"""Real AG2 runs, where they are at hand: every message, every execution, every exit code."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.ingest.conftest import Ingest

REAL = Path(__file__).resolve().parents[3] / "shared" / "real_transcripts"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real transcripts are not on this machine")


def test_all_real_transcripts_are_told_in_full(ingested: Ingest) -> None:
    """A run a file, a message an entry, an execution and its exit code an `exitcode:` reply, nothing in quarantine."""
    histories = {
        path.relative_to(REAL).as_posix(): json.loads(path.read_text(encoding="utf-8"))["history"]
        for path in REAL.rglob("*.json")
    }
    tables = ingested(REAL)
    assert {r["run_id"]: r["n"] for r in tables.sql("SELECT run_id, messages AS n FROM runs")} == {
        run_id: len(history) for run_id, history in histories.items()
    }
    said = tables.sql("SELECT run_id, content FROM messages ORDER BY run_id, message_order")
    assert [(s["run_id"], s["content"]) for s in said] == [
        (run_id, entry["content"]) for run_id, history in sorted(histories.items()) for entry in history
    ]
    replies = Counter(
        (run_id, int(match[1]))
        for run_id, history in histories.items()
        for entry in history
        if (match := re.match(r"exitcode: (-?\d+) \(", entry["content"]))
    )
    executions = tables.sql("SELECT DISTINCT run_id, event_id, exit_code FROM code_execs")
    assert Counter((e["run_id"], e["exit_code"]) for e in executions) == replies
    assert tables.one("SELECT count(*) FROM code_execs WHERE code IS NULL") == 0
    assert tables.one("SELECT count(*) FROM quarantine") == 0
    assert tables.summary.skipped == 0
