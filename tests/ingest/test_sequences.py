"""JSON documents one after another in a file, and what is between them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.documents import Document, documents
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables

SAID = "SELECT content FROM messages ORDER BY message_order"


def chat(number: int) -> list[dict[str, Any]]:
    return [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": f"a{number}"}]


def said(tables: Tables) -> list[str]:
    return [row["content"] for row in tables.sql(SAID)]


def printed(value: Any, indent: int | None) -> str:
    return json.dumps(value, indent=indent)


@pytest.mark.few
@pytest.mark.parametrize("shape", ["objects", "lists", "messages"])
def test_documents_one_after_another(shape: str, runs: Path, ingested: Ingest) -> None:
    """What `jq .` prints of JSONL, and dumps that were appended to each other: all of it is read."""
    values: list[Any] = [{"id": n, "messages": chat(n)} for n in range(5)]
    if shape == "lists":
        values = [chat(n) for n in range(5)]
    elif shape == "messages":
        values = [message for n in range(5) for message in chat(n)]
    written = [(between, indent) for between in ("\n", "", "\r\n\r\n", " ") for indent in (None, 0, 1, 4)]
    for number, (between, indent) in enumerate(written):
        (runs / f"{number:02}.json").write_bytes(between.join(printed(value, indent) for value in values).encode())
    tables = ingested(runs)
    assert tables.summary.quarantine_rows == 0
    rows = tables.sql(
        "SELECT source_path, meta, list(content ORDER BY message_order) AS said FROM runs JOIN messages USING (run_id) "
        "GROUP BY ALL ORDER BY source_path"
    )
    assert [row["said"] for row in rows] == [[m["content"] for n in range(5) for m in chat(n)]] * len(written)
    if shape == "objects":
        for told in (json.loads(row["meta"])["chats"] for row in rows):
            assert [about["id"] for about in told] == list(range(5))
            assert len({about["chat"] for about in told}) == 5


def test_what_is_broken_between_documents_is_kept_piece_by_piece(runs: Path, ingested: Ingest) -> None:
    """A piece is a row of quarantine with its bytes, and only the one that the file ends in is torn."""
    broken = '{\n  "messages": [\n    {\n      "role: "user"\n    }\n  ]\n}'
    cut = '{\n  "messages": [\n    {\n      "role": "us'
    parts = [printed({"messages": chat(0)}, 2), broken, printed({"messages": chat(1)}, 2), "rubbish"]
    parts += [printed({"messages": chat(2)}, 2), cut]
    (runs / "t.json").write_text("\n".join(parts))
    tables = ingested(runs)
    assert said(tables) == [message["content"] for n in range(3) for message in chat(n)]
    rows = tables.sql("SELECT line, byte_offset, bytes FROM quarantine ORDER BY line")
    assert [row["bytes"].decode().strip() for row in rows] == [broken, "rubbish", cut]
    content = (runs / "t.json").read_bytes()
    assert all(content[row["byte_offset"] :].startswith(row["bytes"]) for row in rows)
    assert [content[: row["byte_offset"]].count(b"\n") + 1 for row in rows] == [row["line"] for row in rows]
    assert tables.summary.torn == 1


def test_a_sequence_that_begins_with_a_broken_document(runs: Path, ingested: Ingest) -> None:
    """The documents behind it are read."""
    parts = [
        '{\n  "messages": [\n    {"role": "user", "content": "lo',
        *(printed({"messages": chat(n)}, 2) for n in (1, 2)),
    ]
    (runs / "t.json").write_text("\n".join(parts))
    tables = ingested(runs)
    assert said(tables) == ["q1", "a1", "q2", "a2"]
    assert (tables.summary.quarantine_rows, tables.summary.torn) == (1, 0)


def test_rubbish_at_the_end_is_not_torn(runs: Path, ingested: Ingest) -> None:
    """Text behind the last document is no line that the writer is still at."""
    (runs / "t.json").write_text(printed({"messages": chat(0)}, 2) + "\nend of log")
    tables = ingested(runs)
    assert said(tables) == ["q0", "a0"]
    assert (tables.summary.quarantined, tables.summary.torn) == (1, 0)


def test_messages_among_conversations(runs: Path, ingested: Ingest) -> None:
    """Messages that stand alone between conversations are a chat of their own: nobody hands over to its speakers."""
    named = [{"role": "user", "name": name, "content": name} for name in "abcd"]
    lines: list[Any] = [named[0], {"messages": named[1:3]}, named[3]]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    tables = ingested(runs)
    assert said(tables) == ["a", "b", "c", "d"]
    assert [(h["inputs"]["from_agent"], h["inputs"]["to_agent"]) for h in tables.events("handoff")] == [("b", "c")]


def test_a_header_and_empty_conversations_are_no_faults(runs: Path, ingested: Ingest) -> None:
    """A first line about the dataset goes to runs.meta; conversations without messages are rows of journal."""
    lines: list[Any] = [{"dataset": "x"}, {"messages": []}, {"messages": chat(1)}, {"messages": None, "id": 4}]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    tables = ingested(runs)
    assert said(tables) == ["q1", "a1"]
    assert tables.one("SELECT count(*) FROM quarantine") == 0
    assert [r["kind"] for r in tables.sql("SELECT kind FROM journal ORDER BY seq")] == [
        "meta",
        "meta",
        "message",
        "message",
        "meta",
    ]
    assert json.loads(tables.one("SELECT meta FROM runs")) == {"dataset": "x", "chats": [{"chat": "4", "id": 4}]}


@pytest.mark.few
@pytest.mark.parametrize("line", ['{"messages": "text"}', '{"messages": [1, 2]}', "{}", "17", "[1]"])
def test_other_objects_among_conversations_go_to_quarantine(line: str, runs: Path, ingested: Ingest) -> None:
    """What is neither a message nor a conversation, and not the first line, can't be told."""
    (runs / "t.jsonl").write_text(
        "\n".join([json.dumps({"messages": chat(1)}), line, json.dumps({"messages": chat(2)})])
    )
    tables = ingested(runs)
    assert said(tables) == ["q1", "a1", "q2", "a2"]
    assert tables.one("SELECT bytes FROM quarantine").decode().strip() == line


def test_lines_of_a_log_without_a_message_are_no_run(runs: Path, ingested: Ingest) -> None:
    """Names and contents do not make messages of a log's lines, and nothing of it is in quarantine."""
    lines = [{"level": "info", "time": n, "name": "a.service", "content": "started"} for n in range(100)]
    (runs / "t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    tables = ingested(runs)
    assert tables.one("SELECT count(*) FROM runs") == 0
    assert tables.one("SELECT count(*) FROM quarantine") == 0


@pytest.mark.slow
@pytest.mark.parametrize("line", [b"[1,\n", b'{"a":\n', b'{"a": "b\n', b'{"a": "}\n', b"{]\n", b"x\n", b"[]\n", b"[]"])
def test_documents_without_an_end_cost_no_more_than_others(line: bytes) -> None:
    """A hundred thousand beginnings of documents: the end of each is not looked for through the whole file."""
    raw = line * 100_000
    items = list(documents(raw))
    assert sum(len(raw[item.offset : item.end]) if isinstance(item, Document) else len(item.raw) for item in items) >= (
        len(raw) - len(items)
    )
