"""Values that name nothing in the data: a run, an agent or an execution that is not there.

Such a value is no error, because the run may not have been ingested yet, and the answer is rightly empty. But nobody
should take the empty answer to a misspelt name for a finding, so whoever asks is told, with the nearest name there is.
"""

from collections.abc import Mapping

import duckdb

from queries.library import Value
from queries.sets import tags_with, undivided

NEAREST = 0.8
"""Jaro-Winkler similarity from which a name is worth suggesting; one that contains what was given always is."""

_EXISTS = {
    "run_id": "select 1 from runs where run_id = $value limit 1",
    "mode": "select 1 from runs where mode = $value limit 1",
    "execution_id": "select 1 from execution_events where id = try_cast($value as uuid) limit 1",
    "agent_name": """
        select 1
        from execution_events
        where agent_name = $value
            and ($run_id is null or ingest.of_run(run_id, id, $run_id))
        limit 1
    """,
}

_SET_OF_RUNS = """
    select 1
    from ingest.named_runs($tag)
    where name = $value or ($tag is null and name glob $value)
    limit 1
"""
_EXISTS |= {"before": _SET_OF_RUNS, "after": _SET_OF_RUNS}

_REGISTERED = """
    select unnest(list_append(coalesce(agent.members, []), agent.name)) as name
    from (
        select unnest(json_transform(meta->'agents', '[{"name": "VARCHAR", "members": ["VARCHAR"]}]')) as agent
        from runs
        where $run_id is null or run_id = $run_id
    )
"""

_NAMES = {
    "run_id": "select run_id as name from runs",
    "mode": "select mode as name from runs",
    "agent_name": f"""
        select agent_name as name
        from execution_events
        where $run_id is null or ingest.of_run(run_id, id, $run_id)
        union all
        {_REGISTERED}
    """,
}

_MESSAGES = {
    "run_id": "there is no run {}",
    "mode": "no run has the mode {}",
    "execution_id": "there is no execution {}",
    "agent_name": "there is no agent {}",
    "before": "before={}: there are no such runs",
    "after": "after={}: there are no such runs",
}


def unknown(con: duckdb.DuckDBPyConnection, values: Mapping[str, Value]) -> list[str]:
    """For each value that names a run, a mode, an agent or an execution that is not there, a line that says so.

    So does a line for two sets of runs that the values do not tell apart.

    Args:
        con: a connection on which the tables are visible.
        values: what the query's parameters were set to, by name. Others than those that name something are not looked
            at.

    Raises:
        duckdb.Error: a table is missing or can't be read.
    """
    run_id = values.get("run_id")
    lines = []
    for name, sql in _EXISTS.items():
        value = values.get(name)
        if value is None or _rows(con, sql, {**values, "run_id": run_id, "value": value}):
            continue
        near = _nearest(con, name, value, run_id)
        if value in near:  # an agent that was registered and never did anything
            continue
        if name == "run_id":
            run_id = None  # the others are looked for everywhere
        message = _MESSAGES[name].format(repr(value))
        if name in ("before", "after") and values.get("tag") is None and (tags := tags_with(con, value)):
            message += f"; it is a value of {' and '.join(tags)}: set tag"
        if name == "agent_name" and run_id is not None:
            message += f" in run {run_id!r}"
        lines.append(message + (f": did you mean {' or '.join(map(repr, near))}?" if near else ""))
    return lines or undivided(con, values)


def is_nameless(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether no event has an agent's name, as of transcripts whose messages have none."""
    return con.execute("select 1 from execution_events where agent_name is not null limit 1").fetchone() is None


def _nearest(con: duckdb.DuckDBPyConnection, name: str, value: Value, run_id: Value) -> list[str]:
    """At most three names of the kind, the likeliest first; the value alone where it is one of them.

    Nothing is like an empty value.
    """
    if name not in _NAMES:
        return []
    sql = f"""
        select name
        from (select distinct name from ({_NAMES[name]}) where name is not null)
        where name = $value
            or ($value <> '' and contains(lower(name), lower($value)))
            or jaro_winkler_similarity(name, $value) >= {NEAREST}
        order by
            name = $value desc,
            contains(lower(name), lower($value)) desc,
            jaro_winkler_similarity(name, $value) desc,
            name
        limit 3
    """
    return [row[0] for row in _rows(con, sql, {"value": value, "run_id": run_id})]


def _rows(con: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Value]) -> list[tuple[str]]:
    """The rows of a statement, which is given those of the values that it asks for."""
    return con.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql}).fetchall()
