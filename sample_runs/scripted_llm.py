"""A language model that says what a script tells it to, behind the wire formats of OpenAI's chat completions and of its
Responses API (without streaming).

Agents, AG2 and the OpenAI client are the real ones; only the far end of the socket is played. So recordings and tests
need no key, no network and no luck, and a test can look at what the server really received.
"""

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PRICE_PER_1000 = (0.0025, 0.01)
"""US dollars per 1,000 prompt and completion tokens: what `ScriptedLLM.config` tells AG2, so that cost is never 0."""

CREATED = 1_767_225_600
"""`created` of every answer (2026-01-01 UTC), fixed so that two recordings do not differ in it."""

_PATHS = "/v1/chat/completions and /v1/responses"

MAX_BODY = 16 * 2**20
"""Largest request in bytes; a larger one gets HTTP 413."""

MAX_REQUESTS = 1000
"""After so many requests every further one gets HTTP 400: a conversation that does not end is a bug in its script."""

SOCKET_TIMEOUT = 30.0
"""Seconds that a connection may stay silent before it is dropped."""


@dataclass(frozen=True)
class Call:
    """A tool call that the model asks for; `arguments` as text goes out as it is, so it can be broken JSON."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """One answer of the model: text, or tool calls (several are parallel ones), or both.

    Args:
        usage: prompt and completion tokens to report; by default a count of the words on the wire.
    """

    content: str | None = None
    calls: tuple[Call, ...] = ()
    finish_reason: str | None = None
    usage: tuple[int, int] | None = None


@dataclass(frozen=True)
class Failure:
    """An HTTP error instead of an answer, in the shape of OpenAI's errors."""

    status: int
    message: str = "scripted failure"


