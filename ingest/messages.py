"""A message as AG2 passes it around, brought into one shape.

AG2 hands over strings, or dicts in the shapes of the OpenAI chat API with additions of its own: `tool_responses` (the
answers to several tool calls in one message), the legacy `function_call`, content as a list with images.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import re2

from ingest.lines import encode

_CALLS = (("function", "arguments"), ("custom", "input"))
"""Kinds of tool calls, and what each gives its tool: JSON, or text as it is."""

_ARGUMENTS = ("arguments", "args", "input")
"""What a call that names its tool itself gives to it."""

_ACTIONS = ("shell_call", "apply_patch_call")

_ROLES = {"user", "assistant", "system", "tool", "function", "developer"}
_SAID = ("content", "tool_calls", "function_call", "tool_responses")
_WITHOUT_ROLE = frozenset(
    {"role", "name", *_SAID, "tool_call_id", "context", "metadata", "refusal", "audio", "annotations"}
)
"""What a message that has no role may say."""
_SPEAKER_IN_ROLE = re.compile(r"(.+?) \((?:-> ?(.+)|thought|termination condition)\)\Z", re.DOTALL)
"""`Orchestrator (-> WebSurfer)`: transcripts of Magentic-One name speaker and addressee in the role."""

_IMAGE = re2.compile(r"\s*<(?:image|img [^<>]*)>\s*")
"""An image in a text: as AG2 flattens it, and as it is written for an agent that sees images."""

_HANDS_OVER = re.compile(r"transfer_to_[\w-]+_\d+\Z")
"""What AG2 calls the tools by which a model of a group says who goes on. They take no arguments."""


@dataclass(slots=True)
class ToolRequest:
    """A call that a message asks for. `call_id` is None in the legacy form, and where a model gives none."""

    call_id: str | None
    name: str
    arguments: Any


@dataclass(slots=True)
class ToolResponse:
    """The answer to a call, by id, or by the function's name in the legacy form."""

    call_id: str | None
    name: str | None
    content: Any


@dataclass(slots=True)
class Message:
    """One message.

    Attributes:
        sender: who handed it over; None where a transcript does not say.
        recipient: who received it; None in a transcript.
        name: whom the message itself names as its author.
        role: as the message says, or "".
        content: text, or JSON text where the content is a list or another value.
        plain: the text alone, images as `<image>`, as AG2 itself flattens it.
        tool_calls: the calls as they stand in the message, the legacy form included.
        is_template: whether AG2 fills something into its text, so that on another channel the text may be another.
    """

    sender: str | None
    recipient: str | None
    name: str | None
    role: str
    content: str | None
    plain: str
    tool_calls: Sequence[Any] = ()
    requests: Sequence[ToolRequest] = ()
    responses: Sequence[ToolResponse] = ()
    is_template: bool = False
    _measured: tuple[int, int] | None = field(default=None, repr=False, compare=False)
    """Hash and length of the words that count, which may be long and are asked for several times."""

    @property
    def author(self) -> str | None:
        """Whom a saved history names: AG2 keeps the name that a message brings along, whoever hands it over."""
        return self.name if self.name and not self.responses else self.sender

    @property
    def has_call_ids(self) -> bool:
        """Whether it asks for or answers tool calls that have ids."""
        return any(r.call_id for r in self.requests) or any(r.call_id for r in self.responses)

    @property
    def only_hands_over(self) -> bool:
        """Whether the tools that it asks for are all AG2's own, by which another agent of the group goes on."""
        return bool(self.requests) and all(
            _HANDS_OVER.match(request.name) and request.arguments in (None, "", "{}", {}) for request in self.requests
        )

    def key(self, with_sender: bool = True, author: str | None = None) -> int:
        """What makes two sightings the same message, within this process: a hash of author, text, calls and answers.

        Args:
            with_sender: False where the other side names no authors.
            author: who counts as the sender, where that is another one.
        """
        # Who asked or answered a tool is not always told, but the ids of the calls are enough.
        words, _ = self._measure()
        sender = (author or self.sender or "") if with_sender else ""
        if not (self.requests or self.responses):
            return hash((words, sender))
        asked = [(r.call_id, r.name) for r in self.requests]
        answered = [r.call_id for r in self.responses]
        return hash((words, "" if self.has_call_ids else sender, *asked, *answered))

    @property
    def size(self) -> int:
        """Characters of the words that count in `key`."""
        return self._measure()[1]

    def adds_to(self, key: int, size: int) -> bool:
        """Whether it is the message of this key and size with more words behind or before it."""
        words = self._words()
        parts = (words[:size], words[-size:]) if 0 < size < len(words) else ()
        return any(replace(self, plain=part, _measured=None).key() == key for part in parts)

    def _measure(self) -> tuple[int, int]:
        if self._measured is None:
            words = self._words()
            self._measured = hash(words), len(words)
        return self._measured

    def _words(self) -> str:
        # an agent that sees images has `see <img a.png>` in parts, and who told it so as it was written
        return (_IMAGE.sub("<image>", self.plain) if "<im" in self.plain else self.plain).strip()


def unblock(message: Message, speakers: Container[str | None], functions: Container[str]) -> None:
    """Takes a message for words of the agent that it names, where a safeguard of AG2 has blocked what was said.

    What stands there then has the role of a function's answer.

    Args:
        message: of a saved history.
        speakers: who speaks in that, or is known to be an agent.
        functions: what is asked for in it.
    """
    if message.role == "function" and message.name in speakers and message.name not in functions:
        message.sender, message.responses = message.name, ()


