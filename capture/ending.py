"""What a run says when it ends: what is still under way, who took part, what was said and made, and how it went."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from capture import encode, format, transcript
from capture.files import save_files, share_folders

if TYPE_CHECKING:
    from capture.run import Run

log = logging.getLogger("capture")

INTERRUPTS: Final = (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit)
"""Exceptions by which somebody stops a run that had nothing wrong with it."""


def end(run: "Run", error: BaseException | None) -> None:
    """Writes what is left to be said. What fails in one part costs neither the others nor the last record.

    Args:
        run: the run that ends.
        error: what ended it; None where it was completed.
    """
    run.journal.check()
    fields: dict[str, Any] = {"status": status_of(error)}
    if error is not None:
        fields["error"] = encode.error_fields(error)
    fields["usage"] = {}
    parts: tuple[tuple[str, Callable[[], None]], ...] = (
        ("LLM calls", lambda: _end_calls(run)),
        ("usage", lambda: fields.update(usage=run.agents.usages())),
        ("agents", lambda: _write_agents(run)),
        ("transcripts", lambda: transcript.save_rest(run)),
        ("folders", lambda: share_folders(run)),
        ("files", lambda: save_files(run, run.files) if run.files is not None else None),
    )
    for what, part in parts:
        try:
            part()
        except Exception as problem:
            reason = f"{what} may be missing: {type(problem).__name__}: {problem}"
            log.warning("capture: %s: %s", run.id, reason)
            run.write(format.GAP, {"lost": 0, "reason": reason}, run.base)
    fields["stats"] = run.stats()
    run.write(format.RUN_END, fields, run.base)


def status_of(error: BaseException | None) -> str:
    """Status of a run or chat that this ended: completed, interrupted or failed."""
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "completed"
    return "interrupted" if isinstance(error, INTERRUPTS) else "failed"


def _end_calls(run: "Run") -> None:
    """Records the LLM calls that nobody waits for any more: those of a task that was cancelled."""
    for attempt in list(run.under_way):
        attempt.fail(None)


def _write_agents(run: "Run") -> None:
    """Describes the agents that never acted, and once more those that have changed."""
    for described in (run.agents.silent, run.agents.changed):
        for facts in described():
            run.write(format.AGENT, facts, run.base)
