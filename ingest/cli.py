"""The command `ingest`: `ingest runs/` is the job, `ingest check runs/` only looks."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

import click

from ingest import pipeline, retention
from ingest.discover import discover
from ingest.found import IngestError, printable
from ingest.sources import SOURCES
from ingest.stdin import standard_input
from ingest.summary import Summary
from ingest.version import version

JOB = "load"

BROKEN_PIPE = 141
"""Exit code where nobody reads on, as shells tell it of other programs."""

SOURCE_NAMES = [source.name for source in SOURCES]
SOURCE_HELP = "What the files are; by default their content tells."
ROOT_HELP = "Look here for files that a run names and its recorder did not save. May be given several times."
STRICT_HELP = "Exit with 1 where lines stand in quarantine (cut-off last lines aside) or files are damaged."


class _Commands(click.Group):
    """`ingest PATH` needs no verb: what is no command's name is a path for the job."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "--version"):
            args = [JOB, *args]
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """One line also where help or version can't be written, which are no command's."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            _say(f"ingest: {_unwritable(error)}")
            sys.exit(2)


def _clear_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """One line and exit code 2 for what a user can put right."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs.get("as_json") and sys.stdout is None:
                raise IngestError("there is no standard output to write to")
            return command(*args, **kwargs)
        except IngestError as error:
            _say(f"ingest: {error}")
            sys.exit(2)
        except BrokenPipeError:  # as `head` does when it has enough
            _to_nothing(sys.stdout)
            sys.exit(BROKEN_PIPE)
        except OSError as error:
            _say(f"ingest: {error.filename or kwargs.get('out') or 'output'}: {error.strerror or error}")
            sys.exit(2)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


@click.group(cls=_Commands, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), prog_name="ingest")
def main() -> None:
    """Turn recordings of AG2 agents into tables.

    \b
    ingest runs/            read journals, transcripts and logs below runs/ into ./traces
    ingest check runs/      read everything, write nothing, say what is wrong with it
    ingest prune --older-than 30d       old runs leave the tables, and stay out of them
    """


