"""Values that the walk through a Python program can know, and what pure functions make of them.

A value is a plain `str`, number, `list`, `tuple` or `dict` where the program text says what it is, one of the classes
below where it says part of it, and `UNKNOWN` where only a run can tell.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import PurePosixPath
from typing import Any, Final

Value = Any
# how many values one variable may have at once, and how long a list or string may grow
ALTERNATIVES: Final = 64
LENGTH: Final = 4096
# a width of four digits or more, or one that a value gives, in a format
WIDE: Final = re.compile(r"\d{4}|\{[^{}]*\{|%[^a-zA-Z%]*\*")


class Unknown:
    """What only a run can tell."""


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Either:
    """One of several values: the branches of a program meet here."""

    options: tuple[Value, ...]


@dataclass(frozen=True)
class PathValue:
    """A `pathlib` path."""

    text: str


@dataclass(frozen=True)
class Ref:
    """A module, class or function by its dotted name, after imports are resolved, or a name that nothing binds."""

    name: str
    imported: bool = False


@dataclass(frozen=True)
class Result:
    """Whatever a call of the function with that dotted name returned."""

    name: str


@dataclass(frozen=True)
class Command:
    """A text with blanks of which only a run can tell some parts: `$_` stands for each. It may be a shell command."""

    text: str


@dataclass(eq=False)
class Scope:
    """The variables of a module, class or function body."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None

    def lookup(self, name: str) -> Value | None:
        """The value of a name here or in an enclosing scope, None if it was never bound."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


@dataclass(eq=False)
class Function:
    """A function that the program defines."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: dict[str, Value]
    # `property`, `static` or `class` where a decorator says so
    kind: str = ""


@dataclass(eq=False)
class Class:
    """A class that the program defines: its methods and attributes stand in `scope`."""

    node: ast.ClassDef
    scope: Scope
    bases: tuple[Class, ...] = ()
    instance: Instance | None = None

    def attribute(self, name: str) -> Value:
        """A method or attribute of the class or of the first base that has it."""
        pending, seen = [self], {id(self)}
        while pending and len(seen) < ALTERNATIVES:
            made = pending.pop(0)
            if name in made.scope.names:
                return made.scope.names[name]
            bases = [base for base in made.bases if id(base) not in seen]
            seen.update(map(id, bases))
            pending.extend(bases)
        return UNKNOWN


