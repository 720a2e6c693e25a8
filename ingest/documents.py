"""JSON documents one after another: a line each (JSONL), or printed over several lines, as `jq .` writes them.

What can't be read is kept piece by piece, and reading goes on behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.lines import Bad, decode

_TOKEN = re.compile(rb'"(?:[^"\\\n]*(?:\\.[^"\\\n]*)*")?|[\[\]{}]')
"""A string of one line, a quotation mark that ends in none, a bracket."""

_BETWEEN = re.compile(rb"[\s,]*")
_NEXT_PIECE = re.compile(rb"\n(?![ \t\]}\r\n])")
"""The end of a line behind which no line goes on that belongs to the one before, as indented text does."""

_ALONE = re.compile(rb"\s*(?:\Z|[\[{])")
"""What follows a document that is no element of a list."""

MAX_CANDIDATES = 100
"""Pieces at the beginning of a broken file among which a whole document is looked for."""


@dataclass(slots=True)
class Document:
    """One of several.

    Attributes:
        value: what stands in it.
        text: its JSON text.
        line: the line at which it begins, from 1.
        offset: the byte at which it begins.
        end: the byte behind it.
    """

    value: Any
    text: str
    line: int
    offset: int
    end: int


def documents(raw: bytes) -> Iterator[Document | Bad]:
    """Read JSON documents that follow each other, and what is between them and can't be read.

    Args:
        raw: UTF-8.
    """
    line, counted, offset, line_end = 1, 0, 0, 0
    budget = 4 * len(raw) + 1_000_000  # bytes to look through for ends that are not there: it bounds the time
    while (offset := _behind(_BETWEEN, raw, offset)) < len(raw):
        line += raw.count(b"\n", counted, offset)
        counted = offset
        in_line = offset < line_end  # where a line holds several, the whole of it was tried before
        line_end = line_end if in_line else raw.find(b"\n", offset) + 1 or len(raw)
        item, looked_at = _read_at(raw, offset, line_end, line, budget, in_line)
        budget -= looked_at
        yield item
        offset = item.end if isinstance(item, Document) else offset + len(item.raw)


def _behind(pattern: re.Pattern[bytes], raw: bytes, offset: int) -> int:
    match = pattern.match(raw, offset)
    return match.end() if match else offset


def _read_at(
    raw: bytes, offset: int, line_end: int, line: int, budget: int, in_line: bool
) -> tuple[Document | Bad, int]:
    """What begins at this byte, and how many bytes were looked through in vain."""
    error = "not JSON"
    try:
        if not in_line:
            return Document(*decode(raw[offset:line_end]), line, offset, line_end), 0
    except ValueError as bad:
        error = str(bad)
    if raw[offset : offset + 1] not in (b"{", b"["):
        return Bad(error, raw[offset:line_end], line, offset), 0
    end, is_whole = _end(raw, offset, len(raw) if budget > 0 else line_end)
    if is_whole:
        try:
            return Document(*decode(raw[offset:end]), line, offset, end), 0
        except ValueError as bad:
            error = str(bad)
    next_piece = _NEXT_PIECE.search(raw, line_end - 1)
    behind = next_piece.end() if next_piece and not is_whole else max(line_end, end)
    torn = not is_whole and behind == end == len(raw)
    reason = f"cut off: {error}" if torn else error
    return Bad(reason, raw[offset:behind], line, offset, torn), end - offset


def _end(raw: bytes, offset: int, stop: int) -> tuple[int, bool]:
    """Where the brackets that are opened here are closed again, and True; else how far that was looked for."""
    depth = 0
    for token in _TOKEN.finditer(raw, offset, stop):
        found = token[0]
        if found in (b"{", b"["):
            depth += 1
        elif found in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return token.end(), True
        elif found == b'"':  # strings end in their line
            line_end = raw.find(b"\n", token.end())
            return (len(raw) if line_end < 0 else line_end + 1), False
    return stop, False


def is_sequence(raw: bytes) -> bool:
    """Whether a text that is not one JSON document is several, and not one that is broken."""
    first = True
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Document):
            return first or _ALONE.match(raw, item.end) is not None
        first = False
        if number == MAX_CANDIDATES:
            break
    return False
