"""Files that a tool call names in its arguments: `write_report(path="out.md")`.

What becomes of the file the name of the argument tells (`output_path`), or else that of the tool (`read_file`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import is_local, looks_like_file

# arguments of one call that are looked at
MAX_ARGUMENTS: Final = 100
# characters of a name that are looked at
NAME_LENGTH: Final = 200
WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# arguments that are a file by their name, whatever it is called
FILE_WORDS: Final = frozenset("path file filename filepath filenames files paths".split())
# by which a value has to look like a file as well: where something is put, and what may as well be text or a command
GOAL_WORDS: Final = frozenset("destination dest dst target output out".split())
PLACE_WORDS: Final = GOAL_WORDS | frozenset("source src input name notebook script".split())
# where a value is a command, or words about a file, and no name with blanks
COMMAND: Final = re.compile(r"\s(?:[<>|]{1,2}|&&)\s")
NO_NAME: Final = re.compile(r"[<>|;&$`]|\s--?\w|\s(?:the|to|is|in|file|as)\s", re.IGNORECASE)
BEGINS_AS_PATH: Final = re.compile(r"\.{0,2}/|~/|[A-Za-z]:[\\/]")
MAX_NAME_WORDS: Final = 5
WRITING: Final = frozenset(
    "write save create export dump store download append edit modify update replace insert plot render generate make"
    " produce output out destination dest dst copy move rename touch".split()
)
READING: Final = frozenset(
    "read load open view cat show parse import input source src inspect summarize summarise analyze analyse describe"
    " head tail get fetch".split()
)


def argument_files(tool: str, arguments: object) -> list[Hit]:
    """Files that the arguments of a tool call name.

    Args:
        tool: the tool's name.
        arguments: what it was called with, by name; anything else names nothing.

    Returns:
        A hit a path, in order: `write`, `read`, or `mention` where no name tells what becomes of it. No folders.
    """
    of_tool, _ = _meaning(tool[:NAME_LENGTH])
    found: dict[str, Hit] = {}
    for name, value in islice(_named(arguments), MAX_ARGUMENTS):
        operation, blanks = _meaning(name[:NAME_LENGTH])
        for path in _paths(value, blanks) if blanks else ():
            found.setdefault(path, Hit(path, of_tool if operation == "mention" else operation, "tool.argument"))
    return list(found.values())


def _named(arguments: object) -> Iterator[tuple[str, object]]:
    """Arguments with their names; those that a tool takes in one object as well."""
    for name, value in arguments.items() if isinstance(arguments, dict) else ():
        if isinstance(value, dict):
            yield from ((str(inner), part) for inner, part in value.items())
        else:
            yield str(name), value


@lru_cache(maxsize=1024)  # tools and their arguments are of few names
def _meaning(name: str) -> tuple[str, str]:
    """What is done by something of this name, and which blanks a file has that it names, as `_is_name` takes it; '' for
    no file."""
    words = [word.lower() for word in WORDS.findall(name)]
    if not FILE_WORDS.isdisjoint(words):
        blanks = "any"
    elif PLACE_WORDS.isdisjoint(words):
        blanks = ""
    else:
        blanks = "few" if GOAL_WORDS.isdisjoint(words) else "some"
    return _operation(words), blanks


def _operation(words: list[str]) -> str:
    """What is done by something of this name; the first word that tells it counts."""
    for word in words:
        if word in WRITING:
            return "write"
        if word in READING:
            return "read"
    return "mention"


def _paths(value: object, with_blanks: str) -> Iterator[str]:
    for path in value[:MAX_ARGUMENTS] if isinstance(value, list) else [value]:
        if not isinstance(path, str) or not is_local(path) or not (" " not in path or _is_name(path, with_blanks)):
            continue
        if looks_like_file(path) or (with_blanks == "any" and _has_ending(path)):
            yield path


def _is_name(path: str, with_blanks: str) -> bool:
    """Whether a value with blanks may be a file's name.

    Args:
        path: the value.
        with_blanks: `any` where it is one for sure, `some` where something is put, `few` where it may as well be text.
    """
    if with_blanks == "any":
        return COMMAND.search(path) is None
    if NO_NAME.search(path) or path.rsplit("/", 1)[-1].count(" ") >= MAX_NAME_WORDS:
        return False
    words = path.split(" ")
    is_title = all(word[:1].isupper() or word[:1].isdigit() for word in words)
    return with_blanks == "some" or BEGINS_AS_PATH.match(path) is not None or "/" in words[0] or is_title


def _has_ending(path: str) -> bool:
    """Whether the last part of a path has something like an extension: what has none is rather a folder."""
    return re.search(r"[^/\\.]\.\w{1,10}$", path) is not None


ARGUMENTS: tuple[Extractor, ...] = (
    Extractor(
        name="tool.argument",
        finds="files that the arguments of a tool call name",
        text="tool call",
        example='{"tool": "write_report", "args": {"path": "out.md", "title": "a.md"}}',
        found=(("write", "out.md"),),
        function=argument_files,
    ),
)
