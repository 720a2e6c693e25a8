"""Where the name of a file begins and ends in prose, found from its extension backwards within a bounded window."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors import cjk
from ingest.extractors.paths import extension, has_known_ending
from ingest.extractors.programs import is_known
from ingest.extractors.said import sentence
from ingest.extractors.vocabulary import (
    BREAKS,
    COMMANDS,
    CONNECTING,
    COUNTED,
    DOCUMENT_NAMES,
    DONE,
    GIVEN_TWO,
    LOWER_WORDS,
    NO_NAME,
    OTHER_PROGRAMS,
    REFERRED,
    SPACED,
    SPACED_QUOTED,
    TASKS,
    TOLD,
)
from ingest.extractors.windows import is_folder_mark, is_rooted

BARE: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./~+-"
ALL_BREAKS: Final = BREAKS | cjk.MARKS
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
KEYED: Final = re.compile(r"(?i)\"(?:[\w-]*[_-])?(?:path|file|file_?(?:name|path)|document|attachment)\\?\":[ ]?\\?$")
# what stands before an item of a printed list
ITEM: Final = ("[", "', ", '", ')
# a command of LaTeX that is given a file
LATEX: Final = re.compile(
    r"\\(?:includegraphics|input|include|bibliography|addbibresource|lstinputlisting)(?:\[[^\]\n]{0,90}\])?\{$"
)
# a name in the column before or behind, as `ls` prints them
COLUMN_BEFORE: Final = re.compile(r"(?:^|\s)(\S+)(?:[ ]{2,}|\t[ \t]*)$")
COLUMN_AFTER: Final = re.compile(r"(?:[ ]{2,}|\t[ \t]*)(\S+)(?=\s|$)")
# what a tool says that it did with one file of a name without capitals: `Created test.py`, `Saved to plot.png`
REPORTED: Final = re.compile(
    r"(?:(?:Sav|Creat|Updat|Modifi|Delet|Remov|Add|Append|Load|Download|Upload|Generat|Export|Edit|Renam|Mov|Copi|Open"
    r"|Stor|Patch|Overwrit)(?:ed|ing|ten)|Wrote|Writing|Written|Reading|Read|Missing)[ ]"
    r"(?:(?:to|in|as|from|into|file)[ ])?"
    r"(?:[a-z0-9_./~-]\S*|[A-Z_-]+\.\w+|\S+\.(?:py|js|ts|tsx|jsx|java|cs|cpp))$"
)
# what a name with blanks may have in brackets: `notes (copy).txt`
BRACKETED: Final = re.compile(r" \([\w .-]{1,40}\)")
INSIDE: Final = re.compile(r"[\w .-]{1,40}")
# words behind which a name has a bracket: saved as `report (1).pdf`
GIVEN: Final = re.compile(
    r"(?i)\b(?:saved|written|wrote|exported|stored|created|generated|downloaded|renamed|copied|moved|attached|uploaded"
    r"|files?)\b"
)
# what a name with blanks stands after without quotes: after `called` its words are capitalised, all but the last
CALLED: Final = re.compile(
    r"(?i:\b(?:named|called|titled|attached\b[^.\n]{0,40}?\b(?:as|is)))[ \t]+"
    r"(?P<name>(?:[A-Z0-9][\w&'-]*[ ]|-[ ]){1,6})$"
)
# the name that a phone or a screen gives to a picture: `Screenshot 2024-03-05 at 10.22.31.png`
DATED: Final = re.compile(r"(?:^|[\s(])(?P<name>(?:[A-Z]\w*[ ]){1,3}\d{4}-\d\d-\d\d at )$")
# a name in brackets behind a word for a file: `the document (Annual Report 2023.pdf)`
ENCLOSED: Final = re.compile(
    r"(?i:\b(?:files?|documents?|reports?|spreadsheets?|workbooks?|presentations?|attachments?|pdfs?|images?))[ \t]+"
    r"\((?P<name>(?:[A-Z0-9][\w&'-]*[ ]|-[ ]){1,6})$"
)
# a name behind a word for one file: `the attached file Sales Data Q1.xlsx`
OF_FILE: Final = re.compile(
    r"(?i:\b(?:attached|uploaded|the|this|your)[ \t]+(?:file|document|spreadsheet|workbook))[ \t]+"
    r"(?P<name>(?:[A-Z0-9][\w&'-]*[ ]|-[ ]){1,6})$"
)
# the label of a name on a line of its own, whose words are capitalised: `Attached: Sales Data Q1 2024.xlsx`
TITLED: Final = re.compile(
    r"(?i:(?:^|[ \t*-])(?:attached|uploaded|name|title|files?|file[ \t]?names?|attachments?|documents?))"
    r"\*{0,2}:\*{0,2}[ \t]+"
    r"(?P<name>(?:[A-Z0-9][\w&'-]*[ ]|-[ ]){1,6})$"
)
# words that stand in no such name
NO_TITLE: Final = (NO_NAME | CONNECTING) - {"-", "at"}
# the same where a line ends with the name of what was saved, or that follows `as`: the last word is capitalised as well
SAVED_AS: Final = re.compile(
    r"(?i:\b(?:saved|exported|written|stored)[ \t]+(?:to|(?P<as>as)|in|into)):?[ \t]+"
    r"(?P<name>(?:[A-Z0-9][\w&'-]*[ ]){1,5})$"
)
# a folder, and capitalised words behind it: `out/Final Report 2024.pdf`
IN_FOLDER: Final = re.compile(r"(?:^|[\s(`'\"])(?P<name>(?:\.{0,2}/|~/)?[a-z][\w./-]*/(?:[A-Z0-9][\w&-]*[ ]){1,5})$")
# a path from the root up to a folder whose words are capitalised: `/home/me/My Documents/plan.docx`
SPACED_FOLDER: Final = re.compile(
    r"(?:^|[\s(`'\"])(?P<name>(?:\.{0,2}|~)/(?:[\w.+@-]+(?:[ ][A-Z][\w&-]*){0,2}/){0,8}(?:[A-Z][\w&-]*[ ]){1,3})$"
)
# the label of a file on a line of its own: `Attached file: annual report.pdf`
LABELLED: Final = re.compile(
    r"(?i)(?:^|[ \t*])(?:files?|file[ \t]?names?|attachments?|documents?|spreadsheets?|workbooks?)\*{0,2}:\*{0,2}[ \t]+"
    r"(?P<name>(?:[\w&()'-]{1,40}[ ]){1,3})$"
)
# what stands in no line that is one name
NO_NAMES: Final = re.compile(r"[:\"'`()\[\]|*,;=]")
# what stands before an item of a list
BULLET: Final = re.compile(r"[ \t]*(?:[-*+\u2022\u2023\u25e6]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
# what stands before an entry of a tree of folders
BRANCH: Final = re.compile(r"[\u2502| \t\u00a0]{0,80}[\u251c\u2514]\u2500{1,3}[ \u00a0]")
# what stands before a cell of a table
CELL_BEFORE: Final = re.compile(r"(?:^|.*\|)[ \t]*(?=[^|]*$)")
LINE_ENDS: Final = ("", "\n", "\r")
# a local address, whose path has no blanks, and a line of a file's viewer, which ends with one that may have some
ADDRESS: Final = "file:///"
NO_ADDRESS: Final = re.compile(r"[\s\"'`<>\\]")
VIEWED: Final = re.compile(r"Address: file:(?=///)|Path: (?=/)")
# what ends the name in a link of a wiki's: `[[My notes.md]]`
LINK_BREAKS: Final = frozenset("\n|]#")
# a line of a program that downloads videos, and then the name of a file up to the end of the line
DOWNLOADED: Final = "] Destination: "
DESTINATION: Final = re.compile(r"\[[\w:+-]{1,40}\] Destination: (?=\S)")
WORD: Final = re.compile(r"^[\w(&./~][\w.()&+/~-]*$")
# words between two paths of one line
BETWEEN: Final = frozenset("to into from as contains includes holds has".split())
# a line of `ls -l` up to the name
LISTED: Final = re.compile(
    r"[-l][rwxsStT-]{9}\S?\s+\d+\s+\S+\s+\S+\s+\S+\s+(?:\w{3}\s+\d+\s+\d[\d:]+|\d{4}-\d\d-\d\d\s+\d\d:\d\d)\s+"
)
# how a line of `ls -l` begins, and what stands behind the kind of what it is about
LISTING_BEGINS: Final = r"[ \t>]*(?:\d+[ \t]+){0,2}"
LISTING_MODE: Final = r"[r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-][.+@]?[ \t]+"
# such a line that is about a folder
FOLDER: Final = re.compile(LISTING_BEGINS + "d" + LISTING_MODE + r"[\d-]")
# an element that holds the name of a file, as tools write it
TAG: Final = re.compile(r"(?i)<(?:file|path|(?:file|source)_?(?:name|path))>$")
ESCAPED: Final = re.compile(r"\\[nrt]")
# a day and what of its time stands before a colon, in the name of a file: `log_2024-12-15_10:57:33.txt`
TIMED: Final = re.compile(r"\d{4}-?\d\d-?\d\d[ T_-]?\d\d:(?:\d\d:)?$")
# the start of a path with folders, one of which may have blanks in its name
ROOTED: Final = re.compile(r"(?:^|[ \t])(?=(?:\.{0,2}|~)/|[A-Za-z]:\\)")


def continues(after: str) -> bool:
    """Whether a name goes on after its extension, or is called, so that it is something else."""
    first, second = after[:1], after[1:2]
    if first.isalnum() or first in ("(", "=", "["):
        return not cjk.is_letter(first)
    if first == "\\" and second in ("n", "r", "t"):
        return False  # a line end or tab, as text inside JSON has it
    if first in ("-", "@", "\\", "."):
        return second.isalnum()
    if second == "=" and first in ("<", ">", "~", "!"):
        return True  # a version that is asked for: `boolean.py>=3.8`
    if first == "#" and second == "L" and after[2:3].isdigit():
        return False  # a line, as `main.py#L10` has it
    return first in ("/", "?", "#", "%", "&") and second not in ("", " ", "\n")


def token_start(window: str) -> int:
    """Where the word that ends the window begins; a backslash before `_` is Markdown's, not a folder's."""
    index = len(window.rstrip(BARE))
    while index:
        character = window[index - 1]
        escaped = character == "\\" and window[index : index + 1] == "_"
        if (
            escaped
            or (character > "\x7f" and character.isalnum())
            or _comma(window, index)
            or (character == "=" and _in_path(window[:index]))
            or (character in "&#" and _joins(window, index))
            or (character == "@" and window[index : index + 3] in ("2x.", "3x."))
            or (character == "\\" and index < len(window) and is_folder_mark(window, index))
            or (character == ":" and _of_time(window, index))
        ):
            index = len(window[: index - 1].rstrip(BARE))
        elif character == ":" and index > 1 and _of_drive(window, index):
            index -= 2
            break
        else:
            break
    # an escaped line end, as text inside JSON has it
    if index and window[index - 1] == "\\" and window[index : index + 1] in ("n", "t", "r"):
        index += 1
    word = window[index:]
    return index if word.isascii() else index + cjk.name_start(word)


def _of_time(window: str, index: int) -> bool:
    """Whether a colon that ends just before an index stands in the time of a dated name."""
    return window[index : index + 2].isdigit() and TIMED.search(window, max(0, index - 20), index) is not None


def _of_drive(window: str, index: int) -> bool:
    """Whether a colon that ends just before an index is that of a drive: `C:\\a.csv`, `C:/a.csv`."""
    if not window[index - 2].isalpha():
        return False
    after = window[index : index + 2]
    return after[:1] == "\\" or (
        after[:1] == "/" and after != "//" and not window[max(0, index - 3) : index - 2].isalnum()
    )


def _comma(window: str, index: int) -> bool:
    """Whether a comma belongs to a path: text on both sides, and a folder but no finished file before it."""
    if window[index - 1] != "," or index >= len(window) or window[index].isspace():
        return False
    head = window[: index - 1]
    chunk = head[max(map(head.rfind, " \t\n\"'`(<[|")) + 1 :]
    return chunk.startswith(("/", "./", "../", "~/")) and not has_known_ending(chunk)


def _joins(window: str, index: int) -> bool:
    """Whether a mark that ends just before an index joins the parts of a name: `Q&A.docx`, `invoice#123.pdf`."""
    following = window[index : index + 1]
    if not (following.isdigit() or (following.isalpha() and window[index - 1] == "&")):
        return False
    head = window[max(0, index - 80) : index - 1]
    chunk = unbroken(head)
    return (
        chunk[-1:].isalnum()
        and "://" not in chunk
        and not any(mark in chunk for mark in "?=#;,:(")
        and not has_known_ending(chunk)
    )


def _in_path(before: str) -> bool:
    """Whether a `=` at the end of the text belongs to a path, such as `data/date=2026-01-31/a.csv`."""
    if before.count("=") > 8:
        return False
    chunk = unbroken(before)
    return "/" in chunk and "://" not in chunk and not any(mark in chunk for mark in "?&(,;:") and chunk[0] not in "-$"


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
    words = content.split(" ")
    if len(words) > 1 and content[0] == "-":
        return None  # an option and its value
    if len(words) > 1 and (" /" in content or " ~/" in content or " ./" in content):
        return None  # what is done with a path: `POST /upload.php`
    plain = BRACKETED.sub("", content) if " (" in content else content
    bracketed = plain.split(" ") if plain != content else None
    if len(words) > 8 or any(mark in plain for mark in "=(){}<>|;:") or ", " in content:
        return None
    if any(not word for word in words):
        return None
    if len(words) > 1 and REPORTED.match(content):
        return None  # a message of a tool: `{'output': 'Created test.py'}`
    if "path" in window or "file" in window or "ocument" in window or "ttachment" in window:
        keyed = KEYED.search(window, max(line, found - 60), found - escaped)
        if keyed and not _is_program(words[0]) and all(map(WORD.match, words)):
            return found + 1 if not any(map(has_known_ending, words[:-1])) else None
    if opening == "*":
        whole = len(words) < 2 or _is_item(words)
    else:
        whole = _is_title(words) or _is_name(words, window[max(line, found - 60) : found], after)
        whole = whole or (bracketed is not None and _is_plain(bracketed, window[max(line, found - 60) : found], after))
    if not whole and not (opening in '`"' and _is_alone(words)):
        return None
    # an odd number of quotes before means that this one closes
    mark = '\\"' if escaped else opening
    if opening == closing and _closes(window, mark, line, found):
        return None
    return found + 1


def _is_plain(words: list[str], before: str, after: str) -> bool:
    """Whether words in quotes are one name, but for what it has in brackets: `budget (copy).xlsx`."""
    if len(words) == 1:
        return WORD.match(words[0]) is not None and words[0].lower().rpartition(".")[0] not in COMMANDS
    return _is_title(words) or _is_name(words, before, after)


def without_bracket(window: str, start: int) -> str | None:
    """The window without the bracket that stands right before its ending: `report (1).pdf`; None without one."""
    opening = window.rfind("(", max(0, start - 42), start)
    if opening < 1 or window[start : start + 1] != "." or "." in window[start + 1 :]:
        return None
    inside = window[opening + 1 : start - 1]
    if window[opening - 1] == " ":
        begin = opening - 1
        within = INSIDE.fullmatch(inside) is not None
    else:
        begin = opening
        within = inside.isdigit()
    return window[:begin] + window[start:] if within and window[begin - 1 : begin].isalnum() else None


def is_copy(window: str, start: int) -> bool:
    """Whether a name that has a bracket before its ending is a file's: by its folder, or by words of saving before."""
    name = window[start:]
    if name.startswith(("/", "./", "../", "~/")):
        return True
    stem = name.rpartition(".")[0]
    if stem.lower() in CONNECTING or has_known_ending(stem):
        return False
    return GIVEN.search(sentence(window[:start])) is not None


