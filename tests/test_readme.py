"""The README says what is so: its generated parts are up to date and its examples run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from capture import settings
from ingest.cli import main as ingest_command
from queries.cli import queries as queries_command
from sample_runs.scripted_llm import Reply
from tests.conftest import StartLLM
from tests.readme import README, ROOT, rendered, sample_traces

TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_generated_parts_and_outputs_are_up_to_date(tmp_path: Path) -> None:
    """Tables, journal format, extractors, queries and every shown answer; `python -m tests.readme` writes them anew."""
    assert rendered(TEXT, sample_traces(tmp_path)) == TEXT


def test_the_notebook_example_records_and_the_tables_answer(tmp_path: Path, scripted_llm: StartLLM) -> None:
    """The Python blocks run as they stand, with a scripted model in place of the real one."""
    pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")
    record, _, ask = blocks("python")
    code = "Here.\n```python\nopen('sine.txt', 'w').write('~')\n```"
    llm = scripted_llm(lambda request: Reply(code))
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("AG2_CAPTURE")},
        "OPENAI_API_KEY": "sk-not-a-key",
        "OPENAI_BASE_URL": llm.config()["config_list"][0]["base_url"],
        "PYTHONPATH": str(ROOT),
    }
    script = record + "\nimport ingest\ningest.run(['runs'], 'traces')\n" + ask
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert len(llm.requests) > 0
    assert (tmp_path / "coding" / "sine.txt").read_text() == "~"
    assert "completed" in done.stdout


def test_every_option_and_setting_is_in_the_readme() -> None:
    """Nothing that can be set is a secret."""
    named_query = queries_command.get_command(click.Context(queries_command), "tool_chains")
    assert named_query is not None
    for command in (*ingest_command.commands.values(), queries_command, named_query):
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option not in ("--help", "--version"):
                    assert option in TEXT, option
    for name in re.findall(r'"(AG2_CAPTURE\w*)"', Path(settings.__file__).read_text(encoding="utf-8")):
        assert f"`{name}`" in TEXT, name
