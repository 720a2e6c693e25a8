"""The query reference: every named query with its question, parameters, columns and a real answer, as Markdown.

`python -m queries.reference --db <traces of sample_runs>` prints it. It is made from the headers of the files and from
what the queries return, so it can't say anything that these do not.
"""

from io import StringIO
from pathlib import Path

import click
import duckdb

from queries.connection import connect
from queries.errors import QueryError
from queries.execution import execute
from queries.formats import write_table
from queries.library import Parameter, Query, find, names

ROWS = 3
WIDTH = 28
"""Rows of an answer that are shown, and places after which their cells are cut."""


BAR = r"\|"


def reference(traces: str | Path | None = None) -> str:
    """The reference as Markdown.

    Args:
        traces: where answers come from, as `connect` takes it; without it, no answers are shown.

    Raises:
        QueryError: `traces` is no traces folder.
    """
    con = None if traces is None else connect(traces)
    parts: list[str] = []
    group = ""
    for query in map(find, names()):
        if query.group != group:
            group = query.group
            parts.append(f"### {group.capitalize()}")
        parts.append(_section(query, con))
    return "\n\n".join(parts) + "\n"


def _section(query: Query, con: duckdb.DuckDBPyConnection | None) -> str:
    paragraphs = [f"#### `{query.name}`", query.question]
    if query.parameters:
        paragraphs.append("\n".join(f"- {_parameter(parameter)}" for parameter in query.parameters))
    columns = [f"| `{name}` | {doc.replace('|', BAR)} |" for name, doc in query.columns.items()]
    paragraphs.append("\n".join(["| column | meaning |", "| --- | --- |", *columns]))
    if con is not None:
        paragraphs.append(_answer(query, con))
    return "\n\n".join(paragraphs)


def _parameter(parameter: Parameter) -> str:
    default = f"`{parameter.typed_default}`" if parameter.typed_default else "empty"
    return f"`{parameter.name}` {parameter.type}, default {default}: {parameter.explanation}"


def _answer(query: Query, con: duckdb.DuckDBPyConnection) -> str:
    """The first rows that the query returns, with its defaults or as its example has it, and how many there are."""
    result = execute(query, con, query.example)
    kinds = [str(column[1]) for column in result.description or []]
    rows = result.fetchall()
    out = StringIO()
    write_table(list(query.columns), kinds, rows[:ROWS], out, WIDTH)
    rest = f"... {len(rows) - ROWS} more\n" if len(rows) > ROWS else ""
    given = " ".join(f"--set {name}={value}" for name, value in query.example.items())
    return (f"With `{given}`:\n\n" if given else "") + f"```text\n{out.getvalue()}{rest}```"


@click.command()
@click.option("--db", type=click.Path(path_type=Path), help="Traces of the sample runs, for the answers.")
def main(db: Path | None) -> None:
    """Print the query reference as Markdown."""
    try:
        click.echo(reference(db), nl=False)
    except QueryError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
