"""What the recorder's own records tell, as facts. Those of AG2's events are in `ingest.ag2_events`."""

from typing import Any

from capture import format as journal
from ingest import facts
from ingest.llm import microseconds
from ingest.messages import text_or_none

Data = dict[str, Any]


def tool_ended(data: Data) -> facts.ToolEnded:
    """A `function_call` record."""
    error = failed(data)
    return facts.ToolEnded(
        call_id=text_or_none(data.get("call_id")),
        name=text_or_none(data.get("name")) or "",
        arguments=data.get("arguments"),
        result=data.get("result"),
        failed=data.get("status") == "error",
        executor=text_or_none(data.get("agent")),
        returned=True,
        error=error.error,
        error_type=error.error_type,
        traceback=error.traceback,
        started=microseconds(data.get("started")),
        ended=microseconds(data.get("ended")),
        ident=text_or_none(data.get("id")),
    )


def odd_blocks(data: Data) -> str | None:
    """What is wrong with the blocks of a `code_exec` record, in words; None where nothing is."""
    blocks = data.get("blocks")
    if blocks is not None and not isinstance(blocks, list):
        return "its blocks are no list"
    odd = [block for block in blocks or () if not isinstance(block, dict)]
    are = "is no object" if len(odd) == 1 else "are no objects"
    return f"{len(odd)} of its {len(blocks or ())} blocks {are}" if odd else None


def code_ran(data: Data) -> facts.CodeRan:
    """A `code_exec` record, with those of its blocks that are any."""
    blocks = [b for b in data["blocks"] if isinstance(b, dict)] if isinstance(data.get("blocks"), list) else []
    error, exit_code = failed(data), data.get("exit_code")
    whole = isinstance(exit_code, int) and not isinstance(exit_code, bool) and abs(exit_code) < 2**31
    return facts.CodeRan(
        executor=text_or_none(data.get("agent")),
        blocks=[(text_or_none(b.get("language")) or "", text_or_none(b.get("code")) or "") for b in blocks],
        exit_code=exit_code if whole else None,
        output=text_or_none(data.get("output")),
        started=microseconds(data.get("started")),
        ended=microseconds(data.get("ended")),
        error_type=error.error_type,
        error=error.error,
        traceback=error.traceback,
        work_dir=text_or_none(data.get("work_dir")),
    )


def failed(data: Data) -> facts.Failed:
    """The error that a record of any kind tells of; its fields are None where it tells of none.

    Without a message, as of a bare `assert`, it has the name of its type for one.
    """
    agent = text_or_none(data.get("agent")) if data.get("kind") == journal.CHAT_END else None
    error = data.get("error")
    if not isinstance(error, dict):
        return facts.Failed(None, None, None, agent)
    error_type, message, traceback = (text_or_none(error.get(k)) for k in ("type", "message", "traceback"))
    inside = error.get("exceptions")
    words = [one for one in inside if isinstance(one, dict)] if isinstance(inside, list) else []
    types = [text_or_none(one.get("type")) for one in words]
    raised = tuple((of, text_or_none(one.get("message")) or of) for of, one in zip(types, words, strict=True))
    return facts.Failed(error_type, message or error_type, traceback, agent, inside=raised)
