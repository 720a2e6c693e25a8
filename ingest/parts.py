"""Which runs stand together in a Parquet file, and which files are written anew when runs have changed.

A day with much in it has several files a table, each with the runs of one range of ids, so that a run that grew costs
the writing of its own range.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from ingest import schema
from ingest.batches import batches
from ingest.sql import quoted

UNKNOWN = "unknown"
"""The day of runs without a time, and of rows that belong to no run."""

DAY = "strftime(started_at, '%Y-%m-%d')"
"""Of a row of `runs`; NULL where it is unknown."""

DAYS_AT_ONCE = 100
"""Days that are written in one go; DuckDB 1.5 keeps something for each."""

PART_RECORDS = 25_000
RECORD = 1600
"""Lines of journals in a part, and their usual length: what is written again when one of its runs changed, some 40 MB.
A longer line counts as several. A longer run is one part."""

Place = tuple[str, str]
"""(day, run)."""
Runs = list[str | None]
"""Their ids; None for rows that belong to no run."""


@dataclass(frozen=True, slots=True)
class Part:
    """Runs of a day that stand in one file a table.

    Attributes:
        low: the id that it begins with; '' for the first part of a day, which also has rows that belong to no run.
        high: the id that the next part begins with, or None for the last one.
    """

    day: str
    low: str
    high: str | None

    @property
    def condition(self) -> str:
        """SQL that is true for its runs."""
        below = f" AND run_id < {quoted(self.high)}" if self.high is not None else ""
        return f"run_id >= {quoted(self.low)}{below}"

    def holds(self, run_id: str | None) -> bool:
        """The same for a run of its day, or for rows of no run."""
        return self.low <= (run_id or "") and (self.high is None or (run_id or "") < self.high)


def places_of(con: duckdb.DuckDBPyConnection, run_ids: Iterable[str]) -> set[Place]:
    """The partition that each of these runs is in. Those that are not in `runs` count as `unknown`."""
    ids = list(run_ids)
    rows = con.execute(
        f"SELECT DISTINCT coalesce({DAY}, '{UNKNOWN}'), run_id FROM (SELECT unnest(?::VARCHAR[]) AS run_id) "
        "LEFT JOIN runs USING (run_id)",
        [ids],
    ).fetchall()
    return set(rows)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written anew.

    Attributes:
        parts: one by one.
        batches: days of one small part each, as many together as are written in one go.
    """

    parts: list[Part]
    batches: list[list[str]]


def plan(con: duckdb.DuckDBPyConnection, places: Iterable[Place]) -> Plan:
    """Find the parts that have these runs in them; their present files no longer count.

    Args:
        con: connection to the new database, in which `runs` and `ingest.sources` are as they will be.
        places: (day, run) of all that has changed, of what is gone too.
    """
    days: dict[str, list[str]] = {}
    for day, run_id in places:
        days.setdefault(day, []).append(run_id)
    lows, sizes = lows_of(con), _sizes(con, list(days))
    stale: list[Place] = []
    parts: list[Part] = []
    small: list[tuple[str, int]] = []
    for day, run_ids in sorted(days.items()):
        begins = lows.get(day, [""])
        for number in sorted({bisect_right(begins, run_id) - 1 for run_id in run_ids}):
            low, high = begins[number], begins[number + 1] if number + 1 < len(begins) else None
            stale.append((day, low))
            runs = [(r, n) for r, n in sizes.get(day, []) if r >= low and (high is None or r < high)]
            records = sum(n for _, n in runs)
            if not low and high is None and records <= PART_RECORDS and day != UNKNOWN:
                small.append((day, records))
                continue
            cuts = [low, *_cuts(runs)]  # a part that has become too large is now several
            parts += [Part(day, first, last) for first, last in zip(cuts, [*cuts[1:], high], strict=True)]
    con.execute(
        "DELETE FROM ingest.parquet WHERE (day, low) IN (SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]))",
        [[day for day, _ in stale], [low for _, low in stale]],
    )
    together = batches(small, lambda day: day[1], 2 * PART_RECORDS, DAYS_AT_ONCE)
    return Plan(parts, [[day for day, _ in batch] for batch in together])


def lows_of(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """For each day that has files the runs at which its parts begin; the first part begins at ''."""
    lows: dict[str, set[str]] = {}
    for day, low in con.execute("SELECT DISTINCT day, low FROM ingest.parquet").fetchall():
        lows.setdefault(day, {""}).add(low)
    return {day: sorted(begins) for day, begins in lows.items()}


def _sizes(con: duckdb.DuckDBPyConnection, days: list[str]) -> dict[str, list[tuple[str, int]]]:
    """For each of these days its runs with their records, in order."""
    rows = con.execute(
        f"SELECT coalesce({DAY}, '{UNKNOWN}') AS date, run_id, greatest(records + bad, text // {RECORD}) "
        "FROM ingest.sources JOIN runs USING (run_id) WHERE date IN (SELECT unnest(?::VARCHAR[])) ORDER BY run_id",
        [days],
    ).fetchall()
    sizes: dict[str, list[tuple[str, int]]] = {}
    for day, run_id, records in rows:
        sizes.setdefault(day, []).append((run_id, records))
    return sizes


def _cuts(sizes: list[tuple[str, int]]) -> list[str]:
    """The runs at which a part of these runs is cut into several of about the same size, long runs alone."""
    total = sum(size for _, size in sizes)
    goal = total / max(1, math.ceil(total / PART_RECORDS))
    cuts, filled = [], 0
    for run_id, size in sizes:
        if filled >= goal or (filled and size > PART_RECORDS):
            cuts.append(run_id)
            filled = 0
        filled += size
    return cuts


def filled(con: duckdb.DuckDBPyConnection, table: schema.Table, parts: list[Part]) -> list[tuple[Part, Runs]]:
    """Those of these parts in which the table has rows, each with the runs that they are of."""
    if not parts:
        return []
    is_open = any(part.high is None for part in parts)
    all_of_them = Part("", min(part.low for part in parts), None if is_open else max(part.high or "" for part in parts))
    rows = con.execute(
        f"SELECT coalesce({DAY}, '{UNKNOWN}'), run_id FROM (SELECT DISTINCT run_id FROM {table.stored} "
        f"WHERE run_id IS NULL OR ({all_of_them.condition})) LEFT JOIN runs USING (run_id) ORDER BY run_id"
    ).fetchall()
    days: dict[str, Runs] = {}
    for day, run_id in rows:
        days.setdefault(day, []).append(run_id)
    runs = [(part, [run_id for run_id in days.get(part.day, []) if part.holds(run_id)]) for part in parts]
    return [(part, there) for part, there in runs if there]
