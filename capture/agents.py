"""The agents that a run has met: who they are, and in which folders their code runs."""

import functools
import os
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from capture import encode

CHATS: Final = 32
"""Group chats of which the messages are kept until the end of the run."""
HEARD: Final = 10_000
"""Pairs of names whose messages are counted. Beyond them counting begins anew; then more is saved than is missing."""
NAMES: Final = 1000
"""Names that are shown."""
PAIRS: Final = 1000
"""Pairs of agents that are told by their identity. Beyond them begins anew who has had a chat before."""
INTERNAL: Final = frozenset({"checking_agent", "speaker_selection_agent"})
"""Agents that AG2 makes up for the choice of a speaker; their chats begin with a copy of the group's."""


def name_of(agent: Any) -> str | None:
    """An agent's name, or None: one that is being made has none yet. A name is its own."""
    if isinstance(agent, str):
        return agent
    try:
        name = getattr(agent, "name", None)
    except Exception:  # an object of the user's that only looks like an agent
        return None
    return name if isinstance(name, str) else None


class Pair:
    """Two agents, and how many messages went from one to the other.

    Args:
        sender: who sends them.
        recipient: who receives them.
        gone: called when one of them is no more, before its identity can be another's.
    """

    __slots__ = ("_alive", "count", "names")

    def __init__(self, sender: Any, recipient: Any, gone: Callable[[Any], Any]) -> None:
        self.names = (str(sender.name), str(recipient.name))
        self.count = 1
        self._alive = weakref.ref(sender, gone), weakref.ref(recipient, gone)


