"""Names with blanks that stand in prose without quotes: where they begin, by what stands before and behind them."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.paths import extension, has_known_ending
from ingest.extractors.quoted import WORD, ends_title, is_item, is_task
from ingest.extractors.said import sentence
from ingest.extractors.spans import LINE_ENDS
from ingest.extractors.vocabulary import COMMANDS, CONNECTING, GIVEN_TWO, NO_NAME, SPACED, TOLD

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
# a name behind what was done with it: `I opened Project Plan.docx.`
OF_VERB: Final = re.compile(
    r"(?i:\b(?:(?:open|load|download|upload|review|edit)(?:s|ed|ing)?|read(?:s|ing)?|receiv(?:es?|ed|ing)"
    r"|attach(?:es|ed|ing)?))[ \t]+(?P<name>(?:[A-Z0-9][\w&'-]*[ ]|-[ ]){1,6})$"
)
# words for the kind of a file that stand before its name: `opened PDF Summary.pdf`
KIND_WORDS: Final = frozenset("pdf csv excel word powerpoint json text zip png jpeg".split())
# the label of names on a line of their own, whose words are capitalised: `Attached: Sales Q1.xlsx, Site Plan.pdf`
TITLED: Final = re.compile(
    r"(?i:(?:^|[ \t*-])(?:attached|uploaded|name|title|files?|file[ \t]?names?|attachments?|documents?))"
    r"\*{0,2}:\*{0,2}[ \t]+(?:[A-Z0-9][\w&' -]{0,60}\.\w{1,5}[,;][ ]){0,6}"
    r"(?P<name>(?:[A-Z0-9][\w&'-]*[ ]|-[ ]){1,6})$"
)
# what parts the names behind a label
PARTING: Final = (", ", "; ")
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
# what stands behind an item that is one name: its size, or what it is
ALONE: Final = re.compile(r"[ \t]*(?:$|[\r\n]|[ \t][-(|\u2013\u2014])")
# what stands before an entry of a tree of folders
BRANCH: Final = re.compile(r"[\u2502| \t\u00a0]{0,80}[\u251c\u2514]\u2500{1,3}[ \u00a0]")
# a local address, whose path has no blanks, and a line of a file's viewer, which ends with one that may have some
ADDRESS: Final = "file:///"
NO_ADDRESS: Final = re.compile(r"[\s\"'`<>\\]")
VIEWED: Final = re.compile(r"Address: file:(?=///)|Path: (?=/)")
# what ends the name in a link of a wiki's: `[[My notes.md]]`
LINK_BREAKS: Final = frozenset("\n|]#")
# a line of a program that downloads videos, and then the name of a file up to the end of the line
DOWNLOADED: Final = "] Destination: "
DESTINATION: Final = re.compile(r"\[[\w:+-]{1,40}\] Destination: (?=\S)")
# the checksum of a file, which is all else that its line has
HASHED_LINE: Final = re.compile(r"\\?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}) [ *](?=\S)")
# words between two paths of one line
BETWEEN: Final = frozenset("to into from as contains includes holds has".split())
# a line of `ls -l` up to the name
LISTED: Final = re.compile(
    r"[-l][rwxsStT-]{9}\S?\s+\d+\s+\S+\s+\S+\s+\S+\s+(?:\w{3}\s+\d+\s+\d[\d:]+|\d{4}-\d\d-\d\d\s+\d\d:\d\d)\s+"
)
# the start of a path with folders, one of which may have blanks in its name
ROOTED: Final = re.compile(r"(?:^|[ \t])(?=(?:\.{1,2}|~)/|/(?!/)|[A-Za-z]:\\)")


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


def is_copy(window: str, start: int, after: str) -> bool:
    """Whether a name that has a bracket before its ending is a file's.

    It is by its folder, by words of saving before, or where it is all that a line or an item names.
    """
    name = window[start:]
    if name.startswith(("/", "./", "../", "~/")):
        return True
    stem = name.rpartition(".")[0]
    if stem.lower() in CONNECTING or has_known_ending(stem):
        return False
    line = window.rfind("\n", 0, start) + 1
    bullet = BULLET.match(window, line)
    if extension(name) in SPACED and start == (bullet.end() if bullet else line) and ALONE.match(after):
        return True
    return GIVEN.search(sentence(window[:start])) is not None


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
    if window[start - 1 : start] == " " and "/" in window[low:start] and ends_title(window[start : start + 2]):
        folder = IN_FOLDER.search(window, low, start)
        if folder is not None and extension(window[start:]) in SPACED:
            return folder.start("name")
    if "d to" in window or "d as" in window or "d in" in window or "n as" in window:
        saved = SAVED_AS.search(window, low, start)
        if saved is not None and ends_title(window[start : start + 2]) and extension(window[start:]) in SPACED:
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


def _titled_start(window: str, low: int, start: int, after: str) -> int | None:
    """Where a name of capitalised words, numbers and dates begins behind a word for a file or a label; else None.

    `(Annual Report 2023.pdf)` is one name behind `document`, and so is `My CV.docx` behind `Name:` up to a line's end.
    """
    if window[start - 1 : start] != " ":
        return None
    last = window[start]
    if (last.islower() and last != "v") or not ends_title(window[start : start + 2]):
        return None
    if extension(window[start:]) not in SPACED:
        return None
    pattern = ENCLOSED if after[:1] == ")" else OF_FILE
    found = (last.isdigit() and DATED.search(window, low, start)) or pattern.search(window, low, start)
    found = found or _done_to(window, low, start)
    if found:
        begin = found.start("name")
    else:
        line = max(low, window.rfind("\n", 0, start) + 1)
        ends = after[:1] in LINE_ENDS or after.startswith(PARTING)
        labelled = TITLED.search(window[line:start]) if ends and ":" in window[line:start] else None
        if labelled is None:
            return None
        begin = line + labelled.start("name")
    words = window[begin:start].lower().split()
    return begin if NO_TITLE.isdisjoint(words) and not is_task(words[0]) else None


def _done_to(window: str, low: int, start: int) -> re.Match[str] | None:
    """A name of capitalised words behind a verb of opening or fetching, unless one says what kind of file it is."""
    done = OF_VERB.search(window, low, start)
    return done if done and KIND_WORDS.isdisjoint(done["name"].lower().split()) else None


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


def hashed_start(window: str, start: int, after: str) -> int | None:
    """Where a name begins whose line has nothing else but its checksum, up to the window's end; None for no such."""
    hashed = HASHED_LINE.match(window, window.rfind("\n", 0, start) + 1) if after[:1] in LINE_ENDS else None
    return hashed.end() if hashed is not None and hashed.end() <= start else None


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
    cell = window[max(window.rfind("\n", 0, start), window.rfind("|", 0, start)) + 1 :].lstrip(" \t")
    words = cell.split(" ")
    return len(window) - len(cell) if 1 < len(words) <= 6 and all(words) and is_item(words) else None


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
    return bullet.end() if "/" not in "".join(words) and is_item(words) else None


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


def spaced(before: str, path: str, after: str) -> str | None:
    """The whole path, where its folders start on the same line, a blank stands in it, and the line ends with it."""
    if path.startswith(("/", ".", "~")) or after[:1] not in ("", "\n", "\r") or before[-1:] != " ":
        return None
    line = before[before.rfind("\n") + 1 :]
    if line[:2] in ("-r", "lr") and (listed := LISTED.match(line)) is not None:
        return path if " -> " in line else line[listed.end() :] + path
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
