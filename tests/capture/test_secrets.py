"""Secrets planted anywhere in a real run: no byte of its folder tells them, and the agents never notice."""

import json
import os
import string
from pathlib import Path
from typing import Any
from unittest.mock import patch

from autogen import ConversableAgent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import capture
from capture.tokens import MASKED
from tests.capture.agents import talker
from tests.capture.recorded import events, journal, of_kind

LETTERS = string.ascii_letters + string.digits
MARKS = "-_.+/=!@#$%^&*:;,?~|<>[]{}()'\"\\"
secrets = st.builds(
    "{}{}{}".format,
    st.text(LETTERS, min_size=6, max_size=15),
    st.text(LETTERS + MARKS, min_size=6, max_size=30),
    st.integers(0, 9),
)
"""What services hand out as keys and people choose as passwords."""
FORMS = st.sampled_from(["sk-{}", "ghp_{}", "hf_{}", "xoxb-{}"])
tokens = st.builds(str.format, FORMS, st.text(LETTERS, min_size=36, max_size=36))
"""Tokens that are known by their form, and stand in no variable."""


def calls(arguments: dict[str, str]) -> dict[str, Any]:
    """A message that asks for a tool."""
    function = {"name": "leak", "arguments": json.dumps(arguments)}
    return {"content": "", "tool_calls": [{"id": "call-1", "type": "function", "function": function}]}


def leaking_agent(heard: list[str]) -> ConversableAgent:
    """An agent whose tool gives back what it gets, or raises it."""

    def leak(text: str, fail: str) -> str:
        heard.append(text)
        if fail == "yes":
            raise ValueError(text)
        return text

    agent = talker("runner")
    agent.register_function({"leak": leak})
    return agent


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(known=secrets, configured=secrets, token=tokens, fail=st.booleans())
def test_no_byte_of_a_run_tells_a_secret(known: str, configured: str, token: str, fail: bool) -> None:
    """Keys in messages, tool arguments and results, code, errors, files, transcripts and tags of a run: one from the
    environment, one from an agent's configuration, one known by its form."""
    heard: list[str] = []
    text = f"({known}) '{configured}'\n{token}"
    with (
        patch.dict(os.environ, {"SERVICE_API_KEY": known}),
        capture.start("runs", console=False, tags={"note": f"{known} {token}"}) as run,
    ):
        config = {"config_list": [{"model": "m", "api_key": configured, "base_url": "http://127.0.0.1:9/v1"}]}
        model = ConversableAgent("model", llm_config=config, human_input_mode="NEVER", default_auto_reply="never")
        runner, speaker = leaking_agent(heard), talker("speaker", "")
        speaker.initiate_chat(runner, message=f"```python\nkey = {text!r}\n```\n{text}", max_turns=1)
        model.send(f"I am told {text}", runner, request_reply=False)
        history = speaker.initiate_chat(
            runner, message=calls({"text": text, "fail": "yes" if fail else "no"}), max_turns=1
        ).chat_history
        run.save_messages(history)
        run.log("error", "ValueError", error=ValueError(text), path=f"/x?{known}", inside={"deep": [text]})
        Path("out.txt").write_text(text)
        run.log("success", "wrote out.txt")
    assert heard == [text]
    assert token in history[1]["content"]
    written = b"".join(path.read_bytes() for path in run.path.rglob("*") if path.is_file())
    for secret in (known, configured, token):
        assert secret.encode() not in written
        assert json.dumps(secret)[1:-1].encode() not in written
        assert json.dumps(repr(secret)[1:-1])[1:-1].encode() not in written
    records = journal(run)
    assert events(records, "text")[0]["content"].count(MASKED) >= 6
    assert MASKED in (run.path / of_kind(records, "file")[0]["copy"]).read_text()
    assert run.stats()["lost"] == 0
