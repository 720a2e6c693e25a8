"""Code executions: the code from the message before, exit code and output from the message after.

AG2's event about a code execution holds languages, no code. The executor takes the last message with code blocks since
it last spoke, runs all its blocks, and answers `exitcode: 1 (execution failed)\\nCode output: ...`.
"""

import posixpath
import re
from dataclasses import dataclass, field

from ingest import facts
from ingest.events import Event, Where
from ingest.extractors import Block, CodeFacts, Hit
from ingest.extractors.errors import TRACEBACK
from ingest.finder import Finder, remembered
from ingest.messages import Message
from ingest.reached import (
    NOTHING,
    ONLY_SAVED,
    REFUSED,
    SAVED_AS,
    number_not_taken,
    number_that_failed,
    saved_blocks,
    without_saved,
)
from ingest.repairs import FailedCode
from ingest.runrows import RunRows, preview
from ingest.syntax import PYTHON, normal_hash
from ingest.tokens import SHELLS
from ingest.written import MAX_CODE, LookedAt, Written, WrittenCode, code_hash

_REPLY = re.compile(r"\s{0,9}exitcode: (-?\d{1,9}) \([^)\n]{0,40}\)(?:\r?\nCode output:[ ]?|\s{0,9}\Z)")
_RUNS_PYTHON = re.compile(r"\bpython|\.py\b|\bpytest\b|\buv\b")
EXECUTES = "code_execution"
"""In the names of AG2's functions that run code and make a reply of it."""

MAX_OPEN = 10_000
"""Executions that may be under way at once, by chat and executor."""


@dataclass(slots=True)
class _Open:
    """An execution that has begun."""

    where: Where
    languages: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    length: int = 0
    ran: facts.CodeRan | None = None


@dataclass(slots=True)
class Execution:
    """A finished execution: its event, its code, and what that reads and writes.

    `saved` maps the path of a block that the executor saved before it ran it to the block. `done` are the paths that
    blocks write which went well before another one failed.
    """

    event: Event
    blocks: list[Block]
    writes: list[Hit]
    reads: list[Hit]
    saved: dict[str, str]
    done: frozenset[str]


LABELS = {
    **dict.fromkeys(PYTHON, "python"),
    **dict.fromkeys(SHELLS, "sh"),
}
"""Names that blocks of one language go by. The macro `ingest.language` has them for SQL."""


