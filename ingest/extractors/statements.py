"""What SQL statements do by their text: whether they change a database, and which files they read or write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ingest.extractors.paths import looks_like_file

# where the first word of a statement stands, behind comments and brackets
FIRST_WORD: Final = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:\([(\s]*)?(?P<word>[A-Za-z]+)")
QUERYING: Final = frozenset("select pragma explain show describe summarize values from with".split())
# statements of a session, which say nothing about a database
NEITHER: Final = frozenset("set use load install begin rollback".split())
# what a statement does that names its tables first, `WITH t AS (..) INSERT INTO u ..`, or that copies rows to a file
CHANGING: Final = re.compile(r"(?i)\b(?:insert\s+into|delete\s+from|update\s+\w+\s+set)\b")
COPIED: Final = re.compile(r"(?i)\)\s*to\b|\bto\s+'")
QUERY: Final = re.compile(
    r"(?i)\b(?:to|outfile)\s+'(?P<to>[^'\n]{1,300})'|\b(?:from|join|infile)\s+'(?P<from>[^'\n]{1,300})'"
    r"|\b(?:read_\w{2,12}|parquet_scan)\s*\(\s*(?:'(?P<function>[^'\n]{1,300})'|\[(?P<list>[^\]]{1,1000})\])"
)
LISTED: Final = re.compile(r"'([^'\n]{1,300})'")


def kind(text: object) -> str:
    """What a statement does with a database: `query`, `change`, or '' where that is not known."""
    match = FIRST_WORD.match(text) if isinstance(text, str) else None
    if match is None or not isinstance(text, str):
        return ""
    word = match["word"].lower()
    if word in NEITHER:
        return ""
    if word == "with":
        return "change" if CHANGING.search(text) else "query"
    return "query" if word in QUERYING or (word == "copy" and COPIED.search(text)) else "change"


def sql_files(text: str) -> Iterator[tuple[str, str]]:
    """(operation, path) of the files in SQL statements."""
    for match in QUERY.finditer(text):
        one = match["to"] or match["from"] or match["function"]
        for path in [one] if one else LISTED.findall(match["list"]):
            if looks_like_file(path):
                yield "write" if match["to"] else "read", path