def _closes(window: str, mark: str, line: int, found: int) -> bool:
    """Whether a mark closes what another opened on its line; bold is marked by two."""
    if mark == "*" and window[found - 1 : found] == "*":
        return window.count("**", line, found + 1) % 2 == 0
    return window.count(mark, line, found) % 2 == 1


def _is_task(word: str) -> bool:
    """Whether a word begins what was done or is to be done with a file, or says which file it is: no name does."""
    word = word.lower()
    if word.endswith(("ed", "ing")):
        return True
    # `contains` and `reaches` as well as `contain` and `reach`
    forms = (word, word.removesuffix("s"), word.removesuffix("es"))
    return any(form in COMMANDS or form in TASKS for form in forms)


def told_start(window: str, start: int, after: str) -> int | None:
    """Where a name with blanks begins that stands without quotes, because of what stands before it; else None."""
    called, low = None, max(0, start - 120)
    if "called " in window or "amed " in window or "itled " in window or "ttached " in window:
        called = CALLED.search(window, low, start)
    if called is not None:
        return called.start("name") if extension(window[start:]) in SPACED else None
    titled = _titled_start(window, low, start, after)
    if titled is not None:
        return titled
    if after.startswith("]]"):
        begin = window.rfind("[[", low, start) + 2
        return begin if begin > 1 and LINK_BREAKS.isdisjoint(window[begin:start]) else None
    if window[start - 1 : start] == " " and "/" in window[low:start] and _ends_title(window[start : start + 2]):
        folder = IN_FOLDER.search(window, low, start)
        if folder is not None and extension(window[start:]) in SPACED:
            return folder.start("name")
    if "d to" in window or "d as" in window or "d in" in window or "n as" in window:
        saved = SAVED_AS.search(window, low, start)
        if saved is not None and _ends_title(window[start : start + 2]) and extension(window[start:]) in SPACED:
            return saved.start("name") if saved["as"] or after[:1] in LINE_ENDS else None
    if after[:1] not in LINE_ENDS:
        return None
    line = window.rfind("\n", 0, start) + 1
    if DOWNLOADED in window:
        destination = DESTINATION.match(window, line)
        return destination.end() if destination and destination.end() < start else None
    labelled = LABELLED.search(window[line:start]) if ":" in window[line:start] else None
    if labelled is None or extension(window[start:]) not in SPACED:
        return None
    if not (NO_NAME | TOLD | CONNECTING).isdisjoint(labelled["name"].lower().split()):
        return None
    return line + labelled.start("name")


