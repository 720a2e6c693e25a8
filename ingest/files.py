"""Files of a run: what code, tools and messages say of them, joined with what the recorder saved.

The recorder's records come last, so a written file waits until the end of its run for its content.
"""

import posixpath
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import re2

from ingest.code import label
from ingest.events import Event, Where
from ingest.lines import decode, encode
from ingest.messages import text_or_none
from ingest.roots import Content, FileRoots, Held, Read
from ingest.rows import Many
from ingest.runrows import RunRows, preview
from ingest.written import code_hash

MAX_SAME_NAME = 100
"""Saved files of one name, in different folders, among which the one meant is looked for: it bounds the time."""

MAX_SAVED = 100_000
"""Files that a recorder saw, the first ones, that have rows. Ours looks at twice as many and saves 200."""

SCRIPT = re.compile(r"tmp_code_[0-9a-f]{32}\.\w+")
"""Where AG2's executors put code that has no name, before they run it. A traceback names it, but no run wrote it: its
text is that of the execution."""

_CD = re2.compile(r"(?m)(?:^|[;&|(])[ \t]*(?:(?:cd|pushd)[ \t]+[^ \t\n.]|cd[ \t]+\.\.)")
_CHDIR = re2.compile(r"\bchdir\(")
_HOME = re2.compile(r"\bchdir\([^\n]{0,40}__file__")
"""In code that goes into another folder, of a shell or Python: what it names relative lies there. To where it lies
itself it need not go."""

_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")

_OF_CAUSE: tuple[str, ...] = ("executor", "work_dir")
"""What of its cause's `meta` is told of a written file."""

MOUNTED = "/workspace/"
"""The folder as which AG2's container executor mounts its working folder."""


@dataclass(slots=True)
class Saved:
    """A file that the recorder saw when the run ended. `read` gives the text that it saved of it."""

    path: str
    size: int | None
    sha256: str | None
    read: Read
    where: Where


@dataclass(slots=True)
class _Written:
    """A file that an execution or a tool is said to have written.

    Attributes:
        cause: its event.
        is_done: whether it was written for sure, as far as the cause tells.
        moves: see `_match`.
    """

    path: str
    cause: Event
    depth: int
    method: str
    source: str
    content: str | None
    is_done: bool
    moves: bool


@dataclass(slots=True)
class _Named:
    """The first time that a file is read or mentioned."""

    path: str
    operation: str
    method: str
    source: str
    event_id: str | None
    where: Where


_Ran = tuple[str, Event, int]
"""Hash of code, the execution that ran it, and its depth."""

_Made = tuple[str, Where, int | None]
"""Id, place and end of the event of a written file: what its row needs. A run may write hundreds of thousands."""


