"""The agents that a run has met: who they are, and in which folders their code runs."""

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Seen:
    """Agents met so far. Holds none of them alive."""

    def __init__(self) -> None:
        self.folders: set[Path] = set()
        self._agents: dict[int, weakref.ref[Any]] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def is_new(self, agent: Any) -> bool:
        """Whether the agent acts for the first time; from then on it is known."""
        known = self._agents.get(id(agent))
        if known is not None and known() is agent:
            return False
        try:
            self._agents[id(agent)] = weakref.ref(agent)
        except TypeError:
            return False
        self.folders.update(work_folders(agent))
        return True

    def news(self, facts: dict[str, Any]) -> bool:
        """Whether this says anything that was not said of an agent of this name."""
        name = str(facts.get("name"))
        if self._facts.get(name) == facts:
            return False
        self._facts[name] = facts
        return True


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
        "name": _name(agent) or given.get("name"),
        "class": type(agent).__name__,
        "description": getattr(agent, "_description", None) or given.get("description"),
        "system_message": _system_message(agent) or given.get("system_message"),
        "model": _model(config),
        "tools": _tools(agent, config),
    }
    if chat is not None:
        fields["members"] = [_name(member) for member in getattr(chat, "agents", [])]
        selection = getattr(chat, "speaker_selection_method", None)
        fields["selection"] = getattr(selection, "__name__", selection)
    return fields


def work_folders(agent: Any) -> set[Path]:
    """Folders in which the agent's code runs."""
    folders = set()
    config = getattr(agent, "_code_execution_config", None)
    executor = getattr(agent, "_code_executor", None) or (config.get("executor") if isinstance(config, dict) else None)
    for place in (getattr(executor, "work_dir", None), config.get("work_dir") if isinstance(config, dict) else None):
        if isinstance(place, (str, Path)) and str(place):
            folders.add(Path(place).absolute())
    return folders


def _name(agent: Any) -> str | None:
    name = getattr(agent, "_name", None) or getattr(agent, "name", None)
    return name if isinstance(name, str) else None


def _system_message(agent: Any) -> str | None:
    messages = getattr(agent, "_oai_system_message", None)
    return messages[0].get("content") if messages else None


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