def _ends_title(word: str) -> bool:
    """Whether a word can be the last of a name of capitalised words: `Report.pdf`, `2024.pdf`, `v2.pdf`."""
    return word[:1].isalnum() and (not word[:1].islower() or (word[0] == "v" and word[1:2].isdigit()))


def _titled_start(window: str, low: int, start: int, after: str) -> int | None:
    """Where a name of capitalised words, numbers and dates begins behind a word for a file or a label; else None.

    `(Annual Report 2023.pdf)` is one name behind `document`, and so is `My CV.docx` behind `Name:` up to a line's end.
    """
    if window[start - 1 : start] != " ":
        return None
    last = window[start]
    if (last.islower() and last != "v") or not _ends_title(window[start : start + 2]):
        return None
    if extension(window[start:]) not in SPACED:
        return None
    pattern = ENCLOSED if after[:1] == ")" else OF_FILE
    found = (last.isdigit() and DATED.search(window, low, start)) or pattern.search(window, low, start)
    if found:
        begin = found.start("name")
    else:
        line = max(low, window.rfind("\n", 0, start) + 1)
        labelled = TITLED.search(window[line:start]) if after[:1] in LINE_ENDS and ":" in window[line:start] else None
        if labelled is None:
            return None
        begin = line + labelled.start("name")
    words = window[begin:start].lower().split()
    return begin if NO_TITLE.isdisjoint(words) and not _is_task(words[0]) else None