class Seen:
    """Agents met so far. Holds none of them alive, and only the latest group chats.

    Attributes:
        names: what they are called, up to a number.
        folders: where their code runs.
        shared: folders in which code of other runs runs, or ran while this run was on, up to a number, each with the
            time, in nanoseconds, at which the last of these runs was over.
        chats: their latest group chats, with the name of each one's manager.
        heard: how many messages went from one to another, by name of sender and recipient.
        pairs: the same by identity, which is how most are counted: AG2 computes a name anew whenever it is asked.

    An agent is announced while it is being made, when half of it is missing, so it is described when it first acts,
    or at the end of the run. It may be given tools and another system message later, so it is then described again.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.folders: set[Path] = set()
        self.shared: dict[Path, float] = {}
        self.chats: deque[tuple[str, Any]] = deque(maxlen=CHATS)
        self.heard: Counter[tuple[str, str]] = Counter()
        self.pairs: dict[tuple[int, int], Pair] = {}
        self._chats_over: dict[tuple[int, ...], tuple[str, list[weakref.ref[Any]]]] = {}
        self._acted: dict[int, weakref.ref[Any]] = {}
        self._described: dict[int, int] = {}
        self._announced: dict[int, tuple[weakref.ref[Any], dict[str, Any]]] = {}

    def announce(self, agent: Any, init_args: Mapping[str, Any]) -> dict[str, Any] | None:
        """Takes note of an agent that is being made.

        Returns:
            The description of an earlier one that is gone without having acted, if there is one to be written.
        """
        earlier = self._announced.get(id(agent))
        self._announced[id(agent)] = (weakref.ref(agent), describe(agent, init_args))
        return earlier[1] if earlier is not None and earlier[0]() is not agent else None

    def is_new(self, agent: Any) -> bool:
        """Whether the agent acts for the first time; from then on it is known."""
        known = self._acted.get(id(agent))
        if known is not None and known() is agent:
            return False
        key = id(agent)
        self._acted[key] = weakref.ref(agent, lambda gone: self._forget(key, gone))
        self._announced.pop(id(agent), None)
        if len(self.names) < NAMES:
            self.names.add(str(name_of(agent)))
        self.folders.update(work_folders(agent))
        chat = getattr(agent, "_groupchat", None)
        if chat is not None and not any(chat is known for _, known in self.chats):
            self.chats.append((str(name_of(agent)), chat))
        return True

    def introduce(self, sender: Any, recipient: Any) -> None:
        """Counts a message from one to another, and makes the two a pair."""
        key = (id(sender), id(recipient))
        earlier = self.pairs.pop(key, None)
        if earlier is not None:
            self.count(*earlier.names, earlier.count)
        if len(self.pairs) >= PAIRS:
            self._settle()
            self.pairs.clear()
        # what is called when one is gone is no Python: a signal handler that raised in there would be ignored, and the
        # pair would be taken for that of two others
        self.pairs[key] = Pair(sender, recipient, functools.partial(self.pairs.pop, key))

    def chat_is_over(self, sender: Any, recipient: Any, chat: str) -> None:
        """Takes note of a chat with which a later one of the two, or of the group, may go on."""
        parties = _parties(sender, recipient)
        key = tuple(map(id, parties))
        if len(self._chats_over) >= PAIRS:
            self._chats_over.clear()
        gone = functools.partial(self._chats_over.pop, key)
        self._chats_over[key] = chat, [weakref.ref(party, gone) for party in parties]

    def chat_begins(self, sender: Any, recipient: Any, clears: bool) -> str | None:
        """Takes note of a chat, with which none goes on until it is over.

        Args:
            sender: the agent that begins it.
            recipient: the agent that it begins it with.
            clears: whether AG2 forgets what was said before.

        Returns:
            `id` of the latest chat of the two, or of the group, where that is over and they still have its history.
        """
        former = self._chats_over.pop(tuple(map(id, _parties(sender, recipient))), None)
        if former is None or clears:
            return None
        group = getattr(recipient, "_groupchat", None)
        history = sender._oai_messages.get(recipient) if group is None else group.messages
        return former[0] if history else None

    def count(self, sender: str, recipient: str, messages: int = 1) -> None:
        """Counts messages by name."""
        if len(self.heard) >= HEARD:
            self.heard.clear()
        self.heard[sender, recipient] += messages

    def _settle(self) -> None:
        """Counts by name what was counted by identity."""
        for pair in list(self.pairs.values()):
            self.count(*pair.names, pair.count)
            pair.count = 0

    def _forget(self, key: int, gone: weakref.ref[Any]) -> None:
        if self._acted.get(key) is gone:
            del self._acted[key]
            self._described.pop(key, None)

    def described(self, agent: Any) -> dict[str, Any]:
        """The description of an agent, of which a mark is kept."""
        facts = describe(agent)
        self._described[id(agent)] = _mark(facts)
        return facts

    def changed(self) -> Iterator[dict[str, Any]]:
        """Descriptions of those that are no longer what they were when they were described."""
        for reference in list(self._acted.values()):
            agent = reference()
            if agent is None:
                continue
            self.folders.update(work_folders(agent))
            earlier = self._described.get(id(agent))
            facts = self.described(agent)
            if earlier != self._described[id(agent)]:
                yield facts

    def silent(self) -> Iterator[dict[str, Any]]:
        """Descriptions of those that never acted."""
        for agent, facts in list(self._announced.values()):
            alive = agent()
            if alive is not None:
                self.folders.update(work_folders(alive))
            yield facts if alive is None else describe(alive)

    def usages(self) -> dict[str, dict[str, Any]]:
        """What the agents' clients have counted, cached answers included (`total`) and not (`actual`), by name."""
        found: dict[str, dict[str, Any]] = {}
        for reference in list(self._acted.values()):
            agent = reference()
            client = getattr(agent, "client", None)
            counted = {kind: getattr(client, f"{kind}_usage_summary", None) for kind in ("total", "actual")}
            if any(isinstance(summary, dict) for summary in counted.values()):
                found[str(name_of(agent))] = counted
        return found

    def unheard(self, complete: bool) -> Iterator[tuple[str, list[Any]]]:
        """Chat histories that have more messages than were heard: a name, and the messages.

        Args:
            complete: whether all that was said was heard, so that a history of which nothing was is of before the run.
        """
        self._settle()
        done: set[frozenset[str]] = set()
        acted = {id(agent): agent for agent in [reference() for reference in list(self._acted.values())]}
        names = {name_of(agent) for agent in acted.values()}
        for agent in acted.values():
            name = name_of(agent)
            for other, history in dict(getattr(agent, "_oai_messages", None) or {}).items():
                if id(other) not in acted and name_of(other) in names:
                    continue  # one that was made anew since: the history is of the former one
                pair = frozenset((str(name), str(name_of(other))))
                twice = other is agent  # AG2 keeps what an agent says to itself as said, and then as heard
                heard = sum(self.heard[a, b] for a in pair for b in pair if a != b or len(pair) == 1)
                is_new = pair not in done and not pair & INTERNAL and (heard or not complete)
                if is_new and len(history) > heard * (1 + twice):
                    done.add(pair)
                    yield f"{name} and {name_of(other)}", list(history)[twice :: 1 + twice]


