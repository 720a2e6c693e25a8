"""Three tools, one after the other: load, transform, report. Recorded for four weeks, so that the chain recurs."""

import asyncio
import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from sample_runs.scenarios.scenario import OUTPUT, Scenario, executor, speaker, write_measurements
from sample_runs.scripted_llm import call

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

WEEKS = (
    [4.0, 3.5, 5.5, 8.0],
    [4.5, 4.0, 6.0, 9.5],
    [1.0, 0.5, 2.5, 4.0],
    [6.0, 5.5, 8.5, 11.0],
)


def load_table(path: Annotated[str, "a CSV file"]) -> str:
    """Reads a table."""
    header, *rows = Path(OUTPUT, path).read_text().splitlines()
    return json.dumps({"columns": header.split(","), "rows": [row.split(",") for row in rows]})


def transform_table(
    values: Annotated[list[float], "the column"], operation: Annotated[str, "mean, minimum or range"]
) -> str:
    """Boils a column down to a number."""
    results = {"mean": statistics.mean(values), "minimum": min(values), "range": max(values) - min(values)}
    return json.dumps({"operation": operation, "value": round(results[operation], 3)})


def write_report(path: Annotated[str, "where to"], title: Annotated[str, "heading"], value: float) -> str:
    """Writes a report in Markdown."""
    Path(OUTPUT, path).write_text(f"# {title}\n\nMean temperature: {value} degrees Celsius\n")
    return f"Report written to {path}"


TOOLS = (load_table, transform_table, write_report)


def _scenario(number: int, temperatures: list[float]) -> Scenario:
    table, report = f"week_{number}.csv", f"report_week_{number}.md"
    mean = round(statistics.mean(temperatures), 3)
    message = f"Load {table}, take the mean and write {report}."

    def play(run: "Run", llm: "ScriptedLLM") -> None:
        analyst = speaker("analyst", "You work with tools only.", llm)
        toolbox = executor("toolbox")
        for tool in TOOLS:
            analyst.register_for_llm(description=(tool.__doc__ or "").strip())(tool)
            toolbox.register_for_execution()(tool)
        with run.step("step_1", node_id="analyst"):
            # the last week runs on asyncio, as in a notebook or a web server
            if number == len(WEEKS):
                asyncio.run(toolbox.a_initiate_chat(analyst, message=message))
            else:
                toolbox.initiate_chat(analyst, message=message)
        with run.timed("tool_call", "Write", agent="toolbox", file_path=f"{OUTPUT}/{report}") as action:
            action.set_result({"bytes": Path(OUTPUT, report).stat().st_size})
        run.log("success", "report_written", agent="analyst", path=report)

    return Scenario(
        run_id=f"20260113T{9 + number:02}0000Z-tool-chain-week-{number}",
        task=f"Report on week {number}",
        mode="one-shot",
        tags={"week": str(number)},
        script={
            "You are analyst.": [
                call("load_table", path=table),
                call("transform_table", values=temperatures, operation="mean"),
                call("write_report", path=report, title=f"Week {number}", value=mean),
                f"The mean is {mean}; the report is in {report}. TERMINATE",
            ]
        },
        prepare=lambda: write_measurements(Path(OUTPUT, table), temperatures),
        play=play,
    )


SCENARIOS = tuple(_scenario(i, temperatures) for i, temperatures in enumerate(WEEKS, 1))