def folder_start(window: str, start: int) -> int | None:
    """Where a path begins one of whose folders has capitalised words: `/home/me/My Documents/plan.docx`; else None."""
    if window[start - 1 : start] != " " or not window[start].isupper():
        return None
    folder = SPACED_FOLDER.search(window, max(0, start - 120), start)
    if folder is None:
        return None
    begin = folder.start("name")
    words = [word.lower() for word in folder["name"].rsplit("/", 1)[1].split()]
    # `/usr/bin/Rscript Scripts/a.R` is a program and what it is given
    if "/bin/" in folder["name"] or not NO_TITLE.isdisjoint(words) or not COMMANDS.isdisjoint(words[1:]):
        return None
    *_, previous = window[max(0, begin - 40) : begin].split() or [""]
    return None if previous in GIVEN_TWO or previous[:1] == "-" else begin


def address_start(window: str, after: str) -> int | None:
    """Where the path of a local address begins that ends with the window, or the path that a viewer shows; else None.

    Such an address has any marks in it, `file:///workspace/Annual%20Report.pdf`, where it is of no drive of Windows.
    The scheme's colon is before it.
    """
    if ADDRESS not in window and "Path: /" not in window:
        return None
    begin = window.rfind(ADDRESS) + len("file:")
    if begin >= len("file:") and NO_ADDRESS.search(window, begin) is None:
        return begin if window[begin + 4 : begin + 5] != ":" else None
    viewed = VIEWED.match(window, window.rfind("\n") + 1) if after[:1] in LINE_ENDS else None
    if viewed is None or any(map(has_known_ending, window[viewed.end() :].split(" ")[:-1])):
        return None
    return viewed.end()


