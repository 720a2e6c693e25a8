"""`traces.duckdb`: a snapshot that readers may hold open for as long as they like.

DuckDB locks a file that another process holds open, so the old file is never written to. A new one is built beside it
and renamed over it; the rename is the moment at which an ingest has happened.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from typing import TypeVar

import duckdb

from ingest import schema
from ingest.budget import cores
from ingest.found import IngestError
from ingest.known import Former, Known, known_of
from ingest.sql import is_out_of_memory, quoted
from ingest.wide import VECTOR, copy_database, has_wide, keep_apart

T = TypeVar("T")

FILE = "traces.duckdb"
NEW = ".traces.duckdb.new"
COMPACT = ".traces.duckdb.compact"
COPY = ".traces.duckdb.copy"
STAGING = ".staging"
MEMORY = 300_000_000
"""Bytes that DuckDB may use, its temporary files aside."""

STORAGE_VERSION = "v1.2.0"
"""The oldest storage format with everything in it that is needed: what DuckDB 2 writes by itself, 1.5 can't open."""
HEADERS = 3 * 4096
"""Bytes of a database before its first block."""
_FULL = re.compile(r"(?i)no space left|file too large|could not write|failed to write|quota")
"""In what DuckDB says where a disk is full, also when it says once more that the new database is no good."""
_DAMAGE = re.compile(r"(?i)checksum|corrupt|could not read|failed to deserialize|invalidated|INTERNAL Error")
"""In what DuckDB says where a block of a file is not what it was."""
ROW_GROUP_SIZE = 16_384
"""Rows that are read or skipped together, an eighth of DuckDB's default: a question about one run reads few others, and
so many rows are held until they are compressed and written."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the machine DuckDB may take to make a new database.

    Attributes:
        memory: bytes; None for as much as it takes.
        row_group: rows that are held until they are compressed and written.
        threads: None for one for each core.
    """

    memory: int | None = MEMORY
    row_group: int = ROW_GROUP_SIZE
    threads: int | None = None

    @classmethod
    def wide(cls, largest: int | None) -> "Room":
        """For wide rows of which so many bytes are stored at a time; None for as much memory as it takes.

        They are held once as they come and once as they are packed, and by each thread that reads them.
        """
        return cls(None if largest is None else MEMORY + 2 * largest, VECTOR, 1)


_STATE = """
    CREATE SCHEMA ingest;
    CREATE TABLE ingest.version (schema_version INTEGER);
    CREATE TABLE ingest.sources (
        path VARCHAR, stamp VARCHAR, run_id VARCHAR, status VARCHAR, format VARCHAR, records BIGINT, bad BIGINT,
        torn BIGINT, damage VARCHAR, identity VARCHAR, text BIGINT
    );
    CREATE TABLE ingest.wide (table_name VARCHAR);
    CREATE TABLE ingest.last_rows (table_name VARCHAR, rows BIGINT, bytes BIGINT);
    CREATE TABLE ingest.parquet (table_name VARCHAR, day VARCHAR, file VARCHAR, low VARCHAR);
"""


