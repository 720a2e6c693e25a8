"""Reads journals for tests, and checks what holds of every journal."""

from pathlib import Path
from typing import Any

import orjson

import capture
from capture import format

Record = dict[str, Any]


def journal(run: capture.Run | Path) -> list[Record]:
    """The records of a run: each line is JSON, `seq` has no gaps, every field is described in the format."""
    folder = run if isinstance(run, Path) else run.path
    lines = (folder / format.JOURNAL).read_bytes().split(b"\n")
    assert lines.pop() == b""
    records = [orjson.loads(line) for line in lines]
    check(records)
    return records


def check(records: list[Record]) -> None:
    """Fails where records break the rules of the format."""
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert records[0]["kind"] == format.RUN_START
    for record in records:
        assert record["v"] == format.VERSION
        assert record["ts"] > 0
        unknown = record.keys() - format.COMMON.keys() - format.KINDS[record["kind"]].keys()
        assert not unknown, record


def of_kind(records: list[Record], kind: str) -> list[Record]:
    """The records of one kind."""
    return [record for record in records if record["kind"] == kind]


def events(records: list[Record], type: str) -> list[Any]:
    """The contents of AG2's events of one type."""
    found = [record["event"] for record in of_kind(records, format.EVENT)]
    return [event["content"] for event in found if event["type"] == type]


def rebuilt_requests(records: list[Record]) -> dict[int, Record]:
    """Every LLM request as it was, from what is new in each: `seq` of its call to the whole request."""
    whole: dict[int, Record] = {}
    for call in of_kind(records, format.LLM_CALL):
        request = dict(call["request"])
        base = whole[call["base"]] if call["base"] is not None else {}
        if "messages" in request:
            request["messages"] = base.get("messages", [])[: call["base_messages"]] + request["messages"]
        whole[call["seq"]] = {**{name: base[name] for name in call["same"]}, **request}
    return whole
