"""What is the same in two pieces of code, and what is not: a hash of the normalised syntax, and a diff.

Two runs seldom write the same code letter by letter. They do write it again with other variables, other texts and other
comments, and then its normalised syntax is the same.
"""

import ast
import difflib
import hashlib
import re
from collections import Counter
from functools import cache, lru_cache
from typing import Any

from ingest.extractors.blocks import sound
from ingest.extractors.python import parse
from ingest.tokens import SCRIPTS, SHELLS, without_texts

HUGE = 2048
"""Bits of a number that is looked at as hexadecimal digits."""

MAX_LINES, MAX_LENGTH = 400, 40_000
"""Lines and characters of code up to which a diff is made. Finding one can take time quadratic in the lines."""

PYTHON = frozenset({"python", "py", "python3", "ipython", "jupyter"})

_FREE = frozenset("c cpp c++ csharp cs css java php rust sql lua".split())
"""Languages in which the end of a line is a blank like others."""
_LINE_END = re.compile(r"\r\n?")
_AROUND_MARKS = re.compile(r" ?([^\w ]) ?")
_BETWEEN_COMMANDS = re.compile(r" ?(;|\|\|?|&&) ?")
"""Where blanks separate nothing in a shell; elsewhere they do: `rm a *` is not `rm a*`."""
_WITHIN_STATEMENT = re.compile(r"(?<=[(\[{,;=&|?:*%])\n|\n(?=[)\]},;=&|?:*%.])")
"""Ends of lines in JavaScript that end no statement, or one that its mark ends."""
_WORD = re.compile(r"\w+")

_NAMED_BY: dict[type[ast.AST], str] = {
    ast.arg: "arg",
    ast.FunctionDef: "name",
    ast.AsyncFunctionDef: "name",
    ast.ClassDef: "name",
    ast.ExceptHandler: "name",
    ast.alias: "asname",
    ast.MatchAs: "name",
    ast.MatchStar: "name",
    ast.MatchMapping: "rest",
}
"""The field in which a node holds a name that the code may have given itself."""

_IGNORED_FIELDS = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


def normal_hash(code: str, language: str) -> str:
    """A hash that stays the same when only names, texts, comments and layout change.

    Of Python the names that the code itself gives (`np` in `import numpy as np` too) are numbered in order of
    appearance, texts are all alike, docstrings are left out; names of modules, builtins, attributes and keyword
    arguments count, and so do numbers and the formats of f-strings. Of other languages, and of Python that does not
    parse, names count too, and so do code in texts (`"$HOME"`), the ends of lines, where they may end a statement, and
    the blanks between the words of a shell. Time is linear in the length.

    Returns:
        The first 16 hex digits of a SHA-256.
    """
    code, language = sound(code), language.lower()
    if language in PYTHON or not language:
        language = "python"
    tree = parse(code) if language == "python" else None
    normal = _without_layout(code, language) if tree is None else "\0".join(_nodes(tree))
    return hashlib.sha256(normal.encode()).hexdigest()[:16]


def _without_layout(code: str, language: str) -> str:
    """Code whose texts are all alike, without comments, and without blanks and ends of lines that separate nothing."""
    code = without_texts(_LINE_END.sub("\n", code).strip() + "\n", language)
    lines = filter(None, (" ".join(line.split()) for line in code.split("\n")))
    code = (" " if language in _FREE else "\n").join(lines)
    if language in SHELLS:
        return _BETWEEN_COMMANDS.sub(r"\1", code)
    code = _AROUND_MARKS.sub(r"\1", code)
    return _WITHIN_STATEMENT.sub("", code) if language in SCRIPTS else code


def _nodes(tree: ast.Module) -> list[str]:
    """The syntax tree in one fixed order, without recursion, so that its depth does not matter.

    It is walked through from its end: what a node holds is put off as it stands, and taken from the end again.
    """
    own: set[str | None] = set()
    """Names that the code gives to variables, arguments, functions and classes."""
    names: list[tuple[int, str | None]] = []
    """Names with their places. Whether the code itself gives them is known at the end."""
    nodes: list[str] = []
    pending: list[Any] = [tree]
    while pending:
        item = pending.pop()
        kind: Any = type(item)
        if kind is str:
            nodes.append(item)
        elif kind is ast.Name:  # what most trees consist of, with the next three
            if type(item.ctx) is not ast.Load:
                own.add(item.id)
            names.append((len(nodes) + 1, item.id))
            nodes += (")", "id=", "Name")
        elif kind is ast.Constant:
            nodes.append(_constant(item.value))
        elif kind is ast.Attribute:
            nodes.append(f"attr=\0{item.attr}\0)")
            pending += ("Attribute\0value=", item.value)
        elif kind is ast.Call:
            nodes.append(")")
            pending += ("Call\0func=", item.func)
            if item.args:
                pending += ("args=", *item.args)
            if item.keywords:
                pending += ("keywords=", *item.keywords)
        elif kind is ast.Global or kind is ast.Nonlocal:
            nodes.append(")")
            pending += (kind.__name__, *((name, "id=") for name in item.names))
        elif kind is tuple:
            name, mark = item
            names.append((len(nodes), name))
            nodes.append(mark)
        elif issubclass(kind, ast.AST):
            nodes.append(")")
            name, given, fields = _shape(kind)
            pending.append(name)
            if given:
                own.add(getattr(item, given))
            for field, mark in fields:
                value = getattr(item, field, None)
                if field == "format_spec" and type(value) is ast.JoinedStr:  # its texts are no texts, but a format
                    value = [repr(part.value) if type(part) is ast.Constant else part for part in value.values]
                # a handler that names nothing counts as one that does
                if field == given and (value is not None or kind is ast.ExceptHandler):
                    pending.append((value, mark))
                elif type(value) is not list:
                    if value is not None:
                        pending += (mark, value)
                elif value:
                    pending.append(mark)
                    pending += [part for part in value if type(part) is not ast.Expr or not _is_text(part)]
        else:
            nodes.append(repr(item))
    numbers: dict[str | None, str] = {}
    for place, name in reversed(names):
        if name in own:
            nodes[place] = numbers.setdefault(name, f"name {len(numbers)}")
        else:
            nodes[place] += f"\0{name}"
    nodes.reverse()
    return nodes


