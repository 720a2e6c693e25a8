"""Transcripts that are too long for the journal lie beside it, and are part of the run all the same."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

import ingest

MESSAGES = [{"role": "user", "name": "u", "content": f"{number} " + "x" * 2000} for number in range(600)]


def recorded(folder: Path, **about: Any) -> Path:
    """A run whose journal refers to a transcript; gives the run's folder."""
    run = folder / "runs" / "r"
    run.mkdir(parents=True)
    records: list[dict[str, Any]] = [
        {"kind": "run_start", "run_id": "r"},
        {"kind": "messages", "chat": "long", "count": len(MESSAGES), **about},
        {"kind": "run_end", "status": "completed"},
    ]
    lines = [json.dumps({"v": 1, "seq": seq, "ts": seq + 1, **record}) for seq, record in enumerate(records)]
    (run / "journal.jsonl").write_text("\n".join(lines) + "\n")
    return run


def asked(folder: Path, question: str) -> Any:
    """The one value that answers a question."""
    ingest.run([str(folder / "runs")], out=str(folder / "traces"))
    with duckdb.connect(str(folder / "traces" / "traces.duckdb"), read_only=True) as con:
        found = con.execute(question).fetchone()
    assert found is not None
    return found[0]


def test_a_transcript_beside_the_journal_is_read(tmp_path: Path) -> None:
    """Each of its messages has a row, whole."""
    run = recorded(tmp_path, path="long.json")
    (run / "long.json").write_text(json.dumps(MESSAGES))
    assert asked(tmp_path, "SELECT list(content ORDER BY message_order) FROM messages") == [
        message["content"] for message in MESSAGES
    ]


def test_a_transcript_that_the_recorder_saved_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `save_messages` puts beside the journal comes back from the tables."""
    capture = pytest.importorskip("capture")
    monkeypatch.chdir(tmp_path)
    with capture.start("runs", run_id="r") as run:
        run.save_messages(MESSAGES, "long")
    assert len(list((tmp_path / "runs" / "r").glob("*.json"))) == 1
    assert asked(tmp_path, "SELECT count(*) FROM messages") == len(MESSAGES)


@pytest.mark.parametrize("path", ["missing.json", "../../secret.json", "link.json", "/etc/hostname", "broken.json"])
def test_a_transcript_that_is_not_there_is_named(tmp_path: Path, path: str) -> None:
    """Nothing outside the run's folder is opened, and what could not be read is in `runs.meta`."""
    run = recorded(tmp_path, path=path)
    (tmp_path / "secret.json").write_text(json.dumps(MESSAGES))
    (run / "link.json").symlink_to(tmp_path / "secret.json")
    (run / "broken.json").write_text("[{")
    assert asked(tmp_path, "SELECT meta->>'$.transcripts_missing[0]' FROM runs WHERE run_id = 'r'") == path
    assert asked(tmp_path, "SELECT count(*) FROM messages") == 0
