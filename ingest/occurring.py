"""Which of some patterns occur in a text, where nobody asks at what place: most of them in hardly any."""

from collections.abc import Callable

import re2


def occurring(*patterns: str) -> Callable[[str], list[int] | None]:
    """A function that looks through a text for patterns of RE2's.

    It gives the numbers of those that occur, or None. One pass serves all of them, and takes half the time of a search
    for one, which has places to tell.
    """
    together = re2.Set.SearchSet()
    for pattern in patterns:
        together.Add(pattern)
    together.Compile()
    found: Callable[[str], list[int] | None] = together.Match
    return found
