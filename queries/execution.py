"""Runs a named query: checks the values that it is given, and turns DuckDB's errors into ones that say what to do."""

import math
import operator
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from queries.connection import ATTACHED, OLDER, connect
from queries.errors import QueryError, QueryWarning, first_line
from queries.known import unknown
from queries.library import ALL, LATEST, RUN, TYPES, Parameter, Query, Value, find

_STATEMENTS: dict[str, duckdb.Statement] = {}
"""Parsed queries, by their text."""

_RUN_OF_EXECUTION = "select run_id from execution_events where id = try_cast($1 as uuid) limit 1"

SHOWN = 200
"""Characters of a value that an error names."""

_TRUE, _FALSE = ("true", "t", "yes", "1"), ("false", "f", "no", "0")


def run(query: str, con: duckdb.DuckDBPyConnection | str | Path, /, **parameters: object) -> duckdb.DuckDBPyRelation:
    """The answer to a named query.

    Args:
        query: the query's name, see `names()`.
        con: a connection from `connect`, or any other that has the tables; or what `connect` takes.
        parameters: values for the query's parameters; one that is left out, or None, has its default. As a `run_id`,
            "latest" is the run that started last (of runs without times, if there are no others, the last by name), and
            "all" is all runs, where the query is not about one; a run that has such a name can't be asked for.

    Returns:
        A relation: `.df()`, `.pl()`, `.arrow()`, `.fetchall()`, `.show()`.

    Raises:
        QueryError: no such query or parameter, a value of the wrong type, a table that is missing, or anything else
            that keeps DuckDB from answering.

    Warns:
        QueryWarning: a value names a run, an agent or an execution that is not there, or does not say enough.
    """
    found = find(query)
    values = bind(found, parameters)
    con = _opened(con)
    with _explained(found, con):
        con = _idle(con)
        settled = _with_its_run(found, con, values)
        if values.get(RUN) == LATEST:
            values[RUN] = settled[RUN]
        for line in unknown(con, values):
            warnings.warn(f"{found.name}: {line}", QueryWarning, stacklevel=2)
        return con.sql(_statement(found, con), params=settled)


def execute(
    query: Query, con: duckdb.DuckDBPyConnection, parameters: Mapping[str, object]
) -> duckdb.DuckDBPyConnection:
    """The same as `run`, but with the rows to be fetched from the connection one batch at a time."""
    return fetch(query, con, settle(query, con, parameters))


def settle(query: Query, con: duckdb.DuckDBPyConnection, parameters: Mapping[str, object]) -> dict[str, Value]:
    """What the query is asked with: a value for each parameter, the run's own id in place of "latest"."""
    values = bind(query, parameters)
    with _explained(query, con):
        return _with_its_run(query, con, values)


def fetch(query: Query, con: duckdb.DuckDBPyConnection, settled: Mapping[str, Value]) -> duckdb.DuckDBPyConnection:
    """The connection, on which the rows of the query with these values of `settle` wait to be fetched."""
    with _explained(query, con):
        return con.execute(_statement(query, con), dict(settled))


def _statement(query: Query, con: duckdb.DuckDBPyConnection) -> duckdb.Statement:
    """The query, parsed once for all connections: DuckDB takes up to 2 ms for it, a fifth of the answer about a run."""
    if query.sql not in _STATEMENTS:
        _STATEMENTS[query.sql] = con.extract_statements(query.sql)[0]
    return _STATEMENTS[query.sql]


def _opened(con: object) -> duckdb.DuckDBPyConnection:
    if isinstance(con, (str, os.PathLike)):
        return connect(Path(con))
    if not isinstance(con, duckdb.DuckDBPyConnection):
        raise QueryError(f"queries.run takes a connection or a path as its second argument, not {type(con).__name__}")
    return con


