"""Which messages of a saved transcript the journal has already: the two are aligned, see `ingest.alignment`."""

from array import array
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby, islice, repeat, takewhile
from typing import Any

from ingest.alignment import NEAREST, align, behind_known, with_swapped
from ingest.messages import Message, parse_message, unblock
from ingest.rows import Spill
from ingest.seen import Seen
from ingest.speakers import name_speakers

AT_ONCE = 256
"""Messages of a saved transcript that are put aside together."""

FEW = 8
"""Transcripts of one run, for each of which its messages are looked through. Where there are more, and there may be
thousands, it is noted where each message stands."""

NO_CHAT = -1

REACH = 256
"""Messages of a run that are looked at for each one of a transcript in whose place others may stand there."""

FREQUENT = 256
"""Times that a run has a message, beyond which not all of them are looked at for a transcript that has it as well."""


@dataclass(slots=True)
class Transcript:
    """A transcript that was saved in a run.

    Attributes:
        position: at which it was saved.
        messages: as they were saved, to be read once.
        chat_id: AG2's id of the chat, where it has one.
        complete: the journal has all that was said in the run until then.
        rest: nobody saved it; the recorder did, when the run ended.
    """

    position: int
    messages: Iterable[Any]
    chat_id: str | None
    complete: bool
    rest: bool


class Transcripts:
    """The transcripts of a run, which wait in a file for its end."""

    def __init__(self) -> None:
        self._spill = Spill()

    def append(self, transcript: Transcript) -> None:
        """Add a transcript."""
        self._spill.append(replace(transcript, messages=()))
        messages = iter(transcript.messages)
        for some in iter(lambda: list(islice(messages, AT_ONCE)), []):
            self._spill.append(some)
        self._spill.append(None)

    def __iter__(self) -> Iterator[Transcript]:
        """Give them in order, once. Of each all messages are to be read before the next one."""
        items = iter(self._spill)
        for transcript in items:
            yield replace(transcript, messages=chain.from_iterable(iter(partial(next, items), None)))


