"""Which messages of a saved transcript the journal has already.

Both are sequences of messages with gaps in either. They are aligned by a longest common subsequence, so that the same
words said twice stay two messages and a message that one side lacks stands where it belongs. The algorithm is that of
Hunt and Szymanski (1977): all pairs of equal messages, and the longest chain of pairs that rises on both sides.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.messages import Message, parse_message, unblock
from ingest.seen import Seen
from ingest.speakers import name_speakers

NEAREST = 64
"""Occurrences of a message in the journal that are considered, those nearest to where it is expected. It bounds the
time where thousands of messages say the same."""

FEW = 8
"""Transcripts of one run. Where there are more, each may be a single message: most of thousands tell of new ones."""


@dataclass(slots=True)
class Transcript:
    """A transcript that was saved in a run.

    Attributes:
        position: at which it was saved.
        messages: as they were saved.
        chat_id: AG2's id of the chat, where it has one.
        complete: the journal has all that was said in the run until then.
        rest: nobody saved it; the recorder did, when the run ended.
    """

    position: int
    messages: list[Any]
    chat_id: str | None
    complete: bool
    rest: bool


def read_history(transcript: Sequence[Any], agents: Iterable[str]) -> list[Message]:
    """The messages of a saved transcript, each once, and with the speakers that can be told.

    Args:
        transcript: its messages as they were saved.
        agents: names of agents that may be among them.
    """
    messages = _each_once([parse_message(message) for message in transcript])
    authors = {message.sender for message in messages if message.sender}.union(agents)
    functions = {request.name for message in messages for request in message.requests}
    for message in messages:
        unblock(message, authors, functions)
    name_speakers(messages)
    return messages


def _each_once(messages: list[Message]) -> list[Message]:
    """The messages of a saved history, of which AG2 keeps twice what an agent says to itself: as said, and as heard."""
    said, heard = messages[::2], messages[1::2]
    mirrored = len(said) == len(heard) and len({m.sender or m.role for m in messages}) == 1
    if mirrored and all(
        (a.role, b.role, a.key(False)) == ("assistant", "user", b.key(False)) for a, b in zip(said, heard, strict=True)
    ):
        return heard
    return messages


class Claims:
    """Which messages of a run the transcripts have told of that were taken in so far, and of which chat they are.

    Args:
        seen: the run's messages; filled in while it is read.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._ids: list[str | None] = []
        """Of each chat that a transcript told of the id that AG2 gave it, where it is known."""
        self._sizes: Counter[int] = Counter()
        """Messages of each chat."""
        self._chats: dict[int, int] = {}
        """The chat of each message that a transcript has told of."""
        self._added: set[int] = set()
        """Those that nothing else tells of."""
        self._chat = 0
        """The chat of the transcript that was matched last."""
        self._matched = 0
        """Transcripts so far."""
        self._known: dict[bool, set[int]] = {True: set(), False: set()}
        """The keys of the run's messages, with and without their authors, from the first of many transcripts on."""
        self._noted = {True: 0, False: 0}
        """How many messages they are of."""

    def match(self, transcript: Sequence[Message], saved_at: int, chat_id: str | None) -> list[int | None]:
        """For each message of a transcript the index of the same message of the run, or None.

        Where others have the same words, those are meant that no transcript has told of. What transcripts of a chat
        have added is meant only where this one may be of that chat: more than half of the shorter one is the same.

        Args:
            transcript: its messages.
            saved_at: the position at which it was saved.
            chat_id: AG2's id of the chat, where it has one.
        """
        named = all(message.sender or message.has_call_ids for message in transcript)
        keys = [message.key(named) for message in transcript]
        if self._are_new(keys, named):
            self._of_chat(None, chat_id)
            return [None] * len(keys)
        messages = list(self._seen.until(saved_at))
        if named:
            # AG2 saves who asks for tools without the name; the ids of the calls tell who that was
            nameless = {key for key, message in zip(keys, transcript, strict=True) if not message.sender}
            speakers = {message.sender for message in transcript}
            speakers |= {self._seen.sender(index) for index in messages if self._seen.key(index, True) in nameless}
            messages = of_chat(self._seen, messages, keys, {speaker for speaker in speakers if speaker})
        messages.sort(key=self._seen.position)
        return self._match(messages, [self._seen.key(index, named) for index in messages], keys, chat_id)

    def _are_new(self, keys: list[int], named: bool) -> bool:
        """Whether the run has none of these messages, which after a few transcripts is known without looking at all."""
        self._matched += 1
        if self._matched <= FEW:
            return False
        known = self._known[named]
        known.update(self._seen.key(index, named) for index in range(self._noted[named], len(self._seen)))
        self._noted[named] = len(self._seen)
        return known.isdisjoint(keys)

    def _match(
        self, messages: Sequence[int], keys: Sequence[int], transcript: Sequence[int], chat_id: str | None
    ) -> list[int | None]:
        chats = self._chats_like(messages, keys, transcript, chat_id)
        known = [
            (index, key)
            for index, key in zip(messages, keys, strict=True)
            if index not in self._added or self._chats[index] in chats
        ]
        free = [(index, key) for index, key in known if index not in self._chats]
        matches = _matches(known, transcript)
        if len(free) < len(known):
            of_free = _matches(free, transcript)
            matches = of_free if of_free.count(None) == matches.count(None) else matches
        found = [index for index in matches if index is not None]
        of_chats = Counter(self._chats[index] for index in found if self._chats.get(index) in chats)
        self._of_chat(of_chats.most_common(1)[0][0] if of_chats else None, chat_id)
        self._tell(found)
        return matches

    def _of_chat(self, chat: int | None, chat_id: str | None) -> None:
        """The transcript that is matched is of this chat, or of a new one."""
        if chat is None:
            chat = len(self._ids)
            self._ids.append(chat_id)
        self._chat = chat

    def added(self, messages: Sequence[int]) -> None:
        """The transcript that was matched last has told of further messages."""
        self._added.update(messages)
        self._tell(messages)

    def _tell(self, messages: Iterable[int]) -> None:
        for index in messages:
            if index not in self._chats:
                self._chats[index] = self._chat
                self._sizes[self._chat] += 1

    def _chats_like(
        self, messages: Sequence[int], keys: Sequence[int], transcript: Sequence[int], chat_id: str | None
    ) -> set[int]:
        """The chats that a transcript may be of."""
        common: defaultdict[int, Counter[int]] = defaultdict(Counter)
        wanted = Counter(transcript)
        for index, key in zip(messages, keys, strict=True):
            if index in self._chats and key in wanted:
                common[self._chats[index]][key] += 1
        return {
            chat
            for chat, theirs in common.items()
            if (None in (chat_id, self._ids[chat]) or chat_id == self._ids[chat])
            and 2 * (theirs & wanted).total() > min(self._sizes[chat], len(transcript))
        }


