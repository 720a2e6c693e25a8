"""Whether code changes the databases that it opens: by the SQL that it runs, as far as its text tells.

A call that opens one is noted as `database`, a statement as `query` or `change`. In the end each database is read where
there are queries alone, and written where something changes or nothing is known: opening one makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from ingest.extractors.model import Hit
from ingest.extractors.order import Place
from ingest.extractors.values import Command, Value, alternatives

# methods by what they do with a database; a statement is asked what it does
STEPS: Final = {
    **dict.fromkeys("sql query execute".split(), "statement"),
    **dict.fromkeys("executemany executescript commit to_sql create_all".split(), "change"),
    **dict.fromkeys("read_sql read_sql_query read_sql_table fetchall fetchone fetchmany".split(), "query"),
}
# where the first word of a statement stands, behind comments and brackets
FIRST_WORD: Final = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:\([(\s]*)?(?P<word>[A-Za-z]+)")
QUERYING: Final = frozenset("select pragma explain show describe summarize values from with".split())
# statements of a session, which say nothing about a database
NEITHER: Final = frozenset("set use load install begin rollback".split())
# what a statement does that names its tables first, `WITH t AS (..) INSERT INTO u ..`, or that copies rows to a file
CHANGING: Final = re.compile(r"(?i)\b(?:insert\s+into|delete\s+from|update\s+\w+\s+set)\b")
COPIED: Final = re.compile(r"(?i)\)\s*to\b|\bto\s+'")


def step(name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> str:
    """What a method in `STEPS` does with a database: `query`, `change`, or '' where that is not known."""
    kind = STEPS[name]
    if kind != "statement":
        return kind
    value = positional[0] if positional else keywords.get("query", keywords.get("sql"))
    kinds = {_kind(option.text if isinstance(option, Command) else option) for option in alternatives(value)}
    return "change" if "change" in kinds else "query" if kinds == {"query"} else ""


def _kind(text: object) -> str:
    match = FIRST_WORD.match(text) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        return ""
    word = match["word"].lower()
    if word in NEITHER:
        return ""
    if word == "with":
        return "change" if CHANGING.search(text) else "query"
    return "query" if word in QUERYING or (word == "copy" and COPIED.search(text)) else "change"


def written(hits: Iterable[Hit]) -> list[Hit]:
    """The same of code that is not read as a whole: other statements may stand where nothing is understood."""
    return [hit._replace(operation="write") if hit.operation == "database" else hit for hit in hits if hit.path]


def settled(hits: list[Place]) -> list[Place]:
    """The files that code opens, with what it does to its databases in place of the notes about them."""
    operations = {hit.operation for _, _, hit in hits}
    if operations <= {"read", "write"}:
        return hits
    operation = "read" if "query" in operations and "change" not in operations else "write"
    return [
        (line, column, hit._replace(operation=operation) if hit.operation == "database" else hit)
        for line, column, hit in hits
        if hit.path
    ]