def _parties(sender: Any, recipient: Any) -> list[Any]:
    """Whose history a chat is: that of a group its manager's, whoever begins it, or else that of the two."""
    if getattr(recipient, "_groupchat", None) is not None:
        return [recipient]
    return sorted((sender, recipient), key=id)


def describe(agent: Any, init_args: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The fields of an `agent` record.

    Args:
        agent: the agent; one that is just being made has only some of its attributes.
        init_args: what it is made with.
    """
    given = init_args or {}
    chat = getattr(agent, "_groupchat", None) or given.get("groupchat")
    config = getattr(agent, "llm_config", None) or given.get("llm_config")
    fields = {
        "name": name_of(agent) or given.get("name"),
        "class": type(agent).__name__,
        "description": getattr(agent, "_description", given.get("description")),
        "system_message": _system_message(agent, given),
        "model": _model(config),
        "tools": _tools(agent, config),
    }
    for folder in sorted(work_folders(agent))[:1]:
        fields["work_dir"] = from_folder(folder, Path.cwd())
    return fields | group_of(chat)


def from_folder(folder: Path, base: Path) -> str:
    """A folder's path, relative to another one where it lies below that."""
    return folder.relative_to(base).as_posix() if folder.is_relative_to(base) else str(folder)


def group_of(chat: Any) -> dict[str, Any]:
    """The fields that tell what group of agents a chat is of: none where it is of no group."""
    if chat is None:
        return {}
    selection = getattr(chat, "speaker_selection_method", None)
    return {
        "members": [name_of(member) for member in getattr(chat, "agents", [])],
        "selection": getattr(selection, "__name__", selection),
    }


def _mark(facts: dict[str, Any]) -> int:
    """By which equal descriptions are found again."""
    return hash(encode.to_json(facts)[0])


def work_folders(agent: Any) -> set[Path]:
    """Folders in which the agent's code runs."""
    folders: set[Path] = set()
    config = getattr(agent, "_code_execution_config", None)
    if not isinstance(config, dict):
        return folders
    executor = config.get("executor")
    if executor is not None:
        executor = getattr(agent, "_code_executor", None) or executor
    found = [folder_of(executor), _as_folder(config.get("work_dir"))]
    return folders.union(folder for folder in found if folder is not None)


def folder_of(executor: Any) -> Path | None:
    """The folder in which an executor runs code; None where it names none."""
    try:
        return _as_folder(getattr(executor, "work_dir", None))
    except Exception:  # an executor of the user's
        return None


def _as_folder(place: Any) -> Path | None:
    return Path(os.path.abspath(place)) if isinstance(place, (str, Path)) and str(place) else None


def _system_message(agent: Any, given: Mapping[str, Any]) -> str | None:
    messages = getattr(agent, "_oai_system_message", None)
    text = messages[0].get("content") if messages else given.get("system_message")
    return text if isinstance(text, str) else None


def _model(config: Any) -> str | None:
    """The model name, from any of the forms that `llm_config` has."""
    if not config:
        return None
    choices = _get(config, "config_list")
    first = choices[0] if choices else config
    model = _get(first, "model") or _get(config, "model")
    return model if isinstance(model, str) else None


def _get(config: Any, name: str) -> Any:
    if isinstance(config, Mapping):
        return config.get(name)
    return getattr(config, name, None)


def _tools(agent: Any, config: Any) -> list[str]:
    names = list(getattr(agent, "_function_map", None) or {})
    for tool in _get(config, "tools") or []:
        name = tool.get("function", {}).get("name") if isinstance(tool, Mapping) else getattr(tool, "name", None)
        if name and name not in names:
            names.append(name)
    return names
