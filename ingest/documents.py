"""JSON documents one after another: a line each (JSONL), or printed over several lines, as `jq .` writes them.

What can't be read is kept piece by piece, and reading goes on behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.lines import MAX_LINE, PIECE, Bad, decode
from ingest.text import LARGE, MAX_WHOLE, STEP, Text, behind, count, find, let_go, matches

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


def documents(raw: Text) -> Iterator[Document | Bad]:
    """Read JSON documents that follow each other, and what is between them and can't be read."""
    line, counted, offset, line_end = 1, 0, 0, 0
    budget = 4 * len(raw) + 1_000_000  # bytes to look through for ends that are not there: it bounds the time
    while (offset := behind(_BETWEEN, raw, offset)) < len(raw):
        line += count(raw, b"\n", counted, offset)
        counted = offset
        in_line = offset < line_end  # where a line holds several, the whole of it was tried before
        line_end = line_end if in_line else find(raw, b"\n", offset) + 1 or len(raw)
        item, end, looked_at = _read_at(raw, offset, line_end, line, budget, in_line)
        budget -= looked_at
        yield item
        let_go(raw, offset)
        offset = end


def unread(reason: str, raw: Text, begin: int, end: int, line: int, torn: bool = False) -> Bad:
    """A part of a text that can't be read, or its beginning where nothing that a recorder writes is as long."""
    if end - begin > MAX_LINE:
        reason += f" ({end - begin:,} bytes, of which the first {PIECE:,} are kept)"
        end = begin + PIECE
    return Bad(reason, raw[begin:end], line, begin, torn)


def _read_at(
    raw: Text, offset: int, line_end: int, line: int, budget: int, in_line: bool
) -> tuple[Document | Bad, int, int]:
    """What begins at this byte, the byte behind it, and how many bytes were looked through in vain."""
    error = "not JSON"
    in_line = in_line or line_end - offset > LARGE  # first its end is looked for
    try:
        if not in_line:
            return Document(*decode(raw[offset:line_end]), line, offset, line_end), line_end, 0
    except ValueError as bad:
        error = str(bad)
    if raw[offset : offset + 1] not in (b"{", b"["):
        return unread(error, raw, offset, line_end, line), line_end, 0
    end, is_whole = value_end(raw, offset, len(raw) if budget > 0 else line_end)
    if is_whole:
        try:
            if end - offset > MAX_WHOLE:
                raise ValueError(f"a document of {end - offset:,} bytes, of which at most {MAX_WHOLE:,} are held")
            return Document(*decode(raw[offset:end]), line, offset, end), end, 0
        except ValueError as bad:
            error = str(bad)
    next_piece = None if is_whole else next(matches(_NEXT_PIECE, raw, line_end - 1), None)
    stop = next_piece.end() if next_piece else max(line_end, end)
    torn = not is_whole and stop == end == len(raw)
    reason = f"cut off: {error}" if torn else error
    return unread(reason, raw, offset, stop, line, torn), stop, end - offset


def value_end(raw: Text, offset: int, stop: int, depth: int = 0) -> tuple[int, bool]:
    """Where the brackets that are opened here, or `depth` before, are closed again, and True; else how far that was
    looked for."""
    kept = offset
    for token in _TOKEN.finditer(raw, offset, stop):
        found = token[0]
        if token.end() - kept > STEP:
            kept = token.end()
            let_go(raw, kept)
        if found in (b"{", b"["):
            depth += 1
        elif found in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return token.end(), True
        elif found == b'"':  # strings end in their line
            line_end = find(raw, b"\n", token.end())
            return (len(raw) if line_end < 0 else line_end + 1), False
    return stop, False


def is_sequence(raw: Text) -> bool:
    """Whether a text that is not one JSON document is several, and not one that is broken."""
    first = True
    for number, item in enumerate(documents(raw)):
        if isinstance(item, Document):
            return first or _ALONE.match(raw, item.end) is not None
        first = False
        if number == MAX_CANDIDATES:
            break
    return False
