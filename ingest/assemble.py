"""From the records of one run to its rows.

Records come in order. Each is kept as it is in `journal`; what it tells is handed on as facts to the conversation, the
LLM calls and the files. At the end the run itself gets its row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

from capture import format as journal
from ingest import facts
from ingest.ag2_events import read_event
from ingest.ag2_logs import REPLIED
from ingest.agents import Agents
from ingest.asides import Asides
from ingest.beside import read_copy, read_transcript
from ingest.chats import Chats
from ingest.events import Where, milliseconds
from ingest.files import FileLedger, Saved
from ingest.finder import Finder
from ingest.leaving import Leaving, Told
from ingest.lines import Bad, Record, encode
from ingest.llm import LLMLedger, count, microseconds
from ingest.messages import parse_message, text_or_none
from ingest.records import code_ran, failed, odd_blocks, tool_ended
from ingest.repeats import Repeats
from ingest.rows import Many, Row
from ingest.runrows import RunRows
from ingest.speakers import Listener
from ingest.transcripts import Transcript, Transcripts
from ingest.turns import Conversation

SPACING = 512
"""Positions between two records, for the events that one record makes before and after its own: a few, and the tool
calls that a message asks for."""

MAX_SEQ = 2**53
MAX_COUNT = 2**63 - 1
"""What a number in a journal may be; a larger one is no number of records."""

MAX_NOTES = 20
"""How many records that could not be interpreted are named in `runs.meta`, and how many missing transcripts."""

MAX_NAME = 4096
"""Characters of a name, id or path, as of the longest path that Linux opens. Names are held while a run is read."""

_NAMES = """
    action_name agent ends goes_on_with id in_chat name node_id parent path recipient run_id sender sha256 speaker
    step_id thread turn_of
    """.split()
"""Fields of records, and of the events and messages in them, that are names."""

NOT_UNDERSTOOD = (TypeError, ValueError, AttributeError, LookupError, RecursionError)
"""What contents of an unknown shape raise."""

Data = dict[str, Any]


class Assembler:
    """Turns the records of one run into rows.

    Args:
        run_id: the run.
        source_path: the file that its records stand in.
        folder: the run's folder, in which copies of files are looked for; None for a file that stands alone.
        channel: what `messages.source` says of its `message` records.
        roots: folders in which files are looked for of which the recorder saved nothing.
        nests: no record tells where its chats begin; see `ingest.nesting`.
    """

    def __init__(
        self,
        run_id: str,
        source_path: str,
        folder: str | None,
        channel: str,
        roots: Sequence[str] = (),
        *,
        nests: bool = False,
    ) -> None:
        self.rows = RunRows(run_id)
        self.records = self.bad_lines = self.torn_lines = 0
        self.not_understood: list[str] = []
        self.ended = False
        self.status: str | None = None
        self._journal = self.rows.tables["journal"]
        self._source_path, self._folder, self._channel = source_path, folder, channel
        self._agents = Agents()
        self._files = FileLedger(self.rows, self._agents.known, roots)
        self._llm = LLMLedger(self.rows)
        finder = Finder(self._missed)
        self._conversation = Conversation(self.rows, self._files, self._agents.known, finder, nests=nests)
        self._transcripts = Transcripts()
        self._unread: list[str] = []
        self._chats, self._leaving = Chats(self.rows), Leaving()
        self._asides = Asides(self._chats, self._conversation, self._agents)
        self._start: Data = {}
        self._recordings: set[str] = set()
        self._end: Data = {}
        self._times: list[int | None] = [None, None]
        self._next_seq = self._lost = 0
        self._repeats, self._listener = Repeats(), Listener()

    def add(self, record: Record) -> None:
        """Take in one record, in order."""
        data = record.data
        number, expected = count(data.get("seq")), self._next_seq
        seq = expected if number is None or number > MAX_SEQ else number
        repeated = seq < expected
        if not repeated:
            self._lost += seq - expected
            self._next_seq = seq + 1
        self.records += 1
        kind, where = str(data.get("kind")), self._where(data, seq)
        if seq == number and self._repeats.is_repeated(seq, record.text):
            self._keep(record, seq, kind, where)
            return
        if repeated:
            where.key += f" of line {record.line}"
        if where.time is not None:
            self._times = [self._times[0] if self._times[0] is not None else where.time, where.time]
        handler = _KINDS.get(kind)
        try:
            if handler:
                if len(record.text) > MAX_NAME:
                    _check_names(data)
                handler(self, data, where)
        except NOT_UNDERSTOOD as error:
            self._note(f"record {seq} ({kind})", error)
        self._keep(record, seq, kind, where)

    def _note(self, place: str, error: BaseException | str) -> None:
        """A known kind with contents of unknown shape. The record is in `journal`, and the run says so."""
        if len(self.not_understood) < MAX_NOTES:
            said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
            self.not_understood.append(f"{place}: {said}")

    def _missed(self, extractor: str, error: Exception) -> None:
        self._note(f"record {self._next_seq - 1} ({extractor})", error)

    def _keep(self, record: Record, seq: int, kind: str, where: Where) -> None:
        """Put a record into `journal`, as it is."""
        data = record.data
        agent = text_or_none(data.get("agent"))
        if agent is None and kind == journal.MESSAGE:
            agent = text_or_none(data.get("sender")) or parse_message(data.get("message")).sender
        text, path = record.text, self._source_path
        row = [self.rows.run_id, seq, where.time, kind, agent, where.step_id, text, path, record.line]
        self._journal.add(row, len(text) + len(agent or ""))

    def add_bad(self, bad: Bad) -> None:
        """Take in a line that could not be read."""
        self.bad_lines += 1
        self.torn_lines += bad.torn
        self.rows.add("quarantine", self._source_path, bad.line, bad.offset, bad.error, bad.raw)

    def _where(self, data: Data, seq: int) -> Where:
        get, chat = data.get, text_or_none(data.get("in_chat"))
        return Where(  # in order: with the names of its parts it takes half as long again
            str(seq),
            seq * SPACING + SPACING // 2,
            microseconds(get("ts")),
            str(get("thread", "")),
            text_or_none(get("step_id")),
            text_or_none(get("node_id")),
            text_or_none(get("parent")),
            None,
            chat,
            self._chats.talk(chat),
        )

    # --- kinds of records

    def _run_start(self, data: Data, where: Where) -> None:
        self._start = self._start or data
        if isinstance(data.get("run_id"), str):
            self._recordings.add(data["run_id"])

    def _event(self, data: Data, where: Where) -> None:
        fact = read_event(data.get("event"))
        if isinstance(fact, facts.Failed):
            event = self.rows.id("error", where.key)
            if self._leaving.of_event(fact, event, *self._places(where)):
                return
        if isinstance(fact, facts.RunFacts) and self._chats.outcomes:
            fact.facts.pop("cost", None)  # of a group AG2 0.10 counts two members, the end of the chat all
        if fact is not None:
            self._tell(fact, where)

    def _tell(self, fact: facts.Fact, where: Where) -> None:
        self._asides.place(fact, where)
        where.action, where.parent = self._chats.around(where)
        self._conversation.take(fact, where)

    def _message(self, data: Data, where: Where) -> None:
        sender, recipient = text_or_none(data.get("sender")), text_or_none(data.get("recipient"))
        message = parse_message(data.get("message"), sender, recipient)
        kind = text_or_none(data.get("recipient_class"))
        if kind is not None and recipient is not None and recipient not in self._agents.known:
            self._agents.describe(recipient, {"name": recipient, "class": kind})
        silent = True if data.get("valid") is False else data.get("silent")
        resumed = count(data.get("resumed"))
        said = facts.Said(message, self._channel, silent if isinstance(silent, bool) else None, resumed)
        if self._channel == "transcript":
            self._tell_all(self._listener.heard(said, where))
        else:
            self._tell(said, where)

    def _tell_all(self, messages: Iterable[tuple[facts.Said, Where]]) -> None:
        for said, where in messages:
            try:
                self._tell(said, where)
            except NOT_UNDERSTOOD as error:
                self._note(f"record {where.key} ({journal.MESSAGE})", error)

    def _chat_start(self, data: Data, where: Where) -> None:
        chat, turn_of = text_or_none(data.get("id")), text_or_none(data.get("turn_of"))
        if chat is None:
            return
        self._chats.check_room(chat)
        self._leaving.begins(_CHAT + chat, *self._places(where, is_inside=turn_of is not None))
        action, around = self._chats.around(where)
        group = None
        if isinstance(data.get("members"), list):
            manager = text_or_none(data.get("recipient")) or ""
            about = {"name": manager, "members": data["members"], "selection": data.get("selection")}
            group = self._agents.group_of(manager, about)
        if turn_of is None:
            is_alone = self._chats.begins(chat, data)
            if is_alone and where.chat is None and data.get("attributed") is not False:
                self._tell(facts.ChatBegun(), where)
        else:
            self._asides.place_agent(turn_of, where)
            where.parent = self._chats.around_turn(where)
            fact = facts.ChatOpened(chat, turn_of, text_or_none(data.get("recipient")))
            around = self._conversation.opened(fact, where)
        self._chats.enter(chat, action, around)
        self._asides.begins(data)
        self._conversation.of_group(self._chats.named(chat), group)
        former = self._chats.goes_on(chat)
        if former is not None and former.floor is not None and former.around == around:
            self._conversation.goes_on(self._chats.named(chat), former.floor)

    def _chat_end(self, data: Data, where: Where) -> None:
        chat = text_or_none(data.get("ends")) or ""
        is_unmarked = chat == self._chats.unmarked != ""
        inside = replace(where, chat=self._chats.named(chat), talk=self._chats.talk(chat))
        # a copy, because what is told says itself what it is in
        failed = self._ends(data, replace(inside), _CHAT + chat, *self._places(where, is_inside=False))
        inside.action, inside.parent = self._chats.around(inside)
        about = {name: data[name] for name in ("summary", "cost", "context_variables") if data.get(name) is not None}
        is_cut_off, agent = data.get("status") == "interrupted", text_or_none(data.get("agent"))
        closed = facts.ChatClosed(chat, data.get("summary"), failed, is_cut_off, agent, data.get("is_inside") is True)
        closed = self._asides.ends(chat, closed)
        ended = self._conversation.ended if is_unmarked else self._conversation.closed
        floor = ended(closed, inside)
        if self._chats.ends(chat, floor, {"status": data.get("status"), **about}):
            self._tell(facts.RunFacts(about), where)

    def _llm_call(self, data: Data, where: Where) -> None:
        self._tell(facts.Called(self._llm.called(data, where)), where)

    def _replied(self, data: Data, where: Where) -> None:
        function = None if data.get("is_silent") else text_or_none(data.get("function")) or ""
        self._tell(facts.Replied(text_or_none(data.get("agent")), function), where)

    def _function_call(self, data: Data, where: Where) -> None:
        self._tell(tool_ended(data), where)

    def _code_exec(self, data: Data, where: Where) -> None:
        if odd := odd_blocks(data):
            self._note(f"record {where.key} ({journal.CODE_EXEC})", odd)
        self._tell(code_ran(data), where)

    def _agent(self, data: Data, where: Where) -> None:
        fields = journal.KINDS[journal.AGENT]
        about = {k: v for k, v in data.items() if k in fields and v is not None}
        self._agents.describe(text_or_none(data.get("name")) or "", about)

    def _messages(self, data: Data, where: Where) -> None:
        messages = data.get("messages")
        if messages is None and self._folder is not None and data.get("path") is not None:
            messages = read_transcript(self._folder, data["path"])
            if messages is None and len(self._unread) < MAX_NOTES:
                self._unread.append(str(data["path"])[:1000])
        if isinstance(messages, list | Many):
            about = text_or_none(data.get("chat_id")), data.get("complete") is True, data.get("rest") is True
            self._transcripts.append(Transcript(where.position, messages, *about))

    def _step_start(self, data: Data, where: Where) -> None:
        step = str(data.get("id"))
        self._chats.step(step, text_or_none(data.get("parent")))
        self._leaving.begins(_STEP + step, *self._places(where))

    def _step_end(self, data: Data, where: Where) -> None:
        self._ends(data, where, _STEP + self._chats.step_that_ends(where))

    def _input(self, data: Data, where: Where) -> None:
        self._tell(facts.Asked(text_or_none(data.get("prompt")), text_or_none(data.get("answer"))), where)

    def _action(self, data: Data, where: Where) -> None:
        kind, name = str(data.get("action_type")), str(data.get("action_name"))
        details = data["details"] if isinstance(data.get("details"), dict) else {}
        error = failed(data)
        duration = count(data.get("duration_ns"))
        started = where.time - duration // 1000 if where.time is not None and duration is not None else where.time
        result = data.get("result")
        meta = {"action": True, "action_name": name, "error_type": error.error_type, "traceback": error.traceback}
        if kind == "tool_call":
            length = len(text_or_none(result) or "") if result is not None and error.error is None else None
            meta |= {"tool_name": name, "result_length": length}
        said = details.get("error_message", details.get("message")) if kind == "error" else None
        event = self.rows.event(
            kind,
            "action",
            where,
            event_id=self.rows.new_named_id(text_or_none(data.get("id")) or where.key),
            agent=text_or_none(data.get("agent")),
            status="failed" if data.get("status") == "failed" or kind == "error" else "completed",
            started=started,
            ended=where.time,
            error=error.error or text_or_none(said),
            inputs=details,
            outputs={"result": result},
            meta=meta,
        )
        place, places = text_or_none(data.get("id")) or "", self._places(where)
        if known := self._leaving.ends(_STEP + place, _exception(data), Told(event.id, is_action=True), *places):
            event.meta["echo_of"] = known.event
        self._conversation.marked(event, where)
        where.action, around = self._chats.around(where)
        where.parent = around if around != event.id else None
        self.rows.around(event.id, where.parent)
        self.rows.add_event(event)

    def _file(self, data: Data, where: Where) -> None:
        path = text_or_none(data.get("path"))
        if path:
            read = partial(read_copy, self._folder, data.get("copy"))
            self._files.saved(Saved(path, count(data.get("size")), text_or_none(data.get("sha256")), read, where))

    def _gap(self, data: Data, where: Where) -> None:
        self._lost += count(data.get("lost")) or 0

    def _run_end(self, data: Data, where: Where) -> None:
        self._end, self.ended = data, True
        fact = _exception(data)
        if fact is not None and not self._leaving.is_told(fact):
            self._tell(fact, where)

    def _places(self, where: Where, *, is_inside: bool = True) -> tuple[str | None, str | None]:
        """The step or action, and the chat, that something is in, as places of `Leaving`.

        Args:
            where: says them.
            is_inside: it is inside the chat whose records do not name it, and not around it, where it names none.
        """
        chat = where.chat or (self._chats.unmarked if is_inside else None)
        return _STEP + where.parent if where.parent else None, _CHAT + chat if chat else None

    def _ends(self, data: Data, where: Where, place: str, *around: str | None) -> facts.Failed | None:
        """An exception on its way out is told of by every chat and step that it leaves, and by the run.

        Gives it, where there is one, as an echo of the event that tells of it.
        """
        fact, is_chat = _exception(data), data.get("kind") == journal.CHAT_END
        told = Told(self.rows.id("error", where.key))
        known = self._leaving.ends(place, fact, told, *around, is_chat=is_chat)
        if fact is None:
            return None
        fact = replace(fact, ends_chat=is_chat)
        echo = replace(fact, echo_of=(known or told).event)
        if known is None:
            self._tell(fact, where)
        elif known.is_action and is_chat:  # a turn ended by it
            self._tell(echo, where)
        return echo

    # --- the run

    @property
    def host(self) -> str | None:
        """The machine that recorded the run."""
        return text_or_none(self._start.get("host"))

    @property
    def recordings(self) -> int:
        """How many runs' beginnings stand in the file: of several that were joined it is one run all the same."""
        return len(self._recordings)

    @property
    def last_time(self) -> int | None:
        """When the last record was made: UTC microseconds."""
        return self._times[1]

    def finish(self, source_format: str, about: Data, open_status: str) -> Iterator[tuple[str, list[Row], int]]:
        """Give all rows of the run as (table, rows, length of their texts), once.

        Args:
            source_format: name of the source that read it.
            about: what the source found out beside the records.
            open_status: the run's status where no `run_end` tells: running, interrupted, or completed.
        """
        sessions = list(about.get("sessions") or ())
        self.rows.session_id = text_or_none(self._start.get("session")) or (sessions[0] if len(sessions) == 1 else None)
        self._tell_all(self._listener.finish())
        self._conversation.finish(self._transcripts, self._chats.under_way())
        written = self._files.finish(text_or_none(self._start.get("cwd")))
        self._add_run(source_format, about, open_status, written)
        yield from self.rows.chunks()

    def _add_run(self, source_format: str, about: Data, open_status: str, written: int) -> None:
        start, tables, spent = self._start, self.rows.tables, self._llm
        versions = start["versions"] if isinstance(start.get("versions"), dict) else {}
        status = self.status = _STATUSES.get(str(self._end.get("status")), "completed" if self.ended else open_status)
        began, ended = self._times
        meta = self._meta(about)
        self.rows.add(
            "runs",
            self.rows.session_id,
            text_or_none(start.get("task") or meta.get("task") or meta.get("question")),
            text_or_none(start.get("mode") or meta.get("mode")),
            encode(start["tags"]) if start.get("tags") else None,
            status,
            began,
            None if status == "running" else ended,
            milliseconds(began, ended),
            tables["messages"].count - self._conversation.messages.earlier,
            *(tables[name].count for name in ("llm_calls", "tool_calls", "code_execs")),
            written,
            self.rows.failures.count,
            *(spent.tokens if tables["llm_calls"].count else (None,) * 3),
            spent.cost if tables["llm_calls"].count else None,
            *(text_or_none(versions.get(name)) for name in ("ag2", "python")),
            *(text_or_none(start.get(name)) for name in ("host", "cwd", "git_commit")),
            self._source_path,
            source_format,
            min(self._lost, MAX_COUNT),
            int(datetime.now(timezone.utc).timestamp() * 1_000_000),
            encode(meta),
        )

    def _meta(self, about: Data) -> Data:
        """Whatever else is known of the run."""
        meta: Data = dict(about.get("meta") or {})
        known = {"task", "mode", "tags", "session", "host", "cwd", "git_commit", *journal.COMMON, "run_id"}
        meta |= {k: v for k, v in self._start.items() if k not in known and v is not None}
        meta |= self._conversation.run_facts
        if len(self._chats.outcomes) > 1:
            meta["chats"] = list(self._chats.outcomes.values())
        if len(about.get("sessions") or ()) > 1:
            meta["sessions"] = list(about["sessions"])
        if agents := self._agents.all():
            meta["agents"] = agents
        if self._agents.left_out:
            meta["agents_left_out"] = self._agents.left_out
        for name in ("error", "stats", "usage"):
            if self._end.get(name):
                meta[name] = self._end[name]
        if self._unread:
            meta["transcripts_missing"] = self._unread
        if "newer_version" in about:
            meta["newer_version"] = about["newer_version"]
        if self._repeats.count:
            meta["repeated_lines"] = self._repeats.count
        if self.not_understood:
            meta["not_understood"] = self.not_understood
        return meta


