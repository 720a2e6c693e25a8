"""Turns: what an agent said, and what it did to say it.

A message that an agent sends closes its turn. The LLM calls, tool calls and code executions since its last one become
the turn's children; a change of speaker becomes a handoff. A message is seen up to three times (AG2's logger, its
event, a saved transcript) and a group chat's manager repeats it to every member: it is one turn all the same.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ingest import facts
from ingest.acts import ActLedger
from ingest.claims import claims
from ingest.code import CodeLedger
from ingest.events import UNSPOKEN, Event, Where
from ingest.files import FileLedger
from ingest.finder import Finder
from ingest.floor import Floor
from ingest.messages import Message
from ingest.nesting import Nesting
from ingest.relayed import Relayed
from ingest.runrows import GUARDRAIL, RunRows, preview
from ingest.said import MessageLedger
from ingest.talk import INTERNAL_AGENTS, LastSaid, Logged, OpenTurn, Talk
from ingest.tools import ToolLedger
from ingest.transcripts import Transcript

MAX_CUT_SHORT = 64
"""Turns that were cut off, the last ones, of which calls may still be going on."""


class Conversation:
    """Turns the facts of one run into turns and what belongs to them.

    Args:
        rows: where the rows go.
        files: learns of the files that turns write, read and mention.
        agents: what the run's records say of each agent, by name; filled in while the run is read.
        finder: asks the extractors.
        nests: no record tells where chats begin; see `ingest.nesting`.
    """

    def __init__(
        self,
        rows: RunRows,
        files: FileLedger,
        agents: dict[str, dict[str, Any]],
        finder: Finder,
        *,
        nests: bool = False,
    ) -> None:
        self._rows, self._files, self._agents, self._finder = rows, files, agents, finder
        self._tools, self._code = ToolLedger(rows, finder), CodeLedger(rows, finder)
        self._acts = ActLedger(rows, files, finder)
        self._relayed = Relayed(agents)
        self._talks: defaultdict[str | None, Talk] = defaultdict(lambda: Talk(None if nests else False))
        """By chat; None where there is only one at a time."""
        self._nesting = Nesting(rows, self._talks, self._relayed, self._tools, self._left_over)
        self._inner: dict[str, tuple[dict[str, Any], OpenTurn]] = {}
        """What will be said of a nested chat in the turn that opened it, and that turn."""
        self._failed_callers: dict[str, str | None] = {}
        """By thread: whose LLM call was the last one, where it failed. The exception that follows is of that call."""
        self.messages = MessageLedger(rows, agents)
        self._cut_short: deque[Event] = deque(maxlen=MAX_CUT_SHORT)
        self._conversation: str | None = None
        """Of a transcript with several conversations, which have nothing to do with each other, the present one."""
        self.run_facts: dict[str, Any] = {}

    def take(self, fact: facts.Fact, where: Where) -> None:
        """Take in one fact, in order."""
        if isinstance(fact, facts.Said) and fact.channel == "transcript" and where.chat != self._conversation:
            self._over()
            self._conversation = where.chat
        talk = self._talks[where.chat]
        if talk.tells is None and self._nesting.waits(fact, where, talk):
            return
        if self._nesting.held:
            for earlier in self._nesting.due(where.chat):
                self._take(*earlier)
        self._take(fact, where)

    def _settle(self) -> None:
        """What waits for what comes next does so no more."""
        for fact, where in self._nesting.settled():
            self._take(fact, where)

    def _take(self, fact: facts.Fact, where: Where) -> None:
        talk = self._talks[where.chat]
        if talk.outer is not None and isinstance(fact, facts.Said):
            talk = self._nesting.returned(fact.message, talk, where)
        thread = talk.threads[where.thread]
        self._nesting.place(where, talk)
        if isinstance(fact, facts.Said):
            self._failed_callers.pop(where.thread, None)
        logged, thread.logged = thread.logged, None
        match fact:
            case facts.Said():
                self._said(fact, where, logged)
            case facts.Called():
                if (cut_off := self._went_on(fact.event, where)) is not None:
                    fact.event.where = cut_off.where
                    self._acts.add(fact.event, cut_off.id, 1)
                    return
                self._acts.wait(talk.pending[fact.event.agent], fact.event)
                self._failed_callers[where.thread] = fact.event.agent if fact.event.status == "failed" else None
            case facts.Replied():
                talk.replies(fact.agent, fact.function)
            case facts.Asked():
                thread.human_input.append({"prompt": fact.prompt, "answer": fact.answer})
            case facts.SpeakerSelected():
                self._selected(fact.speaker, where)
            case facts.SelectionAttempt():
                thread.selection["selection"] = "auto"
                attempt = {"succeeded": fact.succeeded, "mentions": fact.mentions}
                thread.selection.setdefault("attempts", []).append(attempt)
            case facts.Transition():
                thread.selection |= {"selection": fact.rule, "transition_target": fact.target}
            case facts.ToolStarted():
                self._tools.started(fact, where)
            case facts.ToolEnded():
                if event := self._tools.ended(fact, where):
                    self._acts.wait(talk.pending[fact.executor], event)
            case facts.CodeStarted():
                self._acts.unreported(self._code.started(fact, where), fact.executor, talk)
            case facts.CodeBlockStarted():
                self._acts.unreported(self._code.block_started(fact, where), fact.executor, talk)
            case facts.CodeRan():
                self._acts.unreported(self._code.ran(fact, where), fact.executor, talk)
            case facts.Failed():
                self._failed(fact, where)
            case facts.ChatBegun():
                for agent in list(talk.opened):
                    self._ends_silently(agent, talk, where)
                self._nesting.begin(talk)
            case facts.RunFacts():
                self.run_facts.update(fact.facts)

    def _failed(self, fact: facts.Failed, where: Where) -> None:
        for call, turn in self._tools.gave_up(fact):
            self._acts.add(call, turn, 1 if turn else 0)
        talk, failed_caller = self._talks[where.chat], self._failed_callers.pop(where.thread, None)
        agent = fact.agent or failed_caller
        opened = None
        if fact.ends_chat and agent is not None:  # its turn is told of when the chat is over
            opened = self._opens(agent, talk, f"ended in {where.key}", where)
            where = replace(where, parent=opened.id)
        event = self._rows.event(
            "error",
            fact.error_type or "error",
            where,
            agent=agent,
            status="failed",
            started=where.time,
            ended=where.time,
            error=fact.error,
            meta={"error_type": fact.error_type, "traceback": fact.traceback},
        )
        if fact.echo_of is not None:
            event.meta["echo_of"] = fact.echo_of
        if opened is not None:
            opened.told = event.id
            opened.left_by.add(fact.echo_of or event.id)
        if agent is None or opened is not None:
            self._rows.add_event(event)
            return
        # a group that keeps the speaker tells its choice by that agent's turn alone
        event.meta |= talk.selected.pop(agent, {})
        self._rows.add_event(event)
        if event.where.parent != event.meta.get("echo_of", ""):
            self._acts.in_turn(talk.pending.pop(agent, []), event.id, where)  # what its agent was at ends with it

    def _went_on(self, call: Event, where: Where) -> Event | None:
        """The turn of an LLM call that was not over when that was cut off: AG2 waits for it in a thread of its own."""
        return next(
            (
                turn
                for turn in self._cut_short
                if turn.agent == call.agent
                and turn.where.chat == where.chat
                and turn.started is not None
                and turn.ended is not None
                and call.started is not None
                and turn.started <= call.started <= turn.ended
            ),
            None,
        )

    def marked(self, action: Event, where: Where) -> None:
        """A call that the user's code marked is about to be added."""
        self._tools.marked(action, where)

    # --- nested chats

    def opened(self, fact: facts.ChatOpened, where: Where) -> str:
        """An agent opened a nested chat. Gives the event of its turn, which is added when that is over."""
        talk = self._talks[where.chat]
        turn = self._opens(fact.turn_of, talk, f"opened {fact.chat} in {where.key}", where)
        turn.chats.append({"recipient": fact.recipient, "summary": None})
        turn.under_way += 1
        self._inner[fact.chat] = turn.chats[-1], turn
        return turn.id

    def _opens(self, agent: str | None, talk: Talk, key: str, where: Where) -> OpenTurn:
        """The turn of an agent that is told of before it is over."""
        turn = talk.opened.get(agent)
        if turn is None:
            turn = talk.opened[agent] = OpenTurn(self._rows.id("agent_call", key), where)
            self._rows.around(turn.id, where.parent)
        return turn

    def of_group(self, chat: str | None, group: dict[str, Any] | None) -> None:
        """A chat that has begun is that of a group, or, where that is None, of none that a record names."""
        self._talks[chat].group = group

    def goes_on(self, chat: str | None, floor: Floor) -> None:
        """A chat that has begun goes on with one that is over: its first words follow the last of that."""
        self._talks[chat].floor = floor

    def closed(self, fact: facts.ChatClosed, where: Where) -> Floor | None:
        """A chat is over. Gives who has heard whom in it, where its records name it."""
        if fact.chat in self._inner:
            said, turn = self._inner.pop(fact.chat)
            said["summary"], turn.under_way, turn.over = fact.summary, turn.under_way - 1, where.time
            turn.is_cut_off |= fact.is_cut_off
            if fact.failed is not None:
                turn.left_by.add(fact.failed.echo_of)
        talk = self._talks.pop(fact.chat, None)
        if talk is None:
            return None
        self._cut_off(fact, talk, where)
        self._end_turns(talk, where.time, fact)
        self._left_over(talk)
        return talk.floor

    def ended(self, fact: facts.ChatClosed, where: Where) -> Floor:
        """The chat whose records do not name it is over: what is said next is not what was asked for in it.

        Of several threads nobody knows which of them it was in. Gives who has heard whom in it.
        """
        talk = self._talks[None]
        self._cut_off(fact, talk, where)
        self._end_turns(talk, where.time, fact)
        if len(talk.threads) < 2:
            self._left_over(talk)
            talk.asked.clear()
        return talk.floor.copy()

    def _cut_off(self, chat: facts.ChatClosed, talk: Talk, where: Where) -> None:
        """A chat was interrupted, or cancelled: in a turn of this chat, if it was not in one that is nested in it."""
        if chat.is_cut_off and chat.agent is not None and not any(turn.is_cut_off for turn in talk.opened.values()):
            self._opens(chat.agent, talk, f"ended in {where.key}", where).is_cut_off = True

    def _end_turns(self, talk: Talk, ended: int | None, chat: facts.ChatClosed | None = None) -> None:
        """No message of the open turns of a chat follows any more; see `_unspoken`."""
        for agent in list(talk.opened):
            self._unspoken(agent, talk, ended, chat)

    def _unspoken(self, agent: str | None, talk: Talk, ended: int | None, chat: facts.ChatClosed | None = None) -> None:
        """A turn ended in no message: by an exception, cut off, or, where it opened nested chats, in silence.

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
        is_cut_off = opened.is_cut_off if chat else ended is None and opened.where.talk != ""
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
        if opened.is_cut_off:
            self._cut_short.append(turn)

    def _ends_silently(self, agent: str | None, talk: Talk, where: Where) -> None:
        """Something begins for which an agent's last turn must be over: it is asked again, or a chat begins."""
        if agent in talk.opened and not talk.opened[agent].under_way:
            self._unspoken(agent, talk, where.time)

    # --- who speaks next

    def _selected(self, speaker: str, where: Where) -> None:
        talk = self._talks[where.chat]
        thread = talk.threads[where.thread]
        group = talk.group or self._agents.get(talk.manager or "", {})
        meta = {
            "reason": "group_chat_selection",
            "selection": group.get("selection") if group else self._only_method(),
            "group": group.get("group", group.get("name")),
            **thread.selection,
        }
        thread.selection = {}
        talk.asked[speaker] = where.time
        before = talk.floor.before(speaker)
        if before is not None and before != speaker:
            self._handoff(before, speaker, where, meta)
            meta = {}
        talk.selected[speaker] = meta

    def _only_method(self) -> str | None:
        """How the run's groups choose speakers, where all do it in one way."""
        methods = {agent.get("selection") for agent in self._agents.values() if agent.get("members")} - {None}
        return methods.pop() if len(methods) == 1 else None

    def _handoff(self, before: str, to: str, where: Where, meta: dict[str, Any]) -> None:
        event = self._rows.event(
            "handoff",
            "transfer",
            where.at(where.position - 2),
            agent=before,
            started=where.time,
            ended=where.time,
            inputs={"from_agent": before, "to_agent": to},
            meta=meta,
        )
        self._rows.add_event(event)

    # --- messages

    def _said(self, said: facts.Said, where: Where, logged: Logged | None = None) -> None:
        message, talk = said.message, self._talks[where.chat]
        if said.channel == "event" and logged and logged.is_same(message):
            if logged.index is not None:
                self._rows.heard(logged.index, "event")  # AG2 logs a message and sends its event in one breath
            return
        sender, recipient, index, key = message.sender, message.recipient, None, message.key()
        manager = next(filter(self._relayed.is_manager, (recipient, sender)), None)
        if said.resumed is not None:
            index = self.messages.resumed(said, said.resumed, where, talk)
        elif self._relayed.is_told_again(said, talk):
            talk.is_of(manager)
            talk.floor.said(sender, recipient, where.position)
        elif self._relayed.is_copy(message, talk):
            talk.is_of(manager)
            talk.asked[recipient] = where.time
            talk.floor.relayed(message.sender, recipient, where.position)
            talk.heard(message.sender, recipient)
        else:
            index = self._turn(said, where, talk, manager, self._relayed.is_announced(said))
        if said.channel == "logger" and not said.silent:
            is_told = said.silent is False or message.is_template
            talk.threads[where.thread].logged = Logged(index, sender, recipient, key, is_told)

    def _turn(self, said: facts.Said, where: Where, talk: Talk, manager: str | None, announced: bool) -> int:
        """A message is a turn, or announced: add its rows and those of what led to it. Gives its index.

        `manager`: the one that says it, or to whom it is said.
        """
        message = said.message
        agent = message.sender
        made_by = talk.replied.pop(agent, None)
        talk = self._nesting.opened(message, talk, where, made_by)
        talk.is_of(manager)
        thread = talk.threads[where.thread]
        children = talk.pending.pop(agent, [])
        self._ends_silently(message.recipient, talk, where)
        self._acts.orphans(talk, message.recipient)
        executions = talk.executions.pop(agent, [])
        opened = talk.opened.pop(agent, None)
        turn_id = opened.id if opened else self._rows.id("agent_call", where.key)
        if reported := self._code.said(message, said.channel, where, turn_id, made_by):
            executions.append(reported)
        children += [execution.event for execution in executions]
        for response in message.responses:
            if event := self._tools.answered(response, agent, where, message.recipient):
                children.append(event)
        children += self._tools.unrequested(agent, where)
        first = min([where.position, *[child.where.position for child in children]])
        turn = self._turn_event(turn_id, message, where, min(first, opened.where.position) if opened else first, talk)
        turn.started = talk.began(agent, where, children, opened)
        if opened and opened.chats:
            turn.meta["nested_chats"] = opened.chats
        internal = announced or agent in INTERNAL_AGENTS
        if announced:
            turn.subtype = "announcement"
        elif not internal:
            before = talk.floor.before(agent, message.recipient)
            if before is not None and agent is not None and before != agent and agent not in talk.selected:
                self._handoff(before, agent, turn.where, {"reason": "reply", "selection": None, **thread.selection})
            turn.meta |= talk.selected.pop(agent, {})
            talk.floor.said(agent, message.recipient, where.position)
        else:
            thread.selection["selection"], thread.chosen = "auto", where.time
        if internal:
            turn.meta["internal"] = True
        self._rows.add_event(turn)
        self._acts.in_turn(children, turn.id, where, executions)
        for number, request in enumerate(message.requests):
            self._tools.requested(request, agent, turn.id, where, number, message.recipient)
        tokens = _tokens(message, [child for child in children if child.type == "llm_call"])
        index, key = self.messages.add(said.channel, message, turn, where, tokens, internal)
        talk.latest.pop(agent, None)
        talk.latest[agent], talk.last_speaker = LastSaid(key, {message.recipient}), agent
        talk.remember(key)
        talk.asked[message.recipient] = where.time
        talk.heard(agent, message.recipient)
        return index

    def _turn_event(self, turn_id: str, message: Message, where: Where, position: int, talk: Talk) -> Event:
        thread = talk.threads[where.thread]
        hits = self._finder.text(message.plain)
        meta: dict[str, Any] = {
            "has_code": "```" in message.plain,
            "code_languages": self._code.languages,
            "has_tool_calls": bool(message.requests),
            "file_references": list(dict.fromkeys(hit.path for hit in hits)),
            "content_length": len(message.plain),
        }
        meta |= dict.fromkeys(claims(message.plain), True)
        if message.only_hands_over:
            meta["only_hands_over"] = True
        if not (message.plain.strip() or message.requests or message.responses):
            meta["says_nothing"] = True
        if thread.human_input:
            meta["human_input"], thread.human_input = thread.human_input, []
        turn = self._rows.event(
            "agent_call",
            "message",
            where.at(position - 1),
            event_id=turn_id,
            agent=message.sender,
            ended=where.time,
            inputs={
                "role": self.messages.role(message),
                "message": preview(message.plain),
                "sender": talk.floor.before(message.sender, message.recipient),
                "recipient": message.recipient,
            },
            outputs={"full_content": message.content},
            meta=meta,
        )
        for hit in hits:
            self._files.named(hit.path, "mention", hit.method, "message", turn_id, where)
        if message.tool_calls:
            turn.outputs["tool_calls"] = message.tool_calls
        return turn

    def _left_over(self, talk: Talk | None, until: Talk | None = None) -> None:
        """What was done in a chat, and in those around it up to another, and ended in no message there, such as the
        word by which a human ends it."""
        while talk is not None and talk is not until:
            for thread in talk.threads.values():
                if thread.human_input:
                    self.run_facts.setdefault("human_input", []).extend(thread.human_input)
                    thread.human_input = []
            for agent in [*talk.pending, *talk.executions]:
                self._acts.orphans(talk, agent)
            talk = talk.outer

    # --- the end of the run

    def finish(self, transcripts: Iterable[Transcript]) -> None:
        """Take in the run's saved transcripts as far as they tell of more, and what is still waiting."""
        for number, transcript in enumerate(transcripts):
            self.messages.merge(transcript, f"transcript {number}", self._said)
        self._over()

    def _over(self) -> None:
        """All chats are over: what still waits is told, and nothing that follows belongs to it."""
        self._settle()
        for talk in self._talks.values():
            self._end_turns(talk, None)
            self._left_over(talk)
        for execution in self._code.unfinished():
            self._acts.alone(execution)
        for event, turn in self._tools.unanswered():
            self._acts.add(event, turn, 1 if turn else 0)
        self._talks.clear()
        self._code.forget()
        self._tools.forget()


def _tokens(message: Message, calls: list[Event]) -> int | None:
    """Tokens of the answer that a message is. Where a guardrail puts words of its own in its place, there are none."""
    own = [call for call in calls if call.subtype != GUARDRAIL]
    if not own or (len(own) < len(calls) and own[-1].outputs["content"] not in (message.plain, None)):
        return None
    tokens: int | None = own[-1].meta.get("completion_tokens")
    return tokens
