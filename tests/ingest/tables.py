"""Tables as an analyst sees them, and journals made by hand."""

import json
from pathlib import Path
from typing import Any

import duckdb

import ingest

Row = dict[str, Any]


class Tables:
    """The tables of one `traces` folder, read as an analyst would: from a connection of their own each time."""

    def __init__(self, out: Path, summary: ingest.Summary) -> None:
        self.out = out
        self.summary = summary

    def sql(self, query: str, *values: Any) -> list[Row]:
        """Rows of a query, as dicts."""
        with duckdb.connect() as con:
            con.execute(f"ATTACH '{self.out}/traces.duckdb' AS t (READ_ONLY)")
            con.execute("USE t")
            cursor = con.execute(query, list(values))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, query: str, *values: Any) -> Any:
        """The only value of the only row."""
        (row,) = self.sql(query, *values)
        (value,) = row.values()
        return value

    def events(self, kind: str) -> list[Row]:
        """Events of one type in order, with their JSON columns parsed."""
        rows = self.sql("SELECT * FROM execution_events WHERE event_type = ? ORDER BY run_id, execution_order", kind)
        return [{k: json.loads(v) if k in ("inputs", "outputs", "meta") else v for k, v in r.items()} for r in rows]


def write_journal(runs: Path, run_id: str, *records: Row, end: bool = True, start: Row | None = None) -> Path:
    """Write a journal of these records, with a start before and an end after them. Gives its path."""
    first: Row = {"kind": "run_start", "task": "test", "host": "elsewhere", "versions": {"ag2": "0.14.0"}}
    every = [first | (start or {}), *records, *([{"kind": "run_end", "status": "completed"}] if end else [])]
    lines = [
        json.dumps({"v": 1, "seq": n, "ts": 1_700_000_000_000_000_000 + n * 1_000_000, **record})
        for n, record in enumerate(every)
    ]
    folder = runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "journal.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def logged(sender: str, recipient: str, message: Any) -> Row:
    """A `message` record, as AG2's logger tells it."""
    return {"kind": "message", "sender": sender, "recipient": recipient, "message": message, "valid": True}


def event(kind: str, **content: Any) -> Row:
    """An `event` record."""
    return {"kind": "event", "event": {"type": kind, "content": content}}


def text(sender: str, recipient: str, content: Any) -> Row:
    """The event of a message."""
    return event("text", sender=sender, recipient=recipient, content=content)
