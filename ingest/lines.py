"""Lines of a file, and the JSON in them.

A line is read whole, with its number and byte offset, so that whatever can't be understood can be kept and found again.
"""

import codecs
import io
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

import orjson

PIECE = 65 * 1024 * 1024
"""Bytes of a line that can't be read in one row of `quarantine`: the largest record, 64 MB, and what stands around it.
Of a longer one there are several rows. The database takes several times their size in memory."""

MAX_LINE = 2 * PIECE
"""Bytes. Of a longer line the first piece stands in quarantine, and how long it is. Nothing that a recorder writes is
as long, but a crash may leave gigabytes of zeros."""

BLOCK = 1024 * 1024
"""Bytes of a line that is too long which are passed over at once."""

MAX_LENIENT = 64 * 1024 * 1024
"""Bytes of a line that is not JSON which are looked at once more, for what Python's `json` writes. It takes memory."""

MAX_VALUES = 2_000_000
MAX_VALUES_LENIENT = 500_000
"""Values in a line: as objects of Python they take much more memory. Recorded lists of numbers are shorter."""

MAX_DEPTH = 400
"""Levels of nesting. DuckDB, and Python where it encodes and pickles, recurse; AG2's events are a dozen levels deep."""


@dataclass(slots=True)
class Record:
    """A line, or an element of a list, that was understood.

    Attributes:
        data: the JSON object.
        text: the JSON text as it goes into the `journal` table.
        line: its line in the file, from 1; in a JSON list, its place, from 1.
        offset: byte at which it begins; 0 in a JSON list.
    """

    data: dict[str, Any]
    text: str
    line: int
    offset: int


@dataclass(slots=True)
class Bad:
    """A line that could not be understood.

    Attributes:
        error: what is wrong with it, in one line.
        raw: its bytes.
        torn: it is the last line and has no end, so the writer may still be at it.
    """

    error: str
    raw: bytes
    line: int
    offset: int
    torn: bool = False

    def pieces(self) -> "Iterator[Bad]":
        """The same, cut where it is long: it is not held in memory several times."""
        for start in range(0, max(1, len(self.raw)), PIECE):
            yield Bad(self.error, self.raw[start : start + PIECE], self.line, self.offset + start, self.torn)


class TooLong(bytes):
    """The first bytes of a line that is longer than `MAX_LINE`.

    Attributes:
        length: bytes of the whole line.
    """

    length: int

    @property
    def reason(self) -> str:
        """Why it is not read."""
        return f"a line of {self.length:,} bytes, of which the first {len(self):,} are kept"


