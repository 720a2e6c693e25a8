"""Names in quotes in prose, which may have blanks: where they begin, and which words are a name at all."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors import cjk
from ingest.extractors.paths import extension, has_known_ending
from ingest.extractors.programs import is_known
from ingest.extractors.vocabulary import (
    COMMANDS,
    CONNECTING,
    COUNTED,
    DOCUMENT_NAMES,
    DONE,
    LOWER_WORDS,
    NO_NAME,
    OTHER_PROGRAMS,
    SPACED,
    SPACED_QUOTED,
    TASKS,
)
from ingest.extractors.windows import is_rooted

QUOTES: Final = {
    "'": "'",
    '"': '"',
    "`": "`",
    "*": "*",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u300c": "\u300d",
    "\u300e": "\u300f",
    "\u300a": "\u300b",
    "\u3010": "\u3011",
}
# what stands between two parts of a title
DASHES: Final = frozenset(("-", "\u2013", "\u2014"))
# of each closing mark those that open, in other languages too: German has \u201e...\u201c and \u00bb...\u00ab
OPENERS: Final = {
    **{closing: opening for opening, closing in QUOTES.items()},
    "\u201d": "\u201c\u201e\u201d",
    "\u201c": "\u201e",
    "\u2019": "\u2018\u201a",
    "\u2018": "\u201a",
    "\u00ab": "\u00bb",
}
# what stands before a quoted name: it has blanks even where none of its words is capitalised
NAMING: Final = re.compile(
    r"(?i)\b(?:(?:saved|written|wrote|exported|stored|downloaded|renamed|copied|moved)\b[^.\n]{0,40}?"
    r"|arquivos?|archivos?|ficheiros?|ficheros?|fichiers?|datei(?:en)?|файл[аы]?"
    r"|files?|images?|figures?|plots?|pictures?|documents?|spreadsheets?|workbooks?|named|called|titled|filename|path|directory"
    r"|to|as|in|into|from|at|of|see|using|uses|writes|writing|parse[sd]|delete[sd]|attache[sd]"
    r"|(?:read|open|(?:up|down)?load|output)(?:s|ed|ing)?|(?:sav|stor|creat|generat|produc)(?:e|es|ed|ing)"
    r"|(?:import|export|append)(?:s|ed|ing))[ \t]*:?[ \t]*$"
)
# the key of JSON's that a file's name stands behind, the quotes escaped or not
KEYED: Final = re.compile(r"(?i)\"(?:[\w-]*[_-])?(?:path|file|file_?(?:name|path)|document|attachment)\\?\":[ ]?$")
# what stands before an item of a printed list
ITEM: Final = ("[", "', ", '", ')
# what a tool says that it did with one file of a name without capitals: `Created test.py`, `Saved to plot.png`
REPORTED: Final = re.compile(
    r"(?:(?:Sav|Creat|Updat|Modifi|Delet|Remov|Add|Append|Load|Download|Upload|Generat|Export|Edit|Renam|Mov|Copi|Open"
    r"|Stor|Patch|Overwrit)(?:ed|ing|ten)|Wrote|Writing|Written|Reading|Read|Missing)[ ]"
    r"(?:(?:to|in|as|from|into|file)[ ])?"
    r"(?:[a-z0-9_./~-]\S*|[A-Z_-]+\.\w+|\S+\.(?:py|js|ts|tsx|jsx|java|cs|cpp))$"
)
# what a name with blanks may have in brackets: `notes (copy).txt`
BRACKETED: Final = re.compile(r" \([\w .-]{1,40}\)")
WORD: Final = re.compile(r"^[\w(&./~][\w.()&+/~-]*$")
ESCAPED: Final = re.compile(r"\\[nrt]")


def quoted_start(window: str, start: int, after: str) -> int | None:
    """Where a quoted name begins whose closing quote follows the window, or None without quotes."""
    escaped = after.startswith('\\"')
    closing = '"' if escaped else after[:1]
    openers = OPENERS.get(closing)
    if not openers:
        return None
    if start and window[start - 1] in openers:
        return start
    line = window.rfind("\n", 0, start) + 1
    found = max(window.rfind(mark, line, start) for mark in openers)
    if found < 0 or (window[found - 1 : found] == "\\") is not escaped:
        return None
    opening = window[found]
    content = window[found + 1 :]
    # text inside JSON, whose line ends are escaped
    if ESCAPED.search(content) and ":\\" not in content:
        return None
    if is_rooted(content):
        return None if opening == closing and window.count(opening, line, found) % 2 else found + 1
    before = window[max(line, found - 60) : found]
    if '":' in before and KEYED.search(before[: len(before) - escaped]):
        return found + 1 if _is_value(content.split(" ")) else None
    if not _is_one(content, opening, before, after):
        return None
    # an odd number of quotes before means that this one closes
    if opening == closing and _closes(window, '\\"' if escaped else opening, line, found):
        return None
    return found + 1


def _is_value(words: list[str]) -> bool:
    """Whether words are one name where a value of JSON's is to be one: no command and no list."""
    return not _is_program(words[0]) and all(map(WORD.match, words)) and not any(map(has_known_ending, words[:-1]))


