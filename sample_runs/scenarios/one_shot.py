"""Mode one-shot: an engineer asks a tool about a station, then writes code that reads a table and writes a summary.

Recorded for four stations, so that a tool, a list of imports and a shape of code recur across runs.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sample_runs.scenarios.scenario import OUTPUT, Scenario, executor, speaker, write_measurements
from sample_runs.scripted_llm import call

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

STATIONS = {
    "north": (410, [3.1, 2.8, 2.9, 4.4, 6.0, 7.2]),
    "south": (35, [11.0, 10.6, 10.9, 13.5, 15.1, 16.4]),
    "east": (120, [7.7, 7.1, 7.0, 8.8, 10.2, 11.9]),
    "west": (260, [5.2, 5.0, 5.3, 6.1, 7.9, 8.0]),
}
"""Altitude in metres, temperatures in degrees Celsius."""

CODE = """\
The station is known. This script reads the measurements and writes the summary to {name}_summary.json.

```python
# filename: summarise_{name}.py
import csv
import json
import statistics
from pathlib import Path

with open("measurements.csv", newline="") as file:
    temperatures = [float(row["temperature"]) for row in csv.DictReader(file)]

summary = {{
    "station": "{name}",
    "altitude_m": {altitude},
    "count": len(temperatures),
    "mean": round(statistics.mean(temperatures), 2),
    "maximum": max(temperatures),
}}
Path("{name}_summary.json").write_text(json.dumps(summary, indent=2) + "\\n")
print("Saved to {name}_summary.json")
print("mean:", summary["mean"])
```
"""


def describe_station(name: Annotated[str, "name of the station"]) -> dict[str, object]:
    """What the tool answers: where the station stands."""
    return {"name": name, "altitude_m": STATIONS[name][0], "sensor": "thermometer"}


def _scenario(hour: int, name: str) -> Scenario:
    altitude, temperatures = STATIONS[name]
    measurements = Path(OUTPUT, "measurements.csv")

    def play(run: "Run", llm: "ScriptedLLM") -> None:
        with run.timed("tool_call", "Read", agent="executor", file_path=measurements.as_posix()) as action:
            action.set_result({"lines": len(measurements.read_text().splitlines())})
        run.log("decision", "select_agent", agent="executor", chosen="engineer", score=0.93, others=["planner"])
        engineer = speaker("engineer", "You write Python code that runs as it is.", llm)
        admin = executor()
        engineer.register_for_llm(description="Looks up a weather station")(describe_station)
        admin.register_for_execution()(describe_station)
        with run.step("step_1", node_id="engineer"):
            admin.initiate_chat(engineer, message=f"Summarise measurements.csv of station {name}, save it as JSON.")
        run.log("success", "task_completed", agent="engineer", files=[f"{name}_summary.json"])

    return Scenario(
        run_id=f"20260112T{hour:02}0000Z-one-shot-{name}",
        task=f"Summarise the measurements of station {name}",
        mode="one-shot",
        tags={"station": name},
        script={
            "You are engineer.": [
                call("describe_station", name=name),
                CODE.format(name=name, altitude=altitude),
                f"The summary of station {name} is in {name}_summary.json. TERMINATE",
            ]
        },
        prepare=lambda: write_measurements(measurements, temperatures),
        play=play,
    )


SCENARIOS = tuple(_scenario(9 + i, name) for i, name in enumerate(STATIONS))
