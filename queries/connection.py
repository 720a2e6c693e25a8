"""Opens what `ingest` made, read-only, in a way that stands in nobody's way.

A connection to the file itself would keep DuckDB's one instance of it alive for this whole process, so that a later
connection would still read the old file after a new snapshot was renamed over it. Attaching the file to a database in
memory does not: each connection sees the snapshot of the moment it was made.
"""

import atexit
import os
import re
import shutil
import tempfile
import uuid
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from queries.errors import QueryError, first_line

DATABASE = "traces.duckdb"
PARQUET = "parquet"
ATTACHED = "traces"
"""The name that a connection knows the database by."""

OLDER = "the tables are of an older version of ingest: ingest again"


def connect(path: str | Path = "traces") -> duckdb.DuckDBPyConnection:
    """A connection on which the tables and views are visible by their plain names and can't be changed.

    It is a database in memory besides, with all that DuckDB can do: it reads other files and Python's variables, and
    `COPY ... TO` and `ATTACH` write files where they are told to. `SET enable_external_access = false` ends that, for
    SQL that is not trusted.

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


def _in_memory() -> duckdb.DuckDBPyConnection:
    """A database in memory. What does not fit there goes to the system's folder for such files, and not, as is DuckDB's
    way, to the current one."""
    con = duckdb.connect()
    con.execute(f"set temp_directory = {_quoted(os.path.join(_spill_folder(os.getpid()), uuid.uuid4().hex))}")
    return con


@cache
def _spill_folder(process: int) -> str:
    """A folder for this process, which its user alone may read, as the runs are. It is gone when the process ends."""
    folder = tempfile.mkdtemp(prefix="ag2-journal-")

    def remove() -> None:
        if os.getpid() == process:  # not at the end of a child that has the same folder noted
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _attach(file: Path) -> duckdb.DuckDBPyConnection:
    con = _in_memory()
    try:
        con.execute(f"attach {_quoted(str(file))} as {ATTACHED} (read_only, type duckdb)")  # ATTACH takes no parameter
    except duckdb.Error as error:
        con.close()
        raise QueryError(f"{str(file)!r} can't be opened: {first_line(error)}") from error
    con.execute(f"use {ATTACHED}")
    try:
        con.execute("select run_id from runs limit 0")
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        con.close()
        raise QueryError(
            f"{str(file)!r} is no database that ingest made, it has no table of runs: "
            "give the folder that `ingest <your runs> --out FOLDER` made"
        ) from error
    return con


def _over_parquet(folder: Path) -> duckdb.DuckDBPyConnection:
    """Views over the Parquet files. They carry the types of the tables; a table without any row has a file, too."""
    from ingest.schema import TABLES

    missing = [table.name for table in TABLES.values() if not any(folder.glob(f"{table.name}/**/*.parquet"))]
    if missing:
        raise QueryError(f"{str(folder)!r} is not whole, it has no Parquet files of {', '.join(missing)}: ingest again")
    con = _in_memory()
    try:
        # what `SET enable_external_access = false` leaves
        con.execute(f"set allowed_directories = [{_quoted(str(folder.absolute()))}, {_quoted(str(folder))}]")
        con.execute("create schema ingest")
        for table in TABLES.values():
            columns = ", ".join(f'"{column.name}"::{column.type} as "{column.name}"' for column in table.columns)
            paths = f"{_literal(folder / table.name)}/**/*.parquet"  # a view takes no parameter
            con.execute(
                f"create view {table.stored} as select {columns} "
                f"from read_parquet({_quoted(paths)}, hive_partitioning = false)"
            )
        con.execute((files("ingest") / "views.sql").read_text(encoding="utf-8"))
    except duckdb.BinderException as error:
        con.close()
        raise QueryError(f"{str(folder)!r}: {OLDER} ({first_line(error)})") from error
    except duckdb.Error as error:
        con.close()
        raise QueryError(f"{str(folder)!r} can't be read: {first_line(error)}") from error
    return con


def _literal(path: Path) -> str:
    """The path as a pattern that names it alone, whatever characters it has."""
    return re.sub(r"[*?[]", r"[\g<0>]", str(path))


def _quoted(text: str) -> str:
    """The text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"
