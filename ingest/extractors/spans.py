"""Where a word that may be the name of a file begins in prose, seen from its extension, and what of it is the path."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors import cjk
from ingest.extractors.paths import extension, has_known_ending
from ingest.extractors.vocabulary import (
    ASSIGNED,
    BREAKS,
    REFERRED,
)
from ingest.extractors.windows import is_drive, is_folder_mark

BARE: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./~+-"
ALL_BREAKS: Final = BREAKS | cjk.MARKS
# a command of LaTeX that is given a file, or prints the name of one
LATEX: Final = re.compile(
    r"\\(?:includegraphics|includesvg|includepdf|input|include|subfile|bibliography|addbibresource|lstinputlisting"
    r"|verbatiminput|texttt|path)(?:\[[^\]\n]{0,90}\])?\{$"
)
# a name in the column before or behind, as `ls` prints them
COLUMN_BEFORE: Final = re.compile(r"(?:^|\s)(\S+)(?:[ ]{2,}|\t[ \t]*)$")
COLUMN_AFTER: Final = re.compile(r"(?:[ ]{2,}|\t[ \t]*)(\S+)(?=\s|$)")
# what stands for the beginning of a path: `(\u2026)lve/main/config.json`
CUT: Final = re.compile(r"[(\[](?:\u2026|\.\.\.)[)\]]$")
LINE_ENDS: Final = ("", "\n", "\r")
# how a line of `ls -l` begins, and what stands behind the kind of what it is about
LISTING_BEGINS: Final = r"[ \t>]*(?:\d+[ \t]+){0,2}"
LISTING_MODE: Final = r"[r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-][.+@]?[ \t]+"
# such a line that is about a folder
FOLDER: Final = re.compile(LISTING_BEGINS + "d" + LISTING_MODE + r"[\d-]")
# an element that holds the name of a file, as tools write it, and how far before the name it begins
TAG: Final = re.compile(
    r"(?i)<(?:(?:file|path|(?:file|source)_?(?:name|path))"
    r"|\w{1,20} (?:name|key)=\"(?:\w{1,20}_)?(?:file|path|file_?(?:name|path))\")>$"
)
TAGGED: Final = 80
# elements that as often hold something else
ANY_TAG: Final = ("<code>", "<source>", "<name>")
# the checksum of a file, which a star marks where it is not read as text: `e3b0c442... *setup.exe`
HASHED: Final = re.compile(r"(?:^|\s)[0-9a-fA-F]{32,128} [ *]$")
# the setting that a name has before a `=`, behind what else it has, and a further setting behind its value
SETTING: Final = re.compile(r"(?:^|[_./=-])([A-Za-z][A-Za-z0-9]{0,19})$")
NEXT_SETTING: Final = re.compile(r"[\w.+]{1,40}[_/-]\w{1,20}=")
# an earlier one, and what stands in no such name
NUMBERED: Final = re.compile(r"=\d")
NO_SETTING: Final = frozenset("?&(,;:{")
# a day and what of its time stands before a colon, in the name of a file: `log_2024-12-15_10:57:33.txt`
TIMED: Final = re.compile(r"\d{4}-?\d\d-?\d\d[ T_-]?\d\d:(?:\d\d:)?$")


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
            or (character == "=" and (_in_path(window[:index]) or _of_setting(window, index)))
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
    after = window[index : index + 2]
    return (after[:1] == "\\" or (after[:1] == "/" and after != "//")) and is_drive(window, index - 1)


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
        (chunk[-1:].isalnum() or (chunk[-1:] in ("_", "-") and window[index - 1] == "#"))
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


def _of_setting(window: str, index: int) -> bool:
    """Whether a `=` that ends just before an index is one of a name's: `alpha=0.5.png`, `epoch=3-step=100.ckpt`.

    There is a number behind it, or the name has further settings; what a file is assigned to is none: `out=1.csv`.
    """
    chunk = unbroken(window[max(0, index - 80) : index - 1])
    setting = SETTING.search(chunk) if chunk.count("=") <= 8 else None
    if setting is None or setting[1].lower() in ASSIGNED or not NO_SETTING.isdisjoint(chunk) or chunk[0] in "-$":
        return False
    return (
        window[index : index + 1].isdigit()
        or NUMBERED.search(chunk) is not None
        or NEXT_SETTING.match(window, index) is not None
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
    if CUT.search(before[-5:]) or (token[:1] == "/" and before[-1:] == "\u2026"):
        return None
    if before[-2:] == "%\\":  # a folder that a variable holds: `%APPDATA%\\app\\a.db`
        return None
    if before[-1:] in ("$", "{", "}", "*", "%", ">", "@", "=") and not (
        before.endswith(("**", "->", "=", *ANY_TAG))
        or (before[-2:] == " *" and HASHED.search(before[-140:]))
        or is_tagged(before)
        or LATEX.search(before[-120:])
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


def is_tagged(before: str) -> bool:
    """Whether an element begins right before a name that holds nothing but files: `<parameter name="path">`."""
    return before[-1:] == ">" and TAG.search(before[-TAGGED:]) is not None


def unbroken(before: str) -> str:
    """What stands before a path without a blank between."""
    return before[max(map(before.rfind, BREAKS if before.isascii() else ALL_BREAKS)) + 1 :]


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
