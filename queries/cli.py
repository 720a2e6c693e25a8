"""The command `queries`: lists the named queries, shows their SQL, runs them.

Each query is a subcommand, made from its header, so that `queries NAME --help` explains its parameters and columns.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import duckdb

from queries.connection import connect
from queries.errors import QueryError, first_line
from queries.execution import bind, fetch, from_text, is_latest, settle
from queries.formats import FORMATS, visible, write
from queries.known import is_nameless, unknown
from queries.library import RUN, Parameter, Query, Value, find, names

AGENTS = "agents"
"""The group of queries about who spoke with whom."""


class Failure(click.ClickException):
    """One line on stderr, and the exit code for wrong usage or unusable input."""

    exit_code = 2


@contextmanager
def _output() -> Iterator[None]:
    """What is written inside goes to standard output as a whole, or is an end in order."""
    if sys.stdout is None:
        raise Failure("there is no standard output to write to")
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # Python must not try to write the rest at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Failure(f"standard output can't be written: {error.strerror}") from None
        sys.exit(0)  # the reader, such as `head`, has seen enough


class Library(click.Group):
    """A group whose commands are `show` and the named queries."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        return super().get_command(ctx, cmd_name) or _command(_found(cmd_name))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _output():  # help and version are written here
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _output():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([("NAME", "Answer the question of that name."), ("show NAME", "Print its SQL.")])


@click.group(cls=Library, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="List the queries with parameters and columns, for programs.")
@click.version_option(package_name="ag2-journal", prog_name="queries")
@click.pass_context
def queries(ctx: click.Context, as_json: bool) -> None:
    """Questions about recorded runs, answered with SQL. Without a NAME, lists them by group."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise Failure("--json lists the queries and takes no NAME; for rows as JSON: `queries NAME --format json`")
        return
    library = [find(name) for name in names()]
    if as_json:
        click.echo(json.dumps([_described(query) for query in library], indent=2))
    else:
        _list(library)


@queries.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the SQL of the query NAME."""
    click.echo(_found(name).sql, nl=False)


def _found(name: str) -> Query:
    try:
        return find(name)
    except QueryError as error:
        raise Failure(str(error)) from None


def _command(query: Query) -> click.Command:
    """The subcommand that runs the query."""
    paragraphs = [query.question]
    if query.parameters:
        paragraphs.append(
            _block("Parameters, given with --set", ((_signature(p), p.explanation) for p in query.parameters))
        )
    paragraphs.append(_block("Columns", query.columns.items()))

    def callback(db: Path, settings: tuple[str, ...], form: str, limit: int | None, columns: str | None) -> None:
        try:
            con, values, chosen = connect(db), from_text(query, _settings(settings)), _columns(query, columns)
            given, settled = bind(query, values), settle(query, con, values)
            rows = write(fetch(query, con, settled), form, sys.stdout, limit, chosen)
            if is_latest(query, given):
                given[RUN] = settled[RUN]
                _say_which(query, settled[RUN])
            _explain(query, con, given, rows == 0 and limit != 0)
        except QueryError as error:
            raise Failure(visible(str(error))) from None
        except duckdb.Error as error:
            raise Failure(visible(f"{query.name} failed: {first_line(error)}")) from None

    options: list[click.Parameter] = [
        click.Option(
            ["--db"],
            type=click.Path(path_type=Path),
            default="traces",
            show_default=True,
            help="What `ingest` made: its folder, its traces.duckdb, or a folder of Parquet files.",
        ),
        click.Option(["--set", "settings"], multiple=True, metavar="NAME=VALUE", help="Set a parameter; repeatable."),
        click.Option(
            ["--format", "form"],
            type=click.Choice(list(FORMATS)),
            default="table",
            show_default=True,
            help="A table cuts long cells, the others cut nothing.",
        ),
        click.Option(["--columns"], metavar="A,B,...", help="Print these columns alone, in this order."),
        click.Option(["--limit"], type=click.IntRange(min=0), help="Print so many rows at most."),
    ]
    return click.Command(query.name, callback=callback, params=options, help="\n\n".join(paragraphs))


def _say_which(query: Query, run_id: Value) -> None:
    """Say on stderr which run is the latest, because no column tells it."""
    if run_id is not None:
        sys.stdout.flush()
        click.echo(f"{query.name}: the latest run is {visible(str(run_id))}", err=True)


def _explain(query: Query, con: duckdb.DuckDBPyConnection, values: Mapping[str, Value], is_empty: bool) -> None:
    """Say on stderr which values name nothing, or else what an empty answer was narrowed by."""
    lines = unknown(con, values)
    if is_empty and not lines:
        narrowed = [f"{name}={value}" for name, value in values.items() if value is not None]
        why = "; no message has the name of an agent" if query.group == AGENTS and is_nameless(con) else ""
        lines = ["no rows" + (f" with {', '.join(narrowed)}" if narrowed else "") + why]
    sys.stdout.flush()
    for line in lines:
        click.echo(f"{query.name}: {visible(line)}", err=True)


def _settings(settings: Iterable[str]) -> dict[str, str]:
    """The values of `--set` by name."""
    values: dict[str, str] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign:
            raise QueryError(f"--set takes NAME=VALUE, not {setting!r}")
        values[name.strip()] = value
    return values


def _columns(query: Query, listed: str | None) -> list[str] | None:
    """The columns of `--columns`. Raises QueryError for one that the query has not got."""
    if listed is None:
        return None
    chosen = [name.strip() for name in listed.split(",")]
    for name in chosen:
        if name not in query.columns:
            raise QueryError(f"{query.name} has no column {name!r}: it has {', '.join(query.columns)}")
    return chosen


def _list(library: list[Query]) -> None:
    width = max(len(query.name) for query in library)
    group = ""
    for query in library:
        if query.group != group:
            click.echo(("\n" if group else "") + query.group)
            group = query.group
        click.echo(f"  {query.name:<{width}}  {query.question}")
    click.echo("\n`queries NAME` answers one, `queries NAME --help` explains it, `queries show NAME` prints its SQL.")


def _described(query: Query) -> dict[str, Any]:
    return {
        "name": query.name,
        "group": query.group,
        "question": query.question,
        "parameters": [
            {**asdict(parameter), "choices": parameter.choices, "least": parameter.least}
            for parameter in query.parameters
        ],
        "columns": [{"name": name, "doc": doc} for name, doc in query.columns.items()],
    }


def _signature(parameter: Parameter) -> str:
    return f"{parameter.name} {parameter.type} = {parameter.typed_default or '(empty)'}"


def _block(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A paragraph that click does not wrap (marked by the form feed)."""
    rows = list(rows)
    width = max(len(term) for term, _ in rows)
    return "\b\n" + "\n".join([f"{title}:", *(f"  {term:<{width}}  {doc}" for term, doc in rows)])


def main() -> None:
    """Entry point of the command."""
    if hasattr(sys.stdout, "reconfigure"):
        # whatever the locale is: recorded text must neither end in an encoding error nor in another encoding's letters
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    queries(prog_name="queries")
