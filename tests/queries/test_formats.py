"""The table on a terminal, and cells of every kind in every format."""

import json
import os
from io import StringIO
from unicodedata import east_asian_width

import duckdb
import pytest

from queries.formats import FORMATS, write, write_table


class Terminal(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def written(form: str, sql: str, *values: object, out: StringIO | None = None) -> str:
    """What a statement's rows look like in a format."""
    out = out or StringIO()
    con = duckdb.connect()
    assert write(con.execute(sql, list(values)), form, out) > 0
    return out.getvalue()


def places(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def test_a_table_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the widest columns are cut until a row fits into a line; into a pipe they are not."""
    monkeypatch.setitem(os.environ, "COLUMNS", "70")
    names, kinds, rows = ["short", "text", "number"], ["VARCHAR", "VARCHAR", "BIGINT"], [("a", "word " * 30, 7)] * 3
    terminal, pipe = Terminal(), StringIO()
    write_table(names, kinds, rows, terminal)
    write_table(names, kinds, rows, pipe)
    assert {len(line) for line in terminal.getvalue().splitlines()} == {70}
    assert {len(line) for line in pipe.getvalue().splitlines()} == {5 + 2 + 60 + 2 + 6}
    monkeypatch.setitem(os.environ, "COLUMNS", "10")
    narrow = Terminal()
    write_table(names, kinds, rows, narrow)
    assert narrow.getvalue().splitlines()[2] == "a      word wo…       7"


def test_wide_characters_keep_their_columns() -> None:
    """Characters that take two places, and marks that take none, do not shift the columns after them."""
    out = StringIO()
    write_table(["a", "b"], ["VARCHAR", "VARCHAR"], [("工程师", "x"), ("e\u0301", "x"), ("工" * 40, "x")], out, 20)
    lines = out.getvalue().splitlines()
    assert [places(line) - line.count("\u0301") for line in lines[2:]] == [20 + 2 + 1] * 3
    assert all(line.endswith("x") for line in lines[2:])


@pytest.mark.parametrize("form", FORMATS)
def test_every_kind_of_value(form: str) -> None:
    """Numbers, times, lists, structs, JSON, bytes and NULL can be written in each format."""
    con = duckdb.connect()
    con.execute(
        """select 1::hugeint a, 2.5::decimal(3, 1) b, 'nan'::double c, 1e300 d, true e, null f, [1, null] g,
        {'x': [1]} h, '{"y": null}'::json i, 'z'::blob j, timestamp '2026-01-01 00:00:00.5' k, interval 1 day l,
        map {'m': 1} m, uuid() n, 'infinity'::timestamp o"""
    )
    out = StringIO()
    write(con, form, out)
    assert out.getvalue().endswith("\n")
    if form == "json":
        (record,) = json.loads(out.getvalue(), parse_constant=pytest.fail)
        assert (record["a"], record["c"], record["g"], record["i"]) == (1, None, [1, None], {"y": None})
        assert record["k"] == "2026-01-01T00:00:00.500000"


@pytest.mark.parametrize(
    ("form", "text"), [("table", "a\n-\n"), ("csv", "a\n"), ("json", "[]\n"), ("md", "| a |\n| ---: |\n")]
)
def test_no_rows(form: str, text: str) -> None:
    """Without rows there is still a heading, and JSON is still a list."""
    con = duckdb.connect()
    con.execute("select 1 as a where false")
    out = StringIO()
    write(con, form, out)
    assert out.getvalue() == text


def test_null_and_empty_text_differ_in_csv() -> None:
    """An empty text is quoted, NULL is not."""
    con = duckdb.connect()
    con.execute("select '' as a, null as b, 'x,y' as c, 'say \"no\"' as d")
    out = StringIO()
    write(con, "csv", out)
    assert out.getvalue() == 'a,b,c,d\n"",,"x,y","say ""no"""\n'


HIDDEN = "a\x1b[2J\x9b2J\u202eb\u200bc\xad\ufeff\U000e0041d\x00"
"""Characters that a terminal acts on, or does not show."""


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_nothing_acts_on_a_terminal(form: str) -> None:
    """Controls, marks that turn the writing and characters that are not seen are escapes, and JSON still holds them."""
    text = written(form, "select $1 as name", HIDDEN)
    assert all(character.isprintable() or character == "\n" for character in text)
    if form == "json":
        assert json.loads(text) == [{"name": HIDDEN}]


def test_csv_is_whole_for_programs_and_safe_for_a_terminal() -> None:
    """CSV gives every character back, but to a terminal it shows escapes."""
    assert written("csv", "select $1 as name", HIDDEN) == f'name\n"{HIDDEN}"\n'
    assert written("csv", "select $1 as name", HIDDEN, out=Terminal()).splitlines()[1].isprintable()


def test_marks_over_a_character_take_no_place() -> None:
    """Accents, variation selectors and joiners do not shift the columns after them."""
    lines = written("table", "select * from (values ('e\u0301\ufe0f', 'x'), ('ab', 'y')) as t (a, b)").splitlines()
    assert lines[2].replace("\u0301", "").replace("\ufe0f", "").index("x") == lines[3].index("y")
