"""What a record of a journal is in: the chats that are under way, and the steps and actions that the user marked."""

from dataclasses import dataclass
from typing import Any

from ingest.events import Where
from ingest.floor import Floor
from ingest.latest import MAX_HELD, Latest, keep_latest
from ingest.lines import text_length
from ingest.messages import text_or_none
from ingest.runrows import RunRows

MAX_CHATS = 100
"""Of how many chats, the last ones, `runs.meta` says what came of them."""

MAX_FORMER = 1000
"""Chats, the latest, with which others may go on."""

MAX_UNDER_WAY = 10_000
"""Chats that may be under way at once. Of one more no record says what it is in."""

Data = dict[str, Any]


@dataclass(slots=True)
class Former:
    """A chat that is over, with which another may go on.

    Attributes:
        talk: the chat that both are then: this one, or the one that it went on with itself.
        around: the event around it.
        floor: who has heard whom in it.
    """

    talk: str
    around: str | None
    floor: Floor | None


class Chats:
    """Knows what is under way, and which chat goes on with one that is over.

    Args:
        rows: knows the events of marked actions.
    """

    def __init__(self, rows: RunRows) -> None:
        self._rows = rows
        self._steps: dict[str, str | None] = {}
        self._latest_step = ""
        self._under_way: dict[str, tuple[str | None, str | None]] = {}
        """Of each chat the action around it, and the event around it: of a nested one the turn that opened it."""
        self._are_told = False
        """Whether any record tells of a chat."""
        self._begun: dict[str, Data] = {}
        """Of those that are not nested, what is said of them."""
        self.unmarked = ""
        """The chat that was begun while no other was on: its records do not name it."""
        self._goes_on: dict[str, str] = {}
        """Of chats under way that go on with a former one: the chat that both are."""
        self._former: dict[str, Former] = {}
        self.outcomes: Latest[int, Data] = Latest(MAX_CHATS, MAX_HELD)
        """What came of those that are over, in order."""
        self._over = 0

    def talk(self, chat: str | None) -> str:
        """The chat that a record belongs to which names this one, or none."""
        chat = chat or self.unmarked
        return self._goes_on.get(chat, chat)

    def named(self, chat: str) -> str | None:
        """The name by which the records of a chat know it."""
        return None if chat == self.unmarked else chat

    # --- steps and actions

    def step(self, name: str, around: str | None) -> None:
        """A step or an action begins, inside of another one or of none."""
        self._latest_step = name
        self._steps[name] = around

    def step_that_ends(self, where: Where) -> str:
        """Which one ends with a record."""
        return where.parent or self._latest_step

    def action_around(self, where: Where) -> str | None:
        """The event of the marked action around a record. A step is no event: see `step_id`."""
        name = where.parent
        if name is None:
            return None
        steps = set()
        while name in self._steps and name not in steps:
            steps.add(name)
            name = self._steps[name]
        self._steps.update(dict.fromkeys(steps, name))  # of many steps in each other each is passed once
        return None if name is None else self._rows.named_id(name)

    def around(self, where: Where) -> tuple[str | None, str | None]:
        """The marked action around a record, and that or the turn that opened its chat, whichever is nearer."""
        action = self.action_around(where)
        outside, turn = self._under_way.get(where.chat or "", (None, None))
        return action, turn if turn is not None and action == outside else action

    def around_turn(self, where: Where) -> str | None:
        """The event around the turn in which a chat is opened: an action that was begun in the turn is not."""
        return self._under_way.get(where.chat or self.unmarked, self.around(where))[1]

    # --- chats

    def check_room(self, chat: str) -> None:
        """Raise a ValueError where too many others are under way, as in a journal that tells of no end."""
        if len(self._under_way) >= MAX_UNDER_WAY and chat not in self._under_way:
            raise ValueError(f"more than {MAX_UNDER_WAY:,} chats are under way")

    def begins(self, chat: str, data: Data) -> bool:
        """A chat begins that is not nested. Gives whether nothing else is under way, and so its records do not name
        it."""
        is_first = not self._begun
        if is_first:
            self.unmarked = chat
        self._begun[chat] = {name: data.get(name) for name in ("sender", "recipient")}
        if (former := text_or_none(data.get("goes_on_with"))) is not None:
            self._begun[chat]["goes_on_with"] = former
        return is_first and not self._under_way

    def enter(self, chat: str, action: str | None, around: str | None) -> None:
        """A chat is under way from now on, inside of this action and event."""
        self._under_way[chat] = action, around
        self._are_told = True

    def under_way(self) -> set[str | None]:
        """The chats that are not over, by the names by which their records know them."""
        return {self.named(chat) for chat in self._under_way} if self._are_told else {None}

    def goes_on(self, chat: str) -> Former | None:
        """The chat with which one goes on that has begun; nothing else does so then."""
        former = self._former.pop(self._begun[chat].get("goes_on_with", ""), None) if chat in self._begun else None
        if former is not None:
            self._goes_on[chat] = former.talk
        return former

    def ends(self, chat: str, floor: Floor | None, outcome: Data) -> bool:
        """A chat is over. Gives whether it had begun, as one that is not nested.

        Args:
            chat: its id.
            floor: who has heard whom in it.
            outcome: what came of it.
        """
        talk, _, around = self._goes_on.pop(chat, chat), *self._under_way.pop(chat, (None, None))
        if chat == self.unmarked:
            self.unmarked = ""
        if chat not in self._begun:
            return False
        self._former[chat] = Former(talk, around, floor)
        keep_latest(self._former, MAX_FORMER)
        outcome = {"id": chat, **self._begun.pop(chat), **outcome}
        self._over += 1
        self.outcomes.put(self._over, outcome, text_length(outcome))
        return True
