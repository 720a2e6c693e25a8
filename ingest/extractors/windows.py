"""Paths of Windows in prose: drives, shares, backslashes between folders, and names with blanks."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.paths import has_known_ending
from ingest.extractors.vocabulary import BREAKS, FOLDER_NAMES

# backslashes shortly before a place beyond which they are no path's, even if escaped twice
BACKSLASHES: Final = 64
# what stands in no path, or ends one in a sentence
MARKS: Final = frozenset("/:*?\"<>|\r\n\t`',;=")
# blanks of one path
BLANKS: Final = 8
PARTS: Final = re.compile(r"[\\ ]+")
# an escape of JSON's or Python's, as it stands behind its backslash
ESCAPE: Final = re.compile(r"[ntr]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}")
# an escape with no word before or behind it, which no path has
BROKEN: Final = re.compile(r"(?:^|[^\w\\])\\[nrt]|\\[nrt](?:\W|$)")
# a line's end behind a colon, as text inside JSON has it: `files:\\n/tmp/a.csv`
ESCAPED_ENDS: Final = ("\\n", "\\r", "\\t")
LINE_END: Final = re.compile(r"\\[nrt](?=[\\/.~])")
# the beginning of a string in JSON or Python code, whose end does not follow
STRING: Final = re.compile(r"[:=\[{(,][ \t]*['\"][^'\"\n]*$")
# words of saving that stand right before a path
SAVED_TO: Final = re.compile(r"(?i)\b(?:saved|written|wrote|exported|stored)[ \t]+(?:to|as|in|into):?[ \t]+['\"]?$")
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
    if chunk.startswith(("\\\\", ".\\", "..\\", "~\\")) or (chunk == "\\" and window[index] == "\\"):
        return True
    if _parts_folders(head, window[index : index + 6]):
        return True
    colon = head.rfind(":\\")
    if not is_drive(head, colon, window[index : index + 2]):
        return False
    return not any(character in BREAKS for character in head[colon:]) or drive_start(head) is not None


def is_drive(head: str, colon: int, following: str = "") -> bool:
    """Whether the letter before a colon is a drive and no end of a word: `C:\\a.csv`, but not `files:\\n/tmp/a.csv`.

    What follows a text that ends behind the backslash may tell that this begins an escape.
    """
    if colon < 1 or not head[colon - 1].isalpha():
        return False
    if LINE_END.match((head[colon + 1 : colon + 4] + following)[:3]):
        return False
    before = head[max(0, colon - 3) : colon - 1]
    # letters of other scripts stand right before a path: `保存到C:\\a.csv`
    return not (before[-1:].isascii() and before[-1:].isalnum()) or before in ESCAPED_ENDS


def _parts_folders(head: str, following: str) -> bool:
    """Whether a backslash, single or doubled, that ends a text parts a folder from what is in it.

    `src\\main.py` is a path, and so is `data\\\\train.csv` outside of JSON in JSON; `done\\nplot.png` is two lines.
    """
    doubled = head.endswith("\\\\") or following[:1] == "\\"
    folder = head.rstrip("\\")
    name = following.lstrip("\\")
    if not folder[-1:].isalnum() or not name[:1].isalnum() or len(head) - len(folder) > 2:
        return False
    if doubled:
        return '\\"' not in head
    return ESCAPE.match(name) is None or (name[0] in "ntr" and _is_no_escape(folder, name))


def _is_no_escape(folder: str, name: str) -> bool:
    """Whether a backslash between two words is a path's, although it could begin an escape: `results\\table.csv`."""
    begin = max(map(folder.rfind, BREAKS)) + 1
    before = folder[:begin]
    if before[-1:] == "`":
        return True
    parts = folder[begin:].split("\\")
    written = '\\"' in folder or BROKEN.search(folder) is not None or STRING.search(before) is not None
    if name[0] == "n":  # as often a line's end as all others together
        return not written and (parts[0] in FOLDER_NAMES or parts[-1] in FOLDER_NAMES)
    if parts[0].lower() in FOLDER_NAMES or parts[-1].lower() in FOLDER_NAMES:
        return True
    return not written and ("\n" in folder or before.endswith(("'", '"')) or SAVED_TO.search(before) is not None)


def drive_start(before: str) -> int | None:
    """Where the drive stands that a path begins with which goes on, blanks in it or not, to the end of a text."""
    colon = before.rfind(":\\")
    # doubled backslashes are those of a text inside JSON or code
    if not is_drive(before, colon) or before[colon + 2 : colon + 3] in ("", "\\"):
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
    if "\\" not in token.replace("\\_", ""):  # the name has blanks as well
        words = [word.lower() for word in tail.split()]
        return drive if len(words) < 4 and BETWEEN.isdisjoint(words) and SAVED_TO.search(before[:drive]) else None
    if not tail.endswith(" "):
        return None
    words = tail.split()
    capital = all(word[:1].isupper() for word in (*words[:1], *words[2:], token))
    if words[1:2] in (["and"], ["of"]) and capital:  # `Documents and Settings`
        words = words[:1]
    return None if any(word.lower() in BETWEEN for word in words) else drive


def slashed_start(window: str, start: int) -> int | None:
    """The same of a path of a drive whose folders slashes part: `C:/My Docs/out/a.csv`; None for no such."""
    colon = window.rfind(":/", 0, start)
    if colon < 1 or window[colon + 2 : colon + 3] in ("", "/") or window[start : start + 1] == "/":
        return None
    if "\\" in window[colon:].replace("\\_", ""):
        return None
    return spaced_start(window.replace("/", "\\"), start)


def is_rooted(content: str) -> bool:
    """Whether a text in quotes is a path of a drive, whatever blanks it has."""
    return (
        content[1:3] in (":\\", ":/")
        and content[0].isalpha()
        and MARKS.isdisjoint(content[2:] if content[2] == "\\" else content[2:].replace("/", ""))
        and content.count(" ") <= BLANKS
        and not any(map(has_known_ending, PARTS.split(content)[:-1]))
    )
