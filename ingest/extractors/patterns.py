"""Patterns for Python code that is not parsed because it is cut off or broken.

They follow variables that hold one literal, and nothing more. All of them are RE2: linear in the text, whatever it is.
"""

from __future__ import annotations

import re
from typing import Final

import re2

from ingest.extractors import databases, opened
from ingest.extractors.blocks import sound
from ingest.extractors.calls import FUNCTIONS
from ingest.extractors.conventions import CONVENTIONAL_ALIASES
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import is_local
from ingest.extractors.values import UNKNOWN, Value
from ingest.tokens import without_comments

# beyond this a text is no code that someone wrote, and only its beginning is read
LIMIT: Final = 200_000
# modules imported with all of their names that are looked through for one
STARS: Final = 8
STRING: Final = r"""(?:"[^"\n\\]*"|'[^'\n\\]*')"""
_MODULES: Final = r"[A-Za-z_][\w.]*(?:[ \t]+as[ \t]+\w+)?"
IMPORT_PATTERN: Final = (
    r"(?m)^[ \t]*(?:>>> |In \[\d+\]: )?(?:from[ \t]+([A-Za-z_]\w*)(?:\.\w+)*[ \t]+import\b"
    r"|import[ \t]+(" + _MODULES + r"(?:[ \t]*,[ \t]*" + _MODULES + r")*)[ \t]*(?:;|#|\r?$))"
)
# one call with its first arguments, or one assignment of a literal, in the order of the text
CALL_PATTERN: Final = (
    r"(?P<target>[A-Za-z_][\w.]*)[ \t]*(?:=|<-)[ \t]*(?P<value>" + STRING + r")[ \t]*(?:;|#|,|\)|\r|\n|$)"
    r"|(?P<call>[A-Za-z_$][\w.]*)\(\s*(?P<first>(?:[A-Za-z_]\w*[ \t]*=[ \t]*)?(?:[rRbBuU]{0,2}"
    + STRING
    + r"|[A-Za-z_][\w.]*))"
    r"[ \t]*(?:,\s*(?P<second>(?:[A-Za-z_]\w*[ \t]*=[ \t]*)?(?:[rR]?"
    + STRING
    + r"|[A-Za-z_][\w.]*))[ \t]*)?(?:[,)]|\r?\n|$)"
)
KEYWORD: Final = re.compile(r"^([A-Za-z_]\w*)[ \t]*=[ \t]*(.*)$")
FILENAME_PATTERN: Final = (
    r"^\s*(?:#|//|<!--|/\*)[ \t]*filename:[ \t]*([^\s*][^\n]*?)[ \t]*(?:-->|\*/)?[ \t]*\r?(?:\n|$)"
)
# comments of code in a language that nobody tells, as far as they begin a line
COMMENTED: Final = re2.compile(r"(?m)^[ \t]*(?:(?://|#).*$|/\*(?s:.*?)\*/)")
# what stands in no program: a frame of a traceback with the line that it quotes, and an item of a list of sentences
SAID: Final = re2.compile(
    r"(?m)^[ \t]*(?:File \"[^\"\n]*\", line \d+[^\n]*(?:\n[ \t]+[^\n]*)?"
    r"|(?:\d{1,3}[.)]|[*\x{2022}])[ \t]+[A-Za-z][^\n]*|-[ \t]+[A-Z][a-z]+[ \t]+[a-z][^\n]*)$"
)
IMPORT: Final = re2.compile(IMPORT_PATTERN)
CALL: Final = re2.compile(CALL_PATTERN)
FILENAME: Final = re2.compile(FILENAME_PATTERN)
ALIAS: Final = re2.compile(r"(?m)^[ \t]*import[ \t]+([\w.]+)[ \t]+as[ \t]+(\w+)")
STAR: Final = re2.compile(r"(?m)^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+\*")
MEMBER: Final = re2.compile(r"(?m)^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\w+)[ \t]*\r?$")


def imports(code: str) -> set[str]:
    """Top-level package names of Python import lines."""
    found: set[str] = set()
    for single, several in IMPORT.findall(sound(code[:LIMIT])):
        if single:
            found.add(single)
        for part in several.split(",") if several else ():
            found.add(part.split()[0].split(".", 1)[0])
    return found


def filename(code: str) -> list[Hit]:
    """The file that AG2's command line executor saves a block as, because its first line says so."""
    head = code[:1000]
    match = FILENAME.search(sound(head)) if "filename:" in head else None
    if match and is_local(match.group(1)):
        return [Hit(match.group(1), "write", "code.filename")]
    return []


def python_files(code: str) -> list[Hit]:
    """Files of Python code that does not parse, by the same table of calls as for code that does."""
    code = sound(code[:LIMIT])
    if "(" not in code:
        return []
    code = without_comments(COMMENTED.sub("", code), "python")
    aliases = {short: name for name, short in ALIAS.findall(code)}
    aliases.update({name: f"{module}.{name}" for module, name in MEMBER.findall(code)})
    stars = STAR.findall(code)[:STARS] if "*" in code else []
    found: list[Hit] = []

    def emit(operation: str, path: str, method: str) -> None:
        found.append(Hit(path, operation, "code.call" if method == "python.helper" else method))

    variables: dict[str, Value] = {}
    for match in CALL.finditer(code):
        if match.group("target"):
            variables[match.group("target")] = match.group("value")[1:-1]
            continue
        positional: list[Value] = []
        keywords: dict[str, Value] = {}
        for text in (match.group("first"), match.group("second")):
            if text:
                argument(text, variables, positional, keywords)
        name = match.group("call")
        head, dot, rest = name.partition(".")
        known = aliases.get(head)
        for module in stars if known is None else ():
            known = known or (f"{module}.{head}" if f"{module}.{name}" in FUNCTIONS else None)
        known = known or CONVENTIONAL_ALIASES.get(head)
        opened.function(emit, (known or head) + dot + rest, known is not None, not dot, positional, keywords)
    return databases.written(dict.fromkeys(found))


def argument(text: str, variables: dict[str, Value], positional: list[Value], keywords: dict[str, Value]) -> None:
    """Note one argument as it is written: a literal, a variable, with or without its keyword."""
    match = KEYWORD.match(text)
    value = match.group(2) if match else text
    known: Value = UNKNOWN
    if value[-1:] in ("'", '"', "`"):
        known = value.lstrip("rRbBuU")[1:-1] if "{" not in value else UNKNOWN
    elif value in variables:
        known = variables[value]
    if match:
        keywords[match.group(1)] = known
        if match.group(1) in ("file", "path", "filename", "file_path"):
            positional.append(known)
    else:
        positional.append(known)


PATTERNS: tuple[Extractor, ...] = (
    Extractor(
        name="code.filename",
        finds="the file named in a first line `# filename: x`, where AG2's command line executor saves the block",
        text="code",
        example="# filename: plot.py\nprint(1)",
        found=(("write", "plot.py"),),
        pattern=FILENAME_PATTERN,
        function=filename,
    ),
    Extractor(
        name="code.import",
        finds="imports in Python code that does not parse",
        text="code",
        example="import numpy as np\nfrom os.path import (join,",
        found=(("import", "numpy"), ("import", "os")),
        pattern=IMPORT_PATTERN,
        function=imports,
    ),
)
