"""What Python code imports, reads and writes: by its syntax tree where it parses, by patterns where it does not."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache
from typing import Final

import re2

from ingest.extractors import databases, patterns, shell
from ingest.extractors.blocks import PARSE_LIMIT, sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.order import Place
from ingest.extractors.paths import is_local
from ingest.extractors.walk import Walk

CELL: Final = re2.compile(r"^\s*%%(\w+)[ \t]*([^\n]*)\n?")
# a line at which a statement of the program's top level begins
STATEMENT: Final = re.compile(r"(?!(?:else|elif|except|finally)\b)[^\s#)\]}]")
MENDED_LENGTH: Final = 20_000
MENDED_STATEMENTS: Final = 4
# in lines that lost their indentation: beginnings of statements that hold others, those that bind names in a group,
# and statements that leave them
INDENTED: Final = re2.compile(r"(?m)^[ \t]+\S")
HEADER: Final = re2.compile(
    r"(?m)^(?:((?:async[ ]+)?(?:if|for|while|with)[ (][^\n]*:)|(?:(?:async[ ]+)?def|class|elif|except)[ (:][^\n]*:"
    r"|(?:try|else|finally|except)[ ]*:|@[^\n]*)[ \t]*(?:#[^\n]*)?$"
)
LEAVING: Final = re2.compile(r"(?m)^(?:return|raise|break|continue)\b[ \t]*")
# fields in which a statement, by its kind, holds others
HOLDING: Final = {
    kind: fields
    for kind in vars(ast).values()
    if isinstance(kind, type)
    and issubclass(kind, ast.AST)
    and (fields := tuple(name for name in kind._fields if name in ("body", "orelse", "finalbody", "handlers", "cases")))
}
# programs that are also magics of a line
COMMANDS: Final = frozenset("pip conda mamba uv cat cp mv".split())
# what an interpreter prints before the lines that it is given, and IPython before what they are worth
PROMPT: Final = re2.compile(r"(?m)^[ \t]*(?:>>>|In \[\d+\]:|\.\.\.:?)[ \t]?|^Out\[\d+\]:[^\n]*")


@lru_cache(maxsize=2)
def parse(code: str) -> ast.Module | None:
    """The syntax tree, or None where the code is no Python, too large or too deep (CPython stops at 200 brackets)."""
    if len(code) > PARSE_LIMIT:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None


def python_facts(code: str, places: list[Place] | None = None) -> tuple[set[str], list[Hit]]:
    """Imports and files of Python code, the files in order of first appearance.

    Args:
        code: the code.
        places: where it is given and the code parses as it is, the files are added with their lines and columns.
    """
    code = sound(code)
    before: list[Hit] = []
    tree = parse(code)
    parses = tree is not None
    if tree is None and len(code) <= PARSE_LIMIT:
        code, before = _without_magics(code)
        tree = parse(code)
    if tree is not None and (facts := _tree_facts(tree, code)):
        if parses and places is not None:
            places += facts[1]
        return facts[0], [*before, *(hit for _, _, hit in facts[1])]
    code = patterns.SAID.sub("", code)
    packages, files = patterns.imports(code), patterns.python_files(code)
    sound_part = _sound_part(code)
    if sound_part is not None and (facts := _tree_facts(*sound_part)):
        packages |= facts[0]
        found = [hit for _, _, hit in facts[1]]
        # of databases what is whole tells more
        queried = {hit._replace(operation="write") for hit in found if hit.method == "python.archive"}
        files = list(dict.fromkeys([*found, *(hit for hit in files if hit not in queried)]))
    return packages, [*before, *files]


def _tree_facts(tree: ast.Module, code: str) -> tuple[set[str], list[Place]] | None:
    """Imports and files of a program, or None where it is too deep to be walked through."""
    walk = Walk()
    try:
        walk.program(tree)
    except RecursionError:
        return None
    ordered = databases.settled(sorted(walk.hits, key=lambda hit: hit[:2]))
    packages = tree_imports(tree)
    if "import_module" in code or "__import__" in code:
        packages |= dynamic_imports(tree)
    return packages, ordered


def _flat(code: str) -> str:
    """Code whose lines lost their indentation, with what its statements hold beside them, and nothing that leaves."""
    flat: str = LEAVING.sub("", HEADER.sub(lambda match: f"{match[1]} pass" if match[1] else "", code))
    return flat


def _sound_part(code: str) -> tuple[ast.Module, str] | None:
    """What is left of a program without the statements that do not parse, as where it was cut off; None if nothing is.

    Few are taken out, and only of a short program: each costs another parse.
    """
    if len(code) > MENDED_LENGTH:
        return None
    lines = (code if INDENTED.search(code) else _flat(code)).split("\n")
    for _ in range(MENDED_STATEMENTS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse("\n".join(lines))
                return (tree, code) if tree.body else None
        except SyntaxError as error:
            place = min(max(error.lineno or 1, 1), len(lines)) - 1
        except (ValueError, RecursionError, MemoryError, OverflowError):
            return None
        first = next((n for n in range(place, -1, -1) if STATEMENT.match(lines[n])), 0)
        last = next((n for n in range(max(first, place) + 1, len(lines)) if STATEMENT.match(lines[n])), len(lines))
        lines[first:last] = [""] * (last - first)
    return None


def tree_imports(tree: ast.Module) -> set[str]:
    """Top-level names of all packages that a program imports, relative imports left out."""
    found: set[str] = set()
    # statements alone: most nodes of a tree are expressions
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.add(alias.name.split(".", 1)[0])
        elif isinstance(node, ast.ImportFrom):
            if not node.level and node.module:
                found.add(node.module.split(".", 1)[0])
        else:
            for name in HOLDING.get(type(node), ()):
                pending += getattr(node, name)
    return found


def dynamic_imports(tree: ast.Module) -> set[str]:
    """Top-level names of packages given to `import_module` or `__import__`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if (
                name in ("import_module", "__import__")
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                found.add(first.value.split(".", 1)[0])
    return found - {""}


def _without_magics(code: str) -> tuple[str, list[Hit]]:
    """Code without the lines that only IPython understands, and the files that those lines name."""
    found: list[Hit] = []
    cell = CELL.match(code)
    if cell:
        magic, argument = cell.groups()
        rest = code[cell.end() :]
        if magic in ("writefile", "file"):
            path = argument.replace("-a ", "").strip().strip("'\"")
            return "", [Hit(path, "write", "python.magic")] if is_local(path) else []
        if magic in ("bash", "sh", "script"):
            return "", shell.command_files(rest)
        code = rest
    if ">>> " in code or "In [" in code:
        code = PROMPT.sub("", code)
    lines = code.split("\n")
    for index, line in enumerate(lines):
        bare = line.lstrip()
        if not bare or bare[0] not in "!%?":
            continue
        if bare[0] == "!":
            found.extend(hit._replace(method="python.magic") for hit in shell.command_files(bare[1:]))
        elif bare.startswith("%run "):
            found.extend(shell.command_files("python " + bare[5:]))
        elif (command := bare[1:].lstrip()).split(" ", 1)[0] in COMMANDS:
            found.extend(hit._replace(method="python.magic") for hit in shell.command_files(command))
        lines[index] = line[: len(line) - len(bare)] + "pass"
    return "\n".join(lines), found


MAGICS: tuple[Extractor, ...] = (
    Extractor(
        name="python.import",
        finds="packages that Python code imports, by their top-level names",
        text="python",
        example="import os.path as p\nfrom numpy import linalg\nfrom . import mine",
        found=(("import", "numpy"), ("import", "os")),
        function=tree_imports,
    ),
    Extractor(
        name="python.magic",
        finds="files of the shell lines and cell magics of a notebook",
        text="python",
        example="!wget -q https://example.org/a.csv -O a.csv\nimport numpy",
        found=(("write", "a.csv"), ("import", "numpy")),
        function=_without_magics,
    ),
)
