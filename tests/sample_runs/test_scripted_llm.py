"""The scripted model as its clients see it: OpenAI's own client, and AG2 through it."""

import itertools
import json
import socket
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

openai = pytest.importorskip("openai")

from sample_runs.scripted_llm import MAX_REQUESTS, Call, Failure, Reply, ScriptedLLM, call  # noqa: E402
from tests.conftest import StartLLM  # noqa: E402

ASK: list[Any] = [{"role": "system", "content": "You are engineer."}, {"role": "user", "content": "Hello there"}]


def client(llm: ScriptedLLM) -> Any:
    return openai.OpenAI(base_url=llm.base_url, api_key="any", max_retries=0)


def ask(llm: ScriptedLLM, messages: list[Any] = ASK, **options: Any) -> Any:
    with client(llm) as c:
        return c.chat.completions.create(model="scripted-1", messages=messages, **options)


def stream(llm: ScriptedLLM, **options: Any) -> list[Any]:
    with client(llm) as c:
        return list(c.chat.completions.create(model="scripted-1", messages=ASK, stream=True, **options))


def test_answers_come_in_the_order_of_the_script(scripted_llm: StartLLM) -> None:
    """A list of steps is answered one after the other, and every request is logged as it came."""
    llm = scripted_llm(["first", "second"])
    answers = [ask(llm, temperature=0.5).choices[0].message.content for _ in range(2)]
    assert answers == ["first", "second"]
    assert [r.number for r in llm.requests] == [0, 1]
    assert llm.requests[0].messages == ASK
    assert llm.requests[0].body["temperature"] == 0.5
    assert llm.requests[0].headers["authorization"] == "Bearer any"


def test_each_agent_has_its_own_queue(scripted_llm: StartLLM) -> None:
    """A mapping answers by the marker in the system message, and `*` only what no other marker claims."""
    llm = scripted_llm({"*": ["anyone"], "You are planner.": ["a plan"], "You are engineer.": ["code"]})
    assert ask(llm).choices[0].message.content == "code"
    assert ask(llm, [{"role": "system", "content": "You are planner."}]).choices[0].message.content == "a plan"
    assert ask(llm, [{"role": "user", "content": "You are planner."}]).choices[0].message.content == "anyone"


def test_a_callable_script_sees_the_request(scripted_llm: StartLLM) -> None:
    """A callable decides from the request what to answer."""
    llm = scripted_llm(lambda request: f"{request.number}: {request.messages[-1]['content']}")
    assert ask(llm).choices[0].message.content == "0: Hello there"
    assert ask(llm).choices[0].message.content == "1: Hello there"


def test_parallel_tool_calls(scripted_llm: StartLLM) -> None:
    """Several calls of one reply arrive as parallel tool calls with ids of their own; broken arguments stay broken."""
    llm = scripted_llm([Reply("Both at once.", (Call("load", {"path": "a.csv"}), Call("report", "{broken")))])
    choice = ask(llm).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Both at once."
    assert [(c.function.name, c.function.arguments) for c in choice.message.tool_calls] == [
        ("load", '{"path": "a.csv"}'),
        ("report", "{broken"),
    ]
    assert len({c.id for c in choice.message.tool_calls}) == 2


def test_ids_and_usage_depend_on_the_seed_alone() -> None:
    """Two servers with one seed answer byte for byte the same; another seed gives other ids and the same usage."""
    answers = []
    for seed in ("a", "a", "b"):
        with ScriptedLLM([call("load", path="x")], seed=seed) as llm:
            answers.append(ask(llm))
    assert answers[0].model_dump() == answers[1].model_dump()
    assert answers[0].id != answers[2].id
    assert answers[0].choices[0].message.tool_calls[0].id != answers[2].choices[0].message.tool_calls[0].id
    assert answers[0].usage == answers[2].usage
    assert answers[0].usage.total_tokens == answers[0].usage.prompt_tokens + answers[0].usage.completion_tokens


def test_a_reply_may_name_its_usage(scripted_llm: StartLLM) -> None:
    """Token counts that the script names are those that the client gets."""
    usage = ask(scripted_llm([Reply("hi", usage=(100, 7))])).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (100, 7, 107)


def test_streaming_carries_text_and_usage(scripted_llm: StartLLM) -> None:
    """A stream adds up to the text, and ends with the usage where the client asked for it."""
    text = "A sentence that is longer than one chunk, with a line\nbreak and an é."
    llm = scripted_llm([text, text])
    chunks = stream(llm, stream_options={"include_usage": True})
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == text
    assert len(chunks) > 4
    assert chunks[-1].usage.completion_tokens > 0
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert all(c.usage is None for c in stream(llm))


def test_streaming_carries_tool_calls_in_pieces(scripted_llm: StartLLM) -> None:
    """The pieces of each streamed tool call add up to its arguments."""
    llm = scripted_llm([Reply(calls=(Call("load", {"path": "a.csv"}), Call("report", {"rows": 3})))])
    arguments: dict[int, str] = {}
    names: dict[int, str] = {}
    for chunk in stream(llm):
        for piece in chunk.choices[0].delta.tool_calls or []:
            arguments[piece.index] = arguments.get(piece.index, "") + piece.function.arguments
            names.setdefault(piece.index, piece.function.name)
    assert names == {0: "load", 1: "report"}
    assert [json.loads(a) for a in arguments.values()] == [{"path": "a.csv"}, {"rows": 3}]


