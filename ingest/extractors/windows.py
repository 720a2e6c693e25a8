"""Paths of Windows in prose: drives, shares, backslashes between folders, and names with blanks."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.paths import has_known_ending
from ingest.extractors.vocabulary import BREAKS

# backslashes shortly before a place beyond which they are no path's, even if escaped twice
BACKSLASHES: Final = 64
# what stands in no path, or ends one in a sentence
MARKS: Final = frozenset("/:*?\"<>|\r\n\t`',;=")
# blanks of one path
BLANKS: Final = 8
PARTS: Final = re.compile(r"[\\ ]+")
# words between two paths
BETWEEN: Final = frozenset(
    "to in into from as at on with is are was were or by for via then see of and run open read".split()
)


def is_folder_mark(window: str, index: int) -> bool:
    """Whether a backslash that ends just before an index is a Windows path's: of a drive, or of a share."""
    head = window[max(0, index - 200) : index]
    if head.count("\\") > BACKSLASHES:
        return False
    chunk = head[max(map(head.rfind, BREAKS)) + 1 :]
    if chunk.startswith(("\\\\", ".\\", "..\\")) or (chunk == "\\" and window[index] == "\\"):
        return True
    # a folder before, and behind it neither an escape of JSON's nor of Markdown's
    if head[-2:-1].isalnum() and window[index].isalnum() and window[index] not in "ntrbfux":
        return True
    colon = head.rfind(":\\")
    if colon < 1:
        return False
    if head[colon - 1].isalpha() and not any(character in BREAKS for character in head[colon:]):
        return True
    return drive_start(head) is not None


def drive_start(before: str) -> int | None:
    """Where the drive stands that a path begins with which goes on, blanks in it or not, to the end of a text."""
    colon = before.rfind(":\\")
    # doubled backslashes are those of a text inside JSON or code
    if colon < 1 or not before[colon - 1].isalpha() or before[colon + 2 : colon + 3] in ("", "\\"):
        return None
    if colon > 1 and before[colon - 2].isalnum():
        return None
    rest = before[colon + 2 :]
    if rest.count(" ") > BLANKS or not MARKS.isdisjoint(rest) or any(map(has_known_ending, PARTS.split(rest))):
        return None
    return colon - 1


def spaced_start(window: str, start: int) -> int | None:
    """Where a path with blanks in its folders begins, whose last word without any begins at `start`; None for no such.

    `C:\\My Docs\\a.csv` is one path, but `C:\\docs to Docs\\a.csv` is two.
    """
    before, token = window[:start], window[start:]
    if ":" in token or (drive := drive_start(before)) is None:
        return None
    tail = before[drive:].rsplit("\\", 1)[-1]
    if not tail or token.startswith("\\"):
        return drive
    if "\\" not in token.replace("\\_", "") or not tail.endswith(" "):
        return None
    words = tail.split()
    capital = all(word[:1].isupper() for word in (*words[:1], *words[2:], token))
    if words[1:2] in (["and"], ["of"]) and capital:  # `Documents and Settings`
        words = words[:1]
    return None if any(word.lower() in BETWEEN for word in words) else drive


def is_rooted(content: str) -> bool:
    """Whether a text in quotes is a path of a drive, whatever blanks it has."""
    return (
        content[1:3] in (":\\", ":/")
        and content[0].isalpha()
        and MARKS.isdisjoint(content[2:] if content[2] == "\\" else content[2:].replace("/", ""))
        and content.count(" ") <= BLANKS
        and not any(map(has_known_ending, PARTS.split(content)[:-1]))
    )
