"""What the sentence around the name of a file says of it: that the file was made, or nothing of the kind."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors import cjk

_MADE: Final = r"saved|written|created|generated|exported|downloaded|produced"
_PUT: Final = r"wrote|stored|dumped|rendered|logged|recorded"
# in the sentence before the path; to ask first whether a word begins with a letter of theirs makes it several times as
# fast
WRITTEN: Final = re.compile(
    rf"(?i)(?=[cdegloprsw])\b(?:(?:{_MADE}|{_PUT})\b"
    r"|(?:output|result|log)[ \t]+(?:file|path)[ \t]*:[ \t]*\S{0,3}$)|^[ \t]*file:[ \t]*\S{0,3}$"
)
# words of which each such sentence has one, if it is ASCII
WRITTEN_HINTS: Final = (*_MADE.split("|"), *_PUT.split("|"), "output", "result", "log", "file:")
SEPARATORS: Final = re.compile(r"[\s:,;&'\"`*()]+")
LISTING: Final = frozenset(("", "and", "or", "the", "file", "files", "to", "as", "in", "plus"))
# right after the path
WRITTEN_AFTER: Final = re.compile(
    r"(?i)^[`'\"*)\u2019\u201d]{0,3}[ \t]+(?:(?:has|have|was|were|is|are)[ \t]+)?(?:been[ \t]+)?(?:successfully[ \t]+)?"
    r"(?:" + _MADE + r")\b"
)
# what is said to be wanted, planned or failed has not been made
NOT_WRITTEN: Final = re.compile(
    r"(?i)\b(?:not|never|cannot|can't|couldn't|failed|unable|error|will|would|should|could|can|must|please|to be|if"
    r"|once|when)\b"
)
# what ends a sentence
ENDS: Final = (". ", "! ", "? ", "\n")
ALL_ENDS: Final = (*ENDS, *cjk.SENTENCE_ENDS)
AFTER_NAME: Final = frozenset(" \t`'\"*)\u2019\u201d")
# right before the path
WRITTEN_TO: Final = re.compile(
    r"(?i)\b(?:" + _MADE + r"|wrote|writing|saving|exporting|stored|dumped|rendered|output)"
    r"(?:(?:[ \t]+\w+){0,4}?[ \t]+(?:to|as|into|file)[ \t]*:?|:)[ \t]*[`'\"*(]{0,3}$"
)
# the same without such a word: created `app.db`
MADE_BEFORE: Final = re.compile(
    r"(?i)\b(?:" + _MADE + r"|wrote)(?:[ \t]+(?:the|an?|new|file|database)){0,3}[ \t]+[`'\"*(]{0,3}$"
)


def operation(before: str, after: str) -> str:
    """`write` where the sentence says that the file was made, else `mention`."""
    said = sentence(before)
    match = written(said)
    if match and not NOT_WRITTEN.search(said[: match.start()]):
        between = said[match.end() :]
        # another name may stand between only in a list of names
        if "." not in between or all("." in word or word in LISTING for word in SEPARATORS.split(between)):
            return "write"
    if not (said.isascii() and after[:8].isascii()) and cjk.written(said, after):
        return "write"
    return "write" if after[:1] in AFTER_NAME and WRITTEN_AFTER.search(after[:80]) else "mention"


def written(said: str) -> re.Match[str] | None:
    """The first words of a sentence before a path that say that a file was made."""
    if said.isascii() and not has_any(said.lower(), WRITTEN_HINTS):
        return None
    return WRITTEN.search(said)


def has_any(text: str, hints: tuple[str, ...]) -> bool:
    """Whether one of these stands in a text; `any` takes twice as long on a short one."""
    for hint in hints:  # noqa: SIM110
        if hint in text:
            return True
    return False


def sentence(before: str) -> str:
    """The part of the text before a path that is of the same sentence; a colon leads over a line end."""
    stripped = before.rstrip()
    text = stripped if stripped.endswith(":") else before
    return text[max(map(text.rfind, ENDS if text.isascii() else ALL_ENDS)) + 1 :]