@dataclass(eq=False)
class Instance:
    """An object of a class that the program defines."""

    of: Class
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A function bound to an object, or to a class."""

    function: Function
    owner: Instance | Class


def alternatives(value: Value) -> tuple[Value, ...]:
    """All values that a value may be."""
    return value.options if isinstance(value, Either) else (value,)


def either(values: Sequence[Value]) -> Value:
    """One value that may be any of those given."""
    options: list[Value] = []
    seen: set[object] = set()
    for value in values:
        for option in alternatives(value):
            key = (type(option), option) if isinstance(option, str | int | float | PathValue | Ref) else id(option)
            if key not in seen and len(options) < ALTERNATIVES:
                seen.add(key)
                options.append(option)
    return options[0] if len(options) == 1 else Either(tuple(options)) if options else UNKNOWN


def lift(function: Callable[..., Value], *values: Value) -> Value:
    """A function of single values applied to every combination of alternatives; what fails is unknown."""
    for value in values:
        if isinstance(value, Either):
            break
    else:
        return _attempt(function, values)
    combined: list[Value] = []
    for combination in product(*(alternatives(value) for value in values)):
        combined.append(_attempt(function, combination))
        if len(combined) >= ALTERNATIVES:
            break
    return either(combined)


def _attempt(function: Callable[..., Value], values: Sequence[Value]) -> Value:
    for value in values:
        if value is UNKNOWN:
            return UNKNOWN
    try:
        result = function(*values)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, MemoryError):
        return UNKNOWN
    if isinstance(result, str | list | tuple) and len(result) > LENGTH:
        return UNKNOWN
    return result


def text_of(value: Value) -> str:
    """The text of a string or path; raises `TypeError` for anything else."""
    if isinstance(value, PathValue):
        return value.text
    if isinstance(value, str):
        return value
    raise TypeError(value)


def elements(value: Value) -> list[Value] | None:
    """What a loop over the value yields, or None where that is not known."""
    found: list[Value] = []
    for option in alternatives(value):
        if isinstance(option, list | tuple | dict) or (isinstance(option, range) and len(option) <= ALTERNATIVES):
            found.extend(option)
        elif option is not UNKNOWN or len(alternatives(value)) == 1:
            return None
    return found


def join(*parts: Value) -> str:
    """`os.path.join`."""
    return posixpath.join(*(text_of(part) for part in parts))


def path(*parts: Value) -> PathValue:
    """`pathlib.Path(..)`, spelt as in the program."""
    return PathValue(join(*parts)) if parts else PathValue(".")


def plain(value: Value) -> str | int | float:
    """A value whose text is known; raises `TypeError` for anything else."""
    if isinstance(value, PathValue):
        return value.text
    if isinstance(value, str | int | float):
        return value
    raise TypeError(value)


def _small(template: str, parts: Sequence[Value]) -> None:
    """Raise `ValueError` where filling in a template would make a long string."""
    longest = max((len(part) for part in parts if isinstance(part, str)), default=8)
    if len(template) > LENGTH or WIDE.search(template) or len(template) * longest > 64 * LENGTH:
        raise ValueError(template)


def concatenated(*parts: Value) -> str:
    """The parts of an f-string."""
    if sum(map(len, parts)) > LENGTH:
        raise ValueError(parts)
    return "".join(parts)


def formatted(value: Value, conversion: int, spec: Value) -> str:
    """One field of an f-string."""
    known = plain(value)
    if conversion == ord("r"):
        known = repr(known)
    specification = text_of(spec)
    _small(specification, ())
    return format(known, specification)


def add(left: Value, right: Value) -> Value:
    """`left + right`."""
    if isinstance(left, PathValue) or isinstance(right, PathValue):
        raise TypeError(left)
    return left + right


def divide(left: Value, right: Value) -> Value:
    """`left / right`, which joins paths."""
    if isinstance(left, PathValue) or isinstance(right, PathValue):
        return PathValue(join(left, right))
    return left / right


def modulo(left: Value, right: Value) -> Value:
    """`left % right`, which fills in a format."""
    if not isinstance(left, str):
        return left % right
    values = tuple(plain(value) for value in right) if isinstance(right, tuple) else (plain(right),)
    _small(left, values)
    return left % values


def multiply(left: Value, right: Value) -> Value:
    """`left * right`, as far as the result stays small."""
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and (
            not isinstance(count, int) or count > LENGTH or len(sequence) * count > LENGTH
        ):
            raise ValueError(count)
    return left * right if not isinstance(left, int) or abs(left) < 10**9 else UNKNOWN


OPERATORS: Final[dict[type[ast.operator], Callable[[Value, Value], Value]]] = {
    ast.Add: add,
    ast.Div: divide,
    ast.Mod: modulo,
    ast.Mult: multiply,
    ast.Sub: lambda left, right: left - right,
    ast.FloorDiv: lambda left, right: left // right,
}

STRING_METHODS: Final = frozenset(
    "capitalize format join lower lstrip removeprefix removesuffix replace rsplit rstrip split splitlines strip"
    " title upper"
    " zfill partition rpartition".split()
)


def string_method(name: str, text: str, arguments: Sequence[Value]) -> Value:
    """A pure method of a string."""
    if name not in STRING_METHODS or len(text) > LENGTH:
        return UNKNOWN
    if name == "join":
        items = [text_of(item) for item in elements(arguments[0]) or ()]
        if sum(map(len, items)) + len(text) * len(items) > LENGTH:
            raise ValueError(text)
        return text.join(items)
    if name == "replace" and len(text) * len(text_of(arguments[1])) > 64 * LENGTH:
        raise ValueError(text)
    if name == "format" or (name == "zfill" and arguments[0] > LENGTH):
        raise ValueError(name)
    return getattr(text, name)(*arguments)


def string_format(text: str, arguments: Sequence[Value], keywords: dict[str, Value]) -> str:
    """`text.format(..)` with plain values and fields that reach into no attributes."""
    if ".__" in text or "[" in text:
        raise ValueError(text)
    positional = [plain(item) for item in arguments]
    named = {name: plain(item) for name, item in keywords.items()}
    _small(text, [*positional, *named.values()])
    return text.format(*positional, **named)


def path_attribute(name: str, text: str) -> Value:
    """A pure attribute of a path."""
    pure = PurePosixPath(text)
    if name == "parent":
        return PathValue(str(pure.parent))
    if name in ("name", "stem", "suffix"):
        return getattr(pure, name)
    return UNKNOWN


def path_method(name: str, text: str, arguments: Sequence[Value]) -> Value:
    """A pure method of a path."""
    if name == "joinpath":
        return PathValue(join(text, *arguments))
    if name in ("with_suffix", "with_name", "with_stem"):
        return PathValue(str(getattr(PurePosixPath(text), name)(text_of(arguments[0]))))
    if name in ("resolve", "absolute", "expanduser"):
        return PathValue(text)
    if name in ("as_posix", "__str__"):
        return text
    return UNKNOWN


def _sequence(value: Value) -> list[Value]:
    found = elements(value)
    if found is None:
        raise TypeError(value)
    return found


# functions of known values; all others return a `Result`
PURE: Final[dict[str, Callable[..., Value]]] = {
    "os.path.join": join,
    "os.path.abspath": text_of,
    "os.path.normpath": text_of,
    "os.path.realpath": text_of,
    "os.path.expanduser": text_of,
    "os.fspath": text_of,
    "os.path.basename": lambda value: posixpath.basename(text_of(value)),
    "os.path.dirname": lambda value: posixpath.dirname(text_of(value)),
    "os.path.splitext": lambda value: posixpath.splitext(text_of(value)),
    "os.path.split": lambda value: posixpath.split(text_of(value)),
    "pathlib.Path": path,
    "pathlib.PurePath": path,
    "pathlib.PosixPath": path,
    "str": lambda value="": str(plain(value)),
    "int": lambda value=0: int(plain(value)),
    "len": lambda value: len(_sequence(value)),
    "list": lambda value=(): _sequence(value),
    "tuple": lambda value=(): tuple(_sequence(value)),
    "set": lambda value=(): _sequence(value),
    "sorted": _sequence,
    "reversed": lambda value: _sequence(value)[::-1],
    "tqdm.tqdm": _sequence,
    "tqdm": _sequence,
    "tqdm.auto.tqdm": _sequence,
    "range": lambda *bounds: range(*bounds),
    "enumerate": lambda value, start=0: list(enumerate(_sequence(value), start)),
    "zip": lambda *values: list(zip(*(_sequence(value) for value in values), strict=False)),
    "typing.cast": lambda _, value: value,
}
