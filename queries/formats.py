"""Writes a relation as text: a table for a terminal, CSV and JSON for programs, Markdown for a document.

What agents said ends up in cells, so cells are hostile. The table and Markdown forms show control characters as
escapes: a recorded escape sequence must not repaint the terminal that shows it, nor a pipe or a tag break the page.
JSON has escapes of its own for them; CSV has none and gives every character back, except to a terminal.
"""

import datetime
import html
import json
import math
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count, islice
from typing import Any, TextIO

import duckdb

BATCH = 1000
WIDTH, NARROWEST = 60, 8
"""Cells of a table are cut after this many places, on a terminal maybe earlier; the other formats cut nothing."""

Row = tuple[Any, ...]

# C0 and C1 controls, line and paragraph separators, the marks that turn the direction of writing, and what is not seen
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\xad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_MARKDOWN = re.compile(r"[\\|`*\[\]]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_SPECIAL = re.compile('[\x00",\r\n]')
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write(
    result: duckdb.DuckDBPyConnection,
    form: str,
    out: TextIO,
    limit: int | None = None,
    columns: Sequence[str] | None = None,
) -> int:
    """Writes the rows of an executed statement to `out` in one of `FORMATS`.

    Args:
        limit: rows, at most; all where None.
        columns: which columns, in this order; each must be there. All where None.

    Returns:
        How many rows were written.
    """
    description = result.description or []
    names = [str(column[0]) for column in description]
    kinds = [str(column[1]) for column in description]
    places = [names.index(name) for name in columns or names]
    numbers = count()
    if limit is not None:
        limit = min(limit, sys.maxsize)  # the most that islice takes
    numbered = zip(islice(_rows(result), limit), numbers, strict=False)
    rows = (tuple(row[place] for place in places) for row, _ in numbered)
    FORMATS[form]([names[place] for place in places], [kinds[place] for place in places], rows, out)
    return next(numbers)


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    while batch := result.fetchmany(BATCH):
        yield from batch


def _write_csv(names: list[str], kinds: list[str], rows: Iterable[Row], out: TextIO) -> None:
    shown: Callable[[str], str] = visible if out.isatty() else str
    out.write(",".join(names) + "\n")
    for row in rows:
        out.write(",".join("" if value is None else _quoted(shown(_text(value))) for value in row) + "\n")


def _quoted(text: str) -> str:
    """A CSV field (RFC 4180). Python's own writer refuses NUL before 3.11. An empty text is quoted, unlike NULL."""
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) or not text else text


def _write_json(names: list[str], kinds: list[str], rows: Iterable[Row], out: TextIO) -> None:
    """A list of objects, one a line. Columns of type JSON are nested, not quoted."""
    nested = [kind == "JSON" for kind in kinds]
    separator = "[\n"
    for row in rows:
        values = (
            json.loads(cell) if deep and cell is not None else cell for cell, deep in zip(row, nested, strict=True)
        )
        record = {name: _plain(value) for name, value in zip(names, values, strict=True)}
        out.write(separator + _CONTROL.sub(_json_escape, json.dumps(record, ensure_ascii=False)))
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def _json_escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def _write_markdown(names: list[str], kinds: list[str], rows: Iterable[Row], out: TextIO) -> None:
    out.write("| " + " | ".join(names) + " |\n")
    out.write("| " + " | ".join("---:" if _is_number(kind) else "---" for kind in kinds) + " |\n")
    for row in rows:
        cells = (_MARKDOWN.sub(r"\\\g<0>", html.escape(_shown(value), quote=False)) for value in row)
        out.write("| " + " | ".join(cells) + " |\n")


def write_table(names: list[str], kinds: list[str], rows: Iterable[Row], out: TextIO, width: int = WIDTH) -> None:
    """Writes rows in columns as wide as their cells. Cells are cut after `width` places, on a terminal earlier."""
    lines = [names, *([_shown(value) for value in row] for row in rows)]
    widths = [min(width, max(map(_places, column))) for column in zip(*lines, strict=True)]
    if out.isatty():
        widths = _fitted(widths, shutil.get_terminal_size().columns)
    lines.insert(1, ["-" * width for width in widths])
    numeric = [_is_number(kind) for kind in kinds]
    for line in lines:
        cells = (
            _pad(_cut(text, width), width, right) for text, width, right in zip(line, widths, numeric, strict=True)
        )
        out.write("  ".join(cells).rstrip() + "\n")


def _fitted(widths: list[int], places: int) -> list[int]:
    """Widths that fit into a line: the widest columns give way first, down to `NARROWEST`."""
    cap = max(widths)
    while cap > NARROWEST and sum(min(width, cap) + 2 for width in widths) - 2 > places:
        cap -= 1
    return [min(width, cap) for width in widths]


FORMATS: dict[str, Callable[[list[str], list[str], Iterable[Row], TextIO], None]] = {
    "table": write_table,
    "csv": _write_csv,
    "json": _write_json,
    "md": _write_markdown,
}


def visible(text: str) -> str:
    """Text on one line in which nothing acts on a terminal: control characters are shown as escapes."""
    return _CONTROL.sub(lambda match: _SHORT.get(match[0]) or ascii(match[0])[1:-1], text)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return visible(_text(value))


def _text(value: object) -> str:
    """A value as text; lists and structs as JSON."""
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(value)


def _plain(value: object) -> object:
    """The value made of what JSON has."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if value is None or isinstance(value, (str, int)):
        return value
    return str(value)


def _is_number(kind: str) -> bool:
    return (
        kind.startswith(("DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "INTEGER", "BIGINT", "UBIGINT")) and "[" not in kind
    )


def _places(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # drawn over the character before, or not at all
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if _places(text) <= width:
        return text
    kept, places = 0, 1
    for character in text:
        places += _width(character)
        if places > width:
            break
        kept += 1
    return text[:kept] + "…"


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _places(text))
    return space + text if right else text + space
