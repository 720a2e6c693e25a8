"""`ingest check` on damaged and made-up runs in great numbers: no error, and damage that can be seen is told."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ingest.cli import main
from tests.ingest.test_fuzz import JOURNALS, JOURNALS_MADE_UP, RECORDS, VALUES, damage, transcript, tried

PATHS = st.sampled_from(
    [
        "files/a",
        "files/../../b",
        "../b",
        "/etc/passwd",
        "files",
        "files/",
        ".",
        "journal.jsonl",
        "files/\0",
        "files/link",
    ]
)
CLAIMS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["file", "messages", "gap", "run_end"])},
    optional={
        "copy": PATHS | VALUES,
        "path": PATHS | VALUES,
        **dict.fromkeys(("size", "copy_size", "sha256", "copy_sha256", "lost", "reason", "seq"), VALUES),
        "stats": st.fixed_dictionaries({"lost": VALUES}) | VALUES,
    },
)
"""Records that claim anything of files and losses."""


def checked(runs: Path) -> dict[str, dict[str, Any]]:
    """What `ingest check` says of each file below a folder: to people and programs the same, and never an error."""
    said = []
    for options in ((), ("--json",)):
        result = CliRunner().invoke(main, ["check", str(runs), *options])
        assert isinstance(result.exception, SystemExit | None), result.exc_info
        said.append(result)
    reports = [json.loads(line) for line in said[1].stdout.splitlines()]
    assert {result.exit_code for result in said} == {int(any(report["faulty"] for report in reports))}
    assert said[0].stdout.count(str(runs)) >= len(reports)
    return {report["run_id"]: report for report in reports}


def made_up(runs: Path, journals: list[list[Any]]) -> None:
    """Check journals of made-up records, with files beside them that they may name."""
    for number, records in enumerate(journals):
        folder = runs / f"r{number}"
        (folder / "files").mkdir(parents=True)
        (folder / "files" / "a").write_text("x")
        (folder / "files" / "link").symlink_to(runs)
        text = "".join(json.dumps({"v": 1, "seq": k, "ts": k, **r}) + "\n" for k, r in enumerate(records))
        (folder / "journal.jsonl").write_text(text)
    assert len(checked(runs)) == len(journals)


@tried(8)
@given(journals=JOURNALS_MADE_UP)
def test_made_up_records(journals: list[list[Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any value in any field is no error."""
    made_up(tmp_path_factory.mktemp("made_up"), journals)


@pytest.mark.slow
@tried(300)
@given(journals=st.lists(st.lists(CLAIMS | RECORDS, max_size=8), min_size=1, max_size=8))
def test_many_made_up_claims(journals: list[list[Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nor is any path, size, hash or number of losses."""
    made_up(tmp_path_factory.mktemp("made_up"), journals)


@pytest.mark.parametrize("seed", [0, pytest.param(range(1, 40), marks=pytest.mark.slow)])
def test_damaged_files(seed: int | range, runs: Path) -> None:
    """Journals and transcripts with bytes flipped, cut, inserted and doubled: a report for each."""
    for number in seed if isinstance(seed, range) else (seed,):
        chance = random.Random(number)
        for n in range(30):
            folder = runs / f"r{n}"
            folder.mkdir(exist_ok=True)
            (folder / "journal.jsonl").write_bytes(damage(chance.choice(JOURNALS).read_bytes(), chance))
            (runs / f"t{n}.json").write_bytes(damage(transcript(chance), chance))
        assert len(checked(runs)) == 60


def _doubled(lines: list[bytes], chance: random.Random) -> None:
    here = chance.randrange(len(lines))
    lines.insert(chance.randrange(here, len(lines)) + 1, lines[here])


def _taken_out(lines: list[bytes], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines) - 1)]


def _swapped(lines: list[bytes], chance: random.Random) -> None:
    here, there = chance.sample(range(len(lines)), 2)
    lines[here], lines[there] = lines[there], lines[here]


def _broken(lines: list[bytes], chance: random.Random) -> None:
    here = chance.randrange(len(lines) - 1)
    lines[here] = lines[here][: chance.randrange(1, len(lines[here]) - 2)] + b"\n"


FAULTS: tuple[Callable[[list[bytes], random.Random], None], ...] = (_doubled, _taken_out, _swapped, _broken)


@pytest.mark.parametrize("seed", [0, pytest.param(range(1, 20), marks=pytest.mark.slow)])
def test_no_damage_to_lines_or_copies_goes_unseen(seed: int | range, runs: Path) -> None:
    """A record doubled, taken out before the end, moved or broken, or a byte of a copy: each is damage."""
    for number in seed if isinstance(seed, range) else (seed,):
        chance = random.Random(number)
        for n in range(20):
            folder = runs / f"r{n}"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(chance.choice(JOURNALS).parent, folder)
            copies = [path for path in sorted(folder.glob("files/**/*")) if path.is_file() and path.stat().st_size]
            if copies and n % 2:
                copy = chance.choice(copies)
                raw = bytearray(copy.read_bytes())
                raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
                copy.write_bytes(raw)
            else:
                path = folder / "journal.jsonl"
                lines = path.read_bytes().splitlines(keepends=True)
                if not lines[-1].endswith(b"}\n"):
                    lines.pop()  # the sample run that was killed
                chance.choice(FAULTS)(lines, chance)
                path.write_bytes(b"".join(lines))
        unseen = [report for report in checked(runs).values() if not report["faulty"]]
        assert unseen == []
