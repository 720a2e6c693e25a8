"""Values that the walk through a Python program can know.

A value is a plain `str`, number, `list`, `tuple` or `dict` where the program text says what it is, one of the classes
below where it says part of it, and `UNKNOWN` where only a run can tell. Those with `unsafe_hash` are never changed;
frozen ones take three times as long to make.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import Any, Final

Value = Any
# tuples of types are asked about in a third of the time that unions take
PLAIN: Final = (str, int, float)
SEQUENCES: Final = (str, list, tuple)
COLLECTIONS: Final = (list, tuple, dict)
# how many values one variable may have at once, and how long a list or string may grow
ALTERNATIVES: Final = 64
LENGTH: Final = 4096


class Unknown:
    """What only a run can tell."""


UNKNOWN: Final = Unknown()
# how many items a tuple may have that is a key of a dictionary
KEY_LENGTH: Final = 8
# the folder in which the program runs
HERE: Final = "."


@dataclass(unsafe_hash=True, slots=True)
class Either:
    """One of several values: the branches of a program meet here."""

    options: tuple[Value, ...]


@dataclass(unsafe_hash=True, slots=True)
class PathValue:
    """A `pathlib` path."""

    text: str


@dataclass(frozen=True)
class Script:
    """The program's own file: its name is not known, but names beside it are those of the folder where it runs."""


SCRIPT: Final = Script()


@dataclass(unsafe_hash=True, slots=True)
class Ref:
    """A module, class or function by its dotted name, after imports are resolved, or a name that nothing binds."""

    name: str
    imported: bool = False


@dataclass(unsafe_hash=True, slots=True)
class Result:
    """Whatever a call of the function with that dotted name returned."""

    name: str


@dataclass(unsafe_hash=True, slots=True)
class Command:
    """A text with blanks of which only a run can tell some parts: `$_` stands for each. It may be a shell command."""

    text: str


class Key:
    """A key of a dictionary that is not known: it is none of the others, and leads to its value."""


# kinds of values that are keys as they are; a tuple of them is one as well
KEYS: Final = frozenset((str, int, float, bool, type(None), PathValue, Ref, Key))
# of these kinds two values that are equal are the same
EQUAL: Final = frozenset((str, int, float, bool, PathValue, Ref))
# those that name a file, or are a list of such
NAMING_FILES: Final = frozenset((str, PathValue, Either, list))


@dataclass(eq=False)
class Scope:
    """The variables of a module, class or function body."""

    names: dict[str, Value] = field(default_factory=dict)
    parent: Scope | None = None
    # variables of the module that a function sets
    shared: frozenset[str] = frozenset()

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
    # the class whose method it is
    owner: Class | None = None


@dataclass(eq=False)
class Class:
    """A class that the program defines: its methods and attributes stand in `scope`."""

    scope: Scope
    bases: tuple[Class, ...] = ()
    # attributes that are set by position where it has no `__init__`
    fields: tuple[str, ...] = ()
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


@dataclass(frozen=True)
class Parents:
    """What `super()` is in a method of a class: an object seen as one of its bases."""

    of: Class
    owner: Instance | Class

    def attribute(self, name: str) -> Value:
        """A method or attribute of the first base that has it."""
        found = (base.attribute(name) for base in self.of.bases)
        return next((value for value in found if value is not UNKNOWN), UNKNOWN)


@dataclass(eq=False, slots=True)
class Partial:
    """A function with the first of its arguments: `functools.partial(os.path.join, "d")`."""

    function: Ref | Function | Method | Class
    positional: list[Value]
    keywords: dict[str, Value]


def is_key(value: Value) -> bool:
    """Whether a value is known well enough to be looked up in a dictionary."""
    if type(value) is tuple:
        return len(value) <= KEY_LENGTH and all(type(item) in KEYS for item in value)
    return type(value) in KEYS


def key_of(value: Value) -> Value:
    """What a value is kept under in a dictionary."""
    return value if is_key(value) else Key()


def alternatives(value: Value) -> tuple[Value, ...]:
    """All values that a value may be."""
    return value.options if isinstance(value, Either) else (value,)


def either(values: Sequence[Value]) -> Value:
    """One value that may be any of those given."""
    first = values[0] if values else UNKNOWN
    if type(first) is Either and len(first.options) >= ALTERNATIVES:
        return first
    for value in values:
        if value is not first or type(value) is Either:
            break
    else:  # most often all are the same, or there is one
        return first
    options: dict[object, Value] = {}
    for value in values:
        for option in alternatives(value):
            kind = type(option)
            options.setdefault((kind, option) if kind in EQUAL else id(option), option)
        if len(options) >= ALTERNATIVES:
            break
    return Either(tuple(islice(options.values(), ALTERNATIVES))) if len(options) > 1 else next(iter(options.values()))


def lift(function: Callable[..., Value], *values: Value) -> Value:
    """A function of single values applied to every combination of alternatives; what fails is unknown."""
    several = False
    for value in values:
        if value is UNKNOWN:
            return UNKNOWN
        several = several or type(value) is Either
    if not several:
        return _attempt(function, values)
    combinations = islice(product(*map(alternatives, values)), ALTERNATIVES)
    return either([UNKNOWN if UNKNOWN in known else _attempt(function, known) for known in combinations])


def _attempt(function: Callable[..., Value], values: Sequence[Value]) -> Value:
    try:
        result = function(*values)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, MemoryError):
        return UNKNOWN
    if isinstance(result, SEQUENCES) and len(result) > LENGTH:
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
        if isinstance(option, COLLECTIONS) or (isinstance(option, range) and len(option) <= ALTERNATIVES):
            found.extend(option)
        elif option is not UNKNOWN or len(alternatives(value)) == 1:
            return None
    return found


def paths_of(value: Value) -> list[str]:
    """The strings and paths that a value may be."""
    if type(value) is str:
        return [value]
    found: list[str] = []
    for option in alternatives(value):
        if isinstance(option, PathValue):
            found.append(option.text)
        elif isinstance(option, str):
            found.append(option)
    return found


def listed_paths(value: Value) -> list[str]:
    """The strings and paths that a value may be or hold: a list, or a dictionary of such or of lists."""
    if isinstance(value, dict):
        held = chain.from_iterable(part if isinstance(part, list | tuple) else (part,) for part in value.values())
        return [path for item in islice(held, LENGTH) for path in paths_of(item)]
    return [path for item in value for path in paths_of(item)] if isinstance(value, list) else paths_of(value)
