"""A value that can't be read costs no message but its own, and a document that has its end is not cut off."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest import mended
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables

HUGE = "9" * 9999
DEEP = "[" * 5000 + "]" * 5000
ONE, TWO = ({"role": "user", "name": "b", "content": content} for content in ("one", "two"))
A, B = map(json.dumps, (ONE, TWO))
ODD = '{"role": "user", "name": "b", "content": "odd", "n": ODD}'

SEEN: dict[str, Any] = {"seen": [{"name": "x", "content": "y"}, None]}

BESIDE: dict[str, tuple[str, dict[str, Any] | None]] = {
    "in front": ('{"id": 1, "meta": ODD, "messages": [A, B], "cost": 2}', {"id": 1, "cost": 2}),
    "behind": ('{"id": 1, "chat_history": [A, B],\n "meta": {"n": [1, ODD]}, "cost": 2}\n', {"id": 1, "cost": 2}),
    "of one of several": ('{"a": {"history": [A], "n": ODD, "x": 1}, "b": [B]}', {"chats": [{"chat": "a", "x": 1}]}),
    "around several": ('{"n": ODD, "chats": [{"messages": [A]}, {"messages": [B], "x": 1}]}', None),
    "among several": ('[{"messages": [A]}, ODD, {"messages": [B]}]', None),
    "of a list that is no chat": ('{"messages": [A, B], "seen": [{"name": "x", "content": "y"}, ODD]}', SEEN),
    "in a list deep down": ('{"a": {"b": {"c": {"messages": [A, B], "n": ODD}}}}', {}),
    "a line each": ('{"messages": [A], "n": ODD}\n{"messages": [B], "n": 2}\n', None),
    "all lines": ('{"messages": [A], "n": ODD}\n{"n": ODD, "messages": [B]}\n', None),
}
AMONG = {
    "a list": "[A, ODD, B]",
    "the last": "[A, B, ODD]",
    "an object": '{"messages": [A, ODD, B], "id": 1}',
    "chats": '{"a": [A, ODD], "b": [B]}',
    "objects around": '[{"message": A}, {"message": B}, {"message": ODD}]',
}


def written(text: str, odd: str) -> str:
    return text.replace("ODD", odd).replace("A", A).replace("B", B)


def assert_read(tables: Tables, path: Path, bad: int) -> None:
    said = tables.sql("SELECT content FROM messages ORDER BY message_order")
    assert [row["content"] for row in said] == ["one", "two"]
    assert (tables.summary.quarantined, tables.summary.torn) == (bad, 0)
    content = path.read_bytes()
    for row in tables.sql("SELECT byte_offset, bytes FROM quarantine"):
        assert content[row["byte_offset"] :].startswith(row["bytes"])
        assert len(row["bytes"]) >= len(HUGE)


@pytest.mark.few
@pytest.mark.parametrize("odd", [HUGE, DEEP], ids=["huge", "deep"])
@pytest.mark.parametrize("shape", BESIDE)
def test_what_cannot_be_read_beside_messages_costs_itself(shape: str, odd: str, runs: Path, ingested: Ingest) -> None:
    """It is in quarantine, with its place and its key; all else is read."""
    text, meta = BESIDE[shape]
    path = runs / "t.json"
    path.write_text(written(text, odd))
    tables = ingested(runs)
    assert_read(tables, path, text.count("ODD"))
    if meta is not None:
        assert json.loads(tables.one("SELECT meta FROM runs")) == meta
    if shape == "in front":
        assert tables.one("SELECT error FROM quarantine").startswith('"meta": ')


@pytest.mark.few
@pytest.mark.parametrize("odd", [HUGE, DEEP], ids=["huge", "deep"])
@pytest.mark.parametrize("shape", AMONG)
def test_a_message_of_which_something_cannot_be_read_is_in_quarantine(
    shape: str, odd: str, runs: Path, ingested: Ingest
) -> None:
    """As a whole, as a line of a journal is; those around it are read."""
    path = runs / "t.json"
    path.write_text(written(AMONG[shape].replace("ODD", ODD), odd))
    tables = ingested(runs)
    assert_read(tables, path, 1)
    assert b'"odd"' in tables.one("SELECT bytes FROM quarantine")


@pytest.mark.parametrize("text", ['{"n": ODD, "m": 1}', '[{"role": "user"}, ODD]', '{"role": "u", "content": "x" "y"}'])
def test_a_document_that_has_its_end_is_not_torn(text: str, runs: Path, ingested: Ingest) -> None:
    """Also where nothing of it can be read: it counts for --strict."""
    (runs / "t.json").write_text(text.replace("ODD", f'{{"content": {HUGE}}}'))
    (runs / "cut.json").write_text('{"meta": ' + HUGE + ', "messages": [' + A)
    tables = ingested(runs)
    torn = {str(row["source_path"]).rsplit("/", 1)[-1] for row in tables.sql("SELECT source_path FROM quarantine")}
    assert torn == {"t.json", "cut.json"}
    assert (tables.summary.quarantined > 0, tables.summary.torn) == (True, 1)


def test_too_many_values_are_not_held_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a document that is longer than one may be."""
    text: Any = written('{"n": ODD, "messages": [A, B]}', HUGE).encode()
    assert mended.mended(text)["messages"] == [ONE, TWO]
    for name in ("MAX_VALUES", "MAX_WHOLE"):
        with monkeypatch.context() as patch:
            patch.setattr(mended, name, 5)
            assert mended.mended(text) is None
