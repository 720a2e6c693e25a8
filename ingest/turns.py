"""Turns: what an agent said, and what it did to say it.

A message that an agent sends closes its turn. The LLM calls, tool calls and code executions since its last one become
the turn's children; a change of speaker becomes a handoff. A message is seen up to three times (AG2's logger, its
event, a saved transcript) and a group chat's manager repeats it to every member: it is one turn all the same.
"""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ingest import facts
from ingest.acts import ActLedger
from ingest.claims import claims
from ingest.code import CodeLedger
from ingest.events import Event, Where
from ingest.files import FileLedger
from ingest.finder import Finder
from ingest.floor import Floor
from ingest.latest import MAX_HELD
from ingest.messages import Message
from ingest.nesting import Nesting
from ingest.open_turns import OpenTurns
from ingest.relayed import Relayed
from ingest.runrows import GUARDRAIL, RunRows, preview
from ingest.said import MessageLedger
from ingest.talk import INTERNAL_AGENTS, LastSaid, Logged, Talk, Talks
from ingest.tools import ToolLedger
from ingest.transcripts import Transcript

MAX_AGENTS = 1000
"""Agents of a run, the first ones, among which managers are looked for where a choice of a speaker names none."""


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
        self._talks = Talks(None if nests else False, self._end)
        self._nesting = Nesting(rows, self._talks, self._relayed, self._tools, self._left_over)
        self._open = OpenTurns(rows, self._tools, self._code, self._acts)
        self._failed_callers: dict[str, str | None] = {}
        """By thread: whose LLM call was the last one, where it failed. The exception that follows is of that call."""
        self.messages = MessageLedger(rows, agents, self._relayed)
        self._conversation: str | None = None
        """Of a transcript with several conversations, which have nothing to do with each other, the present one."""
        self._asked = 0
        """Characters of what humans were asked, and of their answers."""
        self.run_facts: dict[str, Any] = {}
        self._last_turn: tuple[str, str | None] = ("", None)
        """Thread and event of the last turn."""

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

    def _end(self, talk: Talk) -> None:
        self._open.end_last(talk)
        self._left_over(talk)

    def _settle(self) -> None:
        """What waits for what comes next does so no more."""
        for fact, where in self._nesting.settled():
            self._take(fact, where)

    def _take(self, fact: facts.Fact, where: Where) -> None:
        talk = self._talks.at(where)
        if isinstance(fact, facts.Said):
            self._failed_callers.pop(where.thread, None)
            if talk.outer is not None:
                talk = self._nesting.returned(fact.message, talk, where)
        thread = talk.threads[where.thread]
        self._nesting.place(where, talk)
        logged, thread.logged = thread.logged, None
        match fact:
            case facts.Said():
                self._said(fact, where, logged)
            case facts.Called():
                if (cut_short := self._open.cut_short(fact.event, where)) is not None:
                    turn, fact.event.where = cut_short
                    self._acts.add(fact.event, turn.id, 1)
                    return
                self._acts.wait(talk.pending[fact.event.agent], fact.event)
                self._failed_callers[where.thread] = fact.event.agent if fact.event.status == "failed" else None
            case facts.ToolStarted():
                self._tools.started(fact, where)
                self._add_calls(self._tools.overdue())
            case facts.ToolEnded():
                if event := self._tools.ended(fact, where):
                    self._acts.wait(talk.pending[fact.executor], event)
                self._add_calls(self._tools.overdue())
            case facts.CodeStarted():
                self._acts.unreported(self._code.started(fact, where), fact.executor, talk)
            case facts.CodeBlockStarted():
                self._acts.unreported(self._code.block_started(fact, where), fact.executor, talk)
            case facts.CodeRan():
                self._acts.unreported(self._code.ran(fact, where), fact.executor, talk)
            case facts.Replied():
                talk.replies(fact.agent, fact.function)
            case facts.Asked():
                self._asked += len(fact.prompt or "") + len(fact.answer or "")
                if self._asked > MAX_HELD:
                    raise ValueError("more of what humans were asked and said than a run's tables hold")
                thread.human_input.append({"prompt": fact.prompt, "answer": fact.answer})
            case facts.SpeakerSelected():
                self._selected(fact.speaker, where)
            case facts.SelectionAttempt():
                thread.selection["selection"] = "auto"
                attempt = {"succeeded": fact.succeeded, "mentions": fact.mentions}
                thread.selection.setdefault("attempts", []).append(attempt)
            case facts.Transition():
                thread.selection |= {"selection": fact.rule, "transition_target": fact.target}
            case facts.Failed():
                self._failed(fact, where)
            case facts.ChatBegun():
                for agent in list(talk.opened):
                    self._open.end_silent(agent, talk, where)
                self._nesting.begin(talk)
            case facts.RunFacts():
                self.run_facts.update(fact.facts)

    def _failed(self, fact: facts.Failed, where: Where) -> None:
        self._add_calls(self._tools.gave_up(fact, where.talk))
        talk, failed_caller = self._talks[where.chat], self._failed_callers.pop(where.thread, None)
        agent = fact.agent or failed_caller
        opened = None
        if fact.ends_chat and agent is not None:  # its turn is told of when the chat is over
            opened = self._open.turn(agent, talk, f"ended in {where.key}", where)
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

    def _add_calls(self, calls: Iterable[tuple[Event, str | None]]) -> None:
        """Add tool calls that are over or given up, each in the turn that asked for it, if any."""
        for call, turn in calls:
            self._acts.add(call, turn, 1 if turn else 0)

    def marked(self, action: Event, where: Where) -> None:
        """An action that the user's code marked is about to be added: it has come after a turn of its chat, or, outside
        of any, after the run's last one, if its thread is where that was."""
        if action.type == "tool_call":
            self._tools.marked(action, where)
        thread, latest = self._last_turn
        after = self._talks[where.chat].last_turn if where.talk else latest if thread == where.thread else None
        if after is not None:
            action.meta["after"] = after

    # --- nested chats

    def opened(self, fact: facts.ChatOpened, where: Where) -> str:
        """An agent opened a nested chat. Gives the event of its turn, which is added when that is over."""
        return self._open.opens_chat(fact, self._talks.at(where), where)

    def of_group(self, chat: str | None, group: dict[str, Any] | None) -> None:
        """A chat that has begun is that of a group, or, where that is None, of none that a record names."""
        self._talks[chat].group = group

    def goes_on(self, chat: str | None, floor: Floor) -> None:
        """A chat that has begun goes on with one that is over: its first words follow the last of that."""
        self._talks[chat].floor = floor

    def closed(self, fact: facts.ChatClosed, where: Where) -> Floor | None:
        """A chat is over. Gives who has heard whom in it, where its records name it."""
        self._open.chat_is_over(fact, where)
        talk = self._talks.pop(fact.chat, None)
        if talk is None:
            return None
        self._open.end_with(fact, talk, where)
        self._left_over(talk)
        return talk.floor

    def ended(self, fact: facts.ChatClosed, where: Where) -> Floor:
        """The chat whose records do not name it is over: what is said next is not what was asked for in it.

        Of several threads nobody knows which of them it was in. Gives who has heard whom in it.
        """
        talk = self._talks[None]
        self._open.end_with(fact, talk, where)
        if len(talk.threads) < 2:
            self._left_over(talk)
            talk.asked.clear()
        return talk.floor.copy()

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
        agents = itertools.islice(self._agents.values(), MAX_AGENTS)
        methods = {agent.get("selection") for agent in agents if agent.get("members")} - {None}
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
        sender, recipient, index = message.sender, message.recipient, None
        is_logged = said.channel == "logger" and not said.silent
        key = None if not is_logged or said.silent is False or message.is_template else message.key()
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
        if is_logged:
            talk.threads[where.thread].logged = Logged(index, sender, recipient, key)

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
        self._open.end_silent(message.recipient, talk, where)
        self._acts.orphans(talk, message.recipient)
        executions = talk.executions.pop(agent, [])
        opened = talk.opened.pop(agent, None)
        turn_id = opened.id if opened else self._rows.id("agent_call", where.key)
        if reported := self._code.said(message, said.channel, where, turn_id, made_by):
            executions.append(reported)
        if executions:
            children += [execution.event for execution in executions]
        for response in message.responses:
            if event := self._tools.answered(response, agent, where, message.recipient):
                children.append(event)
        children += self._tools.unrequested(agent, where)
        first = where.position if opened is None else min(where.position, opened.where.position)
        if children:
            first = min(first, *[child.where.position for child in children])
        turn = self._turn_event(turn_id, message, where, first, talk)
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
        if message.requests:
            self._add_calls(self._tools.overdue())
        tokens = _tokens(message, children) if children else None
        index, key = self.messages.add(said.channel, message, turn, where, tokens, internal)
        talk.latest.pop(agent, None)
        talk.latest[agent], talk.last_speaker = LastSaid(key, {message.recipient}), agent
        if not internal:
            talk.last_turn, self._last_turn = turn.id, (where.thread, turn.id)
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
            "file_references": list(dict.fromkeys([hit.path for hit in hits])),
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

    def finish(self, transcripts: Iterable[Transcript], under_way: Iterable[str | None]) -> None:
        """Take in the run's saved transcripts as far as they tell of more, and what is still waiting.

        Args:
            transcripts: what was saved.
            under_way: the chats that are not over, as their records name them. What a model answered in them has led
                to no words yet.
        """
        for talk in filter(None, map(self._talks.get, under_way)):
            for event in itertools.chain.from_iterable(talk.pending.values()):
                if event.type == "llm_call":
                    event.meta["is_open"] = True
        for number, transcript in enumerate(transcripts):
            self.messages.merge(transcript, f"transcript {number}", self._said)
        self._over()

    def _over(self) -> None:
        """All chats are over: what still waits is told, and nothing that follows belongs to it."""
        self._settle()
        for talk in self._talks.values():
            self._end(talk)
        for execution in self._code.unfinished():
            self._acts.alone(execution)
        self._add_calls(self._tools.unanswered())
        self._talks.clear()
        self._code.forget()
        self._tools.forget()


def _tokens(message: Message, children: list[Event]) -> int | None:
    """Tokens of the answer that a message is. Where a guardrail puts words of its own in its place, there are none."""
    calls = [child for child in children if child.type == "llm_call"]
    own = [call for call in calls if call.subtype != GUARDRAIL]
    if not own or (len(own) < len(calls) and own[-1].outputs["content"] not in (message.plain, None)):
        return None
    tokens: int | None = own[-1].meta.get("completion_tokens")
    return tokens
