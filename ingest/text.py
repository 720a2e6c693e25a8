"""The text of a file that is not read line by line, such as a transcript.

A short one is held in memory. A long one is copied to disk and mapped, so that of it only the part is in memory that is
being looked at. The copy is nobody else's: where a mapped file becomes shorter, its reader is killed.
"""

import codecs
import json
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ingest.scratch import scratch_file

LARGE = 16 * 1024 * 1024
"""Bytes above which a text is mapped."""

MAX_TEXT = 4 * 1024**3
"""Bytes of a text. It takes as much room on disk."""

MAX_WHOLE = 48 * 1024 * 1024
"""Bytes of JSON that are held in memory as one value, which takes up to ten times as much."""

STEP = 8 * 1024 * 1024
"""Bytes of a mapped text that are looked at before what was looked at is let go."""

OVERLAP = 4096
"""Bytes behind a step, at most, in which something that begins in it may end."""

WINDOW = 256 * 1024
"""Bytes that are decoded at a time; of a longer value as much as it takes."""

Text = bytes | mmap.mmap
"""UTF-8 without a mark at its beginning."""

SPACE = re.compile(rb"[ \t\r\n]*")
LIST_END = re.compile(rb"\s*\]\s*\Z")
_SEPARATOR = re.compile(rb"[ \t\r\n]*([,\]])[ \t\r\n]*")

_WHERE_CUT = 16
"""Characters before the end of a piece in which an error may come of the cut: the longest escapes and words."""


class TooLargeError(Exception):
    """A text that is not read. The message is one line."""


@contextmanager
def text_of(file: IO[bytes]) -> Iterator[Text]:
    """The text in a file, for as long as the context lasts.

    Raises:
        TooLargeError: it is longer than `MAX_TEXT`.
    """
    head = file.read(LARGE + 1)
    if len(head) <= LARGE:
        yield utf_8(head)
        return
    with scratch_file() as copy:
        length = 0
        for piece in _pieces(head, file):
            length += len(piece)
            if length > MAX_TEXT:
                raise too_large(length)
            copy.write(piece)
        copy.flush()
        yield mmap.mmap(copy.fileno(), 0, access=mmap.ACCESS_READ)  # goes with the last who looks at it


def too_large(length: int) -> TooLargeError:
    """What is said of a text of so many bytes, or of more."""
    return TooLargeError(f"{length:,} bytes or more; of a transcript at most {MAX_TEXT:,} are read")


def _pieces(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("replace") if is_wide(head) else None
    piece = head if decoder else utf_8(head)
    while piece:
        yield decoder.decode(piece).encode() if decoder else piece
        piece = file.read(1024 * 1024)
    if decoder:
        yield decoder.decode(b"", True).encode()


def is_wide(raw: bytes) -> bool:
    """Whether it is UTF-16, as Windows programs write it."""
    return raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def utf_8(raw: bytes) -> bytes:
    """The same text as UTF-8 without a mark: Windows programs write UTF-16, and UTF-8 with a mark in front."""
    if is_wide(raw):
        return raw.decode("utf-16", "replace").encode()
    return raw.removeprefix(codecs.BOM_UTF8)


def let_go(text: Text, until: int) -> None:
    """What stands before this place is not looked at soon, and needs no memory until then."""
    until -= until % mmap.ALLOCATIONGRANULARITY
    if until > 0 and isinstance(text, mmap.mmap) and hasattr(text, "madvise"):
        text.madvise(mmap.MADV_DONTNEED, 0, until)


def matches(pattern: re.Pattern[bytes], text: Text, begin: int, end: int | None = None) -> Iterator[re.Match[bytes]]:
    """All matches of a pattern that begin between two places; each is short."""
    end = len(text) if end is None else end
    for start in range(begin, end, STEP):
        stop = min(end, start + STEP)
        for match in pattern.finditer(text, start, min(end, stop + OVERLAP)):
            if match.start() >= stop:
                break
            yield match
        let_go(text, start)


def find(text: Text, what: bytes, begin: int) -> int:
    """The place of the next such byte, or -1."""
    for start in range(begin, len(text), STEP):
        if (place := text.find(what, start, min(len(text), start + STEP))) >= 0:
            return place
        let_go(text, start)
    return -1


def count(text: Text, what: bytes, begin: int, end: int) -> int:
    """How many such bytes there are between two places."""
    return sum(text[start : min(end, start + STEP)].count(what) for start in range(begin, end, STEP))


def behind(pattern: re.Pattern[bytes], text: Text, place: int) -> int:
    """Behind what matches here; the place itself where nothing does."""
    match = pattern.match(text, place)
    return match.end() if match else place


class Values:
    """Finds where JSON values end, as Python's `json` reads them, in a text of any length.

    Of the text a window is decoded, behind each other the values in it are found. Bytes that are no UTF-8 are accepted.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(parse_constant=lambda _: None)
        self._window, self._is_ascii = "", True
        self._here, self._place, self._end = 0, 0, 0
        """A byte of the text, the character of the window that begins there, and the byte behind the window."""

    def end(self, begin: int) -> int | None:
        """The byte behind the value that begins here, or None where none does, or a longer one than may be held."""
        length = WINDOW
        if not self._here <= begin < self._end:
            self._look(begin, length)
        self._go(begin)
        while True:
            end, is_cut = self._read()
            if not is_cut or self._end == len(self._text):
                return None if end is None else begin + self._bytes(self._place, end)
            if self._place == 0 and self._end - begin >= length:
                length *= 4
            if length > MAX_WHOLE:
                return None
            self._look(begin, length)

    def _look(self, begin: int, length: int) -> None:
        let_go(self._text, begin)
        raw = self._text[begin : begin + length]
        self._window = raw.decode("utf-8", "surrogateescape")
        self._is_ascii = len(raw) == len(self._window)
        self._here, self._place, self._end = begin, 0, begin + len(raw)

    def _go(self, begin: int) -> None:
        between = self._text[self._here : begin].decode("utf-8", "surrogateescape")
        self._here, self._place = begin, self._place + len(between)

    def _bytes(self, begin: int, end: int) -> int:
        return end - begin if self._is_ascii else len(self._window[begin:end].encode("utf-8", "surrogateescape"))

    def _read(self) -> tuple[int | None, bool]:
        """Where in the window the value ends, and whether more of the text may change that."""
        try:
            _, end = self._decoder.raw_decode(self._window, self._place)
        except json.JSONDecodeError as error:
            is_cut = error.msg.startswith("Unterminated") or error.pos + _WHERE_CUT > len(self._window)
            return None, is_cut
        except (ValueError, RecursionError):
            return None, False
        return end, end == len(self._window)


def elements(text: Text, begin: int) -> Iterator[tuple[int, int]]:
    """Where the elements of a JSON list begin and end. `begin`: the byte behind the list's bracket.

    Raises:
        ValueError: the list is broken.
    """
    values, place = Values(text), behind(SPACE, text, begin)
    is_last = text[place : place + 1] == b"]"
    while not is_last:
        end = values.end(place)
        separator = None if end is None else _SEPARATOR.match(text, end)
        if end is None or separator is None:
            raise ValueError("the list is broken")
        yield place, end
        is_last, place = separator[1] == b"]", separator.end()
