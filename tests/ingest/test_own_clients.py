"""Models that a client of the user's own asks, whose answers are made of any objects."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("autogen", reason="needs AG2: pip install 'ag2-journal[ag2]'")

from autogen import ConversableAgent

import capture
from tests.ingest.conftest import Ingest
from tests.ingest.talkers import QUIET, talker

WORDS = "Yes. " * 1000
KEY = "q7Xw-2Lm9-vT4z-8Kp1"


class Answer:
    """An answer, which says nothing of itself, and holds the client that made it."""

    def __init__(self, client: Any) -> None:
        self.model = "mine"
        self.usage = SimpleNamespace(prompt_tokens=3, completion_tokens=4, total_tokens=7)
        self.choices = [SimpleNamespace(message=SimpleNamespace(content=WORDS, tool_calls=None, function_call=None))]
        self._client = self.made_by = client


class OwnClient:
    """A client of the user's, as AG2's `ModelClient` asks for it."""

    def __init__(self, config: dict[str, Any], **_: Any) -> None:
        self.headers = {"api_key": KEY}

    def create(self, params: dict[str, Any]) -> Answer:
        return Answer(self)

    def message_retrieval(self, response: Answer) -> list[str]:
        return [choice.message.content for choice in response.choices]

    def cost(self, response: Answer) -> float:
        return 0.0

    @staticmethod
    def get_usage(response: Answer) -> dict[str, Any]:
        return {**vars(response.usage), "cost": 0.0, "model": response.model}


@pytest.mark.parametrize("masks", [True, False])
def test_an_answer_of_any_objects_is_told_whole(
    masks: bool, runs: Path, ingested: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words, however long, and the tokens; not what it holds for itself, and no keys, unless nothing is masked."""
    monkeypatch.setenv("AG2_CAPTURE_MASK", str(int(masks)))
    with capture.start(runs, run_id="r", console=False):
        config = {"config_list": [{"model": "mine", "model_client_cls": "OwnClient"}], "cache_seed": None}
        model = ConversableAgent("model", llm_config=config, **QUIET)
        model.register_model_client(OwnClient)  # type: ignore[arg-type]
        talker("user").initiate_chat(model, message="Well?", max_turns=1)
    (call,) = ingested(runs).sql("SELECT response, total_tokens, response_valid FROM llm_calls")
    answer = json.loads(call["response"])
    assert answer["choices"][0]["message"]["content"] == WORDS
    assert "_client" not in answer
    assert list(answer["made_by"]) == ["headers"]
    assert (KEY not in call["response"]) == masks
    assert (call["total_tokens"], call["response_valid"]) == (7, True)