class FileLedger:
    """The files of one run.

    Args:
        rows: where the rows go.
        agents: what the run's records say of each agent, by name. An executor's `work_dir` tells its files from those
            of another.
        roots: folders in which files are looked for of which the recorder saved nothing.
    """

    def __init__(self, rows: RunRows, agents: dict[str, dict[str, Any]], roots: Sequence[str] = ()) -> None:
        self._rows, self._agents = rows, agents
        self._roots, self._held = FileRoots(roots), Held()
        self._cwd: str | None = None
        self._written: list[_Written] = []
        self._args: Many[str | None] = Many()
        """Of each of these the arguments of its tool, as JSON: often all that was written."""
        self._named: Many[_Named] = Many()
        self._are_named: set[int] = set()
        """Hashes of their paths with the operation: a run may name millions."""
        self._saved: dict[str, Saved] = {}
        self._by_name: dict[str, list[Saved]] = {}
        self._paths: list[str] = []
        """Of what was saved, in order, from the end of the run on."""
        self._ran: Many[_Ran] = Many()
        self._cause: tuple[Event, Event, bool] | None = None
        """The event that was last said to have written something, and what is kept of it."""

    def written(
        self, path: str, cause: Event, depth: int, method: str, content: str | None = None, is_done: bool = False
    ) -> None:
        """The event `cause` is said to have written a file. `depth` is the cause's own.

        Where its `content` is told the file was written before the code in it was run. `is_done`: what writes it went
        well, whatever became of the event.
        """
        source = "code_execution" if cause.type == "code_exec" else cause.type
        light, moves = self._light(cause)
        is_done = is_done or cause.status == "completed" or content is not None
        self._written.append(_Written(path, light, depth, method, source, content, is_done, moves))
        arguments = cause.inputs.get("args")
        args = None if arguments is None else encode(arguments)
        self._args.append(args, len(args or ""))

    def ran(self, code: str, cause: Event, depth: int) -> None:
        """The execution `cause` ran this code. An executor saves code under a name of its own before it runs it."""
        self._ran.append((code_hash(code), self._light(cause)[0], depth))

    def _light(self, cause: Event) -> tuple[Event, bool]:
        """An event without its long texts: it is kept to the end of the run. And whether its code changes folders."""
        if self._cause is None or self._cause[0] is not cause:
            inputs = {name: cause.inputs.get(name) for name in ("tool", "language")}
            code = cause.inputs.get("code")
            inputs["code"] = preview(code)
            meta = {name: cause.meta.get(name) for name in _OF_CAUSE}
            self._cause = cause, cause.light(inputs, meta), bool(code) and _moves(cause)
        return self._cause[1:]

    def named(self, path: str, operation: str, method: str, source: str, event_id: str | None, where: Where) -> None:
        """A file is read or mentioned by the event."""
        key = hash((path, operation))
        if key not in self._are_named:
            self._are_named.add(key)
            self._named.append(_Named(path, operation, method, source, event_id, where))

    def saved(self, file: Saved) -> None:
        """The recorder saw this file.

        Raises:
            ValueError: it saw more than are held.
        """
        if len(self._saved) == MAX_SAVED and file.path not in self._saved:
            raise ValueError(f"more than {MAX_SAVED:,} files")
        file.read = self._held.keep(file.read(), file.read)
        self._saved[file.path] = file

    def finish(self, cwd: str | None = None) -> int:
        """Add the `file_gen` events and the rows of `files`.

        Args:
            cwd: the folder that the run was started in, where that is known.

        Returns:
            The number of written files.
        """
        self._cwd, self._paths = cwd, sorted(self._saved)
        for file in sorted(self._saved.values(), key=lambda s: len(s.path)):
            self._by_name.setdefault(posixpath.basename(file.path), []).append(file)
        rows: dict[str, Callable[[], tuple[Any, ...]]] = {}  # so that no more than one text is held
        makers: dict[str, str] = {}
        unclaimed = dict(self._saved)
        places = [self._place(written) for written in self._written]
        last = {place: written for written, (place, _) in zip(self._written, places, strict=True)}
        # what nothing else has written, failed code has
        done = {p for w, (p, _) in zip(self._written, places, strict=True) if w.is_done}
        for written, (place, saved), args in zip(self._written, places, self._args, strict=True):
            if saved:
                unclaimed.pop(saved.path, None)
            at_end = self._content_of(written.path, saved, self._folder(written.cause))
            # what was written before the last time nobody knows any more, nor whether code that failed came so far
            is_sure = written.is_done or place not in done
            held = at_end if last[place].cause.id == written.cause.id and is_sure else None
            event = self._generated(written, held, saved is not None and place not in done, args)
            if event.status == "completed" and makers.get(place) != written.cause.id:  # by its first spelling there
                rows[place] = partial(self._written_row, written, _made(event), at_end)
                makers[place] = written.cause.id
        saved_code = self._code_of(unclaimed.values())
        for saved in unclaimed.values():
            if SCRIPT.fullmatch(posixpath.basename(saved.path)):
                self.named(saved.path, "mention", "recorder", "recorder", None, saved.where)
                continue
            if ran := saved_code.get(saved.path):
                written = _Written(saved.path, *ran, "executor", "code_execution", None, True, False)
                held = Content(saved.size, saved.sha256, saved.read)
                made = _made(self._generated(written, held, True))
                rows[self._spelt(saved.path)] = partial(self._written_row, written, made, held)
                continue
            held = self._content_of(saved.path, saved) or Content(None, None)
            made = _made(self._found(saved, held))
            rows[self._spelt(saved.path)] = partial(self._row, saved.path, made, "recorder", "recorder", held, None)
        for row in rows.values():
            self._rows.add("files", *row())
        self._are_named.clear()
        for named in self._named:  # the first spelling of each counts
            key = hash((self._spelt(named.path), named.operation))
            if key not in self._are_named:
                self._are_named.add(key)
                self._add_named(named)
        return len(rows)

    def _code_of(self, files: Iterable[Saved]) -> dict[str, tuple[Event, int]]:
        """By path the files that are code which was run: the last execution of it, and its depth."""
        hashes = {file.path: code_hash(text) for file in files if (text := file.read())}
        wanted = set(hashes.values())
        ran: dict[str, tuple[Event, int]] = {}
        for digest, event, depth in self._ran if wanted else ():
            if digest in wanted:
                ran[digest] = event, depth
        return {path: ran[digest] for path, digest in hashes.items() if digest in ran}

    def _place(self, written: _Written) -> tuple[str, Saved | None]:
        """Where a written file lies, and what the recorder saw there."""
        folder = self._folder(written.cause)
        told = written.cause.meta.get("work_dir") is not None and self._is_here(folder or "")
        saved = self._match(written.path, folder, told, written.moves)
        if saved is not None:
            return self._spelt(saved.path), saved
        if written.moves:  # nobody knows where, so it is no other's place
            return f"{written.cause.id} {written.path}", None
        return self._spelt(posixpath.join(folder, _normal(written.path)) if folder and told else written.path), None

    def _spelt(self, path: str) -> str:
        """One spelling of a path of which a run may have several: `out.csv`, `./out.csv`, `data/../out.csv`."""
        if "/" not in path and "\\" not in path:
            return path or "."  # `normpath` leaves it as it is
        path = posixpath.normpath(_normal(path))
        below = posixpath.join(self._cwd, "") if self._cwd else ""
        return path[len(below) :] if below and path.startswith(below) else path

    def _folder(self, cause: Event) -> str | None:
        """The folder in which an event wrote. A tool does in the run's own, whatever else its agent runs."""
        if cause.type != "code_exec":
            return None
        told = cause.meta.get("work_dir")
        return text_or_none(told or self._agents.get(cause.meta.get("executor") or "", {}).get("work_dir"))

    def _is_here(self, folder: str) -> bool:
        """Whether a folder that an executor names is one of this machine's: it may be a path in a container."""
        within = self._spelt(folder)
        if not _ABSOLUTE.match(within):
            return True
        place = bisect_left(self._paths, f"{within}/")
        return any(path.startswith(f"{within}/") for path in self._paths[place : place + 1])

    def _match(self, path: str, folder: str | None = None, told: bool = False, moves: bool = False) -> Saved | None:
        """What the recorder saw of a path that code spells relative to a folder of its own.

        Args:
            path: as it is spelt.
            folder: the one that it runs in.
            told: whether that is known of this very code, so that a file elsewhere is another one.
            moves: whether the code goes into other folders by itself.
        """
        if not self._saved:
            return None
        path = _normal(path).removeprefix(MOUNTED)
        inside = self._spelt(posixpath.join(folder, path)) if folder else path
        for place in () if moves else (inside,) if told else (inside, path):
            if place in self._saved:
                return self._saved[place]
        same_name = self._by_name.get(posixpath.basename(path), ())[:MAX_SAME_NAME]
        if _ABSOLUTE.match(path) and self._cwd:
            return next((s for s in same_name if posixpath.join(self._cwd, s.path) == posixpath.normpath(path)), None)
        within = self._spelt(folder or ".") if told and not moves else "."
        tail, below = "/" + path.lstrip("/"), "" if within == "." else f"{within}/"
        matches = [s for s in same_name if ("/" + s.path).endswith(tail) or path.endswith("/" + s.path)]
        matches = [s for s in matches if s.path.startswith(below)]
        return matches[0] if len(matches) == 1 else None  # which of several it is nobody knows

    def _content_of(self, path: str, saved: Saved | None, folder: str | None = None) -> Content | None:
        """What a file holds: as the recorder saw it, and what it did not save as it lies in one of the roots."""
        seen = Content(saved.size, saved.sha256, saved.read) if saved else None
        if not self._roots or (seen and seen.text is not None):
            return seen
        here = self._roots.find(_normal(path), self._cwd, self._folders(folder))
        if seen is None or here is None:
            return here or seen
        same = seen.sha256 == here.sha256 if seen.sha256 else seen.size == here.size
        return here if same else seen

    def _folders(self, first: str | None) -> list[str]:
        """Working folders of code executors, this one first."""
        folders = [first, *[text_or_none(agent.get("work_dir")) for agent in self._agents.values()]]
        return list(dict.fromkeys(folder for folder in folders if folder))[:MAX_SAME_NAME]

    def _generated(self, written: _Written, held: Content | None, seen: bool, args: str | None = None) -> Event:
        """The event of a written file.

        Args:
            written: what is said of it.
            held: what it holds, where that is known.
            seen: the recorder saw the file, so it was written whatever became of code.
            args: the arguments of the tool that wrote it, as JSON.
        """
        cause = written.cause
        content, size = _text_and_size(held, written.content)
        suffix = _suffix(written.path)
        tool = cause.inputs.get("tool")
        language = cause.inputs.get("language")
        how = f"during {language or 'code'} execution" if cause.type == "code_exec" else f"by tool {tool}"
        event = self._rows.event(
            "file_gen",
            "created",
            cause.where,
            key=f"/{cause.id}/{written.path}",
            agent=cause.agent,
            status="completed" if written.is_done or seen else cause.status,
            started=cause.started,
            ended=cause.ended,
            inputs={
                "code_snippet": preview(cause.inputs.get("code")),
                "tool": tool,
                "tool_args": decode(args.encode())[0] if args is not None else None,
                "generation_context": f"Generated by {cause.agent or 'unknown'} {how}",
            },
            outputs={
                "file_path": written.path,
                "file_content": content,
                "file_size": size,
                "file_extension": suffix,
            },
            meta={
                "file_path": written.path,
                "source": written.source,
                "language": language,
                "tool": tool,
                "executor": cause.meta.get("executor") if cause.type == "code_exec" else None,
                "work_dir": cause.meta.get("work_dir"),
                "has_content": content is not None,
                "file_type": suffix,
                "method": written.method,
                "sha256": held.sha256 if held else None,
            },
        )
        self._rows.add_event(event, cause.id, written.depth + 1)
        return event

    def _found(self, saved: Saved, held: Content) -> Event:
        """The event of a file that only the recorder knows of."""
        event = self._rows.event(
            "file_gen",
            "created",
            saved.where,
            key=f"/{saved.path}",
            started=saved.where.time,
            ended=saved.where.time,
            inputs={"code_snippet": None, "tool": None, "tool_args": None, "generation_context": "Found at the end"},
            outputs={
                "file_path": saved.path,
                "file_content": held.text,
                "file_size": held.size,
                "file_extension": _suffix(saved.path),
            },
            meta={
                "file_path": saved.path,
                "source": "recorder",
                "language": None,
                "tool": None,
                "has_content": held.text is not None,
                "file_type": _suffix(saved.path),
                "method": "recorder",
                "sha256": held.sha256,
            },
        )
        self._rows.add_event(event)
        return event

    def _written_row(self, written: _Written, made: _Made, held: Content | None) -> tuple[Any, ...]:
        return self._row(written.path, made, written.source, written.method, held, written.content)

    def _row(
        self, path: str, made: _Made, source: str, method: str, held: Content | None, told: str | None
    ) -> tuple[Any, ...]:
        """The row of a written file, with what it holds at the end, or else what it was told to hold."""
        content, size = _text_and_size(held, told)
        event_id, where, created = made
        return (
            self._rows.id("file", f"write/{path}/{event_id}"),
            where.node_id,
            event_id,
            path,
            _name(path),
            _suffix(path),
            size,
            content,
            source,
            created,
            "write",
            method,
            held.sha256 if held else None,
        )

    def _add_named(self, named: _Named) -> None:
        held = self._content_of(named.path, self._match(named.path))
        self._rows.add(
            "files",
            self._rows.id("file", f"{named.operation}/{named.path}"),
            named.where.node_id,
            named.event_id,
            named.path,
            _name(named.path),
            _suffix(named.path),
            held.size if held else None,
            held.text if held else None,
            named.source,
            named.where.time,
            named.operation,
            named.method,
            held.sha256 if held else None,
        )


