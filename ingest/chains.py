"""Which messages belong to which LLM call, without a list a call.

A request repeats the conversation so far. Requests that begin alike are a tree: each call hangs below the call that it
goes on from, at the message up to which both are the same. When the calls of a tree are numbered from the root
downwards, branch after branch, the calls that share a message have numbers that follow one another. So a message is
stored once, with the first and the last of them, whatever a conversation did: it grew, was cut short, went on from an
earlier point, or was replaced. Only numbers are kept here, a few for each call.
"""

from __future__ import annotations

from array import array
from itertools import repeat

NONE = -1


class Chains:
    """The trees of one run. A tree is called a chain, because most have no branches."""

    def __init__(self) -> None:
        self._above = array("q")
        """For each call the one it hangs below, or NONE."""
        self._jump = array("q")
        """For each call one further up, so that a place far up is found in few steps (Myers 1983)."""
        self._depth = array("q")
        self._kept = array("q")
        """For each call how many messages it has from the calls above it."""
        self._own = array("q")
        """For each call how many messages it adds."""
        self._chain = array("q")

    def __len__(self) -> int:
        return len(self._above)

    def total(self, call: int) -> int:
        """How many messages a call has."""
        return self._kept[call] + self._own[call]

    def add(self, base: int | None, kept: int, own: int) -> tuple[int, int]:
        """Add a call.

        Args:
            base: the call whose messages it goes on from.
            kept: how many of them it keeps, at most all.
            own: how many messages it adds.

        Returns:
            Its chain, and the position in it of the first message that it adds.
        """
        call = len(self._above)
        above = NONE if base is None or kept == 0 else base
        while above != NONE and kept <= self._kept[above]:
            jump = self._jump[above]
            above = jump if jump != NONE and kept <= self._kept[jump] else self._above[above]
        self._above.append(above)
        self._kept.append(0 if above == NONE else kept)
        self._own.append(own)
        if above == NONE:
            self._depth.append(0)
            self._jump.append(NONE)
            self._chain.append(call)
        else:
            self._depth.append(self._depth[above] + 1)
            self._jump.append(self._shortcut(above))
            self._chain.append(self._chain[above])
        return self._chain[call], self._kept[call]

    def _shortcut(self, above: int) -> int:
        near = self._jump[above]
        far = self._jump[near] if near != NONE else NONE
        if far != NONE and self._depth[above] - self._depth[near] == self._depth[near] - self._depth[far]:
            return far
        return above

    def numbered(self) -> tuple[array[int], array[int], array[int]]:
        """Number the calls, when all are known.

        Returns:
            For each call its number; for each message, in the order in which calls added them, the numbers of the
            first and the last call that it belongs to.
        """
        count = len(self._above)
        last_below, beside = array("q", repeat(NONE, count)), array("q", repeat(NONE, count))
        for call, above in enumerate(self._above):
            if above != NONE:
                beside[call], last_below[above] = last_below[above], call
        numbers, ends = array("q", repeat(0, count)), array("q", repeat(0, count))
        number = 0
        for root in range(count):
            if self._above[root] != NONE:
                continue
            stack = [root]
            while stack:
                call = stack.pop()
                if call < 0:  # all below it are numbered
                    ends[~call] = number - 1
                    continue
                numbers[call] = number
                number += 1
                stack.append(~call)
                stack += self._below(last_below[call], beside)
        return numbers, *self._spans(numbers, ends, last_below, beside)

    def _below(self, last: int, beside: array[int]) -> list[int]:
        """The calls below one call, so that the last of them is to be numbered first: what keeps most comes first."""
        calls = []
        while last != NONE:
            calls.append(last)
            last = beside[last]
        calls.sort(key=self._kept.__getitem__)
        return calls

    def _spans(
        self, numbers: array[int], ends: array[int], last_below: array[int], beside: array[int]
    ) -> tuple[array[int], array[int]]:
        firsts, lasts = array("q"), array("q")
        for call, number in enumerate(numbers):
            kept, own = self._kept[call], self._own[call]
            firsts.extend(repeat(number, own))
            # A message belongs to the call, and to those below it that keep more than what comes before the message.
            position = kept
            for below in self._below(last_below[call], beside):
                lasts.extend(repeat(ends[below], self._kept[below] - position))
                position = self._kept[below]
            lasts.extend(repeat(number, kept + own - position))
        return firsts, lasts
