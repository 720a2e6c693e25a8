"""The scenarios, in the order of their run ids. A new one is a module with `SCENARIOS`, named in `MODULES`."""

from sample_runs.scenarios import failures, idea_generation, ocr, one_shot, planning_control, tool_chain
from sample_runs.scenarios.failures import KILLED
from sample_runs.scenarios.scenario import Scenario

MODULES = (one_shot, tool_chain, planning_control, idea_generation, ocr, failures)

ALL: dict[str, Scenario] = {s.run_id: s for module in MODULES for s in module.SCENARIOS}

__all__ = ["ALL", "KILLED", "Scenario"]
