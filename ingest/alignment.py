"""Two sequences of messages, with gaps in either, side by side.

They are aligned by a longest common subsequence, so that the same words said twice stay two messages and a message that
one side lacks stands where it belongs. The algorithm is that of Hunt and Szymanski (1977): all pairs of equal messages,
and the longest chain of pairs that rises on both sides. What stands for a message is its key, see `Message.key`.
"""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

NEAREST = 64
"""Occurrences of a message in the journal that are considered, those nearest to where it is expected. It bounds the
time where thousands of messages say the same."""

PAIRS = 4_000_000
"""Pairs of equal messages that are looked at for one transcript. It bounds the memory where hundreds of thousands say
the same."""


def behind_known(journal: Sequence[int], transcript: Sequence[int], places: list[int | None]) -> list[int | None]:
    """The alignment, with what comes behind the last words that the journal has once as near to them as it can be: many
    chats of a run may end with the same words."""
    times = Counter(journal)
    once = [number for number, place in enumerate(places) if place is not None and times[transcript[number]] == 1]
    near = places[once[-1]] if once else None
    for number in range(once[-1] + 1 if once else len(places), len(places)):
        if near is not None and (far := places[number]) is not None:
            near = next(place for place in range(near + 1, far + 1) if journal[place] == transcript[number])
            places[number] = near
    return places


def with_swapped(
    journal: Sequence[int],
    transcript: Sequence[int],
    places: list[int | None],
    are_beside: Callable[[int, int], bool],
) -> list[int | None]:
    """The alignment, and of two neighbours that stand in the other order in the journal the one that it leaves out.

    Members of a group are introduced before they hear what it is opened with, which the opener has first.
    """
    used = set(places)
    for number, key in enumerate(transcript):
        if places[number] is None:
            beside = places[max(0, number - 1) : number] + places[number + 1 : number + 2]
            near = [(place, place + step) for place in beside if place is not None for step in (-1, 1)]
            found = (
                p
                for place, p in near
                if 0 <= p < len(journal) and journal[p] == key and p not in used and are_beside(place, p)
            )
            places[number] = next(found, None)
            used.add(places[number])
    return places


def align(journal: Sequence[int], transcript: Sequence[int]) -> list[int | None]:
    """For each message of the transcript the index of the same message in the journal, or None.

    Args:
        journal: keys of the journal's messages, in order.
        transcript: keys of the transcript's messages, in order. A transcript is saved at the end of a chat, so where
            there is a choice the last messages of the journal are meant.

    Returns:
        Indexes, rising.
    """
    shift = len(journal) - len(transcript)
    matches: list[int | None] = [None] * len(transcript)
    rest = len(transcript)
    while rest and rest + shift and transcript[rest - 1] == journal[rest + shift - 1]:  # mostly all of it
        rest -= 1
        matches[rest] = rest + shift
    places: defaultdict[int, list[int]] = defaultdict(list)
    for index, key in enumerate(journal[: rest + shift] if rest else ()):
        places[key].append(index)
    # Backwards, so that of equally long chains the one that lies latest is found: a falling chain of places.
    ends: list[int] = []
    numbers, ats, before, last_pair = array("q"), array("q"), array("q"), list[int]()
    most = max(1, min(NEAREST, PAIRS // max(1, rest)))
    for number in range(rest - 1, -1, -1):
        for place in _nearest(places.get(transcript[number], []), number + shift, most):
            length = bisect_left(ends, -place)
            numbers.append(number)
            ats.append(place)
            before.append(last_pair[length - 1] if length else -1)
            if length == len(ends):
                ends.append(-place)
                last_pair.append(len(ats) - 1)
            elif -place < ends[length]:
                ends[length] = -place
                last_pair[length] = len(ats) - 1
    pair = last_pair[-1] if last_pair else -1
    while pair >= 0:
        matches[numbers[pair]] = ats[pair]
        pair = before[pair]
    return matches


def _nearest(places: list[int], expected: int, most: int) -> list[int]:
    """The places nearest to the expected one, so many at most, from the first to the last, so that none follows another
    of its own."""
    if len(places) > most:
        middle = min(max(bisect_left(places, expected) - most // 2, 0), len(places) - most)
        places = places[middle : middle + most]
    return places
