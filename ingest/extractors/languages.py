"""From a code block to its facts: which extractors read which language."""

from __future__ import annotations

import posixpath
import re
from typing import Final

import re2

from ingest.extractors import latex, order, patterns, python, scripts, shell
from ingest.extractors.blocks import sound
from ingest.extractors.model import CodeFacts, Hit
from ingest.tokens import without_comments

PYTHON: Final = frozenset(
    ("python", "py", "python3", "ipython", "ipython3", "jupyter", "pycon", "python2", "tool_code")
)
SHELL: Final = frozenset(
    (
        "sh",
        "bash",
        "shell",
        "zsh",
        "console",
        "terminal",
        "ps1",
        "pwsh",
        "powershell",
        "cmd",
        "bat",
        "batch",
        "shellscript",
        "ksh",
        "fish",
    )
)
# shells in which a backslash is no escape
WINDOWS: Final = frozenset(("ps1", "pwsh", "powershell", "cmd", "bat", "batch"))
JULIA: Final = frozenset(("julia", "jl"))
# the first line of a shell script whose block does not say what it is
SHEBANG: Final = re.compile(r"\s*#![ \t]*/\S*(?:/|/env[ \t]+)(?:ba|z|k|da)?sh\b")
# what AG2 takes for one of a shell: commands of Python and its installer
COMMAND: Final = re.compile(r"(?:python3?|pip3?) +[\w.-]")
# a comment of PowerShell's over lines
BLOCK: Final = re2.compile(r"(?s)<#.*?#>")
# stands for it while a script is read
BACKSLASH: Final = "\x01"
# languages without calls: what looks like one in them is text
TEXT: Final = frozenset(
    (
        "markdown",
        "md",
        "text",
        "txt",
        "plaintext",
        "json",
        "yaml",
        "yml",
        "xml",
        "html",
        "css",
        "csv",
        "toml",
        "ini",
        "diff",
        "patch",
        "output",
        "stdout",
        "stderr",
        "traceback",
        "pytb",
        "log",
    )
)


def extract_code(code: str, language: str = "") -> CodeFacts:
    """What a code block imports, writes and reads.

    Args:
        code: the block's text.
        language: as the fence says or AG2 infers; '' where it is not known.

    Returns:
        Top-level package names, sorted; files written and files read, each path once per list, in order of first
        appearance. Paths that only a run can tell, folders, addresses and comments are left out. Bounded time and
        memory whatever the text: a syntax tree is made of at most 300,000 characters (`PARSE_LIMIT`), else patterns
        look through the first 200,000 (`patterns.LIMIT`), and of a shell script the first 100,000 (`shell.LIMIT`) are
        read. Never raises.
    """
    code = sound(code)
    name = language.strip().lower() or ("sh" if SHEBANG.match(code) or COMMAND.match(code) else "")
    packages: set[str] = set()
    named = patterns.filename(code)
    hits: list[Hit] = [*named]
    places: list[order.Place] = []
    if name in SHELL:
        hits += windows_files(code) if name in WINDOWS else shell.command_files(code)
        for _, inner in shell.embedded(code):
            found, files = python.python_facts(inner)
            packages |= found
            hits += files
    elif name in latex.LANGUAGES or (not name and latex.BEGINNING.match(code[: patterns.LIMIT])):
        hits += latex.latex_files(code)
    elif name in PYTHON or not name:
        packages, files = python.python_facts(code, places)
        hits += files
        if not name and not packages and not files:
            shown = patterns.SAID.sub("", code[: patterns.LIMIT])
            hits += scripts.script_files(patterns.COMMENTED.sub("", shown))
    elif name in ("sql", "duckdb"):
        hits += scripts.sql_script(without_comments(code[: patterns.LIMIT], name))
    elif name in ("dockerfile", "docker", "makefile", "make"):
        hits += scripts.build_files(code)
    elif name not in TEXT:
        bare = without_comments(code[: patterns.LIMIT], name)
        packages = scripts.julia_imports(bare) if name in JULIA else scripts.script_imports(bare)
        hits += scripts.script_files(bare, name)
    reads = _unique(hits, "read")
    if name in SHELL:
        back, overwrites = order.shell_order(code, reads)
    else:
        back, overwrites = order.python_order(code, places)
    saved = tuple(posixpath.normpath(hit.path) for hit in named)
    return CodeFacts(tuple(sorted(filter(_is_text, packages))), _unique(hits, "write"), reads, back, overwrites + saved)


def windows_files(code: str) -> list[Hit]:
    """The files of a script in whose paths backslashes part the folders."""
    found = shell.command_files(BLOCK.sub(" ", code.replace("\\", BACKSLASH)))
    return [
        hit._replace(path=hit.path.replace(BACKSLASH, "\\"))
        for hit in found
        if not hit.path.endswith(BACKSLASH) and hit.path.lower() != "nul"
    ]


def _unique(hits: list[Hit], operation: str) -> tuple[Hit, ...]:
    """The hits of one operation, the first for each path."""
    found: dict[str, Hit] = {}
    for hit in hits:
        if hit.operation == operation and _is_text(hit.path):
            found.setdefault(hit.path, hit)
    return tuple(found.values())


def _is_text(name: str) -> bool:
    """Whether a name that code spells out with escapes can be one: of halves of characters Python opens no file."""
    return name.isascii() or sound(name) is name
