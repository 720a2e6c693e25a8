"""Code that AG2 runs in a Jupyter kernel."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
pytest.importorskip("ipykernel", reason="needs a kernel: pip install nbclient ipykernel")

from tests.ingest.conftest import Ingest

PROGRAM = """
import sys

import capture
from autogen import ConversableAgent
from autogen.coding.jupyter import EmbeddedIPythonCodeExecutor

executor = EmbeddedIPythonCodeExecutor(output_dir=".")
runner = ConversableAgent("runner", llm_config=False, code_execution_config={"executor": executor})
runner.human_input_mode = "NEVER"
writer = ConversableAgent("writer", llm_config=False, human_input_mode="NEVER")
with capture.start(sys.argv[1], run_id="r", console=False):
    for code in ("x = 41", "x + 1", "import nothere", "class Stop(BaseException): pass\\nraise Stop('so')"):
        writer.initiate_chat(runner, message=f"```python\\n{code}\\n```", max_turns=1)
"""


@pytest.mark.slow
def test_what_a_kernel_raises_is_told_with_its_class(runs: Path, tmp_path: Path, ingested: Ingest) -> None:
    """Cells keep their state; the class and the message of an exception come without the kernel's colours."""
    gateway = tmp_path / "bin" / "jupyter"
    gateway.parent.mkdir()
    gateway.write_text("#!/bin/sh\n")  # AG2 asks for its gateway, which this executor does not use
    gateway.chmod(0o755)
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    places = {"PATH": f"{gateway.parent}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(
        [sys.executable, program, runs], cwd=tmp_path, env={**os.environ, **places}, check=True, capture_output=True
    )
    told = ingested(runs).events("code_exec")
    assert [(event["status"], event["meta"]["error_type"], event["error_message"]) for event in told] == [
        ("completed", None, None),
        ("completed", None, None),
        ("failed", "ModuleNotFoundError", "ModuleNotFoundError: No module named 'nothere'"),
        ("failed", "Stop", "Stop: so"),
    ]
    assert [event["outputs"]["result"] for event in told[:2]] == ["", "42"]
