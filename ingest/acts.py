"""What agents did to say something: the rows of LLM calls, tool calls and executed code, in their turn or in none."""

from collections.abc import Sequence

from ingest.code import Execution
from ingest.events import Event, Where
from ingest.extractors import Hit
from ingest.files import FileLedger
from ingest.finder import Finder
from ingest.latest import MAX_HELD
from ingest.lines import text_length
from ingest.runrows import SINGLE, RunRows
from ingest.talk import Talk

MAX_CHILDREN = 1000
"""Events of an agent, or executions, that wait for its turn to end. An agent that never speaks must not fill the
memory."""


class ActLedger:
    """Adds the rows of what agents did, and notes the files in it.

    Args:
        rows: where the rows go.
        files: learns of the files that code and tools write, read and mention.
        finder: asks the extractors.
    """

    def __init__(self, rows: RunRows, files: FileLedger, finder: Finder) -> None:
        self._rows, self._files, self._finder = rows, files, finder

    def in_turn(self, events: list[Event], parent: str, where: Where, executions: Sequence[Execution] = ()) -> None:
        """Add events that happened in a turn, or before the exception that ended one.

        Args:
            events: what happened.
            parent: the event of the turn, or the exception.
            where: where that is.
            executions: what is known of those of the events that executed code.
        """
        for event in events:
            event.where.parent = where.parent
            self.add(event, parent, 1)
        for execution in executions:
            self._executed(execution, 1)

    def add(self, event: Event, parent: str | None, depth: int) -> None:
        """Add an event that happened in a turn, or in none."""
        if event.type == "llm_call" and parent is None:
            event.subtype = SINGLE
        hits = self._files_of_tool(event) if event.type == "tool_call" else []
        written = [hit.path for hit in hits if hit.operation == "write"]
        if event.type == "tool_call":
            event.outputs["files_generated"] = written
            read = [hit.path for hit in hits if hit.operation == "read"]
            event.meta |= {"has_files": bool(written), "file_count": len(written), "files_read": read}
        self._rows.add_event(event, parent, depth)
        for hit in hits:
            if hit.operation == "write":
                self._files.written(hit.path, event, depth, hit.method)
            else:
                self._files.named(hit.path, hit.operation, hit.method, "tool_call", event.id, event.where)

    def unreported(self, execution: Execution | None, executor: str | None, talk: Talk) -> None:
        """Code that an agent ran and does not report belongs to its turn; what no agent ran to what is around it."""
        if execution is not None and executor is None:
            self.alone(execution)
        elif execution is not None:
            waiting = talk.executions[executor]
            waiting.append(execution)
            while _is_too_much([execution.event for execution in waiting]):
                self.alone(waiting.pop(0))

    def _executed(self, execution: Execution, depth: int) -> None:
        """Note what files the code of an execution writes and reads."""
        writes: dict[str, Hit] = {}
        for hit in execution.writes:
            writes.setdefault(hit.path, hit)
        for path, hit in writes.items():
            is_done = path in execution.done
            self._files.written(path, execution.event, depth, hit.method, execution.saved.get(path), is_done)
        for block in execution.blocks:
            self._files.ran(block.code, execution.event, depth)
        for hit in execution.reads:
            event = execution.event
            self._files.named(hit.path, "read", hit.method, "code_execution", event.id, event.where)

    def wait(self, waiting: list[Event], event: Event) -> None:
        """Keep an event until its agent speaks. Of more than one turn can hold the oldest belongs to none."""
        waiting.append(event)
        while _is_too_much(waiting):
            self.add(waiting.pop(0), None, 0)

    def orphans(self, talk: Talk, agent: str | None) -> None:
        """What an agent did that ended in no message, such as the LLM call for a summary, or one that failed."""
        for event in talk.pending.pop(agent, []):
            if event.type == "llm_call":  # a group that keeps the speaker tells its choice by that agent's turn alone
                event.meta |= talk.selected.pop(agent, {})
            self.add(event, None, 0)
        for execution in talk.executions.pop(agent, []):
            self.alone(execution)

    def alone(self, execution: Execution) -> None:
        """Code that was run in no turn."""
        self.add(execution.event, None, 0)
        self._executed(execution, 0)

    def _files_of_tool(self, event: Event) -> list[Hit]:
        """Files that a tool call names, in its arguments or its result; a path once, by what tells most of it."""
        found: dict[str, Hit] = {}
        named = self._finder.arguments(event.inputs["tool"] or "", event.inputs["args"])
        for hit in [*named, *self._finder.text(event.outputs.get("result") or "")]:
            known = found.get(hit.path)
            if known is None or (known.operation != "write" and hit.operation == "write"):
                found[hit.path] = hit
        return list(found.values())


def _is_too_much(waiting: list[Event]) -> bool:
    """Whether more events wait than are held; the last one has just come, and is held whatever its length."""
    latest = waiting[-1]
    latest.length = latest.length or text_length(latest.inputs) + text_length(latest.outputs)
    # where all are short, so many are not too long
    is_long = latest.length > MAX_HELD // MAX_CHILDREN and sum(event.length for event in waiting) > MAX_HELD
    return len(waiting) > MAX_CHILDREN or (is_long and len(waiting) > 1)
