"""Turns that are told of before they are over: nested chats are opened in them, or they end in no message."""

from collections import deque
from typing import Any

from ingest import facts
from ingest.acts import ActLedger
from ingest.code import CodeLedger
from ingest.events import UNSPOKEN, Event, Where
from ingest.latest import MAX_HELD
from ingest.lines import text_length
from ingest.runrows import RunRows
from ingest.talk import INTERNAL_AGENTS, OpenTurn, Talk
from ingest.tools import ToolLedger

MAX_CUT_SHORT = 64
"""Turns that were cut off, the last ones, of which calls may still be going on."""


class OpenTurns:
    """The open turns of one run, which each chat has by their agents (`Talk.opened`), and the end of those that end in
    no message.

    Args:
        rows: where the rows go.
        tools: the calls of which no answer is said.
        code: the executions of which no message tells.
        acts: adds what was done in a turn.
    """

    def __init__(self, rows: RunRows, tools: ToolLedger, code: CodeLedger, acts: ActLedger) -> None:
        self._rows, self._tools, self._code, self._acts = rows, tools, code, acts
        self._inner: dict[str, tuple[dict[str, Any], OpenTurn]] = {}
        """What will be said of a nested chat in the turn that opened it, and that turn."""
        self._cut_short: deque[tuple[Event, Where]] = deque(maxlen=MAX_CUT_SHORT)
        """Each with where it ended."""

    def turn(self, agent: str | None, talk: Talk, key: str, where: Where) -> OpenTurn:
        """The open turn of an agent, which is a new one where it has none.

        Args:
            agent: whose turn it is.
            talk: what is going on in its chat.
            key: names the turn within its run, where it is new.
            where: where it is told of.
        """
        turn = talk.opened.get(agent)
        if turn is None:
            turn = talk.opened[agent] = OpenTurn(self._rows.id("agent_call", key), where)
            self._rows.around(turn.id, where.parent)
        return turn

    def opens_chat(self, fact: facts.ChatOpened, talk: Talk, where: Where) -> str:
        """An agent opened a nested chat. Gives the event of its turn."""
        turn = self.turn(fact.turn_of, talk, f"opened {fact.chat} in {where.key}", where)
        turn.chats.append({"recipient": fact.recipient, "summary": None})
        turn.under_way += 1
        self._inner[fact.chat] = turn.chats[-1], turn
        return turn.id

    def chat_is_over(self, fact: facts.ChatClosed, where: Where) -> None:
        """A chat is over, which may be a nested one."""
        if fact.chat in self._inner:
            said, turn = self._inner.pop(fact.chat)
            turn.under_way, turn.over = turn.under_way - 1, where.time
            turn.length += text_length(fact.summary)
            said["summary"] = fact.summary if turn.length <= MAX_HELD else None
            if fact.is_cut_off:
                turn.cut_off.add(fact.agent)
            if fact.failed is not None:
                turn.left_by.add(fact.failed.echo_of)

    def cut_short(self, call: Event, where: Where) -> tuple[Event, Where] | None:
        """The turn of an LLM call that was not over when that was cut off, because AG2 waits for it in a thread of its
        own, and where that ended."""
        return next(
            (
                (turn, end)
                for turn, end in self._cut_short
                if turn.agent == call.agent
                and turn.where.chat == where.chat
                and turn.started is not None
                and turn.ended is not None
                and call.started is not None
                and turn.started <= call.started <= turn.ended
            ),
            None,
        )

    def end_with(self, chat: facts.ChatClosed, talk: Talk, where: Where) -> None:
        """A chat is over: no message of its open turns follows any more."""
        is_nested = chat.is_inside or any(chat.agent in turn.cut_off for turn in talk.opened.values())
        if chat.is_cut_off and chat.agent is not None and not is_nested:
            self.turn(chat.agent, talk, f"ended in {where.key}", where)
        for agent in list(talk.opened):
            turn = self._end(agent, talk, where.time, chat)
            if turn.status == "pending":
                self._cut_short.append((turn, where))

    def end_last(self, talk: Talk) -> None:
        """The run is over, and with it the open turns of this chat."""
        for agent in list(talk.opened):
            self._end(agent, talk, None)

    def end_silent(self, agent: str | None, talk: Talk, where: Where) -> None:
        """Something begins for which an agent's last turn must be over: it is asked again, or a chat begins."""
        if agent in talk.opened and not talk.opened[agent].under_way:
            self._end(agent, talk, where.time)

    def _end(self, agent: str | None, talk: Talk, ended: int | None, chat: facts.ChatClosed | None = None) -> Event:
        """A turn ended in no message: by an exception, cut off, or, where it opened nested chats, in silence. Gives it.

        Args:
            agent: whose turn it is.
            talk: what is going on in its chat.
            ended: when nothing of it could follow any more.
            chat: what is known of the end of its chat, where it ended with that.
        """
        opened, children = talk.opened.pop(agent), talk.pending.pop(agent, [])
        executions = talk.executions.pop(agent, [])
        if execution := self._code.unreported(agent, opened.where):
            executions.append(execution)
        children += [execution.event for execution in executions]
        children += self._tools.unrequested(agent, opened.where)
        failed = chat.failed if chat else None
        if chat is not None:
            is_cut_off = chat.is_cut_off and (chat.agent == agent or chat.agent in opened.cut_off)
        else:
            is_cut_off = ended is None and opened.where.talk != ""
        if failed is not None and (agent == failed.agent or failed.echo_of in opened.left_by):
            status = "failed"
        else:  # an exception of somebody else's comes after silence
            status, failed = "pending" if is_cut_off or opened.under_way else "completed", None
        meta: dict[str, Any] = {
            **({"nested_chats": opened.chats} if opened.chats else {}),
            **talk.selected.pop(agent, {}),
        }
        if failed is not None:
            meta |= {"error_type": failed.error_type, "echo_of": opened.told or failed.echo_of}
        first = min([opened.where.position, *[child.where.position for child in children]])
        if status == "completed":  # what followed was behind it
            ended = max(
                (t for t in [opened.over, *[child.ended for child in children]] if t is not None), default=ended
            )
        if agent in INTERNAL_AGENTS:
            meta["internal"] = True
        turn = self._rows.event(
            "agent_call",
            UNSPOKEN,
            opened.where.at(first - 1),
            event_id=opened.id,
            agent=agent,
            status=status,
            started=talk.began(agent, opened.where, children, opened),
            ended=ended,
            inputs={"sender": talk.floor.before(agent)},
            error=failed.error if failed is not None else None,
            meta=meta,
        )
        self._rows.add_event(turn)
        self._acts.in_turn(children, turn.id, opened.where, executions)
        return turn
