"""Transcripts whose messages begin far behind the beginning of the file."""

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ingest
from ingest.sources import transcript
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables

CHAT = [{"role": "user", "content": "why?"}, {"role": "assistant", "content": "so."}]
LONG: list[Any] = [{"prompt": "p" * 70_000}, {"images": ["A" * 3_000_000]}, {"data": list(range(30_000))}]


def as_document(about: dict[str, Any]) -> bytes:
    return json.dumps({**about, "messages": CHAT}).encode()


def as_lines(about: dict[str, Any]) -> bytes:
    return (as_document(about) + b"\n") * 2


def as_messages(about: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({**about, **message}).encode() + b"\n" for message in CHAT)


def as_header(about: dict[str, Any]) -> bytes:
    return b"\n".join([json.dumps(about).encode(), *(json.dumps(message).encode() for message in CHAT)])


@pytest.mark.slow
@pytest.mark.parametrize("form", [as_document, as_lines, as_messages, as_header])
def test_messages_behind_long_values_are_found(
    form: Callable[[dict[str, Any]], bytes], runs: Path, ingested: Ingest
) -> None:
    """A prompt, an image or a list that is longer than what a file is told from hides no conversation."""
    for number, about in enumerate(LONG):
        raw = form(about)
        (runs / f"{number}.json").write_bytes(raw)
        (runs / f"packed-{number}.json.gz").write_bytes(gzip.compress(raw))
        (runs / f"wide-{number}.json").write_bytes(raw.decode().encode("utf-16"))
    tables = ingested(runs)
    assert [row["messages"] for row in tables.sql("SELECT messages FROM runs")] == [4 if form is as_lines else 2] * 9
    assert tables.summary.quarantine_rows == 0


def test_messages_behind_long_values_in_standard_input(tmp_path: Path) -> None:
    """`cat transcript | ingest -`."""
    command = [sys.executable, "-m", "ingest", "-", "--out", str(tmp_path / "traces")]
    subprocess.run(command, input=as_document(LONG[0]), check=True, timeout=60)
    tables = Tables(tmp_path / "traces", ingest.run([str(tmp_path)], str(tmp_path / "traces")))
    assert tables.one("SELECT messages FROM runs") == 2


@pytest.mark.parametrize("shift", range(0, 60, 7))
def test_a_key_on_the_border_of_two_pieces_is_found(shift: int) -> None:
    """The keys are looked for piece by piece, and stand where one ends and the next begins."""
    head = b'{"prompt": "' + b"p" * 65_524
    rest = b"p" * (transcript.PIECE - shift) + b'", "role": "user", "content": "x"}'
    assert transcript.look_on(head, io.BytesIO(rest))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"data": [0.5] * 50_000, "name": "x", "license": "y"}),
        json.dumps({"data": [0.5] * 50_000, "files": [{"name": "a.txt", "content": "hello"}]}),
        "[2026-01-01 00:00:00] started\n" * 5_000 + '{"role": "user", "content": "x"}\n',
        "{" + " " * 70_000 + "role: user; content: x}",
        "x" * 70_000 + json.dumps(CHAT),
    ],
    ids=["data", "files", "log", "no JSON", "text"],
)
def test_what_is_something_else_stays_no_run(content: str, runs: Path, ingested: Ingest) -> None:
    """Keys of messages somewhere in a file do not make a run of it, nor rows of quarantine."""
    (runs / "t.json").write_text(content)
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM runs") == 0
    assert (tables.summary.skipped, tables.summary.damaged, tables.summary.quarantine_rows) == (1, 0, 0)


def test_an_archive_that_breaks_off_before_its_messages_is_damaged(runs: Path, ingested: Ingest) -> None:
    """Nobody knows whether it was a transcript."""
    about = {"n": [number * 7919 % 1_000_003 for number in range(60_000)]}
    packed = gzip.compress(as_document(about))
    (runs / "t.json.gz").write_bytes(packed[: len(packed) * 3 // 4])
    tables = ingested(runs)
    assert (tables.summary.skipped, tables.summary.damaged) == (1, 1)


def test_a_file_that_was_skipped_and_became_a_run_is_new(runs: Path, ingested: Ingest) -> None:
    """It was in no table before."""
    (runs / "t.json").write_text("{}")
    assert ingested(runs).summary.skipped == 1
    (runs / "t.json").write_text(json.dumps(CHAT))
    summary = ingested(runs).summary
    assert (summary.new, summary.updated) == (1, 0)
