"""What a scenario is: a scripted model, and agents that play with it while they are recorded."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autogen import ConversableAgent
from autogen.coding import LocalCommandLineCodeExecutor

from sample_runs.scripted_llm import Step

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

OUTPUT = "output"
"""Folder below the current one in which the agents' code runs."""


@dataclass(frozen=True)
class Scenario:
    """One recording.

    Args:
        run_id: name of the run and of its folder; sorts by time, and its time is the run's.
        script: the model's answers, a queue per agent, found by `You are <name>.` in the system message.
        play: lets the agents talk; called inside the run, in a current folder of its own.
        prepare: makes the files that are in the current folder before the run starts.
        raises: name of the exception that `play` ends with, when the run is meant to fail.
    """

    run_id: str
    task: str
    mode: str
    script: Mapping[str, Sequence[Step]]
    play: "Callable[[Run, ScriptedLLM], None]"
    prepare: Callable[[], None] = lambda: None
    session: str = "weather-report"
    tags: Mapping[str, str] = field(default_factory=dict)
    raises: str | None = None


def says_done(message: dict[str, Any]) -> bool:
    """The end of a chat, as AG2's own examples mark it."""
    return "TERMINATE" in str(message.get("content") or "")


def speaker(name: str, role: str, llm: "ScriptedLLM", **options: Any) -> ConversableAgent:
    """An agent that the model speaks for; `options` are those of the config entry, such as `stream=True`."""
    return ConversableAgent(
        name,
        f"You are {name}. {role}",
        description=role,
        llm_config=llm.config("gpt-scripted", **options),
        human_input_mode="NEVER",
    )


def executor(name: str = "executor") -> ConversableAgent:
    """An agent without a model that runs code in `OUTPUT` with the current Python, and tools registered with it."""
    code = LocalCommandLineCodeExecutor(timeout=60, work_dir=OUTPUT)
    return ConversableAgent(
        name,
        llm_config=False,
        human_input_mode="NEVER",
        description="Runs code and tools.",
        code_execution_config={"executor": code},
        is_termination_msg=says_done,
    )


def write_measurements(path: Path, temperatures: Sequence[float]) -> None:
    """A small table of hourly temperatures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["hour", "temperature"])
        rows.writerows(enumerate(temperatures))