def _made(event: Event) -> _Made:
    return event.id, event.where, event.ended if event.ended is not None else event.started


def _moves(cause: Event) -> bool:
    """Whether the code of an execution goes into another folder."""
    code, languages = cause.inputs["code"] or "", cause.meta.get("languages") or [cause.inputs.get("language")]
    in_shell = ("cd" in code or "pushd" in code) and any(label(language) != "python" for language in languages)
    if in_shell and _CD.search(code):
        return True
    return "chdir(" in code and _CHDIR.search(code) is not None and _HOME.search(code) is None


def _text_and_size(held: Content | None, told: str | None) -> tuple[str | None, int | None]:
    """Text and size of a file, of which `told` is what was to be written."""
    text = held.text if held and held.text is not None else told
    return text, held.size if held else len(text.encode()) if text is not None else None


def _normal(path: str) -> str:
    path = path.replace("\\", "/")
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return path


def _name(path: str) -> str:
    """The last part of a path, as `pathlib` has it, which takes ten times as long."""
    name = path.rpartition("/")[2]
    if name not in ("", "."):
        return name
    return next((part for part in reversed(path.split("/")) if part not in ("", ".")), "")


def _suffix(path: str) -> str:
    name = _name(path.replace("\\", "/"))
    place = name.rfind(".")
    return name[place:] if 0 < place < len(name) - 1 else ""
