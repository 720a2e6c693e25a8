"""Reading many runs at once: a process for each core, which puts the rows into the staging folder.

Nothing here or behind it loads DuckDB, so that workers start fast and stay small.
"""

import contextlib
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import spawn, util
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias, cast

from ingest import budget
from ingest.batches import evenly
from ingest.found import Found, IngestError
from ingest.read import Report
from ingest.runrows import storage_order
from ingest.stage import read_share
from ingest.stopped import SIGNALS
from ingest.worker import STARTED

SHARE_BYTES = 16 * 1024 * 1024
MIN_SHARE_BYTES = 1024 * 1024
SHARE_FILES = 500
SHARES = 4
"""What one worker task reads: small enough to keep all workers busy to the end, a quarter of what each has to do."""

_Worker: TypeAlias = "Connection[Any, Any]"
"""A worker, as what connects to it."""

_Task: TypeAlias = tuple[int, list[Found]]
"""A share, with its number."""

ALONE_BYTES = 4 * 1024 * 1024
"""Below this much input, starting workers takes longer than reading."""


def read_all(changed: list[Found], staging: str, progress: Callable[[int, int], None]) -> list[Report]:
    """Read files into the staging folder, in the order in which their runs are to stand in the tables.

    Args:
        changed: the files.
        staging: the folder; made where it is missing.
        progress: called with the bytes done and the bytes to do.

    Returns:
        A report for each file, by path.

    Raises:
        IngestError: a worker was killed.
    """
    total, done = sum(map(_bytes, changed)), 0
    shares = _shares(changed, budget.cores())
    os.makedirs(staging, exist_ok=True)
    reports: list[Report] = []
    for share, read in _read_shares(shares, staging, 0 if total < ALONE_BYTES else budget.workers(shares)):
        reports += read
        done += sum(map(_bytes, share))
        progress(done, total)
    return sorted(reports, key=lambda report: report.found.path)


def _bytes(found: Found) -> int:
    """What may have to be read of a run."""
    return found.size + found.beside


def _shares(changed: list[Found], cores: int) -> list[list[Found]]:
    """What the worker tasks read, each about as much as the others, and each core as many as the others."""

    def effort(found: Found) -> int:
        return _bytes(found) + SHARE_BYTES // SHARE_FILES  # to open it takes some time, however small it is

    total = sum(map(effort, changed))
    number = max(math.ceil(total / SHARE_BYTES), min(SHARES * cores, total // MIN_SHARE_BYTES))
    if number > 1:
        number = math.ceil(number / cores) * cores
    return evenly(sorted(changed, key=lambda f: storage_order(f.run_id)), effort, number)


def _read_shares(shares: list[list[Found]], staging: str, workers: int) -> Iterator[tuple[list[Found], list[Report]]]:
    """Each share with its reports, as they come. Without workers they are read here."""
    if not workers:
        for number, share in enumerate(shares):
            yield share, read_share(share, staging, f"{number:06}")
        return
    largest_first = sorted(enumerate(shares), key=lambda task: -sum(map(_bytes, task[1])))
    room = budget.MEMORY - workers * budget.WORKER
    with _starting() as (start, end):
        idle = [start() for _ in range(workers)]
        busy: dict[_Worker, list[Found]] = {}
        while largest_first or busy:
            while idle and (task := _fitting(largest_first, room - sum(map(budget.held, busy.values())), not busy)):
                largest_first.remove(task)
                (number, share), worker = task, idle.pop()
                _asked(worker.send, (read_share, share, staging, f"{number:06}"))
                busy[worker] = share
            for worker in cast(list[_Worker], wait(list(busy))):
                outcome, share = _asked(worker.recv), busy.pop(worker)
                if isinstance(outcome, Exception):
                    raise outcome
                if largest_first and budget.held(share) > budget.WORKER:
                    end(worker)  # of what it held, it gives back but a part
                    worker = start()
                idle.append(worker)
                yield share, outcome


def _fitting(tasks: list[_Task], room: int, is_alone: bool) -> _Task | None:
    """The first task for which there is memory beside what is being read; alone, the first one."""
    return next((task for task in tasks if is_alone or budget.held(task[1]) <= room), None)


def _asked(what: Callable[..., Any], *given: Any) -> Any:
    """Sends to a worker, or receives from it."""
    try:
        return what(*given)
    except (EOFError, OSError):
        raise IngestError(
            "a worker process was killed or can't go on, perhaps for want of memory; the tables are as they were, "
            "ingest again"
        ) from None


@contextlib.contextmanager
def _starting() -> Iterator[tuple[Callable[[], _Worker], Callable[[_Worker], None]]]:
    """What starts workers, which end behind this, whatever they are at, and what ends one before.

    Not an executor of the standard library: its queues are locked by semaphores, which have names in the system and
    stay there when all processes are killed at once. Nor its processes: these go to the current folder first, which
    may be one that this user can't enter, and look for modules there, where files of agents may lie.
    """
    workers: dict[_Worker, subprocess.Popen[bytes]] = {}

    def start() -> _Worker:
        with _without_interrupts():
            connection, theirs = multiprocessing.Pipe()
            with theirs:
                workers[connection] = _start(theirs)
        return connection

    def end(worker: _Worker) -> None:
        worker.close()
        workers[worker].wait()
        del workers[worker]

    try:
        yield start, end
    finally:
        for connection in workers:
            connection.close()
        for process in workers.values():
            process.wait()


def _start(theirs: _Worker) -> "subprocess.Popen[bytes]":
    """A process that does what it is asked through this connection."""
    handle = theirs.fileno()
    # as the standard library starts its own, so that both understand names of files alike
    flags: list[str] = util._args_from_interpreter_flags()  # type: ignore[attr-defined]
    folders = [path for path in sys.path if isinstance(path, str)]  # Python passes over anything else, too
    command = [os.fsdecode(spawn.get_executable()), *flags, "-c", STARTED, str(handle), *folders]
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        information = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        return subprocess.Popen(command, startupinfo=information)
    try:
        return subprocess.Popen(command, pass_fds=[handle])
    except OSError as error:
        raise IngestError(
            f"no process can be started to read with, {error.strerror}; the tables are as they were"
        ) from None


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Signals that come meanwhile are heard afterwards: a worker that is started gets all that it needs, or it would
    complain. All processes that are started leave what a terminal sends to each of them, Ctrl-C and that it is gone, to
    this one, from their first moment."""
    held: list[int] = []
    handlers: dict[int, Any] = {}
    mask = None
    if hasattr(signal, "pthread_sigmask"):
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGHUP])
    try:
        if threading.current_thread() is threading.main_thread():
            # the mask is this thread's: a signal that another one takes is heard here all the same
            for number in (getattr(signal, name, None) for name in SIGNALS):
                if number is not None and callable(signal.getsignal(number)):
                    handlers[number] = signal.signal(number, lambda number, frame: held.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if held:
            signal.raise_signal(held[0])