def is_message(value: Any) -> bool:
    """Whether a JSON value looks like a chat message: an object with a role, and something said or asked.

    One that only names its author may say nothing that messages do not: logs and lists of files have names and contents
    as well.
    """
    if not isinstance(value, dict) or not any(name in value for name in _SAID):
        return False
    if isinstance(value.get("role"), str):
        return True
    name = value.get("name")
    return isinstance(name, str) and "." not in name and value.keys() <= _WITHOUT_ROLE


def parse_message(message: Any, sender: str | None = None, recipient: str | None = None) -> Message:
    """Bring a message into one shape.

    Args:
        message: text, or an object as AG2 or an OpenAI-compatible server writes it.
        sender: who handed it over, where the channel knows.
        recipient: who received it, where the channel knows.
    """
    if not isinstance(message, dict):
        message = {"content": message}
    role, name = text_or_none(message.get("role")) or "", text_or_none(message.get("name"))
    if sender is None:
        sender, addressee = _speaker(role, name, message)
        recipient = recipient or addressee
    content = message.get("content")
    if content is None:
        content = _said_otherwise(message)
    result = Message(
        sender=sender,
        recipient=recipient,
        name=name,
        role=role,
        content=content if content is None or isinstance(content, str) else encode(content),
        plain=plain_text(content),
        is_template="context" in message,
    )
    _add_requests(result, message)
    _add_responses(result, message)
    if result.requests and content == "None":  # a NULL in the history of a pattern chat
        result.content, result.plain = None, ""
    return result


def _said_otherwise(message: dict[str, Any]) -> str | None:
    """What a message without content says: its words of refusal, or those that it speaks."""
    audio = message.get("audio")
    return text_or_none(message.get("refusal")) or text_or_none(
        audio.get("transcript") if isinstance(audio, dict) else None
    )


def _speaker(role: str, name: str | None, message: dict[str, Any]) -> tuple[str | None, str | None]:
    if role == "function" or (role == "tool" and "tool_call_id" in message):
        return None, None  # in the shape of OpenAI's API the name is the tool's
    if name:
        return name, None
    if isinstance(sender := message.get("sender"), str) and sender:  # as the tables and AG2's events call them
        return sender, text_or_none(message.get("recipient"))
    # of a role without that end the pattern would look for it at each of its brackets anew
    if role.endswith(")") and (match := _SPEAKER_IN_ROLE.match(role)):
        return match[1], match[2]
    return (role, None) if role and role not in _ROLES else (None, None)


def _add_requests(result: Message, message: dict[str, Any]) -> None:
    requests, tool_calls = list[ToolRequest](), list[Any]()
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        call = _nested(call)
        for kind, arguments in _CALLS if call else ():
            if isinstance(called := call.get(kind), dict):
                name = text_or_none(called.get("name")) or ""
                requests.append(ToolRequest(text_or_none(call.get("id")), name, called.get(arguments)))
                tool_calls.append(call)
                break
    call = message.get("function_call")
    if isinstance(call, dict) and call.get("name"):
        requests.append(ToolRequest(None, text_or_none(call["name"]) or "", call.get("arguments")))
        tool_calls.append({"type": "function", "function": call})
    if requests:
        result.requests, result.tool_calls = requests, tool_calls


def _nested(call: Any) -> dict[str, Any]:
    """A tool call as OpenAI's API has it: other programs write name and arguments beside the id."""
    if not isinstance(call, dict):
        return {}
    if not isinstance(name := call.get("name"), str) or any(isinstance(call.get(kind), dict) for kind, _ in _CALLS):
        return call
    arguments = next((call[key] for key in _ARGUMENTS if key in call), None)
    return {"id": call.get("id"), "type": "function", "function": {"name": name, "arguments": arguments}}


def _add_responses(result: Message, message: dict[str, Any]) -> None:
    responses = message.get("tool_responses")
    if isinstance(responses, list) and responses:
        result.responses = [
            ToolResponse(text_or_none(response.get("tool_call_id")), None, response.get("content"))
            for response in responses
            if isinstance(response, dict)
        ]
    elif result.role == "tool":
        result.responses = [ToolResponse(text_or_none(message.get("tool_call_id")), None, message.get("content"))]
    elif result.role == "function" and result.name is not None:  # else a safeguard of AG2 blocked what was said
        result.responses = [ToolResponse(None, result.name, message.get("content"))]


def plain_text(content: Any) -> str:
    """The text of a message's content. Of a list the texts, with `<image>` for an image, as AG2's `content_str`; what a
    model of the Responses API has its server do (`shell_call`, `apply_patch_call`) stays JSON."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(_part_text(part) for part in content)
    return encode(content)


def _part_text(part: Any) -> str:
    if isinstance(part, dict):
        kind = part.get("type")
        if kind in ("text", "input_text", "output_text"):
            return str(part.get("text", ""))
        return encode(part) if kind in _ACTIONS else "<image>"
    return str(part)


def text_or_none(value: Any) -> str | None:
    """A JSON value that ought to be text, as text; None stays None."""
    if value is None or isinstance(value, str):
        return value
    return encode(value)
