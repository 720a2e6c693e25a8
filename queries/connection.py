"""Opens what `ingest` made, read-only, in a way that stands in nobody's way.

A connection to the file itself would keep DuckDB's one instance of it alive for this whole process, so that a later
connection would still read the old file after a new snapshot was renamed over it. Attaching the file to a database in
memory does not: each connection sees the snapshot of the moment it was made.
"""

from importlib.resources import files
from pathlib import Path

import duckdb

from queries.errors import QueryError

DATABASE = "traces.duckdb"
PARQUET = "parquet"


def connect(path: str | Path = "traces") -> duckdb.DuckDBPyConnection:
    """A connection on which the tables and views are visible by their plain names and can't be changed.

    Args:
        path: the folder that `ingest` wrote, its `traces.duckdb`, or a folder with a folder of Parquet files per table.

    Raises:
        QueryError: there is nothing of the kind at `path`, or it can't be read.
    """
    path = Path(path)
    if path.is_file():
        return _attach(path)
    if (path / DATABASE).is_file():
        return _attach(path / DATABASE)
    for folder in (path / PARQUET, path):
        if any(folder.glob("runs/**/*.parquet")):
            return _over_parquet(folder)
    found = "it holds no traces.duckdb" if path.is_dir() else "there is no such folder"
    raise QueryError(f"{str(path)!r} is no traces folder, {found}: make one with `ingest <your runs> --out {path}`")


def _attach(file: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    name = str(file).replace("'", "''")  # ATTACH takes no parameter
    try:
        con.execute(f"attach '{name}' as traces (read_only)")
    except duckdb.Error as error:
        con.close()
        raise QueryError(f"{str(file)!r} can't be opened: {str(error).splitlines()[0]}") from error
    con.execute("use traces")
    return con


def _over_parquet(folder: Path) -> duckdb.DuckDBPyConnection:
    """Views over the Parquet files. They carry the types of the tables; a table without any row has no file."""
    from ingest.schema import TABLES

    con = duckdb.connect()
    try:
        con.execute("create schema ingest")
        for table in TABLES.values():
            columns = ", ".join(f'"{column.name}"::{column.type} as "{column.name}"' for column in table.columns)
            glob = str(folder / table.name / "**" / "*.parquet").replace("'", "''")  # a view takes no parameter
            rows = f"read_parquet('{glob}', hive_partitioning = false)"
            if not any(folder.glob(f"{table.name}/**/*.parquet")):
                empty = ", ".join(f'null as "{column.name}"' for column in table.columns)
                rows = f"(select {empty}) where false"
            con.execute(f"create view {table.stored} as select {columns} from {rows}")
        con.execute((files("ingest") / "views.sql").read_text(encoding="utf-8"))
    except duckdb.Error as error:
        con.close()
        raise QueryError(f"{str(folder)!r} can't be read: {str(error).splitlines()[0]}") from error
    return con
