"""Every request that the server gets is in the journal, whatever became of it, with the server's own words."""

import _thread
import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from autogen import OpenAIWrapper
from autogen.agentchat.conversable_agent import ConversableAgent
from autogen.oai.client import OpenAIClient

import capture
from sample_runs.scripted_llm import Failure, Request, Step
from tests.capture.agents import talker, thinker
from tests.capture.recorded import Record, journal, of_kind, rebuilt_requests
from tests.conftest import StartLLM

QUESTION = [{"role": "user", "content": "Hello?"}]


@pytest.fixture
def late() -> Iterator[threading.Event]:
    """What a server waits for that is late; it never waits beyond the test."""
    event = threading.Event()
    yield event
    event.set()


def calls(run: capture.Run) -> list[Record]:
    """The LLM calls of a run."""
    return of_kind(journal(run), "llm_call")


def two(llm: Any, **options: Any) -> dict[str, Any]:
    """A config list with two models."""
    config: dict[str, Any] = llm.config()
    first = {**config["config_list"][0], **options}
    return {**config, "config_list": [{**first, "model": "first"}, {**first, "model": "second"}]}


def as_sent(run: capture.Run) -> list[Record]:
    """The requests of a run as the server should have got them."""
    return [{"stream": False, **request} for request in rebuilt_requests(journal(run)).values()]


@pytest.mark.parametrize("status", [429, 500])
def test_the_servers_words_are_kept_where_the_next_model_answers(scripted_llm: StartLLM, status: int) -> None:
    """An attempt that failed is one record, with AG2's words and the exception's; the second one answers."""
    llm = scripted_llm([Failure(status, "the disk of the model is full"), "Fine."])
    with capture.start("runs", console=False) as run:
        reply = thinker("model", two(llm, max_retries=0)).generate_reply(messages=QUESTION)
    failed, answered = calls(run)
    assert reply == "Fine."
    assert (failed["model"], failed["status"], answered["model"], answered["status"]) == (
        "first",
        "error",
        "second",
        "ok",
    )
    assert failed["response"].startswith("error_code:")
    assert failed["invocation"] == answered["invocation"]
    assert str(status) in failed["error"]["message"]
    assert "the disk of the model is full" in failed["error"]["message"]
    assert "openai" in failed["error"]["traceback"]
    assert "error" not in answered
    assert as_sent(run) == [request.body for request in llm.requests]


def test_a_model_that_is_too_slow_is_a_failed_call(scripted_llm: StartLLM, late: threading.Event) -> None:
    """AG2 does not log an attempt that timed out; it is recorded, before the one that answered."""

    def script(request: Request) -> Step:
        if request.body["model"] == "first":
            late.wait(4)
        return "Fine."

    llm = scripted_llm(script)
    with capture.start("runs", console=False) as run:
        reply = thinker("model", two(llm, timeout=0.3, max_retries=0)).generate_reply(messages=QUESTION)
        late.set()
    failed, answered = calls(run)
    assert (reply, len(llm.requests)) == ("Fine.", 2)
    assert [call["status"] for call in (failed, answered)] == ["error", "ok"]
    assert failed["error"]["type"] == "APITimeoutError"
    assert failed["started"] < failed["ended"] <= answered["ended"]
    assert failed["agent"] == "model"
    assert as_sent(run) == [request.body for request in llm.requests]


def test_all_models_that_fail_are_recorded_once_each(scripted_llm: StartLLM) -> None:
    """The last one's exception is what the caller gets, and no record of its own beside the attempt's."""
    llm = scripted_llm([Failure(500, "red"), Failure(500, "blue")])
    with pytest.raises(Exception, match="blue"), capture.start("runs", console=False) as run:
        thinker("model", two(llm, max_retries=0)).generate_reply(messages=QUESTION)
    assert [("red" in c["error"]["message"], "blue" in c["error"]["message"]) for c in calls(run)] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.slow
def test_an_interrupted_call_is_recorded(scripted_llm: StartLLM, late: threading.Event) -> None:
    """Ctrl-C while the server thinks: the request is in the journal as failed, and the interrupt goes on."""

    def script(_: Request) -> Step:
        _thread.interrupt_main()
        late.wait(4)
        return "Too late."

    llm = scripted_llm(script)
    with pytest.raises(KeyboardInterrupt), capture.start("runs", console=False) as run:
        thinker("model", llm.config()).generate_reply(messages=QUESTION)
    late.set()
    (call,) = calls(run)
    assert (call["status"], call["error"]["type"], call["model"]) == (
        "error",
        "KeyboardInterrupt",
        llm.requests[0].body["model"],
    )
    assert as_sent(run) == [llm.requests[0].body]
    assert journal(run)[-1]["status"] == "interrupted"


