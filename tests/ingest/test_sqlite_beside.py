"""What SQLite keeps beside a database belongs to it: rows that are committed, and those that are to be undone."""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ingest.regular import open_regular
from ingest.sources import ag2_sqlite
from tests.ingest.conftest import Ingest
from tests.ingest.tables import Tables


def insert(con: sqlite3.Connection, *texts: str) -> None:
    """Log messages as AG2's logger does."""
    con.execute("CREATE TABLE IF NOT EXISTS events (event_name TEXT, source_name TEXT, json_state TEXT)")
    for text in texts:
        state = json.dumps({"message": text, "sender": "a"})
        con.execute("INSERT INTO events VALUES ('received_message', 'b', ?)", [state])


def said(tables: Tables) -> list[str]:
    """What was said, in order."""
    return [row["content"] for row in tables.sql("SELECT content FROM messages ORDER BY message_order")]


def test_rows_in_the_wal_are_read(runs: Path, ingested: Ingest) -> None:
    """They are committed; more of them change the stamp, which is otherwise the same. The database is not touched."""
    with closing(sqlite3.connect(runs / "logs.db")) as con:
        con.execute("PRAGMA journal_mode = WAL")
        insert(con, "one")
        con.commit()
        before = (runs / "logs.db").stat()
        assert said(ingested(runs)) == ["one"]
        assert ingested(runs).summary.unchanged == 1
        insert(con, "two")
        con.commit()
        assert (runs / "logs.db").stat().st_mtime_ns == before.st_mtime_ns
        assert said(ingested(runs)) == ["one", "two"]


def test_a_transaction_that_was_not_finished_is_undone(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """A journal beside the database says how, as after a crash in the midst of writing."""
    path = tmp_path / "logs.db"
    with closing(sqlite3.connect(path)) as con:
        insert(con, "one")
        con.commit()
        con.execute("PRAGMA cache_size = 1")
        insert(con, *(f"{n} {'x' * 3000}" for n in range(50)))
        con.execute("PRAGMA cache_spill = 1")
        for name in ("logs.db", "logs.db-journal"):
            shutil.copy(tmp_path / name, runs / name)
    assert (runs / "logs.db").stat().st_size > 20_000
    tables = ingested(runs)
    assert (said(tables), tables.summary.quarantine_rows) == (["one"], 0)


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_link_beside_a_database_is_not_followed(ending: str, runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Nor is a journal used that names a further file, which SQLite would remove."""
    with closing(sqlite3.connect(runs / "logs.db")) as con:
        insert(con, "one")
        con.commit()
    (tmp_path / "secret").write_bytes(b"x" * 100)
    (runs / f"logs.db{ending}").symlink_to(tmp_path / "secret")
    assert said(ingested(runs)) == ["one"]
    copy = tmp_path / "copy.db-journal"
    (tmp_path / "other-journal").write_bytes(b"x" * 100 + ag2_sqlite._NAMES_ANOTHER)
    ag2_sqlite._copy_beside(str(tmp_path / "other-journal"), str(copy))
    assert not copy.exists()


def test_a_database_is_copied_with_its_holes(tmp_path: Path) -> None:
    """Wherever they are, however much of it a buffer holds, and what is read of it afterwards is as before."""
    chance = random.Random(7)
    source, copy = tmp_path / "source", tmp_path / "copy"
    for _ in range(20):
        with source.open("wb") as file:
            size = chance.randint(0, 3_000_000)
            for _ in range(chance.randint(0, 6)):
                file.seek(chance.randint(0, size))
                file.write(chance.randbytes(chance.randint(0, 400_000)))
            file.truncate(max(size, file.tell()))
        content = source.read_bytes()
        with open_regular(str(source)) as file, copy.open("wb") as target:
            file.read(chance.choice([0, 16, 1000, 70_000]))
            place = file.tell()
            ag2_sqlite._copy_data(file, target)
            assert file.read() == content[place:]
        assert copy.read_bytes() == content


def test_a_database_that_is_longer_than_its_beginning(runs: Path, ingested: Ingest) -> None:
    """All of its rows are read, in order."""
    texts = [f"{number} " + "x" * 1000 for number in range(4000)]
    with closing(sqlite3.connect(runs / "logs.db")) as con:
        insert(con, *texts)
        con.commit()
    assert said(ingested(runs)) == texts
