"""The messages of a run: each has its row once, whoever tells of it, and whether it was said before the run began."""

from collections import deque
from collections.abc import Callable
from typing import Any

from ingest import facts
from ingest.events import Event, Where
from ingest.latest import keep_latest
from ingest.lines import encode
from ingest.messages import Message
from ingest.relayed import USER, Relayed
from ingest.runrows import RunRows, preview
from ingest.seen import Seen
from ingest.talk import History, Talk
from ingest.transcripts import Claims, Transcript, read_history

MAX_HISTORIES = 64
"""Threads of a chat, the latest, in which a group chat may go on."""


class MessageLedger:
    """Adds the rows of messages, and knows those of saved histories again.

    Args:
        rows: where the rows go.
        agents: what the run's records say of each agent, by name; filled in while the run is read.
        relayed: tells whose words a manager says.
    """

    def __init__(self, rows: RunRows, agents: dict[str, dict[str, Any]], relayed: Relayed) -> None:
        self._rows, self._agents, self._relayed = rows, agents, relayed
        self._seen = Seen()
        self._claims = Claims(self._seen)
        self._earlier: set[int] = set()
        """Those of the seen that were said before the run began."""

    @property
    def earlier(self) -> int:
        """Messages that were said before the run began."""
        return len(self._earlier)

    def role(self, message: Message) -> str:
        """The role of a message. Of one that names none: a human's proxy is the user, and who stands for one."""
        kind = self._agents.get(message.sender or "", {}).get("class")
        return message.role or ("user" if kind == "UserProxyAgent" or message.sender == USER else "assistant")

    def add(
        self, channel: str, message: Message, turn: Event, where: Where, tokens: int | None, internal: bool
    ) -> tuple[int, int]:
        """Add the row of a message, which is that turn. Gives its index and its key."""
        index = self._rows.add_message(
            channel,
            where,
            turn.id,
            internal,
            message.sender,
            message.recipient,
            turn.inputs["role"],
            message.content,
            encode(message.tool_calls) if message.tool_calls else None,
            where.step_id,
            where.node_id,
            tokens,
            where.time,
        )
        # in the history of a group stands who has spoken, whatever name the words bring along
        author = message.sender if self._relayed.is_manager(message.recipient) else message.author
        key = message.key()
        self._seen.add(key if author == message.sender else message.key(author=author), message, where, author)
        return index, key

    def resumed(self, said: facts.Said, place: int, where: Where, talk: Talk) -> int | None:
        """A message of the history of a group chat that goes on. What the run does not have was said before it.

        Gives the index of its row, where it gets one.
        """
        message, manager = said.message, said.message.sender
        if self._relayed.give_back(message, self._seen.counts()):
            message.recipient = manager
        elif message.name is not None and message.name != message.sender:  # the manager passes it on
            message.sender, message.recipient = message.name, message.sender
        history = talk.histories.get(where.thread)
        if history is None or place < history.place:
            history = talk.histories[where.thread] = History(self._seen)
            keep_latest(talk.histories, MAX_HISTORIES)
        history.managers.add(message.recipient)
        if place == history.place:  # one more member is given it
            return None
        history.place = place
        if history.is_known(message.key()):
            talk.floor.said(message.sender, message.recipient, where.position)
            return None
        self._said_before(message, said.channel, where)
        return len(self._seen) - 1

    def merge(self, saved: Transcript, name: str, say: Callable[[facts.Said, Where], None]) -> None:
        """Take in a saved transcript as far as it tells of more.

        Args:
            saved: the transcript.
            name: tells it from the run's others.
            say: is called with what was said in the run and nothing else tells of.
        """
        messages = deque(read_history(saved.messages, self._agents))
        for message in messages:
            self._relayed.give_back(message, self._seen.counts())
        matches = self._claims.match(messages, saved.position, saved.chat_id)
        first = next((match for match in matches if match is not None and match not in self._earlier), None)
        # what comes before the first known message stands before its turn and the handoff to that
        position = self._seen.position(first) - 5 if first is not None else saved.position
        talk = self._seen.talk(first) if first is not None else name
        # what comes before the first message of the run; a list without any the user may have saved for its own sake
        earlier = saved.complete and (saved.rest or first is not None)
        for place, match in enumerate(matches):
            message = messages.popleft()  # one that was told of is held no more: there may be hundreds of thousands
            if match is None:
                # what was said before the run stands before all of it
                where = Where(f"{name}/{place}", 0 if earlier else position + 1, None, thread=name, talk=talk)
                before = len(self._seen)
                if earlier:
                    self._said_before(message, "transcript", where)
                else:
                    say(facts.Said(message, "transcript"), where)
                self._claims.added(range(before, len(self._seen)))
            else:
                self._rows.heard(match, "transcript")
                position, talk = self._seen.position(match), self._seen.talk(match)
                earlier = earlier and match in self._earlier

    def _said_before(self, message: Message, channel: str, where: Where) -> None:
        """A message that was said before the run began: what came of it is not of this run, nor is it a turn of it."""
        self._earlier.add(len(self._seen))
        role, text = self.role(message), preview(message.plain)
        turn = self._rows.event(
            "agent_call",
            "earlier",
            where,
            agent=message.sender,
            inputs={"role": role, "message": text, "sender": None, "recipient": message.recipient},
            outputs={"full_content": message.content},
            meta={"content_length": len(message.plain), "internal": True},
        )
        self._rows.add_event(turn)
        self.add(channel, message, turn, where, None, True)
