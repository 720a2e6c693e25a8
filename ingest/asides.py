"""Chats that an agent opens inside of its reply by sending a message to somebody outside of the chat that it is in.

A reply function, a hook or a tool may do so, as those of AG2's ReasoningAgent and Teachability do. No record tells of
it: `send` is what every message goes through. But the record of a chat's beginning tells between whom that is. In a
chat of two these talk to each other; in a group each member talks to the manager. So what is said between others is an
aside, of an agent whose turn it is. It is over when something is said in a chat around it.
"""

from dataclasses import dataclass, replace
from typing import Any

from ingest import facts
from ingest.agents import Agents
from ingest.chats import Chats
from ingest.events import Where
from ingest.messages import text_or_none
from ingest.nesting import BEFORE
from ingest.relayed import Relayed
from ingest.talk import INTERNAL_AGENTS
from ingest.turns import Conversation

MAX_OPEN = 64
"""Asides of a chat that may be under way; of more the one that began first is over."""

Data = dict[str, Any]


@dataclass(slots=True, eq=False)
class Level:
    """A chat with a record of its beginning, or an aside in one.

    Attributes:
        chat: its id.
        sender: who opened it.
        recipient: with whom; of a group its manager.
        members: those of the group, or None where it is of no group.
        outer: the chat that an aside was opened in.
        last: where the last thing happened in it.
        is_asked: somebody else than who opened it was spoken to last, and may be about to answer.
        is_logged: its last words were told by AG2's log, and are told again by their event.
        runs: who runs a tool in it, so that it is that agent's turn, whoever says something by it.
    """

    chat: str
    sender: str
    recipient: str
    members: frozenset[str] | None
    outer: "Level | None" = None
    last: Where | None = None
    is_asked: bool = False
    is_logged: bool = False
    runs: str | None = None

    def has(self, agent: str | None) -> bool:
        """Whether an agent takes part in it."""
        return agent in (self.sender, self.recipient) or (self.members is not None and agent in self.members)

    def is_between(self, sender: str, recipient: str) -> bool:
        """Whether two of those who take part in it talk to each other there."""
        pair = {sender, recipient}
        if self.members is None:
            return pair == {self.sender, self.recipient}
        return self.recipient in pair and self.has(sender) and self.has(recipient)

    def is_turn_of(self, agent: str | None) -> bool:
        """Whether it may be an agent's turn there that did not open it; who talks to itself is the other one, too."""
        if agent == self.sender:
            return agent == self.recipient and self.is_asked
        return self.has(agent)

    def speaker(self, sender: str) -> str:
        """Whose turn it is in which an agent opens an aside: its own, or that of who has it say something."""
        if self.runs is not None:
            return self.runs
        is_others = self.members is None and self.is_asked and sender == self.sender
        return self.recipient if is_others else sender

    @property
    def is_answered(self) -> bool:
        """Whether it is an aside between two in which who opened it has got an answer: all that AG2 gets by `send`."""
        return self.outer is not None and self.members is None and not self.is_asked

    def is_inside(self, other: "Level") -> bool:
        """Whether it is an aside in another chat, or in an aside of that."""
        level = self.outer
        while level is not None and level is not other:
            level = level.outer
        return level is other


