"""What the extractors find in the texts of one run, whatever becomes of an extractor."""

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import TypeVar

from ingest.extractors import (
    Block,
    CodeFacts,
    Hit,
    argument_files,
    code_blocks,
    extract_code,
    extract_error,
    extract_text,
    may_name_files,
)

T = TypeVar("T")

CACHED_LENGTH = 10_000
"""Characters up to which it is remembered what was found in a text: the same code is written, run, saved, run again; a
tool's result is the message that tells of it as well; a task is given to many runs."""


def remembered(function: Callable[..., T], most: int) -> Callable[..., T]:
    """The same function of a text and what else it is given, which looks up what it found in short texts of late."""
    cached = lru_cache(maxsize=most)(function)

    @wraps(function)
    def look_up(text: str, *rest: object) -> T:
        return cached(text, *rest) if len(text) <= CACHED_LENGTH else function(text, *rest)

    return look_up


_extract_code = remembered(extract_code, 2048)
_extract_text = remembered(extract_text, 1024)


class Finder:
    """Asks the extractors. A text on which one of them breaks, a mistake of ours, has nothing found in it; the message
    that it is of is kept.

    Args:
        missed: told of each such mistake: which extractor, and the error.
    """

    def __init__(self, missed: Callable[[str, Exception], None]) -> None:
        self._missed = missed

    def code(self, code: str, language: str) -> CodeFacts:
        """See `extract_code`."""
        return self._found(_extract_code, CodeFacts((), (), ()), code, language)

    def text(self, text: str) -> Sequence[Hit]:
        """See `extract_text`."""
        return self._found(_extract_text, [], text) if may_name_files(text) else []

    def arguments(self, tool: str, arguments: object) -> list[Hit]:
        """See `argument_files`."""
        return self._found(argument_files, [], tool, arguments)

    def blocks(self, text: str) -> list[Block]:
        """See `code_blocks`."""
        return self._found(code_blocks, [], text) if "```" in text else []

    def error(self, output: str) -> tuple[str | None, str | None]:
        """See `extract_error`."""
        nothing: tuple[str | None, str | None] = None, None
        return self._found(extract_error, nothing, output)

    def _found(self, extract: Callable[..., T], nothing: T, *given: object) -> T:
        try:
            return extract(*given)
        except MemoryError:
            raise
        except Exception as error:
            self._missed(extract.__name__, error)
            return nothing
