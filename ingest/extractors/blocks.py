"""Fenced code blocks, exactly as AG2's `MarkdownCodeExtractor` sees them: those are what an executor runs.

AG2's own pattern is quadratic on a long run of blanks after a fence, and `infer_lang` compiles whatever it is given, so
both are rebuilt here within bounds. `prose` is the other half: the text outside the fences.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from itertools import islice

from ingest.extractors.model import Block

# the two ends of AG2's CODE_BLOCK_PATTERN; an optional group around the name, because AG2's two runs of blanks side by
# side are what makes it quadratic
OPENING = re.compile(r"```[ \t]*(?:(\w+)[ \t]*)?\r?\n")
CLOSING = re.compile(r"\n[ \t]*```")
# characters beyond which code is not given to CPython's compiler: it needs about 100 times their size in memory, and
# before 3.11 it overflows the stack on a sum of 100,000 terms
PARSE_LIMIT = 300_000 if sys.version_info >= (3, 11) else 40_000
# fences of one text that are looked at, and characters of its blocks without a language that are compiled to find it
FENCES = 20_000
INFERRED = 1_000_000
# CPython copies a `finally` body per exit, so nested ones compile to exponential size
FINALLY_LIMIT = 12


def sound(text: str) -> str:
    """The text with lone surrogates replaced by '?', which RE2 (UTF-8) refuses."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def infer_language(code: str) -> str:
    """The language that AG2 infers for a block without one: `sh`, `python`, or '' (AG2's unknown).

    Linear in the length of the code. AG2 itself raises on a NUL byte or an unencodable character; here that is ''.
    """
    if code.startswith(("python ", "pip", "python3 ")):
        return "sh"
    if len(code) > PARSE_LIMIT:
        return ""
    try:
        with warnings.catch_warnings():
            # the compiler warns of escapes in other people's strings
            warnings.simplefilter("ignore")
            if code.count("finally") > FINALLY_LIMIT:
                ast.parse(code)
            else:
                compile(code, "test", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return ""
    return "python"


def code_blocks(text: str) -> list[Block]:
    """The code blocks of a message that AG2 would execute, in order.

    Args:
        text: content of a message, as a string.

    Returns:
        One `Block` per fenced block; nested fences, unclosed fences and fences without a line end behave as in AG2.
        Time and memory are bounded: behind the first 20,000 fences (`FENCES`) of a text no block is found, and behind
        the first million characters (`INFERRED`) of blocks that name no language none is inferred.
    """
    found: list[Block] = []
    inferred = 0
    for language, code in _fenced(text):
        if not language and inferred < INFERRED:
            inferred += min(len(code), PARSE_LIMIT)
            language = infer_language(code)
        found.append(Block(language, code))
    return found


def _fenced(text: str) -> Iterator[tuple[str, str]]:
    """(language as written, code) of every fenced block."""
    end = _end_of_fences(text)
    opening = OPENING.search(text, 0, end)
    while opening and (closing := CLOSING.search(text, opening.end(), end)):
        # AG2's pattern takes the carriage return of a line end as well
        code = text[opening.end() : closing.start()].removesuffix("\r")
        yield opening.group(1) or "", code
        opening = OPENING.search(text, closing.end(), end)


def _end_of_fences(text: str) -> int:
    """Where the last fence ends that is looked at, if there are more; else the end of the text."""
    if text.count("```") <= FENCES:
        return len(text)
    end = 0
    for _ in range(FENCES):
        end = text.index("```", end) + 3
    return end


def prose(text: str) -> str:
    """The text without its fenced code, which is replaced by an empty line.

    Other than AG2's pattern this pairs fences as Markdown does: a fence that names a language opens a block and never
    closes one, so the text between a closing fence that lost its opening and the next block stays. What stands behind
    the first 20,000 fences (`FENCES`) of a text stays as well.
    """
    if "```" not in text:
        return text
    kept: list[str] = []
    position = 0
    opened: tuple[int, str] | None = None
    for begin, end, info in islice(_fence_lines(text), FENCES):
        if opened is None or info:
            if opened is None:
                kept.append(text[position:begin])
            elif not opened[1]:
                kept.append(text[opened[0] : begin])
            opened = (end, info)
        else:
            opened = None
        position = end
    if opened is None:
        kept.append(text[position:])
    elif not opened[1]:
        kept.append(text[opened[0] :])
    return "\n".join(kept)


def _fence_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, what stands behind the fence) of every line that starts with one; only fences are looked for."""
    end = 0
    while (fence := text.find("```", end)) >= 0:
        begin = text.rfind("\n", end, fence) + 1  # at `end` is the end of a line before, or the text begins
        end = text.find("\n", fence)
        if end < 0:
            end = len(text)
        info = text[fence:end].lstrip("`")
        if "`" not in info and not text[begin:fence].strip(" \t"):
            yield begin, end, info.strip()
