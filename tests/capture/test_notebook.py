"""In a real notebook, where an event loop is running and cells are run again and interrupted."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.capture.recorded import events, journal, of_kind

nbformat = pytest.importorskip("nbformat", reason="needs nbclient and ipykernel: pip install nbclient ipykernel")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel: pip install nbclient ipykernel")
pytest.importorskip("ipykernel", reason="needs nbclient and ipykernel: pip install nbclient ipykernel")
ROOT = Path(__file__).parents[2]


def execute(*cells: str) -> Any:
    """Runs a notebook with these cells, and returns them with what they put out."""
    sources = [textwrap.dedent(cell) for cell in cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    return notebook.cells


def text_of(cell: Any) -> str:
    """What a cell printed, warned and raised."""
    return "".join(str(output.get("text", "")) + str(output.get("evalue", "")) for output in cell.outputs)


@pytest.mark.slow
def test_a_notebook_is_recorded_through_cells_that_are_run_again_and_interrupted() -> None:
    """Cells share a run; a re-run start ends the first with a notice; async cells and an interrupt are recorded."""
    start = "run = capture.start('runs', console=False)\nids.append(run.id)"
    chat = "a.initiate_chat(b, message={!r}, max_turns=1).chat_id; assert capture.current() is run"
    cells = execute(
        f"""
        import sys; sys.path.insert(0, {str(ROOT)!r})
        import capture
        from tests.capture.agents import talker
        a, b, ids = talker("a"), talker("b"), []
        """,
        start,
        chat.format("one"),
        start,
        "run.context(step_id='step_2')",
        chat.format("two"),
        "await a.a_initiate_chat(b, message='three', max_turns=1); assert capture.current() is run",
        "a.initiate_chat(b, message='four', max_turns=1); raise KeyboardInterrupt",
        chat.format("five"),
        "run",
        "run.close(); assert capture.current() is None",
        chat.format("six").split(";")[0],
        "print(*ids)",
    )
    problems = [text_of(cell) for cell in cells if any(o.output_type == "error" for o in cell.outputs)]
    assert problems == [""]  # the interrupt
    assert "ends here, because a new run starts" in text_of(cells[3])
    first, second = (Path("runs") / name for name in text_of(cells[-1]).split())
    said = [[e["content"] for e in events(journal(run), "text") if e["content"] != "hello"] for run in (first, second)]
    assert said == [["one"], ["two", "three", "four", "five"]]
    records = journal(second)
    assert {r["step_id"] for r in of_kind(records, "event")} == {"step_2"}
    assert not any("attributed" in r for r in records)
    assert [journal(run)[-1]["status"] for run in (first, second)] == ["completed", "completed"]
    shown = cells[9].outputs[0]["data"]["text/html"]
    assert "a, b" in shown
    assert second.name in shown


@pytest.mark.slow
def test_a_notebook_that_is_shut_down_leaves_whole_runs() -> None:
    """A run that was forgotten in a notebook is closed when the kernel ends."""
    execute(
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import capture; run = capture.start('runs', run_id='r')",
        "run.log('success', 'x')",
    )
    assert [r["kind"] for r in journal(Path("runs/r"))] == ["run_start", "action", "run_end"]
