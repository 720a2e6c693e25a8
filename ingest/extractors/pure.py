"""What pure functions, operators and methods of a Python program make of known values.

Each returns a value or raises one of the errors that `values.lift` takes for `UNKNOWN`. Nothing grows beyond `LENGTH`.
"""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Callable, Sequence
from itertools import islice, product
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from ingest.extractors.values import ALTERNATIVES, HERE, LENGTH, SCRIPT, UNKNOWN, PathValue, Value, elements, text_of

# a width of four digits or more, or one that a value gives, in a format
WIDE: Final = re.compile(r"\d{4}|\{[^{}]*\{|%[^a-zA-Z%]*\*")
# variables of the environment that have a value everywhere
SET_ALWAYS: Final = frozenset("HOME USER USERNAME LOGNAME PATH PWD SHELL LANG TMPDIR TEMP TMP USERPROFILE".split())


def join(*parts: Value) -> str:
    """`os.path.join`; what is joined to the folder in which the program runs is named as seen from there."""
    texts = [text_of(part) for part in parts]
    return posixpath.join(*(texts[1:] if texts[0] == HERE and len(texts) > 1 else texts))


def path(*parts: Value) -> Value:
    """`pathlib.Path(..)`, spelt as in the program."""
    if parts[:1] == (SCRIPT,):
        return SCRIPT if len(parts) == 1 else UNKNOWN
    return PathValue(join(*parts)) if parts else PathValue(HERE)


def same(value: Value) -> Value:
    """A path spelt in another way."""
    return SCRIPT if value is SCRIPT else text_of(value)


def folder(value: Value) -> str:
    """`os.path.dirname`; raises `ValueError` for the folder above the one in which the program runs."""
    if value is SCRIPT:
        return HERE
    return posixpath.dirname(_below(text_of(value)))


def _below(text: str) -> str:
    """The text of a path; raises `ValueError` for the folder in which the program runs: its name is not known."""
    if text == HERE:
        raise ValueError(text)
    return text


def environment(name: Value, default: Value = UNKNOWN) -> Value:
    """A variable of the environment: its default, as an executor sets none beside those that every system has."""
    return UNKNOWN if name in SET_ALWAYS else default


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
    ast.BitOr: lambda left, right: left | right,
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
    pure = PurePosixPath(_below(text))
    if name == "parent":
        return PathValue(str(pure.parent))
    if name in ("name", "stem", "suffix"):
        return getattr(pure, name)
    return UNKNOWN


def script_attribute(name: str) -> Value:
    """An attribute of the path of the program's own file."""
    return {"parent": PathValue(HERE), "parents": [PathValue(HERE)]}.get(name, UNKNOWN)


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


def address(value: Value) -> Value:
    """`urllib.parse.urlsplit`: an object of named parts."""
    return urlsplit(text_of(value))._asdict()


def combined(*values: Value) -> list[Value]:
    """`itertools.product`; raises `ValueError` where that is no list that someone wrote."""
    found = list(islice(product(*(_sequence(value) for value in values)), ALTERNATIVES + 1))
    if len(found) > ALTERNATIVES:
        raise ValueError(found)
    return found


# names of the standard library that stand for a value
# flags of `os.open`, as Linux has them; all that do not say how a file is opened share one
FLAGS: Final = {
    "os.O_WRONLY": 1,
    "os.O_RDWR": 2,
    "os.O_CREAT": 0o100,
    "os.O_TRUNC": 0o1000,
    "os.O_APPEND": 0o2000,
    **dict.fromkeys(
        (f"os.O_{name}" for name in "RDONLY EXCL CLOEXEC NOFOLLOW NONBLOCK SYNC BINARY NOINHERIT TMPFILE".split()),
        0o200,
    ),
}
CONSTANTS: Final[dict[str, Value]] = {
    "os.sep": "/",
    "os.path.sep": "/",
    "os.curdir": HERE,
    "os.pardir": "..",
    **FLAGS,
}
# functions of known values; all others return a `Result`
PURE: Final[dict[str, Callable[..., Value]]] = {
    "os.path.join": join,
    "os.path.abspath": same,
    "os.path.normpath": same,
    "os.path.realpath": same,
    "os.path.expanduser": text_of,
    "os.fspath": same,
    "os.path.basename": lambda value: posixpath.basename(_below(text_of(value))),
    "os.path.dirname": folder,
    "os.getcwd": lambda: HERE,
    "pathlib.Path.cwd": lambda: PathValue(HERE),
    "os.environ.get": environment,
    "os.getenv": environment,
    "os.path.splitext": lambda value: posixpath.splitext(text_of(value)),
    "os.path.split": lambda value: posixpath.split(text_of(value)),
    "pathlib.Path": path,
    "pathlib.PurePath": path,
    "pathlib.PosixPath": path,
    "str": lambda value="": value if value is SCRIPT else str(plain(value)),
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
    "itertools.product": combined,
    "urllib.parse.urlparse": address,
    "urllib.parse.urlsplit": address,
    "urllib.parse.unquote": lambda value: unquote(text_of(value)),
    "typing.cast": lambda _, value: value,
    "sqlalchemy.text": lambda value: value,
    "sqlalchemy.sql.text": lambda value: value,
    "shlex.split": lambda value, *_: shlex.split(value),
}
