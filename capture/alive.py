"""The keys of agents, clients and configs that were made before a run: they are masked from its first record on.

AG2 keeps no list of its agents, and a key may be in what the user hands over before its agent ever acts. So the
objects alive are asked for, once a run: those that refer to AG2's classes, which is 25 ms among 200,000 objects.
"""

import gc
from typing import Any, Final

from autogen import LLMConfig
from autogen.agentchat.conversable_agent import ConversableAgent
from autogen.oai.client import OpenAIWrapper

HELD: Final = {
    "api_key": "api_key",
    "azure_ad_token": "_azure_ad_token",
    "base_url": "base_url",
    "default_headers": "_custom_headers",
    "default_query": "_custom_query",
}
"""Settings of an OpenAI client that may hold a secret, and the attributes that it keeps them in."""


def configs() -> list[Any]:
    """What agents and clients alive are configured with, and configs that wait for an agent."""
    kinds = {kind for base in (ConversableAgent, OpenAIWrapper, LLMConfig) for kind in _with_subclasses(base)}
    found: list[Any] = []
    for thing in gc.get_referrers(*kinds):
        if type(thing) not in kinds:
            continue
        if isinstance(thing, ConversableAgent):
            found.append(_held(thing, "llm_config"))
        elif isinstance(thing, OpenAIWrapper):
            found.append(_held(thing, "_config_list"))
            # of a config that is given as a dict AG2 keeps the key nowhere but there
            clients = (getattr(client, "_oai_client", None) for client in _held(thing, "_clients") or ())
            found.extend({name: getattr(client, held, None) for name, held in HELD.items()} for client in clients)
        else:
            found.append(thing)
    return found


def _held(thing: Any, name: str) -> Any:
    """An attribute. Not read from `__dict__`: that would make all of the object's attributes slower (Python 3.11)."""
    try:
        return getattr(thing, name, None)
    except Exception:  # a property of the user's
        return None


def _with_subclasses(kind: type) -> set[type]:
    below: list[type] = kind.__subclasses__()
    return {kind}.union(*map(_with_subclasses, below))
