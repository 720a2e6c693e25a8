"""Saved transcripts: the messages of a chat as AG2 keeps them, inside the journal, or beside it when they are many."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capture import descriptor, encode, format

if TYPE_CHECKING:
    from capture.run import Run

SAYING = frozenset(
    {format.MESSAGE, format.EVENT, "text", "tool_call", "tool_response", "function_call", "function_response"}
)
"""Record kinds and types of events by which a journal tells of messages."""
INLINE = 1 << 20
"""Bytes up to which a transcript stands in the journal itself."""


@dataclass
class Chat:
    """A transcript: its name, its messages, and what AG2 says of the chat as a whole."""

    name: str
    messages: list[Any]
    about: dict[str, Any] = field(default_factory=dict)


def read(source: Any, name: str | None) -> Iterator[Chat]:
    """The transcripts that a source holds.

    Args:
        source: a GroupChat, GroupChatManager, ChatResult, list of ChatResult, or list of messages.
        name: what to call it; None makes it from the source.

    Raises:
        TypeError: the source is none of these.
    """
    if hasattr(source, "groupchat"):
        yield Chat(name or source.name, source.groupchat.messages)
    elif hasattr(source, "chat_history"):
        about = {key: getattr(source, key, None) for key in ("summary", "cost")}
        if getattr(source, "chat_id", None) is not None:
            about["chat_id"] = str(source.chat_id)  # 128 bits, more than a number in JSON may have
        yield Chat(name or "chat", source.chat_history, about)
    elif hasattr(source, "messages") and isinstance(source.messages, list):
        yield Chat(name or getattr(source, "admin_name", None) or "groupchat", source.messages)
    elif isinstance(source, list) and source and all(hasattr(item, "chat_history") for item in source):
        for number, item in enumerate(source):
            yield from read(item, f"{name or 'chat'}_{number}")
    elif isinstance(source, list) and all(isinstance(item, dict) for item in source):
        yield Chat(name or "messages", source)
    else:
        raise TypeError(
            f"save_messages: {type(source).__name__} is no GroupChat, GroupChatManager, ChatResult or list of messages"
        )


def save_rest(run: "Run") -> None:
    """Saves, at the end of a run, the group chats that nobody saved, and the histories that the journal lacks.

    A journal lacks messages that were exchanged before the run began, were left out by a setting, or were lost.
    """
    about = {"rest": True}
    for manager, chat in run.agents.chats:
        if chat.messages:
            save(run, Chat(manager, chat.messages, about), unless_saved=True)
    for name, messages in run.agents.unheard(is_complete(run)):
        save(run, Chat(name, messages, about))


def is_complete(run: "Run") -> bool:
    """Whether the journal has all messages of the run so far: none were left out by a setting, none were lost."""
    return run.skip.isdisjoint(SAYING) and not run.journal.lost


def save(run: "Run", chat: Chat, unless_saved: bool = False) -> None:
    """Writes a transcript into the journal, or beside it with a reference.

    Args:
        run: the run.
        chat: the transcript.
        unless_saved: whether one with the same messages that the user saved is taken for it.
    """
    data, replaced = encode.to_json(chat.messages)
    digest = hashlib.sha256(data).digest()
    if unless_saved and run.saved[digest]:
        run.saved[digest] -= 1
        return
    if run.mask is not None:
        data = run.mask.json(data)
    fields: dict[str, Any] = {"chat": chat.name, "count": len(chat.messages), **chat.about}
    if is_complete(run):
        fields["complete"] = True
    replaced = [{**note, "path": "$.messages" + note["path"][1:]} for note in replaced]
    if len(data) <= INLINE:
        seq = run.write(format.MESSAGES, fields, run.scope(), raw=b'"messages":' + data, replaced=replaced)
    else:
        try:
            fields |= _beside(run, chat.name, data)
        except OSError as error:
            run.write(format.GAP, {"lost": 1, "reason": f"transcript {chat.name}: {error}"}, run.scope())
            return
        seq = run.write(format.MESSAGES, fields, run.scope(), replaced=replaced)
    if seq is not None and not unless_saved:
        run.saved[digest] += 1


def _beside(run: "Run", chat: str, data: bytes) -> dict[str, str]:
    """Writes a transcript beside the journal, and returns what refers to it.

    Raises:
        OSError: it can't be written.
    """
    told = chat if run.mask is None else run.mask.name(chat)
    name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', told)[:100]}-{run.next_id('messages')}.json"
    with os.fdopen(descriptor.new_file(run.path / name, run.permissions), "wb") as file:
        file.write(data)
    return {"path": name, "sha256": hashlib.sha256(data).hexdigest()}
