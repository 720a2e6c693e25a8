"""What is going on in a chat while it is read: who heard what last, and what waits for its turn to end."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ingest.code import Execution
from ingest.events import Event, Where
from ingest.floor import Floor
from ingest.latest import keep_latest
from ingest.messages import Message
from ingest.seen import Seen

INTERNAL_AGENTS = frozenset({"checking_agent", "speaker_selection_agent"})
"""The agents through which a group chat asks a model who speaks next. They speak, but nobody hands work to them."""


@dataclass(slots=True)
class LastSaid:
    """An agent's latest message, and who has it."""

    key: int
    recipients: set[str | None]


REMEMBERED = 4096
"""Messages of a chat, the latest, that are known when a group chat's manager hands them round again."""

MAX_AGENTS = 64
"""Agents of a chat, those that spoke or were asked last, that may go on in a chat which begins in it."""


@dataclass(slots=True)
class Logged:
    """A message that the logger told of, and of which an event may follow at once.

    Attributes:
        index: of its row; None where it got none.
        key: None where an event follows for sure, whatever AG2 makes of the words in it.
    """

    index: int | None
    sender: str | None
    recipient: str | None
    key: int | None

    def is_same(self, message: Message) -> bool:
        """Whether this is the event's message."""
        if (self.sender, self.recipient) != (message.sender, message.recipient):
            return False
        return self.key is None or self.key == message.key()


@dataclass(slots=True)
class History:
    """Messages of a group chat that goes on, as its members are given them.

    Attributes:
        seen: the run's messages.
        told: how often each message was given so far, by key.
        place: of the one that was given last.
        managers: to whom, or by whom, they were given.
    """

    seen: Seen
    told: Counter[int] = field(default_factory=Counter)
    place: int = -1
    managers: set[str | None] = field(default_factory=set)

    def is_known(self, key: int) -> bool:
        """Whether the run had the message, that comes next, before; each time counts once."""
        self.told[key] += 1
        return self.told[key] <= self.seen.counts()[key]  # what this history has added is counted on both sides


MAX_TALKS = 4096
"""Chats that go on at once."""


@dataclass(slots=True)
class Thread:
    """What is going on in one thread of the recorded process."""

    logged: Logged | None = None
    """What the thread's last fact was, where that is a message whose event may follow."""
    selection: dict[str, Any] = field(default_factory=dict)
    """What is known of how the next speaker is being chosen."""
    chosen: int | None = None
    """When a model last had a say in who speaks next, and nobody has spoken since."""
    human_input: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class OpenTurn:
    """A turn that opened nested chats before it was over, or that an exception or interruption has ended.

    Attributes:
        id: of its event.
        where: where it opened the first of them, or it ended; the turn comes before that.
        chats: what will be said of them.
        length: characters of what they came to.
        under_way: how many of them are not over.
        cut_off: in whose turns some of them were interrupted, or cancelled.
        over: when the last one was over.
        told: the exception in it by which it ended.
        left_by: the events that tell of the exceptions by which they ended, or the turn itself.
    """

    id: str
    where: Where
    chats: list[dict[str, Any]] = field(default_factory=list)
    length: int = 0
    under_way: int = 0
    cut_off: set[str | None] = field(default_factory=set)
    over: int | None = None
    told: str | None = None
    left_by: set[str | None] = field(default_factory=set)