class CodeLedger:
    """The code of one run that was written and may be executed.

    Chats that go on at once may have agents of the same names: what is of one is not taken for that of another.
    """

    def __init__(self, rows: RunRows, finder: Finder) -> None:
        self._rows, self._finder = rows, finder
        self._open: dict[tuple[str, str], _Open] = {}
        """By chat and executor."""
        self._written = WrittenCode()
        self._failed_code = FailedCode()
        self._watched = False
        self.languages: list[str] = []
        """Languages of the blocks in the message that was said last, where they are known."""

    def started(self, fact: facts.CodeStarted, where: Where) -> Execution | None:
        """The executor has found code and is about to run it. Gives its last execution, as `block_started`."""
        self._watched = True
        unreported = self.unreported(fact.executor, where)
        self._begun(fact.executor, where).languages = fact.languages
        return unreported

    def block_started(self, fact: facts.CodeBlockStarted, where: Where) -> Execution | None:
        """The executor of the old kind is about to run one block.

        Returns:
            Its last execution, where that is over and no message has reported it: user code made that. Nor is more code
            held than may wait.
        """
        self._watched = True
        unreported = self.unreported(fact.executor, where)
        execution = self._open.get((where.talk, fact.executor)) or self._begun(fact.executor, where)
        if execution.blocks and execution.length + len(fact.code) > MAX_CODE:
            unreported = self._finished(fact.executor, execution.where, execution, None, "")
            execution = self._begun(fact.executor, where)
        execution.blocks.append(Block(fact.language, fact.code))
        execution.length += len(fact.code)
        return unreported

    def _begun(self, executor: str, where: Where) -> _Open:
        """An execution begins. Raises a ValueError where too many are under way."""
        if len(self._open) >= MAX_OPEN and (where.talk, executor) not in self._open:
            raise ValueError(f"more than {MAX_OPEN:,} executions are under way")
        execution = self._open[where.talk, executor] = _Open(where)
        return execution

    def unreported(self, executor: str | None, where: Where) -> Execution | None:
        """An agent's last execution, where that is over and no message has reported it."""
        execution = self._open.get((where.talk, executor or ""))
        if execution is None or execution.ran is None:
            return None
        del self._open[where.talk, executor or ""]
        return self._finished(executor, execution.where, execution, None, "")

    def ran(self, fact: facts.CodeRan, where: Where) -> Execution | None:
        """Code was run. Gives the execution where no message reports it, such as one that user code made."""
        self._watched = True
        execution = self._open.get((where.talk, fact.executor or ""))
        if execution is not None and execution.ran is None:
            execution.ran = fact
            if fact.error is None:
                return None
            del self._open[where.talk, fact.executor or ""]  # the exception leaves the chat, or user code reports it
            return self._finished(fact.executor, execution.where, execution, None, "")
        return self._finished(fact.executor, where, _Open(where, ran=fact), None, "")

    def said(
        self, message: Message, channel: str, where: Where, turn: str, made_by: str | None = None
    ) -> Execution | None:
        """Take in a message, of that turn. Gives the execution that it reports, if it does.

        Where AG2's events are in the run, they tell what was executed: a model may answer `exitcode: 0` as well. So
        does `made_by`, the name of AG2's function that made the message, where that is known.
        """
        self.languages = []
        self._watched = self._watched or channel == "event"
        execution = self._open.pop((where.talk, message.sender or ""), None)
        may_report = not message.responses and (made_by is None or EXECUTES in made_by)
        reply = _REPLY.match(message.plain) if may_report else None
        if reply and (execution or channel == "transcript" or not self._watched):
            output = message.plain[reply.end() :]
            reported = self._finished(message.sender, where, execution, int(reply[1]), output, message.recipient)
            self._keep(message, where, turn)  # another executor runs what stands in the output
            return reported
        if execution:
            return self._finished(message.sender, where, execution, None, "")
        self.languages = [block.language for block in self._keep(message, where, turn) if block.language]
        return None

    def _keep(self, message: Message, where: Where, turn: str) -> list[Block]:
        """The code in a message, which may be run now."""
        blocks = self._finder.blocks(message.plain)
        if blocks:
            self._written.keep(Written(where.talk, turn, message.sender, preview(message.plain), blocks))
        return blocks

    def unfinished(self) -> list[Execution]:
        """At the end of the run: executions that nothing was heard of again."""
        return [self._finished(executor, e.where, e, None, "") for (_, executor), e in self._open.items()]

    def forget(self) -> None:
        """What follows is another conversation."""
        self._open.clear()
        self._written.forget()
        self._failed_code.forget()

    def _source(
        self, executor: str | None, execution: _Open | None, is_reported: bool, talk: str, to: str | None
    ) -> Written | None:
        """The message that has the code of an execution, where somebody else wrote it."""
        by_others = executor, talk, to
        if execution is None:
            return self._written.latest(*by_others)
        if execution.ran:
            same = self._written.same([code for _, code in execution.ran.blocks], *by_others)
            # code that no message reports may be the user's own: then nobody wrote it but who wrote just that
            if same or not (execution.languages or (execution.blocks and is_reported)):
                return same
        return self._written.latest(*by_others, languages=execution.languages)

    def _finished(
        self,
        executor: str | None,
        where: Where,
        execution: _Open | None,
        exit_code: int | None,
        output: str,
        to: str | None = None,
    ) -> Execution:
        ran = execution.ran if execution else None
        written = self._source(executor, execution, exit_code is not None, where.talk, to)
        if ran:
            exit_code = ran.exit_code if exit_code is None else exit_code
            output = output or ran.output or ""
        told = execution.blocks if execution else []
        blocks, found, failing, went_well = self._reached(told, ran, written, exit_code != 0, output)
        stored = 0
        if not told and ran is None and written is not None:  # else the execution's own records have the code
            stored, written.stored = written.stored, max(written.stored, len(blocks))
        looked_at = [fact for fact, _ in found]
        language = _language(blocks, failing, output if exit_code != 0 else "")
        at = execution.where if execution else where
        status, error_type, error = self._outcome(ran, exit_code, output)
        event = self._rows.event(
            "code_exec",
            "executed",
            at,
            agent=written.agent if written else None,
            status=status,
            started=ran.started if ran else at.time if execution else None,
            ended=ran.ended if ran else where.time if exit_code is not None else None,
            error=error,
            inputs=_inputs(blocks, language, written),
            outputs={"result": output, "result_preview": preview(output), "exit_code": exit_code},
            meta=_meta(blocks, language, looked_at, status, exit_code, executor, error_type)
            | {"written_in": written.turn if written else None},
        )
        if ran and ran.traceback:
            event.meta["traceback"] = ran.traceback
        if ran and ran.work_dir is not None:
            event.meta["work_dir"] = ran.work_dir
        if status == "failed":
            self._failed_code.failed(event, where.talk, label(language))
        elif status == "completed":
            self._failed_code.succeeded(event, where.talk, map(label, event.meta.get("languages") or [language]))
        if blocks:  # not sooner: it is compared with other code first
            event.inputs["code"] = self._code(event.inputs["code"], stored > 0)
        self._add_rows(event, blocks, stored, [hashed for _, hashed in found], executor)
        # of several blocks nobody knows how far the executor came, where the output does not tell; one that raised may
        # have done so because there is no folder for the first
        far = None if status == "completed" or failing is not None else 1
        reached = list(zip(blocks, looked_at, strict=True))[: 0 if ran and ran.error is not None else far]
        saved = saved_blocks(reached, is_refused=REFUSED in output)
        writes = [hit for fact in looked_at for hit in fact.writes]
        reads = [hit for fact in looked_at for hit in fact.reads]
        done = frozenset(hit.path for fact in looked_at[:went_well] for hit in fact.writes)
        return Execution(event, blocks, writes, reads, saved, done)

    def _outcome(
        self, ran: facts.CodeRan | None, exit_code: int | None, output: str
    ) -> tuple[str, str | None, str | None]:
        """How an execution ended: its status, and class and text of the error."""
        if ran and ran.error is not None:
            return "failed", ran.error_type, ran.error
        if exit_code is None:
            return "pending", None, None
        if exit_code == 0:
            return "completed", None, None
        error_type, error = self._finder.error(output)
        return "failed", error_type, error if error is not None else f"exit code {exit_code}"

    def _reached(
        self, told: list[Block], ran: facts.CodeRan | None, written: Written | None, has_failed: bool, output: str
    ) -> tuple[list[Block], list[LookedAt], Block | None, int]:
        """The blocks that were run, as far as the executor came, what is in them, which one failed, as far as anybody
        knows, and how many went well before it.

        `told`: those that an executor of the old kind began, one by one.
        """
        failing, went_well = None, 0
        if told:  # it stops at the first that fails
            blocks, found, went_well = told, self._looked_at(told, is_old_kind=True), len(told) - 1
        else:
            blocks, found = self._run(ran, written)
            if has_failed and (number := number_that_failed(blocks, found, output)) is not None:
                blocks, found, failing, went_well = blocks[: number + 1], found[: number + 1], blocks[number], number
        if has_failed and (number := number_not_taken(blocks, output)) is not None:
            found = [*found[:number], (NOTHING, found[number][1])]
            blocks, failing, went_well = blocks[: number + 1], blocks[number], number
        if ONLY_SAVED in output:
            found = without_saved(blocks, found, output)
        return blocks, found, failing, went_well

    def _run(self, ran: facts.CodeRan | None, written: Written | None) -> tuple[list[Block], list[LookedAt]]:
        """The blocks that were to be run, and what is in them."""
        if ran is not None or written is None:
            blocks = [Block(*block) for block in ran.blocks] if ran is not None else []
            return blocks, self._looked_at(blocks)
        if written.looked_at is None:
            written.looked_at = self._looked_at(written.blocks)
        return written.blocks, written.looked_at

    def _looked_at(self, blocks: list[Block], *, is_old_kind: bool = False) -> list[LookedAt]:
        """What is in each block. Facts and hash need the syntax tree, of which the latest are remembered.

        `is_old_kind`: of the executor, which gives a file's name to code in Python alone.
        """
        looked_at: list[LookedAt] = []
        for block in blocks:
            found = self._finder.code(block.code, block.language)
            if is_old_kind and label(block.language) != "python":
                found = found._replace(writes=tuple(hit for hit in found.writes if hit.method != SAVED_AS))
            looked_at.append((found, _normal_hash(block.code, block.language)))
        return looked_at

    def _add_rows(
        self, event: Event, blocks: list[Block], stored: int, hashes: list[str | None], executor: str | None
    ) -> None:
        """A row for each block of an execution, and one where nobody knows what was run.

        `stored`: how many of the blocks stand in earlier rows.
        """
        output = event.outputs["result"]
        for number, (block, hashed) in enumerate(zip(blocks, hashes, strict=True) if blocks else [(None, None)]):
            self._rows.add(
                "code_execs",
                event.id,
                (block.language or None) if block else None,
                self._code(block.code, number < stored) if block else None,
                code_hash(block.code) if block else None,
                hashed,
                event.outputs["exit_code"],
                output if number == 0 or self._rows.may_repeat(len(output)) else None,
                event.agent,
                executor,
                event.status,
                event.started,
                event.duration_ms,
            )

    def _code(self, code: str, is_repeated: bool) -> str | None:
        """Code for a row. Too much of what stands in earlier ones is not repeated."""
        return code if not is_repeated or self._rows.may_repeat(len(code)) else None


