"""AG2 agents that tests use."""

from typing import Any

from autogen import ConversableAgent


def talker(name: str, says: str = "hello", **options: Any) -> ConversableAgent:
    """An agent without a model, that always says the same."""
    return ConversableAgent(name, llm_config=False, human_input_mode="NEVER", default_auto_reply=says, **options)


def thinker(name: str, config: dict[str, Any], **options: Any) -> ConversableAgent:
    """An agent with a model."""
    options.setdefault("system_message", f"You are {name}.")
    options.setdefault("description", f"the {name}")
    return ConversableAgent(name, llm_config=config, human_input_mode="NEVER", **options)
