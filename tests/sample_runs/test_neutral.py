"""Making a recording neutral: what is replaced, what stays, and what is refused."""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from sample_runs.neutral import HOST, PROJECT, MachineNamedError, check, machine, neutral_run, neutral_text

RUN_ID = "20260112T090000Z-test"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Where the run's current folder was."""
    return tmp_path / "play" / RUN_ID


def write_run(folder: Path, *records: dict[str, Any]) -> Path:
    start = {"kind": "run_start", "run_id": RUN_ID, "host": "vm", "pid": 7, "versions": {"platform": "Plan9"}}
    folder.mkdir()
    lines = [{"v": 1, "seq": i, "ts": 10**18 + i, **r} for i, r in enumerate([start, *records])]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def read(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]


def test_folders_are_replaced_longest_first(project: Path) -> None:
    """The run's folder becomes the neutral one, Python's folder another, and a host only as a whole word."""
    known = {**machine(project), "vm-17": HOST}
    text = f'File "{project}/work/a.py", {sys.prefix}/lib/x.py, {os.path.expanduser("~")}/y, on vm-17, not vm-170'
    assert neutral_text(text, known) == (
        f'File "{PROJECT}/work/a.py", /usr/lib/x.py, /home/user/y, on example-host, not vm-170'
    )


def test_a_machine_that_is_called_like_a_stand_in() -> None:
    """Where a real folder has the name that stands in for another, each is replaced once, and nothing is refused."""
    known = {"/tmp/play/run": PROJECT, PROJECT: "/home/user/ag2-journal"}
    text = neutral_text(f"/tmp/play/run/a {PROJECT}/b", known)
    assert text == f"{PROJECT}/a /home/user/ag2-journal/b"
    check(text, known, "journal")


def test_the_port_of_the_model_is_replaced(project: Path) -> None:
    """The scripted model listens on another port each time; the recording has always the same."""
    text = neutral_text("http://127.0.0.1:43211/v1", machine(project))
    assert text == "http://127.0.0.1:8000/v1"


def test_records_stay_valid(tmp_path: Path, project: Path) -> None:
    """Nested texts are replaced within their records, times move together, threads get small numbers."""
    event = {"type": "text", "content": {"content": f'path "{project}/a"\n', "n": 1.5, "none": None}}
    call = {"kind": "llm_call", "started": 10**18 + 5, "ended": 10**18 + 9, "thread": 140123}
    source = write_run(tmp_path / "run", {"kind": "event", "event": event, "thread": 140999}, call)
    neutral_run(source, tmp_path / "out", project)
    start, said, called = read(tmp_path / "out")
    assert (start["host"], start["pid"], start["versions"]["platform"]) == (HOST, 4242, "Linux-x86_64")
    assert said["event"]["content"] == {"content": f'path "{PROJECT}/a"\n', "n": 1.5, "none": None}
    assert start["ts"] == 1_768_208_400 * 10**9
    assert (said["ts"] - start["ts"], called["started"] - start["ts"], called["ended"] - start["ts"]) == (1, 5, 9)
    assert (said["thread"], called["thread"]) == (1, 2)


def test_a_saved_transcript_keeps_its_hash(tmp_path: Path, project: Path) -> None:
    """A transcript beside the journal is made neutral too, and its record names the hash of what is published."""
    source = write_run(tmp_path / "run", {"kind": "messages", "path": "messages-1.json", "sha256": "old", "count": 1})
    (source / "messages-1.json").write_text(json.dumps([{"content": f"in {project}"}]))
    neutral_run(source, tmp_path / "out", project)
    data = (tmp_path / "out" / "messages-1.json").read_bytes()
    assert json.loads(data) == [{"content": f"in {PROJECT}"}]
    assert read(tmp_path / "out")[1]["sha256"] == hashlib.sha256(data).hexdigest()


def test_files_are_copied_as_they_are_or_refused(tmp_path: Path, project: Path) -> None:
    """A file of the run is not changed, because its hash is in the journal; one that names the machine is refused."""
    source = write_run(tmp_path / "run")
    (source / "files").mkdir()
    (source / "files" / "plain.txt").write_bytes(b"anything\r\n\xff")
    neutral_run(source, tmp_path / "out", project)
    assert (tmp_path / "out" / "files" / "plain.txt").read_bytes() == b"anything\r\n\xff"
    (source / "files" / "tell.txt").write_text(f"written in {project}")
    with pytest.raises(MachineNamedError, match=r"files/tell\.txt still names the machine"):
        neutral_run(source, tmp_path / "refused", project)


def test_a_torn_journal_ends_in_the_middle_of_a_line(tmp_path: Path, project: Path) -> None:
    """Only the last line is cut, and what is left of it is no JSON."""
    source = write_run(tmp_path / "run", {"kind": "print", "text": "whole"}, {"kind": "print", "text": "cut"})
    neutral_run(source, tmp_path / "out", project, torn=True)
    lines = (tmp_path / "out" / "journal.jsonl").read_text().split("\n")
    assert [json.loads(line)["kind"] for line in lines[:-1]] == ["run_start", "print"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[-1])
