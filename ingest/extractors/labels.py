"""What calls are given that looks like a file and is none: texts that end with a file's name, labels, addresses.

Each rule goes by words: those of the function's name, of the keyword, or of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, Final

from ingest.extractors.paths import SCHEME, extension, looks_like_file
from ingest.extractors.values import PathValue, Result, paths_of
from ingest.extractors.vocabulary import (
    ADJECTIVES,
    COMMANDS,
    CONNECTING,
    CONTENT_WORDS,
    LABEL_KEYWORD,
    NO_NAME,
    NOUNS,
    SPACED,
    TASKS,
    TEXT_FUNCTIONS,
    TEXT_WORDS,
)

WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# words of a text that is a name: `my data.csv`, `Screenshot 2025-09-22 at 15.47.38.png`
MAXIMUM_WORDS: Final = 6
# words of a function that is given a file for sure, so that its name may have any words: `read("Letter to Bob.docx")`
CERTAIN: Final = frozenset("read load open save file loader reader".split())
# and keywords that give one by its kind: `attachment="final report.pdf"`
FILE_KINDS: Final = frozenset(
    "attachment attachments image images audio video photo picture document documents pdf csv excel spreadsheet".split()
)
# keywords that give a path whatever it looks like
PATH_KEYWORD: Final = re.compile(r"(?i)(?:\w+_)?(?:path|file|filename|file_name|filepath)s?|out(?:put|_\w+)?|dest\w*")
# words of a function that judges, names or deletes a file without opening it, unless another says that it does
JUDGING: Final = frozenset(
    "is has exists exist extension mime slug slugify sanitize sanitise normalize normalise validate delete url link"
    " endpoint".split()
)
OPENING: Final = frozenset(
    "read reads load open save saves saved write writes download downloads upload export exports dump import parse"
    " convert transform extract transcribe scan process copy move compress resize merge summarize summarise".split()
)
# the same where it stands before the file's name: `is_open`, `has_saved`
ASKING: Final = frozenset(("is", "has"))
# functions that look into a file to judge or change it: `validate_csv`, `normalize_audio`, but `validate_path`
LOOKING: Final = frozenset("validate normalize normalise".split())
# those that write into a table or page where a link leads: `write_url`
LINKING: Final = frozenset("url link".split())
# addresses that hold what is in the file: `image_to_data_url("a.png")`
ENCODING: Final = frozenset("data base64 b64 encode".split())
# what is fetched from a web server by a path at its root
FETCHING: Final = frozenset("fetch request post put patch api route navigate goto visit".split())
# elements of a page, whose `src` is an address: `html.Img(src="/assets/a.png")`
PAGE_ELEMENTS: Final = frozenset(("html",))
# what is given away together with a name for those who receive it
GIVING: Final = frozenset("upload uploads add log attach send post publish".split())
NAMES: Final = frozenset("name filename file_name".split())
GIVEN_FILES: Final = frozenset("file path file_path filepath fileobj file_obj stream path_or_stream local_path".split())
GIVEN_DATA: Final = frozenset("data body content contents blob bytes file_bytes".split())
# objects and libraries of stores whose names are no paths of the local disk: `repo.create_file("docs/new.md", ..)`
STORES: Final = frozenset("repo gh github gitlab s3 s3_client boto3 blob_client container_client bucket azure".split())
STORE_METHODS: Final = frozenset(
    "Object ObjectSummary Key blob get_blob get_contents get_commits create_file update_file delete_file"
    " get_blob_client upload_blob download_blob create_pull create_issue".split()
)
ERRORS: Final = ("Error", "Exception", "Warning")


def words(name: str) -> list[str]:
    """The words of a name in snake or camel case, in lower case."""
    return [word.lower() for word in WORD.findall(name)]


def is_judging(parts: Sequence[str]) -> bool:
    """Whether a function of these words does something with a file's name and not with what is in it.

    `delete_file(..)`, `build_url(..)` and `is_open(..)` do, `download_url(..)` and `validate_csv(..)` do not.
    """
    judged = JUDGING.intersection(parts)
    if not judged:
        return False
    if parts[0] in ASKING or (len(parts) == 2 and parts[0] == "write" and parts[1] in LINKING):
        return True
    if not OPENING.isdisjoint(parts) or (judged <= LINKING and "to" in parts[1:-1]):
        return False
    looks = judged <= LOOKING and not CONTENT_WORDS.isdisjoint(parts)
    return not looks and not (judged <= LINKING and not ENCODING.isdisjoint(parts))


def is_sentence(function: str, keyword: str, path: str) -> bool:
    """Whether a text with blanks that ends as a file does is about one: `Explain main.py`, but not `my data.csv`.

    Args:
        function: the name of the function that is given the text.
        keyword: under which it is given; '' for none.
        path: the text.
    """
    if keyword and PATH_KEYWORD.fullmatch(keyword):
        return False
    parts, suffix = words(function), extension(path)
    given = words(keyword)[-1:] if keyword else []
    certain = not CERTAIN.isdisjoint(parts) or suffix in parts or not FILE_KINDS.isdisjoint(given)
    if suffix not in SPACED and not (suffix in parts or "file" in parts):
        return True
    told = path.split()
    if len(told) > MAXIMUM_WORDS or _is_text(keyword, given) or (not certain and not TEXT_FUNCTIONS.isdisjoint(parts)):
        return True
    first, lower = told[0], [word.lower().strip(":,;") for word in told[:-1]]
    is_title = all(not word[0].islower() for word in told)
    if first[-1] in ":,;":
        return True
    if lower[0] in ADJECTIVES:
        return not (certain or is_title)
    if lower[0] in COMMANDS or lower[0] in TASKS:
        return True
    if not is_title and lower[0].endswith(("ed", "ing")) and lower[0] not in NOUNS:
        return True
    return not certain and not (CONNECTING.isdisjoint(lower) and NO_NAME.isdisjoint(lower))


def _is_text(keyword: str, last: Sequence[str]) -> bool:
    """Whether a keyword gives a text: `message`, `system_prompt`, `expected_output`."""
    return keyword == "expected_output" or not TEXT_WORDS.isdisjoint(last)


def is_label(keyword: str) -> bool:
    """Whether what a keyword gives is shown or looked up, not opened: `title`, `element_id`."""
    return bool(keyword) and LABEL_KEYWORD.fullmatch(keyword) is not None


def is_address(function: str, path: str) -> bool:
    """Whether what a function is given leads elsewhere: `external:b.xlsx`, or a path at the root of a web server."""
    if path[0] == "/":
        parts = words(function)
        if path.startswith("/api/"):
            return "get" in parts or not FETCHING.isdisjoint(parts)
        return path.count("/") == 1 and not FETCHING.isdisjoint(parts)
    return ":" in path and SCHEME.match(path) is not None


def is_elsewhere(name: str, last: str) -> bool:
    """Whether a call is about a page or a store, not about the local disk.

    Args:
        name: the function's dotted name, or that of what made the object whose method it is.
        last: the last part of the function's name.
    """
    if last in STORE_METHODS:
        return any(owner.partition("(")[0] in STORES for owner in name.split("."))
    return last[:1].isupper() and not PAGE_ELEMENTS.isdisjoint(name.split(".")[:-1])


def is_exception(name: str) -> bool:
    """Whether a class is one of errors, which are given a text."""
    return name.endswith(ERRORS)


def named_for_others(name: str, positional: Sequence[Any], keywords: Mapping[str, Any]) -> Set[str]:
    """The keywords by which a call only names what it gives away: `upload(file="a.png", filename="b.png")`."""
    if GIVING.isdisjoint(words(name)):
        return frozenset()
    given = not (GIVEN_FILES | GIVEN_DATA).isdisjoint(keywords)
    for value in positional:
        given = given or isinstance(value, Result | PathValue) or any(looks_like_file(path) for path in paths_of(value))
    return NAMES if given else frozenset()