def _idle(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection, or one beside it to the same tables, where rows of an earlier statement wait to be fetched.

    DuckDB 2 makes no relation on a connection with such rows; 1.5 drops them.
    """
    try:
        con.sql("select 1").fetchall()
    except duckdb.Error as error:
        if type(error).__name__ != "ResourceInUseException":
            raise
        con = con.cursor()
        if _is_attached(con):
            con.execute(f"use {ATTACHED}")  # a new connection begins at the database in memory
    return con


def _is_attached(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables are in a database beside the one in memory, as `connect` has it.

    A new cursor begins at the database that was opened, which may have that name, too.
    """
    query = "select 1 from duckdb_databases() where database_name = ? and database_name <> current_database()"
    return con.cursor().execute(query, [ATTACHED]).fetchone() is not None


def _with_its_run(query: Query, con: duckdb.DuckDBPyConnection, values: dict[str, Value]) -> dict[str, Value]:
    """The values, with the run that started last for a parameter that stands for it, or the run of an execution.

    Looked up beforehand, because DuckDB reads only the part of a table that holds a run when it is given its name.
    """
    if values.get("execution_id") is not None and RUN in values:
        found = con.execute(_RUN_OF_EXECUTION, [values["execution_id"]]).fetchall()
        return values | {RUN: found[0][0] if found else None}
    if not is_latest(query, values):
        return values
    latest = con.execute("select run_id from runs order by started_at desc nulls last, run_id desc limit 1").fetchall()
    return values | {RUN: latest[0][0] if latest else None}


def is_latest(query: Query, values: Mapping[str, Value]) -> bool:
    """Whether values of `bind` ask for the run that started last."""
    if values.get("execution_id") is not None:
        return False
    return values.get(RUN) == LATEST or any(p.is_latest and values[p.name] is None for p in query.parameters)


@contextmanager
def _explained(query: Query, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Makes DuckDB's errors ones that say what to do."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        what = first_line(error).removeprefix("Catalog Error: ").removeprefix("Binder Error: ")
        if _has_runs(con):
            raise QueryError(f"{query.name} failed: {OLDER} ({what})") from error
        if _is_attached(con):
            how = f"execute 'use {ATTACHED}' on it first, or queries.connect() once more"
            raise QueryError(f"{query.name}: a cursor does not see the tables: {how}") from error
        raise QueryError(f"{query.name} needs a table that this database has not got: {what}") from error
    except duckdb.Error as error:
        raise QueryError(f"{query.name} failed: {first_line(error)}") from error


def _has_runs(con: duckdb.DuckDBPyConnection) -> bool:
    try:
        _idle(con).execute("select run_id from runs limit 0")
    except duckdb.Error:
        return False
    return True


def bind(query: Query, given: Mapping[str, object]) -> dict[str, Value]:
    """A value for each of the query's parameters. Raises QueryError for an unknown one or a value of the wrong type."""
    known = {parameter.name: parameter for parameter in query.parameters}
    for name in given:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise QueryError(f"{query.name} has no parameter {_shown(name)}: {has}")
    return {name: _value(query, parameter, given.get(name)) for name, parameter in known.items()}


def _value(query: Query, parameter: Parameter, given: object) -> Value:
    if given is None:
        return parameter.default
    if parameter.name == RUN and isinstance(given, str) and given.lower() in (LATEST, ALL):
        return _word_for_runs(query, parameter, given.lower())
    if isinstance(given, str) and not given.isascii() and not _is_unicode(given):
        raise QueryError(f"{query.name}: {parameter.name} is no text in UTF-8: {_shown(given)}")
    value: Value = None
    if isinstance(given, (str, bool)):
        value = given if type(given) is TYPES[parameter.type] else None
    elif parameter.type == "BIGINT":
        value = _integer(given)
    elif parameter.type == "DOUBLE":
        value = _number(given)
    if parameter.choices and value not in parameter.choices:
        raise QueryError(
            f"{query.name}: {parameter.name} must be one of {', '.join(parameter.choices)}, not {_shown(given)}"
        )
    if value is None:
        raise QueryError(f"{query.name}: {parameter.name} must be {parameter.type}, not {_shown(given)}")
    if parameter.least is not None and isinstance(value, (int, float)) and value < parameter.least:
        raise QueryError(f"{query.name}: {parameter.name} must be at least {parameter.least}, not {_shown(given)}")
    return value


def _shown(given: object) -> str:
    """A value as an error names it."""
    text = repr(given)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _word_for_runs(query: Query, parameter: Parameter, word: str) -> Value:
    if word == LATEST:
        return LATEST
    if parameter.is_latest:
        raise QueryError(
            f"{query.name} is about one run: {parameter.name} must be the id of one, or {LATEST}, not {ALL}"
        )
    return None


def _is_unicode(text: str) -> bool:
    """Whether it is text. Bytes of a command line that are no UTF-8 arrive as halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(given: object) -> int | None:
    """An integer of any kind (numpy has its own) that a BIGINT holds, or None."""
    try:
        value = operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        return None
    return value if -(2**63) <= value < 2**63 else None


def _number(given: object) -> float | None:
    """A finite number of any kind, or None."""
    try:
        value = float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def from_text(query: Query, given: Mapping[str, str]) -> dict[str, object]:
    """Values as typed on a command line, turned into those that `run` takes. An empty one is None, where that is the
    default. Raises QueryError for one that is none."""
    known = {parameter.name: parameter for parameter in query.parameters}
    return {name: _from_text(query, known[name], text) if name in known else text for name, text in given.items()}


def _from_text(query: Query, parameter: Parameter, text: str) -> object:
    if not text and parameter.default is None:
        return None
    if parameter.type == "BOOLEAN" and text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    try:
        return TYPES[parameter.type](text) if parameter.type != "BOOLEAN" else text
    except ValueError:
        raise QueryError(f"{query.name}: {parameter.name} must be {parameter.type}, not {_shown(text)}") from None