def _is_one(content: str, opening: str, before: str, after: str) -> bool:
    """Whether what stands behind a quote, up to an ending, is one name."""
    words = content.split(" ")
    plain = BRACKETED.sub("", content) if " (" in content else content
    if len(words) > 8 or any(mark in plain for mark in "=(){}<>|;:") or ", " in content or not all(words):
        return False
    if len(words) > 1 and (
        content[0] == "-"  # an option and its value
        or any(mark in content for mark in (" /", " ~/", " ./"))  # what is done with a path: `POST /upload.php`
        or REPORTED.match(content)  # a message of a tool: `{'output': 'Created test.py'}`
    ):
        return False
    if opening == "*":
        return len(words) < 2 or is_item(words)
    return (
        _is_title(words)
        or _is_name(words, before, after)
        or (plain != content and _is_plain(plain.split(" "), before, after))
        or (opening in '`"' and _is_alone(words))
    )


def _is_plain(words: list[str], before: str, after: str) -> bool:
    """Whether words in quotes are one name, but for what it has in brackets: `budget (copy).xlsx`."""
    if len(words) == 1:
        return WORD.match(words[0]) is not None and words[0].lower().rpartition(".")[0] not in COMMANDS
    return _is_title(words) or _is_name(words, before, after)


def _closes(window: str, mark: str, line: int, found: int) -> bool:
    """Whether a mark closes what another opened on its line; bold is marked by two."""
    if mark == "*" and window[found - 1 : found] == "*":
        return window.count("**", line, found + 1) % 2 == 0
    return window.count(mark, line, found) % 2 == 1


def is_task(word: str) -> bool:
    """Whether a word begins what was done or is to be done with a file, or says which file it is: no name does."""
    word = word.lower()
    if word.endswith(("ed", "ing")):
        return True
    # `contains` and `reaches` as well as `contain` and `reach`
    forms = (word, word.removesuffix("s"), word.removesuffix("es"))
    return any(form in COMMANDS or form in TASKS for form in forms)


def ends_title(word: str) -> bool:
    """Whether a word can be the last of a name of capitalised words: `Report.pdf`, `2024.pdf`, `v2.pdf`."""
    return word[:1].isalnum() and (not word[:1].islower() or (word[0] == "v" and word[1:2].isdigit()))


def is_item(words: list[str]) -> bool:
    """Whether an item of a list is one name: `Q3 report.xlsx`, `Job Listing.pdf`; `Updated README.md` is a sentence."""
    last = words[-1]
    stem, _, suffix = last.rpartition(".")
    if suffix.lower() not in SPACED or is_task(words[0]) or not all(map(WORD.match, words)):
        return False
    if stem in DOCUMENT_NAMES or not all(_title(word) for word in words[:-1]):
        return False
    if not CONNECTING.isdisjoint(word.lower() for word in words[:-1]):
        return False
    if (ends_title(last) and not last[0].isupper()) or (last[0].isupper() and not stem.isupper()):
        return True
    numbered = any(any(map(str.isdigit, word)) for word in words[:-1])
    return numbered and LOWER_WORDS.isdisjoint(words) and words[0].lower() not in COUNTED


def _is_program(word: str) -> bool:
    """Whether a word is that of a program, behind which its arguments stand."""
    return word in OTHER_PROGRAMS or word in NO_NAME or is_known(word)


def _is_alone(words: list[str]) -> bool:
    """Whether words that are all that quotes or backticks hold are one name: `my notes.txt`, not `cat notes.txt`."""
    *others, last = words
    if not others or extension(last) not in SPACED_QUOTED or is_task(others[0]) or _is_program(others[0]):
        return False
    if not (CONNECTING | NO_NAME | DONE).isdisjoint(others) or any(w[-1] == "s" and is_task(w) for w in others if w):
        return False
    return all(word[0].isalnum() and WORD.match(word) and "/" not in word for word in words) and not any(
        map(has_known_ending, others)
    )


def _is_title(words: list[str]) -> bool:
    """Whether words in quotes are one name by their capitals; `Use Cases.docx` is, `Execute main.py` is a command."""
    command = words[0].lower() in COMMANDS and not words[-1][:1].isupper()
    # a program that is run by its path
    command = command or (words[0][0] in "./~" and (has_known_ending(words[0]) or "/" not in "".join(words[1:])))
    if len(words) > 1 and cjk.is_letter(words[0][0]):
        return cjk.is_title(words)
    if command and len(words) > 1:
        return False
    inner = words[:-1]
    if DASHES.isdisjoint(inner):
        return all(map(_title, inner))
    # what stands behind a dash tells more of what the first words name: `Fig 1 - mass function.png`
    return _title(words[0]) and all(w in DASHES or (WORD.match(w) and w.lower() not in NO_NAME) for w in words)


def _title(word: str) -> bool:
    """Whether a word can stand inside a file name with blanks: capitalised, a number, or a small word."""
    return word[:1].isupper() or word[:1].isdigit() or word in LOWER_WORDS or not word[:1].isalnum()


def _is_name(words: list[str], before: str, after: str) -> bool:
    """Whether words in quotes are one name, because of what stands around them.

    So it is in `saved to 'sine wave.png'` and in a printed list, `['a b.csv', 'c.csv']`.
    """
    return (
        len(words) <= 5
        and all(WORD.match(word) and word.lower() not in NO_NAME for word in words)
        and (NAMING.search(before) is not None or (before.endswith(ITEM) and after[1:2] in (",", "]")))
    )
