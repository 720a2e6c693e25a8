"""Messages: most are told by the event that AG2 sends of them, the others by what AG2 logs of them.

AG2 logs a message without saying whether an event with the same words follows. Here, where it does both, that is known,
and a message is written once. Its agents log further things with every message, each way of replying that was tried,
which nobody records, and which cost as much as recording the message: they are told that nobody listens, unless
somebody does.
"""

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import autogen.runtime_logging
from autogen import GroupChatManager

from capture import active
from capture.active import Scope
from capture.logger import JournalLogger, meet, received
from capture.stream import failed

runtime_logging: Any = autogen.runtime_logging
USER: Final = "the user's logger"
listening: list[object] = []
"""Who wants to hear what AG2's agents log. AG2 asks several times a message, so that nobody does is told by `len`."""


RESUMING: Final = frozenset(
    getattr(getattr(GroupChatManager, name, None), "__code__", None) for name in ("resume", "a_resume")
)
"""The code in which AG2 hands the history of a group chat to its members before the chat goes on."""
NEAR: Final = 12
"""Frames among which that code is looked for: it sends a message to the member itself."""


class Told(threading.local):
    """What is known, in this thread, of the message that AG2 is at.

    Attributes:
        wanted: whether it is to be recorded when AG2 logs it.
        silent: whether AG2 sends no event of it; None where that is not known.
        resumed: its place in a group's history, that AG2 hands to the members; None where it is of none.
    """

    wanted = False
    silent: bool | None = None
    resumed: int | None = None


told = Told()


def user_listens(listens: bool) -> None:
    """Takes note of whether a logger of the user's is on."""
    if listens and USER not in listening:
        listening.append(USER)
    elif not listens and USER in listening:
        listening.remove(USER)


def logging_enabled(before: Callable[[], bool]) -> Callable[[], int]:
    """What takes the place of `logging_enabled` in AG2's agent module."""
    return listening.__len__


def process_received_message(before: Callable[..., None]) -> Callable[..., None]:
    """What takes the place of `ConversableAgent._process_received_message`."""

    def _process_received_message(self: Any, message: Any, sender: Any, silent: Any) -> None:
        if type(message) is str:
            pair = active.pairs.get((id(sender), id(self)))
            if pair is not None and not (silent if sender.silent is None else sender.silent):
                pair.count += 1
                before(self, message, sender, silent)
                return
        heed(before, self, message, sender, silent)

    return _process_received_message


def heed(before: Callable[..., None], recipient: Any, message: Any, sender: Any, silent: Any) -> None:
    """Has AG2 take in a message, which is recorded from AG2's log unless its event says all of it."""
    scope = active.scope()
    if scope is None or said_by_event(scope, recipient, message, sender, silent):
        before(recipient, message, sender, silent)
        return
    mark = object()
    try:
        told.wanted, told.silent, told.resumed = True, _is_silent(sender, silent), _place_in_history()
        listening.append(mark)
        before(recipient, message, sender, silent)
    finally:
        told.wanted = False
        unlisten(mark)


def unlisten(mark: object) -> None:
    """Takes somebody from those who listen; an interrupt may have come before it was one of them."""
    if mark in listening:
        listening.remove(mark)


def said_by_event(scope: Scope, recipient: Any, message: Any, sender: Any, silent: Any) -> bool:
    """Whether the event that follows a message says all of it; if so, it is counted."""
    try:
        meet(scope, sender)
        if scope.run.skip or (silent if sender.silent is None else sender.silent) or not _is_plain(message):
            return False
        meet(scope, recipient)
        scope.run.agents.introduce(sender, recipient)
    except Exception as error:
        failed(scope.run, error)
        return False
    return True


def _is_silent(sender: Any, silent: Any) -> bool | None:
    """Whether AG2 sends no event of a message, as AG2 itself tells; None where that can't be told."""
    try:
        return bool(silent if sender.silent is None else sender.silent)
    except Exception:
        return None


def _place_in_history() -> int | None:
    """The place of the message in the history of a group chat that goes on: AG2 sends it like any other."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(NEAR):
        if frame is None:
            break
        if frame.f_code in RESUMING:
            place = frame.f_locals.get("i")
            return place if type(place) is int else None
        frame = frame.f_back
    return None


def _is_plain(message: Any) -> bool:
    """Whether a message is no more than its words. No event tells a role, such as a human's."""
    if type(message) is str:
        return True
    return type(message) is dict and type(message.get("content")) is str and message.keys() == {"content"}


def log_event(before: Callable[..., None]) -> Callable[..., None]:
    """What takes the place of `log_event` in AG2's agent module."""

    def log_event(source: Any, name: str, **kwargs: Any) -> None:
        if told.wanted and name == "received_message":
            told.wanted = False
            received(source, kwargs, told.silent, told.resumed)
        logger = runtime_logging.autogen_logger
        if not isinstance(logger, JournalLogger):
            if runtime_logging.is_logging:  # else the run was closed just now, by another thread
                before(source, name, **kwargs)
        elif logger.user_is_on:
            logger.user.log_event(source, name, **kwargs)  # type: ignore[union-attr]

    return log_event
