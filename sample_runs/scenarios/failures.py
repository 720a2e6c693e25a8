"""Runs in which something goes wrong: a tool that raises, a missing module, a model that refuses, a killed process."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from sample_runs.scenarios.scenario import OUTPUT, Scenario, executor, speaker, write_measurements
from sample_runs.scripted_llm import Failure, call

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

BROKEN = """\
I compare the two days with fake_module.

```python
import fake_module

print(fake_module.compare("{one}.csv", "{other}.csv"))
```
"""

FIXED = """\
fake_module is not installed. The standard library is enough:

```python
import csv
import json
import statistics
from pathlib import Path

means = {{}}
for day in ("{one}", "{other}"):
    with open(f"{{day}}.csv", newline="") as file:
        means[day] = statistics.mean(float(row["temperature"]) for row in csv.DictReader(file))
Path("comparison.json").write_text(json.dumps(means))
print("Saved to comparison.json")
```
"""


def _last_failure(history: list[dict[str, Any]]) -> str:
    """The last line of the last failed execution or tool call."""
    failed = [str(m["content"]) for m in history if str(m.get("content")).startswith(("exitcode: 1", "Error"))]
    return failed[-1].strip().splitlines()[-1]


def _missing_module(date: str, one: str, other: str) -> Scenario:
    """Recorded twice, so that the failure and its fix recur."""

    def prepare() -> None:
        write_measurements(Path(OUTPUT, f"{one}.csv"), [8.0, 9.5, 12.0])
        write_measurements(Path(OUTPUT, f"{other}.csv"), [7.0, 9.0, 14.0])

    def play(run: "Run", llm: "ScriptedLLM") -> None:
        engineer = speaker("engineer", "You write Python code that runs as it is.", llm)
        with run.step("step_1", node_id="engineer"):
            result = executor().initiate_chat(engineer, message=f"Compare the means of {one}.csv and {other}.csv.")
            message = _last_failure(result.chat_history)
            run.log("error", "ModuleNotFoundError", agent="engineer", error_message=message, recovered=True)
        run.log("success", "task_completed", agent="engineer", files=["comparison.json"])

    code = [text.format(one=one, other=other) for text in (BROKEN, FIXED)]
    return Scenario(
        run_id=f"{date}T090000Z-missing-module",
        task=f"Compare {one} and {other}",
        mode="one-shot",
        script={"You are engineer.": [*code, "The means are in comparison.json. TERMINATE"]},
        prepare=prepare,
        play=play,
    )


def _tool_retry(run: "Run", llm: "ScriptedLLM") -> None:
    attempts: list[str] = []

    def fetch_measurements(station: Annotated[str, "name of the station"]) -> str:
        attempts.append(station)
        if len(attempts) == 1:
            raise ConnectionError(f"station {station} does not answer")
        return '{"station": "' + station + '", "temperatures": [5.1, 5.0, 6.2]}'

    operator = speaker("operator", "You fetch data from stations.", llm)
    toolbox = executor("toolbox")
    operator.register_for_llm(description="Fetches the latest measurements")(fetch_measurements)
    toolbox.register_for_execution()(fetch_measurements)
    with run.step("step_1", node_id="operator"):
        result = toolbox.initiate_chat(operator, message="Fetch the latest measurements of station west.")
        message = _last_failure(result.chat_history)
        run.log("error", "ConnectionError", agent="operator", error_message=message, recovered=True)
    run.log("success", "task_completed", agent="operator", attempts=len(attempts))


def _refused(run: "Run", llm: "ScriptedLLM") -> None:
    writer = speaker("writer", "You write short texts.", llm)
    with run.step("step_1", node_id="writer"):
        executor().initiate_chat(writer, message="Write a headline for the weekly report.")


def _killed(run: "Run", llm: "ScriptedLLM") -> None:
    def process_archive(year: Annotated[int, "the year"]) -> str:
        """Works through a year; the second one is too much for the machine, and the kernel ends the process."""
        if year > 1931:
            os.kill(os.getpid(), signal.SIGKILL)
        return f"{year}: 365 days"

    archivist = speaker("archivist", "You work through archives.", llm)
    toolbox = executor("toolbox")
    archivist.register_for_llm(description="Works through the archive of one year")(process_archive)
    toolbox.register_for_execution()(process_archive)
    with run.step("step_1", node_id="archivist"):
        toolbox.initiate_chat(archivist, message="Work through the archive of 1931 and 1932.")


KILLED = Scenario(
    run_id="20260115T120000Z-killed",
    task="Work through the archive",
    mode="one-shot",
    script={"You are archivist.": [call("process_archive", year=1931), call("process_archive", year=1932)]},
    play=_killed,
    session="archive",
)

SCENARIOS = (
    _missing_module("20260115", "monday", "tuesday"),
    Scenario(
        run_id="20260115T100000Z-tool-retry",
        task="Fetch measurements from a station that answers at the second try",
        mode="one-shot",
        script={
            "You are operator.": [
                call("fetch_measurements", station="west"),
                call("fetch_measurements", station="west"),
                "Station west measured 5.1, 5.0 and 6.2 degrees. TERMINATE",
            ]
        },
        play=_tool_retry,
    ),
    Scenario(
        run_id="20260115T110000Z-rate-limited",
        task="Write a headline",
        mode="one-shot",
        script={"You are writer.": [Failure(429, "Rate limit reached for requests per minute")]},
        play=_refused,
        raises="RateLimitError",
    ),
    KILLED,
    _missing_module("20260116", "wednesday", "thursday"),
)
