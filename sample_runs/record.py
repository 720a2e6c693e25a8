"""Records all sample runs anew: `python -m sample_runs.record`.

The scenarios are played in a child process with a clean environment, in a temporary folder. What they leave is made
neutral and then put into the place of the old recordings.
"""

import argparse
import importlib.util
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

from sample_runs.neutral import MachineNamedError, machine, neutral, neutral_run

HERE = Path(__file__).resolve().parent
TIMEOUT = 300
"""Seconds for all scenarios together; they take about ten."""


class RecordingError(Exception):
    """The scenarios did not play as they should; the text says which and why."""


def record(out: Path) -> list[str]:
    """Play every scenario and put the recordings into `out`, in place of those of the same name.

    Returns:
        The names of the runs, and of the transcript.

    Raises:
        RecordingError: a scenario ended in another way than it should.
        MachineNamedError: a recording still names the machine.
    """
    from sample_runs.scenarios import ALL, KILLED, transcript

    whole = [name for name in ALL if name != KILLED.run_id]
    with tempfile.TemporaryDirectory(prefix="sample-runs-") as folder:
        root = Path(folder).resolve()
        play, runs, finished = root / "play", root / "runs", root / "neutral"
        play.mkdir()
        runs.mkdir()
        _play(play, runs, [transcript.FILE, *whole], ends_with=0)
        _play(play, runs, [KILLED.run_id], ends_with=-signal.SIGKILL)
        for name in ALL:
            neutral_run(runs / name, finished / name, play / name, torn=name == KILLED.run_id)
        messages = neutral(orjson.loads((runs / transcript.FILE).read_bytes()), machine(play / transcript.FILE))
        (finished / transcript.FILE).write_bytes(orjson.dumps(messages, option=orjson.OPT_INDENT_2) + b"\n")
        out.mkdir(parents=True, exist_ok=True)
        for name in ALL:
            shutil.rmtree(out / name, ignore_errors=True)
            shutil.copytree(finished / name, out / name)
        shutil.copyfile(finished / transcript.FILE, out / transcript.FILE)
    return [*ALL, transcript.FILE]


def _play(folder: Path, runs: Path, names: list[str], *, ends_with: int) -> None:
    """Play scenarios in a child process whose environment is that of nobody in particular."""
    environment = {
        # AG2 runs code with the first `python` it finds: that of this interpreter
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]),
        # packages that are installed below the real home are found there
        "PYTHONUSERBASE": site.getuserbase(),
        # the order of sets must not differ between two recordings
        "PYTHONHASHSEED": "0",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    child = subprocess.run(
        [sys.executable, "-m", "sample_runs.play", str(runs), *names],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
        check=False,
    )
    if child.returncode != ends_with:
        tail = child.stdout.decode(errors="replace")[-3000:]
        raise RecordingError(f"the scenarios ended with exit code {child.returncode}, not {ends_with}:\n{tail}")


def main() -> int:
    """The command. Exit code 0: recorded; 2: not recorded, and a line on stderr says why."""
    parser = argparse.ArgumentParser(prog="python -m sample_runs.record", description="Record all sample runs anew.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the recordings (default: this package's)")
    out = parser.parse_args().out
    if importlib.util.find_spec("autogen") is None:
        print(
            "AG2 is not here, and the sample runs are recorded from it: pip install 'ag2-journal[ag2]'", file=sys.stderr
        )
        return 2
    try:
        names = record(out)
    except (RecordingError, MachineNamedError, subprocess.TimeoutExpired) as error:
        print(f"Nothing was recorded: {error}", file=sys.stderr)
        return 2
    print(f"Recorded {len(names) - 1} runs and {names[-1]} into {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
