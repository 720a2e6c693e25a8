"""Starting a run: what `capture.start` checks, and the record that a journal begins with."""

import logging
import os
import platform
import random
import re
import secrets
import socket
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from capture import active, encode, format, git, settings
from capture.errors import CaptureError
from capture.files import FileLimits
from capture.run import Run

log = logging.getLogger("capture")

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def start(
    dir: str | os.PathLike[str] | None = None,
    *,
    task: str | None = None,
    mode: str | None = None,
    tags: Mapping[str, Any] | None = None,
    session: str | None = None,
    run_id: str | None = None,
    project: str | None = None,
    project_path: str | os.PathLike[str] | None = None,
    debug: bool = False,
    console: bool = True,
    files: FileLimits | Mapping[str, Any] | bool = True,
    permissions: int = 0o700,
) -> Run:
    """Starts recording what AG2's agents do, into `<dir>/<run_id>/journal.jsonl`.

    Use it as `with capture.start(...) as run:` (or `async with`), or as a plain call with `run.close()`. A second
    plain start in the same thread and task ends the first run. What ends the program is recorded, save for `sys.exit`
    after a plain start: Python does not tell that to anybody, and the run counts as completed. Use `with` for it.

    Args:
        dir: where run folders are made; None takes `AG2_CAPTURE_DIR`, or `runs`.
        task: what the run is for.
        mode: the workflow mode, such as one-shot or planning-control.
        tags: your own labels.
        session: groups runs that belong together.
        run_id: the run's name, and its folder's; None makes one that sorts by time.
        project: your project's name.
        project_path: your project's folder.
        debug: marks a debug run.
        console: False does not pass output on to the stream that was AG2's default.
        files: bounds for the copies of files that the run made (`FileLimits` or its fields); False makes none.
        permissions: of the run's folder.

    Raises:
        CaptureError: an argument or environment variable means nothing, AG2 is missing, or it is 1.x.
    """
    _check_types(dir, tags, run_id, project_path, permissions)
    setting = settings.read(dir)
    if setting.enabled and setting.skip - format.KINDS.keys():
        settings.check_event_types(attachment().event_types())
    limits = _limits(files)
    # a source of chance of its own: the user's own numbers stay what they are without a run
    recording = setting.enabled and random.SystemRandom().random() < setting.sample_rate
    if recording:
        _check_folder(setting.folder, run_id)
    facts = {
        "task": task,
        "mode": mode,
        "tags": dict(tags or {}),
        "session": session,
        "project": project,
        "project_path": None if project_path is None else os.fspath(project_path),
        "debug": debug,
    }
    attach = attachment() if recording else None
    cwd = _cwd()
    name = run_id or _new_id()
    run = Run(
        name,
        setting,
        _run_start(name, facts, cwd),
        cwd=cwd,
        console=console,
        files=limits,
        permissions=permissions,
        recording=recording,
        configs=_configs() if recording and setting.mask else (),
    )
    if attach is None:
        active.silent.append(run)
        return run
    _begin(run, attach)
    return run


def current() -> Run | None:
    """The run of this thread or task, or None; where runs are not recorded, the latest of them, which does nothing."""
    scope = active.known()
    if scope is not None:
        return scope.run
    return active.silent[-1] if active.silent else None


def close_all(error: BaseException | None = None) -> None:
    """Ends every run that is still on, inner ones first: at interpreter exit."""
    for run in reversed(active.runs()):
        run.close(error)


def _begin(run: Run, attach: Any) -> None:
    """Makes the journal, reaches into AG2, and makes the run the current one here.

    Raises:
        CaptureError: another run has the folder.
    """
    ended = active.to_end(run.task)
    if ended is not None:
        log.warning("capture: %s was still recording and ends here, because a new run starts", ended.id)
        ended.close()
    outer = active.known()
    run.outer = outer.run if outer is not None else None
    try:
        run.journal.open()
    except FileExistsError:
        raise CaptureError(_taken(run.path)) from None
    for interrupted in active.runs():
        interrupted.settle()
    run.attachment = attach
    run.is_open = True
    attach.acquire(run)
    active.opened(run)
    active.scope_here.set(run.base)


def attachment() -> Any:
    """The module that reaches into AG2, imported when a run needs it: AG2 takes seconds to import.

    Raises:
        CaptureError: AG2 is missing, or has no `autogen.io`.
    """
    try:
        import autogen.io.base
        import autogen.runtime_logging  # noqa: F401
    except ImportError as error:
        raise CaptureError(_missing_ag2(error)) from None
    from capture import attach

    return attach


