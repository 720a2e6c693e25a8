"""Mode idea-generation: a maker and a critic in turns, the maker's answers streamed."""

from typing import TYPE_CHECKING

from sample_runs.scenarios.scenario import Scenario, says_done, speaker

if TYPE_CHECKING:
    from capture import Run
    from sample_runs.scripted_llm import ScriptedLLM

IDEAS = [
    "Idea 1: compare the stations by altitude. Idea 2: look for sensors that drift.",
    "Idea 2, refined: a sensor drifts when its mean departs from its neighbours' mean by more than one degree for "
    "a week. Needed: the four weekly tables that exist already.",
    "Final idea: report, for each station and week, the difference to the mean of the other three, and flag a run of "
    "seven days above one degree.",
]

CRITIQUES = [
    "Idea 1 is known textbook matter. Idea 2 is worth the work, but what counts as drift is not said.",
    "Better. A cold front moves all neighbours at different hours: use daily means, and say what is reported.",
    "That can be checked with the data at hand. TERMINATE",
]


def play(run: "Run", llm: "ScriptedLLM") -> None:
    maker = speaker("idea_maker", "You propose ideas for an analysis.", llm, stream=True)
    critic = speaker("idea_hater", "You say what is weak in an idea.", llm)
    maker._is_termination_msg = says_done
    with run.step("step_1", node_id="idea_generation"):
        result = critic.initiate_chat(maker, message="Propose ideas for better use of four weather stations.")
    run.save_messages(result)
    run.log("decision", "select_idea", agent="idea_hater", chosen="drift of sensors", score=0.81)


SCENARIOS = (
    Scenario(
        run_id="20260114T110000Z-idea-generation",
        task="Find an idea for better use of four weather stations",
        mode="idea-generation",
        script={"You are idea_maker.": IDEAS, "You are idea_hater.": CRITIQUES},
        play=play,
        session="ideas",
    ),
)
