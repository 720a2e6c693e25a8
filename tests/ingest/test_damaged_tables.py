"""A `traces.duckdb` that was cut off or changed: one line says so and what to do, and nothing is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ingest.cli import main
from tests.ingest.conftest import Ingest
from tests.ingest.tables import logged, write_journal

ROOT = Path(__file__).resolve().parents[2]

FULL = """
import resource, sys
from ingest.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # as a full disk: no file may become larger
main(sys.argv[1:])
"""

ADVICE = "; where it is damaged, move it away and ingest\n"


def ingest_again(runs: Path, out: Path, *options: str) -> str:
    """What an ingest says that finds the tables damaged, and leaves them as they were."""
    database = out / "traces.duckdb"
    before, files = database.read_bytes(), sorted(os.listdir(out))
    result = CliRunner().invoke(main, [str(runs), "--out", str(out), *options])
    assert result.exit_code == 2, result.output
    assert database.read_bytes() == before
    assert sorted(os.listdir(out)) == files
    return result.output


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.999, 0.9, 0.5, 0.2, 0.01, 0.0])
@pytest.mark.parametrize("is_new", [False, True])
def test_tables_that_were_cut_off(share: float, is_new: bool, runs: Path, ingested: Ingest) -> None:
    """Wherever, and whether or not there is anything new."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    out = ingested(runs).out
    database = out / "traces.duckdb"
    os.truncate(database, int(database.stat().st_size * share))
    if is_new:
        write_journal(runs, "s", logged("a", "b", "hi"))
    said = ingest_again(runs, out)
    assert said.startswith(f"ingest: {database}: ")
    assert said.endswith(ADVICE if share > 0.005 else "move it away\n")
    assert said.count("\n") == 1


def test_a_changed_byte_in_the_middle(runs: Path, ingested: Ingest) -> None:
    """It is seen when something new is put beside it."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    out = ingested(runs).out
    database = out / "traces.duckdb"
    content = bytearray(database.read_bytes())
    for place in range(12_288 + 5_000, len(content), 262_144):
        content[place] ^= 255
    database.write_bytes(content)
    for options in ((), ("--force",)):
        write_journal(runs, "s", logged("a", "b", "hi"))
        assert ingest_again(runs, out, *options).endswith(ADVICE)


@pytest.mark.slow
def test_a_changed_byte_that_only_shows_in_the_copy(runs: Path, ingested: Ingest) -> None:
    """The state is read, and a table that is written to is damaged."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    out = ingested(runs).out
    write_journal(runs, "s", logged("a", "b", "hi"))
    database = out / "traces.duckdb"
    content = database.read_bytes()
    said = []
    for place in range(12_288 + 100, len(content), 262_144):
        changed = bytearray(content)
        changed[place] ^= 255
        database.write_bytes(changed)
        result = CliRunner().invoke(main, [str(runs), "--out", str(out)])
        said += [result.output] if result.exit_code else []
    assert said
    assert all(line.endswith(ADVICE) for line in said)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_full_disk_is_no_damage_of_the_database(runs: Path, ingested: Ingest) -> None:
    """Nobody is told to move it away where a Parquet file that was cut off can't be written again."""
    write_journal(runs, "r", logged("a", "b", "hi"))
    out = ingested(runs).out
    (cut,) = (out / "parquet" / "messages").rglob("*.parquet")
    os.truncate(cut, 20)
    command = [sys.executable, "-c", FULL, str(runs), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(f"ingest: {cut}: can't be written again (")
    assert line.endswith("; the database is whole")
    assert list(out.rglob("*.unfinished")) == []
    assert ingested(runs).one("SELECT count(*) FROM messages") == 1
    assert cut.stat().st_size > 20
