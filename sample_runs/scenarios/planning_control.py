"""Mode planning-control: a plan is written and reviewed, then three steps are carried out and saved one by one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autogen import Agent, GroupChat, GroupChatManager

from sample_runs.scenarios.scenario import Scenario, executor, says_done, speaker
from sample_runs.scripted_llm import Step

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

PLAN = """\
Plan, version {version}:
1. Simulate hourly temperatures of one day and save them.
2. Fit a sine wave to them{more}.
3. Write a short report."""

SIMULATE = """\
Step 1. I simulate the day and save it as day.csv.

```python
# filename: simulate.py
import csv
import math

with open("day.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["hour", "temperature"])
    for hour in range(24):
        table.writerow([hour, round(10 + 6 * math.sin((hour - 8) * math.pi / 12), 3)])
print("Saved to day.csv")
```
"""

FIT = """\
Step 2. I fit the amplitude with the help of the first Fourier coefficient.

```python
# filename: fit.py
import csv
import json
import math

with open("day.csv", newline="") as file:
    values = [float(row["temperature"]) for row in csv.DictReader(file)]

sine = sum(v * math.sin(2 * math.pi * i / 24) for i, v in enumerate(values)) / 12
cosine = sum(v * math.cos(2 * math.pi * i / 24) for i, v in enumerate(values)) / 12
fit = {"mean": round(sum(values) / 24, 3), "amplitude": round(math.hypot(sine, cosine), 3)}
with open("fit.json", "w") as file:
    json.dump(fit, file)
print("Saved to fit.json")
print(fit)
```
"""

REPORT_WRONG = """\
Step 3. I write the report.

```python
import json
from pathlib import Path

fit = json.loads(Path("fit.json").read_text())
Path("report.md").write_text(f"# Daily wave\\n\\nAmplitude: {fit['amplitud']}\\n")
print("Saved to report.md")
```
"""

REPORT = """\
The key was misspelt. Once more, with the right one:

```python
import json
from pathlib import Path

fit = json.loads(Path("fit.json").read_text())
Path("report.md").write_text(f"# Daily wave\\n\\nMean: {fit['mean']}\\nAmplitude: {fit['amplitude']}\\n")
print("Saved to report.md")
```
"""

SCRIPT: dict[str, list[Step]] = {
    # AG2's own agent that picks the next speaker of the planning phase
    "You are in a role play game.": ["planner", "plan_reviewer", "planner", "plan_reviewer"],
    "You are planner.": [PLAN.format(version=1, more=""), PLAN.format(version=2, more=" and save the parameters")],
    "You are plan_reviewer.": [
        "Step 2 leaves nothing behind that step 3 could use. Save the fitted parameters.",
        "The plan is complete. TERMINATE",
    ],
    "You are engineer.": [
        SIMULATE,
        "Step 1 is done: day.csv is there. TERMINATE",
        FIT,
        "Step 2 is done: the amplitude is 6.0. TERMINATE",
        REPORT_WRONG,
        REPORT,
        "Step 3 is done: the report is in report.md. TERMINATE",
    ],
}

STEPS = {
    "step_1": "Step 1: simulate hourly temperatures of one day and save them.",
    "step_2": "Step 2: fit a sine wave to them and save the parameters.",
    "step_3": "Step 3: write a short report.",
}


def _control(run: "Run", engineer: Agent, runner: Agent) -> Callable[[Agent, GroupChat], Agent]:
    """Picks the next speaker of a control step, and logs why."""

    def select(last: Agent, chat: GroupChat) -> Agent:
        has_code = "```" in str(chat.messages[-1].get("content"))
        chosen = runner if last is engineer and has_code else engineer
        reason = "code to run" if chosen is runner else "work to do"
        score = 0.97 if has_code else 0.88
        run.log("decision", "select_agent", agent="control", chosen=chosen.name, score=score, reason=reason)
        return chosen

    return select


def _group(agents: list[Agent], llm: "ScriptedLLM", how: Any) -> GroupChatManager:
    chat = GroupChat(agents=agents, messages=[], max_round=8, speaker_selection_method=how)
    return GroupChatManager(
        chat, name="control", llm_config=llm.config("gpt-scripted"), is_termination_msg=says_done, silent=False
    )


def play(run: "Run", llm: "ScriptedLLM") -> None:
    admin = executor("admin")
    planner = speaker("planner", "You write plans of at most three steps.", llm)
    reviewer = speaker("plan_reviewer", "You find what is missing in a plan.", llm)
    engineer = speaker("engineer", "You write Python code that runs as it is.", llm)
    runner = executor()

    run.context(node_id="planning")
    planning = _group([planner, reviewer], llm, "auto")
    admin.initiate_chat(planning, message=f"Make a plan. {SCENARIO.task}.")
    run.save_messages(planning)

    for step, message in STEPS.items():
        with run.step(step, node_id=step):
            control = _group([engineer, runner], llm, _control(run, engineer, runner))
            admin.initiate_chat(control, message=message)
            run.save_messages(control)
    run.context(node_id="")
    run.log("success", "plan_completed", agent="control", steps=len(STEPS))


SCENARIO = Scenario(
    run_id="20260114T090000Z-planning-control",
    task="Simulate a day of temperatures, fit a sine wave, report the result",
    mode="planning-control",
    script=SCRIPT,
    play=play,
    session="daily-wave",
    tags={"team": "climate"},
)

SCENARIOS = (SCENARIO,)
