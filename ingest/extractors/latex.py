"""Files that LaTeX takes in when it typesets a document, and those that the document itself holds."""

from __future__ import annotations

from typing import Final

import re2

from ingest.extractors.blocks import sound
from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import looks_like_file
from ingest.extractors.patterns import LIMIT

LANGUAGES: Final = frozenset(("latex", "tex"))
# how a document begins whose block does not say what it is
BEGINNING: Final = re2.compile(r"\s*(?:%[^\n]*\n\s*)*\\documentclass\b")
_OPTIONS: Final = r"(?:\[[^\]\n]{0,99}\])?"
_ARGUMENT: Final = r"\{([^{}\n]{1,199})\}"
# a command with its first two arguments, or what a plot is drawn from: `\addplot table [x=t] {a.csv}`
LATEX_PATTERN: Final = (
    r"(?:\\([A-Za-z]+)\*?|\b(table))[ \t]*" + _OPTIONS + r"[ \t]*" + _ARGUMENT + f"(?:{_OPTIONS}{_ARGUMENT})?"
)
LATEX: Final = re2.compile(LATEX_PATTERN)
COMMENT: Final = re2.compile(r"(?m)(^|[^\\])%[^\n]*")
# commands that are given a file or several, and those that are given a language or an environment before it
READS: Final = frozenset(
    "includegraphics includesvg includepdf input include subfile bibliography addbibresource lstinputlisting"
    " verbatiminput VerbatimInput csvautotabular csvreader pgfplotstabletypeset pgfplotstableread loadglsentries"
    " table".split()
)
BEHIND: Final = frozenset(("inputminted",))
HELD: Final = frozenset(("filecontents", "filecontents*"))


def latex_files(code: str) -> list[Hit]:
    """Files of a document by the names that it spells out in full: `{figs/a.pdf}`, but not `{chapters/intro}`."""
    found: list[Hit] = []
    for command, table, first, second in LATEX.findall(COMMENT.sub(r"\1", sound(code[:LIMIT]))):
        held = command == "begin" and first in HELD
        if not (held or (command or table) in READS or command in BEHIND):
            continue
        names = second if held or command in BEHIND else first
        paths = (name.strip().strip('"') for name in names.split(","))
        found += [Hit(path, "write" if held else "read", "code.latex") for path in paths if looks_like_file(path)]
    return list(dict.fromkeys(found))


LATEX_FILES: tuple[Extractor, ...] = (
    Extractor(
        name="code.latex",
        finds="files that a LaTeX document takes in or holds",
        text="latex",
        example="\\includegraphics[width=5cm]{figs/a.pdf}\n\\begin{filecontents}{refs.bib}",
        found=(("read", "figs/a.pdf"), ("write", "refs.bib")),
        pattern=LATEX_PATTERN,
        function=latex_files,
    ),
)
