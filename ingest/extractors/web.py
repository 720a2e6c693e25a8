"""Names that are not files but pages: of the web, of wikis, and of what servers are asked for."""

from __future__ import annotations

import re
from typing import Final

from ingest.extractors.vocabulary import (
    LINKED_FOLDERS,
    PAGES,
    ROOTS,
    WEB,
    WEB_FOLDERS,
)

# what a list of a web site's repository has after a name: how old the last change is
AGED: Final = re.compile(
    r"^(?!`|'|\"|[^\n]*\b(?:was|were|last|modified|created|updated|saved)\b)"
    r"[^\n]{1,120}?\b(?:\d+|an?) (?:day|week|month|year)s? ago\b"
)
# a request to a server that stands before its path, and what it ends with but for blanks and a quote
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT")
REQUESTED: Final = re.compile(rf"(?:^|[^\w-])(?:{'|'.join(METHODS)}|(?i:request[ _](?:ur[li]|path):))[ \t]+[`'\"]?$")
REQUEST_ENDS: Final = (*METHODS, ":")
# what stands right before such a path in words and in programs, but for quotes and brackets
OPENING: Final = " \t`'\"("
ASKING: Final = tuple(
    "url: point points path paths path: point: points: paths: is are at is: at: are: route routes route: routes: to"
    " for to: for: get post put delete patch".split()
)
# the same in words: `exceeded with url: /data.json`, the endpoint `/users.json`
SERVED: Final = re.compile(
    r"(?i)\b(?:(?:for|with)[ \t]+url:|(?:end-?points?|url[ \t]+paths?)(?:[ \t]+(?:is|are|at))?:?)[ \t]*[`'\"(]{0,2}$"
)
# and in programs, whose objects give away files as well: `@app.get("/a.csv")`, but `sftp.get("/home/me/a.csv")`
ROUTED: Final = re.compile(r"[.@](?:get|post|put|delete|patch|route)\([`'\"]$")
# and words that tell less than the folders of a disk: requests are logged to `/var/log/a.log`
ASKED: Final = re.compile(
    r"(?:\b(?i:routes?|requests?[ \t]+(?:to|for))[ \t]*:?[ \t]+[`'\"(]{0,2}"
    r"|(?:^|[\s`;(])(?:get|post|put|patch|delete)[ \t]+['\"])$"
)
DISPOSITION: Final = re.compile(r"(?i)\b(?:attachment|inline|form-data)\b[^\n]{0,60};[ \t]*filename=[\"']?$")
# the title of a page that a browser shows
TITLE: Final = re.compile(r"(?:^|\n)Title: [^\n]*$")
# a wiki's page of a file, whose name may have blanks
WIKI_FILE: Final = re.compile(r"\b(?:File|Image):[^\s\"'*`_][^\n\"'\])|]*$")
# what stands before or after a name that is no local file: links into the web, breadcrumbs, wiki pages
LINKED_BEFORE: Final = ("](#", "File:", "Image:", "title=", 'href="', "href='", "\u203a ", "\u203a")
SHOWN_BEFORE: Final = ('src="', "src='")
LINKED_AFTER: Final = (" <http", "](http", "](/wiki", "](//", "](file:", " \u203a")


def is_of_the_web(path: str, suffix: str, before: str, after: str) -> bool:
    """Whether a name is that of a page, of a picture on one, or a link's text."""
    if (
        after.startswith(LINKED_AFTER)
        or before.endswith(LINKED_BEFORE)
        or (after.find(" ago", 0, 160) > 0 and AGED.search(after))
        or ("e:" in before[-120:] and WIKI_FILE.search(before[-120:]))
    ):
        return True
    if after.startswith(" HTTP/"):
        return True
    if "Address: " in before and TITLE.search(before):
        return True  # of a page that a browser shows
    if path[0] == "/" and (_is_requested(before[-20:]) or _is_served(path, suffix, before)):
        return True
    if before[-12:].find("name=") >= 0 and DISPOSITION.search(before[-120:]):
        return True
    if before.endswith("](") and (suffix in PAGES or (path[0] == "/" and not _is_linked(path))):
        return True
    if before.endswith(SHOWN_BEFORE) and ("/" + path).startswith(("//", *WEB_FOLDERS)):
        return True
    of_site = path[0] == "/" and (path.count("/") == 1 or path.startswith(WEB_FOLDERS))
    return (
        (of_site and (suffix in WEB or suffix in PAGES))
        or "/wiki/" in path
        or "thumb/" in path
        or path.startswith("wiki/")
    )


def _is_requested(before: str) -> bool:
    """Whether a request to a server stands before its path."""
    return before.rstrip(" \t\n`'\"").endswith(REQUEST_ENDS) and REQUESTED.search(before) is not None


def _is_served(path: str, suffix: str, before: str) -> bool:
    """Whether a path from the root is one of a server: of an interface, or behind words for a request."""
    if path.startswith("/api/") and suffix != "py":
        return True
    near = before[-40:]
    if not near.rstrip(OPENING).lower().endswith(ASKING):
        return False
    if SERVED.search(near):
        return True
    if ROUTED.search(near):
        return not path.lower().startswith(LINKED_FOLDERS)
    return ASKED.search(near) is not None and not path.lower().startswith(ROOTS)


def _is_linked(path: str) -> bool:
    """Whether a path of a link in Markdown leads to a disk's folder and not to one of the page's site."""
    return path.lower().startswith(LINKED_FOLDERS) or (path.startswith("/content/") and path.count("/") == 2)