@main.command(JOB)
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False))
@click.option("--out", default="traces", show_default=True, type=click.Path(), help="The folder of tables.")
@click.option("--source", type=click.Choice(SOURCE_NAMES), help=SOURCE_HELP)
@click.option("--force", is_flag=True, help="Read everything again, also what has not changed.")
@click.option("--files-root", "files_roots", multiple=True, metavar="DIR", type=click.Path(), help=ROOT_HELP)
@click.option("--drop-missing", is_flag=True, help="Runs below PATHS whose files are gone leave the tables.")
@click.option("--strict", is_flag=True, help=STRICT_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print a summary for programs to standard output.")
@click.option("--quiet", is_flag=True, help="Say nothing but errors.")
@_clear_errors
def load(
    paths: tuple[str, ...],
    out: str,
    source: str | None,
    force: bool,
    files_roots: tuple[str, ...],
    drop_missing: bool,
    strict: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read journals, transcripts and AG2's own logs below PATHS into tables (the default command).

    They may be compressed (.gz, .zst). A PATH of - is standard input.
    """
    say = _quiet if quiet else _say
    with _Progress(shown=not quiet and sys.stderr is not None and sys.stderr.isatty()) as progress:
        summary = pipeline.run(
            list(paths),
            out,
            force=force,
            source=source,
            files_roots=files_roots,
            drop_missing=drop_missing,
            note=say,
            progress=progress,
        )
    if as_json:
        _print(json.dumps(summary.as_dict()))
    _tell(summary, say)
    if strict and (summary.quarantined or summary.damaged):
        sys.exit(1)


def _say(line: str) -> None:
    """One line to standard error. That nobody reads it any more ends no ingest."""
    try:
        click.echo(printable(line), err=True)
    except OSError:
        _to_nothing(sys.stderr)


def _print(line: str) -> None:
    """One line to standard output. Raises IngestError where it can't be written, BrokenPipeError where nobody reads."""
    try:
        click.echo(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise IngestError(_unwritable(error)) from None


def _unwritable(error: OSError) -> str:
    _to_nothing(sys.stdout)
    return f"standard output: {error.strerror or error}"


def _to_nothing(stream: IO[str]) -> None:
    """What is still written to a stream goes nowhere, also what Python holds back until it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _quiet(line: str) -> None:
    pass


def _tell(summary: Summary, say: Callable[[str], None]) -> None:
    kinds = ", ".join(
        f"{count} {name}{'s' if count > 1 and name.isalpha() else ''}"
        for name, count in sorted(summary.sources.items())
    )
    read = summary.new + summary.updated
    say(
        f"{read} run{'' if read == 1 else 's'} read ({summary.new} new, {summary.updated} changed), "
        f"{summary.unchanged} unchanged, {summary.skipped} file{'' if summary.skipped == 1 else 's'} skipped"
        + (f": {kinds}" if kinds else "")
    )
    if summary.dropped or summary.pruned:
        say(
            f"{summary.dropped} dropped, their files are gone or no runs of their own; "
            f"{summary.pruned} left out, they were pruned"
        )
    if summary.quarantined or summary.damaged:
        lines, files = summary.quarantined, summary.damaged
        say(
            f"{lines} unreadable line{'' if lines == 1 else 's'} in quarantine, "
            f"{files} damaged file{'' if files == 1 else 's'}"
        )
    say(
        f"{summary.lines} lines = {summary.journal_rows} in journal + {summary.quarantine_rows} in quarantine, "
        f"{summary.bytes / 1e6:.1f} MB in {summary.seconds:.1f} s -> {summary.out}"
    )


class _Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def __call__(self, done: int, total: int) -> None:
        if not self._shown:
            return
        if self._bar is None:
            self._bar = click.progressbar(length=max(total, 1), label="reading", file=sys.stderr)
        self._bar.update(done - self._bar.pos)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False))
@click.option("--source", type=click.Choice(SOURCE_NAMES), help=SOURCE_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file.")
@_clear_errors
def check(paths: tuple[str, ...], source: str | None, as_json: bool) -> None:
    """Read everything below PATHS, write nothing, and report on each file.

    Exits with 1 where anything is damaged: a line, file or folder that can't be read, a record that is missing,
    declared lost or doubled, a saved transcript or copy beside a journal that is missing or was changed. A run that was
    cut off and a last line that is not finished are told, and are no damage.
    """
    from ingest.check import check_file  # here, as in `ingest.read`: it takes what reads runs

    pipeline.check_readable(paths)
    unread: list[str] = []
    with standard_input(paths) as given:
        if any(not sent.size for sent in given):
            raise IngestError("standard input: empty")
        every = discover(list(paths), "", _say, source, given, failed=unread.append)
        for line in unread:
            _say(line)
        faulty = bool(unread)
        if not every:
            _say(pipeline.nothing_there(paths))
        for found in every:
            report = check_file(found)
            faulty = faulty or report.faulty
            if as_json:
                _print(json.dumps(report.as_dict()))
            else:
                for line in report.lines():
                    _print(line)
    sys.exit(1 if faulty else 0)


@main.command("prune")
@click.option("--out", default="traces", show_default=True, type=click.Path(), help="The folder of tables.")
@click.option("--older-than", metavar="AGE", help="12h, 30d, 4w, or a date such as 2026-01-31 (UTC).")
@click.option("--restore", metavar="PATTERN", help="Let the next ingest bring back runs with such ids; '*' is all.")
@click.option("--dry-run", is_flag=True, help="Say which runs these are, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@_clear_errors
def prune_command(out: str, older_than: str | None, restore: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove runs that ended long ago from the tables. Their files are left alone.

    The next ingest does not bring them back, also with --force. A run is as old as its last record; one without times
    is as old as its file.
    """
    if (older_than is None) == (restore is None):
        raise IngestError("prune needs either --older-than or --restore")
    if older_than is not None:
        done = retention.prune(out, older_than, dry_run=dry_run, note=_say)
        said = f"older than {done.before} UTC: {_runs(done.pruned)} pruned, {done.kept} left"
    else:
        done = retention.restore(out, restore or "", dry_run=dry_run, note=_say)
        said = f"{_runs(done.restored)} may come back with the next ingest"
    if as_json:
        _print(json.dumps(done.as_dict()))
        return
    for run_id in done.pruned or done.restored:
        _print(printable(run_id))
    _say(said + (" (dry run: nothing was changed)" if dry_run else ""))


def _runs(ids: list[str]) -> str:
    return f"{len(ids)} run{'' if len(ids) == 1 else 's'}"
