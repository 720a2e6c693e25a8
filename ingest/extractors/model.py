"""The plain values that extractors take and return, apart from them so that each extractor can import them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


class Block(NamedTuple):
    """A fenced code block: its language as AG2 reports it ('' where unknown), and its code."""

    language: str
    code: str


class Hit(NamedTuple):
    """A file that a text names: its path as spelt there, `write`, `read` or `mention`, and which extractor found it."""

    path: str
    operation: str
    method: str


class CodeFacts(NamedTuple):
    """What a piece of code imports (top-level names, sorted), writes and reads (in order of first appearance).

    Attributes:
        read_back: of the files that it reads those that it wrote itself before.
        overwrites: files that it writes anew whatever happens, each by one spelling.
    """

    imports: tuple[str, ...]
    writes: tuple[Hit, ...]
    reads: tuple[Hit, ...]
    read_back: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()


Emit = Callable[[str, str, str], None]
"""Called with operation, path and method of each file, and with what else is noted of databases."""


@dataclass(frozen=True)
class Call:
    """A Python function or method that opens a file.

    Attributes:
        name: dotted name after imports are resolved (`numpy.save`), or `.name` for a method of any object.
        operation: `write`, `read`, `mode` where a mode string decides, `flags` where numbers do, as of `os.open`, or
            `database` where the SQL of the program does.
        position: index of the path among the positional arguments.
        keywords: names under which the path may be given instead.
        mode_position: index of the mode string or the flags, where one of them decides.
        mode_default: mode when none is given.
        ending: what the call appends to a path that does not end with it.
        changes: keyword by which a file that is read is written as well.
        reading: keyword, or second argument, by which a file that is written is only read.
        strict: the name is too common to be trusted, so the argument has to look like a file name.
    """

    name: str
    operation: str
    position: int = 0
    keywords: tuple[str, ...] = ()
    mode_position: int = 1
    mode_default: str = "r"
    strict: bool = False
    ending: str = ""
    changes: str = ""
    reading: str = ""


@dataclass(frozen=True)
class Extractor:
    """One row of the table of extractors.

    Attributes:
        name: what `Hit.method` says.
        finds: what it finds, in a few words.
        text: the kind of text it reads: `python`, `shell`, another language by its name, `code` (any language),
            `prose`, or `tool call`.
        example: a text in which it finds something.
        found: what it finds there, as (operation, item) pairs; the operation is `import` for a package.
        calls: for an extractor of Python calls, the calls it knows.
        pattern: for an extractor that is a regular expression (RE2 syntax), the expression.
        function: for any other, the function that does the work.
    """

    name: str
    finds: str
    text: str
    example: str
    found: tuple[tuple[str, str], ...]
    calls: tuple[Call, ...] = field(default=(), repr=False)
    pattern: str = field(default="", repr=False)
    function: Callable[..., object] | None = field(default=None, repr=False)
