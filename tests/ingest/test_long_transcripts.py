"""Transcripts of any length: what is read in pieces comes out as what is read as a whole, and takes no more memory."""

import gzip
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest import documents, speakers, text
from ingest.lines import Bad, Record
from ingest.sources import transcript
from tests.ingest.conftest import Ingest
from tests.ingest.test_memory import linux, megabytes

MESSAGES: list[Any] = [
    {"role": "user", "name": "admin", "content": 'Read it: é 漢 \U0001f600 \ud800 \\ " } , {'},
    {"role": "assistant", "name": "engineer", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "[" * 50},
    {"role": "user", "name": "admin", "content": "long " * 40},
]
LIST = json.dumps(MESSAGES)
ODD = json.dumps([MESSAGES[0], 1, "x", {"no": "message"}, -1.5e3, None, *MESSAGES])
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "done"}}]}
LINES = "".join(json.dumps(message) + "\n" for message in MESSAGES)

SHAPES = {
    "list": LIST,
    "printed": json.dumps(MESSAGES, indent=2),
    "real characters": json.dumps(MESSAGES[1:], ensure_ascii=False).replace("long", "länger 漢"),
    "not a number": json.dumps([{**MESSAGES[0], "score": float("nan")}, *MESSAGES]),
    "with other things in it": ODD,
    "empty": "[]",
    "no messages": "[1, 2, {}]",
    "two commas": LIST.replace("}, {", "},, {", 1),
    "no comma": LIST.replace("}, {", "} {", 1),
    "cut off": LIST[:-30],
    "cut off behind a message": LIST[: LIST.rindex("}, {") + 1],
    "broken in the middle": LIST.replace('"engineer", "content"', '"engineer, "content"'),
    "object": json.dumps({"task": "t", "messages": MESSAGES, "cost": 1}),
    "object that ends with it": json.dumps({"chat_history": MESSAGES}),
    "object with other things": json.dumps({"a": 1, "history": json.loads(ODD), "b": [2]}),
    "object with two lists": json.dumps({"history": MESSAGES[:2], "messages": MESSAGES}),
    "object with an empty list": json.dumps({"messages": [], "chat_history": MESSAGES}),
    "object that is cut off": json.dumps({"task": "t", "messages": MESSAGES, "cost": 1})[:-9],
    "object that is cut off in a message": json.dumps({"task": "t", "messages": MESSAGES})[:-29],
    "object that is broken behind": json.dumps({"messages": MESSAGES, "cost": 1}).replace('"cost": 1', '"cost": nil'),
    "request and response": json.dumps({"messages": MESSAGES, "response": ANSWER}),
    "odd request and response": json.dumps({"messages": json.loads(ODD), "response": ANSWER}),
    "chats": json.dumps({"engineer": MESSAGES, "critic": MESSAGES[:2]}),
    "chats of objects": json.dumps([{"chat_history": MESSAGES, "cost": 1}, {"chat_history": MESSAGES[:1]}]),
    "a message": json.dumps(MESSAGES[0]),
    "lines": LINES,
    "lines of which one is broken": LINES.replace('"tool"', '"tool', 1),
    "lines of which the last is cut off": LINES[:-20],
    "lines with a header": json.dumps({"task": "t"}) + "\n" + LINES,
    "lists one after another": LIST + "\n" + LIST + "\n",
    "lists in one line": LIST + " " + LIST,
    "objects one after another": "\n".join(json.dumps({"messages": MESSAGES, "n": n}, indent=1) for n in range(3)),
    "one line that is broken": '{"role": "user", "content": "x" "y"}',
    "words": "no JSON\nat all\n",
    "nothing": " \n ",
}


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything counts as long, and windows end in the midst of messages."""
    for module, name, value in (
        *((text, "LARGE", 8), (text, "WINDOW", 32), (text, "STEP", 64), (text, "OVERLAP", 32)),
        *((documents, "LARGE", 8), (documents, "STEP", 64)),
    ):
        monkeypatch.setattr(module, name, value)


def mapped(raw: bytes) -> text.Text:
    """As a long file is read."""
    with tempfile.TemporaryFile() as file:
        file.write(raw or b" ")
        file.seek(0)
        with text.text_of(file) as found:
            return found


def told(items: Iterator[Record | Bad], about: dict[str, Any]) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """All that was read, without the reasons, which may be given in other words."""
    read = [
        (i.line, i.offset, i.data, i.text) if isinstance(i, Record) else (i.line, i.offset, i.raw, i.torn)
        for i in items
    ]
    about = {key: value for key, value in about.items() if key != "not_a_run"} | {"run": "not_a_run" not in about}
    return read, about


def assert_is_the_same(raw: bytes) -> None:
    """Read as a long file it gives what it gives as a short one."""
    whole: dict[str, Any] = {}
    pieces: dict[str, Any] = {}
    expected = told(transcript._read_whole(raw, whole), whole)
    assert told(transcript._read_long(mapped(raw), pieces), pieces) == expected


@pytest.mark.parametrize("shape", SHAPES)
def test_a_long_file_gives_what_a_short_one_gives(shape: str, long: None) -> None:
    """Messages, what stands beside them, what can't be read, and the places of all."""
    assert_is_the_same(SHAPES[shape].encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("shape", ["list", "with other things in it", "object", "lines", "lists one after another"])
def test_damage_in_a_long_file_is_told_as_in_a_short_one(shape: str, long: None) -> None:
    """Bytes that were changed, lost or doubled, at many places."""
    chance = random.Random(shape)
    raw = SHAPES[shape].encode()
    for _ in range(150):
        place = chance.randrange(len(raw))
        behind = place + chance.choice([0, 1, 1, 5, 60])
        put = chance.choice([b"", b"\xff", b'"', b"}", b"[", b",", b"\n", raw[place : place + 40]])
        assert_is_the_same(raw[:place] + put + raw[behind:])


def test_files_of_windows_programs_may_be_long(long: None) -> None:
    """UTF-16, and UTF-8 with a mark, are brought into UTF-8 piece by piece."""
    whole = SHAPES["real characters"]
    for encoding in ("utf-16", "utf-8-sig", "utf-8"):
        assert mapped(whole.encode(encoding))[:] == whole.encode()


def test_who_speaks_in_a_long_chat_of_two(runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known at its end alone, and the messages that wait for it are not held in memory."""
    monkeypatch.setattr(speakers, "MAX_HELD", 10)
    said = [
        {"role": "user", "name": "admin", "content": "How long is it?"},
        {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "name": "admin", "tool_responses": [{"tool_call_id": "1", "content": "3"}], "content": "3"},
        {"role": "assistant", "name": "engineer", "content": "It is 3."},
    ]
    (runs / "t.json").write_text(json.dumps(said))
    senders = ingested(runs).sql("SELECT sender FROM messages ORDER BY message_order")
    assert [row["sender"] for row in senders] == ["admin", "engineer", "admin", "engineer"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_document_of_chats_too_large_to_hold_is_refused(
    packed: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch, long: None
) -> None:
    """What is in an archive counts, not its size; a line says so, and one list of messages has no such bound."""
    monkeypatch.setattr(transcript, "MAX_WHOLE", 1000)
    content = json.dumps({"engineer": MESSAGES * 3, "critic": MESSAGES[:2]}).encode()
    path = runs / ("t.json.gz" if packed else "t.json")
    path.write_bytes(gzip.compress(content) if packed else content)
    (runs / "list.json").write_text(json.dumps(MESSAGES * 3))
    tables = ingested(runs)
    assert tables.sql("SELECT run_id, messages FROM runs") == [{"run_id": "list.json", "messages": 12}]
    (note,) = tables.summary.notes
    assert note == (
        f"{path}: skipped, {len(content):,} bytes; what is not one list of messages is held in memory, "
        "and at most 1,000 are"
    )
    assert tables.summary.damaged == 1


@linux
@pytest.mark.slow
@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.json.gz"])
def test_a_large_transcript_takes_no_more_memory_than_a_large_journal(name: str, tmp_path: Path) -> None:
    """200 MB of messages, in a list and a line each, plain and packed."""
    (tmp_path / "runs").mkdir()
    between, ends = (b"\n", (b"", b"\n")) if name == "t.jsonl" else (b",", (b"[", b"]"))
    with (gzip.open if name.endswith("gz") else open)(tmp_path / "runs" / name, "wb") as file:
        file.write(ends[0])
        for n in range(20_000):
            message = {"role": "user", "name": "ab"[n % 2], "content": " ".join(map(str, range(n, n + 2000)))}
            file.write((between if n else b"") + json.dumps(message).encode())
        file.write(ends[1])
    assert megabytes(tmp_path / "runs", tmp_path / "traces") < 720
