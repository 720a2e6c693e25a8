"""`ingest check`: whatever is missing, changed or doubled in a recorded run is told, and nothing else is touched."""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ingest import integrity
from ingest.check import check_file
from ingest.cli import main
from ingest.discover import discover
from tests.ingest.tables import logged, write_journal

SECRET = "sk-proj-" + "a1B2c3D4e5F6" * 4
SAMPLES = Path(__file__).resolve().parents[2] / "sample_runs"


def check(*arguments: object, stdin: bytes | None = None) -> Result:
    """Call `ingest check`."""
    result = CliRunner().invoke(main, ["check", *map(str, arguments)], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def report(path: Path) -> dict[str, Any]:
    """What `ingest check --json` says of the only file below a path."""
    result = check(path, "--json")
    (line,) = result.stdout.splitlines()
    said: dict[str, Any] = json.loads(line)
    assert result.exit_code == int(said["faulty"])
    return said


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has a large transcript beside its journal, and two files, one of which holds a secret."""
    pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    import capture

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path_factory.mktemp("recorded"))
        with capture.start("runs", run_id="r", console=False) as run:
            run.save_messages([{"content": "q" * 1_200_000, "role": "user"}])
            Path("out.txt").write_text("data")
            Path("config.txt").write_text(f"key = {SECRET}\n")
            run.log("success", "written", files=["out.txt", "config.txt"])
        return run.path


@pytest.fixture
def run(recorded: Path, runs: Path) -> Path:
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(recorded, runs / "r"))


def transcript(run: Path) -> Path:
    """The one that lies beside the journal."""
    (path,) = run.glob("*.json")
    return path


def records(run: Path) -> list[dict[str, Any]]:
    """Those of a journal."""
    return [json.loads(line) for line in (run / "journal.jsonl").read_bytes().splitlines()]


def change(run: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    """Edit a journal's lines."""
    path = run / "journal.jsonl"
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


def test_a_whole_run_is_whole(run: Path) -> None:
    """Also where the copy of a file is masked, and so not what the original was."""
    assert SECRET not in (run / "files" / "config.txt").read_text()
    said = report(run)
    assert (said["faulty"], said["damage"], said["notes"], said["bad"], said["lost"]) == (False, [], [], [], 0)


def test_a_masked_copy_is_described_beside_its_original(run: Path) -> None:
    """The record has size and hash of both, and of a copy that is the original only one."""
    files = {record["path"]: record for record in records(run) if record["kind"] == "file"}
    copy = (run / "files" / "config.txt").read_bytes()
    assert files["config.txt"]["copy_size"] == len(copy)
    assert files["config.txt"]["copy_sha256"] == hashlib.sha256(copy).hexdigest() != files["config.txt"]["sha256"]
    assert files["config.txt"]["sha256"] == hashlib.sha256(f"key = {SECRET}\n".encode()).hexdigest()
    assert not files["out.txt"].keys() & {"copy_size", "copy_sha256"}


def test_the_sample_runs_are_whole() -> None:
    """But for one that was killed on purpose, of which it is said."""
    result = check(SAMPLES)
    assert result.exit_code == 0, result.stdout
    assert result.stdout.count("it has no end") == 1


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a doubled record": (lambda run: change(run, lambda lines: [*lines[:2], *lines[1:]]), "line 3: record 1 stands"),
    "a doubled journal": (lambda run: change(run, lambda lines: lines * 2), "records 0 to"),
    "two records swapped": (lambda run: change(run, lambda x: [x[0], x[2], x[1], *x[3:]]), "line 3: record 1 stands"),
    "a record taken out": (lambda run: change(run, lambda lines: lines[:1] + lines[2:]), "line 2: record 1 is missing"),
    "no first record": (lambda run: change(run, lambda lines: lines[2:]), "line 1: records 0 to 1 are missing"),
    "no number": (
        lambda run: change(run, lambda lines: [*lines[:1], lines[1].replace(b'"seq":1,', b""), *lines[2:]]),
        "line 2: a record without a number",
    ),
    "no transcript": (lambda run: transcript(run).unlink(), "is missing"),
    "another transcript": (lambda run: transcript(run).write_text("[]"), "has changed: another SHA-256"),
    "no copy": (lambda run: (run / "files/out.txt").unlink(), "the copy files/out.txt is missing"),
    "another copy": (lambda run: (run / "files/out.txt").write_text("DATA"), "files/out.txt has changed: another SHA"),
    "a longer copy": (lambda run: (run / "files/out.txt").write_text("data2"), "has changed: 5 bytes instead of 4"),
    "another masked copy": (
        lambda run: (run / "files/config.txt").write_bytes(b"?" * (run / "files/config.txt").stat().st_size),
        "files/config.txt has changed: another SHA-256",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_told_and_is_exit_code_1(what: str, run: Path) -> None:
    """A line says what and where, to people and to programs."""
    damage, line = DAMAGE[what]
    damage(run)
    assert check(run).exit_code == 1
    assert line in check(run).stdout
    assert any(line in told for told in report(run)["damage"])


def test_a_doubled_record_is_told_once(run: Path) -> None:
    """Not once more for the file that it names."""
    number = next(n for n, record in enumerate(records(run)) if record["kind"] == "messages")
    change(run, lambda lines: [*lines[: number + 1], *lines[number:]])
    assert report(run)["damage"] == [f"line {number + 2}: record {number} stands twice, or not in its place"]


def test_a_transcript_whose_journal_is_gone_is_told(run: Path) -> None:
    """It is a sound transcript, and was more."""
    (run / "journal.jsonl").unlink()
    said = report(run)
    assert (said["source"], said["notes"]) == (
        "transcript",
        ["a recorder saved it beside a journal, which is not here"],
    )


def test_a_run_that_was_cut_off_is_no_damage(run: Path) -> None:
    """It is told, and the exit code is 0, also with half a last line."""
    change(run, lambda lines: lines[:-1])
    said = report(run)
    assert (said["status"], said["faulty"], said["damage"]) == ("interrupted", False, [])
    assert said["notes"] == ["it has no end: the run was cut off, or the journal was"]
    change(run, lambda lines: [*lines[:-1], lines[-1][:20]])
    assert (report(run)["faulty"], report(run)["torn"]) == (False, 1)


def test_a_run_that_goes_on_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its recorder holds it."""
    pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    import capture

    monkeypatch.chdir(tmp_path)
    with capture.start("runs", console=False):
        said = report(tmp_path / "runs")
    assert (said["status"], said["faulty"], said["notes"]) == ("running", False, ["the run is still going on"])


def test_declared_losses_are_told_with_their_reason(runs: Path) -> None:
    """Where it was, how many, why. A gap without a loss is a note."""
    write_journal(
        runs, "r", {"kind": "gap", "lost": 2, "reason": "disk full"}, {"kind": "gap", "lost": 0, "reason": "x"}
    )
    said = report(runs)
    assert (said["lost"], said["damage"]) == (2, ["line 2: 2 records were lost before it: disk full"])
    assert said["notes"] == ["line 3: x"]
    write_journal(runs, "r", {"kind": "gap", "lost": 0, "reason": "more than 5 seconds"})
    assert not report(runs)["faulty"]


def test_losses_that_only_the_end_counts_are_told(runs: Path) -> None:
    """Those after the last gap could not be declared any more."""
    end = {"kind": "run_end", "status": "completed", "stats": {"lost": 5}}
    write_journal(runs, "r", {"kind": "gap", "lost": 2, "reason": "disk full"}, end, end=False)
    said = report(runs)
    assert said["lost"] == 5
    assert said["damage"][1:] == ["line 3: 3 records were lost, and nothing declares where"]
    end["stats"] = {"lost": 2}
    write_journal(runs, "r", {"kind": "gap", "lost": 2, "reason": "disk full"}, end, end=False)
    assert report(runs)["lost"] == 2


def test_a_file_that_can_not_be_read_is_damage(runs: Path) -> None:
    """A disk or a permission may be in the way, or it is gone by now: that is not the same as no run."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    (found,) = discover([str(runs)], "", print)
    path.unlink()
    said = check_file(found)
    assert said.faulty
    assert said.lines() == [f"{path}: no run, can't be read: No such file or directory"]


@pytest.mark.parametrize(
    ("name", "content", "faulty"),
    [
        ("a.json.gz", b"\x1f\x8b\x08\x00brokenbroken", True),
        ("a.db", b"SQLite format 3\0" + b"\xff" * 5000, True),
        ("a.db", b"", False),
        ("a.json.gz", gzip.compress(b"{}", mtime=0), False),
    ],
)
def test_what_can_not_be_told_to_be_no_run_is_damage(name: str, content: bytes, faulty: bool, runs: Path) -> None:
    """A broken archive or database may have been a run; a sound one that is something else is none."""
    (runs / name).write_bytes(content)
    said = report(runs)
    assert (said["source"], said["faulty"]) == (None, faulty)


def claims(folder: Path, path: Any, kind: str = "file", **fields: Any) -> dict[str, Any]:
    """What is said of a run whose journal claims a file."""
    record = {"kind": kind, "path": "x", "copy": path} if kind == "file" else {"kind": kind, "path": path}
    write_journal(folder, "r", record | fields)
    return report(folder)


@pytest.mark.parametrize("kind", ["file", "messages"])
@pytest.mark.parametrize("path", ["../secret", "files/../../secret", "files/../../r/files/y", "{}/secret", ".."])
def test_no_file_outside_the_run_is_looked_at(path: str, kind: str, runs: Path) -> None:
    """Its hash would show, bit by bit, what is in it."""
    (runs / "secret").write_text("x")
    path = path.format(runs)
    said = claims(runs, path, kind, size=1, sha256=hashlib.sha256(b"x").hexdigest())
    assert said["damage"] == [
        f"line 2: the {'copy' if kind == 'file' else 'transcript'} {path} is not looked at: no recorder saves it there"
    ]


def test_no_link_is_followed(runs: Path) -> None:
    """Neither one that is the file itself, nor one that is a folder on the way."""
    (runs / "secret").mkdir()
    (runs / "secret" / "s").write_text("x")
    (runs / "r" / "files").mkdir(parents=True)
    (runs / "r" / "files" / "link").symlink_to(runs / "secret" / "s")
    (runs / "r" / "files" / "folder").symlink_to(runs / "secret")
    (runs / "r" / "t.json").symlink_to(runs / "secret" / "s")
    link = "is not looked at: there is a link on the way to it"
    digest = hashlib.sha256(b"x").hexdigest()
    assert link in claims(runs, "files/link", size=1, sha256=digest)["damage"][0]
    assert link in claims(runs, "files/folder/s", size=1, sha256=digest)["damage"][0]
    assert link in claims(runs, "t.json", "messages", sha256=digest)["damage"][0]


def test_what_is_no_ordinary_file_is_not_waited_for(runs: Path) -> None:
    """A FIFO that nobody writes to would be waited for for ever."""
    (runs / "r" / "files" / "folder").mkdir(parents=True)
    os.mkfifo(runs / "r" / "files" / "fifo")
    assert "not an ordinary file" in claims(runs, "files/fifo")["damage"][0]
    assert "can't be read" in claims(runs, "files/folder")["damage"][0]


@pytest.mark.parametrize("path", [1, [], {"a": 1}, "", "x" * 5000, "files/" + "x" * 300, "files/a\0b", True, "files"])
def test_a_claim_that_is_no_path_is_damage(path: Any, runs: Path) -> None:
    """And no error."""
    assert len(claims(runs, path)["damage"]) == 1


def test_a_file_is_looked_at_once_and_only_so_much(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that names one large file a million times keeps nobody busy."""
    (runs / "r" / "files").mkdir(parents=True)
    for name in ("a", "b"):
        (runs / "r" / "files" / name).write_text("x" * 10)
    named = [{"kind": "file", "path": n, "copy": f"files/{n}", "size": 10} for n in ("a", "a", "b")]
    write_journal(runs, "r", *named)
    assert report(runs)["damage"] == ["line 3: the copy files/a is named a second time"]
    monkeypatch.setattr(integrity, "MAX_BYTES", 15)
    assert "files/b was not looked at: more than 15 bytes" in report(runs)["damage"][1]
    monkeypatch.setattr(integrity, "MAX_FILES", 1)
    assert "files/b was not looked at, it is one of more than 1" in report(runs)["damage"][1]


def test_findings_are_told_up_to_a_number(runs: Path) -> None:
    """Of a journal in which nothing is right, the first hundred of each kind and how many more there are."""
    path = write_journal(runs, "r", end=False)
    with path.open("a") as file:
        for number in range(1, 500):
            file.write(f'{{"v": 1, "seq": {number * 2}, "kind": "print"}}\nno JSON\n')
    said = report(runs)
    assert (len(said["bad"]), said["unreadable"]) == (100, 499)
    assert len(said["damage"]) == 101
    assert said["damage"][-1] == "and 399 more of this kind"
    assert "  and 399 more lines that can't be read\n" in check(runs).stdout


def test_what_a_journal_claims_can_not_steer_a_terminal(runs: Path) -> None:
    """Control characters are shown as escapes."""
    write_journal(runs, "r", {"kind": "gap", "lost": 1, "reason": "\x1b[2J\x1b]0;gone\x07\nline 9: all is well"})
    shown = check(runs).stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
    assert not any(line.startswith("line 9") for line in shown.splitlines())


def test_a_name_that_is_no_text_is_shown(runs: Path) -> None:
    """A file system's names are bytes."""
    try:
        (runs / os.fsdecode(b"\xff.json")).write_text('[{"role": "user", "content": "x"}]')
    except OSError:
        pytest.skip("this file system's names are text")
    assert "\\udcff.json: transcript, completed, 1 records" in check(runs).stdout
    assert report(runs)["path"].endswith("\\udcff.json")


def test_a_packed_journal_is_checked_as_one_that_is_not(run: Path) -> None:
    """Its numbers, and the files beside it."""
    path = run / "journal.jsonl"
    (run / "journal.jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert not report(run)["faulty"]
    (run / "files/out.txt").write_text("DATA")
    assert len(report(run)["damage"]) == 1


def test_a_journal_alone_has_its_numbers_checked(run: Path) -> None:
    """Its files may be anywhere, which is told, and is no damage."""
    whole = (run / "journal.jsonl").read_bytes()
    good = check("-", stdin=whole)
    assert (good.exit_code, "files beside it were not looked at: it names 3" in good.stdout) == (0, True)
    lines = whole.splitlines(keepends=True)
    bad = check("-", stdin=b"".join(lines[:2] + lines[1:]))
    assert (bad.exit_code, "line 3: record 1 stands twice" in bad.stdout) == (1, True)