def _check_names(data: Data) -> None:
    """Raise a ValueError where something that should be a name is none."""
    event = data.get("event")
    for named in (data, data.get("message"), event.get("content") if isinstance(event, dict) else None):
        values = [(name, named.get(name)) for name in _NAMES] if isinstance(named, dict) else []
        for name, value in values:
            if isinstance(value, str) and len(value) > MAX_NAME:
                raise ValueError(f"{name} of {len(value):,} characters")


def _exception(data: Data) -> facts.Failed | None:
    """The exception by which what a record ends has failed."""
    fact = failed(data)
    return fact if data.get("status") == "failed" and fact.error is not None else None


_STATUSES = {status: status for status in ("completed", "failed", "interrupted")}
"""What the end of a run may say of it."""

_STEP, _CHAT = "step ", "chat "
"""What the names of places begin with."""

_KINDS: dict[str, Callable[[Assembler, Data, Where], None]] = {
    journal.RUN_START: Assembler._run_start,
    journal.EVENT: Assembler._event,
    journal.INPUT: Assembler._input,
    journal.MESSAGE: Assembler._message,
    journal.CHAT_START: Assembler._chat_start,
    journal.CHAT_END: Assembler._chat_end,
    journal.LLM_CALL: Assembler._llm_call,
    journal.FUNCTION_CALL: Assembler._function_call,
    journal.CODE_EXEC: Assembler._code_exec,
    journal.AGENT: Assembler._agent,
    journal.MESSAGES: Assembler._messages,
    journal.STEP_START: Assembler._step_start,
    journal.STEP_END: Assembler._step_end,
    journal.ACTION: Assembler._action,
    journal.FILE: Assembler._file,
    journal.GAP: Assembler._gap,
    journal.RUN_END: Assembler._run_end,
    REPLIED: Assembler._replied,
}
"""What is done with each kind of record. Other kinds, such as `print`, stand in `journal` alone."""
