"""A JSON document that breaks off: as much of it as is there."""

import re
from dataclasses import dataclass
from typing import Any

from ingest.lines import decode

_TOKEN = re.compile(rb'"(?:[^"\\]*(?:\\.[^"\\]*)*")?|[\[\]{},]', re.DOTALL)
"""A string, a quotation mark that ends in none, a bracket, a comma."""

_CLOSING = {b"[": b"]", b"{": b"}"}

MAX_OPEN = 1000
"""Brackets that are open at once; more are no document that somebody saved."""


@dataclass(slots=True)
class Part:
    """What is there of a document.

    Attributes:
        value: the document without the value at which it breaks off, its brackets closed.
        end: the byte behind what is in it.
        open: by identity, the objects and lists whose end is missing, and the byte at which each begins.
    """

    value: Any
    end: int
    open: dict[int, int]


def sound_part(raw: bytes) -> Part | None:
    """As much of a document as is there; None where it is no JSON up to where it breaks off, or has its end.

    Linear in the length of the text.
    """
    brackets: list[tuple[bytes, int]] = []
    end, left = 0, 0  # what can be kept reaches to here, with so many brackets open
    for token in _TOKEN.finditer(raw):
        found = token[0]
        if found in (b"[", b"{"):
            if len(brackets) == MAX_OPEN:
                return None
            brackets.append((found, token.start()))
            end, left = token.end(), len(brackets)
        elif found in (b"]", b"}"):
            if not brackets:
                return None
            brackets.pop()
            end, left = token.end(), len(brackets)
        elif found == b",":
            end, left = token.start(), len(brackets)
        elif found == b'"':
            break  # in this string it breaks off
    if not left:
        return None
    brackets = brackets[:left]
    closing = b"".join(_CLOSING[bracket] for bracket, _ in reversed(brackets))
    try:
        value, _ = decode(raw[:end] + closing)
    except ValueError:
        return None
    opened, inner = {}, value
    for _, begin in brackets:
        opened[id(inner)] = begin
        inner = next(reversed(inner.values()), None) if isinstance(inner, dict) else inner[-1] if inner else None
    return Part(value, end, opened)
