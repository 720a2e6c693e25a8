"""The database of AG2's own SQLite logger: `autogen.runtime_logging.start(logger_type="sqlite")`.

A row of any of its tables is a record, and the tables are read side by side in the order of time. Sessions that were
logged to the same database are one run, because AG2 does not say to which session an event or a function call belongs.
From where a session begins, what is logged is a conversation of its own.

The database is copied before it is opened: SQLite follows links, and opens what lies beside a database.
"""

import contextlib
import errno
import heapq
import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any

from ingest.ag2_logs import Data, Secrets, nanoseconds, translate
from ingest.found import BESIDE
from ingest.lines import MAX_LINE, Bad, Record, decode, encode
from ingest.regular import open_regular
from ingest.scratch import scratch_folder, scratch_in_folder

MAGIC = b"SQLite format 3\0"

TABLES = ("version", "oai_wrappers", "oai_clients", "agents", "events", "chat_completions", "function_calls")
"""AG2's tables. Of rows of the same time, those of an earlier one come first."""

_TELLING = frozenset(TABLES[3:])
"""Without any of these a database is not AG2's."""

_CONFIGURED = frozenset(TABLES[1:4])
"""The tables that hold what something was configured with, keys and passwords among it."""

STEPS, MAX_TURNS = 10_000, 1_000
"""Steps of SQLite's machine between two looks at it, and looks: what it may take to find the tables. AG2's take some
hundred steps; a damaged list of tables may lead back to itself, and has no end.
"""

_ROWIDS = ("rowid", "_rowid_", "oid")
"""What SQLite calls the number of a row. A column of the same name hides it."""

TRIES = 5

_FOREIGN = "a SQLite database without the tables of AG2's logger"

_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""The end of a `-journal` that names a further file, which SQLite would read and remove. AG2's has none."""

_BROKEN = (sqlite3.Error, UnicodeError, MemoryError)
"""What a damaged database raises. Names in it, and messages that quote them, need not be UTF-8."""

GLIMPSE = 1024 * 1024
"""Bytes at the beginning of a database that mostly tell what tables it has."""

BLOCK = 1024 * 1024
"""Bytes that are copied at a time."""

ROOM = 1024 * 1024
"""Bytes that SQLite may want for what it keeps beside the copy."""


@dataclass(slots=True)
class _Row:
    table: str
    values: Data


def recognise(head: bytes) -> bool:
    """Any SQLite database. Whether it has AG2's tables shows when it is read."""
    return head.startswith(MAGIC)


def read(file: IO[bytes], about: dict[str, Any]) -> Iterator[Record | Bad]:
    """Read every row of AG2's tables.

    Args:
        file: the database.
        about: receives `sessions`, the ids of AG2's logging sessions, and `not_a_run` with the reason where the file
            is no database of AG2's, nothing is yielded then; and `damaged` where nobody can tell whether it was.
    """
    with scratch_folder() as folder:
        path = os.path.join(folder, "copy.db")
        if _is_foreign(file, path):
            about["not_a_run"] = _FOREIGN
            return
        _copy(file, path)
        with closing(sqlite3.connect(path)) as con:
            try:
                tables = _prepare(con)
            except _BROKEN as error:
                _check_room(os.path.join(folder, "room"))
                about["not_a_run"], about["damaged"] = f"a SQLite database that can't be read: {error}", True
                return
            if not _TELLING & tables.keys():
                about["not_a_run"] = _FOREIGN
                return
            yield from _records(con, tables, about)


def _is_foreign(file: IO[bytes], path: str) -> bool:
    """Whether the beginning of a database tells that it has no tables of AG2's: a large one is not copied then.

    Args:
        file: the database.
        path: where a file with its beginning may stand for a moment.
    """
    name = getattr(file, "name", None)
    if not isinstance(name, str) or any(os.path.lexists(name + ending) for ending in BESIDE):
        return False  # what stands beside it may say more
    with scratch_in_folder(path) as beginning:
        beginning.write(file.read(GLIMPSE))
        beginning.truncate(os.fstat(file.fileno()).st_size)  # as long as SQLite expects it, with a hole for the rest
    try:
        with closing(sqlite3.connect(path)) as con:
            return not _TELLING & _prepare(con).keys()
    except _BROKEN:
        return False
    finally:
        os.remove(path)


def _copy(file: IO[bytes], path: str) -> None:
    """Copy a database, with what was committed and stands beside it yet, or is half done and to be undone.

    Where it changes meanwhile it is copied again, a few times. Beside an archive nothing belongs to what is in it.
    """
    name = getattr(file, "name", None)
    for _ in range(TRIES):
        before = [_looks(f"{name}{ending}") for ending in ("", *BESIDE)] if isinstance(name, str) else []
        file.seek(0)
        with scratch_in_folder(path) as copy:
            if not isinstance(name, str) or not hasattr(os, "SEEK_DATA"):
                shutil.copyfileobj(file, copy, BLOCK)
            else:
                _copy_data(file, copy)
        if not isinstance(name, str):
            return
        for ending in BESIDE:
            _copy_beside(name + ending, path + ending)
        if before == [_looks(f"{name}{ending}") for ending in ("", *BESIDE)]:
            return