@dataclass(frozen=True)
class Request:
    """A request as the server received it. `number` counts from 0; header names are in lower case."""

    number: int
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Of a chat completion the messages, of the Responses API the input items."""
        return list(self.body.get("messages", self.body.get("input", [])))

    @property
    def system(self) -> str:
        """All system messages, joined: what tells one agent's request from another's."""
        contents = (m.get("content") for m in self.messages if m.get("role") in ("system", "developer"))
        parts = [part for c in contents for part in (c if isinstance(c, list) else [{"text": c}])]
        return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


Step = str | Reply | Failure
Script = Callable[[Request], Step] | Mapping[str, Iterable[Step]] | Iterable[Step]


def call(name: str, /, **arguments: Any) -> Reply:
    """An answer that asks for one tool call."""
    return Reply(calls=(Call(name, arguments),))


class ScriptedLLM:
    """The server. It listens on a free loopback port from `with` (or `start`) to the end of it (or `close`).

    Args:
        script: what to answer. A callable gets the `Request` and returns a `Step`. A mapping has one queue of steps per
            marker: the first key that the request's system message contains answers, `"*"` any other request. Anything
            else is one queue for all. A queue may be a generator without end; when it is empty, the server says so with
            HTTP 400.
        seed: goes into the ids of answers and tool calls, which are the same for the same seed and order of requests.

    Attributes:
        requests: every request so far, in order of arrival, also those that were answered with an error.
    """

    def __init__(self, script: Script, *, seed: str = "") -> None:
        self.requests: list[Request] = []
        self._seed = seed
        self._lock = threading.Lock()
        self._calls = 0
        self._answer = script if callable(script) else _queues(script)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> "ScriptedLLM":
        if self._server is not None:
            raise RuntimeError("this ScriptedLLM is running already")
        self._server = _Server(self)
        # short poll: `close` waits for one round of it
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="scripted-llm", daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening, cut open connections and wait for their threads. Closing twice does nothing.

        Raises:
            RuntimeError: a callable script did not return within 5 seconds.
        """
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        if self._thread is not None:
            self._thread.join()
        server.cut()

    def __enter__(self) -> "ScriptedLLM":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as `base_url`."""
        if self._server is None:
            raise RuntimeError("start the ScriptedLLM first: `with ScriptedLLM(...) as llm:`")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def config(self, model: str = "scripted-1", **entry: Any) -> dict[str, Any]:
        """An AG2 `llm_config`: no cache, no retries, a price.

        Args:
            model: name of the model, as the journal will show it.
            entry: further keys of the config entry, such as `stream=True`; they win.
        """
        base = {
            "model": model,
            "base_url": self.base_url,
            "api_key": "scripted-llm-needs-none",
            "api_type": "openai",
            "price": list(PRICE_PER_1000),
            "max_retries": 0,
        }
        return {"config_list": [{**base, **entry}], "cache_seed": None}

    def _receive(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> tuple[Request, Step]:
        """Log a request and take its answer from the script."""
        with self._lock:
            request = Request(len(self.requests), path, headers, body)
            self.requests.append(request)
        if not path.endswith(("/chat/completions", "/responses")):
            return request, Failure(404, f"nothing at {path}: this server only knows {_PATHS}")
        if request.number >= MAX_REQUESTS:
            return request, Failure(400, f"more than {MAX_REQUESTS} requests: the conversation does not end")
        try:
            return request, self._answer(request)
        except Exception as error:  # the client must hear of it, or the test hangs on a dead connection
            return request, Failure(500, f"the script raised {type(error).__name__}: {error}")

    def _id(self, prefix: str, number: int) -> str:
        return f"{prefix}{hashlib.sha256(f'{self._seed}/{prefix}/{number}'.encode()).hexdigest()[:24]}"

    def _message(self, reply: Reply) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.content, "refusal": None}
        if reply.calls:
            with self._lock:
                first, self._calls = self._calls, self._calls + len(reply.calls)
            message["tool_calls"] = [
                {
                    "id": self._id("call_", first + i),
                    "type": "function",
                    "function": {
                        "name": c.name,
                        "arguments": c.arguments if isinstance(c.arguments, str) else json.dumps(dict(c.arguments)),
                    },
                }
                for i, c in enumerate(reply.calls)
            ]
        return message

    def response(self, request: Request, reply: Reply) -> dict[str, Any]:
        """The `response` object of the Responses API that answers `request`."""
        message = self._message(reply)
        sent, said = reply.usage or (_words(request.messages), _words(message))
        output: list[dict[str, Any]] = [
            {
                "id": f"fc_{number}",
                "type": "function_call",
                "call_id": called["id"],
                **called["function"],
                "status": "completed",
            }
            for number, called in enumerate(message.get("tool_calls", []))
        ]
        if reply.content is not None:
            text = {"type": "output_text", "text": reply.content, "annotations": []}
            output.insert(
                0, {"id": "msg_0", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
            )
        return {
            "id": self._id("resp_", request.number),
            "object": "response",
            "created_at": CREATED,
            "model": request.body.get("model", "scripted-1"),
            "status": "completed",
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": sent,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": said,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": sent + said,
            },
        }

    def completion(self, request: Request, reply: Reply) -> dict[str, Any]:
        """The `chat.completion` object that answers `request`."""
        message = self._message(reply)
        sent, said = reply.usage or (_words(request.messages), _words(message))
        return {
            "id": self._id("chatcmpl-", request.number),
            "object": "chat.completion",
            "created": CREATED,
            "model": request.body.get("model", "scripted-1"),
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": reply.finish_reason or ("tool_calls" if reply.calls else "stop"),
                }
            ],
            "usage": {"prompt_tokens": sent, "completion_tokens": said, "total_tokens": sent + said},
        }


def _words(value: Any) -> int:
    """A stand-in for a token count: at least 1, and the same for the same text."""
    return max(1, len(json.dumps(value).split()))


def _queues(script: Mapping[str, Iterable[Step]] | Iterable[Step]) -> Callable[[Request], Step]:
    """The callable form of a script of queues."""
    lock = threading.Lock()
    steps = script if isinstance(script, Mapping) else {"*": script}
    queues: dict[str, Iterator[Step]] = {marker: iter(queue) for marker, queue in steps.items()}

    def answer(request: Request) -> Step:
        markers = (m for m in queues if m == "*" or m in request.system)
        # "*" is the answer for requests that no other marker claims, wherever it stands in the mapping
        marker = min(markers, key=lambda m: m == "*", default=None)
        if marker is None:
            return Failure(400, f"the script has no queue for an agent whose system message is {request.system[:80]!r}")
        with lock:
            step = next(queues[marker], None)
        return step if step is not None else Failure(400, f"the script has no answer left for {marker!r}")

    return answer


class _Server(ThreadingHTTPServer):
    """Knows its connections and their threads, so that none outlives `close`."""

    daemon_threads = True

    def __init__(self, llm: ScriptedLLM) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.llm = llm
        self._open: dict[threading.Thread, socket.socket] = {}
        self._open_lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="scripted-llm-request", daemon=True
        )
        with self._open_lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._open_lock:
                self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or `close` cutting its connection, is no news; the base class prints a traceback."""

    def cut(self) -> None:
        with self._open_lock:
            connections = dict(self._open)
        for thread, connection in connections.items():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed by the other side in the meantime
            thread.join(5)
            if thread.is_alive():
                raise RuntimeError("a scripted answer is still being computed 5 seconds after close()")


