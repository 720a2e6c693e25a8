"""What stands right beside a name in prose: the names of other files, arrows, or the option that it is the value of."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.paths import BUILD_NAMES, DOT_NAMES, EXTENSIONS, extension, has_known_ending

LIST_MARKS: Final = "`'\",;*"
# the previous and the next item of an enumeration
PREVIOUS: Final = re.compile(r"([\w./-]+)`?(?:,(?: and)?| and) `?$")
NEXT: Final = re.compile(r"(?:,(?: and)?| and) ([\w./-]+)")
# the same of what one is made of another
MADE_OF: Final = re.compile(r"([\w./-]+)`? (?:->|=>|\u2192) `?$")
MADE_INTO: Final = re.compile(r"`? (?:->|=>|\u2192) `?([\w./-]+)")
# an option of a command that a file is given to
OPTION: Final = re.compile(r"(?:^|\s)--?[A-Za-z][\w-]*[ =]['\"]?$")
# what stands before the names of a table's columns and before a key that is missing, and what behind one with a number
COLUMNS: Final = re.compile(
    r"(?i:\bcolumns?(?: names?)?(?:(?: are| is| named| called):?| ?[:=])|Index\(\[|KeyError: )[^\n]*$"
)
NUMBER_AFTER: Final = re.compile(r"^['\"]: -?(?:\d|nan\b|inf\b)")


def is_key(said: str, after: str) -> bool:
    """Whether a name is that of a column or a key: `Index(['flux.err'], dtype='object')`, `{'flux.err': 0.1}`."""
    return COLUMNS.search(said) is not None or NUMBER_AFTER.match(after) is not None


def is_beside_file(before: str) -> bool:
    """Whether the word right before a name is a file's."""
    words = before[-80:].rstrip(LIST_MARKS).split()
    if words[-1:] == ["and"]:
        words.pop()
    *_, previous = words or [""]
    return extension(previous.strip(LIST_MARKS)) in EXTENSIONS


def is_enumerated(before: str, after: str) -> bool:
    """Whether the name of a file stands right before or after a name in an enumeration."""
    names = [item[1].rstrip(".") for item in _neighbours(PREVIOUS, before, NEXT, after)]
    return any(has_known_ending(name) or name in BUILD_NAMES or name in DOT_NAMES for name in names)


def is_among_files(before: str, after: str) -> bool:
    """Whether a name with nothing else to it stands between files: in an enumeration, behind or before an arrow."""
    found = _neighbours(PREVIOUS, before, NEXT, after) + _neighbours(MADE_OF, before, MADE_INTO, after)
    return any(extension(item[1].rstrip(".")) in EXTENSIONS for item in found)


def _neighbours(previous: re.Pattern[str], before: str, following: re.Pattern[str], after: str) -> list[re.Match[str]]:
    """What stands before and behind a name, where there is something of the kind."""
    beside = (previous.search(before[-80:]), following.match(after[:80]))
    return [item for item in beside if item is not None]
