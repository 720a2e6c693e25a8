"""Tables with wide rows: few of their values at a time are held when they are stored and read.

DuckDB holds a vector of a column, 2,048 values, at once: where it packs them, and wherever somebody reads them. Of
values of a megabyte that is two gigabytes. So such rows are stored with few of them in a vector, and the rest of it is
rows that are deleted again: these take no room, and no query sees them. A row group of which nothing is left goes as
others do, but DuckDB must not join the others to full ones; the table `ingest.wide` says so to the ingests to come, and
`ingest.last_rows` how much stands in the last vector of a table.
"""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.batches import batches
from ingest.schema import TABLES, Table

VECTOR = 2048
"""Values that DuckDB handles at a time, and the rows of its smallest row group."""

WIDE = 24 * 1024 * 1024
"""Bytes that a vector may have. DuckDB packs so many values at a time, and holds all of them."""


@dataclass(frozen=True, slots=True)
class Group:
    """A row group of a staged file.

    Attributes:
        number: its place in the file.
        columns: bytes of each column.
    """

    path: str
    number: int
    rows: int
    columns: tuple[int, ...]


def staged(folder: str) -> list[Group]:
    """The row groups that are staged for a table, in order."""
    groups: list[Group] = []
    for path in sorted(map(str, Path(folder).glob("*.parquet"))):
        about = pq.read_metadata(path)
        for number in range(about.num_row_groups):
            group = about.row_group(number)
            sizes = (group.column(column).total_uncompressed_size for column in range(about.num_columns))
            groups.append(Group(path, number, group.num_rows, tuple(sizes)))
    return groups


def portions(groups: list[Group]) -> list[list[Group]]:
    """Neighbours that are stored together, so that no vector of them is wide; what is wide by itself is alone."""
    return list(batches(groups, lambda group: max(group.columns), WIDE))


