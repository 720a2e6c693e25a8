"""Whether code changes the databases that it opens: by the SQL that it runs, as far as its text tells.

A call that opens one is noted as `database`, a statement as `query` or `change`. In the end each database is read where
there are queries alone, and written where something changes or nothing is known: opening one makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ingest.extractors import statements
from ingest.extractors.model import Hit
from ingest.extractors.order import Place
from ingest.extractors.values import Command, Value, alternatives

# methods by what they do with a database; a statement is asked what it does
STEPS: Final = {
    **dict.fromkeys("sql query execute".split(), "statement"),
    **dict.fromkeys("executemany executescript commit to_sql create_all".split(), "change"),
    **dict.fromkeys("read_sql read_sql_query read_sql_table fetchall fetchone fetchmany".split(), "query"),
}


def step(name: str, positional: Sequence[Value], keywords: dict[str, Value]) -> str:
    """What a method in `STEPS` does with a database: `query`, `change`, or '' where that is not known."""
    kind = STEPS[name]
    if kind != "statement":
        return kind
    value = positional[0] if positional else keywords.get("query", keywords.get("sql"))
    kinds = {statements.kind(option.text if isinstance(option, Command) else option) for option in alternatives(value)}
    return "change" if "change" in kinds else "query" if kinds == {"query"} else ""


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