def _constant(value: object) -> str:
    """A constant as it stands among the nodes: all texts are alike."""
    if isinstance(value, (str, bytes)):
        return "''"
    return "Constant\0)" if value is None else f"Constant\0value=\0{_spelt(value)}\0)"


def _spelt(value: object) -> str:
    """A constant as text. Of huge numbers Python spells out no decimal digits."""
    return hex(value) if isinstance(value, int) and value.bit_length() > HUGE else repr(value)


@cache
def _shape(kind: type[ast.AST]) -> tuple[str, str | None, list[tuple[str, str]]]:
    """Of a kind of node its name, the field with the name that it may give, and the fields that count.

    Each field comes with the mark that stands before its value.
    """
    fields = [(name, name + "=") for name in kind._fields if name not in _IGNORED_FIELDS]
    return kind.__name__, _NAMED_BY.get(kind), fields


def _is_text(statement: ast.Expr) -> bool:
    """Whether a statement is nothing but a text: a docstring, or code commented out with quotes."""
    return type(statement.value) is ast.Constant and type(statement.value.value) is str


def diff(before: str, after: str) -> str | None:
    """What changed between two pieces of code, as a unified diff without file names.

    Returns:
        None where one of the two is longer than `MAX_LINES` or `MAX_LENGTH`; an empty text where nothing changed.
    """
    if (lines := _lines(before, after)) is None:
        return None
    return "\n".join(list(difflib.unified_diff(*lines, lineterm="", n=2))[2:])


@lru_cache(maxsize=16)  # which failure a repair is most like is asked first, and then how alike they are
def similarity(before: str, after: str) -> float | None:
    """How alike two pieces of code are: twice the words that they share, of the words that they have.

    Words are shared by lines that are the same, and by lines that one diff has in place of each other: so a repair
    within a line counts, and what stands elsewhere does not. Names and numbers are words. Of 20
    repairs in real runs 19 have 0.3 or more, and of 10 pairs of other pieces of that code one has.

    Returns:
        0 to 1, rounded to hundredths; None for code that is too long, as in `diff`.
    """
    if (lines := _lines(before, after)) is None:
        return None
    if before == after:
        return 1.0
    old, new = lines
    shared, place, other = 0, 0, 0
    for line, same in [*same_lines(old, new), (len(old), len(new))]:
        if place < line and other < same:
            shared += _shared(_words("\n".join(old[place:line])), _words("\n".join(new[other:same])))
        if line < len(old):
            shared += len(_WORD.findall(old[line]))
        place, other = line + 1, same + 1
    return round(2 * shared / max(1, _known_words(before).total() + _known_words(after).total()), 2)


def same_lines(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """As many lines as are the same in both in the same order, in pairs of their places.

    Row by row of the table of longest common subsequences, of which a number holds a row: a bit is 0 where one more
    line is shared (Hyyrö 2004). So `MAX_LINES` lines take less than a millisecond, whatever they are, which difflib
    does only where it ignores lines that come again and again.
    """
    places: dict[str, int] = {}
    for place, line in enumerate(old):
        places[line] = places.get(line, 0) | 1 << place
    rows = [row := (1 << len(old)) - 1]
    for line in new:
        shared = row & places.get(line, 0)
        rows.append(row := (row + shared | row - shared) & rows[0])
    pairs: list[tuple[int, int]] = []
    place, other = len(old) - 1, len(new) - 1
    while place >= 0 and other >= 0:
        if rows[other + 1] >> place & 1:
            place -= 1
        elif rows[other] >> place & 1:
            pairs.append((place, other))
            place, other = place - 1, other - 1
        else:
            other -= 1
    return pairs[::-1]


def most_alike(before: str, after: str) -> float:
    """What `similarity` is at most: the words that both have, wherever they stand. In linear time."""
    if before == after:
        return 1.0
    old, new = _known_words(before), _known_words(after)
    return 2 * _shared(old, new) / max(1, old.total() + new.total())


def _shared(old: Counter[str], new: Counter[str]) -> int:
    """How many words both have."""
    return sum(min(count, new[word]) for word, count in old.items() if word in new)


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text))


_known_words = lru_cache(maxsize=32)(_words)
"""The same, for code that is compared with one after the other."""


def _lines(before: str, after: str) -> tuple[list[str], list[str]] | None:
    """The lines of both, where they are few enough to be compared."""
    if max(len(before), len(after)) > MAX_LENGTH:
        return None
    lines = before.splitlines(), after.splitlines()
    return lines if max(map(len, lines)) <= MAX_LINES else None
