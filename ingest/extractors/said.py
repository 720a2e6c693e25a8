"""What the sentence around the name of a file says of it: that the file was made, or nothing of the kind."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors import cjk

_MADE: Final = r"saved|written|created|generated|exported|downloaded|produced"
# in the sentence before the path; to ask first whether a word begins with a letter of theirs makes it several times as
# fast
WRITTEN: Final = re.compile(
    r"(?i)(?=[cdegloprsw])\b(?:(?:" + _MADE + r"|wrote|stored|dumped|rendered|logged|recorded)\b"
    r"|(?:output|result|log)[ \t]+(?:file|path)[ \t]*:[ \t]*\S{0,3}$)|^[ \t]*file:[ \t]*\S{0,3}$"
)
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
AFTER_NAME: Final = frozenset(" \t`'\"*)\u2019\u201d")
# right before the path
WRITTEN_TO: Final = re.compile(
    r"(?i)\b(?:" + _MADE + r"|wrote|writing|saving|exporting|stored|dumped|rendered|output)"
    r"(?:(?:[ \t]+\w+){0,4}?[ \t]+(?:to|as|into|file)[ \t]*:?|:)[ \t]*[`'\"*(]{0,3}$"
)


def operation(before: str, after: str) -> str:
    """`write` where the sentence says that the file was made, else `mention`."""
    said = sentence(before)
    match = WRITTEN.search(said)
    if match and not NOT_WRITTEN.search(said[: match.start()]):
        # another name may stand between only in a list of names
        between = SEPARATORS.split(said[match.end() :])
        if not any("." in word for word in between) or all("." in word or word in LISTING for word in between):
            return "write"
    if not (said.isascii() and after[:8].isascii()) and cjk.written(said, after):
        return "write"
    return "write" if after[:1] in AFTER_NAME and WRITTEN_AFTER.search(after[:80]) else "mention"


def sentence(before: str) -> str:
    """The part of the text before a path that is of the same sentence; a colon leads over a line end."""
    stripped = before.rstrip()
    text = stripped if stripped.endswith(":") else before
    ends = (". ", "! ", "? ", "\n")
    return text[max(map(text.rfind, ends if text.isascii() else (*ends, *cjk.SENTENCE_ENDS))) + 1 :]
