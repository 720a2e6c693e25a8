"""What agents did to say something: the rows of LLM calls, tool calls and executed code, in their turn or in none."""

from collections.abc import Sequence
from typing import Any

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
        self._waiting: dict[int, tuple[list[Any], Event | Execution]] = {}
        """By the `id()` of its event what waits for a turn to end, the oldest first, and the list that it waits in."""
        self._length = 0
        """Characters of these events."""

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
        if self._waiting.pop(id(event), None) is not None:
            self._length -= event.length
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
            self._keep(talk.executions[executor], execution, execution.event)

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
        self._keep(waiting, event, event)

    def _keep(self, waiting: list[Any], new: Event | Execution, event: Event) -> None:
        """Something waits from now on. The last one does whatever its length."""
        waiting.append(new)
        self._waiting[id(event)] = waiting, new
        told = (event.inputs, event.outputs, event.error, event.meta)
        event.length = sum(map(text_length, told))
        self._length += event.length
        if len(waiting) > MAX_CHILDREN:
            self._give_out(waiting, waiting[0])
        while self._length > MAX_HELD and len(self._waiting) > 1:
            self._give_out(*next(iter(self._waiting.values())))

    def _give_out(self, waiting: list[Any], oldest: Event | Execution) -> None:
        """What has waited for longest belongs to no turn."""
        waiting.remove(oldest)
        if isinstance(oldest, Execution):
            self.alone(oldest)
        else:
            self.add(oldest, None, 0)

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
