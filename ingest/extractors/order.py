"""What code reads after it has written it anew, so that it has it from nobody else.

Only what is sure counts: no write under a condition, in a function that need not be called, or at a file's end.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import Final

from ingest.extractors.model import Hit

Place = tuple[int, int, Hit]
"""Line and column of a call, and what it opens."""

CONDITIONAL: Final = re.compile(r"[ \t]*(?:if|elif|else|for|while|try|except|finally|def|lambda|return)\b")
APPENDED: Final = re.compile(r"['\"]a[bt+]*['\"]")
# the target of a command's output on its own line, or behind a semicolon
REDIRECTED: Final = re.compile(r"(?m)(?:^|;)[^;|&\n>]*[^;|&\n>]>[ \t]*['\"]?(?P<path>[^\s;|&<>'\"]+)")
# what makes a command of a shell one that need not run, or that adds to a file
UNSURE: Final = re.compile(r"\|\||&&|>>|\b(?:if|while|for|case)\b|(?:^|\s)\[\s", re.MULTILINE)


def python_order(code: str, places: Sequence[Place]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(files that are read back, files that are written anew whatever happens) of a Python program.

    Args:
        code: the program.
        places: the files that it opens, in order.
    """
    if all(hit.operation == "read" for _, _, hit in places):
        return (), ()
    lines = code.split("\n")
    writes: dict[str, int] = {}
    back: dict[str, None] = {}
    read: set[str] = set()
    for line, _, hit in places:
        path = posixpath.normpath(hit.path)
        if hit.operation == "write" and _is_plain(lines[line - 1]):
            writes.setdefault(path, line)
        elif hit.operation == "read" and hit.path not in read:
            read.add(hit.path)
            if path in writes and _is_within(lines, writes[path], line):
                back[hit.path] = None
    return tuple(back), tuple(path for path, line in writes.items() if not _indent(lines[line - 1]))


def shell_order(code: str, reads: Iterable[Hit]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same of a script of a shell."""
    if ">" not in code or UNSURE.search(code):
        return (), ()
    writes: dict[str, int] = {}
    for match in REDIRECTED.finditer(code):
        writes.setdefault(posixpath.normpath(match["path"]), match.start("path"))
    back = [
        hit.path
        for hit in reads
        if (path := posixpath.normpath(hit.path)) in writes and code.find(path) >= writes[path]
    ]
    return tuple(dict.fromkeys(back)), tuple(writes)


def _is_plain(line: str) -> bool:
    """Whether the statement of a line writes a file anew, where it is reached."""
    return not CONDITIONAL.match(line) and not APPENDED.search(line)


def _is_within(lines: list[str], first: int, last: int) -> bool:
    """Whether a line stands in the block of an earlier one, or in one inside of it."""
    indent = _indent(lines[first - 1])
    return all(not line.strip() or _indent(line) >= indent for line in lines[first:last])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
