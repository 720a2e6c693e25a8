"""The values that are to be masked, and the search for them in the bytes of a record.

A secret is rare, so most records cost one search and no more. It is done by RE2, for all values and forms in one
pass. RE2 takes a millisecond and more to take in a value, so the latest ones are searched for one by one until enough
came together.
"""

import base64
import functools
import json
import re
import threading
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, Final
from urllib.parse import quote, quote_plus

from capture.secrets import MIN_LENGTH
from capture.tokens import ADDRESS_IN_BYTES, ANYWHERE, BEGIN, MASKED, SIGNS

LATEST: Final = 16
"""Values that are searched for one by one at most."""
SEARCHES: Final = 50
"""Searches after which the latest values are taken into RE2's pattern, few as they may be."""
SOUGHT: Final = 32
"""Bytes of a value that are searched for in a record: RE2 has no room for long ones."""
ROOM: Final = 64 << 20
"""Bytes that RE2 may use: with its own limit of 8 MB it gets slow at about a thousand values."""
WORDLIKE: Final = re.compile(r"[A-Za-z0-9_-]{1,19}")
"""A value that might be found inside a longer word by chance."""
END: Final = r"(?![A-Za-z0-9])"
Search = Callable[[bytes], Any]


class Known:
    """Values that are to be masked.

    Attributes:
        suspect: tells of a record's bytes whether they may have a secret, and misses none.
    """

    def __init__(self) -> None:
        self._sought: dict[str, tuple[bytes, ...]] = {}
        self._latest: list[str] = []
        self._lock = threading.RLock()
        self._compiled = _search(())
        self.suspect: Search = self._compiled

    def __len__(self) -> int:
        return len(self._sought)

    def learn(self, values: Iterable[str]) -> None:
        """Takes in values; those under 8 characters are not."""
        with self._lock:
            for value in values:
                if len(value) < MIN_LENGTH or value in self._sought or value == MASKED:
                    continue
                self._sought[value] = _sought(value)
                self._latest.append(value)
            if len(self._latest) > LATEST:
                self._compile()
            elif self._latest:
                self.suspect = self._one_by_one()

    def pattern(self, data: bytes) -> re.Pattern[str] | None:
        """What finds in a text the values that the bytes around it have; None where they have none."""
        values = [value for value, sought in list(self._sought.items()) if any(form in data for form in sought)]
        return _pattern(tuple(values)) if values else None

    def _compile(self) -> None:
        self._compiled = self.suspect = _search(form for forms in self._sought.values() for form in forms)
        self._latest = []

    def _one_by_one(self) -> Search:
        compiled, latest = self._compiled, [form for value in self._latest for form in self._sought[value]]
        searches = count(1)

        def suspect(data: bytes) -> Any:
            if next(searches) == SEARCHES:
                with self._lock:
                    self._compile()
                return self.suspect(data)
            return compiled(data) or any(form in data for form in latest)

        return suspect


def _forms(value: str) -> set[str]:
    """A value as text may have it: as it is, as Python shows it, in an address, in base64."""
    forms = {value, repr(value)[1:-1], repr(f"'\"{value}")[4:-1]}
    try:
        data = value.encode()
    except UnicodeEncodeError:  # bytes in the environment that are no UTF-8
        return forms
    forms |= {quote(value), quote(value, safe=""), quote_plus(value)}
    forms |= {encode(data).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return forms


def _spellings(value: str) -> set[str]:
    """A value as it stands in a text, and as JSON has it in there: quoted once or twice, with letters or escapes."""
    forms = _forms(value)
    once = {json.dumps(form, ensure_ascii=ascii)[1:-1] for form in forms for ascii in (True, False)}
    twice = {json.dumps(form, ensure_ascii=False)[1:-1] for form in once}
    return forms | once | twice


def _sought(value: str) -> tuple[bytes, ...]:
    """The beginnings of a value in a record's bytes: there it is quoted once more than in the text."""
    spelled = _spellings(value)
    forms = spelled | {json.dumps(form, ensure_ascii=False)[1:-1] for form in spelled}
    starts = sorted({form.encode("utf-8", "replace")[:SOUGHT] for form in forms}, key=len)
    return tuple(form for i, form in enumerate(starts) if not any(shorter in form for shorter in starts[:i]))


@functools.lru_cache(64)
def _pattern(values: tuple[str, ...]) -> re.Pattern[str]:
    # the longest first: one value may begin with another
    spelled = sorted({form for value in values for form in _spellings(value)}, key=len, reverse=True)
    return re.compile("|".join(map(_found_by, spelled)))


def _found_by(form: str) -> str:
    """What finds a value: one like a word only where it is the whole word."""
    return f"{BEGIN}{re.escape(form)}{END}" if WORDLIKE.fullmatch(form) else re.escape(form)


def _search(sought: Iterable[bytes]) -> Search:
    """Whether a record may have a secret: a search over its bytes that misses none."""
    literal = sorted(set(sought))
    try:
        import re2
    except ImportError:
        signs = (*SIGNS, *literal)
        return lambda data: any(sign in data for sign in signs) or ADDRESS_IN_BYTES.search(data)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are: three times as fast as decoding them
    options.never_capture = True
    options.max_mem = ROOM
    search: Search = re2.compile(b"|".join([*map(re.escape, literal), *ANYWHERE]), options).search
    return search
