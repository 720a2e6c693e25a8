"""The agents of one run, as its records describe them."""

from typing import Any

from ingest.latest import MAX_HELD
from ingest.lines import text_length

Data = dict[str, Any]

MAX_NAMESAKES = 100
"""Groups whose managers have the same name, as AG2 gives all of them one."""


class Agents:
    """What is known of each agent.

    Attributes:
        known: by name; of managers of one name the one that was described last. A manager of a name that another one
            has is told apart by `group`.
        left_out: descriptions that are not held, as too much is.
    """

    def __init__(self) -> None:
        self.known: dict[str, Data] = {}
        self.left_out = 0
        self._namesakes: dict[str, list[Data]] = {}
        self._length = 0
        """Characters of them all, as JSON."""

    def describe(self, name: str, about: Data) -> None:
        """An agent of this name is described."""
        self.known[name] = self.group_of(name, about)

    def group_of(self, name: str, about: Data) -> Data:
        """What is known of the agent of this name that is the manager of this group, with this beside it."""
        namesakes = self._namesakes.setdefault(name, [])
        agent = next((agent for agent in namesakes if _is_same_group(agent, about)), None)
        if agent is None:
            agent = {"group": f"{name} ({len(namesakes) + 1})"} if namesakes else {}
            self._length += text_length(agent) - sum(map(text_length, namesakes[MAX_NAMESAKES - 1 :]))
            namesakes[MAX_NAMESAKES - 1 :] = [agent]
        longer = text_length(agent | about) - text_length(agent)
        if self._length + longer > MAX_HELD:
            self.left_out += 1
        else:
            self._length += longer
            agent.update(about)
        return agent

    def all(self) -> list[Data]:
        """Every agent, those of one name together."""
        return [agent for namesakes in self._namesakes.values() for agent in namesakes]


def _is_same_group(agent: Data, about: Data) -> bool:
    """Whether a description is of this agent: one of another group is not, unless that has all of its members."""
    members, new = agent.get("members"), about.get("members")
    return not (isinstance(members, list) and isinstance(new, list)) or set(map(str, members)) <= set(map(str, new))