def _copy_data(file: IO[bytes], copy: IO[bytes]) -> None:
    """Copy a file, and its holes as holes: a huge one may hold little."""
    size, place = os.fstat(file.fileno()).st_size, os.lseek(file.fileno(), 0, os.SEEK_CUR)
    with open(os.dup(file.fileno()), "rb", 0) as source:  # beside the file's buffer, which is told nothing of it
        for start, end in _data(source.fileno(), size):
            source.seek(start)
            copy.seek(start)
            while start < end and (block := source.read(min(BLOCK, end - start))):
                copy.write(block)
                start += len(block)
    os.lseek(file.fileno(), place, os.SEEK_SET)
    copy.truncate(size)


def _data(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Where the data of a file begin and end, between its holes."""
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # the file system knows of no holes
                yield end, size
            return  # nothing but a hole follows
        yield start, end


def _copy_beside(source: str, path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)
    with contextlib.suppress(OSError), open_regular(source) as beside:
        with scratch_in_folder(path) as copy:
            shutil.copyfileobj(beside, copy, BLOCK)
            size = copy.tell()
        beside.seek(max(0, size - len(_NAMES_ANOTHER)))
        if beside.read() == _NAMES_ANOTHER:
            os.remove(path)


def _looks(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _prepare(con: sqlite3.Connection) -> dict[str, list[str]]:
    """AG2's tables with their columns, on a connection that runs nothing that the database brings along.

    Only ordinary tables count: a view or a virtual table could run for ever. Generated columns are not listed.
    """
    con.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    con.execute("PRAGMA query_only = ON")
    con.execute("PRAGMA trusted_schema = OFF")
    if hasattr(con, "setlimit"):  # Python 3.11
        con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_LINE)
    turns = itertools.count()
    con.set_progress_handler(lambda: next(turns) >= MAX_TURNS, STEPS)
    ordinary = con.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
    present = {name for (name,) in ordinary if name in TABLES}
    tables = {
        name: [column[1] for column in con.execute(f'PRAGMA table_info("{name}")')]
        for name in TABLES
        if name in present
    }
    con.set_progress_handler(None, 0)
    return tables


def _records(con: sqlite3.Connection, tables: dict[str, list[str]], about: Data) -> Iterator[Record | Bad]:
    secrets = Secrets()
    sessions: dict[str, None] = {}
    about["sessions"] = sessions
    broken: list[str] = []
    streams = [_rows(con, number, name, tables[name], broken) for number, name in enumerate(TABLES) if name in tables]
    place = 0
    for place, (_, _, _, row) in enumerate(heapq.merge(*streams, key=lambda entry: entry[:3]), 1):
        values = _without_secrets(row, secrets)
        if isinstance(session := values.get("session_id"), str):
            sessions.setdefault(session)
        data = translate(row.table, values)
        if len(sessions) > 1:
            data["in_chat"] = next(reversed(sessions))
        yield Record(data, encode({"table": row.table, **values}), place, 0)
    for number, error in enumerate(broken, 1):
        yield Bad(error, b"", place + number, 0)


def _rows(
    con: sqlite3.Connection, number: int, table: str, columns: list[str], broken: list[str]
) -> Iterator[tuple[int, int, int, _Row]]:
    """The rows of one table as (time, number of the table, number of the row, row).

    AG2 adds rows as things happen, so that each table is in order already. Where it breaks off, `broken` says so. A
    damaged table may lead back to rows that it gave before, without end: their numbers tell.
    """
    time = count = 0
    last = -(2**63) - 1
    number_of_row = next((name for name in _ROWIDS if name not in {column.lower() for column in columns}), None)
    if number_of_row is None:
        broken.append(f"the table {table} is not read: its rows have no number")
        return
    names = ", ".join('"' + column.replace('"', '""') + '"' for column in columns)
    try:
        query = f'SELECT {number_of_row}, {names} FROM "{table}" NOT INDEXED ORDER BY {number_of_row}'
        for here, *values in con.execute(query):
            if here <= last:
                broken.append(f"the table {table} breaks off after {count} rows: row {here} follows row {last}")
                return
            last = here
            row = {name: _json_value(value) for name, value in zip(columns, values, strict=True)}
            time = nanoseconds(row.get("end_time") or row.get("timestamp")) or time
            yield time, number, count, _Row(table, row)
            count += 1
    except _BROKEN as error:
        broken.append(f"the table {table} breaks off after {count} rows: {error}")


def _check_room(path: str) -> None:
    """Raises IngestError where a full disk may be why SQLite can't read the copy. `path`: of a file to try it with."""
    with scratch_in_folder(path) as file:
        file.write(bytes(ROOM))


def _json_value(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _without_secrets(row: _Row, secrets: Secrets) -> Data:
    values = row.values
    if row.table in _CONFIGURED and isinstance(values.get("init_args"), str):
        try:
            values["init_args"] = encode(secrets.mask(decode(values["init_args"].encode())[0]))
        except ValueError:
            pass  # no JSON: there are no names in it to go by
    return {name: secrets.clean(value) if isinstance(value, str) else value for name, value in values.items()}
