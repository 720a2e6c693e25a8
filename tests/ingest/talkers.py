"""Agents without models that say, raise or ask something, and the turns that the tables have of them."""

import asyncio
from typing import Any

from autogen import ConversableAgent

from tests.ingest.tables import Tables

QUIET: dict[str, Any] = {"human_input_mode": "NEVER"}
IN_CHAT: dict[str, Any] = {"message": "hm", "max_turns": 1}
GO: dict[str, Any] = {"message": "go", "max_turns": 1}


def talker(name: str) -> ConversableAgent:
    """An agent without a model."""
    return ConversableAgent(name, llm_config=False, default_auto_reply=f"{name} says", **QUIET)


def raising(name: str) -> ConversableAgent:
    """An agent whose reply is an exception."""
    agent = talker(name)

    def fail(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        raise ValueError("out of ideas")

    agent.register_reply([ConversableAgent, None], fail, position=0)
    return agent


def asks(agent: ConversableAgent, asked: ConversableAgent) -> ConversableAgent:
    """This agent opens a chat with another one for each of its replies, and has nothing to say after it."""

    def ask(*args: Any, **kwargs: Any) -> tuple[bool, Any]:
        talker(f"{agent.name}'s").initiate_chat(asked, **IN_CHAT)
        return True, None

    agent.register_reply([ConversableAgent, None], ask, position=0)
    return agent


def chat(sender: ConversableAgent, recipient: ConversableAgent, is_async: bool, **how: Any) -> None:
    """A chat of two, or with a group."""
    if is_async:
        asyncio.run(sender.a_initiate_chat(recipient, **how))
    else:
        sender.initiate_chat(recipient, **how)


def turns(tables: Tables) -> list[tuple[Any, ...]]:
    """Turns and exceptions in order: depth, agent, subtype, status, and whose turn it is in."""
    rows = tables.sql(
        """
        SELECT event.depth, event.agent_name, event.event_type, event.event_subtype, event.status,
            outer_one.agent_name AS inside
        FROM execution_events AS event LEFT JOIN execution_events AS outer_one ON outer_one.id = event.parent_event_id
        WHERE event.event_type IN ('agent_call', 'error') ORDER BY event.run_id, event.execution_order
        """
    )
    return [
        (
            r["depth"],
            r["agent_name"],
            r["event_subtype"] if r["event_type"] == "agent_call" else "error",
            r["status"],
            r["inside"],
        )
        for r in rows
    ]