class Asides:
    """The asides of one run.

    Args:
        chats: knows what is under way.
        conversation: is told of the asides that begin and end.
        agents: tells managers, and who is in their groups.
    """

    def __init__(self, chats: Chats, conversation: Conversation, agents: Agents) -> None:
        self._chats, self._conversation, self._agents = chats, conversation, agents
        self._relayed = Relayed(agents.known)
        self._open: dict[str, list[Level]] = {}
        """By chat with a record of its beginning: that, and the asides in it, in the order in which they were opened.
        """

    def begins(self, data: Data) -> None:
        """A chat begins, of which this record tells."""
        chat, sender, recipient = (text_or_none(data.get(name)) for name in ("id", "sender", "recipient"))
        if chat is not None and sender is not None and recipient is not None:
            self._open[chat] = [Level(chat, sender, recipient, _members(data.get("members")))]

    def place(self, fact: facts.Fact, where: Where) -> None:
        """Say of a fact in which aside it belongs, if in any; what is said there may open one, and end others."""
        levels = self._open.get(where.chat or self._chats.unmarked)
        if levels is None:
            return
        if isinstance(fact, facts.Said):
            sender, recipient = fact.message.sender, fact.message.recipient
            if sender is not None and recipient is not None:
                self._said(fact, sender, recipient, where, levels)
            return
        level = self._of(_agent(fact), levels)
        if isinstance(fact, facts.ToolStarted):
            level.runs = fact.executor
        elif isinstance(fact, facts.ToolEnded):
            level.runs = None
        if len(levels) > 1:
            self._put(level, where)

    def place_agent(self, agent: str, where: Where) -> None:
        """Say of what an agent does in which aside it belongs, if in any."""
        levels = self._open.get(where.chat or self._chats.unmarked, ())
        if len(levels) > 1:
            self._put(self._of(agent, levels), where)

    def ends(self, chat: str, closed: facts.ChatClosed) -> facts.ChatClosed:
        """A chat is over, and with it all asides in it.

        Args:
            chat: its id.
            closed: what is known of its end.

        Returns:
            That, with what the end of an aside tells of it.
        """
        levels = self._open.pop(chat, None)
        if levels is None or len(levels) == 1:
            return closed
        from_there = closed.failed is not None or closed.is_cut_off
        origin = self._of(closed.agent, levels) if from_there and closed.agent is not None else levels[0]
        for level in levels[:0:-1]:
            if level is origin or origin.is_inside(level):
                is_inside = closed.is_inside or level is not origin
                self._over(level, replace(closed, chat=level.chat, summary=None, is_inside=is_inside))
            else:
                self._over(level)
        closed.is_inside = closed.is_inside or origin is not levels[0]
        return closed

    def _said(self, said: facts.Said, sender: str, recipient: str, where: Where, levels: list[Level]) -> None:
        level = next((level for level in levels[::-1] if level.is_between(sender, recipient)), None)
        if level is None:
            if not self._is_aside(said, sender, recipient):
                return
            outer = self._turn_of(sender, levels)
            if outer is None:
                return
            level = self._opened(sender, recipient, where, outer, levels)
        elif said.channel == "event" and level.is_logged:
            level.is_logged = False
            self._put(level, where)
            return
        elif level.is_answered and sender == level.sender and level.outer in levels:
            level = self._opened(sender, recipient, where, level.outer, levels)
        self._close([other for other in levels if other.is_inside(level)], levels)
        level.runs = None if level.runs == sender else level.runs
        level.is_asked = recipient != level.sender or (sender == recipient and not level.is_asked)
        level.is_logged = said.channel == "logger" and said.silent is False
        self._put(level, where)

    def _is_aside(self, said: facts.Said, sender: str, recipient: str) -> bool:
        """Whether what is said between two who don't talk to each other in a chat may open one: not what a manager
        passes on, to a member who came late or of another group, nor what AG2 asks to choose a speaker."""
        if not INTERNAL_AGENTS.isdisjoint((sender, recipient)):
            return False
        return not self._relayed.is_manager(sender) or (
            (said.channel == "event" or said.silent is False) and said.message.name in (None, sender)
        )

    def _turn_of(self, agent: str, levels: list[Level]) -> Level | None:
        """The chat in which it is an agent's turn: the innermost in which it is asked, or else the outermost that it is
        in, which it may have begun. Who is in none may be had to speak by a tool."""
        inner = (level for level in levels[::-1] if level.is_turn_of(agent))
        begun = (level for level in levels if level.has(agent))
        return next(inner, None) or next(begun, None) or next((level for level in levels[::-1] if level.runs), None)

    def _opened(self, sender: str, recipient: str, where: Where, outer: Level, levels: list[Level]) -> Level:
        """An agent opens an aside in its turn in this chat."""
        over = [level for level in levels if level.is_answered and (level.outer, level.sender) == (outer, sender)]
        if len(levels) > MAX_OPEN:
            over.append(next(level for level in levels if level.outer is levels[0]))
        self._close([level for level in levels if any(level is o or level.is_inside(o) for o in over)], levels)
        if outer not in levels:
            outer = levels[0]
        turn = where.at(where.position - BEFORE)
        self._put(outer, turn)
        turn.parent = self._chats.around_turn(turn)
        chat = f"{levels[0].chat} aside {where.key}"
        around = self._conversation.opened(facts.ChatOpened(chat, outer.speaker(sender), recipient), turn)
        self._chats.enter(chat, self._chats.action_around(where), around)
        group = self._agents.known.get(recipient, {})
        members = group.get("members")
        self._conversation.of_group(chat, group if isinstance(members, list) else None)
        levels.append(Level(chat, sender, recipient, _members(members), outer))
        return levels[-1]

    def _close(self, over: list[Level], levels: list[Level]) -> None:
        """These asides are over, the inner ones first."""
        for level in over[::-1]:
            levels.remove(level)
            self._over(level)

    def _of(self, agent: str | None, levels: list[Level]) -> Level:
        """The innermost chat in which an agent has the word; of one that nobody knows, in which somebody is asked."""
        asides = levels[:0:-1]
        is_known = bool(asides) and any(level.has(agent) for level in levels)
        for level in asides:
            if level.is_turn_of(agent) if is_known else level.is_asked:
                return level
        return levels[0]

    def _put(self, level: Level, where: Where) -> None:
        level.last = where
        if level.outer is not None:
            where.chat = where.talk = level.chat
        else:
            where.chat, where.talk = self._chats.named(level.chat), self._chats.talk(level.chat)

    def _over(self, level: Level, closed: facts.ChatClosed | None = None) -> None:
        """An aside is over, where the last thing happened in it."""
        if level.last is not None:
            self._conversation.closed(closed or facts.ChatClosed(level.chat, None), level.last)
        self._chats.ends(level.chat, None, {})


def _members(value: Any) -> frozenset[str] | None:
    return frozenset(map(str, value)) if isinstance(value, list) else None


def _agent(fact: facts.Fact) -> str | None:
    """Who does what a fact tells, as far as it says so."""
    match fact:
        case facts.Called():
            return fact.event.agent
        case facts.ToolStarted() | facts.ToolEnded() | facts.CodeStarted() | facts.CodeBlockStarted() | facts.CodeRan():
            return fact.executor
        case facts.Failed():
            return fact.agent
    return None
