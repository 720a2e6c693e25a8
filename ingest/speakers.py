"""Who spoke in a transcript of two where a message does not say it.

AG2 keeps a chat of two as one of them has it: its own messages have the role `assistant`, those of the other the role
`user`. A message that asks for tools always has the role `assistant` and has no name, and the answer to a legacy
function call has the function's name. Where only two speak and take turns, one of them it must have been; where that
is not sure nobody is named.
"""

import itertools
from collections.abc import Iterator, Sequence

from ingest.events import Where
from ingest.facts import Said
from ingest.messages import Message, ToolRequest, ToolResponse, unblock
from ingest.rows import Spill

MAX_WAITING = 10_000
"""Messages that wait until it is known how many speak. Of a longer chat only what its messages say is known."""

MAX_HELD = 4 * 1024 * 1024
"""Characters of those that wait in memory."""

MAX_SPEAKERS = 2
MAX_NAMES = 1000
"""Authors, and functions that they ask for, of one chat that are remembered."""

Waiting = tuple[Said, Where]


class Listener:
    """Holds the messages of a chat back until it is known who speaks in it: the latest in memory, others in a file."""

    def __init__(self) -> None:
        self._outlines: list[Message] = []
        """What of each message that waits tells who speaks."""
        self._latest: list[Waiting] = []
        self._size = 0
        self._before = Spill()
        self._speakers: set[str] = set()
        self._functions: set[str] = set()
        """What is asked for."""
        self._chat: str | None = None
        self._is_open = False

    def heard(self, said: Said, where: Where) -> Iterator[Waiting]:
        """Take in a message. Gives those that wait no longer, in order."""
        if where.chat != self._chat:
            yield from self.finish()
            self._chat, self._is_open = where.chat, False
            self._speakers.clear()
            self._functions.clear()
        if len(self._functions) < MAX_NAMES:
            self._functions.update(request.name for request in said.message.requests)
        if said.message.sender and len(self._speakers) < MAX_NAMES:
            self._speakers.add(said.message.sender)
        if self._is_open:
            unblock(said.message, self._speakers, self._functions)
            yield said, where
            return
        self._hold(said, where)
        if len(self._speakers) > MAX_SPEAKERS or len(self._outlines) > MAX_WAITING:
            self._is_open = True
            yield from self._release()

    def finish(self) -> Iterator[Waiting]:
        """The chat is over: gives what still waits."""
        name_speakers(self._outlines)
        yield from self._release()

    def _hold(self, said: Said, where: Where) -> None:
        self._outlines.append(_outline(said.message))
        self._latest.append((said, where))
        self._size += len(said.message.plain) + len(said.message.content or "")
        if self._size > MAX_HELD:
            self._before.append(self._latest)
            self._latest, self._size = [], 0

    def _release(self) -> Iterator[Waiting]:
        parts, outlines = itertools.chain(self._before, [self._latest]), iter(self._outlines)
        self._outlines, self._latest, self._size, self._before = [], [], 0, Spill()
        for part in parts:
            for said, where in part:
                said.message.sender = next(outlines).sender
                unblock(said.message, self._speakers, self._functions)
                yield said, where


def _outline(message: Message) -> Message:
    """The same without its texts."""
    requests = [ToolRequest(None, "", None)] if message.requests else ()
    responses = [ToolResponse(None, None, None)] if message.responses else ()
    return Message(message.sender, None, None, message.role, None, "", (), requests, responses)


def name_speakers(messages: Sequence[Message]) -> None:
    """Put the sender into messages that ask for a tool or answer, and do not say whose they are, where it is sure.

    Args:
        messages: a whole chat.
    """
    if all(message.sender for message in messages) or (sides := _sides(messages)) is None:
        return
    messages = [message for message in messages if message.role != "system"]
    by_turns = _by_turns(messages)
    for number, message in enumerate(messages):
        if message.sender is None and message.requests:
            after = messages[number + 1] if number + 1 < len(messages) else None
            if after and after.responses and after.sender:  # who is asked for a tool runs it
                message.sender = sides[after.sender == sides[0]]
            else:
                message.sender = by_turns[number]
        elif message.sender is None and number and message.responses:
            # Asked with the role of the one who has the chat, a program around it may have run the function.
            before = messages[number - 1]
            message.sender = sides[0] if before.requests and before.sender == sides[1] else None


def _sides(messages: Sequence[Message]) -> tuple[str, str] | None:
    """Whose chat it is and the other one, where exactly two speak and all that has no name is about tools."""
    roles: dict[str, set[str]] = {}
    for message in messages:
        is_about_tools = bool(message.requests or message.responses)
        if message.sender:
            roles.setdefault(message.sender, set()).update(() if is_about_tools else {message.role})
        elif not is_about_tools and message.role != "system":
            return None
    own, other = ([name for name in roles if roles[name] == {role}] for role in ("assistant", "user"))
    return (own[0], other[0]) if len(roles) == MAX_SPEAKERS and own and other else None


def _by_turns(messages: Sequence[Message]) -> list[str | None]:
    """For each message who has the turn, where those that are named take turns throughout; else None for each.

    Answers without a name that follow each other, as in the shape of OpenAI's API, are one turn.
    """
    turns: list[int] = []
    turn, was_answer = -1, False
    for message in messages:
        is_answer = message.sender is None and bool(message.responses)
        turn += not (is_answer and was_answer)
        turns.append(turn)
        was_answer = is_answer
    speakers: tuple[set[str], set[str]] = set(), set()
    for turn, message in zip(turns, messages, strict=True):
        if message.sender:
            speakers[turn % 2].add(message.sender)
    if any(len(names) != 1 for names in speakers):
        return [None] * len(messages)
    return [next(iter(speakers[turn % 2])) for turn in turns]
