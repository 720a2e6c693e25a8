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

LINE_END: Final = re.compile(r"\r\n|\r|\n")
CONDITIONAL: Final = re.compile(r"[ \t]*(?:if|elif|else|for|while|try|except|finally|async|def|return)\b")
# to ask first whether a letter of theirs begins a word makes it faster
WITHIN: Final = re.compile(r"(?=[aiol])\b(?:if|or|and|lambda)\b")
APPENDED: Final = re.compile(r"['\"]a[bt+]*['\"]")
# the target of a command's output on its own line, or behind a semicolon
REDIRECTED: Final = re.compile(
    r"(?m)(?:^|;)(?:[^;|&\n>'\"#]|'[^'\n]*'|\"[^\"\n]*\")+>[ \t]*['\"]?(?P<path>[^\s;|&<>'\"]+)"
)
# what makes a command of a shell one that need not run, or that adds to a file
UNSURE: Final = re.compile(r"\|\||&&|>>|\b(?:if|while|until|for|case)\b|(?:^|\s)\[\s|\)\s*\{", re.MULTILINE)


def code_lines(code: str) -> list[str]:
    """The lines of a program, as Python's parser counts them."""
    return LINE_END.split(code) if "\r" in code else code.split("\n")


def python_order(code: str, places: Sequence[Place]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(files that are read back, files that are written anew whatever happens) of a Python program.

    Args:
        code: the program.
        places: the files that it opens, in order.
    """
    if all(hit.operation == "read" for _, _, hit in places):
        return (), ()
    lines = code_lines(code)
    ends = _ends(lines) if any(hit.operation == "read" for _, _, hit in places) else []
    writes: dict[str, int] = {}
    back: dict[str, None] = {}
    read: set[str] = set()
    for line, _, hit in places:
        path = posixpath.normpath(hit.path)
        if hit.operation == "write" and _is_plain(lines, line - 1):
            writes.setdefault(path, line)
        elif hit.operation == "read" and hit.path not in read:
            read.add(hit.path)
            begun = writes.get(path, line)
            # what is read in the expression that is written comes first
            if begun < line < ends[begun - 1] or (path in writes and begun == line and ";" in lines[line - 1]):
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


def _is_plain(lines: list[str], place: int) -> bool:
    """Whether the statement that begins in a line writes a file anew, where it is reached."""
    line = lines[place]
    if CONDITIONAL.match(line) or WITHIN.search(line):
        return False
    near = "".join(lines[place : place + 4])
    return not (("'a" in near or '"a' in near) and APPENDED.search(near))


def _ends(lines: list[str]) -> list[int]:
    """For each line the number, from 1, of the first line behind its block."""
    ends = [len(lines) + 1] * len(lines)
    inner: list[int] = []  # lines whose blocks go on, each indented no less than those before it
    for place, line in enumerate(lines):
        if line.strip():
            while inner and _indent(lines[inner[-1]]) > _indent(line):
                ends[inner.pop()] = place + 1
            inner.append(place)
    return ends


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