class _Handler(BaseHTTPRequestHandler):
    """One connection, one request: HTTP/1.0, so that no kept-alive connection holds a thread."""

    server: _Server
    timeout = SOCKET_TIMEOUT

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: the log is `ScriptedLLM.requests`."""

    def do_GET(self) -> None:
        self._json(404, _error(404, f"nothing at GET {self.path}: this server only knows POST {_PATHS}"))

    def do_POST(self) -> None:
        try:
            size = int(self.headers.get("Content-Length", ""))
        except ValueError:
            size = -1
        if not 0 <= size <= MAX_BODY:
            self._json(413, _error(413, f"a request needs a Content-Length of at most {MAX_BODY} bytes"))
            return
        try:
            body = json.loads(self.rfile.read(size))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._json(400, _error(400, "the request body is no JSON object"))
            return
        llm = self.server.llm
        request, step = llm._receive(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        if isinstance(step, Failure):
            self._json(step.status, _error(step.status, step.message))
            return
        reply = Reply(step) if isinstance(step, str) else step
        if request.path.endswith("/responses"):
            self._json(200, llm.response(request, reply))
            return
        completion = llm.completion(request, reply)
        if body.get("stream"):
            options = body.get("stream_options") or {}
            self._send(200, "text/event-stream", _sse(completion, usage=bool(options.get("include_usage"))))
        else:
            self._json(200, completion)

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._send(status, "application/json", [json.dumps(value).encode()])

    def _send(self, status: int, media_type: str, parts: Iterable[bytes]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Connection", "close")
        self.end_headers()
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()


def _error(status: int, message: str) -> dict[str, Any]:
    kinds = {401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _sse(completion: dict[str, Any], *, usage: bool) -> Iterator[bytes]:
    """A completion as server-sent events: role, words, tool calls in pieces, the end, usage if asked for."""
    head = {k: completion[k] for k in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    (choice,) = completion["choices"]
    for delta in _deltas(choice["message"]):
        yield _event(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    if usage:
        yield _event(head | {"choices": [], "usage": completion["usage"]})
    yield b"data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    content = message["content"] or ""
    for start in range(0, len(content), 12):
        yield {"content": content[start : start + 12]}
    for index, tool_call in enumerate(message.get("tool_calls", [])):
        function = tool_call["function"]
        head = {**tool_call, "index": index, "function": {"name": function["name"], "arguments": ""}}
        yield {"tool_calls": [head]}
        middle = len(function["arguments"]) // 2
        for piece in (function["arguments"][:middle], function["arguments"][middle:]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
