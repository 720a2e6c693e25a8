"""Damaged logs of AG2's own loggers in great numbers: no error, nothing lost, no other run touched, and an end."""

import json
import random
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ingest.cli import main
from ingest.lines import Bad
from ingest.sources import ag2_sqlite
from tests.ingest.tables import write_journal
from tests.ingest.test_ag2_logs import LOGGERS, record
from tests.ingest.test_fuzz import GOOD, alone, check, counted, damage

__all__ = ["alone"]

STARTED = b"Started new session with Session ID: 0ee1b1a2-6a5f-4f0c-9a51-1d6f2c3b4a59\n"
"""A line by which a log is known, whatever is damaged behind it."""

PAGE = 1024
"""Bytes of a page of the databases that are made here: small, so that few rows need many."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A real log of each of AG2's loggers."""
    found = {}
    for kind in LOGGERS:
        with pytest.MonkeyPatch.context() as monkeypatch:
            found[kind] = record(tmp_path_factory.mktemp(kind), kind, monkeypatch).log.read_bytes()
    return found


def checked(runs: Path) -> int:
    """Call `ingest check`, and give its exit code."""
    result = CliRunner().invoke(main, ["check", str(runs)])
    assert isinstance(result.exception, SystemExit | None), result.exc_info
    return result.exit_code