_normal_hash = remembered(normal_hash, 256)


def _inputs(blocks: list[Block], language: str | None, written: Written | None) -> dict[str, object]:
    code = "\n\n".join(block.code for block in blocks) if blocks else None
    return {
        "language": language,
        "code": code,
        "code_hash": code_hash(code) if code is not None else None,
        "context": written.begins if written else None,
    }


def _language(blocks: list[Block], failing: Block | None, output: str) -> str | None:
    """The language of an execution: of the block that failed where that is known, or else of the first."""
    if failing is None and TRACEBACK in output:  # of a program that another block runs, where that does
        failing = next((b for b in blocks if label(b.language) == "python" or _RUNS_PYTHON.search(b.code)), None)
    block = failing or (blocks[0] if blocks else None)
    return block.language if block else None


def label(language: str | None) -> str | None:
    """The one name of a language, of the several that agents write on a block."""
    return LABELS.get((language or "").lower(), language)


def _languages(blocks: list[Block], language: str | None) -> list[str | None]:
    """The languages of an execution, each once, that by which it is called first."""
    names: dict[str | None, str | None] = {}
    for name in [language, *[block.language for block in blocks]]:
        names.setdefault(label(name), name)
    return list(names.values())


def _meta(
    blocks: list[Block],
    language: str | None,
    looked_at: list[CodeFacts],
    status: str,
    exit_code: int | None,
    executor: str | None,
    error_type: str | None,
) -> dict[str, object]:
    languages = _languages(blocks, language)
    return {
        "language": language,
        "files_written": _paths([hit for fact in looked_at for hit in fact.writes]),
        "files_read": _paths([hit for fact in looked_at for hit in fact.reads]),
        **({"files_read_back": back} if (back := _read_back(looked_at)) else {}),
        "imports": sorted({name for fact in looked_at for name in fact.imports}),
        "code_length": sum(len(block.code) for block in blocks),
        "has_error": status == "failed",
        "exit_code": exit_code,
        "executor": executor,
        "error_type": error_type,
        "blocks": len(blocks),
        **({"languages": languages} if len(languages) > 1 else {}),
    }


def _read_back(looked_at: list[CodeFacts]) -> list[str]:
    """The files that an execution reads and wrote itself before, in the same block or in one before."""
    written: set[str] = set()
    read: dict[str, bool] = {}
    for fact in looked_at:
        for hit in fact.reads:
            path = posixpath.normpath(hit.path)
            read.setdefault(hit.path, path in written or hit.path in fact.read_back)
        written.update(fact.overwrites)
    return [path for path, is_back in read.items() if is_back]


def _paths(hits: list[Hit]) -> list[str]:
    return list(dict.fromkeys(hit.path for hit in hits))
