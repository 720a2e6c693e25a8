"""The child process of a recording: plays scenarios under `capture`, in folders of their own.

It is a process apart because one scenario ends with a kill, and because the current folder and AG2's globals are the
process's. Called by `sample_runs.record`: `python -m sample_runs.play RUNS_DIR RUN_ID...` in an empty folder.
"""

import os
import sys
import time
from pathlib import Path

import capture
from sample_runs.scenarios import ALL, Scenario, transcript
from sample_runs.scripted_llm import ScriptedLLM


def play(scenario: Scenario, runs: Path, base: Path) -> None:
    """Record one scenario into `runs`, in the current folder `base/<run_id>`."""
    os.chdir(base / scenario.run_id)
    with ScriptedLLM(scenario.script, seed=scenario.run_id) as llm:
        try:
            with capture.start(
                runs,
                task=scenario.task,
                mode=scenario.mode,
                tags=dict(scenario.tags),
                session=scenario.session,
                project="weather",
                run_id=scenario.run_id,
            ) as run:
                scenario.play(run, llm)
        except Exception as error:
            if type(error).__name__ != scenario.raises:
                raise
        else:
            if scenario.raises:
                raise RuntimeError(f"{scenario.run_id} was to end with {scenario.raises}, and did not")


def save_transcript(path: Path, base: Path) -> None:
    """Save the transcript that stands alone."""
    os.chdir(base / transcript.FILE)
    with ScriptedLLM(transcript.SCRIPT, seed="transcript") as llm:
        transcript.save(path, llm)


def _enter(folder: Path) -> None:
    folder.mkdir()
    os.chdir(folder)


def main(runs: Path, names: list[str]) -> None:
    base = Path.cwd()
    for name in names:
        _enter(base / name)
        if name in ALL:
            ALL[name].prepare()
    # what was there before is not the run's: it must be older than the slack for coarse clocks that `capture` grants
    time.sleep(0.1)
    for name in names:
        if name == transcript.FILE:
            save_transcript(runs / name, base)
        else:
            play(ALL[name], runs, base)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])
