"""Files that a text names for certain, whatever their names look like: in listings, as what it calls a file.

Each pattern is asked only where a word of it occurs, as all texts pass here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import re2

from ingest.extractors.model import Extractor, Hit
from ingest.extractors.paths import extension, is_local
from ingest.extractors.quoted import QUOTES
from ingest.extractors.said import operation
from ingest.extractors.spans import LISTING_BEGINS, LISTING_MODE
from ingest.extractors.vocabulary import FOLDER_NAMES, MEMBERS, MODULES, WEB_FOLDERS

# names of one text that are looked at, and how far before its end a path in backticks begins
NAMES: Final = 20_000
WINDOW: Final = 300
# how the folders begin that a user has for keys and settings
HIDDEN: Final = "/."
_DATE: Final = (
    r"(?:[A-Z]\w{2}[ \t]+\d{1,2}|\d{1,2}[ \t]+[A-Z]\w{2})[ \t]+(?:\d{1,2}:\d\d(?::\d\d)?|\d{4})"
    r"|\d{4}-\d\d-\d\d[ \t]+\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:[ \t]+[+-]\d{4})?|\d\d-\d\d[ \t]+\d\d:\d\d"
)
# a line up to its end, or to that of a line of text inside JSON; without a date the name has no blanks
LISTING_PATTERN: Final = (
    r"(?m)(?:^|\\n)" + LISTING_BEGINS + "([-l])" + LISTING_MODE + r"\d+[ \t]+"
    r"(?:\S+[ \t]+){0,2}[\d.,]+[kKMGTPB]?[ \t]+"
    r"(?:(?:" + _DATE + r")[ \t]+([^\s\\\"][^\n\\\"]*)|([^\s\d\\\"][^\s\\\"]*)[ \t]*(?:$|\\n|\"))"
)
# a file in a folder's listing on Windows, as the command line and PowerShell print it, and what stands in each such
DIR_PATTERN: Final = (
    r"(?m)^[ \t]*(?:-a[a-z-]{4}[ \t]+)?\d{1,4}[./-]\d{1,2}[./-]\d{2,4}[ \t]+\d{1,2}:\d\d(?:[ \t]?[AaPp]\.?[Mm]\.?)?"
    r"[ \t]{2,}\d[\d.,\x{a0}\x{202f}]*[ \t]+([^\s:\"|<>*?][^\n:\"|<>*?]*\.[A-Za-z]\w{0,10})[ \t]*\r?$"
)
DIR_HINTS: Final = ("<DIR>", "LastWriteTime")
# what stands in a text without a dot that names such a file: how a line of `ls -l` begins, and folders of a system
READ_ONLY: Final = "r--r--r--"
HINTS: Final = (
    *("-rw", "lrw", "/etc/", "/var/log/", READ_ONLY, "create mode 100", "new file:   ", "modified:   "),
    *DIR_HINTS,
)
# what stands behind `file`; after `in` a path is as often a folder. Python's `re`, asked at one place at a time
CALLED_PATTERN: Final = (
    r"[Ff]ile(?:[ \t]{1,4}(?:is|was|path))?"
    r"(?:[ \t]{1,4}(?:now|located|stored|available|found|placed))?(?:[ \t]{1,4}at)?"
    r"(?:[ \t]?:)?[ \t]{1,4}(?:\*\*)?([`'\"(]?)((?:~|\.{1,2})?(?:/[\w.+@~-]+){2,})"
    r"|[Ff]ile[ \t]{1,4}(?:(?:is|was)[ \t]{1,4})?(?:named|called)[ \t]{1,4}([`'\"\u201c\u2018*])\*?(\w[\w.-]{0,80})"
)
# files that every Linux system has, and those of a user's keys and settings
SYSTEM_PATTERN: Final = (
    r"(?:(?:~|/root|/home/[\w.-]{1,40}|/Users/[\w.-]{1,40})/\.(?:ssh/(?:id_(?:rsa|dsa|ecdsa|ed25519)|config|known_hosts"
    r"|authorized_keys)|aws/(?:credentials|config)|kube/config)"
    r"|/etc/(?:hosts|passwd|shadow|group|fstab|hostname|sudoers|crontab|environment|motd|mtab|os-release|timezone"
    r"|exports)|/var/log/(?:syslog|messages|dmesg|secure|maillog))(?=$|[^\w/.-]|\.(?:\W|$))"
)
# what git says of a file that it takes in or finds changed; that of a folder is a repository in this one
CHANGED_PATTERN: Final = (
    r"(?m)^(?: create mode 100(?:644|755) |(?:#?\t| {4,8})(?:new file|modified): {3,9})([^\s\"()]+)[ \t]*\r?$"
)
# a path in backticks, with a folder and any short ending
QUOTED_PATTERN: Final = r"(?:~?/|\.{1,2}/)?(?:[\w@+-][\w.@+-]*/)+[\w.+-]*\w\.[a-z][a-z0-9]{0,3}"
# a name in backticks of any other ending, which the text calls a file
PLAIN: Final = re.compile(r"\w[\w-]*(?:\.[\w-]+)*\.[a-z][a-z0-9]{1,9}")
FILE_BEFORE: Final = re.compile(r"[Ff]ile(?:name)?(?: (?:is|was|named|called))?:? (?:\*\*)?`$")
FILE_AFTER: Final = re.compile(r"` file\b(?! (?:attribute|system|format))")
# what a system refuses to open, or does not find
REFUSED: Final = ("Permission denied: ", "No such file or directory: ")
# what `wget` says before and behind the name of what it saves
SAVING: Final = "Saving to: "
SAVED: Final = " saved ["
LISTING: Final = re2.compile(LISTING_PATTERN)
DIR: Final = re2.compile(DIR_PATTERN)
CALLED: Final = re.compile(CALLED_PATTERN)
SYSTEM: Final = re.compile(SYSTEM_PATTERN)
# what stands behind a path that is neither quoted nor goes on
APART: Final = re.compile(r"(?:\*\*)?(?:$|[\n\r;:)]|,(?:[\s\"'`]|$)|\.(?:\s|$)|[ \t]+(?:[a-z(]|$))")
CHANGED: Final = re2.compile(CHANGED_PATTERN)
QUOTED: Final = re.compile(QUOTED_PATTERN)
# an ending with a letter, in the last part of a path; `.d` is that of a folder
LINKED: Final = re.compile(r"\.(?!d$)[A-Za-z][^/]*$")
# what is written where there is no name
NOTHING: Final = frozenset("none null nil undefined nan true false".split())
# folders of folders
HOMES: Final = ("/home", "/Users", "/mnt", "/media", "/usr", "/var")
FOLLOWING: Final = (" ", ":", "\t")
CLOSING: Final = {**QUOTES, "(": ")"}
# what such a path begins with where it is a type of the web's or a service
TYPES: Final = ("application/", "text/", "image/", "audio/", "video/", "font/", "multipart/", "/api/")


def certain_files(text: str) -> list[tuple[int, int, Hit]]:
    """(start, end, hit) of every such file of a text but those in backticks, those of each kind in order."""
    found: list[tuple[int, int, Hit]] = []
    # the fewest passes over a text in which there is none: of three letters each takes as long as the search for dots
    if ("rw" in text and ("-rw" in text or "lrw" in text)) or READ_ONLY in text:
        found.extend(_listed(text))
    first = text.find("ile", 1)
    if first > 0:
        found.extend(_called(text, first))
    if "/" in text and ("/etc/" in text or "/var/log/" in text or HIDDEN in text):
        found.extend(_of_the_system(text))
    if "mode 100" in text or (":   " in text and ("new file:" in text or "modified:" in text)):
        found.extend(_changed(text))
    if DIR_HINTS[0] in text or DIR_HINTS[1] in text:
        found.extend(_of_windows(text))
    return found


def told_file(text: str, end: int) -> Hit | None:
    """The file in quotes that ends at a position, where a system cannot open it or a program downloads it.

    Its extension is not known.
    """
    low = max(0, end - WINDOW)
    start = text.rfind("'" if text[end] == "'" else "\u2018", low, end) + 1
    path = text[start:end]
    if start <= low or not is_local(path) or not extension(path):
        return None
    if text.endswith(REFUSED, low, start - 1):
        return Hit(path, "mention", "prose.refused")
    if text.endswith(SAVING, low, start - 1) or text.startswith(SAVED, end + 1):
        return told(text, start, path, "prose.fetched")
    return None


def _listed(text: str) -> Iterator[tuple[int, int, Hit]]:
    """Files and links in lines of `ls -l`."""
    lines = list(islice(LISTING.finditer(text), NAMES))
    for match in lines:
        group = 2 if match.group(2) else 3
        name = match.group(group).rstrip()
        if match.group(1) == "l":
            name, arrow, target = name.partition(" -> ")
            # what links to a folder seldom has an ending, neither here nor there
            if not arrow or not (LINKED.search(name) or LINKED.search(target)):
                continue
        start = match.start(group)
        end = start + len(name)
        name = name.rstrip("*")
        if len(name) > 2 and name[0] in "'\"" and name[-1] == name[0]:
            name = name[1:-1]
        # one line may be a sentence about such lines
        elif len(lines) == 1 and not extension(name) and (" " in name or name[0] == "("):
            continue
        if name.strip(".") and not name.endswith(("/", "...")) and len(name) < 256 and "\x1b" not in name:
            yield start, end, Hit(name, "mention", "prose.listing")


def _called(text: str, position: int) -> Iterator[tuple[int, int, Hit]]:
    """Files without an extension that the text calls files, from the first `ile` on."""
    for _ in range(NAMES):
        if position < 0:
            return
        # asked of most words that end so, before the pattern is
        apart = text[position + 3 : position + 4] in FOLLOWING and text[position - 1] in "fF"
        apart = apart and not text[max(0, position - 2) : position - 1].isalpha()
        match = CALLED.match(text, position - 1) if apart else None
        if match is not None:
            number = 2 if match.group(2) else 4
            start, end = match.span(number)
            path, quote, after = match.group(number).rstrip("."), match.group(number - 1), text[end : end + 80]
            closed = after[:1] == CLOSING.get(quote, quote) if quote else APART.match(after)
            if closed and not extension(path) and _is_called(path) and not after.startswith('", line'):
                yield start, start + len(path), told(text, start, path, "prose.called")
        position = text.find("ile", position + 3)


def _is_called(path: str) -> bool:
    """Whether what is called a file can be one of the local disk."""
    folder, _, name = path.rpartition("/")
    if (
        name.lower() in FOLDER_NAMES
        or name.lower() in NOTHING
        or folder in HOMES
        or path.startswith(("/api/", *WEB_FOLDERS))
    ):
        return False
    return is_local(path) and "YYYY" not in path and any(map(str.isalpha, path))


def _of_the_system(text: str) -> Iterator[tuple[int, int, Hit]]:
    """Files of every system, by their whole paths."""
    for match in islice(SYSTEM.finditer(text), NAMES):
        start, end = match.span()
        if not start or text[start - 1] in " \t\n`'\"(=:<,[":
            yield start, end, told(text, start, match.group(), "prose.called")


def _changed(text: str) -> Iterator[tuple[int, int, Hit]]:
    """Files that git names in the state of a folder or behind a commit."""
    for match in islice(CHANGED.finditer(text), NAMES):
        path = match.group(1)
        if is_local(path) and any(map(str.isalpha, path)):
            yield *match.span(1), told(text, match.start(1), path, "prose.changed")


def _of_windows(text: str) -> Iterator[tuple[int, int, Hit]]:
    """Files in the listing of a folder on Windows, blanks in their names or not."""
    for match in islice(DIR.finditer(text), NAMES):
        yield *match.span(1), Hit(match.group(1), "mention", "prose.listing")


def told(text: str, start: int, path: str, method: str) -> Hit:
    """The hit of a path, with what the sentence around it says."""
    end = start + len(path)
    return Hit(path, operation(text[max(0, start - 160) : start], text[end : end + 80]), method)


def quoted_file(text: str, end: int) -> Hit | None:
    """The file of a path in backticks that ends at a position, if it is one; its extension is not known."""
    low = max(0, end - WINDOW)
    start = text.rfind("`", low, end) + 1
    path = text[start:end]
    if start <= low or not is_local(path):
        return None
    if "/" in path:
        if not QUOTED.fullmatch(path) or path.startswith(TYPES):
            return None
    elif not _is_called_file(text, start, path, end):
        return None
    return None if extension(path) in MEMBERS else told(text, start, path, "prose.quoted")


def _is_called_file(text: str, start: int, path: str, end: int) -> bool:
    """Whether a name without a folder, in backticks, is one that the text calls a file."""
    if not PLAIN.fullmatch(path) or path.partition(".")[0].lower() in MODULES:
        return False
    return FILE_AFTER.match(text, end) is not None or FILE_BEFORE.search(text, max(0, start - 24), start) is not None


CERTAIN: tuple[Extractor, ...] = (
    Extractor(
        name="prose.listing",
        finds="files in lines of `ls -l` and of listings on Windows, whatever their names",
        text="prose",
        example="-rwxr-xr-x 1 root root 97 Sep 25 18:37 recon-ng",
        found=(("mention", "recon-ng"),),
        pattern=LISTING_PATTERN,
        function=certain_files,
    ),
    Extractor(
        name="prose.called",
        finds="names and paths without an extension that the text calls a file",
        text="prose",
        example="The output file is at `~/out/headless_shell`.",
        found=(("mention", "~/out/headless_shell"),),
        pattern=CALLED_PATTERN,
        function=certain_files,
    ),
    Extractor(
        name="prose.changed",
        finds="files that git names behind `create mode`, `new file:` and `modified:`",
        text="prose",
        example=" create mode 100644 grammars/sql.lark",
        found=(("mention", "grammars/sql.lark"),),
        pattern=CHANGED_PATTERN,
        function=certain_files,
    ),
    Extractor(
        name="prose.refused",
        finds="paths of any ending in quotes behind `Permission denied:` or `No such file or directory:`",
        text="prose",
        example="PermissionError: [Errno 13] Permission denied: '/srv/a.cfg.frag'",
        found=(("mention", "/srv/a.cfg.frag"),),
        pattern=r"(?:Permission denied|No such file or directory): '[^'\n]{1,300}'",
        function=told_file,
    ),
    Extractor(
        name="prose.fetched",
        finds="names of any ending in quotes behind `Saving to:` or before `saved [`, as `wget` prints them",
        text="prose",
        example="09:12:31 (2.1 MB/s) - 'wine.names' saved [3036/3036]",
        found=(("write", "wine.names"),),
        pattern=r"Saving to: '[^'\n]{1,300}'|'[^'\n]{1,300}' saved \[",
        function=told_file,
    ),
    Extractor(
        name="prose.quoted",
        finds="paths of any other extension in backticks, with a folder or called a file",
        text="prose",
        example="In `requirements/base.in`, we have",
        found=(("mention", "requirements/base.in"),),
        pattern=QUOTED_PATTERN,
        function=quoted_file,
    ),
)