class Snapshot:
    """The database of one `traces` folder.

    Args:
        out: the folder.
    """

    def __init__(self, out: str) -> None:
        self.out = out
        self.path = os.path.join(out, FILE)
        self._new = os.path.join(out, NEW)
        self._compact = os.path.join(out, COMPACT)

    def known(self) -> list[Known] | None:
        """What is in it, or None where there is none that this version of the package can go on with.

        Raises:
            IngestError: there is a file of that name that is no database, is damaged, or was not made by an ingest.
        """
        if not os.path.exists(self.path):
            return None
        with self.opened() as con:
            return known_of(con) if self._version(con) == schema.VERSION else None

    def former(self) -> Former | None:
        """What is in it where another version of this package made it. Called where `known` gives None."""
        if not os.path.exists(self.path):
            return None
        with self.opened() as con:
            version = self._version(con)
            if version is None:
                return None
            tables = con.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 't' AND schema_name != 'ingest'"
            ).fetchall()
            return Former(version, known_of(con), [name for (name,) in tables if name not in schema.TABLES])

    def _version(self, con: duckdb.DuckDBPyConnection) -> int | None:
        """The version of the tables, 0 where it is not told, None where the database is empty."""
        try:
            found = con.execute("SELECT schema_version FROM t.ingest.version").fetchone()
            return int(found[0]) if found and found[0] is not None else 0
        except duckdb.CatalogException:
            if con.execute("SELECT 1 FROM duckdb_tables() WHERE database_name = 't'").fetchone() is None:
                return None
            raise IngestError(
                f"{self.path}: a DuckDB database that ingest did not make; move it away, or choose another --out"
            ) from None

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection on which the present database is attached as `t`, read-only.

        Raises:
            IngestError: the file is no database, or a damaged one, which may show when it is read.
        """
        copy = os.path.join(self.out, COPY)
        try:
            with duckdb.connect() as con:
                try:
                    con.execute(f"ATTACH {quoted(self.path)} AS t (READ_ONLY, TYPE duckdb)")
                except duckdb.Error as error:
                    if not _is_database(self.path):
                        reason = str(error).splitlines()[0]
                        raise IngestError(f"{self.path}: not a DuckDB database ({reason}); move it away") from None
                    # Somebody has it open for writing, as DuckDB's own shell does by default, and so holds its lock.
                    # The lock is on the file, not on what is in it.
                    shutil.copyfile(self.path, copy)
                    con.execute(f"ATTACH {quoted(copy)} AS t (READ_ONLY, TYPE duckdb)")
                self._check_size(con)
                yield con
        except duckdb.Error as error:
            raise self._unreadable(str(error).splitlines()[0]) from error
        finally:
            remove(copy)

    def _check_size(self, con: duckdb.DuckDBPyConnection) -> None:
        """A file that was cut off opens all the same. Free blocks at its end may never have been written."""
        query = "SELECT path, block_size * used_blocks FROM pragma_database_size(), duckdb_databases() AS d "
        found = con.execute(
            query + "WHERE pragma_database_size.database_name = 't' AND d.database_name = 't'"
        ).fetchone()
        missing = found[1] + HEADERS - os.path.getsize(found[0]) if found else 0
        if missing > 0:
            raise self._unreadable(f"{missing:,} bytes are missing at its end")

    def _unreadable(self, reason: str) -> IngestError:
        return IngestError(f"{self.path}: can't be read ({reason}); where it is damaged, move it away and ingest")

    @contextmanager
    def damage_told(self) -> Iterator[None]:
        """What to do is said where damage shows while new tables are made from the present ones.

        Raises:
            IngestError: in place of one that only says what DuckDB found.
        """
        try:
            yield
        except IngestError as error:
            cause = error.__cause__
            if isinstance(cause, duckdb.Error) and is_damage(cause):
                raise self._unreadable(str(cause).splitlines()[0]) from cause
            raise

    def begin(self, fresh: bool, room: Room | None = None) -> duckdb.DuckDBPyConnection:
        """A connection to a new database `t`, a copy of the present one, or empty.

        Args:
            fresh: start empty.
            room: how much DuckDB may take for it; by default what is enough for rows of usual length.

        Raises:
            IngestError: the present one can't be copied, as on a full disk.
        """
        self.discard()
        if not fresh:
            try:
                shutil.copyfile(self.path, self._new)
            except OSError as error:
                reason = error.strerror or error
                raise IngestError(f"{self.path}: can't be copied, {reason}; the tables are as they were") from None
        con = duckdb.connect()
        try:
            self._prepare(con, fresh, room or Room())
        except BaseException:
            con.close()
            raise
        return con

    def _prepare(self, con: duckdb.DuckDBPyConnection, fresh: bool, room: Room) -> None:
        spill = os.path.join(self.out, STAGING, "spill")
        os.makedirs(os.path.dirname(spill), exist_ok=True)  # DuckDB makes the last folder
        con.execute(f"SET temp_directory = {quoted(spill)}")
        if room.memory is not None:
            con.execute(f"SET memory_limit = '{room.memory}B'")
        con.execute(f"SET threads = {room.threads or cores()}")
        for setting in ("async_threads = 0", "write_buffer_row_group_count = 1"):
            with suppress(duckdb.CatalogException):  # DuckDB 1 has no such settings
                con.execute(f"SET {setting}")
        _attach_new(con, self._new, "t", room.row_group)
        con.execute("USE t")
        if not fresh and has_wide(con):
            keep_apart(con)
        con.execute("BEGIN")
        if fresh:
            con.execute(_STATE)
            for table in schema.TABLES.values():
                con.execute(table.ddl)
            con.execute("INSERT INTO ingest.version VALUES (?)", [schema.VERSION])
        views = resources.files("ingest").joinpath("views.sql").read_text(encoding="utf-8")
        con.execute(views.replace("create view", "create or replace view"))

    def replaced(
        self,
        fresh: bool,
        room: Room,
        fill: Callable[[duckdb.DuckDBPyConnection, Room], T],
        compact: bool = False,
        kept: str | None = None,
    ) -> T:
        """Put a new database in place of the present one. Where memory is too little, it is made again in as much as it
        takes.

        Args:
            fresh, room: see `begin`.
            fill: makes of the new database what it is to be; what it gives is given back.
            compact, kept: see `commit`.

        Raises:
            IngestError: it could not be done, and the present one is as it was.
        """
        try:
            con = self.begin(fresh, room)
            try:
                result = fill(con, room)
                self.commit(con, compact, kept)
                return result
            finally:
                con.close()
        except duckdb.Error as error:
            if room.memory is not None and is_out_of_memory(error):
                return self.replaced(fresh, Room.wide(None), fill, compact, kept)
            raise IngestError(f"{self.path}: {str(error).splitlines()[0]}; the tables are as they were") from error

    def spare(self, version: int) -> str:
        """A name beside it under which the present database can be kept; no other file has it."""
        number = 1
        while True:
            path = f"{self.path}.v{version}" + (f".{number}" if number > 1 else "")
            # an ingest that was killed may have kept it already
            if not os.path.lexists(path) or (os.path.exists(path) and os.path.samefile(path, self.path)):
                return path
            number += 1

    def commit(self, con: duckdb.DuckDBPyConnection, compact: bool = False, kept: str | None = None) -> None:
        """Make the new database the present one, with the permissions of the one before.

        Args:
            con: the connection that `begin` gave.
            compact: write it once more without the room of what was removed, which DuckDB keeps for what will come.
            kept: where the old one is kept, from `spare`.
        """
        con.execute("COMMIT")
        con.execute("CHECKPOINT t")
        con.execute("USE memory")
        if compact:
            _attach_new(con, self._compact, "compact", ROW_GROUP_SIZE)
            copy_database(con, "compact")
            con.execute("DETACH compact")
        con.execute("DETACH t")
        con.close()
        if compact:
            os.replace(self._compact, self._new)
        with open(self._new, "rb+") as file:
            os.fsync(file.fileno())
        if kept is not None and not os.path.exists(kept):
            self._keep(kept)
        with suppress(OSError):  # there is none yet, or the file system has no permissions
            shutil.copymode(self.path, self._new)
        try:
            os.replace(self._new, self.path)
        except PermissionError:  # Windows does not rename over an open file
            raise IngestError(f"{self.path}: a reader keeps it open; close it and ingest again") from None
        sync_folder(self.out)

    def _keep(self, path: str) -> None:
        try:
            os.link(self.path, path)
        except OSError:  # not every file system has links
            copy = os.path.join(self.out, COPY)
            shutil.copyfile(self.path, copy)
            os.rename(copy, path)

    def discard(self) -> None:
        """Remove what a killed or failed ingest left."""
        for new in (self._new, self._compact):
            remove(new)
            remove(f"{new}.wal")
        remove(os.path.join(self.out, COPY))


def _attach_new(con: duckdb.DuckDBPyConnection, path: str, name: str, row_group: int) -> None:
    """Attach a database that is being made. It needs no log: what is not finished is thrown away."""
    options = f"STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {row_group}"
    try:
        con.execute(f"ATTACH {quoted(path)} AS {name} ({options}, RECOVERY_MODE no_wal_writes)")
    except duckdb.BinderException:  # DuckDB 1.4 writes it always
        con.execute(f"ATTACH {quoted(path)} AS {name} ({options})")


def remove(path: str) -> None:
    """Remove a file of the tables' folder, where there is one. Raises IngestError where something else stands there."""
    try:
        if os.path.lexists(path):
            os.remove(path)
    except OSError as error:
        raise IngestError(f"{path}: can't be removed, {error.strerror}; move it away and ingest again") from None


def is_damage(error: duckdb.Error) -> bool:
    """Whether DuckDB says that a block of a file is not what it was, and not that a disk is full."""
    return bool(_DAMAGE.search(str(error))) and not _FULL.search(str(error))


def _is_database(path: str) -> bool:
    """Whether it is a file that begins as DuckDB's do: after a checksum of 8 bytes stands their name."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(12)[8:] == b"DUCK"


def sync_folder(path: str) -> None:
    """Make renames in a folder last through a power cut, where the system can."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