def entry_start(window: str, start: int) -> int | None:
    """Where a name with blanks begins that is a whole entry of a tree of folders, up to the window's end; else None."""
    branch = BRANCH.match(window, window.rfind("\n", 0, start) + 1, start)
    words = window[branch.end() :].split(" ") if branch else []
    if not words or len(words) > 8 or any(map(has_known_ending, words[:-1])):
        return None
    whole = all(WORD.match(word) and word[0] != "(" and "/" not in word for word in words)
    return branch.end() if branch and whole else None


def cell_start(window: str, start: int) -> int | None:
    """Where a name with blanks begins that is all that a cell of a table holds, up to the window's end; else None."""
    before = CELL_BEFORE.match(window, window.rfind("\n", 0, start) + 1, start)
    words = window[before.end() :].split(" ") if before else []
    return before.end() if before and 1 < len(words) <= 6 and all(words) and _is_item(words) else None


def item_start(window: str, start: int) -> int | None:
    """Where a name with blanks begins that is a whole item of a list and ends with the window; else None."""
    line = window.rfind("\n", 0, start) + 1
    bullet = BULLET.match(window, line, start)
    if bullet is None:
        return None
    words = window[bullet.end() :].split(" ")
    if len(words) > 6 or not all(map(WORD.match, words)) or any(map(has_known_ending, words[:-1])):
        return None
    first, last = words[0], words[-1]
    # a path whose folders have blanks
    if "/" in first and "/" in last and all(word[0].isupper() or word[0].isdigit() for word in words[1:-1]):
        return bullet.end() if last[0].isupper() or last[0].isdigit() else None
    return bullet.end() if "/" not in "".join(words) and _is_item(words) else None


