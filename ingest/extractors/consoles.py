"""Programs that run SQL in a shell: `sqlite3 a.db "SELECT .."`, `psql -c "\\copy t TO 'b.csv'"`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ingest.extractors.model import Hit
from ingest.extractors.paths import is_local, looks_like_file
from ingest.extractors.statements import kind, sql_files

# programs whose first operand is the database, and all others statements
FILES: Final = frozenset(("sqlite3", "duckdb"))
# those of a server's databases
SERVERS: Final = frozenset("psql mysql mariadb".split())
# options behind which a statement stands
STATEMENTS: Final = {
    "sqlite3": ("-cmd",),
    "duckdb": ("-c", "-s", "-cmd"),
    "psql": ("-c", "--command"),
    **dict.fromkeys(("mysql", "mariadb"), ("-e", "--execute")),
}
# options of the first ones whose value is neither
VALUES: Final = frozenset("-separator -nullvalue -newline -init -mmap -vfs -maxsize -f".split())
# commands of theirs that are given a file: those that change the database by it, and those that write one
LOADING: Final = frozenset(".import .read .restore".split())
SAVING: Final = frozenset(".output .once .backup .save .clone".split())
# what stands in a statement as a text, where a semicolon parts nothing
QUOTED: Final = re.compile(r"'[^']*'")


def console_files(program: str, rest: list[str], fed: str | None) -> Iterator[Hit]:
    """The database that a program opens, and the files that its statements name.

    Args:
        program: one of `FILES` or `SERVERS`.
        rest: its arguments.
        fed: what is redirected to it; '' where that is not known, None for nothing.
    """
    texts, operands = _parted(program, rest)
    if program in FILES and operands and " " in operands[0] and kind(operands[0]):
        operands.insert(0, "")
    texts += operands[1:]
    if fed:
        texts.append(fed)
    changes = fed == ""
    for text in texts:
        for line in text.splitlines() if text.lstrip()[:1] == "." or "\n." in text else ():
            name, *given = line.split() or [""]
            path = next((word.strip("'\"") for word in given if word[:1] != "-"), "")
            changes = changes or name in LOADING
            if name in LOADING | SAVING and looks_like_file(path):
                yield Hit(path, "read" if name in LOADING else "write", "shell.program")
        changes = changes or any(kind(part) == "change" for part in QUOTED.sub("''", text).split(";"))
        for operation, path in sql_files(text):
            yield Hit(path, operation, "shell.program")
    database = operands[0] if program in FILES and operands else ""
    if is_local(database) and "$" not in database and (program == "sqlite3" or looks_like_file(database)):
        yield Hit(database, "write" if changes else "read", "shell.program")


def _parted(program: str, rest: list[str]) -> tuple[list[str], list[str]]:
    """(statements that options give, operands) among a program's arguments."""
    texts: list[str] = []
    operands: list[str] = []
    before = ""
    for word in rest:
        option, equal, value = word.partition("=")
        if before in STATEMENTS[program]:
            texts.append(word)
        elif equal and option in STATEMENTS[program]:
            texts.append(value)
        elif word[:1] != "-" and before not in VALUES:
            operands.append(word)
        before = "" if before in STATEMENTS[program] or before in VALUES else word
    return texts, operands
