"""Which messages of a saved transcript the journal has already.

Both are sequences of messages with gaps in either; they are aligned as `diff` aligns lines, so that the same words
said twice stay two messages and a message that one side lacks stands where it belongs.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

MAX_PRODUCT = 4_000_000
"""Length times length up to which the exact alignment is worth its time (about a second); above it a greedy one."""


def align(journal: Sequence[bytes], transcript: Sequence[bytes]) -> list[int | None]:
    """For each message of the transcript the index of the same message in the journal, or None.

    Args:
        journal: keys of the journal's messages, in order.
        transcript: keys of the transcript's messages, in order.

    Returns:
        Indexes, rising.
    """
    matches: list[int | None] = [None] * len(transcript)
    start = 0
    while start < min(len(journal), len(transcript)) and journal[start] == transcript[start]:
        matches[start] = start
        start += 1
    rest, wanted = journal[start:], transcript[start:]
    if not rest or not wanted:
        return matches
    if len(rest) * len(wanted) <= MAX_PRODUCT:
        blocks = SequenceMatcher(None, rest, wanted, autojunk=False).get_matching_blocks()
        for block in blocks:
            for k in range(block.size):
                matches[start + block.b + k] = start + block.a + k
    else:
        _greedy(rest, wanted, start, matches)
    return matches


def _greedy(rest: Sequence[bytes], wanted: Sequence[bytes], start: int, matches: list[int | None]) -> None:
    """Take each message's next occurrence: right whenever the journal lacks nothing."""
    places: dict[bytes, list[int]] = {}
    for index in range(len(rest) - 1, -1, -1):
        places.setdefault(rest[index], []).append(index)
    last = -1
    for index, key in enumerate(wanted):
        stack = places.get(key, [])
        while stack and stack[-1] <= last:
            stack.pop()
        if stack:
            last = stack.pop()
            matches[start + index] = start + last