def _is_item(words: list[str]) -> bool:
    """Whether an item of a list is one name: `Q3 report.xlsx`, `Job Listing.pdf`; `Updated README.md` is a sentence."""
    last = words[-1]
    stem, _, suffix = last.rpartition(".")
    if suffix.lower() not in SPACED or _is_task(words[0]) or not all(map(WORD.match, words)):
        return False
    if stem in DOCUMENT_NAMES or not all(_title(word) for word in words[:-1]):
        return False
    if not CONNECTING.isdisjoint(word.lower() for word in words[:-1]):
        return False
    if (_ends_title(last) and not last[0].isupper()) or (last[0].isupper() and not stem.isupper()):
        return True
    numbered = any(any(map(str.isdigit, word)) for word in words[:-1])
    return numbered and LOWER_WORDS.isdisjoint(words) and words[0].lower() not in COUNTED


def _is_program(word: str) -> bool:
    """Whether a word is that of a program, behind which its arguments stand."""
    return word in OTHER_PROGRAMS or word in NO_NAME or is_known(word)


def _is_alone(words: list[str]) -> bool:
    """Whether words that are all that quotes or backticks hold are one name: `my notes.txt`, not `cat notes.txt`."""
    *others, last = words
    if not others or extension(last) not in SPACED_QUOTED or _is_task(others[0]) or _is_program(others[0]):
        return False
    if not (CONNECTING | NO_NAME | DONE).isdisjoint(others) or any(w[-1] == "s" and _is_task(w) for w in others if w):
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


