"""The two sets of runs that `compare_runs` sets side by side: what to say where it can't tell them apart by itself."""

from collections.abc import Mapping

import duckdb

from queries.library import Value

SHOWN = 10
"""Values of a tag that are listed."""


def undivided(con: duckdb.DuckDBPyConnection, values: Mapping[str, Value]) -> list[str]:
    """Why runs can't be divided into two sets with these values, in at most one line.

    Args:
        con: a connection on which the tables are visible.
        values: what the query's parameters were set to, by name.

    Raises:
        duckdb.Error: a table is missing or can't be read.
    """
    if not {"before", "after", "tag"} <= values.keys():
        return []
    tag, given = values["tag"], values["before"] is not None or values["after"] is not None
    if tag is None:
        return [] if given else _without_times(con)
    names = con.execute(
        """
        select name from ingest.named_runs($tag) where name is not null group by name order by count(*) desc, name
        """,
        {"tag": tag},
    ).fetchall()
    if not names:
        return [f"no run has the tag {tag!r}{_other_tags(con)}"]
    if given or len(names) == 2:
        return []
    listed = ", ".join(repr(name) for (name,) in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    if len(names) == 1:
        return [f"the tag {tag!r} has one value alone, {listed}: there is nothing to compare it with"]
    return [f"the tag {tag!r} has {len(names)} values, {listed}: say which to compare with before and after"]


def tags_with(con: duckdb.DuckDBPyConnection, value: Value) -> list[str]:
    """The tags, at most three, that have this value in some run."""
    rows = con.execute(
        """
        select distinct tag
        from (select tags, unnest(json_keys(tags)) as tag from runs where json_type(tags) = 'OBJECT')
        where tags->>ingest.key(tag) = $value
        order by tag
        limit 3
        """,
        {"value": value},
    ).fetchall()
    return [f"tag={tag!r}" for (tag,) in rows]


def _other_tags(con: duckdb.DuckDBPyConnection) -> str:
    rows = con.execute(
        "select distinct unnest(json_keys(tags)) as tag from runs where json_type(tags) = 'OBJECT' order by tag"
    ).fetchall()
    return f": there are {', '.join(repr(tag) for (tag,) in rows[:SHOWN])}" if rows else ""


def _without_times(con: duckdb.DuckDBPyConnection) -> list[str]:
    ((runs, timed),) = con.execute("select count(*), count(started_at) from runs").fetchall()
    if not runs or timed >= 2:
        return []
    return [
        f"{timed} of {runs} runs have a start time, by which the older half would be told from the newer one: "
        "say which to compare with before and after"
    ]
