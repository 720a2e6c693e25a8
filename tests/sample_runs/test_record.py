"""The recording command when something is wrong: it says what, and leaves the old recordings alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from sample_runs.record import RecordingError, _play

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_scenario_that_fails_is_an_error_with_its_output(tmp_path: Path) -> None:
    """A child that ends otherwise than expected is reported with the end of what it printed."""
    pytest.importorskip("autogen")
    with pytest.raises(RecordingError, match=r"exit code 1, not 0:\n(?s:.*)KeyError: 'no-such-run'"):
        _play(tmp_path, tmp_path / "runs", ["no-such-run"], ends_with=0)


def test_without_ag2_the_command_says_what_to_install(tmp_path: Path) -> None:
    """Without AG2 there is one line, exit code 2, and no folder."""
    out = tmp_path / "out"
    code = (
        "import importlib.util, runpy, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'autogen' else find(name, *a)\n"
        f"sys.argv = ['record', '--out', {str(out)!r}]\n"
        "runpy.run_module('sample_runs.record', run_name='__main__')\n"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert child.returncode == 2
    assert child.stderr.startswith("AG2 is not here")
    assert "pip install" in child.stderr
    assert "Traceback" not in child.stderr
    assert not out.exists()