def read_history(transcript: Iterable[Any], agents: Iterable[str]) -> list[Message]:
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
        self._chats = array("i")
        """The chat of each message that a transcript has told of, NO_CHAT of the others."""
        self._added = bytearray()
        """Whether nothing else tells of a message."""
        self._chat = 0
        """The chat of the transcript that was matched last."""
        self._so_far = 0
        """Transcripts that were matched."""
        self._places: dict[bool, defaultdict[int, list[int]]] = {True: defaultdict(list), False: defaultdict(list)}
        """Where the run's messages stand, by key, with and without their authors, from the first of many transcripts
        on."""
        self._noted = {True: 0, False: 0}
        """How many messages that is said of."""
        self._in_order: list[int] = []
        """The run's messages by position, from when it is first asked what stands between two."""

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
        self._grow()
        keys = array("q", [message.key(named) for message in transcript])
        messages = [i for i in self._alike(keys, named, saved_at) if self._seen.position(i) <= saved_at]
        fits: Callable[[int], bool] | None = None
        if named:
            # AG2 saves who asks for tools without the name; the ids of the calls tell who that was
            nameless = {key for key, message in zip(keys, transcript, strict=True) if not message.sender}
            speakers = {message.sender for message in transcript}
            speakers |= {self._seen.sender(index) for index in messages if self._seen.key(index, True) in nameless}
            fits = chat_of(self._seen, messages, keys, {speaker for speaker in speakers if speaker})
            messages = list(filter(fits, messages))
        messages.sort(key=self._seen.position)
        chats = self._chats_like(messages, [self._seen.key(index, named) for index in messages], keys, chat_id)

        def may_be_meant(index: int) -> bool:
            return (not self._added[index] or self._chats[index] in chats) and (fits is None or fits(index))

        known = list(filter(may_be_meant, messages))
        free = [index for index in known if self._chats[index] == NO_CHAT]

        matches = self._matched(known, keys, named, may_be_meant)
        if len(free) < len(known):
            of_free = self._matched(free, keys, named, lambda i: self._chats[i] == NO_CHAT and may_be_meant(i))
            matches = of_free if of_free.count(None) == matches.count(None) else matches
        if named and None in matches:
            matches = self._with_changed(matches, transcript, saved_at, may_be_meant)
        found = [index for index in matches if index is not None]
        of_chats = Counter(self._chats[index] for index in found if self._chats[index] in chats)
        self._of_chat(of_chats.most_common(1)[0][0] if of_chats else None, chat_id)
        self._tell(found)
        return matches

    def _alike(self, keys: Sequence[int], named: bool, saved_at: int) -> list[int]:
        """The messages of the run that have one of these keys, in order. Of those that very many have, such as the word
        that ends each chat, those near the last of the others."""
        wanted, places = Counter(keys), self._places[named]
        self._so_far += 1
        if self._so_far <= FEW:
            places = defaultdict(list)
            for index in range(len(self._seen)):
                if (key := self._seen.key(index, named)) in wanted:
                    places[key].append(index)
        else:
            for index in range(self._noted[named], len(self._seen)):
                places[self._seen.key(index, named)].append(index)
            self._noted[named] = len(self._seen)
        all_of = [(places[key], 4 * times) for key, times in wanted.items() if key in places]
        found = [index for some, _ in all_of if len(some) <= FREQUENT for index in some]
        last = max((i for i in found if self._seen.position(i) <= saved_at), default=None)
        for some, many in all_of:
            if len(some) > FREQUENT:
                end = bisect_left(some, saved_at, key=self._seen.position) if last is None else bisect_left(some, last)
                found += some[max(0, end - max(many, FREQUENT)) : end + NEAREST]
        return sorted(found)

    def _matched(
        self, messages: Sequence[int], transcript: Sequence[int], named: bool, counts: Callable[[int], bool]
    ) -> list[int | None]:
        """For each message of a transcript which of these is the same one, or None.

        Args:
            messages: those that may be, in order.
            transcript: keys of its messages.
            named: whether these are with their authors.
            counts: tells which messages of the run stand between them.
        """
        keys = [self._seen.key(index, named) for index in messages]

        def are_beside(a: int, b: int) -> bool:
            return not any(map(counts, self._between(messages[min(a, b)], messages[max(a, b)])))

        places = with_swapped(keys, transcript, behind_known(keys, transcript, align(keys, transcript)), are_beside)
        return [None if place is None else messages[place] for place in places]

    def _with_changed(
        self, matches: list[int | None], transcript: Sequence[Message], saved_at: int, counts: Callable[[int], bool]
    ) -> list[int | None]:
        """The same, with those to whose words something was added in the history, as hooks of AG2's do: in the places
        of as many that the run has there, of the same speakers. Others that stand there are of a chat that began alike.

        Args:
            matches: for each message of a transcript the same one of the run, or None.
            transcript: its messages.
            saved_at: the position at which it was saved.
            counts: tells which messages of the run may be meant.
        """
        matches, known = [*matches], {*matches}
        for is_known, gap in groupby(range(len(matches)), lambda number: matches[number] is not None):
            numbers = [*gap]
            before = matches[numbers[0] - 1] if numbers[0] else None
            if is_known or before is None:
                continue
            behind = matches[numbers[-1] + 1] if numbers[-1] + 1 < len(matches) else None
            near = islice(self._between(before, behind), REACH * len(numbers))
            there = takewhile(lambda index: self._seen.position(index) <= saved_at, near)
            meant = [*islice((index for index in there if counts(index) and index not in known), len(numbers) + 1)]
            if list(map(self._seen.sender, meant)) == [transcript[number].sender for number in numbers]:
                for number, index in zip(numbers, meant, strict=True):
                    if transcript[number].adds_to(self._seen.key(index, True), self._seen.size(index)):
                        matches[number] = index
        return matches

    def _between(self, first: int, last: int | None) -> Iterator[int]:
        """The messages of the run that stand between two of them, or behind one."""
        position = self._seen.position
        if not self._in_order:
            self._in_order = sorted(range(len(self._seen)), key=position)
        for index in range(len(self._in_order), len(self._seen)):
            insort(self._in_order, index, key=position)
        place = self._in_order.index(first, bisect_left(self._in_order, position(first), key=position))
        behind = (self._in_order[number] for number in range(place + 1, len(self._in_order)))
        return takewhile(lambda index: index != last, behind)

    def _of_chat(self, chat: int | None, chat_id: str | None) -> None:
        """The transcript that is matched is of this chat, or of a new one."""
        if chat is None:
            chat = len(self._ids)
            self._ids.append(chat_id)
        self._chat = chat

    def added(self, messages: Sequence[int]) -> None:
        """The transcript that was matched last has told of further messages."""
        self._grow()
        for index in messages:
            self._added[index] = True
        self._tell(messages)

    def _grow(self) -> None:
        """Have a place for each message that the run has by now."""
        more = len(self._seen) - len(self._added)
        self._chats.extend(repeat(NO_CHAT, more))
        self._added.extend(bytes(more))

    def _tell(self, messages: Iterable[int]) -> None:
        for index in messages:
            if self._chats[index] == NO_CHAT:
                self._chats[index] = self._chat
                self._sizes[self._chat] += 1

    def _chats_like(
        self, messages: Sequence[int], keys: Sequence[int], transcript: Sequence[int], chat_id: str | None
    ) -> set[int]:
        """The chats that a transcript may be of."""
        common: defaultdict[int, Counter[int]] = defaultdict(Counter)
        wanted = Counter(transcript)
        for index, key in zip(messages, keys, strict=True):
            if self._chats[index] != NO_CHAT and key in wanted:
                common[self._chats[index]][key] += 1
        return {
            chat
            for chat, theirs in common.items()
            if (None in (chat_id, self._ids[chat]) or chat_id == self._ids[chat])
            and 2 * (theirs & wanted).total() > min(self._sizes[chat], len(transcript))
        }


def chat_of(seen: Seen, alike: Sequence[int], transcript: Sequence[int], speakers: set[str]) -> Callable[[int], bool]:
    """Tells which messages of the journal may belong to the chat of a transcript.

    They are what its speakers said to each other, or to somebody who is not heard in it: the manager of a group, or
    who only listened. Somebody who is heard elsewhere in the run is that one only where the transcript is told better
    by what was said to them than by what its speakers said to each other: else the same words that a speaker said in
    another chat would be taken for those of this one.

    Args:
        seen: the journal's messages.
        alike: indexes of those that have the words of one of the transcript's, and were there when it was saved.
        transcript: keys of the transcript's messages.
        speakers: who speaks in the transcript.
    """
    listener = _listener(seen, [i for i in alike if seen.sender(i) in speakers], Counter(transcript), speakers)

    def may_belong(index: int) -> bool:
        to = seen.recipient(index)
        return seen.sender(index) in speakers and (to in speakers or to in (None, listener) or to not in seen.speakers)

    return may_belong


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