@pytest.mark.parametrize("kind", LOGGERS)
def test_whole_logs_are_checked(kind: str, runs: Path, logs: dict[str, bytes]) -> None:
    """They have no numbers and no end, and lack nothing; half a database is damaged."""
    name, source = LOGGERS[kind]
    (runs / name).write_bytes(logs[kind])
    result = CliRunner().invoke(main, ["check", str(runs), "--json"])
    said = json.loads(result.stdout)
    assert (result.exit_code, said["source"], said["faulty"], said["damage"]) == (0, source, False, [])
    (runs / name).write_bytes(logs[kind][: len(logs[kind]) // 2])
    assert checked(runs) == int(kind == "sqlite")  # the last line of a file may be still to come


SEEDS = [0, pytest.param(range(1, 25), marks=pytest.mark.slow)]


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_file_logs(
    seed: int | range, runs: Path, tmp_path: Path, logs: dict[str, bytes], alone: dict[str, list[Any]]
) -> None:
    """Every line is a row of `journal` or of `quarantine`, and is checked."""
    good = counted(write_journal(runs, "good", *GOOD).read_bytes())
    for number in seed if isinstance(seed, range) else (seed,):
        chance, lines = random.Random(number), 0
        for n in range(20):
            raw = STARTED + damage(logs["file"], chance)
            (runs / f"l{n}.log").write_bytes(raw)
            lines += counted(raw)
        check(runs, tmp_path / "traces", alone, lines + good)
        checked(runs)


def spoiled(raw: bytes, chance: random.Random) -> bytes:
    """A database with bytes of its pages changed, or whole pages that stand for others; or any damage."""
    if chance.randrange(4) == 0:
        return damage(raw, chance)
    spoiled = bytearray(raw)
    size = struct.unpack(">H", raw[16:18])[0]
    pages = len(raw) // size
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        page = chance.randrange(pages) * size
        fault = chance.randrange(4)
        if fault == 0:  # the page's own header, its list of cells
            at = page + chance.randrange(100 if page == 0 else 0, 140)
            spoiled[at] = chance.choice((0, 1, 2, 5, 10, 13, 255, spoiled[at] ^ 1))
        elif fault == 1:
            at = page + chance.randrange(size)
            spoiled[at] ^= 1 << chance.randrange(8)
        elif fault == 2:
            other = chance.randrange(pages) * size
            if page and other:
                spoiled[page : page + size] = spoiled[other : other + size]
        else:  # a number of a page, wherever it may stand
            at = page + chance.randrange(size - 4)
            spoiled[at : at + 4] = struct.pack(">I", chance.randrange(1, pages + 1))
    return bytes(spoiled)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_databases(
    seed: int | range, runs: Path, tmp_path: Path, logs: dict[str, bytes], alone: dict[str, list[Any]]
) -> None:
    """What can be read is read, the rest is told."""
    write_journal(runs, "good", *GOOD)
    for number in seed if isinstance(seed, range) else (seed,):
        chance = random.Random(number)
        for n in range(20):
            (runs / f"d{n}.db").write_bytes(spoiled(logs["sqlite"], chance))
        check(runs, tmp_path / "traces", alone, None)
        checked(runs)


def database(path: Path, columns: str = "source_name TEXT") -> int:
    """Make a database of 400 events, and give the first page of its table."""
    with closing(sqlite3.connect(path)) as con, con:
        con.execute(f"PRAGMA page_size = {PAGE}")
        con.execute(f"CREATE TABLE events(event_name TEXT, json_state TEXT, timestamp TEXT, {columns})")
        told = ("x", "s" * 200, "2026-01-01 00:00:00")
        con.executemany("INSERT INTO events(event_name, json_state, timestamp) VALUES (?, ?, ?)", [told] * 400)
        (root,) = con.execute("SELECT rootpage FROM sqlite_master").fetchone()
    return int(root)


def read(path: Path) -> tuple[int, list[str]]:
    """How many rows are read of a database, and what is wrong with it."""

    def items() -> Iterator[Any]:
        with path.open("rb") as file:
            yield from ag2_sqlite.read(file, {})

    found = list(items())
    bad = [item.error for item in found if isinstance(item, Bad)]
    return len(found) - len(bad), bad


def test_a_table_that_leads_back_to_its_beginning_ends(tmp_path: Path) -> None:
    """Of a tree whose branches all lead to the same leaf, that leaf is read once: levels of it would never end."""
    path = tmp_path / "d.db"
    page = (database(path) - 1) * PAGE
    raw = bytearray(path.read_bytes())
    assert raw[page] == 5  # it has branches
    (cells,) = struct.unpack(">H", raw[page + 3 : page + 5])
    places = struct.unpack(f">{cells}H", raw[page + 12 : page + 12 + 2 * cells])
    leaf = raw[page + places[0] : page + places[0] + 4]
    for place in places:
        raw[page + place : page + place + 4] = leaf
    raw[page + 8 : page + 12] = leaf
    path.write_bytes(raw)
    rows, bad = read(path)
    assert 0 < rows < 10
    assert bad == [f"the table events breaks off after {rows} rows: row 1 follows row {rows}"]


def branches(children: list[int], offset: int = 0) -> bytes:
    """A page of a table's tree that leads to these pages. Its header stands at `offset`."""
    cells = [struct.pack(">IB", child, number) for number, child in enumerate(children[:-1], 1)]
    content = b"".join(cells)
    places = [PAGE - len(content) + 5 * number for number in range(len(cells))]
    header = struct.pack(">BHHHBI", 5, 0, len(cells), PAGE - len(content), 0, children[-1])
    header += struct.pack(f">{len(cells)}H", *places)
    return header + bytes(PAGE - offset - len(header) - len(content)) + content


def test_a_list_of_tables_that_leads_back_to_itself_ends(tmp_path: Path) -> None:
    """Ten levels of fifty branches each to the same index: 50^10 entries, and one line that it can't be read."""
    path = tmp_path / "d.db"
    database(path, "source_name TEXT UNIQUE")
    raw = bytearray(path.read_bytes())
    pages = len(raw) // PAGE
    first, second = struct.unpack(">2H", raw[108:112])  # the cells of the table and of its index
    table, index = raw[first : first + 2 + raw[first]], raw[second : second + 2 + raw[second]]
    for cell in (table, index):
        assert len(cell) < 130  # so that its length is a byte
        place = PAGE - len(cell)
        raw += struct.pack(">BHHHBH", 13, 0, 1, place, 0, place) + bytes(place - 10) + cell
    for level in range(10):
        raw += branches([pages + 2 + level] * 50)
    raw[28:32] = struct.pack(">I", len(raw) // PAGE)
    raw[100:PAGE] = branches([pages + 1, len(raw) // PAGE], 100)
    path.write_bytes(raw)
    about: dict[str, Any] = {}
    with path.open("rb") as file:
        assert list(ag2_sqlite.read(file, about)) == []
    assert about["not_a_run"] == "a SQLite database that can't be read: interrupted"


@pytest.mark.parametrize(("columns", "rows"), [("rowid", 400), ("ROWID, _rowid_", 400), ("rowid, _rowid_, oid", 0)])
def test_columns_named_as_the_number_of_a_row(columns: str, rows: int, tmp_path: Path) -> None:
    """They are no numbers of rows; where they leave no name for those, the table is not read."""
    database(tmp_path / "d.db", columns)
    told = [] if rows else ["the table events is not read: its rows have no number"]
    assert read(tmp_path / "d.db") == (rows, told)