@pytest.mark.parametrize(
    ("status", "error"), [(400, "BadRequestError"), (429, "RateLimitError"), (500, "InternalServerError")]
)
def test_errors_on_demand(scripted_llm: StartLLM, status: int, error: str) -> None:
    """A failure in the script is the client's own exception for that status, and the next step follows it."""
    llm = scripted_llm([Failure(status, "not today"), "after it"])
    with pytest.raises(getattr(openai, error), match="not today"):
        ask(llm)
    assert ask(llm).choices[0].message.content == "after it"
    assert len(llm.requests) == 2


def test_a_script_that_ends_too_early_says_so(scripted_llm: StartLLM) -> None:
    """A request without an answer, and a request that no queue claims, are errors that name the marker."""
    llm = scripted_llm({"You are engineer.": []})
    with pytest.raises(openai.BadRequestError, match=r"no answer left for 'You are engineer\.'"):
        ask(llm)
    with pytest.raises(openai.BadRequestError, match="no queue for an agent whose system message is 'You are else'"):
        ask(llm, [{"role": "system", "content": "You are else"}])


def test_a_script_that_raises_reaches_the_client(scripted_llm: StartLLM) -> None:
    """An exception in a callable script is an HTTP 500 that names it, not a dead connection."""

    def script(_: object) -> str:
        raise KeyError("plan")

    with pytest.raises(openai.InternalServerError, match="the script raised KeyError: 'plan'"):
        ask(scripted_llm(script))


def test_requests_are_bounded(scripted_llm: StartLLM) -> None:
    """A conversation that does not end is stopped by the server."""
    llm = scripted_llm(itertools.repeat("again"))
    ask(llm)
    llm.requests *= MAX_REQUESTS
    with pytest.raises(openai.BadRequestError, match="the conversation does not end"):
        ask(llm)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/chat/completions", b"{no json", 400),
        ("POST", "/chat/completions", b"[]", 400),
        ("POST", "/embeddings", b"{}", 404),
        ("GET", "/models", None, 404),
    ],
)
def test_other_requests_are_refused(
    scripted_llm: StartLLM, method: str, path: str, body: bytes | None, status: int
) -> None:
    """What is no chat completion gets an error, and the server lives on."""
    llm = scripted_llm(["still here"])
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(urllib.request.Request(llm.base_url + path, data=body, method=method))
    with raised.value as response:
        assert response.code == status
        assert json.load(response)["error"]["message"]
    assert ask(llm).choices[0].message.content == "still here"


def test_close_leaves_nothing_behind() -> None:
    """After the `with` no thread of the server lives, the port refuses, and a client that never spoke is hung up on."""
    before = set(threading.enumerate())
    with ScriptedLLM(["hello"]) as llm:
        port = int(llm.base_url.split(":")[2].split("/")[0])
        silent = socket.create_connection(("127.0.0.1", port), timeout=5)
        ask(llm)  # connections are accepted in order, so the silent one is known to the server by now
    assert set(threading.enumerate()) <= before
    assert silent.recv(1) == b""
    silent.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    llm.close()
    with pytest.raises(RuntimeError, match="start the ScriptedLLM first"):
        _ = llm.base_url


def test_many_clients_at_once(scripted_llm: StartLLM) -> None:
    """Concurrent requests are all logged once, numbered without gaps, and each gets its own answer."""
    llm = scripted_llm(lambda request: request.messages[-1]["content"])
    answers: list[str] = []

    def talk(i: int) -> None:
        answers.append(ask(llm, [{"role": "user", "content": f"client {i}"}]).choices[0].message.content)

    threads = [threading.Thread(target=talk, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(answers) == [f"client {i}" for i in range(8)]
    assert sorted(r.number for r in llm.requests) == list(range(8))


@pytest.mark.parametrize("streaming", [False, True])
def test_ag2_talks_to_it(scripted_llm: StartLLM, streaming: bool) -> None:
    """AG2 agents chat through `config`, plain and streaming, and the cost that AG2 computes is that of the price."""
    autogen = pytest.importorskip("autogen")
    llm = scripted_llm([Reply("4", usage=(1000, 100))])
    config = llm.config(stream=streaming)
    assistant = autogen.ConversableAgent("assistant", "You are assistant.", llm_config=config)
    user = autogen.ConversableAgent("user", llm_config=False, human_input_mode="NEVER")
    result = user.initiate_chat(assistant, message="2 + 2?", max_turns=1)
    assert result.chat_history[-1]["content"] == "4"
    assert llm.requests[0].system == "You are assistant."
    assert llm.requests[0].body.get("stream", False) is streaming
    assert result.cost["usage_excluding_cached_inference"]["total_cost"] == pytest.approx(0.0025 + 0.001)