def cleaned(token: str, before: str) -> str | None:
    """The path as it would be opened: no Markdown escapes, no scheme of a local address; None for a web address."""
    token = token.replace("\\_", "_").lstrip("+-")
    if token[:1] == "@" and token[1:2] != "/":
        before, token = before + "@", token[1:]
    if before[-1:] == "@" and extension(token) in REFERRED and token[:1] != "/":
        # a bare name may be somebody's: `@john.md`
        return (
            token
            if before[-2:-1] == "`" or ("/" in token and before[-2:-1] in ("", " ", "\n", "(", "'", '"'))
            else None
        )
    if before[-1:] in ("$", "{", "}", "*", "%", ">", "@", "=") and not (
        before.endswith(("**", "->", "=")) or TAG.search(before[-16:]) or LATEX.search(before[-120:])
    ):
        return None
    if before.endswith(("file:", "sandbox:")):
        if before[-5] == "f" and token[:2] == "//" and token[2:3] != "/":  # as the AWS CLI is given a file
            return token.removeprefix("//localhost") if token.startswith("//localhost/") else token[2:]
        return "/" + token.lstrip("/") if token.startswith("/") else None
    if "://" in before or ";base64," in before:
        chunk = unbroken(before)
        if ";base64," in chunk:
            return None
        scheme = chunk.rfind("://")
        if scheme >= 0:
            return token if chunk[scheme - 4 : scheme] == "file" and ")" in chunk[scheme:] else None
    if token.startswith("//") or before.endswith(("://", "mailto:", "arXiv:", "cid:", "node:")):
        return None
    return token


def unbroken(before: str) -> str:
    """What stands before a path without a blank between."""
    return before[max(map(before.rfind, BREAKS if before.isascii() else ALL_BREAKS)) + 1 :]


def whole_line(text: str, start: int, end: int, path: str) -> str | None:
    """The whole line, where it is one name with blanks in a listing of names."""
    line_start = text.rfind("\n", max(0, start - 120), start) + 1
    if line_start >= start or (not line_start and start > 120):
        return None
    line_end = text.find("\n", end, end + 2)
    if line_end < 0 and len(text) > end:
        return None
    line = text[line_start:end].strip()
    if " " not in line or len(line) > 100 or NO_NAMES.search(line):
        return None
    if any(map(has_known_ending, line.split(" ")[:-1])):
        return None
    previous = text[max(0, line_start - 200) : max(0, line_start - 1)].rsplit("\n", 1)[-1].strip()
    following = text[line_end + 1 : line_end + 200].split("\n", 1)[0].strip() if line_end >= 0 else ""
    if any(neighbour and " " not in neighbour and has_known_ending(neighbour) for neighbour in (previous, following)):
        return line
    return None


def is_listed(before: str, after: str) -> bool:
    """Whether a name stands beside one that is the name of a file: on lines of their own, or in columns."""
    left, right = COLUMN_BEFORE.search(before[-80:]), COLUMN_AFTER.match(after[:80])
    if any(column is not None and has_known_ending(column[1]) for column in (left, right)):
        return True
    if before[-1:] not in LINE_ENDS or after[:1] not in LINE_ENDS:
        return False
    neighbours = (before[:-1].rsplit("\n", 1)[-1].strip(), after.lstrip("\r")[1:].split("\n", 1)[0].strip())
    return any(" " not in neighbour and has_known_ending(neighbour) for neighbour in neighbours)


def of_folder(before: str) -> bool:
    """Whether what follows stands in a line of `ls -l` that is about a folder, also inside JSON."""
    line = max(before.rfind("\n") + 1, before.rfind("\\n") + 2 if "\\n" in before else 0, before.rfind('"d') + 1)
    return FOLDER.match(before, line) is not None


def renamed(path: str, before: str) -> str:
    """The path without the `a/` or `b/` that `git diff` puts before it."""
    if path[:2] in ("a/", "b/") and before[before.rfind("\n") + 1 :].startswith(("--- ", "+++ ", "diff --git ")):
        return path[2:]
    return path


def spaced(before: str, path: str, after: str) -> str | None:
    """The whole path, where its folders start on the same line, a blank stands in it, and the line ends with it."""
    if path.startswith(("/", ".", "~")) or after[:1] not in ("", "\n", "\r") or before[-1:] != " ":
        return None
    line = before[before.rfind("\n") + 1 :]
    if line[:2] in ("-r", "lr") and (listed := LISTED.match(line)) is not None:
        return line[listed.end() :] + path
    if "/" not in line and "\\" not in line:
        return None
    starts = [match.end() for match in ROOTED.finditer(line)]
    head = line[starts[-1] :] if starts else ""
    if (
        head.count("/") + head.count("\\") < 2
        or len(head.split(" ")) > 5
        or any(map(has_known_ending, head.split()))
        or not BETWEEN.isdisjoint(head.split(" "))
        or any(mark in head[2:] for mark in ",;:\"'")
    ):
        return None
    return head + path
