"""`--strict`: what is wrong with the tables is an exit code for as long as it is wrong."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.cli import main
from tests.ingest.tables import logged, write_journal
from tests.ingest.test_compressed import noise, pack


@pytest.fixture
def strict(runs: Path, tmp_path: Path) -> "Strict":
    """Ingests the runs with `--strict`."""
    return Strict(runs, tmp_path / "traces")


class Strict:
    """The command, and the last thing it said."""

    def __init__(self, runs: Path, out: Path) -> None:
        self._arguments = [str(runs), "--out", str(out), "--strict"]
        self.lines: list[str] = []

    def __call__(self, *options: str) -> int:
        result = CliRunner().invoke(main, [*self._arguments, *options])
        self.lines = result.stderr.splitlines()
        return result.exit_code


def test_a_line_in_quarantine_is_told_until_it_is_mended(runs: Path, strict: Strict) -> None:
    """Also by an ingest that has nothing to read."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    whole = path.read_bytes()
    path.write_bytes(whole + b"broken\n")
    for _ in range(2):
        assert strict() == 1
        assert "1 unreadable line in quarantine, 0 damaged files" in strict.lines
    path.write_bytes(whole)
    assert strict() == 0
    assert not any("quarantine, 0 damaged" in line for line in strict.lines)


def test_a_torn_last_line_is_none(runs: Path, strict: Strict) -> None:
    """The writer may still be at it, at every look."""
    path = write_journal(runs, "r", logged("a", "b", "hi"), end=False)
    path.write_bytes(path.read_bytes() + b'{"v": 1, "se')
    assert [strict(), strict()] == [0, 0]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json.gz", b"\x1f\x8b\x08\x00brokenbroken"), ("a.db", b"SQLite format 3\0" + b"\xff" * 5000)],
)
def test_a_damaged_file_is_told_until_it_is_gone(name: str, content: bytes, runs: Path, strict: Strict) -> None:
    """Nothing of it can be read, so nobody knows what it was: that is not the same as no run."""
    (runs / name).write_bytes(content)
    (runs / "config.json").write_text("{}")
    assert strict() == 1
    assert strict() == 1
    assert any(line.startswith(f"{runs / name}: still damaged, ") for line in strict.lines)
    assert "0 unreadable lines in quarantine, 1 damaged file" in strict.lines
    assert json.loads(CliRunner().invoke(main, [str(runs), "--out", str(runs.parent / "traces"), "--json"]).stdout)[
        "damaged"
    ]
    (runs / name).unlink()
    assert strict("--drop-missing") == 0


def test_a_file_that_can_not_be_read_is_told(runs: Path, strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again each time; one that went away meanwhile is no damage."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))

    def refuse(name: str) -> object:
        raise PermissionError(13, "Permission denied")

    def vanish(name: str) -> object:
        path.unlink()
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("ingest.read.open_regular", refuse)
    assert [strict(), strict()] == [1, 1]
    monkeypatch.setattr("ingest.read.open_regular", vanish)
    assert strict() == 0


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_archive_that_breaks_off_is_damage_to_both(suffix: str, runs: Path, strict: Strict) -> None:
    """`check` exits with 1, and so does a strict ingest, at every look: what was behind the break is lost."""
    path = pack(write_journal(runs, "r", *noise(2500)), suffix)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = CliRunner().invoke(main, ["check", str(runs)])
    assert result.exit_code == 1
    assert "it breaks off" in result.stdout
    assert [strict(), strict()] == [1, 1]


def test_an_archive_that_breaks_off_between_lines_is_damage(runs: Path) -> None:
    """Also where no line is cut in two."""
    path = write_journal(runs, "r", logged("a", "b", "hi"))
    packed = pack(path, ".gz")
    packed.write_bytes(gzip.compress(gzip.decompress(packed.read_bytes()))[:-4])
    result = CliRunner().invoke(main, ["check", "--json", str(runs)])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["torn"] == 0


def test_the_help_says_the_same() -> None:
    """What exit code 1 is for."""
    said = " ".join(CliRunner().invoke(main, ["load", "--help"], terminal_width=200).stdout.split())
    assert "Exit with 1 where lines stand in quarantine (cut-off last lines aside) or files are damaged." in said