def widest(groups: list[Group]) -> int:
    """Bytes of the longest 2,048 neighbouring values of a column."""
    longest = 0
    window: deque[Group] = deque()
    rows, sizes = 0, [0] * len(groups[0].columns) if groups else []
    for group in groups:
        window.append(group)
        rows, sizes = rows + group.rows, [a + b for a, b in zip(sizes, group.columns, strict=True)]
        while rows - window[0].rows >= VECTOR:
            first = window.popleft()
            rows, sizes = rows - first.rows, [a - b for a, b in zip(sizes, first.columns, strict=True)]
        longest = max(longest, max(sizes) * VECTOR // max(rows, VECTOR))
    return longest


def is_wide(groups: list[Group]) -> bool:
    """Whether these rows are stored apart."""
    return widest(groups) > WIDE


def largest(groups: list[Group]) -> int:
    """Bytes of the largest portion, all columns together."""
    return max((sum(sum(group.columns) for group in portion) for portion in portions(groups)), default=0)


class LastVectors:
    """What has come into each table since its last full vector: a little every night is much in a month.

    Args:
        con: connection to the new database.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        rows = con.execute("SELECT table_name, rows, bytes FROM ingest.last_rows").fetchall()
        self._last: dict[str, tuple[int, int]] = {name: (count, size) for name, count, size in rows}

    def fit(self, table: Table, groups: list[Group]) -> bool:
        """Whether a vector of these rows and those that came last is not wide."""
        return self._last.get(table.name, (0, 0))[1] + widest(groups) <= WIDE

    def add(self, table: Table, groups: list[Group]) -> None:
        """These rows have come."""
        rows, size = self._last.get(table.name, (0, 0))
        rows, new = rows + sum(group.rows for group in groups), widest(groups)
        self._last[table.name] = (rows % VECTOR, new) if rows >= VECTOR else (rows, size + new)

    def end(self, table: Table) -> None:
        """What comes next is in no vector with what has come."""
        self._last.pop(table.name, None)

    def save(self, con: duckdb.DuckDBPyConnection) -> None:
        """Note it for the ingests to come."""
        con.execute("DELETE FROM ingest.last_rows")
        names, last = list(self._last), list(self._last.values())
        con.execute(
            "INSERT INTO ingest.last_rows SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::BIGINT[])",
            [names, [rows for rows, _ in last], [size for _, size in last]],
        )


def begin_apart(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """What comes now is in no vector with what came before. Not within a transaction, which would forget the gap."""
    con.execute(
        "INSERT INTO ingest.wide FROM (SELECT $1 AS table_name) ANTI JOIN ingest.wide USING (table_name)", [table.name]
    )
    keep_apart(con)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    con.execute(f"INSERT INTO {table.stored} ({columns}) {_nothing(table, VECTOR)}")
    con.execute(f"DELETE FROM {table.stored} WHERE {_is_nothing(table)}")


def load_wide(con: duckdb.DuckDBPyConnection, table: Table, groups: list[Group]) -> None:
    """Take in staged rows, in order, so that no vector of them is wide. Not within a transaction."""
    begin_apart(con, table)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    for rows in map(_read, portions(groups)):
        con.register("portion", rows)
        con.execute(
            f"INSERT INTO {table.stored} ({columns}) SELECT {columns} FROM portion {_filled_up(table, rows.num_rows)}"
        )
        con.unregister("portion")
    con.execute(f"DELETE FROM {table.stored} WHERE {_is_nothing(table)}")


def _nothing(table: Table, rows: int) -> str:
    """SQL for so many rows of NULL."""
    return f"SELECT {', '.join('NULL' for _ in table.columns)} FROM range({rows})"


def _filled_up(table: Table, rows: int) -> str:
    """SQL that adds to so many rows what is missing to full vectors."""
    return f"UNION ALL {_nothing(table, -rows % VECTOR)}"


def _is_nothing(table: Table) -> str:
    """SQL that is true for what was filled up with: of these columns each row has a value."""
    return f"{'source_path' if table.name == 'quarantine' else 'run_id'} IS NULL"


def copy_database(con: duckdb.DuckDBPyConnection, to: str) -> None:
    """Copy the database `t` into an empty one, without the room of what was removed."""
    if not has_wide(con):
        con.execute(f"COPY FROM DATABASE t TO {to}")
        return
    wide = {name for (name,) in con.execute("SELECT table_name FROM t.ingest.wide").fetchall()}
    con.execute(f"COPY FROM DATABASE t TO {to} (SCHEMA)")
    tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 't'").fetchall()
    for home, name in tables:
        there, here = f'{to}.{home}."{name}"', f't.{home}."{name}"'
        if name in wide:
            _copy_wide(con, TABLES[name], here, there)
        else:
            con.execute(f"INSERT INTO {there} SELECT * FROM {here}")


def _copy_wide(con: duckdb.DuckDBPyConnection, table: Table, here: str, there: str) -> None:
    """Copy a table, so many rows at a time as stood in a vector."""
    numbers = con.execute(f"SELECT rowid // {VECTOR}, count(*) FROM {here} GROUP BY ALL ORDER BY ALL").fetchall()
    for number, rows in numbers:
        con.execute(
            f"INSERT INTO {there} SELECT * FROM {here} "
            f"WHERE rowid >= {number * VECTOR} AND rowid < {(number + 1) * VECTOR} {_filled_up(table, rows)}"
        )
    con.execute(f"DELETE FROM {there} WHERE {_is_nothing(table)}")


def _read(portion: list[Group]) -> pa.Table:
    tables = []
    for group in portion:
        with pq.ParquetFile(group.path) as file:
            tables.append(file.read_row_group(group.number, use_threads=False))
    return pa.concat_tables(tables)


def has_wide(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database `t` has tables with wide rows."""
    return con.execute("SELECT 1 FROM t.ingest.wide LIMIT 1").fetchone() is not None


def keep_apart(con: duckdb.DuckDBPyConnection) -> None:
    """Row groups of few rows stay as they are."""
    con.execute("SET max_vacuum_tasks = 0")