class Talk:
    """What is going on in one chat: where chats nest or go on at once, the same agent may have a turn in each."""

    def __init__(self, tells: bool | None = None) -> None:
        self.threads: defaultdict[str, Thread] = defaultdict(Thread)
        self.pending: defaultdict[str | None, list[Event]] = defaultdict(list)
        self.executions: defaultdict[str | None, list[Execution]] = defaultdict(list)
        """Code that was run, and that no message will report."""
        self.latest: dict[str | None, LastSaid] = {}
        self.last_speaker: str | None = None
        self.last_turn: str | None = None
        self.recent: dict[int, int] = {}
        """Keys of the latest messages, and how often each was said."""
        self.told_again = Counter[int]()
        """Keys of what a group's manager was told again since somebody spoke, and how often."""
        self.resumed: set[str | None] = set()
        """Managers of group chats to whom the history of their chat was told again, and nothing new since."""
        self.histories: dict[str, History] = {}
        """By thread that of a group chat that goes on, from when members are given it to when one speaks again."""
        self.asked: dict[str | None, int | None] = {}
        self.floor = Floor()
        self.selected: dict[str | None, dict[str, Any]] = {}
        """Those who were given the word and have not spoken yet, each with what its turn has to tell of the choice."""
        self.replied: dict[str | None, str] = {}
        """Which of an agent's functions has made what it says next, '' where none did, as far as that is told."""
        self.repliers: set[str | None] = set()
        """Agents of which that was told before."""
        self.managers: set[str | None] = set()
        """Managers of groups, of this chat and those before."""
        self.begun = self.number = 0
        """Chats that have begun in it without a record that says so, after the first, and which of them this is."""
        self.tells = tells
        """Whether the record tells who is asked for a reply; None as long as nobody knows."""
        self.asked_again: set[str | None] = set()
        """Who was asked for a reply since the chat began."""
        self.untold: set[str | None] = set()
        """Of the others those who have answered all the same, as AG2's logs do not tell of asynchronous chats."""
        self.silent: set[str | None] = set()
        """Who had nothing to say to what was said last."""
        self.initiator: str | None = None
        """Who spoke first."""
        self.last_asked: str | None = None
        """To whom somebody spoke last."""
        self.outer: Talk | None = None
        """Of such a chat that was opened for a reply, or may be, the one around it."""
        self.opener: str | None = None
        """Who opened it."""
        self.sure = 0
        """How sure it is that it is in a reply."""
        self.turn: OpenTurn | None = None
        """Then the turn that ends with that."""
        self.group: dict[str, Any] | None = None
        """What is known of the group whose chat it is, where the record of its beginning tells."""
        self.manager: str | None = None
        """The manager of the group whose chat it is, as far as anybody has spoken to it."""
        self.opened: dict[str | None, OpenTurn] = {}
        """Turns under way that opened nested chats, by agent."""
        self.latest_position = 0
        """Of what happened in it, or before it."""

    def begin(self) -> None:
        """Another chat begins: nobody has the word, was chosen or waits for an answer."""
        self.threads.clear()
        self.asked, self.floor = {}, Floor()
        self.selected.clear()
        self.asked_again, self.untold, self.silent = set(), set(), set()
        self.group = self.manager = self.initiator = self.last_asked = None

    def nested(self, opener: str | None, sure: int, *, as_next: bool) -> "Talk":
        """A chat in this one, that an agent opens for a reply here; where it may be the next one, it begins as that."""
        inner = Talk(self.tells)
        inner.outer, inner.opener, inner.sure = self, opener, sure
        inner.begun, inner.recent, inner.latest_position = self.begun, self.recent, self.latest_position
        inner.repliers, inner.managers = self.repliers, self.managers
        if as_next:
            latest = islice(reversed(self.latest.items()), MAX_AGENTS)
            inner.latest = {agent: LastSaid(said.key, set(said.recipients)) for agent, said in [*latest][::-1]}
            inner.last_speaker = self.last_speaker
            inner.replied = dict([*islice(reversed(self.replied.items()), MAX_AGENTS)][::-1])
            inner.resumed, inner.histories = set(self.resumed), dict(self.histories)
        return inner

    def replies(self, agent: str | None, function: str | None) -> None:
        """An agent was asked for a reply; by which function it made it, as in `replied`, None where there is none."""
        self.tells = True
        self.repliers.add(agent)
        self.asked_again.add(agent)
        self.untold.discard(agent)
        self.replied.pop(agent, None)
        if function is not None:
            self.replied[agent] = function
        else:
            self.silent.add(agent)

    def is_untold(self, agent: str | None) -> bool:
        """Whether an agent that answers now was not asked for it, as far as that is told: who began the chat may say
        something else as well."""
        return agent != self.initiator and agent not in self.asked_again

    def heard(self, sender: str | None, recipient: str | None) -> None:
        """Somebody has spoken to somebody."""
        if self.initiator is None:
            self.initiator = sender
        self.last_asked = recipient
        self.silent.discard(recipient)

    def is_of(self, manager: str | None) -> None:
        """It is the chat of a group, where this is not None but its manager."""
        if manager is not None:
            self.managers.add(manager)
            self.manager = manager if self.group is None else self.manager

    def goes_on(self, recipient: str | None) -> History | None:
        """The history that a group chat goes on from with a message to this one. It is over then."""
        for thread, history in self.histories.items():
            if recipient in history.managers:
                return self.histories.pop(thread)
        return None

    def is_told_again(self, key: int) -> bool:
        """Whether a group's manager is told a message of its chat again; each time that it was said counts once."""
        self.told_again[key] += 1
        keep_latest(self.told_again, REMEMBERED)
        return self.told_again[key] <= self.recent.get(key, 0)

    def remember(self, key: int) -> None:
        """Takes note of a message."""
        self.recent[key] = self.recent.get(key, 0) + 1
        keep_latest(self.recent, REMEMBERED)

    def began(
        self, agent: str | None, where: Where, children: list[Event], opened: OpenTurn | None = None
    ) -> int | None:
        """When a turn began: when its agent was asked or chosen, whichever was last, or else with what it did first.

        A group's members hear each message before the next speaker is chosen. What was asked before an agent's last
        turn was answered by that.
        """
        asked = self.asked.pop(agent, None)
        if agent not in INTERNAL_AGENTS:
            thread = self.threads[where.thread]
            if thread.chosen is not None and (asked is None or thread.chosen > asked):
                asked = thread.chosen
            thread.chosen = None
            for name in INTERNAL_AGENTS:  # the next choice is a chat of its own
                self.asked.pop(name, None)
        times = [asked, opened.where.time if opened else None, *[child.started for child in children]]
        return min([time for time in times if time is not None], default=where.time)


class Talks(dict[str | None, Talk]):
    """What is going on, by chat; None where there is only one at a time. A chat that is asked for is there.

    Of very many of which no end is told those are over in which nothing has happened for longest.

    Args:
        tells: what is known of their records, as in `Talk.tells`.
        end: is given what is over.
    """

    def __init__(self, tells: bool | None, end: Callable[[Talk], None]) -> None:
        super().__init__()
        self._tells, self._end = tells, end
        self._position = 0

    def __missing__(self, chat: str | None) -> Talk:
        talk = self[chat] = Talk(self._tells)
        talk.latest_position = self._position
        if len(self) > MAX_TALKS:
            others = sorted((key for key in self if key != chat), key=lambda key: self[key].latest_position)
            for other in others[: MAX_TALKS // 2]:
                self._end(self.pop(other))
        return talk

    def at(self, where: Where) -> Talk:
        """The chat in which something happens."""
        talk = self[where.chat]
        talk.latest_position = self._position = where.position
        return talk