def read_lines(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Yield (line number from 1, byte offset, bytes with the line end) for every line that is not blank."""
    offset = 0
    for number, raw in enumerate(iter(partial(file.readline, MAX_LINE), b""), 1):
        length = len(raw)
        if length == MAX_LINE and not raw.endswith(b"\n"):
            raw = TooLong(raw[:PIECE])
            raw.length = length = length + _pass_over(file)
        if not raw.isspace():
            yield number, offset, raw
        offset += length


def _pass_over(file: IO[bytes]) -> int:
    """Read on to the end of the line, and give the bytes passed. Holes of a sparse file are skipped."""
    passed = 0
    while block := file.readline(BLOCK):
        passed += len(block)
        if block.endswith(b"\n"):
            break
        if block.count(0) == len(block):
            passed += _skip_hole(file)
    return passed


def _skip_hole(file: IO[bytes]) -> int:
    """Go on to where a file has data, where the system tells that, and give the bytes skipped."""
    if not isinstance(getattr(file, "raw", None), io.FileIO) or not hasattr(os, "SEEK_DATA"):
        return 0  # what is unpacked has no holes
    here, descriptor = file.tell(), file.fileno()
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        data = os.lseek(descriptor, here, os.SEEK_DATA)
    except OSError:  # nothing but a hole up to the end
        data = os.fstat(descriptor).st_size
    os.lseek(descriptor, place, os.SEEK_SET)
    file.seek(data)
    return data - here


def read_objects(file: IO[bytes], key: str, missing: str) -> Iterator[Record | Bad]:
    """JSON objects, one a line, that have text under a key.

    Args:
        file: the lines.
        key: the key.
        missing: the reason for quarantine where there is no such text.
    """
    for line, offset, raw in read_lines(file):
        torn = False
        try:
            data, text = decode(raw)
        except ValueError as error:
            torn = not (raw.endswith(b"\n") or isinstance(raw, TooLong))
            reason = f"cut off: {error}" if torn else str(error)  # not more: the error holds what was made of the line
        else:  # a whole value, whichever
            if isinstance(data, dict) and isinstance(data.get(key), str):
                yield Record(data, text, line, offset)
                continue
            reason = missing if isinstance(data, dict) else "not a JSON object"
        yield from Bad(reason, raw, line, offset, torn).pieces()


def decode(raw: bytes) -> tuple[Any, str]:
    """Read one JSON value.

    Args:
        raw: UTF-8 JSON.

    Returns:
        The value, and JSON text of it that DuckDB accepts: the bytes themselves where possible. What Python's `json`
        accepts but JSON and DuckDB don't is mended: NaN and infinities become null, lone surrogates U+FFFD.

    Raises:
        ValueError: in one line, what is wrong.
    """
    if isinstance(raw, TooLong):
        raise ValueError(raw.reason)
    _check_values(raw, MAX_VALUES)
    try:
        value, text = orjson.loads(raw), raw.decode().strip()
    except orjson.JSONDecodeError:
        value, text = _decode_with_mark(raw)
    # The number of brackets bounds the depth from above; only a line with many of them is walked.
    if len(raw) > 2 * MAX_DEPTH and _brackets(raw) > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    return value, text


def _decode_with_mark(raw: bytes) -> tuple[Any, str]:
    """Accept the mark that an editor puts before the first line, and white space that JSON does not have."""
    raw = raw.strip() if len(raw) <= MAX_LENIENT else raw
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return orjson.loads(raw), raw.decode().strip()
    except orjson.JSONDecodeError as error:
        if len(raw) > MAX_LENIENT:
            raise ValueError(f"not JSON: {error.msg}") from None
        return _decode_leniently(raw, error)


def _decode_leniently(raw: bytes, error: orjson.JSONDecodeError) -> tuple[Any, str]:
    """Accept the NaN, the infinities and the lone surrogates that Python's own `json` writes."""
    _check_values(raw, MAX_VALUES_LENIENT)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as bad:
        raise ValueError(f"not UTF-8: byte {bad.start} of the line") from None
    try:
        value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
        clean = _dumps(value)
        return json.loads(clean), clean
    except (ValueError, RecursionError):
        raise ValueError(f"not JSON: {error.msg}") from None


def _check_values(raw: bytes, most: int) -> None:
    """Raises ValueError where a line has more values than that: but for the first there is a comma before each."""
    if len(raw) > 2 * most and raw.count(b",") > most and _commas(raw) > most:
        raise ValueError(f"more than {most:,} values in one line")


def _commas(raw: bytes) -> int:
    """Commas outside of strings."""
    plain = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    count, outside = 0, True
    for start in range(0, len(plain), BLOCK):
        parts = plain[start : start + BLOCK].split(b'"')
        count += sum(part.count(b",") for part in parts[0 if outside else 1 :: 2])
        outside ^= len(parts) % 2 == 0
    return count


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _dumps(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _brackets(raw: bytes) -> int:
    """How many brackets open. `replace` leaps from one to the next, which is faster than to count, but makes copies."""
    if len(raw) > BLOCK:
        return raw.count(b"[") + raw.count(b"{")
    return len(raw) - len(raw.replace(b"[", b"").replace(b"{", b""))


def _depth(value: Any) -> int:
    """How deep containers are nested, without recursion; it stops counting just above `MAX_DEPTH`."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        containers = [v for v in level if isinstance(v, dict | list)]
        depth += bool(containers)
        level = [child for c in containers for child in (c.values() if isinstance(c, dict) else c)]
    return depth


def unwrapped(value: Any) -> Any:
    """JSON text as the value in it; other values, and text that is no JSON, as they are.

    Models send the arguments of a call as JSON text, and not always as valid JSON; AG2's loggers wrap values in text.
    """
    if isinstance(value, str):
        try:
            return decode(value.encode())[0]
        except ValueError:
            return value
    return value


def text_length(value: Any) -> int:
    """Characters of a text, and of another value as JSON; 0 for None."""
    return 0 if value is None else len(value if isinstance(value, str) else encode(value))


def encode(value: Any) -> str:
    """JSON text of a value that `decode` returned."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer above 64 bits, or more than 254 levels
        return _dumps(value)
