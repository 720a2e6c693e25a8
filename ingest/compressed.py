"""Gzip and zstd files, read as what is in them.

They are known by their first bytes, not by their names, and unpacked as they are read, so that memory does not grow
with them. An archive that breaks off or is damaged ends where it breaks; what came before it is good. A small file that
unpacks to an endless one is stopped.
"""

import gzip
import io
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

SUFFIXES = ("", ".gz", ".zst")
"""What a compressed file's name has behind its ending. The first of several is preferred."""

MAX_RATIO = 500
"""How many bytes one byte of an archive may become. Journals reach 10 to 50, gzip's bombs 1,030."""

SMALL = 64 * 1024 * 1024
"""Bytes that any archive may unpack to."""

_PIECE = 16 * 1024
"""Bytes unpacked at a time."""

_PACKED_AHEAD = 64 * 1024
"""Bytes of an archive that Arrow's reader takes at a time."""

_UNPACKED_AHEAD = 1024 * 1024 + _PIECE
"""Bytes that a reader may have unpacked and not given when it finds the archive broken: Arrow's buffer and a piece."""


class _Lent(io.RawIOBase):
    """A file that stays open when its reader, as Arrow's do, closes it in the end.

    Args:
        file: the file, at its beginning.
        quick: how many bytes may be read at once; those behind them are given one by one. None for all.
    """

    def __init__(self, file: Any, quick: int | None = None) -> None:
        self._file, self._quick = file, quick

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        if self._quick is not None:
            size = min(size, max(self._quick, 1))
        data = self._file.read(size)
        if self._quick is not None:
            self._quick -= len(data)
        buffer[: len(data)] = data
        return len(data)


def _zstd(file: Any) -> Any:
    import pyarrow as pa  # here, because who only reads the tables needs no Arrow

    return pa.CompressedInputStream(pa.PythonFile(_Lent(file), mode="r"), "zstd")


_FORMATS: dict[bytes, tuple[str, Callable[[Any], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file, mode="rb")),
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
    # frames that are passed over, with which a zstd file may begin
    **{bytes([first]) + b"\x2a\x4d\x18": ("zstd", _zstd) for first in range(0x50, 0x60)},
}

_BROKEN = (OSError, EOFError, zlib.error)
"""What readers raise; Arrow's have no class of their own."""


class Unpacked(io.RawIOBase):
    """The content of an archive.

    Args:
        file: the archive.
        name: its format, for messages.
        opener: makes a reader of a file.

    Attributes:
        error: why it ends before its end, or None.
    """

    def __init__(self, file: IO[bytes], name: str, opener: Callable[[Any], Any]) -> None:
        self.error: str | None = None
        self._reason: str | None = None  # why there is no more than what was rescued
        self._file, self._name, self._opener = file, name, opener
        self._reader = opener(file)
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """To the beginning."""
        return True

    def tell(self) -> int:
        """Bytes unpacked so far."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Begin again. Raises UnsupportedOperation for any other place."""
        if (offset, whence) == (self._position, io.SEEK_SET):
            return offset
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("an archive is read from its beginning")
        self._file.seek(0)
        self._reader, self._position = self._opener(self._file), 0
        self.error = self._reason = None
        return 0

    def readinto(self, buffer: Any) -> int:
        """Unpack the next bytes. Where the archive is broken, it ends."""
        if self.error is not None:
            return 0
        size = min(len(buffer), _PIECE)
        try:
            data = self._reader.read1(size)
        except _BROKEN as error:
            torn = isinstance(error, EOFError) or "Truncated" in str(error)
            self._reason = "it breaks off" if torn else str(error)
            self._reader = io.BytesIO(self._rescued(torn))
            data = self._reader.read1(size)
        if not data and self._reason is not None:
            self.error = f"{self._name} archive damaged after {self._position} bytes of content: {self._reason}"
            return 0
        self._position += len(data)
        if self._position > SMALL and self._position > MAX_RATIO * self._file.tell():
            self.error = f"{self._name} archive unpacks to more than {MAX_RATIO} times its size; unpack it yourself"
            return 0
        buffer[: len(data)] = data
        return len(data)

    def _rescued(self, torn: bool) -> bytes:
        """What a reader had unpacked when it found the archive broken: it throws that away.

        Another one comes to the same place and is asked for single bytes, so that it has given all that it has. Where
        it finds damage, it gives nothing of what it took of the archive with it: it is given single bytes, too.
        """
        quick = None if torn else max(0, self._file.tell() - _PACKED_AHEAD)
        left, found = self._position, bytearray()
        self._file.seek(0)
        reader = self._opener(_Lent(self._file, quick))
        with suppress(*_BROKEN):
            while left and (data := reader.read1(min(left, _PIECE))):
                left -= len(data)
            while not left and len(found) < _UNPACKED_AHEAD and (data := reader.read1(1)):
                found += data
        return bytes(found)


def unpack(file: IO[bytes]) -> tuple[IO[bytes], Unpacked | None]:
    """The content of a file.

    Args:
        file: any file, at its beginning.

    Returns:
        The file itself and None; or what is in an archive, and the archive, which knows in the end if it was whole.
    """
    head = file.read(4)
    file.seek(0)
    for magic, (name, opener) in _FORMATS.items():
        if head.startswith(magic):
            archive = Unpacked(file, name, opener)
            return io.BufferedReader(archive, 8 * _PIECE), archive
    return file, None
