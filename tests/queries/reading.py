"""The rows of a database as Python objects, for tests that count by another way than SQL."""

import json
import warnings
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import queries

JSON = ("inputs", "outputs", "meta")


def rows(path: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table as dictionaries, JSON columns of events decoded."""
    con = queries.connect(path)
    cursor = con.execute(f"select * from {table}")
    names = [column[0] for column in cursor.description or []]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in found:
        for name in JSON:
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return found


def events_by_run(path: Path, *types: str) -> dict[str, list[dict[str, Any]]]:
    """Events of these types, by run, in order; agents that AG2 uses to select speakers are left out of turns."""
    runs: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in sorted(rows(path, "execution_events"), key=lambda event: event["execution_order"]):
        if event["event_type"] in types and not (event["meta"] or {}).get("internal"):
            runs[event["run_id"]].append(event)
    return dict(runs)


def answer(path: Path, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows that a named query returns, as dictionaries."""
    relation = queries.run(name, queries.connect(path), **parameters)
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def told(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    """What queries warned of meanwhile, and not what is heard of a file that another test has left open."""
    return [str(warning.message) for warning in caught if warning.category is queries.QueryWarning]