@pytest.mark.parametrize("outer", [False, True])
def test_a_call_of_a_cancelled_task_is_recorded_once(
    scripted_llm: StartLLM, late: threading.Event, outer: bool
) -> None:
    """The run ends with its task while a worker thread still waits: the call is in it, and in no run around it."""
    asked = threading.Event()

    def script(_: Request) -> Step:
        asked.set()
        late.wait(4)
        return "Too late."

    llm = scripted_llm(script)
    runs: list[capture.Run] = []

    async def chat() -> None:
        with capture.start("runs", console=False) as run:
            runs.append(run)
            await thinker("model", llm.config()).a_generate_reply(messages=QUESTION)

    async def main() -> None:
        task = asyncio.create_task(chat())
        await asyncio.get_running_loop().run_in_executor(None, asked.wait, 4)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        late.set()
        # the end of the loop waits for its worker threads

    if outer:
        with capture.start("runs", console=False) as around:
            asyncio.run(main())
        assert calls(around) == []
    else:
        asyncio.run(main())
    (call,) = calls(runs[0])
    assert (call["status"], call["error"]["type"], call["agent"]) == ("error", "Unfinished", "model")
    assert as_sent(runs[0]) == [llm.requests[0].body]


def test_a_server_that_is_not_there_is_told_of(scripted_llm: StartLLM) -> None:
    """A refused connection is a failed call with the exception's type."""
    config = scripted_llm(["unused"]).config()
    config["config_list"][0] |= {"base_url": "http://127.0.0.1:9/v1", "max_retries": 0}
    with pytest.raises(Exception, match="onnection"), capture.start("runs", console=False) as run:
        thinker("model", config).generate_reply(messages=QUESTION)
    (call,) = calls(run)
    assert call["error"]["type"] == "APIConnectionError"
    assert "Connect" in call["error"]["traceback"]


class OwnClient:
    """A client of the user's, that hands every request on to another one of the same class."""

    def __init__(self, config: dict[str, Any], inner: "OwnClient | None" = None, **_: Any) -> None:
        self.inner = inner
        self.asked = 0

    def create(self, params: dict[str, Any]) -> Any:
        self.asked += 1
        if self.inner is not None:
            return self.inner.create(params)
        raise LookupError(f"no model for {params['messages'][0]['content']}")

    def message_retrieval(self, response: Any) -> list[str]:
        return []

    def cost(self, response: Any) -> float:
        return 0.0

    @staticmethod
    def get_usage(response: Any) -> dict[str, Any]:
        return {}


def test_clients_of_the_users_own_are_watched_for_the_run() -> None:
    """An exception that AG2 does not know is recorded once, also where a client hands on; the class is put back."""
    before = vars(OwnClient)["create"], vars(OpenAIClient)["create"], vars(OpenAIWrapper)["create"]
    inner = OwnClient({})
    agent = ConversableAgent(
        "model",
        llm_config={"config_list": [{"model": "mine", "model_client_cls": "OwnClient"}], "cache_seed": None},
        human_input_mode="NEVER",
    )
    agent.register_model_client(OwnClient, inner=inner)  # type: ignore[arg-type]
    with capture.start("runs", console=False) as run:
        with pytest.raises(LookupError):
            agent.generate_reply(messages=QUESTION)
        assert vars(OwnClient)["create"] is not before[0]
    (call,) = calls(run)
    assert (call["model"], call["error"]["type"], inner.asked) == ("mine", "LookupError", 1)
    assert call["response"] == call["error"]["type"] + ": " + call["error"]["message"]
    assert (vars(OwnClient)["create"], vars(OpenAIClient)["create"], vars(OpenAIWrapper)["create"]) == before


def test_a_call_that_reaches_no_client_is_recorded() -> None:
    """A client that was never registered: AG2 raises before it asks anybody."""
    config = {"config_list": [{"model": "mine", "model_client_cls": "OwnClient"}], "cache_seed": None}
    agent = ConversableAgent("model", llm_config=config, human_input_mode="NEVER")
    with pytest.raises(RuntimeError), capture.start("runs", console=False) as run:
        talker("user").initiate_chat(agent, message="Hello?", max_turns=1)
    (call,) = calls(run)
    assert (call["model"], call["error"]["type"]) == ("mine", "RuntimeError")
    assert "not activated" in call["error"]["message"]
