"""Chats that begin without a record that says so, as in AG2's own logs: after each other, and within each other.

The logs tell each message, and when one of an agent's functions was asked for a reply. A chat that begins while an
agent is asked is in its reply, if that comes: made by a function, to who asked for it. Else it is one after the other.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ingest import facts
from ingest.events import Where
from ingest.messages import Message
from ingest.relayed import Relayed
from ingest.runrows import RunRows
from ingest.talk import INTERNAL_AGENTS, OpenTurn, Talk
from ingest.tools import ToolLedger

FROM_NESTED = ("_summary_from_nested_chats", "_a_summary_from_nested_chats")
"""Functions of AG2's that make a reply of the chats that they open for it."""

MAX_NESTED = 20
"""Chats within each other, with those that may be."""

MAX_HELD = 64
"""Facts that wait until it is known whether a log tells who is asked for a reply."""

BEFORE = 8
"""Positions from a turn to the first words of a chat in it."""

POSSIBLE, LIKELY, CERTAIN = range(3)
"""How sure it is that a chat is in a reply: it began while somebody was asked, or in the midst of the functions of its
opener. Who began the chat around it may not have been asked: with `max_turns` that ends with a word to this agent."""


class Nesting:
    """Tells which chat a message belongs to.

    Args:
        rows: where the rows go.
        talks: what is going on, by chat; the present ones of those that nest.
        relayed: tells managers.
        tools: the calls that wait for an answer.
        left_over: tells what was done in a chat, and in those around it up to another, and ended in no message there.
    """

    def __init__(
        self,
        rows: RunRows,
        talks: dict[str | None, Talk],
        relayed: Relayed,
        tools: ToolLedger,
        left_over: Callable[[Talk, Talk | None], Any],
    ) -> None:
        self._rows, self._talks, self._relayed, self._tools = rows, talks, relayed, tools
        self._left_over = left_over
        self.held: dict[str | None, deque[tuple[facts.Fact, Where]]] = {}
        """By chat the facts that wait for what comes next."""

    def waits(self, fact: facts.Fact, where: Where, talk: Talk) -> bool:
        """Whether a fact waits for the next ones of its chat, until `talk.tells` is known.

        The first words that may open a chat may come before a log tells that anybody was asked for a reply.
        """
        held = self.held.get(where.chat, ())
        if isinstance(fact, facts.Replied):
            talk.tells = True
        elif len(held) == MAX_HELD or not _is_of_log(fact):
            talk.tells = False
        elif held or (isinstance(fact, facts.Said) and self._may_open(fact.message, talk, where)):
            self.held.setdefault(where.chat, deque()).append((fact, where))
        return talk.tells is None and where.chat in self.held

    def due(self, chat: str | None) -> Iterator[tuple[facts.Fact, Where]]:
        """Give the facts of a chat that wait no more, in order."""
        held = self.held.get(chat)
        while held:
            yield held.popleft()
        self.held.pop(chat, None)

    def settled(self) -> Iterator[tuple[facts.Fact, Where]]:
        """Give all facts that wait: what they wait for has not come."""
        for chat in list(self.held):
            self._talks[chat].tells = False
            yield from self.due(chat)

    def place(self, where: Where, talk: Talk) -> None:
        """Say where a fact belongs, of a chat that began without a record that says so."""
        if talk.number:
            where.talk = f"{where.chat or ''}/{talk.number}"
        if talk.turn is not None and where.parent is None:
            where.parent = talk.turn.id
        if where.parent is not None:
            self._rows.holds(where.parent)

    def begin(self, talk: Talk) -> None:
        """Another chat begins: what was left open belongs to none."""
        self._left_over(talk, talk.outer)
        talk.begin()

    # --- where a chat begins

    def opened(self, message: Message, talk: Talk, where: Where, made_by: str | None) -> Talk:
        """The chat that a message belongs to: another one, where that begins with it.

        Args:
            message: what is said.
            talk: the present chat.
            where: where that is; it is told of the chat that begins.
            made_by: the function that made the message, as in `talk.replied`.
        """
        if made_by is None and self._answers(message, talk) and talk.is_untold(message.sender):
            talk.untold.add(message.sender)
        if not talk.tells or not self._opens(message, talk, where, made_by):
            return talk
        if talk.turn is not None and where.parent == talk.turn.id:
            where.parent = None
        sure = CERTAIN if made_by is not None else self._asked(talk, message.sender, where)
        if sure is None or not self._has_room(talk):
            self.begin(talk)
        else:
            talk = self._talks[where.chat] = talk.nested(message.sender, sure, as_next=sure != CERTAIN)
            turn_id = self._rows.id("agent_call", f"opened in {where.key}")
            talk.turn = OpenTurn(turn_id, where.at(where.position - BEFORE))
        if talk.turn is not None:
            talk.turn.chats.append({"recipient": message.recipient, "summary": None})
        talk.begun += 1
        talk.number = talk.begun
        self.place(where, talk)
        return talk

    def _may_open(self, message: Message, talk: Talk, where: Where) -> bool:
        """Whether a message that comes before any reply may open a chat in one, if the log tells of replies at all."""
        return self._asked(talk, message.sender, where) is not None and self._opens(message, talk, where, None)

    def _opens(self, message: Message, talk: Talk, where: Where, made_by: str | None) -> bool:
        """Whether words that no function made as a reply open another chat.

        Where functions of the sender were asked (`made_by` is ''), they are its usual reply to who asked, or the
        function that is asked just now opens a chat for it.
        Where neither of the two has replied but others have, they do if they are no answer to who was heard last; where
        one of them answers and no function of its is told of, as in an asynchronous chat, that holds for both.
        AG2's own agents open one for each choice of a speaker, and a manager says who the members are. What is said
        while a tool is asked for may be said by that, where it is not told who runs it.
        """
        sender, recipient = pair = message.sender, message.recipient
        if made_by or not INTERNAL_AGENTS.isdisjoint(pair) or self._relayed.is_manager(sender):
            return False
        if made_by is not None:
            return talk.floor.heard(sender) not in (None, recipient) and not self._goes_on_with(message, talk)
        if not talk.untold.isdisjoint(pair) and self._answers(message, talk):
            return False
        if not talk.repliers.isdisjoint(pair):
            return True
        if self._goes_on_with(message, talk) or talk.floor.heard(sender) == recipient:
            return False
        return not talk.untold or not self._tools.is_asked(where.talk)

    def _answers(self, message: Message, talk: Talk) -> bool:
        """Whether it goes from who was asked to who asked, or to the manager of his group."""
        asker = talk.floor.asker(message.sender)
        return asker is not None and (asker == message.recipient or self._is_known_manager(message.recipient, talk))

    def _is_known_manager(self, agent: str | None, talk: Talk) -> bool:
        """Whether this is a manager that heard anybody in this chat, or before where none of its replies is told."""
        if not self._relayed.is_manager(agent):
            return False
        return talk.floor.heard(agent) is not None or (agent in talk.managers and agent not in talk.repliers)

    def _goes_on_with(self, message: Message, talk: Talk) -> bool:
        """Whether the recipient heard the sender last, or is the manager of a group that has begun."""
        sender, recipient = message.sender, message.recipient
        return talk.floor.heard(recipient) == sender or self._is_known_manager(recipient, talk)

    def _asked(self, talk: Talk, opener: str | None, where: Where) -> int | None:
        """How likely somebody is asked in a chat and has not answered, while an agent opens another one.

        Of others than the opener that may as well be so in a chat at once, where a log does not tell threads.
        """
        asked = opener
        if talk.floor.asker(opener) is None:
            asked = talk.last_asked if where.thread or self._tools.is_asked(where.talk) else None
        if asked is None or asked in talk.silent:
            return None
        return LIKELY if asked != talk.initiator else POSSIBLE

    def _has_room(self, talk: Talk) -> bool:
        """Whether another chat may be nested in this one; of too many around it one that is least likely to be around
        it is forgotten, the oldest of them."""
        levels = list(_levels(talk))
        if len(levels) < MAX_NESTED:
            return True
        level = min(reversed(levels), key=lambda level: level.sure)
        if level.sure == CERTAIN or level.outer is None:
            return False
        outer = level.outer
        self._left_over(outer, outer.outer)
        level.outer, level.opener, level.sure, level.turn = outer.outer, outer.opener, outer.sure, outer.turn
        return True

    # --- where it is over

    def returned(self, message: Message, talk: Talk, where: Where) -> Talk:
        """The chat that a message belongs to: one around the present one, where it is the reply for which that was."""
        made_by = talk.replied.get(message.sender)
        if made_by is None:
            return talk
        passed: list[Talk] = []
        for level in _levels(talk):
            passed.append(level)
            if level.sure != CERTAIN and not all(map(_may_be_over, passed)):
                continue
            if level.outer is not None and self._is_outside(message, talk, level, level.outer, made_by):
                self._close(passed, message.sender, level.outer)
                self._left_over(talk, level.outer)
                self._talks[where.chat] = level.outer
                return level.outer
        return talk

    def _is_outside(self, message: Message, talk: Talk, level: Talk, outer: Talk, made_by: str) -> bool:
        """Whether a message is the reply, in the outer chat, in which the one of that level began."""
        sender, recipient = message.sender, message.recipient
        is_certain = level.sure == CERTAIN
        if level.opener != sender if is_certain else sender not in talk.asked_again:
            return False
        if is_certain and made_by in FROM_NESTED:
            return True
        if recipient == talk.floor.heard(sender) or talk.floor.heard(recipient) == sender:
            return False
        if is_certain:
            return recipient == outer.floor.heard(sender) or self._relayed.is_manager(recipient)
        asker = outer.floor.asker(sender)
        if asker is None or sender in outer.silent or not (made_by or level.sure != POSSIBLE):
            return False
        return recipient == asker or (recipient == outer.manager != talk.manager)

    def _close(self, passed: list[Talk], agent: str | None, outer: Talk) -> None:
        """An agent is about to give the reply in which chats were: those passed are over."""
        talk, level = passed[0], passed[-1]
        outer.begun, outer.replied[agent] = talk.begun, talk.replied.pop(agent)
        if level.turn is None:
            return
        for inner in passed[-2::-1]:
            if inner.turn is not None:
                self._rows.around(inner.turn.id, level.turn.id)
                level.turn.chats += inner.turn.chats
        outer.opened[agent] = level.turn


def _levels(talk: Talk) -> Iterator[Talk]:
    """A chat and those around it that are in others themselves, from inside."""
    level: Talk | None = talk
    while level is not None and level.outer is not None:
        yield level
        level = level.outer


def _may_be_over(talk: Talk) -> bool:
    """Whether nobody owes an answer in a chat: it ended with a word to who began it, or one that was not answered."""
    return talk.last_asked in (None, talk.initiator, *talk.silent) or talk.manager is not None


def _is_of_log(fact: facts.Fact) -> bool:
    """Whether it may stand in a log of AG2's own; of these none tells what is silent."""
    if isinstance(fact, facts.Said):
        return fact.channel == "logger" and fact.silent is None and fact.resumed is None
    return isinstance(fact, facts.Called | facts.ToolEnded)