def _configs() -> list[Any]:
    """What the agents that are there already are configured with: their keys are to be masked from the start."""
    from capture import alive

    try:
        return alive.configs()
    except Exception as error:
        log.warning("capture: keys of agents made before are masked when they act: %s", error)
        return []


def _missing_ag2(error: ImportError) -> str:
    install = 'install AG2 0.x: pip install "ag2-journal[ag2]"'
    try:
        version = metadata.version("ag2")
    except metadata.PackageNotFoundError:
        return f"AG2 is not installed; {install}"
    if version.split(".")[0].isdecimal() and int(version.split(".")[0]) >= 1:
        return f"AG2 {version} has no autogen.io, which this recorder listens to; {install}"
    return f"AG2 {version} can't be imported ({error}); {install}"


def _check_types(dir: Any, tags: Any, run_id: Any, project_path: Any, permissions: Any) -> None:
    for name, value in (("dir", dir), ("project_path", project_path)):
        if value is not None and not (isinstance(value, (str, os.PathLike)) and isinstance(os.fspath(value), str)):
            raise CaptureError(f"{name}={value!r}: must be a path: a string or a Path")
    if tags is not None and not isinstance(tags, Mapping):
        raise CaptureError(f"tags={tags!r}: must be a dict of your own labels, such as {{'team': 'a'}}")
    if run_id is not None and not isinstance(run_id, str):
        raise CaptureError(f"run_id={run_id!r}: must be a string, or None for one that is made up")
    if not isinstance(permissions, int) or isinstance(permissions, bool) or not 0 <= permissions <= 0o7777:
        raise CaptureError(f"permissions={permissions!r}: must be a number such as 0o700")
    if permissions & 0o700 != 0o700:
        raise CaptureError(f"permissions={permissions:#o}: the owner must have all of them, as in 0o700 or 0o750")


def _limits(files: FileLimits | Mapping[str, Any] | bool) -> FileLimits | None:
    if isinstance(files, FileLimits):
        return files
    if isinstance(files, bool):
        return FileLimits() if files else None
    try:
        return FileLimits(**files)
    except TypeError:
        known = ", ".join(FileLimits.__dataclass_fields__)
        raise CaptureError(
            f"files={files!r}: must be True, False, a FileLimits, or a dict of its fields: {known}"
        ) from None


def _check_folder(folder: Path, run_id: str | None) -> None:
    if run_id is not None and not SAFE_NAME.fullmatch(run_id):
        raise CaptureError(f"run_id={run_id!r}: must be a file name of letters, digits, dots, dashes and underscores")
    try:
        if folder.exists() and not folder.is_dir():
            raise CaptureError(f"{folder} is a file; give the folder in which runs are recorded")
        if run_id is not None and (folder / run_id / format.JOURNAL).exists():
            raise CaptureError(_taken(folder / run_id))
    except PermissionError:
        return  # what can't be looked into can't be written to: the records are lost, and the agents go on
    except (OSError, ValueError) as error:
        raise CaptureError(f"{os.fspath(folder)!r} can't be a folder: {error}") from None


def _taken(folder: Path) -> str:
    return f"run_id={folder.name!r}: {folder} already holds a run; give another, or none"


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise CaptureError(f"the current folder can't be used ({error.strerror}); change to another first") from None


def _new_id() -> str:
    """A name that sorts by time and is taken by nobody."""
    now = datetime.now(timezone.utc)
    return f"{now:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(3)}"


def _run_start(run_id: str, facts: Mapping[str, Any], cwd: Path) -> bytes:
    """Body of the first record."""
    fields = {
        "kind": format.RUN_START,
        "run_id": run_id,
        **facts,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "cwd": str(cwd),
        "git_commit": git.commit(cwd),
        "versions": {
            "ag2": _version("ag2"),
            "python": platform.python_version(),
            "ag2_journal": _version("ag2-journal"),
            "platform": platform.platform(),
        },
    }
    data, replaced = encode.to_json(fields)
    replaced = replaced or encode.not_finite(facts)
    if replaced:
        return b'%b,"replaced":%b' % (data[1:-1], encode.to_json(replaced)[0])
    return data[1:-1]


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def uncaught() -> BaseException | None:
    """The exception that ends the interpreter, if one does."""
    return None if active.in_notebook() else getattr(sys, "last_value", None)
