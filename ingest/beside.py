"""What stands beside a journal in its run's folder: copies of the files that the run left, and long transcripts.

A journal is hostile input: nothing is opened that does not lie in the folder, is reached through a link, or is no
ordinary file, whatever the journal claims.
"""

import os
from contextlib import suppress
from typing import IO, Any

from capture import format as journal
from ingest.lines import decode
from ingest.regular import open_regular
from ingest.rows import Many
from ingest.text import LIST_END, SPACE, Text, behind, elements, text_of

MAX_TRANSCRIPT = 256 << 20
"""Bytes of a transcript: its messages are held in memory while they are aligned with the journal."""

MAX_CONTENT = 16 * 1024 * 1024
"""Bytes of a saved copy that are read; the recorder copies files below 1 MB."""


def read_copy(folder: str | None, relative: Any) -> str | None:
    """The text of a copy inside a run's folder.

    Args:
        folder: the run's folder; None where it has none.
        relative: what the journal claims is the copy's path in it.

    Returns:
        The text, or None where there is none to be had.
    """
    file = _opened(folder, relative, MAX_CONTENT, journal.FILES) if folder is not None else None
    if file is None:
        return None
    try:
        with file:
            return file.read(MAX_CONTENT).decode("utf-8", "replace")
    except OSError:
        return None


def read_transcript(folder: str, relative: Any) -> list[Any] | Many[Any] | None:
    """The messages of a transcript that the recorder saved beside the journal, because it was long; or None.

    Of a long one a message at a time is decoded and put aside.
    """
    file = _opened(folder, relative, MAX_TRANSCRIPT)
    if file is None:
        return None
    try:
        with file, text_of(file) as text:
            messages = _decoded(text)
    except (OSError, ValueError):
        return None
    return messages if isinstance(messages, list | Many) else None


def _decoded(text: Text) -> Any:
    start = behind(SPACE, text, 0)
    if not isinstance(text, bytes) and text[start : start + 1] == b"[":
        with suppress(ValueError):  # it holds something else than messages, or one that is too long for that
            return _messages(text, start + 1)
    return decode(text[:])[0]


def _messages(text: Text, begin: int) -> Many[Any]:
    """The messages of a list that begins before this byte and ends the text. Raises ValueError where it is another."""
    messages, end = Many[Any](), begin
    for start, end in elements(text, begin):
        if text[start : start + 1] != b"{":
            raise ValueError("no message")
        messages.append(decode(text[start:end])[0])
    if LIST_END.match(text, end) is None:
        raise ValueError("something stands behind the list")
    return messages


def _opened(folder: str, relative: Any, limit: int, below: str = "") -> IO[bytes] | None:
    """A file inside a run's folder that has at most so many bytes, or None where there is none to be had.

    Args:
        below: the folder in there that it must lie in.
    """
    if not isinstance(relative, str) or not relative or "\0" in relative:
        return None
    path = os.path.normpath(os.path.join(folder, relative))
    try:
        if not path.startswith(os.path.join(folder, below, "")):
            return None
        file = open_regular(path)
    except (OSError, ValueError):
        return None
    if os.fstat(file.fileno()).st_size <= limit:
        return file
    file.close()
    return None