def _matches(messages: Sequence[tuple[int, int]], transcript: Sequence[int]) -> list[int | None]:
    keys = [key for _, key in messages]
    places = _with_swapped(keys, transcript, align(keys, transcript))
    return [None if place is None else messages[place][0] for place in places]


def _with_swapped(journal: Sequence[int], transcript: Sequence[int], places: list[int | None]) -> list[int | None]:
    """The alignment, and of two neighbours that stand in the other order in the journal the one that it leaves out.

    Members of a group are introduced before they hear what it is opened with, which the opener has first.
    """
    used = set(places)
    for number, key in enumerate(transcript):
        if places[number] is None:
            beside = places[max(0, number - 1) : number] + places[number + 1 : number + 2]
            near = [place + step for place in beside if place is not None for step in (-1, 1)]
            found = (p for p in near if 0 <= p < len(journal) and journal[p] == key and p not in used)
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
    places: defaultdict[int, list[int]] = defaultdict(list)
    for index, key in enumerate(journal):
        places[key].append(index)
    # Backwards, so that of equally long chains the one that lies latest is found: a falling chain of places.
    ends: list[int] = []
    pairs: list[tuple[int, int, int]] = []
    last_pair: list[int] = []
    shift = len(journal) - len(transcript)
    for number in range(len(transcript) - 1, -1, -1):
        for place in _nearest(places.get(transcript[number], []), number + shift):
            length = bisect_left(ends, -place)
            pairs.append((number, place, last_pair[length - 1] if length else -1))
            if length == len(ends):
                ends.append(-place)
                last_pair.append(len(pairs) - 1)
            elif -place < ends[length]:
                ends[length] = -place
                last_pair[length] = len(pairs) - 1
    matches: list[int | None] = [None] * len(transcript)
    pair = last_pair[-1] if last_pair else -1
    while pair >= 0:
        number, place, pair = pairs[pair]
        matches[number] = place
    return matches


def _nearest(places: list[int], expected: int) -> list[int]:
    """The places nearest to the expected one, from the first to the last, so that none follows another of its own."""
    if len(places) > NEAREST:
        middle = min(max(bisect_left(places, expected) - NEAREST // 2, 0), len(places) - NEAREST)
        places = places[middle : middle + NEAREST]
    return places


def of_chat(seen: Seen, messages: Sequence[int], transcript: Sequence[int], speakers: set[str]) -> list[int]:
    """Those messages of the journal that may belong to the chat of a transcript.

    They are what its speakers said to each other, or to somebody who is not heard in it: the manager of a group, or
    who only listened. Somebody who is heard elsewhere in the run is that one only where the transcript is told better
    by what was said to them than by what its speakers said to each other: else the same words that a speaker said in
    another chat would be taken for those of this one.

    Args:
        seen: the journal's messages.
        messages: indexes of those that were there when the transcript was saved.
        transcript: keys of the transcript's messages.
        speakers: who speaks in the transcript.

    Returns:
        Indexes, in the order in which they came.
    """
    said = [index for index in messages if seen.sender(index) in speakers]
    listener = _listener(seen, said, Counter(transcript), speakers)
    return [
        index
        for index in said
        if (to := seen.recipient(index)) in speakers or to in (None, listener) or to not in seen.speakers
    ]


def _listener(seen: Seen, said: Sequence[int], transcript: Counter[int], speakers: set[str]) -> str | None:
    """The one outside of the transcript to whom most of it was said; None if its speakers said more to each other."""
    heard: defaultdict[str | None, Counter[int]] = defaultdict(Counter)
    for index in said:
        to, key = seen.recipient(index), seen.key(index, True)
        if key in transcript:
            heard[None if to in speakers else to][key] += 1
    among_them = (heard.pop(None, Counter()) & transcript).total()
    most, listener = among_them, None
    for to, keys in heard.items():
        if (common := (keys & transcript).total()) > among_them and common >= most:
            most, listener = common, to
    return listener
